-- `appsync.build_mutation` and `cache_updates`: what they send, what they expect, and what they change in the cache.
local appsync = require "appsync"
local cache_edits = require "appsync.client.cache_edits"
local cache_rules = require "appsync.client.cache_rules"
local todos = require "spec.support.cached_todos"
local wait_for = require "spec.support.wait"

local LIST, CREATE, UPDATE = todos.LIST, todos.CREATE, todos.UPDATE
local DELETE = "mutation D($input: DeleteTodoInput!) { deleteTodo(input: $input) { id name done } }"
local GET = "query G($id: ID!) { getTodo(id: $id) { id name done } }"
local VERSIONS = "query V { listVersioned { id name version } }"
local OF_VERSIONED = "mutation U($id: ID!, $name: String, $expectedVersion: Int) { "
  .. "updateVersioned(id: $id, name: $name, expectedVersion: $expectedVersion) { id name version } }"
local INPUT = "mutation U($input: UpdateVersionedInput!) { updateVersioned(input: $input) { id name version } }"

local todo, null = todos.todo, appsync.null

local function list()
  return todos.names{ data = assert(todos.client:read_query(LIST)) }
end

local function build(options)
  options.client = todos.client
  return appsync.build_mutation(options)
end

local function versioned(id, version)
  return { __typename = "Versioned", id = id, name = "n" .. id, version = version }
end

-- Of this client mutations stay where they are until the function is called that is returned.
local function connect_held(options)
  local may_go = false
  options = options or {}
  todos.client:close(0)
  options.headers = function(what)
    while what.kind == "mutation" and not may_go do appsync.sleep(0.001) end
    return {}
  end
  todos.connect(options)
  return function() may_go = true end
end

