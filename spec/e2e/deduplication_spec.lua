-- Equal queries that are under way at once; by the public names only.
local appsync = require "appsync"
local kept = require "spec.support.kept"
local server = require "spec.support.server"

local LIST = kept.LIST

describe("equal queries at once", function()
  local client

  setup(function()
    kept.begin()
    kept.create("1", "one")
  end)
  teardown(kept.finish)
  before_each(function() client = kept.client{ store = ":memory:" } end)
  after_each(kept.close_all)

  local function requests() return client:stats().requests end

  local function together(n, options)
    local tasks = {}
    for i = 1, n do
      tasks[i] = appsync.spawn(function() return client:query(LIST, nil, type(options) == "function" and options(i) or options) end)
    end
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
    appsync.sleep(0)
    tasks[1]:cancel()
    local _, err = tasks[1]:await(10)
    assert.equal("cancelled", err.kind)
    tasks[2]:await(10)
    assert.equal("one", kept.names((tasks[3]:await(10))))
    assert.equal(1, requests())
  end)

  it("don't share with other identities, headers or no-cache", function()
    local cases = {
      {}, { headers = { ["x-trace"] = "1" } }, { fetch_policy = "no-cache" },
      { auth = { type = "API_KEY", api_key = server.API_KEY } },
    }
    local tasks = together(4, function(i) return cases[i] end)
    local other = appsync.spawn(function() return client:with{ identity = "ann" }:query(LIST) end)
    for _, task in ipairs(tasks) do assert.equal("one", kept.names((task:await(10)))) end
    assert.equal("one", kept.names((other:await(10))))
    assert.equal(0, client:stats().deduplicated)
    assert.equal(5, requests())
  end)

  it("don't share mutations", function()
    local tasks = {}
    for i = 1, 2 do tasks[i] = appsync.spawn(function() return client:mutate(kept.UPDATE, { id = "1", name = "one" }) end) end
    for _, task in ipairs(tasks) do assert(task:await(10)) end
    assert.equal(2, requests())
  end)
end)
