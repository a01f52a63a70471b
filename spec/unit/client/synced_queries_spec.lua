local syncing = require "spec.support.syncing"

describe("a query that a delta sync keeps up to date", function()
  local client, s

  before_each(function()
    client = syncing.open()
    syncing.core.kept = { listPosts = {} }
    s = syncing.start{ base_query = { query = syncing.BASE, variables = { blog = "b" } } }
  end)

  local function query(document, variables, options, of)
    options = options or {}
    options.on_result = function() end;
    (of or client):query(document, variables, options)
    syncing.drive()
  end

  local function told(where, policy)
    return { ('warn: %s: a sync keeps this query up to date; read it by fetch_policy = "cache-only": "%s" also asks the service for '
      .. "what the sync brings anyway"):format(where, policy) }
  end

  it("is read by cache-only, and told of once where it isn't", function()
    query(syncing.BASE, { blog = "b" }, { fetch_policy = "cache-only" })
    assert.same({}, syncing.told())
    query(syncing.BASE, { blog = "b" })
    query(syncing.BASE, { blog = "b" }, { fetch_policy = "network-only" })
    assert.same(told("client:query", "cache-first"), syncing.told())
  end)

  it("is known by what it says, however it is written", function()
    query(syncing.BASE:gsub("{", "{\n  "), { blog = "b" }, { fetch_policy = "no-cache" })
    assert.same(told("client:query", "no-cache"), syncing.told())
  end)

  it("isn't one with other variables, nor another query, nor that of another identity", function()
    query(syncing.BASE, { blog = "c" })
    query(syncing.BASE)
    query(syncing.BASE, { blog = "b", limit = 5 })
    query(syncing.GET, { id = "1" })
    query(syncing.BASE, { blog = "b" }, nil, client:with{ identity = "ann" })
    assert.same({}, syncing.told())
    local same = client:with{ identity = "" }
    query(syncing.GET, { id = "1" }, nil, same) -- which opens its cache
    query(syncing.BASE, { blog = "b" }, nil, same)
    assert.same(told("client:query", "cache-first"), syncing.told())
  end)

  it("is told of where it was read before the sync began, too", function()
    s:unsubscribe()
    for _ = 1, 2 do
      syncing.appsync.run(function() client:query(syncing.BASE, { blog = "b" }) end)
    end
    assert.same({}, syncing.told())
    syncing.start{ base_query = { query = syncing.BASE, variables = { blog = "b" } } }
    syncing.appsync.run(function() client:query(syncing.BASE, { blog = "b" }) end)
    assert.same(told("client:query", "cache-first"), syncing.told())
  end)

  it("is watched by cache-only as well", function()
    client:watch(syncing.BASE, { blog = "b" }, { fetch_policy = "cache-only" })
    assert.same({}, syncing.told())
    client:watch(syncing.BASE, { blog = "b" })
    client:watch(syncing.BASE, { blog = "b" })
    assert.same(told("client:watch", "cache-first"), syncing.told())
  end)

  it("is one of several", function()
    syncing.start{ base_query = syncing.BASE, delta_query = "none", subscription_query = "none" }
    client:watch(syncing.BASE)
    client:watch(syncing.BASE, { blog = "b" })
    assert.equal(2, #syncing.told())
  end)

  it("is like all others once the sync has stopped", function()
    s:unsubscribe()
    client:watch(syncing.BASE, { blog = "b" })
    assert.same({}, syncing.told())
    assert.is_nil(client.root.synced_queries)
  end)
end)
