-- A number is an integer, a float or a text, whatever way it has come: over the network, by an event, or from the cache.
local appsync = require "appsync"
local folder = require "spec.support.folder"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local BOUND = 10
local JSON = { ["Content-Type"] = "application/json" }
local NUMBERS = {
  "0", "7", "-7", "1.0", "-20.0", "0.0", "-0.0", "1e2", "0.5", "1e15", "1e16", "9007199254740991", "9007199254740992.0",
  "9007199254740993", "-9223372036854775808", "1152921504606846976.0", "1e300", "100000000000000000000",
  "1.00000000000000000001",
}
local QUERY = "{ one { id numbers } }"
local RECORD = "fragment F on T { numbers }"

-- What tells one from another, on each Lua.
local function form(value)
  local kind = math.type and math.type(value) or type(value)
  return type(value) == "number" and ("%s %.17g"):format(kind, value) or ("%s %s"):format(kind, tostring(value))
end

local function forms(numbers)
  local list = {}
  for i, value in ipairs(numbers) do list[i] = form(value) end
  return list
end

describe("a number", function()
  local client, other, made

  local record = '{"id":"1","__typename":"T","numbers":[' .. table.concat(NUMBERS, ",") .. "]}"

  local function open(connections, options)
    other = peer.start{ connections = connections }
    options = options or {}
    options.endpoint, options.realtime_endpoint = other.url, other.realtime
    options.auth, options.store = { type = "NONE" }, options.store or ":memory:"
    client = assert(appsync.client(options))
  end

  local function answer(text) return { "http", 200, JSON, '{"data":{"one":' .. text .. "}}" } end

  setup(function() made = folder.make() end)
  teardown(function() made.remove() end)
  after_each(function()
    client:close(5)
    process.stop_all()
  end)

  for _, mode in ipairs{ "rounded", "string" } do
    it("is the same from the network, the cache, a watch, a fragment, after a write and by an event, integers " .. mode, function()
      local started = { peer.handshake() }
      for _, step in ipairs{ { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' },
        { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"on":' .. record .. "}}}" }, { "wait" } } do
        started[#started + 1] = step
      end
      local path = ("%s/%s.db"):format(made.path, mode)
      local options = { store = path, big_integers = mode == "string" and mode or nil }
      open({ { { "request" }, answer(record) }, started }, options)
      local expected = {}
      for i, text in ipairs(NUMBERS) do
        local is_integer = not text:find "[.e]"
        local n = math.type and is_integer and math.tointeger(tonumber(text)) or tonumber(text)
        local is_text = is_integer and mode == "string" and not (math.type and math.type(n) == "integer") and math.abs(n) > 2 ^ 53 - 1
        expected[i] = is_text and form(text) or form(n)
      end

      local data = assert(client:query(QUERY))
      assert.same(expected, forms(data.one.numbers))
      local again, _, info = client:query(QUERY)
      assert.equal("cache", info.source)
      assert.same(expected, forms(again.one.numbers))
      assert.same(expected, forms(client:read_query(QUERY).one.numbers))
      assert.same(expected, forms(client:read_fragment("T:1", RECORD).numbers))
      local state = assert(client:watch(QUERY):subscribe():next(BOUND))
      assert.same(expected, forms(state.data.one.numbers))
      client:modify("T:1", "numbers", function(numbers)
        assert.same(expected, forms(numbers))
        return numbers
      end)
      assert.same(expected, forms(client:read_query(QUERY).one.numbers))
      local event = assert(client:subscribe("subscription { on { id numbers } }"):subscribe():next(BOUND))
      assert.same(expected, forms(event.on.numbers))
      assert.same(expected, forms(client:read_query(QUERY).one.numbers))

      -- what was read is written as it is, also to be read by a client that opens the file
      assert(client:write_query(QUERY, nil, { one = { id = "2", __typename = "T", numbers = data.one.numbers } }))
      assert.same(expected, forms(client:read_query(QUERY).one.numbers))
      client:close(5)
      open({ { { "wait" } } }, options)
      assert(client:hydrated(BOUND))
      assert.same(expected, forms(client:read_query(QUERY).one.numbers))
    end)
  end

  it("that is a float stays one where integers are text, however large it is", function()
    open({ { { "wait" } } }, { big_integers = "string" })
    local written = { 2 ^ 53, -2 ^ 60, 1e300, 1e21, 2 ^ 63, 123456789012345680000.0 }
    assert(client:write_query("{ numbers single }", nil, { numbers = written, single = 2 ^ 60 }))
    local data = client:read_query "{ numbers single }"
    assert.same(forms(written), forms(data.numbers))
    assert.equal(form(2 ^ 60), form(data.single))
    client:modify("ROOT_QUERY", "single", function(single) return single * 2 end)
    assert.equal(form(2 ^ 61), form(client:read_query("{ single }").single))
  end)

  it("tells no watch that it was written 1 and is written 1.0, which are equal", function()
    open{ { { "request" }, answer '{"id":"1","__typename":"T","numbers":1}', { "request" },
      answer '{"id":"1","__typename":"T","numbers":1.0}' } }
    local s = client:watch(QUERY):subscribe()
    local state = assert(s:next(BOUND))
    local data = assert(client:query(QUERY, nil, { fetch_policy = "network-only" }))
    assert.equal(form(1.0), form(data.one.numbers))
    assert.equal(form(1.0), form(client:read_query(QUERY).one.numbers))
    assert(client:write_query("{ two }", nil, { two = 1 }))
    local _, err = s:next(0)
    assert.equal("timeout", err.kind)
    assert.equal(1, state.data.one.numbers)
  end)

  it("identifies the record that an integer of this value does", function()
    open{ { { "wait" } } }
    assert(client:write_query("{ one { id name } }", nil, { one = { id = 3, __typename = "T", name = "a" } }))
    assert(client:write_query("{ two { id name } }", nil, { two = { id = 3.0, __typename = "T", name = "b" } }))
    assert.equal("b", client:read_query("{ one { name } }").one.name)
    assert.equal("T:3", client:identify{ id = 3.0, __typename = "T" })
    for _, id in ipairs{ 2 ^ 60, 1e21, -0.0, 0.5 } do
      local written = { id = id, __typename = "T", name = "c" }
      assert(client:write_query("{ one { id name } }", nil, { one = written }))
      assert.equal("c", client:read_fragment(client:identify(written), "fragment F on T { name }").name)
    end
  end)
end)