describe("a built mutation", function()
  before_each(todos.start)
  after_each(todos.stop)
  teardown(todos.finish)

  it("shows what is created, changed and deleted at once, and then what is", function()
    local let_go = connect_held{ debug = true }
    assert(todos.client:query(LIST))
    local made = build{ mutation = CREATE, variables = { input = { name = "two" } }, cache_updates = LIST, typename = "Todo" }
    local creating = appsync.spawn(function() return todos.client:mutate(made) end)
    appsync.sleep(0)
    assert.equal("one two", list())
    local updating = appsync.spawn(function()
      return todos.client:mutate(build{
        mutation = UPDATE, variables = { input = { id = "t1", name = "uno" } }, cache_updates = LIST, typename = "Todo",
      })
    end)
    appsync.sleep(0)
    assert.equal("uno two", list())
    let_go()
    local data = assert(creating:await(10))
    assert(updating:await(10))
    assert.equal("uno two", list())
    assert.equal(data.createTodo.id, todos.client:read_query(LIST).listTodos.items[2].id)
    assert.not_equal(made.optimistic_response.createTodo.id, data.createTodo.id)
    assert(todos.client:mutate(build{
      mutation = DELETE, variables = { input = { id = "t1" } }, cache_updates = LIST, typename = "Todo",
    }))
    assert.equal("two", list())
    assert.same({}, todos.logged)
  end)

  it("takes back what it has shown where the service refuses it", function()
    assert(todos.client:query(LIST))
    local data, err = todos.client:mutate(build{
      mutation = DELETE, variables = { input = { id = "nobody" } }, cache_updates = { LIST, { query = GET, variables = { id = "t1" } } },
      typename = "Todo",
    })
    assert.is_nil(data)
    assert.equal("conflict", err.kind)
    assert.equal("one", list())
  end)

  it("leaves queries alone that aren't cached", function()
    assert(todos.client:mutate(build{ mutation = CREATE, variables = { input = { name = "two" } }, cache_updates = LIST, typename = "Todo" }))
    assert.is_nil((todos.client:read_query(LIST)))
    assert.same({}, todos.logged)
  end)

  it("expects what it was given, what is cached of the item, and null", function()
    assert(todos.client:query(LIST))
    local made = build{ mutation = UPDATE, variables = { input = { id = "t1", done = true } }, typename = "Todo" }
    assert.same({ updateTodo = { __typename = "Todo", id = "t1", name = "one", done = true, version = 1 }, __typename = "Mutation" },
      made.optimistic_response)
    made = build{ mutation = CREATE, variables = { input = { name = "two" } }, typename = "Todo" }
    local item = made.optimistic_response.createTodo
    assert.equal(36, #item.id)
    assert.same({ __typename = "Todo", id = item.id, name = "two", done = null, version = 1 }, item)
    assert.same({ input = { name = "two" } }, made.variables)
    assert.is_nil(build{ mutation = CREATE, variables = { input = { name = "two" } } }.optimistic_response)
  end)

  it("expects null of the fields beside the first one", function()
    local two = CREATE:gsub("}%s*$", 'again: deleteTodo(input: {id: "t1"}) { id } }')
    assert.equal("t1", assert(todos.client:mutate(build{ mutation = two, variables = { input = { name = "two" } }, typename = "Todo" })).again.id)
  end)

  it("expects fields under their aliases, in fragments and below objects", function()
    local made = build{
      mutation = [[mutation M($input: I!) { made: createTodo(input: $input) {
        called: name ...F tags owner { __typename id } address { street city } list { a b }
      } } fragment F on Todo { done } ]],
      variables = { input = {
        name = "two", owner = { id = "o" }, address = { street = "s" }, tags = appsync.array{ "x" }, list = appsync.array{ { a = 1 } },
      } },
      typename = "Todo",
    }
    local item = made.optimistic_response.made
    assert.same({ "two", null, null, { street = "s", city = null }, { "x" }, { { a = 1, b = null } } },
      { item.called, item.done, item.owner, item.address, item.tags, item.list })
  end)

  it("sends the id that it made where the service takes one", function()
    local made = build{
      mutation = CREATE, variables = { input = { name = "two" } }, typename = "Todo", cache_updates = LIST,
      input_type = "input CreateTodoInput { id: ID name: String! done: Boolean }",
    }
    assert.equal(made.optimistic_response.createTodo.id, made.variables.input.id)
    assert.equal(made.variables.input.id, assert(todos.client:mutate(made)).createTodo.id)
    made = build{
      mutation = "mutation C($id: ID!, $name: String!) { createTodo(input: {id: $id, name: $name}) { id name done } }",
      variables = { name = "three" }, typename = "Todo",
    }
    assert.equal(made.optimistic_response.createTodo.id, made.variables.id)
    assert.equal(made.variables.id, assert(todos.client:mutate(made)).createTodo.id)
    made = build{ mutation = UPDATE, variables = { input = { name = "x" } }, typename = "Todo", input_type = { "id" } }
    assert.is_nil(made.variables.input.id)
    made = build{ mutation = CREATE, variables = { input = { id = "mine", name = "x" } }, typename = "Todo" }
    assert.equal("mine", made.optimistic_response.createTodo.id)
  end)

  describe("with versions", function()
    before_each(function()
      todos.client:write_query(VERSIONS, nil, { listVersioned = appsync.array{ versioned("a", 3), versioned("b", 7) } })
      todos.client:write_query("{ getVersioned { id version } }", nil, {
        getVersioned = { __typename = "Versioned", id = "a", version = 3 },
      })
    end)

    it("has the highest of the cached copies", function()
      local function sent(id, cache_updates)
        return build{
          mutation = OF_VERSIONED, variables = { id = id, name = "x" }, cache_updates = cache_updates,
        }.variables.expectedVersion
      end
      assert.equal(3, sent("a", VERSIONS))
      assert.equal(7, sent("b", { VERSIONS, "{ getVersioned { id version } }" }))
      assert.equal(3, sent("a", "{ getVersioned { id version } }"))
      assert.equal(0, sent("b", "{ getVersioned { id version } }"))
      assert.equal(0, sent("c", VERSIONS))
      assert.equal(0, sent("a", LIST))
      assert.equal(0, sent("a", nil))
    end)

    it("sends them where the mutation declares them, unless one was given", function()
      assert.same({ id = "a", name = "x", expectedVersion = 3 },
        build{ mutation = OF_VERSIONED, variables = { id = "a", name = "x" }, cache_updates = VERSIONS }.variables)
      assert.equal(9, build{
        mutation = OF_VERSIONED, variables = { id = "a", expectedVersion = 9 }, cache_updates = VERSIONS,
      }.variables.expectedVersion)
      local response = build{
        mutation = OF_VERSIONED, variables = { id = "a", name = "x" }, cache_updates = VERSIONS, typename = "Versioned",
      }.optimistic_response
      assert.same({ __typename = "Versioned", id = "a", name = "x", version = 4 }, response.updateVersioned)
    end)

    it("has them in an input whose type has a field for them", function()
      local function sent(input_type, input)
        return build{
          mutation = INPUT, variables = { input = input or { id = "a" } }, cache_updates = VERSIONS, input_type = input_type,
        }.variables.input
      end
      assert.same({ id = "a" }, sent(nil))
      assert.same({ id = "a" }, sent "input I { id: ID! expectedVersion: String }")
      assert.same({ id = "a", expectedVersion = 3 }, sent "input I { id: ID! expectedVersion: Int version: Int }")
      assert.same({ id = "a", version = 3 }, sent "input I { version: Int! }")
      assert.same({ id = "a", version = 3 }, sent{ "id", "version" })
      assert.same({ id = "a", version = 3 },
        sent "type T { x: Int } input Other { expectedVersion: Int } input UpdateVersionedInput { version: Int }")
      assert.same({ id = "a", version = 1 }, sent("input I { version: Int }", { id = "a", version = 1 }))
    end)
  end)

  it("takes the queries from a function of the variables", function()
    assert(todos.client:query(LIST))
    local asked
    local made = build{
      mutation = CREATE, variables = { input = { name = "two" } }, typename = "Todo",
      cache_updates = function(variables)
        asked = variables
        return { add = { query = LIST } }
      end,
    }
    assert.same({ input = { name = "two" } }, asked)
    assert.same({ { query = LIST, kind = "add", id_field = "id" } }, made.cache_updates)
    assert(todos.client:mutate(made))
    assert.equal("one two", list())
    assert.error_matches(function()
      build{ mutation = CREATE, cache_updates = function() appsync.sleep(0) end }
    end, "cache_updates", 1, true)
  end)

  it("does what operation and the kinds say, whatever it is called", function()
    local cases = {
      { CREATE, nil, "add" }, { UPDATE, nil, "update" }, { DELETE, nil, "remove" }, { DELETE, "add", "add" },
      { CREATE, "auto", "add" },
      { "mutation { removeUpdate { id } }", nil, "remove" }, { "mutation { onCreateTodo { id } }", nil, "add" },
      { "mutation { editNew { id } }", nil, "update" }, { "mutation { pay { id } }", nil, "auto" },
      { "mutation { pay { id } }", "update", "update" }, { "mutation { x: createTodo { id } }", nil, "add" },
    }
    for _, case in ipairs(cases) do
      local rules = build{ mutation = case[1], operation = case[2], cache_updates = { LIST } }.cache_updates
      assert.equal(case[3], rules[1].kind, case[1])
    end
    assert.equal("remove", build{ mutation = CREATE, operation = "add", cache_updates = { remove = LIST } }.cache_updates[1].kind)
    assert.equal("add", build{ mutation = DELETE, operation = "add", cache_updates = { auto = LIST } }.cache_updates[1].kind)
  end)

  it("is what a mutation as a function sends with the same options", function()
    assert(todos.client:query(LIST))
    local create = appsync.mutation(todos.client, CREATE, { typename = "Todo", cacheUpdates = LIST, timeout = 10 })
    assert(create{ input = { id = "t2", name = "two" } })
    assert.equal("one two", list())
    assert(create({ input = { id = "t3", name = "three" } }, { cache_updates = { remove = LIST } }))
    assert.equal("one two", list())
    assert.error_matches(function() appsync.mutation(todos.client, CREATE, { typename = 1 }) end,
      "appsync.mutation: typename must be string", 1, true)
    assert.error_matches(function() create "two" end, 'appsync.mutation: variables must be a table, got "two"', 1, true)
  end)

  it("refuses what it doesn't take, and says what it does", function()
    local function refused(options, message)
      options.client = options.client or todos.client
      local ok, raised = pcall(appsync.build_mutation, options)
      assert.is_false(ok)
      assert.matches(message, raised, 1, true)
      assert.matches("^spec/e2e/build_mutation_spec.lua:%d+: appsync.build_mutation: ", raised)
    end
    refused({ mutation = CREATE, typenam = "Todo" }, 'unknown option "typenam"; did you mean "typename"?')
    refused({ mutation = CREATE, client = {} }, "client must be a client, got a table")
    refused({}, "mutation is missing")
    refused({ mutation = LIST }, "the document is a query")
    refused({ mutation = CREATE, operation = "ad" }, 'operation must be "auto", "add", "remove" or "update", got "ad"')
    refused({ mutation = "mutation { ...F } fragment F on Mutation { a }" }, "select its field itself")
    refused({ mutation = CREATE, input_type = "type T { a: Int }" }, "input_type must define an input type")
    refused({ mutation = CREATE, input_type = "input {" }, "input_type: ")
    refused({ mutation = CREATE, input_type = {} }, "a list of the names of its fields")
    refused({ mutation = CREATE, input_type = { 1 } }, "input_type[1] must be the name of a field, got number 1")
    refused({ mutation = CREATE, cache_updates = CREATE }, "cache_updates: the document is a mutation")
    refused({ mutation = CREATE, cache_updates = 7 }, "cache_updates must be")
    refused({ mutation = CREATE, cache_updates = { updat = LIST } }, 'cache_updates: unknown key "updat"; did you mean "update"?')
    refused({ mutation = CREATE, cache_updates = { qeury = LIST } }, 'did you mean "query"?')
    refused({ mutation = CREATE, cache_updates = { { query = LIST, variabels = {} } } },
      'cache_updates[1]: unknown option "variabels"; did you mean "variables"?')
    refused({ mutation = CREATE, cache_updates = { add = { LIST, 7 } } }, "cache_updates.add[2] must be a query")
    refused({ mutation = CREATE, cache_updates = { { variables = {} } } }, "cache_updates[1]: query is missing")
    refused({ mutation = CREATE, cache_updates = { query = GET, variables = { ID = "1" } } }, "did you mean $id?")
    refused({ mutation = CREATE, cache_updates = { query = GET, variables = { id = print } } }, "variables.id")
    refused({ mutation = CREATE, cache_updates = "{ ...F } fragment F on Query { a { id } }" }, "select its field itself")
  end)
end)

describe("cache_updates", function()
  before_each(todos.start)
  after_each(todos.stop)
  teardown(todos.finish)

  local function create(id, options)
    return assert(todos.client:mutate(CREATE, { input = { id = id, name = id } }, options))
  end

  it("change lists by the name of the mutation's field, or by their kind", function()
    assert(todos.client:query(LIST))
    create("t2", { cache_updates = appsync.gql(LIST) })
    assert.equal("one t2", list())
    create("t3", { cache_updates = { query = LIST, kind = "auto" } })
    assert.equal("one t2 t3", list())
    create("t4", { cache_updates = { query = LIST, kind = "remove" } })
    assert.equal("one t2 t3", list())
    assert(todos.client:mutate(UPDATE, { input = { id = "t2", name = "two" } }, { cache_updates = { remove = { LIST } } }))
    assert.equal("one t3", list())
  end)

  it("move an item that is there already to the end, as one that is new", function()
    create("t2")
    assert(todos.client:query(LIST))
    assert(todos.client:mutate(UPDATE, { input = { id = "t1", name = "one" } }, { cache_updates = { add = LIST } }))
    assert.equal("t2 one", list())
  end)

  it("run before update, in one transaction", function()
    assert(todos.client:query(LIST))
    local seen
    create("t2", { cache_updates = LIST, update = function(cache) seen = #cache:read_query(LIST).listTodos.items end })
    assert.equal(2, seen)
    create("t3", { cache_updates = LIST, update = function() error "no" end })
    assert.equal("one t2", list())
  end)

  it("change the lists of the variables that they name, and no other one", function()
    local PAGE = "query P($limit: Int) { listTodos(limit: $limit) { nextToken items { id name done } } }"
    assert(todos.client:query(PAGE, { limit = 10 }))
    assert(todos.client:query(PAGE, { limit = 20 }))
    create("t2", { cache_updates = { query = PAGE, variables = { limit = 20 } } })
    assert.equal("one", todos.names{ data = todos.client:read_query(PAGE, { limit = 10 }) })
    assert.equal("one t2", todos.names{ data = todos.client:read_query(PAGE, { limit = 20 }) })
  end)

  it("change plain lists, lists in records and lists of what is no record", function()
    local PLAIN = "{ all { id name done } }"
    local INNER = "{ getBlog { id todos(first: 2) { nodes { id name done } } } }"
    local EMBEDDED = "{ box { items { key name } } }"
    todos.client:write_query(PLAIN, nil, { all = appsync.array{ todo("t1", "one") } })
    todos.client:write_query(INNER, nil, {
      getBlog = { __typename = "Blog", id = "b", todos = { nodes = appsync.array{ todo("t1", "one"), todo("t0", "zero") } } },
    })
    todos.client:write_query(EMBEDDED, nil, { box = { items = appsync.array{ { key = "t1", name = "a" }, { key = "t2", name = "b" } } } })
    create("t2", { cache_updates = { PLAIN, INNER } })
    assert.equal(2, #todos.client:read_query(PLAIN).all)
    local nodes = todos.client:read_query(INNER).getBlog.todos.nodes
    assert.same({ "t1", "t0", "t2" }, { nodes[1].id, nodes[2].id, nodes[3].id })
    local of_key = "mutation U($input: UpdateTodoInput!) { updateTodo(input: $input) { key: id name } }"
    assert(todos.client:mutate(of_key, { input = { id = "t2", name = "B" } }, {
      cache_updates = { query = EMBEDDED, id_field = "key" },
    }))
    local items = todos.client:read_query(EMBEDDED).box.items
    assert.same({ "a", "B" }, { items[1].name, items[2].name })
    assert(todos.client:mutate(of_key, { input = { id = "t2", name = "C" } }, {
      cache_updates = { query = EMBEDDED, id_field = "key", kind = "remove" },
    }))
    assert.equal(1, #todos.client:read_query(EMBEDDED).box.items)
    assert.same({}, todos.logged)
  end)

  it("change a query of one object where it is the item", function()
    assert(todos.client:query(GET, { id = "t1" }))
    create("t2", { cache_updates = { remove = { query = GET, variables = { id = "t1" } } } })
    assert.equal("one", todos.client:read_query(GET, { id = "t1" }).getTodo.name)
    assert(todos.client:mutate(DELETE, { input = { id = "t1" } }, { cache_updates = { query = GET, variables = { id = "t1" } } }))
    assert.equal(null, todos.client:read_query(GET, { id = "t1" }).getTodo)
    create("t1", { cache_updates = { query = GET, variables = { id = "t1" } } })
    assert.equal("t1", todos.client:read_query(GET, { id = "t1" }).getTodo.name)
  end)

  it("keep what other mutations of a list show, in any order of the answers", function()
    local let_go = connect_held{ debug = true }
    assert(todos.client:query(LIST))
    local tasks = {}
    for i = 2, 4 do
      tasks[i] = appsync.spawn(function()
        return todos.client:mutate(CREATE, { input = { id = "t" .. i, name = "t" .. i } }, {
          optimistic_response = { createTodo = todo("t" .. i, "t" .. i) }, cache_updates = LIST,
        })
      end)
      appsync.sleep(0)
    end
    assert.equal("one t2 t3 t4", list())
    local entry = assert(todos.client.outbox:list())[2]
    assert.equal("t3", entry.variables.input.id)
    assert(todos.client.outbox:discard(entry.id))
    wait_for(function() return list() == "one t2 t4" end)
    local _, err = tasks[3]:await(10)
    assert.equal("cancelled", err.kind)
    let_go()
    for _, i in ipairs{ 2, 4 } do assert(tasks[i]:await(10)) end
    local names = list()
    assert.truthy(names:find "t2" and names:find "t4")
    assert.same({}, todos.logged)
  end)

  it("are edits of a list, so that what comes to it meanwhile is shown as well", function()
    local let_go = connect_held()
    assert(todos.client:query(LIST))
    local creating = appsync.spawn(function()
      return todos.client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
        optimistic_response = { createTodo = todo("t2", "two") }, cache_updates = LIST,
      })
    end)
    appsync.sleep(0)
    assert.equal("one two", list())
    todos.client:write_query(LIST, nil, {
      listTodos = { items = appsync.array{ todo("t1", "one"), todo("t9", "nine") }, nextToken = null },
    })
    assert.matches("nine", list())
    assert.matches("two", list())
    let_go()
    assert(creating:await(10))
    assert.equal("one nine two", list())
  end)

  it("read a list once, and then change it where it stands without reading it", function()
    assert(todos.client:query(LIST))
    create("a", { cache_updates = LIST })
    local read = stub(cache_edits, "read") -- nobody calls it any more
    finally(function() read:revert() end)
    create("b", { cache_updates = LIST })
    assert.equal("one a b", list())
    assert(todos.client:mutate(DELETE, { input = { id = "a" } }, { cache_updates = LIST }))
    assert.equal("one b", list())
    assert(todos.client:mutate(UPDATE, { input = { id = "t1", name = "uno" } }, { cache_updates = LIST }))
    assert.equal("uno b", list())
    todos.client:evict("ROOT_QUERY", "listTodos")
    create("c", { cache_updates = LIST })
    assert.is_nil(todos.client:read_query(LIST))
    assert(todos.client:query(LIST))
    assert.equal("uno b c", list())
    assert.same({}, todos.logged)
  end)

  it("tell what they can't do, and the mutation stands", function()
    assert(todos.client:query(LIST))
    assert(todos.client:mutate("mutation C($input: CreateTodoInput!) { createTodo(input: $input) { name } }",
      { input = { id = "t2", name = "two" } }, { cache_updates = LIST }))
    assert.matches('cache_updates[1]: the mutation\'s item has no field "id"', table.concat(todos.logged, "\n"), 1, true)
    assert.equal("one", list())
  end)

  it("are no functions, and need the client's cache", function()
    assert.error_matches(function() todos.client:mutate(CREATE, nil, { cache_updates = function() end }) end,
      "client:mutate: cache_updates must be string or table, got a function", 1, true)
    assert.error_matches(function()
      todos.client:mutate(CREATE, { input = {} }, { cache_updates = LIST, headers = { Authorization = "x" } })
    end, "cache_updates change the client's cache", 1, true)
  end)

  it("are stored as they are, and read back", function()
    local defaults = { kind = "add", id_field = "id" }
    local rules = cache_rules.check({ auto = { LIST, { query = GET, variables = { id = "1" } } }, remove = LIST }, defaults, "here")
    local stored = appsync.decode(appsync.encode(cache_rules.encode(rules)))
    assert.same(rules, cache_rules.decode(stored))
    assert.equal(3, #rules)
    assert.same({ "add", "add", "remove" }, { rules[1].kind, rules[2].kind, rules[3].kind })
    for _, damaged in ipairs{ "x", { { query = 1 } }, { { query = LIST, kind = "no", id_field = "id" } } } do
      assert.is_nil(cache_rules.decode(damaged))
    end
  end)
end)
