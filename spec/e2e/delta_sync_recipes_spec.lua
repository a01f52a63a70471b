-- examples/delta-sync: the resolvers of a journal table, and those of an index query.
local core = require "appsync.core"
local engine_module = require "appsync.server.engine"
local process = require "spec.support.process"
local resolver_util = require "appsync.server.resolver_util"
local resolvers = require "appsync.server.resolvers"
local tables = require "appsync.server.data.tables"

local FOLDER = "examples/delta-sync/"
local START = 1700000000

describe("examples/delta-sync", function()
  local engine, clock, path

  local function open(name, schema)
    local function now() return clock end
    engine = assert(engine_module.new({
      schema_text = process.read(FOLDER .. schema), resolvers = assert(resolvers.load(FOLDER .. name)).by_type, now = now,
      providers = { util = resolver_util.provider({ now = now, uuid = core.uuid }) },
    }))
  end

  before_each(function()
    clock, path = START, package.path
    package.path = FOLDER .. "?.lua;" .. path
  end)

  after_each(function()
    package.path = path
    for _, name in ipairs{ "journal", "page_token" } do package.loaded[name] = nil end
    process.stop_all()
  end)

  local function execute(query, variables)
    return core.decode((engine:execute({ query = query, variables = variables })))
  end

  local function data_of(query, variables)
    local answer = execute(query, variables)
    assert.is_nil(answer.errors and answer.errors[1].message)
    return answer.data
  end

  -- The first error of a query.
  local function fault_of(query, variables)
    return assert(execute(query, variables).errors, "no error")[1]
  end

  local function mutate(name, input)
    local query = "mutation($input: %sInput!) { post: %s(input: $input) { id title %s } }"
    local more = engine.schema.types.Post.fields.version and "version aws_ds" or "_deleted"
    return data_of(query:format(name:gsub("^%l", string.upper), name, more), { input = input }).post
  end

  local function create(id, title) return mutate("createPost", { id = id, title = title or id, author = "a" }) end

  -- The posts of all pages of a field, and how many pages there were. `between` runs after each page.
  local function walk(field, arguments, fields, between)
    local posts, n, token = {}, 0, nil
    repeat
      local query = ("query($t: String) { page: %s(%s nextToken: $t) { items { %s } nextToken } }"):format(field, arguments, fields)
      local page = data_of(query, { t = token }).page
      for _, post in ipairs(page.items) do posts[#posts + 1] = post end
      n, token = n + 1, page.nextToken ~= core.null and page.nextToken or nil
      if between then between(n) end
    until not token
    return posts, n
  end

  local function list_of(posts, name)
    local list = {}
    for i, post in ipairs(posts) do list[i] = post[name] end
    return list
  end

  describe("with a journal", function()
    local journal

    before_each(function()
      open("resolvers.lua", "schema.graphql")
      journal = require "journal"
    end)

    local function changes(since)
      return data_of(("{ listPostsDelta(lastSync: %d) { id title version aws_ds } }"):format(since)).listPostsDelta
    end

    it("tells the newest change of each post, in the order of the changes", function()
      create "p1"
      create "p2"
      mutate("updatePost", { id = "p1", title = "again" })
      create "p3"
      mutate("deletePost", { id = "p2" })
      assert.same({ "p1", "p3", "p2" }, list_of(changes(0), "id"))
      assert.same({ "UPDATE", "CREATE", "DELETE" }, list_of(changes(0), "aws_ds"))
      assert.same({ 2, 1, 2 }, list_of(changes(0), "version"))
    end)

    it("counts lastSync in seconds, and lets no change of its own second out", function()
      create "old"
      clock = clock + 60
      create "new"
      assert.same({ "old", "new" }, list_of(changes(START), "id"))
      assert.same({ "new" }, list_of(changes(START + 1), "id"))
      assert.same({ "new" }, list_of(changes(START + 60), "id"))
      assert.same({}, changes(START + 61))
      local function page(since) return (walk("listPostsDeltaPage", ("lastSync: %d,"):format(since), "id")) end
      assert.same({ "old", "new" }, list_of(page(START * 1000 + 999), "id")) -- in pages in milliseconds
      assert.same({ "new" }, list_of(page((START + 60) * 1000 + 999), "id"))
      assert.same({}, page((START + 61) * 1000))
    end)

    it("answers in pages, each post once, and says when a page was made", function()
      for i = 1, 7 do create(("p%d"):format(i)) end
      for _, field in ipairs{ "listPostsPage", "listPostsDeltaPage" } do
        local posts, n = walk(field, "limit: 3", "id")
        assert.same({ "p1", "p2", "p3", "p4", "p5", "p6", "p7" }, list_of(posts, "id"))
        assert.equal(3, n)
        local page = data_of(("{ page: %s { items { id } nextToken startedAt } }"):format(field)).page
        assert.same({ 7, core.null, START * 1000 }, { #page.items, page.nextToken, page.startedAt })
      end
    end)

    it("lets no change out that is made between two pages", function()
      for i = 1, 6 do create(("p%d"):format(i)) end
      local posts = walk("listPostsDeltaPage", "limit: 2", "id aws_ds", function(n)
        if n == 1 then mutate("updatePost", { id = "p1", title = "told already" }) end
        if n == 2 then mutate("deletePost", { id = "p6" }) end
      end)
      assert.same({ "p1", "p2", "p3", "p4", "p5", "p1", "p6" }, list_of(posts, "id"))
      assert.same({ "CREATE", "CREATE", "CREATE", "CREATE", "CREATE", "UPDATE", "DELETE" }, list_of(posts, "aws_ds"))
    end)

    it("refuses a token that it hasn't given, and a page without items", function()
      for i = 1, 3 do create(("p%d"):format(i)) end
      local token = data_of("{ listPostsPage(limit: 1) { nextToken } }").listPostsPage.nextToken
      local query = "query($t: String) { listPostsDeltaPage(nextToken: $t) { nextToken } }"
      for _, wrong in ipairs{ token, "nonsense", "e30=", "" } do
        local fault = fault_of(query, { t = wrong })
        assert.same({ "DynamoDB:UserIllegalArgumentException", "Invalid pagination token given." }, { fault.errorType, fault.message })
      end
      assert.equal("BadRequest", fault_of("{ listPostsPage(limit: 0) { nextToken } }").errorType)
    end)

    it("forgets a change when its time is over, and shows none that it hasn't deleted yet", function()
      journal.ttl_s = 100
      for i = 1, 30 do create(("p%02d"):format(i)) end
      clock = START + 100
      assert.equal(30, #changes(0))
      clock = START + 101
      assert.equal(0, #changes(0)) -- shown no more
      local function kept()
        local all = tables.new{ store = function() return engine.store end, models = {}, now = function() return clock end }
        return #all.PostJournal:scan(), #all.PostJournalByTime:scan{ partition = "Post" }
      end
      assert.same({ 30, 30 }, { kept() })
      create "one"
      assert.same({ 6, 6 }, { kept() })
      create "two"
      assert.same({ 2, 2 }, { kept() }) -- and gone
      assert.same({ "one", "two" }, list_of(changes(0), "id"))
      assert.equal(32, #data_of("{ listPosts { id } }").listPosts)
    end)

    it("goes on counting the versions of a post that comes back while its deletion is told", function()
      journal.ttl_s = 100
      create "p"
      mutate("deletePost", { id = "p" })
      assert.equal(3, create("p", "back").version)
      assert.same({ "CREATE" }, list_of(changes(0), "aws_ds"))
      mutate("deletePost", { id = "p" })
      clock = clock + 101
      assert.equal(1, create("p", "new").version)
    end)

    it("changes nothing where the journal can't be written", function()
      create "p"
      journal.write = function() error("no journal", 0) end
      assert.equal("no journal", fault_of('mutation { updatePost(input: {id: "p", title: "changed"}) { id } }').message)
      assert.equal("p", data_of('{ getPost(id: "p") { title } }').getPost.title)
    end)
  end)

  describe("with an index query", function()
    local BASE = "filter: {_deleted: {ne: true}},"

    before_each(function() open("index_query.lua", "index_query.graphql") end)

    local function changes(since)
      return (walk("listPostsDelta", ("lastSync: %d,"):format(since), "id title _deleted"))
    end

    it("tells posts in the order of their last changes, deletions too", function()
      for i, id in ipairs{ "p1", "p2", "p3" } do
        clock = START + i
        create(id)
      end
      clock = START + 10
      mutate("updatePost", { id = "p1", title = "again" })
      clock = START + 20
      assert.is_true(mutate("deletePost", { id = "p2" })._deleted)
      assert.same({ "p3", "p1", "p2" }, list_of(changes(0), "id"))
      assert.same({ "p1", "p2" }, list_of(changes(START + 10), "id"))
      assert.same({ "p2" }, list_of(changes(START + 11), "id"))
      assert.same({}, changes(START + 21))
      assert.same({ core.null, true }, list_of(changes(START + 10), "_deleted"))
    end)

    it("keeps deleted posts out of the base query", function()
      for i = 1, 5 do create(("p%d"):format(i)) end
      mutate("deletePost", { id = "p3" })
      local posts, n = walk("listPosts", BASE .. " limit: 2,", "id")
      table.sort(posts, function(a, b) return a.id < b.id end)
      assert.same({ "p1", "p2", "p4", "p5" }, list_of(posts, "id"))
      assert.is_true(n >= 3)
    end)

    it("answers in pages", function()
      for i = 1, 5 do
        clock = START + i
        create(("p%d"):format(i))
      end
      local posts, n = walk("listPostsDelta", "lastSync: 0, limit: 2,", "id", function(n)
        clock = START + 100
        if n == 1 then mutate("updatePost", { id = "p1", title = "told already" }) end
      end)
      assert.same({ "p1", "p2", "p3", "p4", "p5", "p1" }, list_of(posts, "id"))
      assert.equal(4, n) -- a page that is full may be the last one
    end)

    it("refuses to delete what isn't there", function()
      create "p"
      mutate("deletePost", { id = "p" })
      for _, id in ipairs{ "p", "nobody" } do
        local fault = fault_of(('mutation { deletePost(input: {id: "%s"}) { id } }'):format(id))
        assert.equal("DynamoDB:ConditionalCheckFailedException", fault.errorType)
      end
    end)
  end)
end)
