-- client:subscribe with catch_up, against the local server: what a subscription has missed comes by a query.
local appsync = require "appsync"
local process = require "spec.support.process"
local synced_posts = require "spec.support.synced_posts"
local wait = require "spec.support.wait"

local BOUND = 10 * require "spec.support.patience"

describe("a subscription that catches up", function()
  local posts, client, logged, states, failure, is_complete, got

  local function open(options)
    options = options or {}
    options.endpoint, options.realtime_endpoint = options.endpoint or posts.endpoint, posts.realtime
    options.auth = { type = "API_KEY", api_key = synced_posts.API_KEY }
    options.retry = { base = 0.02, cap = 0.1 }
    options.log = function(level, message) logged[#logged + 1] = level .. ": " .. message end
    client = appsync.client(options)
  end

  before_each(function()
    logged, states, got, failure, is_complete = {}, {}, {}, nil, false
    posts = synced_posts.start{ n = 5 }
    open()
  end)

  after_each(function()
    client:close(5)
    process.stop_all()
  end)

  local function catch_up(options)
    local all = { query = synced_posts.DELTA, poll = 0.2 }
    for name, value in pairs(options or {}) do all[name] = value end
    return all
  end

  local function subscribe(options, on_next)
    options = options or {}
    options.catch_up = options.catch_up or catch_up()
    local s = client:subscribe(synced_posts.LIVE, nil, options):subscribe{
      next = function(data, err)
        got[#got + 1] = { post = data.onDeltaPost, err = err }
        if on_next then on_next(data) end
      end,
      state = function(state) states[#states + 1] = state end,
      error = function(err) failure = err end,
      complete = function() is_complete = true end,
    }
    return s
  end

  local function ready(options, on_next)
    local s = subscribe(options, on_next)
    appsync.assert(s:ready(BOUND))
    return s
  end

  local function count_of(id, version)
    local n = 0
    for _, one in ipairs(got) do
      if one.post.id == id and one.post.version == version then n = n + 1 end
    end
    return n
  end

  local function came(id, version)
    wait(function() return count_of(id, version) > 0 end, id .. " of version " .. version, function()
      return table.concat(logged, "\n") .. table.concat(states, " ")
    end)
  end

  local function is_state(state)
    wait(function() return states[#states] == state end, state, function() return table.concat(states, " ") end)
  end

  it("fetches nothing while nothing is missed, and then what has changed since", function()
    ready()
    posts.update("p0001", { title = "heard" })
    came("p0001", 2)
    assert.same({}, posts.asked())
    posts.disconnect()
    posts.update("p0002", { title = "missed" })
    posts.create{ id = "new", title = "missed" }
    posts.delete "p0003"
    came("p0002", 2)
    came("new", 1)
    wait(function() return got[4] ~= nil end, "the deletion")
    is_state "subscribed"
    posts.update("p0002", { title = "heard again" })
    came("p0002", 3)
    assert.same({ listPostsDelta = 1 }, posts.asked())
    assert.same({ "subscribed", "reconnecting", "subscribed" }, states)
    assert.equal("DELETE", got[4].post.aws_ds)
    assert.same({ 1, 1, 1, 1 }, { count_of("p0001", 2), count_of("p0002", 2), count_of("new", 1), count_of("p0002", 3) })
    assert.equal(5, #got)
  end)

  it("loses no event over twenty forced disconnects", function()
    ready()
    local n = 0
    local function create()
      n = n + 1
      posts.create{ id = "c" .. n, title = "one of many" }
    end
    for i = 1, 20 do
      create()
      if i % 3 == 0 then appsync.sleep(0.01) end
      posts.disconnect(nil, i % 2 == 0 and 1001 or nil)
      create()
      if i % 4 == 0 then is_state "subscribed" end
      create()
    end
    is_state "subscribed"
    create()
    for i = 1, n do came("c" .. i, 1) end
    local n_twice = 0
    for i = 1, n do
      if count_of("c" .. i, 1) ~= 1 then n_twice = n_twice + 1 end
    end
    assert.equal(0, n_twice)
    assert.equal(61, #got)
    assert.is_nil(failure)
  end)

  it("emits what was missed before what was heard meanwhile, and no older state after a newer one", function()
    ready()
    posts.add{ match = { on = "request", field = "listPostsDelta" }, fault = { delay = 300 } }
    posts.disconnect()
    posts.update("p0001", { title = "missed" })
    wait(function() return #posts.log "?field=onDeltaPost" == 2 end, "the second subscription")
    posts.update("p0001", { title = "in both" })
    posts.update("p0004", { title = "heard" })
    came("p0004", 2)
    local last = 0
    for _, one in ipairs(got) do
      if one.post.id == "p0001" then
        assert.is_true(one.post.version > last)
        last = one.post.version
      end
    end
    assert.equal(3, last)
    assert.equal("p0001", got[1].post.id)
  end)

  it("asks by the service's clock", function()
    client:close(5)
    posts.advance(-7200)
    open()
    local began = os.time() - 7200
    ready()
    posts.disconnect()
    posts.update("p0001", { title = "missed" })
    came("p0001", 2)
    local asked = posts.arguments()
    assert.equal("listPostsDelta", asked[1].field)
    assert.is_true(math.abs(asked[1].lastSync - began) <= 30, ("%d s"):format(asked[1].lastSync - began))
  end)

  it("goes through all pages", function()
    local query = synced_posts.DELTA_PAGES
    ready{ catch_up = catch_up{ query = query, variables = { limit = 2, lastSync = 1 } } }
    posts.disconnect()
    for i = 1, 7 do posts.create{ id = "c" .. i, title = "missed" } end
    for i = 1, 7 do came("c" .. i, 1) end
    is_state "subscribed"
    assert.is_true(posts.asked().listPostsDeltaPage >= 4)
    assert.equal(7, #got)
  end)

  describe("without a socket", function()
    local function refuse()
      return posts.add{ match = { on = "connect" }, fault = { refuse = { status = 503 } } }[1]
    end

    it("polls from the start, and subscribes once it can", function()
      local rule = refuse()
      local s = ready()
      assert.same({ "polling" }, states)
      posts.update("p0001", { title = "polled" })
      came("p0001", 2)
      posts.update("p0001", { title = "polled again" })
      came("p0001", 3)
      posts.remove(rule)
      is_state "subscribed"
      posts.asked()
      posts.update("p0002", { title = "heard" })
      came("p0002", 2)
      assert.same({}, posts.asked())
      assert.is_nil(failure)
      s:unsubscribe()
    end)

    it("polls when it is lost", function()
      ready()
      local rule = refuse()
      posts.disconnect()
      posts.update("p0001", { title = "polled" })
      came("p0001", 2)
      is_state "polling"
      posts.update("p0002", { title = "polled" })
      came("p0002", 2)
      posts.remove(rule)
      is_state "subscribed"
      assert.equal("subscribed reconnecting polling subscribed", table.concat(states, " "))
      assert.equal(2, #got)
    end)
  end)

  it("makes events of the query's data by map", function()
    local seen
    local map = function(data)
      seen = data
      local events = {}
      for _, post in ipairs(data.listPostsDelta) do
        if post.title ~= "dull" then events[#events + 1] = { onDeltaPost = post } end
      end
      return events[1] and events or nil
    end
    ready{ catch_up = catch_up{ map = map } }
    posts.disconnect()
    posts.update("p0001", { title = "dull" })
    posts.update("p0002", { title = "bright" })
    came("p0002", 2)
    assert.equal(0, count_of("p0001", 2))
    assert.is_table(seen.listPostsDelta)
  end)

  it("ends with what map raises", function()
    ready{ catch_up = catch_up{ map = function() error "no map" end } }
    posts.disconnect()
    wait(function() return failure end, "the error")
    assert.truthy(tostring(failure):find("no map", 1, true))
    wait(function() return client:stats().subscriptions == 0 end, "its end in the core")
  end)

  it("ends with the error of a query that is refused for good", function()
    ready()
    posts.fail("listPostsDelta", { type = "Unauthorized", message = "not you" })
    posts.disconnect()
    wait(function() return failure end, "the error")
    assert.truthy(failure.message:find("not you", 1, true), failure.message)
    assert.equal("Unauthorized", failure.error_type)
    assert.equal("not you", failure.errors[1].message)
    assert.is_false(is_complete)
    wait(function() return client:stats().subscriptions == 0 end, "its end in the core")
  end)

  it("sends a query again that fails, and says so once", function()
    ready()
    posts.fail("listPostsDelta", { status = 500, times = 3 })
    posts.disconnect()
    posts.update("p0001", { title = "missed" })
    came("p0001", 2)
    is_state "subscribed"
    local n = 0
    for _, line in ipairs(logged) do
      if line:find("catch_up query", 1, true) then n = n + 1 end
    end
    assert.equal(1, n)
    assert.equal(4, posts.asked().listPostsDelta)
    assert.is_nil(failure)
  end)

  it("fetches what there was no room for", function()
    local s = client:subscribe(synced_posts.LIVE, nil, { buffer = 4, catch_up = catch_up() }):subscribe()
    appsync.assert(s:ready(BOUND))
    local n = 320 -- of which 256 are with the subscriber
    for i = 1, n do posts.create{ id = "c" .. i, title = "one of many" } end
    wait(function() return client:stats().messages > n end, "all of them")
    local ids, n_ids = {}, 0
    while n_ids < n do
      local id = appsync.assert(s:next(BOUND)).onDeltaPost.id
      assert.is_nil(ids[id])
      ids[id], n_ids = true, n_ids + 1
    end
    assert.equal(0, s.dropped)
    s:unsubscribe()
  end)

  it("has records in the cache before they are emitted, and no field of the query's root", function()
    client:close(5)
    open{ store = ":memory:" }
    local titles = {}
    ready(nil, function(data)
      local kept = client:read_fragment("Post:" .. data.onDeltaPost.id, "fragment F on Post { title }")
      titles[#titles + 1] = kept and kept.title or "none"
    end)
    posts.update("p0001", { title = "heard" })
    came("p0001", 2)
    posts.disconnect()
    posts.update("p0002", { title = "missed" })
    came("p0002", 2)
    assert.same({ "heard", "missed" }, titles)
    assert.is_nil((client:read_query(synced_posts.DELTA, { lastSync = posts.arguments()[1].lastSync })))
  end)

  it("asks a headers function for the query's and for the subscription's", function()
    local kinds = {}
    ready{ headers = function(operation)
      kinds[#kinds + 1] = operation.kind
      return { ["x-kind"] = operation.kind }
    end }
    posts.disconnect()
    posts.update("p0001", { title = "missed" })
    came("p0001", 2)
    assert.same({ "subscription", "subscription", "query" }, kinds)
  end)

  it("completes with its client, and is silent once it is unsubscribed", function()
    local s = ready()
    local other = client:subscribe(synced_posts.LIVE, nil, { catch_up = catch_up() }):take(1):subscribe()
    appsync.assert(other:ready(BOUND))
    s:unsubscribe()
    posts.update("p0001", { title = "heard by one" })
    assert.equal("p0001", appsync.assert(other:next(BOUND)).onDeltaPost.id)
    assert.is_nil((other:next(BOUND)))
    wait(function() return client:stats().subscriptions == 0 end, "both to be gone")
    assert.equal(0, #got)
    ready()
    client:close(5)
    wait(function() return is_complete end, "the end")
    assert.is_nil(failure)
  end)
end)
