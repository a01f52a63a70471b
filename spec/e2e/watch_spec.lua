-- client:watch: what is shown, when, and which tables stay the same.
local appsync = require "appsync"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = [[
  type Post @model { id: ID! title: String! tags: [String] blog: Blog @belongsTo }
  type Blog @model { id: ID! name: String! posts: [Post] @hasMany }
]]
local LIST = "query L { listPosts(limit: 100) { items { id title tags blog { id name } } nextToken } }"
local GET = "query G($id: ID!) { getPost(id: $id) { id title tags blog { id name } } }"
local CREATE_BLOG = "mutation B($input: CreateBlogInput!) { createBlog(input: $input) { id name } }"
local CREATE = "mutation C($input: CreatePostInput!) { createPost(input: $input) { id title tags blog { id name } } }"
local UPDATE = "mutation U($input: UpdatePostInput!) { updatePost(input: $input) { id title tags } }"

describe("client:watch", function()
  local running, made, client, n_stores = nil, nil, nil, 0

  local function connect(options)
    options = options or {}
    n_stores = n_stores + 1
    options.endpoint, options.realtime_endpoint = options.endpoint or running.endpoint, running.realtime
    options.auth = { type = "API_KEY", api_key = server.API_KEY }
    options.store = options.store or ("%s/%d.db"):format(made.path, n_stores)
    client = assert(appsync.client(options))
    return client
  end

  setup(function()
    running = server.start{ schema = SCHEMA }
    made = folder.make()
    connect()
    for i = 1, 2 do assert(client:mutate(CREATE_BLOG, { input = { id = "b" .. i, name = "blog " .. i } })) end
    for i = 1, 3 do
      assert(client:mutate(CREATE, { input = { id = "p" .. i, title = "post " .. i, tags = { "x", "y" }, blogPostsId = "b1" } }))
    end
    client:close()
  end)

  after_each(function()
    if client then client:close(0) end
    client = nil
  end)

  teardown(function()
    process.stop_all()
    made.remove()
  end)

  local function by_id(state, id)
    for _, post in ipairs(state.data.listPosts.items) do
      if post.id == id then return post end
    end
  end

  local function rename(id, title, options)
    return assert(client:mutate(UPDATE, { input = { id = id, title = title } }, options))
  end

  it("shows what the network brings, and then what changes", function()
    connect()
    local s = client:watch(LIST):subscribe()
    local first = assert(s:next(10))
    assert.same({ "network", false, true }, { first.source, first.loading, first.complete })
    assert.equal(3, #first.data.listPosts.items)
    local data = assert(client:query(GET, { id = "p1" }, { fetch_policy = "network-only" }))
    assert.equal("post 1", data.getPost.title)
    local _, err = s:next(0)
    assert.equal("timeout", err.kind) -- the same data: nobody is told
    rename("p2", "other")
    assert(client:query(GET, { id = "p2" }, { fetch_policy = "network-only" }))
    local second = assert(s:next(10))
    assert.equal("other", by_id(second, "p2").title)
    assert.equal("post 2", by_id(first, "p2").title) -- what was shown doesn't change
    assert.is_true(rawequal(by_id(first, "p1"), by_id(second, "p1")))
    assert.is_true(rawequal(by_id(first, "p2").tags, by_id(second, "p2").tags))
    assert.is_true(rawequal(by_id(first, "p2").blog, by_id(second, "p2").blog))
    assert.is_false(rawequal(by_id(first, "p2"), by_id(second, "p2")))
    assert.is_false(rawequal(first.data.listPosts.items, second.data.listPosts.items))
    rename("p2", "post 2")
    s:unsubscribe()
  end)

  it("shows a hit without the network, and later subscribers what there is", function()
    connect()
    assert(client:query(LIST))
    local n = client:stats().requests
    local watch = client:watch(LIST)
    local state = assert(watch:next(10))
    assert.same({ "cache", false, true }, { state.source, state.loading, state.complete })
    local other = watch:subscribe()
    assert.is_true(rawequal(state, other:next(10)))
    assert.equal(n, client:stats().requests)
    other:unsubscribe()
  end)

  it("shows first the cache and then the network with cache-and-network", function()
    connect()
    assert(client:query(LIST))
    local s = client:watch(LIST, nil, { fetch_policy = "cache-and-network" }):subscribe()
    local first = assert(s:next(10))
    assert.same({ "cache", true, true }, { first.source, first.loading, first.complete })
    local second = assert(s:next(10))
    assert.same({ "network", false, true }, { second.source, second.loading, second.complete })
    assert.is_true(rawequal(first.data, second.data))
    s:unsubscribe()
  end)

  it("shows the network's answer only with network-only", function()
    connect()
    assert(client:query(LIST))
    rename("p3", "newer", { fetch_policy = "no-cache" })
    local s = client:watch(LIST, nil, { fetch_policy = "network-only" }):subscribe()
    local state = assert(s:next(10))
    assert.same({ "network", false }, { state.source, state.loading })
    assert.equal("newer", by_id(state, "p3").title)
    rename("p3", "post 3")
    s:unsubscribe()
  end)

  it("shows what is there with cache-only, whole or not", function()
    connect()
    local s = client:watch(GET, { id = "p1" }, { fetch_policy = "cache-only" }):subscribe()
    local first = assert(s:next(10))
    assert.same({ false, {} }, { first.complete, first.data })
    assert(client:query(GET, { id = "p1" }))
    local second = assert(s:next(10))
    assert.same({ true, "post 1" }, { second.complete, second.data.getPost.title })
    assert.equal(1, client:stats().requests)
    s:unsubscribe()
  end)

  it("looks at nothing with no-cache", function()
    connect()
    local s = client:watch(GET, { id = "p1" }, { fetch_policy = "no-cache" }):subscribe()
    local state = assert(s:next(10))
    assert.same({ "network", "post 1" }, { state.source, state.data.getPost.title })
    assert.is_nil((client:read_query(GET, { id = "p1" })))
    s:unsubscribe()
  end)

  it("goes on with the data it has when a request fails", function()
    connect{ retry = { attempts = 1 } }
    assert(client:query(LIST))
    local watch = client:watch(LIST)
    local s = watch:subscribe()
    local first = assert(s:next(10))
    local stopped = server.start{ schema = SCHEMA }
    stopped.stop()
    client:close()
    connect{ store = ("%s/%d.db"):format(made.path, n_stores), endpoint = "http://127.0.0.1:1/graphql", retry = { attempts = 1 } }
    s = client:watch(LIST, nil, { fetch_policy = "cache-and-network" }):subscribe()
    local offline = assert(s:next(10))
    assert.same(first.data, offline.data)
    local failed = offline.err and offline or assert(s:next(10))
    assert.equal("network", failed.err.kind)
    assert.is_true(rawequal(offline.data, failed.data))
    s:unsubscribe()
  end)

  it("asks once for what the service doesn't give", function()
    local partial = "query X { getPost(id: \"p1\") { id title } x: getPost(id: 7) { id nope } }"
    for _, policy in ipairs{ "cache-first", "cache-and-network", "network-only" } do
      connect()
      local s = client:watch(partial, nil, { fetch_policy = policy }):subscribe()
      local state = assert(s:next(10))
      assert.same({ false, "graphql" }, { state.loading, state.err.kind }, policy)
      local more, err = s:next(0.3)
      assert.is_nil(more)
      assert.equal("timeout", err.kind)
      assert.equal(1, client:stats().requests, policy)
      s:unsubscribe()
      client:close(0)
    end
  end)

  it("tells a partial answer with its error", function()
    connect()
    local s = client:watch("query X { getPost(id: \"p1\") { id title } x: getPost(id: 7) { id nope } }"):subscribe()
    local state = assert(s:next(10))
    assert.equal("graphql", state.err.kind)
    assert.is_false(state.complete)
    s:unsubscribe()
  end)

  it("refetches, and waits for the answer", function()
    connect()
    local watch = client:watch(LIST)
    local s = watch:subscribe()
    assert(s:next(10))
    rename("p1", "fresh", { fetch_policy = "no-cache" })
    local data = assert(watch:refetch())
    assert.equal("fresh", data.listPosts.items[1].title == "fresh" and "fresh" or by_id({ data = data }, "p1").title)
    local state
    repeat state = assert(s:next(10)) until not state.loading and by_id(state, "p1").title == "fresh"
    rename("p1", "post 1")
    s:unsubscribe()
  end)

  it("asks again and again with poll, until nobody looks", function()
    connect()
    local s = client:watch(GET, { id = "p1" }, { poll = 0.01 }):subscribe()
    assert(s:next(10))
    local before = client:stats().requests
    while client:stats().requests < before + 3 do appsync.sleep(0.005) end
    s:unsubscribe()
    for _ = 1, 10 do assert(client:query(GET, { id = "p2" }, { fetch_policy = "network-only" })) end
    local after = client:stats().requests
    for _ = 1, 10 do assert(client:query(GET, { id = "p2" }, { fetch_policy = "network-only" })) end
    assert.equal(after + 10, client:stats().requests)
  end)

  it("tells a busy subscriber of many changes by the last of them", function()
    connect()
    assert(client:query(GET, { id = "p1" }))
    local seen, is_over = {}, false
    local s = client:watch(GET, { id = "p1" }):subscribe(function(state)
      seen[#seen + 1] = state.data.getPost.title
      if #seen == 1 then while not is_over do appsync.sleep(0.001) end end
    end)
    while #seen == 0 do appsync.sleep(0.001) end
    for i = 1, 20 do
      rename("p1", "title " .. i, { fetch_policy = "no-cache" })
      assert(client:query(GET, { id = "p1" }, { fetch_policy = "network-only" }))
    end
    is_over = true
    while seen[#seen] ~= "title 20" do appsync.sleep(0.001) end
    assert.is_true(#seen <= 3)
    rename("p1", "post 1")
    s:unsubscribe()
  end)

  it("makes the values of a large list in steps", function()
    connect()
    local text = ("x"):rep(2000)
    for i = 1, 60 do
      assert(client:mutate(CREATE, { input = { id = "large" .. i, title = text .. i, blogPostsId = "b2" } }))
    end
    local s = client:watch(LIST):subscribe()
    local first = assert(s:next(10))
    assert.equal(63, #first.data.listPosts.items)
    assert(client:mutate(UPDATE, { input = { id = "large7", title = "small" } }))
    assert(client:query(GET, { id = "large7" }, { fetch_policy = "network-only" }))
    local second = assert(s:next(10))
    assert.equal("small", by_id(second, "large7").title)
    local n_same = 0
    for _, post in ipairs(second.data.listPosts.items) do
      if rawequal(post, by_id(first, post.id)) then n_same = n_same + 1 end
    end
    assert.equal(62, n_same)
    s:unsubscribe()
  end)

  it("completes when the client closes", function()
    connect()
    local is_complete = false
    client:watch(LIST):subscribe{ complete = function() is_complete = true end }
    client:close()
    while not is_complete do appsync.sleep(0) end
  end)

  it("refuses what isn't possible", function()
    connect()
    local ok, raised = pcall(client.watch, client, LIST, nil, { fetch_polcy = "cache-only" })
    assert.is_false(ok)
    assert.matches('did you mean "fetch_policy"', raised, 1, true)
    ok, raised = pcall(client.watch, client, CREATE)
    assert.is_false(ok)
    assert.matches("mutation", raised, 1, true)
    ok, raised = pcall(client.watch, client, LIST, nil, { poll = 0 })
    assert.is_false(ok)
    assert.matches("poll", raised, 1, true)
  end)
end)
