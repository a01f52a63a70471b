-- client:sync with a base query, a delta query and a subscription, against the local server.
local appsync = require "appsync"
local synced_posts = require "spec.support.synced_posts"
local syncing = require "spec.support.synced_client"
local wait_for = require "spec.support.wait"

describe("a delta sync", function()
  local posts, client

  setup(function() posts = syncing.begin{ n = 25 } end)
  teardown(syncing.finish)
  before_each(function()
    posts.clear()
    posts.spoil("p0020", false)
    syncing.new_store()
    client = syncing.connect()
    posts.asked()
    posts.arguments()
  end)
  after_each(syncing.close_all)

  local function start(options, is_paged)
    local sync = client:sync(syncing.built(options, is_paged))
    local ok, err = sync:ready(10)
    assert(ok, tostring(err))
    return sync
  end

  it("brings all records by one base query, and what changes while it is live", function()
    local sync = start()
    syncing.wait_equal(client)
    assert.same({ listPosts = 1 }, posts.asked())
    posts.update("p0001", { title = "changed", url = appsync.null })
    posts.delete "p0002"
    local made = posts.create{ title = "new" }
    syncing.wait_equal(client)
    assert.same({}, posts.asked())
    assert.same({ "live", 25, 1, true, false, 0 }, { sync:status().phase, sync:status().records, sync:status().pages,
      sync:status().ordered, sync:status().truncated, sync:status().attempts })
    posts.delete(made.id)
    syncing.wait_equal(client)
    assert.is_nil(client:read_fragment("Post:" .. made.id, "fragment F on Post { title }"))
  end)

  it("goes on by a delta query after a restart, and shows what it had at once", function()
    start()
    local _, n = syncing.list(client)
    client:close()
    posts.update("p0003", { title = "changed" })
    posts.delete "p0004"
    posts.create{ title = "new" }
    posts.asked()
    client = syncing.connect()
    assert.equal(n, select(2, syncing.list(client)))
    start()
    syncing.wait_equal(client)
    assert.same({ listPostsDelta = 1 }, posts.asked())
  end)

  it("asks with lastSync in seconds, or in milliseconds where startedAt is selected", function()
    start()
    start({}, true)
    client:close()
    client = syncing.connect()
    posts.arguments()
    start()
    start({}, true)
    local asked = posts.arguments()
    assert.equal("listPostsDelta", asked[1].field)
    assert.is_true(math.abs(asked[1].lastSync - os.time()) < 60, tostring(asked[1].lastSync))
    assert.equal("listPostsDeltaPage", asked[2].field)
    assert.is_true(math.abs(asked[2].lastSync / 1000 - os.time()) < 60, tostring(asked[2].lastSync))
  end)

  it("asks for changes since exactly the startedAt of the pass before, also after a restart", function()
    local told = {}
    local function note(_, result)
      local page = result.data.listPostsPage or result.data.listPostsDeltaPage
      told[#told + 1] = page.startedAt
    end
    local function sync()
      local s = client:sync{
        base_query = { query = synced_posts.PAGES, update = note }, delta_query = { query = synced_posts.DELTA_PAGES, update = note },
        subscription_query = synced_posts.LIVE,
      }
      local ok, err = s:ready(10)
      assert(ok, tostring(err))
      return s
    end
    local s = sync()
    client:set_online(false)
    wait_for(function() return s:status().phase == "waiting" end, "the wait for the network")
    client:set_online(true)
    wait_for(function() return #told == 2 and s:status().phase == "live" end, "a delta query")
    client:close()
    client = syncing.connect()
    sync()
    local asked = posts.arguments()
    assert.same({ 3, told[1], told[2] }, { #asked, asked[2].lastSync, asked[3].lastSync })
  end)

  it("takes base and delta queries page by page into one list", function()
    local sync = start({ page_size = 4 }, true)
    syncing.wait_equal(client, true)
    local n = select(2, syncing.list(client, true))
    local pages = math.floor(n / 4) + 1 -- after a whole page the service doesn't know that it was the last one
    assert.same({ listPostsPage = pages }, posts.asked())
    assert.same({ n, pages }, { sync:status().records, sync:status().pages })
    client:close()
    for i = 5, 14 do posts.update(("p%04d"):format(i), { ups = 100 + i }) end
    client = syncing.connect()
    posts.asked()
    start({ page_size = 4 }, true)
    syncing.wait_equal(client, true)
    assert.is_nil(posts.asked().listPostsPage)
  end)

  it("catches up by a delta query when the subscription was lost", function()
    local sync = start()
    posts.asked()
    posts.add{ name = "no-sockets", match = { on = "connect" }, fault = { refuse = { status = 503 } } }
    posts.disconnect()
    wait_for(function() return sync:status().phase ~= "live" end, "another phase")
    posts.update("p0015", { title = "while it was away" })
    posts.delete "p0016"
    posts.clear()
    client:set_online(true)
    syncing.wait_equal(client)
    assert.is_nil(posts.asked().listPosts)
  end)

  it("polls by delta queries where no socket can be had, and goes live when one can", function()
    posts.add{ name = "no-sockets", match = { on = "connect" }, fault = { refuse = { status = 403, type = "ForbiddenException" } } }
    local sync = start{ poll = 0.05 }
    assert.equal("polling", sync:status().phase)
    posts.update("p0017", { title = "polled" })
    syncing.wait_equal(client)
    posts.clear()
    client:set_online(true)
    syncing.wait_phase(sync, "live")
    posts.update("p0017", { title = "heard" })
    syncing.wait_equal(client)
  end)

  it("polls where the service has no room for another subscription", function()
    local fault = { refuse = { type = "MaxSubscriptionsReachedError", message = "Max number of 1 subscriptions reached" } }
    local rule = posts.add{ match = { on = "start" }, fault = fault }[1]
    local sync = start{ poll = 0.1 }
    assert.same({ "polling", "subscription_limit" }, { sync:status().phase, sync:status().err.code })
    posts.update("p0005", { title = "polled" })
    syncing.wait_equal(client)
    posts.remove(rule)
    syncing.wait_phase(sync, "live")
    assert.is_nil(sync:status().err)
  end)

  it("removes what is gone by the next base pass, and shows the old list until then", function()
    local sync = start({ page_size = 5, base_query = { query = synced_posts.PAGES, base_refresh_interval = 2 },
      delta_query = false, subscription_query = false }, true)
    syncing.wait_equal(client, true)
    posts.delete "p0018"
    posts.create{ title = "after the first pass" }
    posts.update("p0019", { title = "other" })
    local n = select(2, syncing.list(client, true))
    local least = n
    wait_for(function()
      least = math.min(least, select(2, syncing.list(client, true)))
      return syncing.is_equal(syncing.list(client, true), posts.all())
    end, "the second pass")
    assert.is_true(least >= n - 1)
    wait_for(function() return client:read_fragment("Post:p0018", "fragment F on Post { title }") == nil end, "that the record leaves")
    sync:unsubscribe()
  end)

  it("stops at max_records, says so, and goes on when it is told to", function()
    local sync = start({ page_size = 4, max_records = 10 }, true)
    local status = sync:status()
    assert.is_true(status.truncated)
    local n = select(2, syncing.list(client, true))
    assert.equal(10, n)
    assert.is_true(assert(sync:more(6)))
    wait_for(function() return select(2, syncing.list(client, true)) == 16 end, "16 records")
    wait_for(function() return sync:status().truncated end, "that it says so")
    assert.is_true(assert(sync:more(1000)))
    wait_for(function() return not sync:status().truncated end, "the rest")
    syncing.wait_equal(client, true)
    wait_for(function() return sync:status().phase == "live" end, "the end")
    local ok, err = sync:more(1)
    assert.is_nil(ok)
    assert.equal("usage", err.kind)
  end)

  it("brings all that it is told to, however often it is told while more is under way", function()
    local sync = start({ page_size = 4, max_records = 10 }, true)
    local n_told = 0
    sync:observe():subscribe{ next = function(status)
      if status.truncated or n_told > 0 then return end
      for _ = 1, 3 do n_told = n_told + (sync:more(1) and 1 or 0) end
    end }
    for _ = 1, 5 do assert.is_true(assert(sync:more(1))) end
    wait_for(function() return sync:status().phase == "live" and select(2, syncing.list(client, true)) == 18 end, "18 records")
    assert.is_true(sync:status().truncated)
    assert.equal(3, n_told)
  end)

  it("fetches what max_records had held back once it has a higher limit, or none", function()
    start({ page_size = 4, max_records = 10 }, true)
    for _, run in ipairs{ { 5, 10 }, { 16, 16 }, {} } do
      client:close(5)
      client = syncing.connect()
      local sync = start({ page_size = 4, max_records = run[1] }, true)
      if run[2] then assert.equal(run[2], select(2, syncing.list(client, true))) end
      assert.equal(run[2] ~= nil, sync:status().truncated)
    end
    syncing.wait_equal(client, true)
  end)

  it("keeps the other records of a page where one is bad, and takes that one when it has become good", function()
    posts.spoil "p0020"
    local sync = start()
    local list = syncing.list(client)
    assert.is_nil(list.p0020)
    assert.is_table(list.p0021)
    wait_for(function() return #sync:status().quarantined == 1 end, "one bad record")
    local bad = sync:status().quarantined[1]
    assert.matches("^listPosts%.%d+$", bad.key)
    assert.equal("This post is spoiled.", bad.reason)
    assert.is_true(math.abs(bad.seen - os.time()) < 60)
    posts.spoil("p0020", false)
    posts.update("p0020", { title = "good" })
    syncing.wait_equal(client)
    client:close()
    client = syncing.connect()
    sync = start()
    assert.equal(1, #sync:status().quarantined)
  end)

  it("goes on with the page that it had come to", function()
    posts.fail("listPostsPage", { after = 3, times = 100, status = 503 })
    local sync = client:sync(syncing.built({ page_size = 4 }, true))
    wait_for(function() return sync:status().pages == 3 and sync:status().attempts > 0 end, "a failure after three pages")
    assert.equal("waiting", sync:status().phase)
    assert.equal("graphql", sync:status().err.kind)
    client:close()
    posts.clear()
    posts.asked()
    client = syncing.connect()
    start({ page_size = 4 }, true)
    syncing.wait_equal(client, true)
    local n = select(2, syncing.list(client, true))
    assert.equal(math.floor(n / 4) + 1 - 3, posts.asked().listPostsPage)
  end)

  it("begins anew where the service refuses the token", function()
    posts.fail("listPostsPage", { after = 3, times = 100, status = 503 })
    local sync = client:sync(syncing.built({ page_size = 4 }, true))
    wait_for(function() return sync:status().pages == 3 and sync:status().attempts > 0 end, "a failure after three pages")
    posts.clear()
    posts.expire_tokens()
    assert(sync:ready(10))
    syncing.wait_equal(client, true)
  end)

  it("stops where the service refuses its query", function()
    local sync = client:sync(syncing.built{ base_query = { query = "query { listPosts { id version nothing } }" }, delta_query = false })
    local ok, err = sync:ready(10)
    assert.is_nil(ok)
    assert.equal("graphql", err.kind)
    assert.matches("nothing", err.message)
    assert.equal("stopped", sync:status().phase)
    assert.equal(err.message, sync:status().err.message)
  end)

  it("tries again what a resolver has failed to do", function()
    posts.fail("listPosts", { times = 2, type = "DynamoDB:DynamoDbException", message = "not now" })
    local sync = start()
    assert.equal("live", sync:status().phase)
    syncing.wait_equal(client)
  end)

  it("begins anew when the cache is cleared", function()
    start()
    posts.asked()
    client:clear()
    wait_for(function() return (select(2, syncing.list(client)) or 0) > 0 end, "a list")
    syncing.wait_equal(client)
    assert.same({ listPosts = 1 }, posts.asked())
  end)

  it("fills the queries that cache_updates names for each record", function()
    start{ cache_updates = function(post) return { query = synced_posts.GET, variables = { id = post.id } } end }
    assert.equal("post 21", client:read_query(synced_posts.GET, { id = "p0021" }).getPost.title)
    posts.update("p0021", { title = "changed" })
    posts.delete "p0022"
    syncing.wait_equal(client)
    assert.equal("changed", client:read_query(synced_posts.GET, { id = "p0021" }).getPost.title)
    assert.equal(appsync.null, client:read_query(synced_posts.GET, { id = "p0022" }).getPost)
  end)

  it("calls functions for each page and event, and keeps what they write", function()
    local calls = {}
    local function update(part)
      return function(cache, result)
        calls[#calls + 1] = part
        local count = #calls
        cache:write_fragment("Post:p0023", "fragment F on Post { content }", { content = part .. " " .. count })
        assert(result.data)
      end
    end
    local sync = client:sync{
      base_query = { query = synced_posts.PAGES, update = update "base" }, page_size = 10,
      delta_query = { query = synced_posts.DELTA, update = update "delta" },
      subscription_query = { query = synced_posts.LIVE, update = update "subscription" },
    }
    assert(sync:ready(10))
    local n = select(2, syncing.list(client, true))
    assert.equal(math.floor(n / 10) + 1, #calls)
    posts.update("p0024", { title = "changed" })
    wait_for(function() return calls[#calls] == "subscription" end, "the event", function() return table.concat(syncing.logged, "\n") end)
    wait_for(function() return client:read_fragment("Post:p0023", "fragment F on Post { content }").content == "subscription " .. #calls end)
    -- what the function has written is read at once, what the event brings when the core has written both
    wait_for(function() return client:read_fragment("Post:p0024", "fragment F on Post { title }").title == "changed" end)
  end)

  it("shows a pending mutation above what comes", function()
    start()
    client:set_online(false)
    local response = appsync.copy(syncing.list(client).p0025)
    response.title, response.__typename, response.aws_ds = "mine", "Post", appsync.null
    client:mutate(synced_posts.UPDATE, { input = { id = "p0025", title = "mine" } },
      { optimistic_response = { updatePost = response } })
    local function title() return client:read_fragment("Post:p0025", "fragment F on Post { title }").title end
    assert.equal("mine", title())
    posts.update("p0025", { title = "theirs" })
    client:set_online(true)
    wait_for(function() return client.outbox:size() == 0 end)
    syncing.wait_equal(client)
    assert.equal("mine", title())
  end)

  it("warns once when its base query is read with another policy than cache-only", function()
    start()
    client:query(synced_posts.LIST, nil, { fetch_policy = "cache-only" })
    local function warnings()
      local n = 0
      for _, line in ipairs(syncing.logged) do if line:find("cache-only", 1, true) then n = n + 1 end end
      return n
    end
    assert.equal(0, warnings())
    client:query(synced_posts.LIST, nil, { fetch_policy = "cache-first" })
    client:query(synced_posts.LIST, nil, { fetch_policy = "network-only" })
    assert.equal(1, warnings(), table.concat(syncing.logged, "\n"))
  end)
end)
