-- Versioned models as a schema has them: relations, keys of one's own, @versioned beside them, changes of the schema.
local core = require("appsync.core")
local engine = require("appsync.server.engine")

local NULL = core.null

describe("versioned models", function()
  local served, clock_ms

  local function make(schema_text, options)
    clock_ms = 1795158179158
    local all = { schema_text = schema_text, conflict = { handler = "AUTOMERGE" }, now = function() return clock_ms / 1000 end }
    for name, value in pairs(options or {}) do all[name] = value end
    served = assert(engine.new(all))
  end
  after_each(function() served:close() end)

  local function run(query)
    clock_ms = clock_ms + 1
    return core.decode((served:execute({ query = query })))
  end
  local function data(query)
    local answer = run(query)
    assert.is_nil(answer.errors)
    return answer.data
  end

  it("show tombstones in relations, both ways", function()
    make([[type Post @model { id: ID! title: String comments: [Comment] @hasMany }
      type Comment @model { id: ID! text: String post: Post @belongsTo }]])
    data('mutation { createPost(input: {id: "p"}) { id } }')
    for _, id in ipairs({ "a", "b" }) do data(('mutation { createComment(input: {id: "%s", postCommentsId: "p"}) { id } }'):format(id)) end
    data('mutation { deleteComment(input: {id: "a", _version: 1}) { id } }')
    assert.same({ { id = "a", _deleted = true, _version = 2 }, { id = "b", _deleted = NULL, _version = 1 } },
      data('{ getPost(id: "p") { comments { items { id _deleted _version } startedAt } } }').getPost.comments.items)
    data('mutation { deletePost(input: {id: "p", _version: 1}) { id } }')
    assert.same({ post = { id = "p", _deleted = true } }, data("{ syncComments { items { post { id _deleted } } } }").syncComments.items[2])
    clock_ms = clock_ms + 2592001000
    assert.same({ { post = NULL } }, data("{ syncComments { items { post { id _deleted } } } }").syncComments.items)
  end)

  it("are as old in relations as reads are", function()
    local lag_ms = 0
    make([[type Post @model { id: ID! title: String comments: [Comment] @hasMany cover: Cover @hasOne(fields: ["id"]) }
      type Cover @model { id: ID! url: String }
      type Comment @model { id: ID! text: String post: Post @belongsTo }]], { lag_ms = function() return lag_ms end })
    data('mutation { createPost(input: {id: "p", title: "old"}) { id } }')
    data('mutation { createCover(input: {id: "p", url: "old"}) { id } }')
    data('mutation { createComment(input: {id: "c", text: "old", postCommentsId: "p"}) { id } }')
    clock_ms = clock_ms + 100
    data('mutation { updatePost(input: {id: "p", title: "new", _version: 1}) { id } }')
    data('mutation { updateCover(input: {id: "p", url: "new", _version: 1}) { id } }')
    data('mutation { updateComment(input: {id: "c", text: "new", _version: 1}) { id } }')
    data('mutation { createComment(input: {id: "d", text: "new", postCommentsId: "p"}) { id } }')
    local QUERY = '{ getPost(id: "p") { title cover { url } comments { items { text } } } getComment(id: "c") { post { title } } }'
    local function all(text, ...)
      return { getPost = { title = text, cover = { url = text }, comments = { items = { ... } } }, getComment = { post = { title = text } } }
    end
    assert.same(all("new", { text = "new" }, { text = "new" }), data(QUERY))
    lag_ms = 50
    assert.same(all("old", { text = "old" }), data(QUERY))
    lag_ms = 100000
    assert.same(NULL, data(QUERY).getPost)
  end)

  it("are as old in sync queries, of the table and of the journal", function()
    local lag_ms = 0
    make("type Todo @model { id: ID! name: String }", { lag_ms = function() return lag_ms end })
    local since = clock_ms
    data('mutation { createTodo(input: {id: "1", name: "a"}) { id } }')
    clock_ms = clock_ms + 100
    data('mutation { updateTodo(input: {id: "1", name: "b", _version: 1}) { id } }')
    data('mutation { createTodo(input: {id: "2", name: "b"}) { id } }')
    local function names(arguments)
      local out = {}
      for i, item in ipairs(data(("{ syncTodos%s { items { name } } }"):format(arguments)).syncTodos.items) do out[i] = item.name end
      return table.concat(out, " ")
    end
    local DELTA = ("(lastSync: %d)"):format(since)
    assert.same({ "b b", "a b b" }, { names(""), names(DELTA) })
    lag_ms = 50
    assert.same({ "a", "a" }, { names(""), names(DELTA) })
  end)

  it("are read in the last of several versions of one millisecond", function()
    local lag_ms, ms = 0, 1795158179158
    make("type Todo @model { id: ID! name: String }", { lag_ms = function() return lag_ms end, now = function() return ms / 1000 end })
    data('mutation { createTodo(input: {id: "1", name: "a"}) { id } }')
    data('mutation { updateTodo(input: {id: "1", name: "b", _version: 1}) { id } }')
    ms = ms + 100
    data('mutation { updateTodo(input: {id: "1", name: "c", _version: 2}) { id } }')
    lag_ms = 100
    assert.equal("b", data('{ getTodo(id: "1") { name } }').getTodo.name)
  end)

  it("have the millisecond that a clock in seconds means", function()
    local ms = 0
    make("type Todo @model { id: ID! }", { now = function() return ms / 1000 end })
    for i = 0, 99 do
      ms = 1000 + i
      local created = data(('mutation { createTodo(input: {id: "%d"}) { _lastChangedAt } }'):format(i)).createTodo
      assert.equal(ms, created._lastChangedAt)
    end
  end)

  it("are as old as the journal reaches where reads are older", function()
    local lag_ms = 0
    make("type Todo @model { id: ID! name: String }", { lag_ms = function() return lag_ms end,
      conflict = { handler = "AUTOMERGE", delta_ttl_s = 5 } })
    data('mutation { createTodo(input: {id: "1", name: "a"}) { id } }')
    for version, name in ipairs({ "b", "c", "d" }) do
      clock_ms = clock_ms + 3000
      data(('mutation { updateTodo(input: {id: "1", name: "%s", _version: %d}) { id } }'):format(name, version))
    end
    lag_ms = 60000
    assert.same({ name = "c", _version = 3 }, data('{ getTodo(id: "1") { name _version } }').getTodo)
    clock_ms = clock_ms + 9000
    assert.same({ name = "d", _version = 4 }, data('{ getTodo(id: "1") { name _version } }').getTodo)
  end)

  it("may declare _ttl, which is to be read", function()
    make("type Todo @model { id: ID! _ttl: AWSTimestamp }", { conflict = { handler = "AUTOMERGE", base_ttl_s = 60 } })
    data('mutation { createTodo(input: {id: "1"}) { id } }')
    for _, mutation in ipairs({ 'createTodo(input: {id: "2", _ttl: 5})', 'updateTodo(input: {id: "1", _ttl: 5, _version: 1})' }) do
      local err = run(("mutation { %s { _ttl } }"):format(mutation)).errors[1]
      assert.same({ "BadRequest", "'_ttl' can't be written: conflict detection sets it." }, { err.errorType, err.message })
    end
    local counts, err = served:seed('{"Todo": [{"id": "2", "_ttl": 5}]}', "s")
    assert.is_nil(counts)
    assert.matches("Todo[0]._ttl: must be left out", err.message, 1, true)
    assert.same({ { id = "1", _ttl = NULL, _version = 1 } }, data("{ listTodos { items { id _ttl _version } } }").listTodos.items)
    assert.same({ _ttl = math.floor(clock_ms / 1000) + 60 },
      data('mutation { deleteTodo(input: {id: "1", _version: 1}) { _ttl } }').deleteTodo)
  end)

  it("grow by automerge up to an item's maximum size", function()
    make("type Todo @model { id: ID! words: [String] }")
    local words = setmetatable({}, core.array_mt)
    for i = 1, 25000 do words[i] = "a word" end
    local function write(op, input)
      local query = ("mutation ($input: %sTodoInput!) { out: %sTodo(input: $input) { _version } }"):format(op:gsub("^.", string.upper), op)
      local answer = core.decode((served:execute({ query = query, variables = { input = input } })))
      return answer.errors and answer.errors[1].message or answer.data.out._version
    end
    assert.equal(1, write("create", { id = "1", words = words }))
    assert.equal(2, write("update", { id = "1", words = words }))
    assert.matches("^Item size to update has exceeded the maximum allowed size", write("update", { id = "1", words = words }))
    assert.equal(2, served.store:values("SELECT count(*) FROM journal")[1])
    assert.equal(3, write("delete", { id = "1", _version = 2 }))
  end)

  it("have keys of their own, which a conflict leaves as they are", function()
    make([[type Order @model { customer: ID! @primaryKey(sortKeyFields: ["year", "number"]) year: Int! number: String!
      state: String @index(name: "byState", queryField: "ordersByState", sortKeyFields: ["rank"]) rank: Int }]])
    local KEY = 'customer: "c", year: 2026, number: "A1"'
    data(("mutation { createOrder(input: {%s, state: \"new\", rank: 1}) { _version } }"):format(KEY))
    assert.same({ state = "new", _version = 2 },
      data(("mutation { updateOrder(input: {%s, state: \"paid\", rank: 2}) { state _version } }"):format(KEY)).updateOrder)
    local answer = run(("mutation { deleteOrder(input: {%s}) { customer year number _version } }"):format(KEY))
    assert.same({ customer = "c", year = 2026, number = "A1", _version = 2 }, answer.errors[1].data)
    data(("mutation { deleteOrder(input: {%s, _version: 2}) { _version } }"):format(KEY))
    local LIST = "{ items { number _version _deleted } }"
    local tombstone = { number = "A1", _version = 3, _deleted = true }
    assert.same({ tombstone }, data(('{ ordersByState(state: "new", rank: {gt: 0}) %s }'):format(LIST)).ordersByState.items)
    assert.same({ tombstone }, data(('{ listOrders(customer: "c") %s }'):format(LIST)).listOrders.items)
    assert.same({ tombstone }, data(("{ syncOrders %s }"):format(LIST)).syncOrders.items)
  end)

  it("are told of in subscriptions with the version that was written", function()
    make("type Todo @model { id: ID! name: String }")
    local function published(query) return select(2, served:execute({ query = query }))[1].value end
    local FIELDS = "{ id name _version _deleted }"
    assert.same({ __typename = nil, id = "1", name = "a", _version = 1, _deleted = NULL },
      published(('mutation { createTodo(input: {id: "1", name: "a"}) %s }'):format(FIELDS)))
    assert.same({ 2, "a" }, (function(item) return { item._version, item.name } end)(
      published(('mutation { updateTodo(input: {id: "1", name: "b"}) %s }'):format(FIELDS))))
    assert.same({ 3, true }, (function(item) return { item._version, item._deleted } end)(
      published(('mutation { deleteTodo(input: {id: "1", _version: 2}) %s }'):format(FIELDS))))
    assert.same({}, (select(2, served:execute({ query = 'mutation { deleteTodo(input: {id: "1", _version: 2}) { id } }' }))))
  end)

  it("keep their records when the schema changes under them", function()
    make("type Todo @model { id: ID! name: String }")
    data('mutation { createTodo(input: {id: "1", name: "a"}) { id } }')
    assert(served:reload({ schema_text = "type Todo @model { id: ID! name: String note: String }" }))
    assert.same({ note = "n", _version = 2 }, data('mutation { updateTodo(input: {id: "1", note: "n"}) { note _version } }').updateTodo)
    assert(served:reload({ conflict = { handler = "OPTIMISTIC_CONCURRENCY" } }))
    assert.equal("ConflictUnhandled", run('mutation { updateTodo(input: {id: "1"}) { id } }').errors[1].errorType)
    assert.equal(2, #data("{ syncTodos(lastSync: 1795158179158) { items { id } } }").syncTodos.items)
    served.options.conflict = nil
    assert(served:reload({}))
    assert.matches("undefined", run("{ syncTodos { items { id } } }").errors[1].message)
    assert.equal("a", data('{ getTodo(id: "1") { name } }').getTodo.name)
    assert(served:reload({ conflict = { handler = "AUTOMERGE" } }))
    assert.equal(3, data('{ getTodo(id: "1") { _version } }').getTodo._version)
  end)

  it("may have the first transformer's @versioned beside, which is a condition", function()
    make("type Todo @model @versioned { id: ID! name: String }")
    data('mutation { createTodo(input: {id: "1", name: "a"}) { id } }')
    local FIELDS = "{ version _version }"
    assert.same({ version = 2, _version = 2 },
      data(('mutation { updateTodo(input: {id: "1", expectedVersion: 1, _version: 1}) %s }'):format(FIELDS)).updateTodo)
    assert.equal("ConditionalCheckFailedException",
      run(('mutation { updateTodo(input: {id: "1", expectedVersion: 1, _version: 2}) %s }'):format(FIELDS)).errors[1].errorType)
    assert.equal(3, data(('mutation { deleteTodo(input: {id: "1", expectedVersion: 2, _version: 2}) %s }'):format(FIELDS)).deleteTodo._version)
  end)
end)
