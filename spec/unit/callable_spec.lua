local fake_core = require "spec.support.fake_core"
local record = require "spec.support.record"

local new_userdata = rawget(_G, "newproxy")

-- What can be called and is no Lua function: a table; one whose metatable is hidden; a userdata, where Lua makes one.
local FORMS = {
  ["a callable table"] = function(fn)
    return setmetatable({}, { __call = function(_, ...) return fn(...) end })
  end,
  ["a callable table with a hidden metatable"] = function(fn)
    return setmetatable({}, { __metatable = "hidden", __call = function(_, ...) return fn(...) end })
  end,
}
if new_userdata then
  FORMS["a callable userdata"] = function(fn)
    local userdata = new_userdata(true)
    getmetatable(userdata).__call = function(_, ...) return fn(...) end
    return userdata
  end
end

describe("where a function is taken,", function()
  local core, appsync, log

  before_each(function()
    core, appsync, log = fake_core.open()
  end)

  local function open_client(options)
    options.endpoint = "http://localhost/graphql"
    options.auth = options.auth or { type = "NONE" }
    return appsync.client(options)
  end

  for name, form in pairs(FORMS) do
    describe(name, function()
      it("runs as a task, in appsync.pcall and appsync.wrap, inside and outside of a task", function()
        local function add(a, b)
          appsync.sleep(1)
          return a + b
        end
        local function calls()
          assert.equal(3, (appsync.spawn(form(add), 1, 2):await()))
          assert.same({ true, 3 }, { appsync.pcall(form(add), 1, 2) })
          assert.equal(3, appsync.wrap(form(add))(1, 2))
          return "end"
        end
        assert.equal("end", calls())
        assert.equal("end", appsync.run(form(calls)))
      end)

      it("handles the events of a subscription, by itself and as an observer's function", function()
        local subject, seen = appsync.subject(), {}
        subject:subscribe(form(function(value) table.insert(seen, value) end))
        subject:subscribe{
          next = form(function(value) table.insert(seen, value .. "!") end),
          complete = form(function() table.insert(seen, "complete") end),
        }
        subject:next "a"
        subject:complete()
        fake_core.drive()
        table.sort(seen)
        assert.same({ "a", "a!", "complete" }, seen)
      end)

      it("is an operator's function, a source's, and stops a source", function()
        local is_stopped = false
        local source = appsync.observable(form(function(observer)
          for i = 1, 4 do observer:next(i) end
          observer:error "over"
          return form(function() is_stopped = true end)
        end))
        local tapped = {}
        local seen = record(source
          :map(form(function(value) return value * 10 end))
          :filter(form(function(value) return value ~= 20 end))
          :scan(form(function(sum, value) return sum + value end), 0)
          :distinct(form(function(value) return value > 0 end))
          :tap(form(function(value) table.insert(tapped, value) end))
          :catch(form(function() return "caught" end)))
        fake_core.drive()
        assert.same({ 10, "caught", "complete" }, seen)
        assert.same({ 10 }, tapped)
        assert.is_true(is_stopped)
        local each = {}
        appsync.observable(function(observer)
          observer:next(1)
          observer:complete()
        end):for_each(form(function(value) table.insert(each, value) end))
        assert.same({ 1 }, each)
      end)

      it("gives headers of a client, of `with` and of a call, and of a subscription", function()
        local function headers(value)
          return form(function(operation)
            assert.equal("Q", operation.name)
            return { [value] = value }
          end)
        end
        local client = open_client{ headers = headers "of-client" }:with{ headers = headers "of-user" }
        client:query("query Q { a }", nil, { headers = headers "of-call", on_result = function() end })
        assert.same({ ["of-client"] = "of-client", ["of-user"] = "of-user", ["of-call"] = "of-call" },
          core.executed[1].call.headers)
        local subscription = open_client{ headers = form(function() return { a = "b" } end) }
        subscription:subscribe("subscription S { a }"):subscribe(function() end)
        assert.is_true(core.subscribed[1].call.dynamic_headers)
      end)

      it("gives a token, credentials, and is a provider's get", function()
        local function material_for(auth)
          open_client{ auth = auth }:query("query Q { a }", nil, { on_result = function() end })
          core.push("AUTH", core.auths[#core.auths].id, "first")
          fake_core.drive()
          return core.answers[#core.answers].material
        end
        local keys = { access_key_id = "AKID", secret_access_key = "secret" }
        local function give_keys() return keys end
        local function give_token() return "token" end
        assert.same({ secret = "token" }, material_for{ type = "OPENID_CONNECT", token = form(give_token) })
        assert.same({ secret = "token" }, material_for{ type = "AWS_LAMBDA", token = { get = form(give_token) } })
        assert.same({ secret = "token" },
          material_for{ type = "AMAZON_COGNITO_USER_POOLS", token = { current_session = form(give_token) } })
        assert.same(keys, material_for{ type = "AWS_IAM", region = "eu-west-1", credentials = form(give_keys) })
        assert.same(keys, material_for{ type = "AWS_IAM", region = "eu-west-1", credentials = { get = form(give_keys) } })
        local chain = appsync.auth.chain{ { get = form(give_keys) } }
        assert.equal(keys, (chain:get()))
      end)

      it("gets a result and the log", function()
        local result, lines = nil, {}
        local client = open_client{ log = form(function(_, message) table.insert(lines, message) end) }
        client:query("query Q { a }", nil, { on_result = form(function(data) result = data end) })
        core.push("RESULT", core.executed[1].id, { a = 1 }, nil, { source = "network", status = 200 })
        fake_core.drive()
        assert.same({ a = 1 }, result)
        core.push("LOG", client.root.handle.id, "warn", "a warning")
        fake_core.drive()
        assert.same({ "a warning" }, lines)
        assert.same({}, log)
      end)

      it("belongs to an adapter", function()
        local co, slept
        local is_ready = false
        require("appsync.host").use{
          current = form(function() return co end),
          suspend = form(function() coroutine.yield() end),
          resume = form(function() is_ready = true end),
        }
        co = coroutine.create(function() slept = appsync.sleep(1) end)
        assert(coroutine.resume(co))
        fake_core.drive(1)
        assert.is_true(is_ready)
        assert(coroutine.resume(co))
        assert.is_true(slept)
      end)
    end)
  end

  it("an observer may be a table that can be called as well", function()
    local subject, seen = appsync.subject(), {}
    local observer = setmetatable({ next = function(value) table.insert(seen, value) end },
      { __call = function() table.insert(seen, "called") end })
    subject:subscribe(observer)
    subject:next "event"
    fake_core.drive()
    assert.same({ "event" }, seen)
  end)

  it("a C function runs as well", function()
    local function calls()
      assert.equal(5, (appsync.spawn(math.max, 1, 5):await()))
      assert.same({ true, 5 }, { appsync.pcall(math.max, 1, 5) })
      assert.same({ false, "text" }, { appsync.pcall(error, "text", 0) })
      assert.equal(5, appsync.wrap(math.max)(1, 5))
      local seen = record(appsync.observable(function(observer)
        observer:next(-1)
        observer:complete()
      end):map(math.abs))
      fake_core.drive()
      assert.same({ 1, "complete" }, seen)
      return "end"
    end
    assert.equal("end", calls())
    appsync.spawn(calls):await()
  end)

  it("appsync.pcall returns false for what can't be called, wherever it stands", function()
    for _, value in ipairs{ 5, "text", {} } do
      local function try()
        local ok, raised = appsync.pcall(value)
        assert.is_false(ok)
        assert.matches("attempt to call", raised)
        return "end"
      end
      assert.equal("end", try())
      assert.equal("end", appsync.run(try))
    end
  end)

  it("a table that can't be called is refused by name, with what it lacks", function()
    local calls = {
      ["appsync.spawn: fn"] = function(value) appsync.spawn(value) end,
      ["appsync.run: fn"] = function(value) appsync.run(value) end,
      ["appsync.wrap: fn"] = function(value) appsync.wrap(value) end,
      ["appsync.observable: subscribe_fn"] = function(value) appsync.observable(value) end,
      ["map: fn"] = function(value) appsync.subject():map(value) end,
      ["for_each: fn"] = function(value) appsync.subject():for_each(value) end,
      ["host.use: adapter.suspend"] = function(value)
        require("appsync.host").use{ current = print, suspend = value, resume = print }
      end,
    }
    for name, call in pairs(calls) do
      for _, value in ipairs{ {}, setmetatable({}, { __call = "text" }) } do
        assert.error_matches(function() call(value) end, name:gsub("%.", "%%.") .. " must be a function, got a table without __call")
      end
      assert.error_matches(function() call(5) end, name:gsub("%.", "%%.") .. " must be a function, got number 5")
    end
  end)
end)
