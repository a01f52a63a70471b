-- `update` of mutations and subscriptions: what it changes in the cache, once for each result.
local appsync = require "appsync"
local todos = require "spec.support.cached_todos"

local LIST, CREATE, UPDATE = todos.LIST, todos.CREATE, todos.UPDATE
local todo, add = todos.todo, todos.add

describe("updates", function()
  before_each(todos.start)
  after_each(todos.stop)
  teardown(todos.finish)

  it("run update for the answer alone without an optimistic response", function()
    local s = todos.watch()
    local results = {}
    assert(todos.client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
      update = function(cache, result)
        results[#results + 1] = result.optimistic
        add "createTodo" (cache, result)
      end,
    }))
    assert.same({ false }, results)
    assert.equal("one two", todos.names(assert(s:next(10))))
    assert.equal("one two", todos.names{ data = todos.client:read_query(LIST) })
    s:unsubscribe()
  end)

  it("keep nothing that others only hope for, whatever update reads and writes", function()
    todos.client:close(0)
    local may_go = false
    todos.connect{ headers = function(what)
      while what.variables.input.name == "never" and not may_go do appsync.sleep(0.001) end
      return {}
    end, store = ("%s/%d.db"):format(todos.folder(), todos.n_stores) }
    todos.client:write_query(LIST, nil, { listTodos = { items = appsync.array{ todo("t1", "one") }, nextToken = appsync.null } })
    local s = todos.watch()
    local hoping = appsync.spawn(function()
      return todos.client:mutate(UPDATE, { input = { id = "nobody", name = "never" } }, {
        optimistic_response = { updateTodo = todo("t1", "never") }, queue = false, -- or the next one would wait for it
      })
    end)
    assert.equal("never", todos.names(assert(s:next(10))))
    assert(todos.client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
      optimistic_response = { createTodo = todo("temporary", "two?") },
      update = function(cache, result)
        local data = cache:read_query(LIST)
        table.insert(data.listTodos.items, result.data.createTodo)
        cache:write_query(LIST, nil, data)
      end,
    }))
    assert.equal("never two", todos.names{ data = todos.client:read_query(LIST) })
    todos.client:modify("Todo:t1", "name", function(name) return name .. "!" end)
    may_go = true
    hoping:await(10)
    assert.equal("one! two", todos.names{ data = todos.client:read_query(LIST) })
    s:unsubscribe()
  end)

  it("have the client's updates where a call gives none", function()
    todos.client:close(0)
    todos.connect{ updates = { createTodo = add "createTodo" } }
    local s = todos.watch()
    assert(todos.client:mutate(CREATE, { input = { id = "t2", name = "two" } }))
    assert.equal("one two", todos.names(assert(s:next(10))))
    s:unsubscribe()
  end)

  it("have one for each field of a mutation, whatever it is answered under", function()
    todos.client:close(0)
    local called = {}
    local function note(name)
      return function(_, result) called[#called + 1] = name .. " " .. tostring(result.data.x ~= nil) end
    end
    todos.connect{ updates = { createTodo = note "create", updateTodo = note "update" } }
    assert(todos.client:mutate([[mutation {
      x: createTodo(input: {id: "t2", name: "two"}) { id } updateTodo(input: {id: "t1", name: "uno"}) { id }
      again: createTodo(input: {id: "t3", name: "three"}) { id }
    }]]))
    assert.same({ "create true", "update true" }, called)
  end)

  it("have one for each field in a fragment, too", function()
    local seen = {}
    todos.client:close(5)
    todos.connect{ updates = { createTodo = function() seen[#seen + 1] = "create" end, updateTodo = function() seen[#seen + 1] = "update" end } }
    assert(todos.client:mutate([[mutation M($input: CreateTodoInput!) { ...Both ...Both ... on Mutation { ...Both } }
      fragment Both on Mutation { ...One, again: updateTodo(input: {id: "t1", name: "uno"}) { id } }
      fragment One on Mutation { made: createTodo(input: $input) { id } }]], { input = { name = "two" } }))
    assert.same({ "create", "update" }, seen)
  end)

  it("drop all that an update wrote that raises, and the mutation stands", function()
    local s = todos.watch()
    local data = assert(todos.client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
      optimistic_response = { createTodo = todo("t2", "two") },
      update = function(cache, result)
        add "createTodo" (cache, result)
        error("oops")
      end,
    }))
    assert.equal("two", data.createTodo.name)
    assert.equal("one", todos.names{ data = todos.client:read_query(LIST) })
    assert.equal("two", todos.client:read_fragment("Todo:t2", "fragment F on Todo { name }").name)
    local text = table.concat(todos.logged, "\n")
    assert.matches("update raised", text, 1, true)
    assert.matches("oops", text, 1, true)
    s:unsubscribe()
  end)

  it("refuse to wait in update", function()
    assert(todos.client:mutate(CREATE, { input = { id = "t2", name = "two" } }, { update = function() appsync.sleep(0) end }))
    assert.matches("update", table.concat(todos.logged, "\n"), 1, true)
  end)

  -- With `update` as it is called for the answer, while the layer is still there.
  it("keep what update adds where the optimistic record is the real one", function()
    local s = todos.watch()
    for i = 2, 4 do
      local id = "t" .. i
      assert(todos.client:mutate(CREATE, { input = { id = id, name = id } }, {
        optimistic_response = { createTodo = todo(id, id) }, update = add "createTodo",
      }))
    end
    assert.equal("one t2 t3 t4", todos.names{ data = todos.client:read_query(LIST) })
    local state = s:next(0)
    while state do
      assert.truthy(todos.names(state):find("^one"))
      local more = s:next(0.5)
      if not more then assert.equal("one t2 t3 t4", todos.names(state)) end
      state = more
    end
    s:unsubscribe()
  end)

  it("leave no transaction open where update yields", function()
    local s = todos.watch()
    appsync.run(function()
      local function mutate(id, update)
        return assert(todos.client:mutate(CREATE, { input = { id = id, name = id } }, {
          optimistic_response = { createTodo = todo(id, id) }, update = update,
        }))
      end
      local data = mutate("t2", function(cache, result)
        add "createTodo" (cache, result)
        coroutine.yield()
      end)
      assert.equal("t2", data.createTodo.name) -- the mutation stands
      mutate("t3", add "createTodo")
    end)
    assert.equal("one t3", todos.names{ data = todos.client:read_query(LIST) })
    assert.matches("update raised: .*yield", table.concat(todos.logged, "\n"))
    s:unsubscribe()
  end)

  it("tell with debug which write of an update isn't idempotent", function()
    todos.client:close(0)
    todos.connect{ debug = true }
    local s = todos.watch()
    local n = 0
    assert(todos.client:mutate(UPDATE, { input = { id = "t1", name = "one" } }, {
      update = function(cache)
        n = n + 1
        cache:modify("Todo:t1", "name", function(name) return name .. "!" end)
      end,
    }))
    assert.equal(2, n)
    assert.matches("update is not idempotent: a second run with the same result changed Todo:t1.name",
      table.concat(todos.logged, "\n"), 1, true)
    todos.logged = {}
    assert(todos.client:mutate(CREATE, { input = { id = "t2", name = "two" } }, { update = add "createTodo" }))
    assert.same({}, todos.logged)
    s:unsubscribe()
  end)

  it("have a counterpart in subscriptions, whose update changes lists for each event", function()
    local s = todos.watch()
    local events = todos.client:subscribe("subscription { onCreateTodo { id name done } }", nil, { update = function(cache, result)
      add "onCreateTodo" (cache, result)
      if result.data.onCreateTodo.name == "bad" then error("refused") end
    end }):subscribe()
    assert(events:ready(10))
    assert(todos.client:mutate(CREATE, { input = { id = "t2", name = "two", done = true } }))
    assert.equal("two", assert(events:next(10)).onCreateTodo.name)
    assert.equal("one two", todos.names{ data = todos.client:read_query(LIST) })
    assert.equal("one two", todos.names(assert(s:next(10))))
    assert(todos.client:mutate(CREATE, { input = { id = "t3", name = "bad", done = true } }))
    assert.equal("bad", assert(events:next(10)).onCreateTodo.name)
    assert.equal("one two", todos.names{ data = todos.client:read_query(LIST) })
    assert.matches("update raised: .*refused; what it wrote is dropped, the event stands", table.concat(todos.logged, "\n"))
    events:unsubscribe()
    s:unsubscribe()
  end)
end)
