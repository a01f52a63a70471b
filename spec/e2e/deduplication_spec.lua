-- Equal queries that are under way at once; by the public names only.
local kept = require "spec.support.kept"
local server = require "spec.support.server"

local LIST = kept.LIST

describe("equal queries at once", function()
  local client

  setup(function()
    kept.begin{ "--fault", "delay=200,field=listTodos" } -- all of them begin before one is answered
    kept.create("1", "one")
  end)
  teardown(kept.finish)
  before_each(function()
    client = kept.client{ store = ":memory:" }
    assert.is_true(client:hydrated())
  end)
  after_each(kept.close_all)

  local function requests() return client:stats().requests end

  local function begin(options, of)
    options = options or {}
    options.fetch_policy = options.fetch_policy or "network-only"
    options.on_result = function() end
    return (of or client):query(LIST, nil, options)
  end

  local function together(n, options)
    local tasks = {}
    for i = 1, n do tasks[i] = begin(options and options(i)) end
    return tasks
  end

  it("share one request, and are counted", function()
    for _, task in ipairs(together(5)) do
      local data, err, info = task:await(10)
      assert.is_nil(err)
      assert.equal("network", info.source)
      assert.equal(200, info.status)
      assert.equal("one", kept.names(data))
    end
    assert.equal(1, requests())
    assert.equal(4, client:stats().deduplicated)
    assert.equal(5, client:stats().operations)
  end)

  it("give each data of its own", function()
    local tasks = together(2)
    local a, b = tasks[1]:await(10), tasks[2]:await(10)
    a.listTodos.items[1].name = "mine"
    assert.equal("one", kept.names(b))
  end)

  it("let one be cancelled, or time out, without the others", function()
    local tasks = together(3, function(i) return { timeout = i == 2 and 1e-3 or nil } end)
    tasks[1]:cancel()
    local _, err = tasks[1]:await(10)
    assert.equal("cancelled", err.kind)
    local data, late = tasks[2]:await(10)
    assert.is_true(data ~= nil or late.kind == "timeout")
    assert.equal("one", kept.names((tasks[3]:await(10))))
    assert.equal(1, requests())
  end)

  it("don't share with other identities, headers or no-cache", function()
    local cases = {
      {}, { headers = { ["x-trace"] = "1" } }, { fetch_policy = "no-cache" },
      { auth = { type = "API_KEY", api_key = server.API_KEY } },
    }
    local tasks = together(4, function(i) return cases[i] end)
    local other = begin({}, client:with{ identity = "ann" })
    for _, task in ipairs(tasks) do assert.equal("one", kept.names((task:await(10)))) end
    assert.equal("one", kept.names((other:await(10))))
    assert.equal(0, client:stats().deduplicated)
    assert.equal(5, requests())
  end)

  it("don't share where there is no cache", function()
    client = kept.client{}
    for _, task in ipairs(together(2)) do assert.equal("one", kept.names((task:await(10)))) end
    assert.equal(2, requests())
  end)

  it("don't share a request that began before a queued mutation was answered", function()
    local before = begin()
    assert(client:mutate(kept.UPDATE, { id = "1", name = "later" }))
    local after = begin()
    assert(before:await(10))
    local data = after:await(10)
    assert.equal("later", kept.names(data))
    assert.equal(3, requests())
    assert(client:mutate(kept.UPDATE, { id = "1", name = "one" }))
  end)

  it("don't share mutations", function()
    local tasks = {}
    for i = 1, 2 do tasks[i] = client:mutate(kept.UPDATE, { id = "1", name = "one" }, { on_result = function() end }) end
    for _, task in ipairs(tasks) do assert(task:await(10)) end
    assert.equal(2, requests())
  end)
end)
