-- The list that a delta sync keeps, and others who have a say in the same cache: plain queries, other syncs, the application.
local synced_client = require "spec.support.synced_client"
local synced_posts = require "spec.support.synced_posts"
local wait_for = require "spec.support.wait"

local PAGES = synced_posts.PAGES

describe("the list of a delta sync", function()
  local posts, client

  setup(function() posts = synced_client.begin{ n = 120 } end) -- more than a page that is asked for without a limit
  teardown(synced_client.finish)
  before_each(function()
    posts.clear()
    synced_client.new_store()
    client = synced_client.connect()
    posts.asked()
  end)
  after_each(synced_client.close_all)

  local function start(options)
    local sync = client:sync(synced_client.built(options or {}, true))
    local ok, err = sync:ready(10)
    assert(ok, tostring(err))
    return sync
  end

  local function n_shown()
    return select(2, synced_client.list(client, true))
  end

  describe("and plain queries of the same field", function()
    it("isn't replaced by the one page that they bring", function()
      start()
      local n = n_shown()
      posts.update("p0001", { title = "by a plain query" })
      local data, err = client:query(PAGES, nil, { fetch_policy = "network-only" })
      assert(not err, tostring(err))
      assert.equal(100, #data.listPostsPage.items) -- its caller gets what the service has answered
      assert.equal(n, n_shown())
      synced_client.wait_equal(client, true)
      local kept = client:read_query(PAGES)
      assert.equal(require("appsync").null, kept.listPostsPage.nextToken)
    end)

    it("takes their records, which may be newer than the sync's", function()
      start{ subscription_query = false, delta_query = false }
      posts.update("p0002", { title = "by a plain query" })
      client:query(PAGES, nil, { fetch_policy = "network-only" })
      local title = client:read_fragment("Post:p0002", "fragment F on Post { title }").title
      assert.equal("by a plain query", title)
    end)

    it("isn't replaced by those of a watch, which goes on showing it", function()
      start()
      local n = n_shown()
      local last
      local subscription = client:watch(PAGES, nil, { fetch_policy = "cache-and-network" }):subscribe{
        next = function(result) last = result end,
      }
      wait_for(function() return last and not last.loading and #last.data.listPostsPage.items == n end, "the whole list", function()
        return last and last.data and #last.data.listPostsPage.items or "nothing"
      end)
      assert.equal(n, n_shown())
      posts.create{ title = "heard" }
      wait_for(function() return #last.data.listPostsPage.items == n + 1 end, "what was heard")
      subscription:unsubscribe()
    end)

    it("isn't replaced by what a mutation refetches", function()
      start()
      local n = n_shown()
      client:mutate(synced_posts.UPDATE, { input = { id = "p0003", title = "mine" } }, { refetch = { PAGES } })
      posts.asked()
      client:query(PAGES, nil, { fetch_policy = "network-only" })
      assert.equal(n, n_shown())
    end)

    it("is what the application writes itself", function()
      start{ subscription_query = false, delta_query = false }
      local data = client:read_query(PAGES)
      while #data.listPostsPage.items > 3 do table.remove(data.listPostsPage.items) end
      client:write_query(PAGES, nil, data)
      assert.equal(3, n_shown())
    end)

    it("is theirs before the sync has begun in this run, which then begins with its base query", function()
      start()
      client:close()
      client = synced_client.connect()
      client:query(PAGES, nil, { fetch_policy = "network-only" })
      assert.equal(100, n_shown())
      posts.asked()
      start()
      synced_client.wait_equal(client, true)
      assert.is_number(posts.asked().listPostsPage)
    end)

    it("is theirs once the sync has been stopped", function()
      start():unsubscribe()
      client:query(PAGES, nil, { fetch_policy = "network-only" })
      wait_for(function() return n_shown() == 100 end, "their page")
      start()
      synced_client.wait_equal(client, true)
    end)
  end)

  it("isn't a query that cache_updates may name: that is told once, and the other ones are filled", function()
    local sync = start{ cache_updates = function(post)
      return { { query = PAGES }, { query = synced_posts.GET, variables = { id = post.id } } }
    end }
    synced_client.wait_equal(client, true)
    posts.update("p0004", { title = "changed" })
    posts.delete "p0005"
    posts.create{ title = "new" }
    synced_client.wait_equal(client, true)
    assert.equal("changed", client:read_query(synced_posts.GET, { id = "p0004" }).getPost.title)
    local n = 0
    for _, line in ipairs(synced_client.logged) do
      if line:find("cache_updates: listPostsPage is the list that the sync keeps", 1, true) then n = n + 1 end
    end
    assert.equal(1, n, table.concat(synced_client.logged, "\n"))
    assert.equal("live", sync:status().phase)
  end)

  it("loses what the service no longer lists, and leaves that to other queries that show it", function()
    local BEST = "query Best { best: listPosts { id title } }"
    local sync = start{ delta_query = false, subscription_query = false, base_query = { query = PAGES, base_refresh_interval = 1 } }
    local mine = { best = { { __typename = "Post", id = "p0020", title = "post 20" } } }
    client:write_query(BEST, nil, mine)
    posts.delete "p0020"
    posts.delete "p0021"
    synced_client.wait_equal(client, true)
    wait_for(function() return client:read_fragment("Post:p0021", "fragment F on Post { title }") == nil end, "that the record leaves")
    assert.same(mine, client:read_query(BEST))
    sync:unsubscribe()
  end)

  -- What leaves the list soon after something else has is looked at a few seconds later.
  it("loses it for good, even if the program ends before the record has left its store", function()
    local sync = start{ delta_query = false, subscription_query = false, base_query = { query = PAGES, base_refresh_interval = 1 } }
    local function is_there(id)
      return client:read_fragment("Post:" .. id, "fragment F on Post { title }") ~= nil
    end
    posts.delete "p0030"
    wait_for(function() return not is_there "p0030" end, "that the first record leaves")
    posts.delete "p0031"
    synced_client.wait_equal(client, true)
    sync:unsubscribe()
    client:close()
    client = synced_client.connect() -- and syncs nothing
    wait_for(function() return not is_there "p0031" end, "that the second one leaves")
    synced_client.wait_equal(client, true)
  end)

  it("is fetched anew where its cache becomes another identity's, with the list of an earlier sync", function()
    local guest, ann = client:with{ identity = "guest" }, client:with{ identity = "ann" }
    local function start_as(one)
      local sync = one:sync(synced_client.built({}, true))
      assert(sync:ready(10))
      return sync
    end
    start_as(guest):unsubscribe()
    posts.update("p0010", { title = "that the guest doesn't know" })
    posts.delete "p0011"
    local sync = start_as(ann)
    synced_client.wait_equal(ann, true)
    assert(ann:adopt{ from = "guest", timeout = 10 })
    synced_client.wait_equal(ann, true)
    assert.is_nil(synced_client.list(guest, true))
    posts.create{ title = "heard" }
    synced_client.wait_equal(ann, true)
    assert.is_nil(sync:status().err)
  end)

  describe("of two equal syncs in one client", function()
    it("is kept by both, each with its own pages and its own checkpoint", function()
      local options = { page_size = 20, base_query = { query = PAGES, base_refresh_interval = 1 } }
      local syncs = { start(options), start(options) }
      local n, n_pages = n_shown(), 0
      local least = n
      wait_for(function() -- each has begun anew twice or more: with 6 pages at a time
        least = math.min(least, n_shown() or 0)
        n_pages = n_pages + (posts.asked().listPostsPage or 0)
        return n_pages >= 6 * 2 * 3
      end, "further passes", function() return n_pages end)
      assert.equal(n, least)
      for _, sync in ipairs(syncs) do assert.is_nil(sync:status().err) end
      assert.not_matches("begins its base query anew", table.concat(synced_client.logged, "\n"))
    end)

    it("isn't replaced by what a plain query brings, either", function()
      start()
      start()
      local n = n_shown()
      posts.asked()
      client:query(PAGES, nil, { fetch_policy = "network-only" })
      assert.equal(n, n_shown())
      posts.create{ title = "heard by both" }
      synced_client.wait_equal(client, true)
      assert.same({ listPostsPage = 1 }, posts.asked())
    end)

    it("goes on with each of them after a restart", function()
      start()
      start()
      client:close()
      posts.update("p0007", { title = "while it was away" })
      client = synced_client.connect()
      posts.asked()
      start()
      start()
      synced_client.wait_equal(client, true)
      assert.same({ listPostsDeltaPage = 2 }, posts.asked())
    end)

    it("stays with the other one when one is stopped", function()
      local first, second = start(), start()
      first:unsubscribe()
      assert.equal("stopped", first:status().phase)
      posts.update("p0008", { title = "heard" })
      synced_client.wait_equal(client, true)
      client:query(PAGES, nil, { fetch_policy = "network-only" })
      synced_client.wait_equal(client, true)
      second:unsubscribe()
    end)
  end)
end)
