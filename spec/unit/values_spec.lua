local fake_core = require "spec.support.fake_core"

describe("the values of the library", function()
  local core, appsync, errors

  before_each(function()
    core = fake_core.install()
    appsync = require "appsync"
    errors = require "appsync.errors"
  end)

  it("the module has what the API lists, and nothing that isn't there yet", function()
    for _, name in ipairs{ "run", "spawn", "sleep", "update", "fd", "wrap", "pcall", "assert", "array", "encode",
      "decode", "copy", "uuid", "gql", "configure", "client", "observable", "subject", "bind", "scope" } do
      assert.is_function(appsync[name], name)
    end
    assert.equal("0.0.0", appsync.version)
    assert.equal("API_KEY", appsync.AUTH_TYPE.API_KEY)
    assert.not_equal(appsync.DISCARD, appsync.ALL)
    assert.equal("appsync.DISCARD", tostring(appsync.DISCARD))
    for _, name in ipairs{ "rest", "datastore" } do assert.is_nil(appsync[name]) end
  end)

  it("auth and sign are loaded when they are used", function()
    local auth, sign = {}, function() end
    package.loaded["appsync.auth"], package.loaded["appsync.sign"] = auth, sign
    assert.equal(auth, appsync.auth)
    assert.equal(sign, appsync.sign)
    assert.is_nil(appsync.nothing)
    package.loaded["appsync.auth"], package.loaded["appsync.sign"] = nil, nil
  end)

  describe("json:", function()
    it("array marks a table as a list", function()
      local list = appsync.array()
      assert.equal(core.array_mt, getmetatable(list))
      assert.equal(list, appsync.array(list))
      assert.error_matches(function() appsync.array("x") end, 't must be a table, got "x"')
    end)

    it("null is truthy and the core's", function()
      assert.equal(core.null, appsync.null)
      assert.is_truthy(appsync.null)
    end)

    it("encode throws with the path to what isn't JSON", function()
      assert.equal("[1]", appsync.encode{ 1 })
      assert.error_matches(function() appsync.encode{ a = print } end, "appsync.encode: value.a: a function isn't JSON")
    end)

    it("decode gives nil and an error for text that isn't JSON, and throws for what isn't text", function()
      assert.same({ 1 }, appsync.decode("[1]"))
      local value, err = appsync.decode("[1")
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      assert.error_matches(function() appsync.decode(5) end, "text must be a string, got number 5")
    end)

    it("copy is deep, keeps the marks, shared tables and cycles", function()
      local inner = appsync.array{ 1, 2 }
      local given = { a = inner, b = inner, n = appsync.null }
      given.self = given
      local copy = appsync.copy(given)
      assert.not_equal(inner, copy.a)
      assert.equal(copy.a, copy.b)
      assert.equal(copy, copy.self)
      assert.equal(core.array_mt, getmetatable(copy.a))
      assert.equal(appsync.null, copy.n)
      assert.equal(5, appsync.copy(5))
    end)
  end)

  describe("errors:", function()
    it("show as text and concatenate on both sides", function()
      local err = errors.new("network", "no route")
      assert.equal("network: no route", tostring(err))
      assert.equal("a network: no route", "a " .. err)
      assert.equal("network: no route b", err .. " b")
      assert.is_true(err.retryable)
      assert.is_false(errors.new("auth", "x").retryable)
    end)

    it("assert raises the error as text, also beside partial data, else gives its arguments", function()
      local function count(...) return select("#", ...), ... end
      assert.same({ 3, 1 }, { count(appsync.assert(1, nil, nil)) })
      local ok, raised = pcall(appsync.assert, { partial = 1 }, errors.new("graphql", "no"))
      assert.is_false(ok)
      assert.is_string(raised)
      assert.matches("graphql: no", raised)
      ok, raised = pcall(appsync.assert, nil, "text")
      assert.is_false(ok)
      assert.matches("text", raised)
      assert.is_nil((appsync.assert(nil, nil)))
    end)

    it("describe shows short values only", function()
      assert.equal('"x"', (errors.describe("x")))
      assert.equal([["a\r\nb\t\000\1279\"\\é"]], (errors.describe("a\r\nb\t\0\1279\"\\é")))
      assert.equal("a string of 50 bytes", (errors.describe(("x"):rep(50))))
      assert.equal("string", (errors.describe("x", true)))
      assert.equal("boolean true", (errors.describe(true)))
      assert.equal("a table", (errors.describe{}))
      assert.equal("nothing", (errors.describe(nil)))
    end)

    it("show null by its name, wherever a program hands it over", function()
      local null = core.null
      assert.same({ "null", "null" }, { (errors.describe(null)), (errors.describe(null, true)) })
      assert.error_matches(function() appsync.decode(null) end, "text must be a string, got null")
      assert.equal("usage: null", tostring(errors.of_raised(null)))
      assert.equal("null", errors.new("auth", null).message)
      assert.equal("auth: x null", errors.new("auth", "x ") .. null)
      local ok, raised = pcall(appsync.assert, nil, null)
      assert.same({ false, "null" }, { ok, raised })
      local lines = {}
      require("appsync.log").emit(function(level, message) lines[#lines + 1] = level .. " " .. message end, "warn", null)
      assert.same({ "warn null" }, lines)
    end)
  end)

  describe("options:", function()
    local opts, schema

    before_each(function()
      opts = require "appsync.opts"
      schema = opts.schema{
        max_items = { "integer", min = 1, also = { "limitOfItems" } },
        fn = { "callable" },
        minutes = { "number", also = { "inMinutes" }, convert = { inMinutes = function(v) return v * 60 end } },
        mode = { "string", values = { "a", "b" } },
      }
    end)

    local function check(given) return opts.check(given, schema, "f") end

    it("accept our names, camelCase and further spellings, with their units", function()
      assert.same({ max_items = 3 }, check{ max_items = 3 })
      assert.same({ max_items = 3 }, check{ maxItems = 3 })
      assert.same({ max_items = 3 }, check{ limitOfItems = 3 })
      assert.same({ minutes = 120 }, check{ inMinutes = 2 })
      assert.same({}, check(nil))
    end)

    it("accept a callable table as a function", function()
      local callable = setmetatable({}, { __call = function() end })
      assert.equal(callable, check{ fn = callable }.fn)
      assert.error_matches(function() check{ fn = {} } end, "f: fn must be function, got a table")
    end)

    it("refuse two spellings, unknown names, wrong types and ranges", function()
      assert.error_matches(function() check{ max_items = 1, maxItems = 1 } end, "are the same option")
      assert.error_matches(function() check{ max_item = 1 } end, 'did you mean "max_items"')
      assert.error_matches(function() check{ qqqqqqqq = 1 } end, "accepted are fn, max_items, minutes, mode")
      assert.error_matches(function() check{ 5 } end, "an option's name must be a string, got number 1")
      assert.error_matches(function() check{ max_items = 0 } end, "max_items must be integer of at least 1, got number 0")
      assert.error_matches(function() check{ max_items = 1.5 } end, "max_items must be integer")
      assert.error_matches(function() check{ minutes = 0 / 0 } end, "minutes must be number, got number")
      assert.error_matches(function() check{ mode = "c" } end, 'mode must be one of "a", "b", got "c"')
      assert.error_matches(function() check("x") end, 'options must be a table, got "x"')
    end)
  end)

  describe("documents:", function()
    it("are parsed once per text and kept, up to a bound, the least recently used goes first", function()
      local first = appsync.gql("query A { a }")
      assert.equal(first, appsync.gql("query A { a }"))
      for i = 1, 255 do
        appsync.gql("query B" .. i .. " { a }")
        if i == 100 then appsync.gql("query A { a }") end
      end
      appsync.gql("query C { a }") -- the 257th text: B1 goes, A was used since
      local parsed = core.n_parsed
      assert.equal(first, appsync.gql("query A { a }"))
      assert.equal(parsed, core.n_parsed)
      appsync.gql("query B1 { a }")
      assert.equal(parsed + 1, core.n_parsed)
    end)

    it("throw for a syntax error at once, with line and column", function()
      assert.error_matches(function() appsync.gql("query {") end, "syntax error at line 1, column 7: unexpected end")
      assert.error_matches(function() appsync.gql(5) end, "document must be a string, got number 5")
    end)

    it("show their text", function()
      assert.equal("query A { a }", tostring(appsync.gql("query A { a }")))
    end)

    it("without an operation are refused by a call", function()
      local client = appsync.client{ endpoint = "http://localhost/graphql" }
      assert.error_matches(function() client:query(appsync.gql("fragment F on T { a }")) end, "has no operation, only fragments")
    end)
  end)

  describe("log lines", function()
    local log, written, stderr

    before_each(function()
      log = require "appsync.log"
      written, stderr = {}, io.stderr
      io.stderr = { write = function(_, ...) table.insert(written, table.concat({ ... })) end } -- luacheck: ignore 122
    end)

    after_each(function() io.stderr = stderr end) -- luacheck: ignore 122

    it("without a function are warnings and errors on stderr, each once", function()
      log.emit(nil, "info", "quiet")
      log.emit(nil, "warn", "loud")
      log.emit(nil, "warn", "loud")
      assert.same({ "appsync: warn: loud\n" }, written)
    end)

    it("survive a function that throws", function()
      log.emit(function() error("in log", 0) end, "warn", "x")
      assert.same({ "appsync: error: the log function raised: in log\n" }, written)
    end)
  end)
end)
