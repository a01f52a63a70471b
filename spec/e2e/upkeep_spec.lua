-- What a client keeps in its store: what leaves it when, and what stays.
local appsync = require "appsync"
local collect = require "spec.support.collect"
local faults = require "spec.support.faults"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local SCHEMA = [[
type Post { id: ID! title: String author: Author }
type Author { id: ID! name: String }
type Query { post: Post posts(n: Int): [Post] author: Author big(n: Int): [Post] }
]]
local RESOLVERS = [[
local function post(i, title) return { id = tostring(i), title = title, author = { id = "a", name = "Ann" } } end
return { Query = {
  post = function() return post(1, "one") end,
  author = function() return { id = "a", name = "Ann" } end,
  posts = function(ctx)
    local list = {}
    for i = 1, ctx.arguments.n do list[i] = post(i, "post " .. i) end
    return list
  end,
  big = function(ctx)
    local list = {}
    for i = 1, 100 do list[i] = post(ctx.arguments.n * 100 + i, ("x"):rep(100)) end
    return list
  end,
} }
]]
local POST = "{ post { id title } }"
local POSTS = "query P($n: Int) { posts(n: $n) { id title } }"
local BIG = "query B($n: Int) { big(n: $n) { id title } }"
local FRESH = { fetch_policy = "network-only" }

