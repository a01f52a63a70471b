local core = require("appsync.core")
local engine = require("appsync.server.engine")
local resolver_util = require("appsync.server.resolver_util")

local NOW = 1795164179.1584

describe("ctx.util", function()
  local function run(resolver, query, mode)
    local made = assert(engine.new({
      schema_text = "type Query { a: Thing n: Int! s: String } type Thing { id: ID name: String }",
      resolvers = { Query = { a = resolver, n = resolver, s = resolver } },
      providers = { util = resolver_util.provider({ now = function() return NOW end, uuid = function() return "u-u" end }) },
    }))
    return core.decode((made:execute({ query = query or "{ a { id } }", identity = { mode = mode or "API_KEY" } })))
  end

  -- What a resolver computes, as text.
  local function value(fn)
    local answer = run(function(ctx) return tostring(fn(ctx.util)) end, "{ s }")
    assert.is_nil(answer.errors)
    return answer.data.s
  end

  it("error ends the field with type, data as the field selects it, and info", function()
    local answer = run(function(ctx) ctx.util.error("gone", "NotFound", { id = 1, name = "x" }, { tries = 2 }) end)
    assert.equal(core.null, answer.data.a)
    local err = answer.errors[1]
    assert.same({ "gone", "NotFound", { id = 1 }, { tries = 2 } }, { err.message, err.errorType, err.data, err.errorInfo })
  end)

  it("error needs no more than a message, and takes null for what is left out", function()
    local err = run(function(ctx) ctx.util.error("gone", core.null, core.null) end).errors[1]
    assert.same({ "gone", core.null, core.null, core.null }, { err.message, err.errorType, err.data, err.errorInfo })
  end)

  it("append_error adds errors while the value is returned", function()
    local answer = run(function(ctx)
      ctx.util.append_error("slow", "Warning")
      ctx.util.append_error("old")
      return { id = "1" }
    end)
    assert.equal("1", answer.data.a.id)
    assert.same({ "slow", "old" }, { answer.errors[1].message, answer.errors[2].message })
    assert.same({ "a" }, answer.errors[1].path)
    assert.equal("Warning", answer.errors[1].errorType)
  end)

  it("auth_type names the mode in the service's words", function()
    for mode, name in pairs({ API_KEY = "API Key Authorization", AWS_IAM = "IAM Authorization",
      AMAZON_COGNITO_USER_POOLS = "User Pool Authorization", OPENID_CONNECT = "Open ID Connect Authorization",
      AWS_LAMBDA = "Lambda Authorization" }) do
      assert.equal(name, run(function(ctx) return ctx.util.auth_type() end, "{ s }", mode).data.s)
    end
  end)

  it("unauthorized refuses the field as the service does", function()
    local err = run(function(ctx) ctx.util.unauthorized() end).errors[1]
    assert.same({ "Not Authorized to access a on type Query", "Unauthorized" }, { err.message, err.errorType })
  end)

  it("knows the time and ids", function()
    assert.equal("u-u", value(function(util) return util.auto_id() end))
    assert.equal("u-u", value(function(util) return util.uuid() end))
    assert.equal("1795164179", value(function(util) return ("%d"):format(util.now_epoch_seconds()) end))
    assert.equal("1795164179158", value(function(util) return ("%.0f"):format(util.now_epoch_ms()) end))
    assert.equal("2026-11-20T08:42:59.158Z", value(function(util) return util.now_iso8601() end))
  end)

  it("converts times both ways", function()
    for text, ms in pairs({
      ["1970-01-01T00:00:00Z"] = 0, ["2000-02-29T12:30:15.5Z"] = 951827415500, ["2026-11-20T09:42:59.158+01:00"] = 1795164179158,
      ["2026-11-20T03:12:59.158-05:30"] = 1795164179158, ["1969-12-31T23:59:59.999Z"] = -1,
    }) do
      assert.equal(("%.0f"):format(ms), value(function(util) return ("%.0f"):format(util.parse_iso8601_to_epoch_ms(text)) end))
    end
    assert.equal("2000-02-29T12:30:15.500Z", value(function(util) return util.epoch_ms_to_iso8601(951827415500) end))
    for _, text in ipairs({ "now", "2026-11-20", "2026-11-20T09:42:59", "2026-11-20T09:42:59x" }) do
      local err = run(function(ctx) return ctx.util.parse_iso8601_to_epoch_ms(text) end).errors[1]
      assert.matches("expected an ISO 8601 date and time with a zone", err.message)
    end
  end)

  it("speaks JSON, base64 and percents", function()
    assert.equal('{"a":[1]}', value(function(util) return util.to_json({ a = { 1 } }) end))
    assert.equal("null", value(function(util) return util.to_json(nil) end))
    assert.equal("false", value(function(util) return util.to_json(false) end))
    assert.equal("2", value(function(util) return ("%d"):format(util.parse_json("[1,2]")[2]) end))
    assert.equal("aGk=", value(function(util) return util.base64_encode("hi") end))
    assert.equal("hi", value(function(util) return util.base64_decode("aGk=") end))
    -- As forms are, which the guide says.
    assert.equal("a+b%2F%7E%2B%25*-._%C3%A9", value(function(util) return util.url_encode("a b/~+%*-._\195\169") end))
    assert.equal("1000000000000000", value(function(util) return util.url_encode(1e15) end))
    assert.equal("a b/~+%*", value(function(util) return util.url_decode(util.url_encode("a b/~+%*")) end))
    assert.equal("a b/", value(function(util) return util.url_decode("a+b%2f") end))
    local text
    local err = run(function(ctx)
      text = ctx.util.to_json({ ["x.lua:1: y"] = { print } })
      return text
    end).errors[1]
    assert.equal('value["x.lua:1: y"][1]: a function can\'t be JSON', err.message)
    assert.matches("not JSON", run(function(ctx) return ctx.util.parse_json("{") end).errors[1].message)
    assert.matches("not base64", run(function(ctx) return ctx.util.base64_decode("*") end).errors[1].message)
  end)

  it("knows null, and what is empty", function()
    local function all(name, ...)
      local out = {}
      for i = 1, select("#", ...) do
        local given = select(i, ...)
        out[i] = value(function(util) return util[name](given) end)
      end
      return table.concat(out, " ")
    end
    assert.equal("true true false false", all("is_null", nil, core.null, false, ""))
    assert.equal("true true true false", all("is_null_or_blank", nil, core.null, " ", "x"))
    assert.equal("true true true false", all("is_null_or_empty", core.null, "", {}, { 1 }))
    assert.equal("7", value(function(util) return util.default_if_null(core.null, "7") end))
    assert.equal("false", value(function(util) return util.default_if_null(false, "7") end))
    assert.equal("true", value(function(util) return util.null == core.null end))
  end)

  it("default_if_null_or_empty and default_if_null_or_blank give the default for what they are named after", function()
    assert.equal("d v d", value(function(util)
      return table.concat({ util.default_if_null_or_empty("", "d"), util.default_if_null_or_empty("v", "d"),
        util.default_if_null_or_empty(core.null, "d") }, " ")
    end))
    assert.equal("d v d", value(function(util)
      return table.concat({ util.default_if_null_or_blank(" ", "d"), util.default_if_null_or_blank("v", "d"),
        util.default_if_null_or_blank(nil, "d") }, " ")
    end))
  end)

  it("is_null tells an argument that is null from one that is given, which is true in an `if`", function()
    local made = assert(engine.new({
      schema_text = "type Query { a(filter: String): String }",
      resolvers = { Query = { a = function(ctx)
        return ("%s %s"):format(ctx.args.filter and "true" or "false", tostring(ctx.util.is_null(ctx.args.filter)))
      end } },
      providers = { util = resolver_util.provider({ now = os.time, uuid = core.uuid }) },
    }))
    local function ask(query) return core.decode((made:execute({ query = query }))).data.a end
    assert.equal("true true", ask("{ a(filter: null) }"))
    assert.equal("true false", ask('{ a(filter: "x") }'))
    assert.equal("false true", ask("{ a }"))
  end)

  local MISUSES = {
    epoch_ms_to_iso8601 = { "x", "ctx.util.epoch_ms_to_iso8601 takes a number of milliseconds, not a string" },
    parse_iso8601_to_epoch_ms = { "x", 'expected an ISO 8601 date and time with a zone, not "x"' },
    to_json = { print, "function" },
    parse_json = { core.null, "ctx.util.parse_json takes a text, not null" },
    base64_encode = { {}, "ctx.util.base64_encode takes a text, not a table" },
    base64_decode = { "?", "not base64" },
  }
  for name, misuse in pairs(MISUSES) do
    it(name .. " names the resolver's line when it is called with something else", function()
      local thrown = value(function(util)
        local _, why = pcall(function()
          local made = util[name](misuse[1])
          return made
        end)
        return why
      end)
      assert.matches("resolver_util_spec.lua:%d+: ", thrown)
      assert.matches(misuse[2], thrown, 1, true)
      assert.is_nil(thrown:find("server/resolver_util.lua", 1, true), thrown)
    end)
  end
end)
