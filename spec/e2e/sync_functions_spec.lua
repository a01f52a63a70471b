-- Functions of the application in a delta sync: what they are told, and what becomes of what they say.
local appsync = require "appsync"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local SCHEMA = [[
type Post { id: ID! title: String }
type Query { listPosts(offset: Int, n: Int): [Post] listDrafts: [Post] getPost(id: ID!): Post }
type Mutation { createPost(id: ID!, title: String): Post setDrafts(from: Int!, to: Int!): Boolean }
type Subscription { onCreatePost: Post @aws_subscribe(mutations: ["createPost"]) }
]]

local RESOLVERS = [[
local from, to = 1, 0 -- of the drafts

local function post(id) return { id = tostring(id), title = ("title %d "):format(id) .. ("x"):rep(200) } end
return {
  Query = {
    listPosts = function(ctx)
      local offset, list = ctx.args.offset or 0, {}
      for id = offset + 1, math.min(offset + (ctx.args.n or 3), 700) do
        if id <= (ctx.args.n or 7) then list[#list + 1] = post(id) end
      end
      return list
    end,
    listDrafts = function()
      local list = {}
      for id = from, to do list[#list + 1] = post(id) end
      return list
    end,
    getPost = function(ctx) return post(tonumber(ctx.args.id)) end,
  },
  Mutation = {
    createPost = function(ctx) return ctx.args end,
    setDrafts = function(ctx)
      from, to = ctx.args.from, ctx.args.to
      return true
    end,
  },
}
]]

local LIST = "query List($offset: Int, $n: Int) { listPosts(offset: $offset, n: $n) { id title } }"
local GET = "query Get($id: ID!) { getPost(id: $id) { id title } }"
local ON_CREATE = "subscription Live { onCreatePost { id title } }"
local CREATE = "mutation ($id: ID!, $title: String) { createPost(id: $id, title: $title) { id title } }"

describe("a delta sync with functions of the application", function()
  local service, clients, log

  setup(function() service = server.start{ schema = SCHEMA, resolvers = RESOLVERS } end)
  teardown(function() process.stop_all() end)

  before_each(function() clients, log = {}, {} end)
  after_each(function()
    for _, client in ipairs(clients) do client:close(5) end
  end)

  local function connect(options)
    options = options or {}
    options.endpoint, options.auth, options.store = service.endpoint, { type = "API_KEY", api_key = server.API_KEY }, options.store or ":memory:"
    options.log = function(level, message) log[#log + 1] = level .. ": " .. message end
    clients[#clients + 1] = appsync.client(options)
    return clients[#clients]
  end

  local function told()
    local lines = {}
    for _, line in ipairs(log) do
      if not line:find "^debug" then lines[#lines + 1] = line end
    end
    return lines
  end

  -- One after the other, by the offset of the page before.
  local function next_offset(data, variables)
    if #data.listPosts == 3 then return { offset = (variables.offset or 0) + 3 } end
  end

  it("gets its pages by the variables that a function gives", function()
    local client, seen = connect(), {}
    local s = client:sync{ base_query = { query = LIST, page = function(data, variables)
      seen[#seen + 1] = variables.offset or "none"
      return next_offset(data, variables)
    end } }
    appsync.assert(s:ready(10))
    assert.same({ "none", 3, 6 }, seen)
    assert.equal(7, #client:read_query(LIST).listPosts)
    assert.same({ 7, 3 }, { s:status().records, s:status().pages })
    assert.same({}, told())
  end)

  it("goes on with the page where it was stopped", function()
    local client, seen = connect(), {}
    local s
    local base = { query = LIST, page = function(data, variables)
      seen[#seen + 1] = variables.offset or "none"
      if #seen == 2 then s:unsubscribe() end
      return next_offset(data, variables)
    end }
    s = client:sync{ base_query = base }
    wait_for(function() return s:status().phase == "stopped" end, "the sync stops", function() return s:status().phase end)
    s = client:sync{ base_query = base }
    appsync.assert(s:ready(10))
    assert.same({ "none", 3, 3, 6 }, seen)
    assert.equal(7, #client:read_query(LIST).listPosts)
  end)

  it("ends where that function throws, and the list isn't taken for whole", function()
    local client = connect()
    local s = client:sync{ base_query = { query = LIST, page = function() error("no offset", 0) end } }
    local ok, err = s:ready(10)
    assert.same({ "usage", "page_raised" }, { not ok and err.kind, err.code })
    assert.is_nil((client:read_query(LIST)))
    assert.matches("page raised: no offset", told()[1])
  end)

  it("keeps what update writes with each page, also with a large one", function()
    local client, sizes = connect(), {}
    local s = client:sync{ base_query = { query = LIST, variables = { n = 700 }, update = function(cache, result)
      sizes[#sizes + 1] = #result.data.listPosts
      cache:write_query(GET, { id = "1" }, { getPost = { __typename = "Post", id = "1", title = "mine" } })
    end } }
    appsync.assert(s:ready(10))
    assert.same({ 700 }, sizes)
    assert.matches("^mine", client:read_query(GET, { id = "1" }).getPost.title)
    assert.equal(700, #client:read_query(LIST, { n = 700 }).listPosts)
  end)

  it("keeps a page whose update throws, without what that has written", function()
    local client = connect()
    local s = client:sync{ base_query = { query = LIST, update = function(cache)
      cache:write_query(GET, { id = "x" }, { getPost = { __typename = "Post", id = "x", title = "mine" } })
      error("no", 0)
    end } }
    appsync.assert(s:ready(10))
    assert.equal(3, #client:read_query(LIST).listPosts)
    assert.is_nil((client:read_query(GET, { id = "x" })))
    assert.same({ "error: client:sync: base_query (listPosts): update raised: no; what it wrote is dropped, the page stands" }, told())
  end)

  it("shows its records under the queries that a function names", function()
    local client = connect()
    local s = client:sync(appsync.build_sync("Post", {
      base_query = LIST, subscription_query = ON_CREATE,
      cache_updates = function(record) return { query = GET, variables = { id = record.id } } end,
    }))
    appsync.assert(s:ready(10))
    for id = 1, 3 do assert.equal(tostring(id), client:read_query(GET, { id = tostring(id) }).getPost.id) end
    assert.is_nil((client:read_query(GET, { id = "9" })))
    appsync.assert(connect():mutate(CREATE, { id = "9", title = "new" }))
    wait_for(function() return (client:read_query(GET, { id = "9" })) end, "the event's record", function() return s:status().phase end)
    assert.equal(4, #client:read_query(LIST).listPosts)
    assert.same({}, told())
  end)

  it("shows them also where other functions take the page", function()
    local client = connect()
    local s = client:sync(appsync.build_sync("Post", {
      base_query = { query = LIST, page = next_offset, update = function() end },
      cache_updates = function(record) return { query = GET, variables = { id = record.id } } end,
    }))
    appsync.assert(s:ready(10))
    for id = 1, 7 do assert.equal(tostring(id), client:read_query(GET, { id = tostring(id) }).getPost.id) end
  end)

  describe("of which a base query has some no more", function()
    local DRAFTS = "query Drafts { listDrafts { id title } }"

    local function set_drafts(from, to)
      appsync.assert(connect():mutate("mutation ($from: Int!, $to: Int!) { setDrafts(from: $from, to: $to) }", { from = from, to = to }))
    end

    -- With 1 to n, each under a query of its own; then the service has the first one alone, and the base query is sent again.
    local function sync_twice(client, n, cache_updates)
      local parts = appsync.build_sync("Post", { base_query = DRAFTS, subscription_query = ON_CREATE, cache_updates = cache_updates })
      set_drafts(1, n)
      local s = client:sync(parts)
      appsync.assert(s:ready(10))
      s:unsubscribe()
      set_drafts(1, 1)
      s = client:sync(parts)
      appsync.assert(s:ready(10))
      assert.equal(1, #client:read_query(DRAFTS).listDrafts)
    end

    local function shown(client, id)
      local data = client:read_query(GET, { id = tostring(id) })
      return data and data.getPost ~= appsync.null
    end

    local function wait_until_gone(client, id)
      wait_for(function() return not shown(client, id) end, "post " .. id .. " is shown no more", function() return table.concat(told(), "\n") end)
    end

    it("takes those out of the queries that a function names, and shows null there as of a deletion", function()
      local client, seen = connect(), {}
      sync_twice(client, 250, function(record)
        seen[record.id] = (seen[record.id] or "") .. record.title:sub(1, 6 + #record.id) .. ";"
        return { query = GET, variables = { id = record.id } }
      end)
      for id = 2, 250 do wait_until_gone(client, id) end
      assert.equal(appsync.null, client:read_query(GET, { id = "250" }).getPost)
      assert.is_true(shown(client, 1))
      assert.equal("title 250;title 250;", (seen["250"]:gsub(" ;", ";")))
      assert.same({}, told())
    end)

    it("says once what that function throws, and goes on with the others", function()
      local client, is_second = connect(), false
      local function cache_updates(record)
        if is_second and tonumber(record.id) < 4 then error("no " .. record.id, 0) end
        if record.id == "5" then is_second = true end
        return { query = GET, variables = { id = record.id } }
      end
      sync_twice(client, 5, cache_updates)
      wait_until_gone(client, 4)
      wait_until_gone(client, 5)
      assert.is_true(shown(client, 3))
      assert.equal(1, #told())
      assert.matches("cache_updates of a sync failed: no 1; .*", told()[1])
    end)
  end)

  it("asks a function for the headers of each request, and of the subscription", function()
    local client, seen = connect(), {}
    local s = client:sync{
      base_query = LIST, subscription_query = ON_CREATE,
      headers = function(operation)
        seen[operation.name] = operation.kind
        appsync.sleep(0.01)
        return { ["x-a"] = operation.name }
      end,
    }
    appsync.assert(s:ready(10))
    assert.same({ List = "query", Live = "subscription" }, seen)
  end)

  it("says why it can't begin, and begins once the headers are there", function()
    local client, is_good = connect(), false
    local s = client:sync{ base_query = LIST, headers = function()
      if is_good then return {} end
      error("no key", 0)
    end }
    wait_for(function() return s:status().err end, "an error", function() return s:status().phase end)
    assert.matches("no key", s:status().err.message)
    assert.matches("no key", told()[1])
    assert.equal(1, #told())
    is_good = true
    appsync.assert(s:ready(20))
  end)
end)
