-- What the base pass of a delta sync has collected so far is taken from it.
local synced_client = require "spec.support.synced_client"
local synced_posts = require "spec.support.synced_posts"
local wait_for = require "spec.support.wait"

describe("a delta sync", function()
  local posts, client

  setup(function() posts = synced_client.begin{ n = 25 } end)
  teardown(synced_client.finish)
  before_each(function()
    posts.clear()
    synced_client.new_store()
    client = synced_client.connect()
    posts.asked()
  end)
  after_each(synced_client.close_all)

  it("begins its base pass anew where the list that it collects was evicted", function()
    local n_pages, n_evictions = 0, 0
    local function update(cache)
      n_pages = n_pages + 1
      if n_pages ~= 12 then return end -- of the second pass
      n_evictions = n_evictions + 1
      cache:evict "ROOT_QUERY"
    end
    local sync = client:sync(synced_client.built({
      base_query = { query = synced_posts.PAGES, update = update, base_refresh_interval = 1 }, page_size = 4,
      delta_query = false, subscription_query = false,
    }, true))
    assert(sync:ready(10))
    wait_for(function() return n_evictions == 1 end, "the second pass")
    synced_client.wait_equal(client, true)
    assert.is_nil(sync:status().err)
    assert.matches("warn: a delta sync begins its base query anew", table.concat(synced_client.logged, "\n"), 1, true)
  end)

  it("begins its first pass anew where the list that it shows meanwhile was evicted", function()
    local n_pages = 0
    local function update(cache)
      n_pages = n_pages + 1
      if n_pages == 3 then cache:evict("ROOT_QUERY", "listPostsPage") end
    end
    local sync = client:sync(synced_client.built({ base_query = { query = synced_posts.PAGES, update = update }, page_size = 4 }, true))
    assert(sync:ready(10))
    synced_client.wait_equal(client, true)
  end)

  it("that runs three times in one client ends with one whole list", function()
    local syncs = {}
    for i = 1, 3 do syncs[i] = client:sync(synced_client.built({ page_size = 4 }, true)) end
    for _, sync in ipairs(syncs) do assert(sync:ready(10)) end
    synced_client.wait_equal(client, true)
    posts.update("p0001", { title = "heard" })
    posts.delete "p0002"
    posts.create{ title = "new" }
    synced_client.wait_equal(client, true)
  end)
end)