describe("the upkeep of what a client keeps:", function()
  local service, made, client, n_files

  local function open(options)
    n_files = n_files + 1
    options = options or {}
    options.endpoint, options.auth = service.endpoint, { type = "API_KEY", api_key = server.API_KEY }
    options.store = ("%s/%d.db"):format(made.path, n_files)
    options.retry = { attempts = 1 }
    client = assert(appsync.client(options))
    return client
  end

  local function bytes_of_store()
    local total = 0
    for _, suffix in ipairs { "", "-wal" } do
      local file = io.open(("%s/%d.db%s"):format(made.path, n_files, suffix), "rb")
      if file then
        total = total + file:seek("end")
        file:close()
      end
    end
    return total
  end

  local function is_in_store(text)
    for _, suffix in ipairs { "", "-wal" } do
      local content = process.read(("%s/%d.db%s"):format(made.path, n_files, suffix))
      if content:find(text, 1, true) then return true end
    end
    return false
  end

  setup(function()
    n_files = 0
    made = folder.make()
    service = faults.start { schema = SCHEMA, resolvers = RESOLVERS }
  end)
  teardown(function()
    process.stop_all()
    made.remove()
  end)
  before_each(function() service.reset() end)
  after_each(function() client:close(5) end)

  it("gc tells how many records have left, and leaves what is reached", function()
    open()
    assert(client:query(POSTS, { n = 5 }))
    assert.equal(0, client:gc())
    assert(client:evict("ROOT_QUERY", "posts"))
    assert(client:query(POST))
    assert.equal(4, client:gc())
    assert.equal("one", client:read_query(POST).post.title)
    assert.equal(4, client:stats().records_collected)
    assert.equal(0, client:gc())
  end)

  it("gc waits as other calls do", function()
    open()
    local got
    local task = client:gc { on_result = function(n, err) got = { n, err } end }
    assert.is_nil(got)
    assert(task:await(10))
    wait_for(function() return got end)
    assert.same({ 0 }, got)
    local ended = appsync.spawn(function() return client:gc(0) end)
    local n, err = ended:await(10)
    assert.is_true(n == 0 or err.kind == "timeout")
    client:close()
    n, err = client:gc()
    assert.is_nil(n)
    assert.equal("closed", err.kind)
  end)

  it("clear empties the cache at once, and only that of its identity", function()
    open()
    local ann, ben = client:with { identity = "ann" }, client:with { identity = "ben" }
    assert(ann:query(POST))
    assert(ben:query(POST))
    assert.equal("one", ann:read_query(POST).post.title)
    assert(ann:clear())
    assert.is_nil((ann:read_query(POST)))
    assert(ann:write_query("{ own }", nil, { own = 1 }))
    assert.equal(1, ann:read_query("{ own }").own)
    assert.equal("one", ben:read_query(POST).post.title)
    -- the core has done it by the time of an answer
    assert(ann:query("{ author { id } }"))
    assert.is_nil((ann:read_query(POST)))
    assert.equal(1, ann:read_query("{ own }").own)
    assert.equal("a", ann:read_query("{ author { id } }").author.id)
    assert.equal("one", ben:read_query(POST).post.title)
  end)

  it("sign_out leaves nothing of the identity in the file", function()
    open()
    local ann = client:with { identity = "ann@example.com" }
    assert(ann:query(BIG, { n = 1 }))
    assert(client:query(POST))
    assert.is_true(is_in_store(("x"):rep(100)))
    assert.is_true(is_in_store("ann@example.com"))
    assert.is_true((ann:sign_out { outbox = "wipe" }))
    assert.is_false(is_in_store(("x"):rep(100)))
    assert.is_false(is_in_store("ann@example.com"))
    assert.equal("one", client:read_query(POST).post.title)
    assert.is_nil((ann:read_query(BIG, { n = 1 })))
    assert(ann:query(POST))
    assert.equal("one", ann:read_query(POST).post.title)
    assert.has_error(function() ann:sign_out { outbox = "send" } end,
      'client:sign_out: outbox must be one of "keep", "wipe", "refuse", got "send"')
    assert.equal(0, (client:clear { outbox = true }))
  end)

  it("retain keeps what a query reaches, until it is released or the handle is collected", function()
    open { cache = { max_bytes = 65536 } }
    local kept = assert(client:retain(BIG, { n = 0 }))
    local handles = { kept, assert(client:retain(BIG, { n = 1 })) }
    assert.equal("appsync.retention", getmetatable(handles[1]).__name)
    for i = 0, 8 do assert(client:query(BIG, { n = i }, FRESH)) end
    assert(client:gc())
    assert.is_truthy((client:read_query(BIG, { n = 0 })))
    assert.is_truthy((client:read_query(BIG, { n = 1 })))
    assert.is_nil((client:read_query(BIG, { n = 2 })))
    table.remove(handles)
    collect()
    for i = 2, 10 do assert(client:query(BIG, { n = i }, FRESH)) end
    assert(client:gc())
    assert.is_truthy((client:read_query(BIG, { n = 0 })))
    assert.is_nil((client:read_query(BIG, { n = 1 })))
    kept:release()
    kept:release()
    for i = 2, 10 do assert(client:query(BIG, { n = i }, FRESH)) end
    assert(client:gc())
    assert.is_nil((client:read_query(BIG, { n = 0 })))
  end)

  it("what a watch shows stays as long as it is watched", function()
    open { cache = { max_bytes = 65536 } }
    local shown
    local watch = client:watch(BIG, { n = 0 }):subscribe { next = function(view) shown = view end }
    wait_for(function() return shown and shown.data and not shown.loading end)
    for i = 1, 8 do assert(client:query(BIG, { n = i }, FRESH)) end
    assert(client:gc())
    assert.is_truthy((client:read_query(BIG, { n = 0 })))
    assert.is_nil((client:read_query(BIG, { n = 1 })))
    assert.equal(100, #shown.data.big)
    watch:unsubscribe()
    for i = 1, 10 do assert(client:query(BIG, { n = i }, FRESH)) end
    assert(client:gc())
    assert.is_nil((client:read_query(BIG, { n = 0 })))
  end)

  it("a watch sees what is cleared go, and what comes then", function()
    open()
    local shown
    local watch = client:watch(POST, nil, { fetch_policy = "cache-only" }):subscribe { next = function(view) shown = view end }
    assert(client:query(POST))
    wait_for(function() return shown and shown.data and shown.data.post and shown.data.post.title == "one" end)
    assert(client:clear())
    wait_for(function() return not shown.complete end)
    assert(client:write_query(POST, nil, { post = { __typename = "Post", id = "9", title = "nine" } }))
    wait_for(function() return shown.data and shown.data.post and shown.data.post.title == "nine" end)
    watch:unsubscribe()
  end)

  it("max_bytes bounds what is on disk, and the reader meets what has left as missing", function()
    open { cache = { max_bytes = 65536 } }
    local most = 0
    for i = 1, 40 do
      assert(client:query(BIG, { n = i }, FRESH))
      most = math.max(most, bytes_of_store())
    end
    assert(client:gc())
    assert.is_true(client:stats().records_collected > 2000)
    assert.is_true(most < 5e6, most)
    local data, rest = client:read_query(BIG, { n = 1 })
    assert.is_nil(data)
    assert.is_true(rest.partial)
    local _, _, info = client:query(BIG, { n = 1 })
    assert.equal("network", info.source)
  end)

  it("what is older than its type's ttl is asked for again, and still there without a network", function()
    open { cache = { ttl = { Post = 3600 } } }
    assert(client:query(POST))
    local _, _, info = client:query(POST)
    assert.equal("cache", info.source)
    service.skew(7200)
    assert(client:query("{ author { id } }"))
    assert.same({ complete = true, network = true, fields = {
      { path = "post.id", state = "expired", key = "Post:1" }, { path = "post.title", state = "expired", key = "Post:1" } } },
      client:explain(POST))
    local data
    data, _, info = client:query(POST, nil, { fetch_policy = "cache-only" })
    assert.equal("one", data.post.title)
    assert.equal("cache", info.source)
    assert.equal("one", client:read_query(POST).post.title)
    _, _, info = client:query(POST)
    assert.equal("network", info.source)
    _, _, info = client:query(POST)
    assert.equal("cache", info.source)
    service.skew(14400)
    assert(client:query("{ author { id } }", nil, FRESH))
    assert.equal(1, client:gc())
    assert.is_nil((client:read_query(POST)))
    assert.has_error(function() appsync.client { endpoint = "http://x/graphql", store = "x", cache = { ttl = { Post = 0 } } } end)
  end)

  it("explain says what a query would find and lack", function()
    open()
    local explained = assert(client:explain(POST))
    assert.same({ complete = false, network = true, fields = { { path = "post", state = "missing", key = "ROOT_QUERY" } } }, explained)
    assert(client:query(POST))
    assert.same({ complete = true, network = false, fields = {
      { path = "post.id", state = "cached", key = "Post:1" }, { path = "post.title", state = "cached", key = "Post:1" } } },
      client:explain(POST))
    explained = client:explain { query = "query P($n: Int) { post { id author { name } } posts(n: $n) { id } }", variables = { n = 1 } }
    assert.is_false(explained.complete)
    assert.same({ path = "post.author", state = "missing", key = "Post:1" }, explained.fields[2])
    assert.same({ path = "posts", state = "missing", key = "ROOT_QUERY" }, explained.fields[3])
  end)

  it("a client that keeps nothing refuses", function()
    client = appsync.client { endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = false }
    local why = "this client was made with store = false and keeps nothing"
    for _, name in ipairs { "gc", "clear", "sign_out" } do
      assert.has_error(function() client[name](client) end, ("client:%s: %s"):format(name, why))
    end
    for _, name in ipairs { "retain", "explain" } do
      assert.has_error(function() client[name](client, POST) end, ("client:%s: %s"):format(name, why))
    end
  end)
end)
