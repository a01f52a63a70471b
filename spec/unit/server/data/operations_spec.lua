local core = require("appsync.core")
local operations = require("appsync.server.data.operations")
local store = require("appsync.server.data.store")

local NULL = core.null
local STAMP = "2026-11-20T07:02:59.158Z"

local function list(...) return setmetatable({ ... }, core.array_mt) end

-- A model as the transformation describes it.
local function model(m)
  m.ops = m.ops or {
    get = "get" .. m.name, list = "list" .. m.name .. "s", create = "create" .. m.name, update = "update" .. m.name,
    delete = "delete" .. m.name,
  }
  m.key = m.key or { partition = "id", sort = {}, is_custom = false }
  m.indexes, m.relations, m.defaults = m.indexes or {}, m.relations or {}, m.defaults or {}
  if not m.has_no_stamps then m.created_at, m.updated_at = "createdAt", "updatedAt" end
  m.field_by_name = { id = not m.has_no_id and { named = "ID" } or nil }
  return m
end

local ORDER = { name = "Order", has_no_id = true, key = { partition = "customer", sort = { "year", "number" }, is_custom = true } }

describe("the operations of a model", function()
  local clock, s, resolvers, n_ids

  local function build(...)
    clock, n_ids = 1795158179.158, 0
    s = assert(store.open(":memory:"))
    local models = {}
    for i, m in ipairs({ ... }) do models[i] = model(m) end
    resolvers = assert(operations.build(models, s, {
      query = "Query", mutation = "Mutation",
      now = function() return clock end,
      uuid = function()
        n_ids = n_ids + 1
        return "id-" .. n_ids
      end,
    }))
  end

  after_each(function() s:close() end)

  local function call(type_name, field, args, source)
    return resolvers[type_name][field]({ arguments = args or {}, args = args or {}, source = source, request_id = "r-1" })
  end
  local function query(field, args) return call("Query", field, args) end
  local function mutate(field, input, condition) return call("Mutation", field, { input = input, condition = condition }) end

  local function refused(...)
    local ok, err = pcall(...)
    assert.is_false(ok)
    return err
  end

  local function names(connection, field)
    local out = {}
    for i, item in ipairs(connection.items) do out[i] = item[field or "name"] end
    return out
  end

  local FAILED = "The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: r-1)"

  describe("create", function()
    it("makes an id, the timestamps and the name of the type", function()
      build({ name = "Todo" })
      local expected = { __typename = "Todo", id = "id-1", name = "a", createdAt = STAMP, updatedAt = STAMP }
      assert.same(expected, mutate("createTodo", { name = "a" }))
      assert.same(expected, query("getTodo", { id = "id-1" }))
    end)

    it("takes what is given instead, and an explicit null for what it is", function()
      build({ name = "Todo" })
      assert.same({ __typename = "Todo", id = "x", createdAt = "2000-01-01T00:00:00Z", updatedAt = STAMP, note = NULL },
        mutate("createTodo", { id = "x", createdAt = "2000-01-01T00:00:00Z", updatedAt = NULL, note = NULL }))
      assert.equal("id-1", mutate("createTodo", { id = NULL }).id)
    end)

    it("has no timestamps that the model does not want, and no id where the key is another", function()
      build({ name = "Day", has_no_id = true, key = { partition = "user", sort = {} }, has_no_stamps = true })
      assert.same({ __typename = "Day", user = "u" }, mutate("createDay", { user = "u" }))
      assert.same({ __typename = "Day", user = "u", n = 1 }, mutate("updateDay", { user = "u", n = 1 }))
    end)

    it("refuses a key that is there, and conditions that an absent item does not pass", function()
      build({ name = "Todo" })
      mutate("createTodo", { id = "x", name = "first" })
      local err = refused(mutate, "createTodo", { id = "x", name = "second" })
      assert.same({ message = FAILED, type = "DynamoDB:ConditionalCheckFailedException" }, err)
      assert.equal("first", query("getTodo", { id = "x" }).name)
      assert.equal(FAILED, refused(mutate, "createTodo", { id = "y" }, { name = { eq = "z" } }).message)
      assert.is_nil(query("getTodo", { id = "y" }))
      assert.equal("y", mutate("createTodo", { id = "y" }, { name = { attributeExists = false } }).id)
    end)

    it("refuses an empty key", function()
      build({ name = "Todo", indexes = { { name = "byName", partition = "name", sort = {} } } })
      assert.matches("The AttributeValue for a key attribute cannot contain an empty string value. Key: id",
        refused(mutate, "createTodo", { id = "" }).message)
      local err = refused(mutate, "createTodo", { name = "" })
      assert.matches("IndexName: byName, IndexKey: name", err.message)
      assert.equal("DynamoDB:DynamoDbException", err.type)
    end)

    it("completes defaults", function()
      build({ name = "Todo", defaults = { status = "OPEN", done = false } })
      local item = mutate("createTodo", { name = "a", done = NULL })
      assert.equal("OPEN", item.status)
      assert.is_false(item.done)
      assert.equal("SHUT", mutate("createTodo", { status = "SHUT" }).status)
    end)

    it("leaves the arguments as they are", function()
      build({ name = "Todo", defaults = { status = "OPEN" } })
      local input = { name = "a" }
      mutate("createTodo", input)
      assert.same({ name = "a" }, input)
    end)
  end)

  describe("update", function()
    before_each(function()
      build({ name = "Todo" })
      mutate("createTodo", { id = "x", name = "a", note = "n" })
      clock = clock + 1
    end)

    it("sets what is given, removes what is null and moves the time", function()
      local expected = { __typename = "Todo", id = "x", name = "b", createdAt = STAMP, updatedAt = "2026-11-20T07:03:00.158Z" }
      assert.same(expected, mutate("updateTodo", { id = "x", name = "b", note = NULL }))
      s.cache:clear()
      assert.same(expected, query("getTodo", { id = "x" }))
    end)

    it("refuses what is not there, without data", function()
      assert.same({ message = FAILED, type = "DynamoDB:ConditionalCheckFailedException" }, refused(mutate, "updateTodo", { id = "y" }))
    end)

    it("refuses a condition that does not hold, with the server's record", function()
      local err = refused(mutate, "updateTodo", { id = "x", name = "b" }, { name = { eq = "z" } })
      assert.equal(FAILED, err.message)
      assert.equal("a", err.data.name)
      assert.equal("a", query("getTodo", { id = "x" }).name)
      assert.equal("b", mutate("updateTodo", { id = "x", name = "b" }, { name = { eq = "a" } }).name)
    end)
  end)

  describe("delete", function()
    before_each(function()
      build({ name = "Todo" })
      mutate("createTodo", { id = "x", name = "a" })
    end)

    it("gives the item that was there", function()
      assert.equal("a", mutate("deleteTodo", { id = "x" }).name)
      assert.is_nil(query("getTodo", { id = "x" }))
      assert.equal(FAILED, refused(mutate, "deleteTodo", { id = "x" }).message)
    end)

    it("refuses a condition that does not hold, with the server's record", function()
      assert.equal("a", refused(mutate, "deleteTodo", { id = "x" }, { name = { ne = "a" } }).data.name)
      assert.equal("a", query("getTodo", { id = "x" }).name)
    end)
  end)

  describe("a version", function()
    before_each(function()
      build({ name = "Post", versioned = { field = "version", input = "expectedVersion" } })
      mutate("createPost", { id = "x", title = "a" })
    end)

    it("begins at one and rises with each update", function()
      local item = mutate("updatePost", { id = "x", title = "b", expectedVersion = 1 })
      assert.equal(2, item.version)
      assert.is_nil(item.expectedVersion)
      assert.equal(2, query("getPost", { id = "x" }).version)
    end)

    it("that is another is refused with the server's record", function()
      mutate("updatePost", { id = "x", title = "b", expectedVersion = 1 })
      for _, field in ipairs({ "updatePost", "deletePost" }) do
        local err = refused(mutate, field, { id = "x", expectedVersion = 1 })
        assert.equal("DynamoDB:ConditionalCheckFailedException", err.type)
        assert.equal(2, err.data.version)
        assert.equal("b", err.data.title)
      end
      assert.equal("b", mutate("deletePost", { id = "x", expectedVersion = 2 }).title)
    end)
  end)

  describe("list", function()
    before_each(function()
      build({ name = "Todo" })
      for i = 1, 5 do mutate("createTodo", { id = "t" .. i, name = "n" .. i, rank = i }) end
    end)

    it("pages, and looks at as many items as its limit says before the filter", function()
      local first = query("listTodos", { limit = 2, filter = { rank = { ge = 2 } } })
      assert.same({ "n2" }, names(first))
      local second = query("listTodos", { limit = 2, filter = { rank = { ge = 2 } }, nextToken = first.nextToken })
      assert.same({ "n3", "n4" }, names(second))
      local third = query("listTodos", { limit = 2, nextToken = second.nextToken })
      assert.same({ "n5" }, names(third))
      assert.equal(NULL, third.nextToken)
    end)

    it("may give an empty page that has another behind it", function()
      local page = query("listTodos", { limit = 2, filter = { rank = { eq = 5 } } })
      assert.same({}, page.items)
      assert.is_string(page.nextToken)
    end)

    it("gives a hundred unless told otherwise", function()
      for i = 6, 101 do mutate("createTodo", { id = "t" .. i }) end
      assert.equal(100, #query("listTodos", {}).items)
      assert.equal(100, #query("listTodos", { limit = NULL, nextToken = NULL, filter = NULL }).items)
    end)

    it("refuses a limit below one, and filters that mean nothing even when there are no items", function()
      assert.equal("BadRequestException", refused(query, "listTodos", { limit = 0 }).type)
      assert.equal("Unrecognized Filter", refused(query, "listTodos", { filter = { rank = { between = { 1 } } } }).type)
    end)

    it("refuses tokens that are none, and those of another operation", function()
      local foreign = core.base64('{"version":1,"of":"Query.listPosts","after":[1]}')
      local INVALID = "com.amazonaws.deepdish.common.pagination.InvalidPaginationTokenException: Invalid pagination token given."
      for _, text in ipairs({ "", "x", "????", core.base64("[]"), core.base64("1"), core.base64('{"version":2}'),
        core.base64('{"version":1,"of":"Query.listTodos"}'), core.base64('{"version":1,"of":"Query.listTodos","after":[]}'),
        core.base64('{"version":1,"of":"Query.listTodos","after":[{}]}'),
        core.base64('{"version":1,"of":"Query.listTodos","after":[1,2]}') }) do
        local err = refused(query, "listTodos", { nextToken = text })
        assert.same({ message = INVALID, type = "DynamoDB:UserIllegalArgumentException" }, err)
      end
      local err = refused(query, "listTodos", { nextToken = foreign })
      assert.equal(INVALID .. " It belongs to another operation, or to other keys.", err.message)
    end)
  end)

  describe("a custom key", function()
    before_each(function()
      build(ORDER)
      for _, row in ipairs({ { "c1", 2023, "A1" }, { "c1", 2024, "A1" }, { "c1", 2024, "B7" }, { "c1", 2024, "B10" }, { "c2", 2024, "A1" } }) do
        mutate("createOrder", { customer = row[1], year = row[2], number = row[3], total = row[2] })
      end
    end)

    local function numbers(args) return names(query("listOrders", args), "number") end

    it("finds, changes and deletes by all of its parts", function()
      local KEY = { customer = "c1", year = 2024, number = "B7" }
      assert.equal(2024, query("getOrder", KEY).total)
      assert.is_nil(query("getOrder", { customer = "c1", year = 2025, number = "B7" }))
      assert.equal(5, mutate("updateOrder", { customer = "c1", year = 2024, number = "B7", total = 5 }).total)
      assert.equal(5, mutate("deleteOrder", KEY).total)
      assert.is_nil(query("getOrder", KEY))
      assert.equal("DynamoDB:ConditionalCheckFailedException", refused(mutate, "createOrder",
        { customer = "c1", year = 2024, number = "A1" }).type)
    end)

    it("refuses to look for an empty one", function()
      local err = refused(query, "listOrders", { customer = "" })
      assert.matches("contain an empty string value. Key: customer", err.message)
      assert.equal("DynamoDB:DynamoDbException", err.type)
      build({ name = "Todo", indexes = { { name = "byName", partition = "name", sort = { "state" }, query = "byName" } } })
      assert.matches("Key: name", refused(query, "byName", { name = "" }).message)
      assert.matches("Key: state", refused(query, "byName", { name = "a", state = { beginsWith = "" } }).message)
      assert.matches("Key: state", refused(query, "byName", { name = "a", state = { between = { "a", "" } } }).message)
      assert.same({}, query("byName", { name = "a", state = { eq = "b" } }).items)
    end)

    it("lists everything without its partition, and one partition in the order of the sort key", function()
      assert.equal(5, #numbers({}))
      assert.same({ "A1", "A1", "B10", "B7" }, numbers({ customer = "c1" }))
      assert.same({ "B7", "B10", "A1", "A1" }, numbers({ customer = "c1", sortDirection = "DESC" }))
      assert.same({}, numbers({ customer = "c3" }))
    end)

    -- {condition, numbers}
    local ROWS = {
      { { eq = { year = 2024, number = "B7" } }, { "B7" } },
      { { eq = { year = 2024 } }, {} },
      { { beginsWith = { year = 2024 } }, { "A1", "B10", "B7" } },
      { { beginsWith = { year = 2024, number = "B" } }, { "B10", "B7" } },
      { { lt = { year = 2024 } }, { "A1" } },
      { { le = { year = 2024, number = "A1" } }, { "A1", "A1" } },
      { { gt = { year = 2024, number = "A1" } }, { "B10", "B7" } },
      { { ge = { year = 2024, number = "B2" } }, { "B7" } },
      { { between = { { year = 2024, number = "A" }, { year = 2024, number = "B2" } } }, { "A1", "B10" } },
      { {}, { "A1", "A1", "B10", "B7" } }, { NULL, { "A1", "A1", "B10", "B7" } },
    }
    for _, row in ipairs(ROWS) do
      it("compares the joined text by " .. core.encode(row[1]), function()
        assert.same(row[2], numbers({ customer = "c1", yearNumber = row[1] }))
      end)
    end

    -- {arguments, message}
    local REFUSED = {
      { { sortDirection = "ASC" }, "When providing argument 'sortDirection' you must also provide argument 'customer'." },
      { { yearNumber = { eq = { year = 1 } } }, "When providing argument 'yearNumber' you must also provide 'customer'." },
      { { customer = "c1", yearNumber = { eq = { number = "A1" } } },
        "When providing argument 'yearNumber.eq.number' you must also provide 'yearNumber.eq.year'." },
      { { customer = "c1", yearNumber = { between = { {} } } }, "Argument 'yearNumber.between' expects exactly two elements." },
      { { customer = "c1", yearNumber = { between = { { year = 1 }, { number = "A" } } } },
        "When providing argument 'yearNumber.between[1].number' you must also provide 'yearNumber.between[1].year'." },
      { { customer = "c1", yearNumber = { gt = { year = 1 }, lt = { year = 2 } } },
        "Argument yearNumber must specify at most one key condition operation." },
    }
    for _, row in ipairs(REFUSED) do
      it("refuses " .. core.encode(row[1]), function()
        assert.same({ message = row[2], type = "InvalidArgumentsError" }, refused(query, "listOrders", row[1]))
      end)
    end

    it("pages through a partition either way, and holds tokens to it", function()
      local seen, token = {}, nil
      repeat
        local page = query("listOrders", { customer = "c1", limit = 1, nextToken = token, sortDirection = "DESC" })
        for _, name in ipairs(names(page, "number")) do seen[#seen + 1] = name end
        token = page.nextToken ~= NULL and page.nextToken or nil
      until not token
      assert.same({ "B7", "B10", "A1", "A1" }, seen)
      local of_c1 = query("listOrders", { customer = "c1", limit = 1 }).nextToken
      for _, args in ipairs({ { customer = "c2" }, {}, { customer = "c1", sortDirection = "DESC" } }) do
        args.nextToken = of_c1
        assert.equal("DynamoDB:UserIllegalArgumentException", refused(query, "listOrders", args).type)
      end
    end)

    it("without a sort key knows no direction", function()
      build({ name = "User", has_no_id = true, key = { partition = "mail", sort = {}, is_custom = true } })
      mutate("createUser", { mail = "m" })
      assert.equal("m", query("getUser", { mail = "m" }).mail)
      assert.equal(1, #query("listUsers", { mail = "m" }).items)
      assert.same({ message = "sortDirection is not supported for List operations without a Sort key defined.",
        type = "InvalidArgumentsError" }, refused(query, "listUsers", { sortDirection = "ASC" }))
    end)

    it("with one sort field names it otherwise when its partition is missing", function()
      build({ name = "Day", has_no_id = true, key = { partition = "user", sort = { "at" }, is_custom = true } })
      assert.same({ message = "When providing argument 'at' you must also provide arguments user", type = "InvalidArgumentsError" },
        refused(query, "listDays", { at = { eq = 1 } }))
    end)
  end)

  describe("an index", function()
    before_each(function()
      build({ name = "Label", indexes = {
        { name = "byName", partition = "name", sort = { "weight" }, query = "labelsByName" },
        { name = "byKind", partition = "kind", sort = { "year", "code" }, query = "labelsByKind" },
      } })
      for i, weight in ipairs({ 10, 9, 100, -1, 9.5 }) do mutate("createLabel", { id = "l" .. i, name = "red", weight = weight }) end
    end)

    local function weights(args)
      args.name = args.name or "red"
      return names(query("labelsByName", args), "weight")
    end

    it("orders numbers as numbers", function()
      assert.same({ -1, 9, 9.5, 10, 100 }, weights({}))
      assert.same({ 100, 10 }, weights({ sortDirection = "DESC", limit = 2 }))
      assert.same({ 10, 100 }, weights({ weight = { gt = 9.5 } }))
      assert.same({ 9, 9.5, 10 }, weights({ weight = { between = { 9, 10 } } }))
      assert.same({}, weights({ weight = { between = { 10, 9 } } }))
    end)

    it("is never read without its partition", function()
      mutate("createLabel", { id = "other", kind = "k" })
      for _, args in ipairs({ {}, { name = NULL } }) do
        local err = refused(query, "labelsByName", args)
        assert.equal("DynamoDB:DynamoDbException", err.type)
        assert.matches("^Query condition missed key schema element: name ", err.message)
      end
    end)

    it("pages through items of one sort key", function()
      for i = 1, 5 do mutate("createLabel", { name = "blue", weight = 7, n = i }) end
      local seen, token = {}, nil
      repeat
        local page = query("labelsByName", { name = "blue", limit = 2, nextToken = token })
        for _, n in ipairs(names(page, "n")) do seen[#seen + 1] = n end
        token = page.nextToken ~= NULL and page.nextToken or nil
      until not token
      assert.same({ 1, 2, 3, 4, 5 }, seen)
    end)

    it("has no items that lack a part of its key, or have null there", function()
      mutate("createLabel", { id = "a", name = "red" })
      local item = mutate("createLabel", { id = "b", name = "red", weight = NULL })
      assert.is_nil(item.weight)
      mutate("createLabel", { id = "c", weight = 1 })
      assert.equal(5, #weights({}))
      mutate("updateLabel", { id = "a", weight = 5 })
      assert.same({ -1, 5, 9, 9.5, 10, 100 }, weights({}))
      mutate("updateLabel", { id = "a", weight = NULL })
      mutate("updateLabel", { id = "l1", name = "blue" })
      mutate("deleteLabel", { id = "l2" })
      assert.same({ -1, 9.5, 100 }, weights({}))
      assert.same({ 10 }, weights({ name = "blue" }))
    end)

    it("with a composite sort key wants all of its parts or none", function()
      mutate("createLabel", { id = "k", kind = "x", year = 2024, code = "A" })
      assert.equal(1, #query("labelsByKind", { kind = "x", yearCode = { eq = { year = 2024, code = "A" } } }).items)
      assert.equal("When creating any part of the composite sort key for @index 'byKind', you must provide all fields for the key. "
        .. "Missing key: 'code'.", refused(mutate, "createLabel", { kind = "x", year = 1 }).message)
      assert.equal("When updating any part of the composite sort key for @index 'byKind', you must provide all fields for the key. "
        .. "Missing key: 'year'.", refused(mutate, "updateLabel", { id = "k", code = "B" }).message)
      mutate("updateLabel", { id = "k", code = "B", year = 2025 })
      assert.equal(1, #query("labelsByKind", { kind = "x", yearCode = { eq = { year = 2025, code = "B" } } }).items)
    end)
  end)

  it("compares texts as bytes", function()
    build({ name = "Word", has_no_id = true, key = { partition = "of", sort = { "text" }, is_custom = true } })
    for _, text in ipairs({ "b", "B", "ä", "a", "Z", "aa", "é", "z", "a\0b" }) do mutate("createWord", { of = "x", text = text }) end
    assert.same({ "B", "Z", "a", "a\0b", "aa", "b", "z", "ä", "é" }, names(query("listWords", { of = "x" }), "text"))
    assert.same({ "a", "a\0b", "aa" }, names(query("listWords", { of = "x", text = { beginsWith = "a" } }), "text"))
    assert.same({ "ä", "é" }, names(query("listWords", { of = "x", text = { beginsWith = "\195" } }), "text"))
    assert.equal("DynamoDB:DynamoDbException", refused(query, "listWords", { of = "x", text = { beginsWith = "" } }).type)
  end)

  it("keeps lists and objects", function()
    build({ name = "Todo" })
    local item = mutate("createTodo", { id = "x", tags = list("a", NULL), empty = list(), meta = { score = 1.5 } })
    assert.same({ "a", NULL }, item.tags)
    s.cache:clear()
    local again = query("getTodo", { id = "x" })
    assert.same({ score = 1.5 }, again.meta)
    assert.equal("[]", core.encode(again.empty))
  end)

  it("leaves out what the model has not", function()
    build({ name = "Todo", ops = { get = "readTodo" } })
    assert.is_nil(resolvers.Query.listTodos)
    assert.is_nil(resolvers.Mutation.createTodo)
    assert.is_nil(query("readTodo", { id = "x" }))
    assert.is_nil(resolvers.Todo)
  end)
end)
