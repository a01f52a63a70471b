-- Which errors of the network the cache stands in for.
local fake_core = require "spec.support.fake_core"

local ENDPOINT = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql"
local QUERY = "query Q { a }"

-- kind, code, retryable, and whether the network couldn't be reached
local ERRORS = {
  { "network", "connection_refused", true, true },
  { "network", "connection_lost", true, true },
  { "network", "dns", true, true },
  { "network", "unreachable", true, true },
  { "network", "proxy", true, true },
  { "network", "tls_handshake", true, true },
  { "timeout", "connect_timeout", true, true },
  { "network", "certificate", false, false },
  { "network", "host_name", false, false },
  { "timeout", nil, true, false },
  { "http", nil, true, false },
  { "auth", "token_timeout", true, false },
  { "graphql", nil, false, false },
  { "protocol", "too_big", false, false },
  { "system", "descriptors", true, false },
}

describe("a query of a client with a store", function()
  local core, appsync, client

  before_each(function()
    core, appsync = fake_core.open()
    client = appsync.client{ endpoint = ENDPOINT, auth = { type = "API_KEY", api_key = "k" }, store = ":memory:" }
  end)

  for _, row in ipairs(ERRORS) do
    local kind, code, retryable, is_unreachable = row[1], row[2], row[3], row[4]
    it(("is answered by %s where the network's error is of kind %s%s"):format(is_unreachable and "the cache" or "the network", kind,
      code and " and code " .. code or ""), function()
      core.kept = { a = 1 }
      core.step(function() core.reply(nil, { kind = kind, code = code, message = "no", retryable = retryable }) end)
      local data, err, info = client:query(QUERY, nil, { fetch_policy = "network-only" })
      if is_unreachable then
        assert.same({ a = 1 }, data)
        assert.is_nil(err)
        assert.equal("cache", info.source)
        assert.equal(kind, info.cause.kind)
      else
        assert.is_nil(data)
        assert.equal(kind, err.kind)
        assert.equal("network", info.source)
      end
    end)
  end

  it("tells the core which cache its answer goes into, and asks for the types", function()
    core.step(function() core.reply({ a = 1 }) end)
    client:query(QUERY)
    assert.equal(77, core.executed[1].call.cached)
    assert.is_true(core.executed[1].call.typenames)
    core.step(function() core.reply({ a = 1 }) end)
    client:query(QUERY, nil, { fetch_policy = "no-cache" })
    assert.is_nil(core.executed[2].call.cached)
    assert.is_false(core.executed[2].call.typenames)
  end)

  it("that is cancelled while the store opens sends nothing", function()
    local err
    local t = client:query(QUERY, nil, { on_result = function(_, e) err = e end })
    t:cancel()
    fake_core.drive()
    assert.equal("cancelled", err.kind)
    assert.equal(0, #core.executed)
  end)
end)
