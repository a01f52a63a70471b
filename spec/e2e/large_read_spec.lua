-- client:query of what is kept and large: no frame waits for all of it.
local appsync = require "appsync"
local kept = require "spec.support.kept"

local N = 3000
local ALL = "query All { listTodos { items { id name } } }"

describe("a large result of the cache", function()
  setup(kept.begin)
  after_each(kept.close_all)
  teardown(kept.finish)

  local function filled(options)
    options = options or {}
    options.store = ":memory:"
    local client = kept.client(options)
    local items = appsync.array()
    for i = 1, N do items[i] = { __typename = "Todo", id = "i" .. i, name = ("name of %d "):format(i):rep(3) } end
    assert(client:write_query(ALL, nil, { listTodos = { items = items } }))
    return client
  end

  it("is that of a read that waits for nobody", function()
    local client = filled()
    local data, err, info = client:query(ALL)
    assert.is_nil(err)
    assert.equal("cache", info.source)
    assert.same(client:read_query(ALL), data)
    client:modify("Todo:i7", "name", function() return "own" end)
    assert.equal("own", client:query(ALL).listTodos.items[7].name)
    assert.equal(0, client:stats().requests)
  end)

  it("is asked for where something of it is missing or has expired", function()
    local client = filled()
    client:evict("Todo:i9", "name")
    local _, err = client:query(ALL, nil, { fetch_policy = "cache-only" })
    assert.same({ "listTodos.items.8.name" }, err.missing)
    assert.equal("network", select(3, client:query(ALL)).source)
    client = filled{ cache = { ttl = { Todo = 0.001 } } }
    appsync.sleep(1.1) -- the unit of what is kept
    assert.equal("network", select(3, client:query(ALL)).source)
  end)

  it("ends with the client, and with the time of the call", function()
    local client = filled()
    local data, err
    for _ = 1, 100 do -- on a busy machine all of it may be there before the clock is looked at
      data, err = client:query(ALL, nil, { timeout = 1e-9 })
      if not data then break end
    end
    assert.is_nil(data)
    assert.equal("timeout", err.kind)
    local asking = appsync.spawn(function() return client:query(ALL) end)
    local closing = appsync.spawn(function() return client:close(0) end)
    data, err = asking:await(10)
    assert.is_true(data ~= nil or err.kind == "closed")
    assert(closing:await(10))
  end)

  it("is made in many frames", function()
    local client, data = filled(), nil
    appsync.spawn(function() data = assert(client:query(ALL)) end)
    local n_frames = 0
    while not data do
      appsync.update(0.00001)
      n_frames = n_frames + 1
    end
    assert.equal(N, #data.listTodos.items)
    assert.is_true(n_frames > N * 3 / 200 / 2)
  end)

  it("is made in steps from the cache, for every policy that answers from it", function()
    local client = filled{ endpoint = kept.UNREACHABLE, retry = { attempts = 1 } }
    for _, policy in ipairs{ "cache-first", "cache-only", "network-only" } do
      local data, err, info
      local task = appsync.spawn(function() data, err, info = client:query(ALL, nil, { fetch_policy = policy }) end)
      local n_frames = 0
      while task:status() == "running" do
        appsync.update(0)
        n_frames = n_frames + 1
      end
      assert.is_nil(err)
      assert.equal("cache", info.source)
      assert.equal(N, #data.listTodos.items)
      assert.is_true(n_frames >= N * 3 / (9 * 200), n_frames .. " frames") -- a turn's share: spec/e2e/stepwise_answers_spec.lua
    end
    client:evict("Todo:i7", "name")
    client:evict("Todo:i2999", "name")
    local _, err = client:query(ALL, nil, { fetch_policy = "cache-only" })
    assert.same({ "listTodos.items.6.name", "listTodos.items.2998.name" }, err.missing)
  end)
end)
