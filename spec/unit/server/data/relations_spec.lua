local core = require("appsync.core")
local operations = require("appsync.server.data.operations")
local store = require("appsync.server.data.store")

local NULL = core.null

local function model(m)
  m.ops = { get = "get" .. m.name, list = "list" .. m.name, create = "create" .. m.name, update = "update" .. m.name,
    delete = "delete" .. m.name }
  m.key = m.key or { partition = "id", sort = {} }
  m.indexes, m.relations, m.defaults, m.field_by_name = m.indexes or {}, m.relations or {}, {}, {}
  return m
end

describe("fields that lead to related models", function()
  local s, resolvers, guard

  local function build(models)
    s = assert(store.open(":memory:"))
    for _, m in ipairs(models) do model(m) end
    guard = {}
    resolvers = assert(operations.build(models, s, {
      query = "Query", mutation = "Mutation", guard = guard, now = function() return 0 end, uuid = core.uuid,
    }))
  end
  after_each(function() s:close() end)

  local function create(name, input) return resolvers.Mutation["create" .. name]({ arguments = { input = input } }) end
  local function follow(type_name, field, source, args)
    return resolvers[type_name][field]({ arguments = args or {}, source = source })
  end
  local function ids(connection)
    local out = {}
    for i, item in ipairs(connection.items) do out[i] = item.id end
    return out
  end

  describe("of one to many", function()
    local BLOG = {}

    before_each(function()
      build({
        { name = "Blog", relations = {
          { field = "posts", kind = "hasMany", model = "Post", local_fields = { "id" }, remote_fields = { "blogPostsId" }, limit = 3 },
          { field = "ranked", kind = "hasMany", model = "Post", index = "byBlog", local_fields = { "id" }, remote_fields = { "blogId" }, limit = 100 },
          { field = "byYear", kind = "hasMany", model = "Post", index = "byYear", local_fields = { "id", "year" },
            remote_fields = { "blogId", "year" }, limit = 100 },
        } },
        { name = "Post",
          indexes = {
            { name = "byBlog", partition = "blogId", sort = { "rank" } }, { name = "byYear", partition = "blogId", sort = { "year", "code" } },
          },
          relations = { { field = "blog", kind = "belongsTo", model = "Blog", local_fields = { "blogPostsId" }, remote_fields = { "id" } } } },
      })
      create("Blog", { id = "b1" })
      for i = 1, 5 do
        create("Post", { id = "p" .. i, blogPostsId = "b1", blogId = "b1", rank = -i, year = 2020 + i % 2, code = "c" .. i })
      end
      create("Post", { id = "other", blogPostsId = "b2", blogId = "b2", rank = 1 })
      BLOG = { id = "b1", year = 2021 }
    end)

    it("give the items of the child's key in pages of the directive's limit", function()
      local first = follow("Blog", "posts", BLOG)
      assert.same({ "p1", "p2", "p3" }, ids(first))
      local second = follow("Blog", "posts", BLOG, { nextToken = first.nextToken })
      assert.same({ "p4", "p5" }, ids(second))
      assert.equal(NULL, second.nextToken)
      assert.same({ "p1" }, ids(follow("Blog", "posts", BLOG, { limit = 1 })))
    end)

    it("hold a page's token to the parent that it is of", function()
      local first = follow("Blog", "posts", BLOG)
      local ok, err = pcall(follow, "Blog", "posts", { id = "b2" }, { nextToken = first.nextToken })
      assert.is_false(ok)
      assert.equal("DynamoDB:UserIllegalArgumentException", err.type)
    end)

    it("obey a filter, a direction and the condition of a sort key", function()
      assert.same({ "p5" }, ids(follow("Blog", "ranked", BLOG, { filter = { code = { eq = "c5" } } })))
      assert.same({ "p5", "p4", "p3", "p2", "p1" }, ids(follow("Blog", "ranked", BLOG)))
      assert.same({ "p1", "p2" }, ids(follow("Blog", "ranked", BLOG, { sortDirection = "DESC", limit = 2 })))
      assert.same({ "p2", "p1" }, ids(follow("Blog", "ranked", BLOG, { rank = { ge = -2 } })))
      local ok, err = pcall(follow, "Blog", "ranked", BLOG, { rank = { ge = -2, lt = 0 } })
      assert.is_false(ok)
      assert.equal("InvalidArgumentsError", err.type)
    end)

    it("fix the first parts of a composite sort key by the parent's values", function()
      assert.same({ "p1", "p3", "p5" }, ids(follow("Blog", "byYear", BLOG)))
    end)

    it("give nothing where the parent's value is missing or null", function()
      assert.same({ items = {}, nextToken = NULL }, follow("Blog", "posts", {}))
      assert.same({ items = {}, nextToken = NULL }, follow("Blog", "byYear", { id = "b1", year = NULL }))
      assert.same({}, follow("Blog", "posts", { id = "none" }).items)
    end)

    it("give the parent back, or null", function()
      assert.equal("b1", follow("Post", "blog", { blogPostsId = "b1" }).id)
      assert.is_nil(follow("Post", "blog", { blogPostsId = "b9" }))
      assert.is_nil(follow("Post", "blog", { blogPostsId = NULL }))
      assert.is_nil(follow("Post", "blog", {}))
      assert.is_nil(follow("Post", "blog", { blogPostsId = "" }))
    end)

    it("are read by the rules of the related model", function()
      local asked = {}
      function guard.read(_, m, op)
        asked[#asked + 1] = m.name .. " " .. op
        return m.name == "Post" and { code = { ne = "c1" } } or { id = { eq = "b2" } }
      end
      resolvers = assert(operations.build({
        model({ name = "Blog", relations = { { field = "posts", kind = "hasMany", model = "Post", local_fields = { "id" }, remote_fields = { "blogPostsId" } } } }),
        model({ name = "Post", relations = { { field = "blog", kind = "belongsTo", model = "Blog", local_fields = { "blogPostsId" }, remote_fields = { "id" } } } }),
      }, s, { query = "Query", guard = guard }))
      assert.same({ "p2", "p3", "p4", "p5" }, ids(follow("Blog", "posts", BLOG)))
      local ok, err = pcall(follow, "Post", "blog", { blogPostsId = "b1" })
      assert.is_false(ok)
      assert.same({ message = "Not Authorized to access blog on type Post", type = "Unauthorized" }, err)
      assert.same({ "Post list", "Blog get" }, asked)
    end)
  end)

  it("of one to one find the other side by its key or by a key that it holds", function()
    build({
      { name = "Project", relations = {
        { field = "team", kind = "hasOne", model = "Team", local_fields = { "projectTeamId" }, remote_fields = { "id" } },
        { field = "lead", kind = "hasOne", model = "Lead", local_fields = { "id" }, remote_fields = { "projectId" } },
      } },
      { name = "Team" }, { name = "Lead" },
    })
    create("Team", { id = "t" })
    create("Lead", { id = "l", projectId = "p" })
    assert.equal("t", follow("Project", "team", { projectTeamId = "t" }).id)
    assert.equal("l", follow("Project", "lead", { id = "p" }).id)
    assert.is_nil(follow("Project", "lead", { id = "q" }))
    assert.is_nil(follow("Project", "lead", {}))
  end)

  it("of one to one over another's key refuse what the rules hide", function()
    build({ { name = "Project" }, { name = "Lead" } })
    create("Lead", { id = "l", projectId = "p" })
    resolvers = assert(operations.build({
      model({ name = "Project", relations = {
        { field = "lead", kind = "hasOne", model = "Lead", local_fields = { "id" }, remote_fields = { "projectId" } },
      } }), model({ name = "Lead" }),
    }, s, { query = "Query", guard = { read = function() return { id = { eq = "x" } } end } }))
    local ok, err = pcall(follow, "Project", "lead", { id = "p" })
    assert.is_false(ok)
    assert.equal("Not Authorized to access lead on type Project", err.message)
  end)

  it("take composite keys", function()
    build({
      { name = "Order", key = { partition = "customer", sort = { "year", "number" }, is_custom = true }, relations = {
        { field = "lines", kind = "hasMany", model = "Line", local_fields = { "customer", "year", "number" },
          remote_fields = { "orderCustomer", "orderYear", "orderNumber" } },
      } },
      { name = "Line", relations = {
        { field = "order", kind = "belongsTo", model = "Order", local_fields = { "orderCustomer", "orderYear", "orderNumber" },
          remote_fields = { "customer", "year", "number" } },
      } },
    })
    create("Order", { customer = "c", year = 2024, number = "A" })
    create("Line", { id = "l1", orderCustomer = "c", orderYear = 2024, orderNumber = "A" })
    create("Line", { id = "l2", orderCustomer = "c", orderYear = 2024, orderNumber = "B" })
    local order = follow("Line", "order", { orderCustomer = "c", orderYear = 2024, orderNumber = "A" })
    assert.equal("A", order.number)
    assert.same({ "l1" }, ids(follow("Order", "lines", order)))
    assert.is_nil(follow("Line", "order", { orderCustomer = "c", orderYear = 2024 }))
  end)

  it("lead through the records of many to many", function()
    build({
      { name = "Post", relations = { { field = "labels", kind = "hasMany", model = "PostLabels", index = "byPost", local_fields = { "id" }, remote_fields = { "postId" } } } },
      { name = "Label", relations = { { field = "posts", kind = "hasMany", model = "PostLabels", index = "byLabel", local_fields = { "id" }, remote_fields = { "labelId" } } } },
      { name = "PostLabels",
        indexes = { { name = "byPost", partition = "postId", sort = {} }, { name = "byLabel", partition = "labelId", sort = {} } },
        relations = {
          { field = "post", kind = "belongsTo", model = "Post", local_fields = { "postId" }, remote_fields = { "id" }, is_required = true },
          { field = "label", kind = "belongsTo", model = "Label", local_fields = { "labelId" }, remote_fields = { "id" }, is_required = true },
        } },
    })
    create("Post", { id = "p" })
    create("Label", { id = "l" })
    create("PostLabels", { id = "x", postId = "p", labelId = "l" })
    local edge = follow("Post", "labels", { id = "p" }).items[1]
    assert.equal("l", follow("PostLabels", "label", edge).id)
    assert.same({ "x" }, ids(follow("Label", "posts", { id = "l" })))
  end)
end)

describe("the rules of a model", function()
  local s, resolvers, guard, log

  before_each(function()
    s, log, guard = assert(store.open(":memory:")), {}, {}
    resolvers = assert(operations.build({ model({ name = "Todo", indexes = { { name = "byName", partition = "name", sort = {}, query = "byName" } } }) }, s, {
      query = "Query", mutation = "Mutation", now = function() return 0 end, uuid = error, guard = {
        create = function(_, m, _, input)
          log[#log + 1] = { "create", m.name }
          input.owner = input.owner or "me"
        end,
        read = function(_, m, op)
          log[#log + 1] = { "read", m.name, op }
          return guard.filter
        end,
        update = function(_, m, _, item, input) log[#log + 1] = { "update", m.name, item.name, input.name } end,
        delete = function(_, m, _, item)
          log[#log + 1] = { "delete", m.name, item.name }
          if guard.refuses then error({ message = "no", type = "Unauthorized" }, 0) end
        end,
      },
    }))
  end)
  after_each(function() s:close() end)

  local function mutate(op, input, condition)
    return resolvers.Mutation[op .. "Todo"]({ arguments = { input = input, condition = condition } })
  end
  local function query(field, args) return resolvers.Query[field]({ arguments = args }) end

  it("see and change what is created, before it is", function()
    local input = { id = "1", name = "a" }
    assert.equal("me", mutate("create", input).owner)
    assert.is_nil(input.owner)
    assert.same({ { "create", "Todo" } }, log)
  end)

  it("see the item that is there before it is changed or deleted, and an empty one when there is none", function()
    mutate("create", { id = "1", name = "a" })
    log = {}
    mutate("update", { id = "1", name = "b" })
    pcall(mutate, "update", { id = "2", name = "c" })
    pcall(mutate, "delete", { id = "2" })
    mutate("delete", { id = "1" })
    assert.same({ { "update", "Todo", "a", "b" }, { "update", "Todo", nil, "c" }, { "delete", "Todo" }, { "delete", "Todo", "b" } }, log)
  end)

  it("that refuse leave all as it was", function()
    mutate("create", { id = "1", name = "a" })
    guard.refuses = true
    local ok, err = pcall(mutate, "delete", { id = "1" })
    assert.is_false(ok)
    assert.equal("Unauthorized", err.type)
    assert.equal("a", query("getTodo", { id = "1" }).name)
  end)

  it("hold for the data of a refusal", function()
    local m = model({ name = "Todo", field_rules = { secret = {} } })
    resolvers = assert(operations.build({ m }, s, { query = "Query", mutation = "Mutation", now = function() return 0 end, guard = {
      shown = function(_, _, name, value) return name == "owner" and "shown" or value end,
    } }))
    mutate("create", { id = "1", name = "a", owner = "sub::me", secret = "s" })
    local ok, err = pcall(mutate, "update", { id = "1" }, { name = { eq = "z" } })
    assert.is_false(ok)
    assert.equal("shown", err.data.owner)
    assert.equal("a", err.data.name)
    assert.is_nil(err.data.secret)
    assert.equal("sub::me", query("getTodo", { id = "1" }).owner)
  end)

  it("come before conditions", function()
    mutate("create", { id = "1", name = "a" })
    guard.refuses = true
    local ok, err = pcall(mutate, "delete", { id = "1" }, { name = { eq = "z" } })
    assert.is_false(ok)
    assert.equal("no", err.message)
  end)

  it("are a filter of what is read, beside that of the caller", function()
    for i = 1, 4 do mutate("create", { id = tostring(i), name = "x", rank = i }) end
    log, guard.filter = {}, { rank = { ge = 2 } }
    for _, field in ipairs({ "listTodo", "byName" }) do
      local page = query(field, { name = "x", filter = { rank = { le = 3 } } })
      assert.equal(2, #page.items)
      assert.equal("2", page.items[1].id)
    end
    assert.equal("3", query("getTodo", { id = "3" }).id)
    assert.is_nil(query("getTodo", { id = "9" }))
    local ok, err = pcall(query, "getTodo", { id = "1" })
    assert.is_false(ok)
    assert.same({ message = "Not Authorized to access getTodo on type Query", type = "Unauthorized" }, err)
    assert.same({ "read", "Todo", "list" }, log[1])
    assert.same({ "read", "Todo", "get" }, log[3])
  end)
end)
