-- What clients count for monitoring.
local fake_core = require "spec.support.fake_core"

local ENDPOINT = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql"
local QUERY = "query Q { a }"

describe("counts", function()
  local core, appsync, counts

  before_each(function()
    core, appsync = fake_core.open()
    counts = require "appsync.counts"
  end)

  local function client_of(options)
    options = options or {}
    options.endpoint, options.auth = options.endpoint or ENDPOINT, { type = "API_KEY", api_key = "k" }
    return appsync.client(options)
  end

  local function answer(data, err, seconds)
    core.step(function()
      core.time = core.time + (seconds or 0)
      core.reply(data, err, { source = "network" })
    end)
  end

  local function now() return counts.all()[1] end

  it("have calls by kind and outcome", function()
    local client = client_of()
    answer{ a = 1 }
    client:query(QUERY)
    answer({ a = 1, b = 2 }, { kind = "graphql", message = "no" })
    client:query "query Q { a b }"
    answer(nil, { kind = "timeout", message = "late" })
    client:query(QUERY)
    answer{ a = 1 }
    client:mutate "mutation M { a }"
    local kinds = now().counts.kinds
    assert.same({ ok = 1, partial = 1, timeout = 1 }, kinds.query.outcomes)
    assert.same({ ok = 1 }, kinds.mutation.outcomes)
  end)

  it("have a mutation that waits in the outbox as queued", function()
    local kind = counts.of(ENDPOINT).kinds.mutation
    counts.call(kind, function() return {}, nil, { queued = true } end)
    assert.same({ queued = 1 }, kind.outcomes)
  end)

  it("have how long the network took", function()
    local client = client_of()
    for _, seconds in ipairs{ 0, 0.25, 0.03125, 11 } do
      answer({ a = 1 }, nil, seconds)
      client:query(QUERY)
    end
    local kind = now().counts.kinds.query
    assert.same({ 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1 }, kind.buckets)
    assert.equal(4, kind.n)
    assert.equal(11.28125, kind.seconds)
  end)

  it("have what the cache answers, by each policy, and not its time", function()
    local client = client_of{ store = ":memory:" }
    answer{ a = 1 }
    client:query(QUERY)
    assert.same({ 0, 1 }, { now().counts.hits, now().counts.misses })
    client:query(QUERY, nil, { fetch_policy = "cache-only" })
    assert.same({ 0, 2 }, { now().counts.hits, now().counts.misses })
    core.kept = { a = 1 }
    client:query(QUERY)
    client:query(QUERY, nil, { fetch_policy = "cache-only" })
    assert.same({ 2, 2 }, { now().counts.hits, now().counts.misses })
    answer{ a = 1 }
    client:query(QUERY, nil, { fetch_policy = "network-only" })
    assert.same({ 2, 2 }, { now().counts.hits, now().counts.misses })
    assert.equal(2, now().counts.kinds.query.n)
    answer{ a = 1 }
    client:query(QUERY, nil, { fetch_policy = "cache-and-network", on_result = function() end })
    fake_core.drive()
    assert.same({ 3, 2 }, { now().counts.hits, now().counts.misses })
  end)

  it("add up the clients of an endpoint, whose name has no user and no query", function()
    for _, endpoint in ipairs{ ENDPOINT, ENDPOINT .. "?token=secret#x", (ENDPOINT:gsub("//", "//user:secret@")) } do
      answer{ a = 1 }
      client_of{ endpoint = endpoint }:query(QUERY)
    end
    for _, client in ipairs(core.clients) do client.stats = function() return { requests = 2, queued = 3 } end end
    assert.equal(1, #counts.all())
    assert.equal(ENDPOINT, now().counts.endpoint)
    assert.same({ ok = 3 }, now().counts.kinds.query.outcomes)
    assert.equal(6, now().sums.requests)
    assert.equal(9, now().sums.queued)
    assert.equal(0, now().sums.events)
  end)

  local function used()
    local client = client_of()
    answer{ a = 1 }
    client:query(QUERY)
    core.clients[#core.clients].stats = function() return { requests = 2, queued = 3 } end
    return client
  end

  it("keep what a client has done when it closes, and not what it had", function()
    local client = used()
    assert.equal(1, now().n_clients)
    core.step(function() core.push("CLOSED", 1) end)
    client:close()
    assert.same({ 2, 0, 0 }, { now().sums.requests, now().sums.queued, now().n_clients })
  end)

  it("keep it when a client is collected", function()
    used()
    fake_core.collect()
    assert.same({ 2, 0, 0 }, { now().sums.requests, now().sums.queued, now().n_clients })
    used()
    assert.same({ 4, 3, 1 }, { now().sums.requests, now().sums.queued, now().n_clients })
  end)

  it("don't keep a client", function()
    used()
    fake_core.collect()
    assert.same({}, counts.of(ENDPOINT).live)
  end)

  it("survive a core that can't tell them any more", function()
    used()
    core.clients[1].stats = function() error("not enough memory", 0) end
    fake_core.collect()
    assert.same({ 0, 0 }, { now().sums.requests, now().n_clients })
  end)
end)
