-- Values that can't be JSON: the message has the whole path, whatever the keys look like, and names the caller's line.
local appsync = require "appsync"
local core = require "appsync.core"
local misuse = require "spec.support.misuse"

local QUERY, SUBSCRIPTION = "query Q($input: AWSJSON) { a }", "subscription S($input: AWSJSON) { a }"

-- Keys, and how a path shows them.
local KEYS = {
  ["x:1: y"] = '["x:1: y"]', ["a.lua:3: b"] = '["a.lua:3: b"]', ['[string "x"]:1: '] = '["[string "x"]:1: "]', [":1: "] = '[":1: "]',
  ["a\nb:2: c"] = '["a?b:2: c"]', ["100%d %s"] = '["100%d %s"]', ["%"] = '["%"]', ["value: a"] = '["value: a"]', ["a\0b"] = '["a?b"]',
}

describe("what can't be JSON is told with the whole path", function()
  local client

  setup(function()
    client = appsync.client { endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" }, retry = { attempts = 1 } }
  end)

  teardown(function() assert(client:close(5)) end)

  -- The call throws at its own line, and says exactly this.
  local function refuses(message, fn)
    local raised = misuse.raised_there(fn)
    assert.equal(message, raised:match("^[^\n]-%.lua:%d+: (.*)$"))
  end

  for key, shown in pairs(KEYS) do
    it("by encode: " .. shown, function()
      refuses("appsync.encode: value" .. shown .. ": a function can't be JSON", function() local _ = appsync.encode { [key] = print } end)
      refuses("appsync.encode: value.a[2]" .. shown .. ".b: NaN can't be JSON",
        function() local _ = appsync.encode { a = { 1, { [key] = { b = 0 / 0 } } } } end)
    end)

    it("for the variables of a call and of a subscription: " .. shown, function()
      local bad = { input = { [key] = { print } } }
      local path = "variables.input" .. shown .. "[1]"
      refuses("client:query: " .. path .. ": a function can't be JSON", function() local _ = client:query(QUERY, bad) end)
      refuses("client:query: " .. path .. ": a function can't be JSON", function()
        client:query(QUERY, bad, { on_result = function() end })
      end)
      refuses("client:subscribe: " .. path .. ": a function can't be JSON", function()
        client:subscribe(SUBSCRIPTION, bad):subscribe(function() end)
      end)
    end)

    it("by the core, whose error is a table: " .. shown, function()
      local text, err = core.encode { [key] = print }
      assert.is_nil(text)
      assert.same({ kind = "usage", message = "value" .. shown .. ": a function can't be JSON", retryable = false, sent = false }, err)
    end)

    it("in a tree that is printed: " .. shown, function()
      local text, err = core.print { kind = "Field", name = key }
      assert.is_nil(text)
      assert.same({ "usage", "ast.name: expected a name, got string" }, { err.kind, err.message })
    end)

    it("in what is signed: " .. shown, function()
      local options = { service = "s", region = "r", now = 0, credentials = { access_key_id = "a", secret_access_key = "b" } }
      refuses("sign: headers: must be a table of strings by name, or a list of {name, value} pairs of strings", function()
        local _ = appsync.sign({ url = "https://h/", headers = { [key] = 1 } }, options)
      end)
      if key ~= "%" then -- which is one
        refuses("sign: headers: a name isn't an HTTP token", function()
          local _ = appsync.sign({ url = "https://h/", headers = { [key] = "1" } }, options)
        end)
      end
      refuses("sign: url: must be absolute or start with '/'", function() local _ = appsync.sign({ url = key }, options) end)
    end)
  end

  it("and the client goes on", function()
    assert.has_error(function() client:query(QUERY, { input = print }) end)
    local data, err = client:query(QUERY, { input = "fine" })
    assert.is_nil(data)
    assert.equal("network", err.kind)
  end)
end)
