local syncing = require "spec.support.syncing"

describe("the headers of a delta sync", function()
  local function start(headers, options)
    syncing.open(options)
    local s, sync = syncing.start{ headers = headers, base_query = { query = syncing.BASE, variables = { blog = "b" } } }
    return sync, s
  end

  it("are told at the start where they are tables", function()
    local sync = start({ b = "2" }, { headers = { a = "1", b = "1" } })
    assert.same({ a = "1", b = "2" }, sync.call.headers)
    assert.is_false(sync.call.asks_headers)
  end)

  it("are asked for, for each request, where a function gives them", function()
    local seen = {}
    local sync = start(function(operation)
      seen[#seen + 1] = operation
      syncing.appsync.sleep(1)
      return { c = operation.name }
    end, { headers = { a = "1" } })
    assert.same({ true }, { sync.call.asks_headers, sync.call.headers })
    syncing.event("headers", { number = 1, part = "base" })
    syncing.event("headers", { number = 2, part = "subscription" })
    assert.same({}, sync.headers)
    syncing.drive(1.5)
    assert.same({ { a = "1", c = "B" }, { a = "1", c = "S" } }, sync.headers)
    assert.same({ "query", "B", { blog = "b" } }, { seen[1].kind, seen[1].name, seen[1].variables })
    assert.same({ "subscription", "S", {} }, { seen[2].kind, seen[2].name, seen[2].variables })
  end)

  it("are none where the functions give none", function()
    local sync = start(function() end)
    syncing.event("headers", { number = 1, part = "delta" })
    assert.same({}, sync.headers[1])
  end)

  it("don't keep pages waiting", function()
    local updated = false
    syncing.open()
    local _, sync = syncing.start{
      headers = function() syncing.appsync.sleep(100) end, base_query = { query = syncing.BASE, update = function() updated = true end },
    }
    syncing.event("headers", { number = 1, part = "base" })
    syncing.event("update", { number = 2, part = "base", data = {} })
    assert.is_true(updated)
    assert.is_nil(sync.headers[1])
  end)

  it("that can't be had are told as such, and a function that is wrong in the log, once", function()
    local sync = start(function() error("no key", 0) end)
    syncing.event("headers", { number = 1, part = "base" })
    syncing.event("headers", { number = 2, part = "base" })
    assert.same({ "the headers function raised: no key", "the headers function raised: no key" }, sync.headers)
    assert.same({ "error: client:sync: the headers function raised: no key" }, syncing.told())
    sync = start(function() return nil, require("appsync.errors").new("network", "unreachable") end)
    syncing.event("headers", { number = 1, part = "base" })
    assert.same({ { "unreachable" }, {} }, { sync.headers, syncing.told() })
  end)

  it("of a function may not say who asks either", function()
    local sync = start(function() return { Authorization = "secret" } end)
    syncing.event("headers", { number = 1, part = "base" })
    assert.same({ "client:sync: headers may not say who asks (Authorization, x-api-key, Cookie): what a sync brings is kept for the "
      .. "client's own identity" }, sync.headers)
  end)

  it("of the client itself may", function()
    local sync = start(nil, { headers = { Authorization = "own" } })
    assert.same({ Authorization = "own" }, sync.call.headers)
    for _, slot in ipairs(syncing.core.auths) do
      if slot.id == sync.call.auth then assert.equal("NONE", slot.auth.mode) end
    end
    sync = start(nil, { headers = function() return { Authorization = "own" } end })
    syncing.event("headers", { number = 1, part = "base" })
    assert.same({ Authorization = "own" }, sync.headers[1])
  end)

  it("are told no more once the sync was stopped", function()
    local sync, s = start(function() syncing.appsync.sleep(1) end)
    syncing.event("headers", { number = 1, part = "base" })
    s:unsubscribe()
    syncing.drive(2)
    assert.same({}, sync.headers)
  end)
end)
