-- Optimistic responses: what watches show before the answer, with it, and when there is none.
local appsync = require "appsync"
local server = require "spec.support.server"
local todos = require "spec.support.cached_todos"

local LIST, CREATE, UPDATE = todos.LIST, todos.CREATE, todos.UPDATE
local todo, add = todos.todo, todos.add

-- Of this client mutations stay where they are until the function is called that is returned.
local function connect_held()
  local may_go = false
  todos.client:close(0)
  todos.connect{ headers = function(what)
    while what.kind == "mutation" and not may_go do appsync.sleep(0.001) end
    return {}
  end }
  return function() may_go = true end
end

describe("optimistic mutations", function()
  before_each(todos.start)
  after_each(todos.stop)
  teardown(todos.finish)

  it("show at once what will be, and then what is", function()
    local s = todos.watch()
    local is_over = false
    local task = appsync.spawn(function()
      local data = assert(todos.client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
        optimistic_response = { createTodo = todo("temporary", "two?") }, update = add "createTodo",
      }))
      is_over = true
      return data
    end)
    local before = assert(s:next(10))
    assert.same({ "one two?", "optimistic" }, { todos.names(before), before.source })
    local after = assert(s:next(10))
    assert.equal("one two", todos.names(after))
    assert.equal("t2", after.data.listTodos.items[2].id)
    assert.is_true(rawequal(before.data.listTodos.items[1], after.data.listTodos.items[1]))
    assert.same({ createTodo = { id = "t2", name = "two", done = appsync.null } },
      (function(data) data.createTodo.__typename = nil return data end)(assert(task:await(10))))
    assert.is_true(is_over)
    assert.equal("one two", todos.names{ data = assert(todos.client:read_query(LIST)) })
    assert.is_nil((todos.client:read_fragment("Todo:temporary", "fragment F on Todo { name }")))
    s:unsubscribe()
  end)

  it("are read and explained as long as the answer isn't there", function()
    local let_go = connect_held()
    local s = todos.watch()
    local task = appsync.spawn(function()
      return assert(todos.client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
        optimistic_response = { createTodo = todo("temporary", "two?") }, update = add "createTodo",
      }))
    end)
    assert.equal("one two?", todos.names(assert(s:next(10))))
    assert.equal("one two?", todos.names{ data = todos.client:read_query(LIST) })
    assert.equal("two?", todos.client:read_fragment("Todo:temporary", "fragment F on Todo { name }").name)
    local states = {}
    for _, field in ipairs(todos.client:explain(LIST).fields) do states[field.path] = field.state .. " " .. field.key end
    assert.equal("cached Todo:t1", states["listTodos.items.0.name"])
    assert.equal("optimistic Todo:temporary", states["listTodos.items.1.name"])
    let_go()
    assert(task:await(10))
    assert.equal("one two", todos.names(assert(s:next(10))))
    assert.equal("one two", todos.names{ data = todos.client:read_query(LIST) })
    assert.is_nil((todos.client:read_fragment("Todo:temporary", "fragment F on Todo { name }")))
    for _, field in ipairs(todos.client:explain(LIST).fields) do assert.equal("cached", field.state) end
    s:unsubscribe()
  end)

  it("outlast a collection, and end with clear", function()
    local let_go = connect_held()
    local client = todos.client
    local function shown() return todos.names{ data = client:read_query(LIST) } end
    assert(client:query(LIST))
    local task = appsync.spawn(function()
      return assert(client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
        optimistic_response = { createTodo = todo("temporary", "two?") }, update = add "createTodo",
      }))
    end)
    repeat appsync.sleep(0.001) until shown() == "one two?"
    assert.equal(0, client:gc())
    assert.equal("one two?", shown())
    assert(client:clear())
    assert.is_nil((client:read_query(LIST)))
    assert.is_nil((client:read_fragment("Todo:temporary", "fragment F on Todo { name }")))
    assert(client:gc())
    assert.is_nil((client:read_query(LIST)))
    let_go()
    assert(task:await(10))
    assert.equal("two", client:read_fragment("Todo:t2", "fragment F on Todo { name }").name)
    assert.is_nil((client:read_fragment("Todo:temporary", "fragment F on Todo { name }")))
    assert.equal("one two", todos.names{ data = assert(client:query(LIST)) })
  end)

  it("take back what didn't come true", function()
    local s = todos.watch()
    local data, err = nil, nil
    local task = appsync.spawn(function()
      data, err = todos.client:mutate(UPDATE, { input = { id = "nobody", name = "x" } }, {
        optimistic_response = function(variables) return { updateTodo = todo("t1", variables.input.name) } end,
      })
    end)
    assert.equal("x", todos.names(assert(s:next(10))))
    assert.equal("one", todos.names(assert(s:next(10))))
    assert(task:await(10) == nil)
    assert.is_nil(data)
    assert.is_truthy(err)
    s:unsubscribe()
  end)

  it("hold of what update has read and written back only what it has changed", function()
    local let_go = connect_held()
    local s = todos.watch()
    local task = appsync.spawn(function()
      return assert(todos.client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
        optimistic_response = { createTodo = todo("temporary", "two?") },
        update = function(cache, result)
          local data = cache:read_query(LIST)
          for _, item in ipairs(data.listTodos.items) do
            if item.id == result.data.createTodo.id then return end
          end
          table.insert(data.listTodos.items, result.data.createTodo)
          cache:write_query(LIST, nil, data)
        end,
      }))
    end)
    assert.equal("one two?", todos.names(assert(s:next(10))))
    todos.client:write_fragment("Todo:t1", "fragment F on Todo { name }", { name = "one!" })
    assert.equal("one! two?", todos.names(assert(s:next(10))))
    let_go()
    assert(task:await(10))
    assert.equal("one! two", todos.names{ data = assert(todos.client:read_query(LIST)) })
    s:unsubscribe()
  end)

  it("take back what couldn't be sent", function()
    todos.client:close(0)
    todos.connect{ endpoint = "http://127.0.0.1:1/graphql", retry = { attempts = 1 }, store = ("%s/%d.db"):format(todos.folder(), todos.n_stores) }
    todos.client:write_query(LIST, nil, { listTodos = { items = appsync.array{ todo("t1", "one") }, nextToken = appsync.null } })
    local s = todos.watch()
    local options = { optimistic_response = { createTodo = todo("new", "new") }, update = add "createTodo", queue = false }
    local _, err = todos.client:mutate(CREATE, { input = { name = "new" } }, options)
    assert.equal("network", err.kind)
    s:unsubscribe()
    s = todos.client:watch(LIST):subscribe() -- of what is shown for a moment a watch that was busy needs to see nothing
    assert.equal("one", todos.names(assert(s:next(10))))
    assert.equal("one", todos.names{ data = todos.client:read_query(LIST) })
    s:unsubscribe()
  end)

  it("are done with also where nobody waits any more", function()
    local s = todos.watch()
    local task = appsync.spawn(function()
      todos.client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
        optimistic_response = { createTodo = todo("temporary", "two?") }, update = add "createTodo",
      })
    end)
    assert.equal("one two?", todos.names(assert(s:next(10))))
    task:cancel()
    local state
    repeat state = assert(s:next(10)) until state.source ~= "optimistic"
    assert.is_nil(todos.names(state):find("?", 1, true)) -- it was cancelled in time, or it was not
    s:unsubscribe()
  end)

  it("have the layers of several mutations above each other", function()
    local s = todos.watch()
    local tasks = {}
    for i = 2, 5 do
      tasks[i] = appsync.spawn(function()
        assert(todos.client:mutate(CREATE, { input = { id = "t" .. i, name = "n" .. i } }, {
          optimistic_response = { createTodo = todo("temporary" .. i, "n" .. i) }, update = add "createTodo",
        }))
      end)
    end
    local longest, n, state = 0
    repeat
      state = assert(s:next(10))
      n = #state.data.listTodos.items
      assert.is_true(n >= longest, "an item was missing between its optimistic and its real form: " .. todos.names(state))
      longest = n
    until n == 5 and state.source ~= "optimistic"
    for i = 2, 5 do assert(tasks[i]:await(10) == nil) end
    local seen = {}
    for _, item in ipairs(todos.client:read_query(LIST).listTodos.items) do seen[item.id] = true end
    assert.same({ t1 = true, t2 = true, t3 = true, t4 = true, t5 = true }, seen)
    s:unsubscribe()
  end)

  it("show what the service brings meanwhile beside what is hoped for", function()
    local s = todos.watch()
    local is_written = false
    assert(todos.client:mutate(UPDATE, { input = { id = "t1", done = true } }, {
      optimistic_response = { updateTodo = todo("t1", "hoped", true) },
      update = function(cache, result)
        if result.optimistic then return end
        is_written = true
        assert.equal("one", result.data.updateTodo.name)
        assert.equal("one", cache:read_fragment("Todo:t1", "fragment F on Todo { name }").name)
      end,
    }))
    assert.is_true(is_written)
    local state
    repeat state = assert(s:next(10)) until state.source ~= "optimistic"
    assert.equal("one", todos.names(state))
    s:unsubscribe()
  end)

  it("are read as they ended once the call returns", function()
    assert(todos.client:query(LIST))
    for i = 2, 20 do
      assert(todos.client:mutate(CREATE, { input = { id = "t" .. i, name = "n" .. i } }, { update = add "createTodo" }))
      assert.equal(i, #todos.client:read_query(LIST).listTodos.items)
    end
    for _ = 1, 20 do
      local data = todos.client:mutate(UPDATE, { input = { id = "nobody", name = "x" } }, {
        optimistic_response = { updateTodo = todo("t1", "hoped") },
      })
      assert.is_nil(data)
      assert.equal("one", todos.client:read_fragment("Todo:t1", "fragment F on Todo { name }").name)
    end
  end)

  it("go when the call can't even be queued", function()
    local _, err = todos.client:mutate(CREATE, { input = { name = "x" } }, {
      auth_mode = "AWS_IAM", optimistic_response = { createTodo = todo("new", "new") },
    })
    assert.equal("auth", err.kind)
    assert.is_nil((todos.client:read_fragment("Todo:new", "fragment F on Todo { name }")))
  end)

  it("stay with what is queued when a headers function is wrong, which the call is told", function()
    todos.client:close(0)
    todos.connect{ headers = function(what)
      if what.kind == "mutation" then error("no headers today") end
      return {}
    end }
    local data, err = todos.client:mutate(CREATE, { input = { name = "x" } }, { optimistic_response = { createTodo = todo("new", "new") } })
    assert.is_nil(data)
    assert.same({ "usage", true }, { err.kind, err.queued })
    assert.matches("the headers function raised: .*no headers today", err.message)
    assert.equal(err.id, todos.client.outbox:list()[1].id)
    assert.equal("new", todos.client:read_fragment("Todo:new", "fragment F on Todo { name }").name)
  end)

  it("are refused for a call with an identity of its own, which has no cache", function()
    for _, options in ipairs{ { auth = { type = "API_KEY", api_key = server.API_KEY } }, { headers = function() return {} end } } do
      options.optimistic_response = { createTodo = todo("new", "new") }
      local ok, raised = pcall(todos.client.mutate, todos.client, CREATE, { input = { name = "x" } }, options)
      assert.is_false(ok)
      assert.matches("optimistic_spec.lua:%d+: client:mutate: optimistic_response and update change the client's cache", raised)
    end
  end)

  it("leave nothing to be read of what was hoped for once the outcome is told", function()
    assert(todos.client:query(LIST))
    local fragment = "fragment F on Todo { name }"
    local function mutate(id, list_id)
      return todos.client:mutate(CREATE, { input = { id = id, name = id } }, {
        optimistic_response = { createTodo = todo(id, "hoped for") },
        update = function(cache)
          cache:modify("ROOT_QUERY", "listTodos", function(list) list.items:add("Todo:" .. list_id) end)
        end,
      })
    end
    for i = 2, 40 do
      local id = "t" .. i
      assert(mutate(id, id))
      assert.equal(id, todos.client:read_fragment("Todo:" .. id, fragment).name)
      assert.equal(i, #todos.client:read_query(LIST).listTodos.items)
    end
    for _ = 1, 20 do
      local data = mutate("t1", "t2") -- it is there already
      assert.is_nil(data)
      assert.equal("one", todos.client:read_fragment("Todo:t1", fragment).name)
    end
  end)

  it("count once for each, several in flight", function()
    todos.client:close(0)
    local may_go = 0
    todos.connect{ headers = function(what)
      local n = what.kind == "mutation" and tonumber(what.variables.input.name) or 0
      while n > may_go do appsync.sleep(0.001) end
      return {}
    end }
    todos.client:write_query("{ count }", nil, { count = 0 })
    local function count(cache) cache:modify("ROOT_QUERY", "count", function(n) return n + 1 end) end
    local tasks = {}
    local s = todos.client:watch("{ count }", nil, { fetch_policy = "cache-only" }):subscribe()
    for i = 1, 3 do
      tasks[i] = appsync.spawn(function()
        return assert(todos.client:mutate(UPDATE, { input = { id = "t1", name = tostring(i) } }, {
          optimistic_response = { updateTodo = todo("t1", tostring(i)) }, update = count,
        }))
      end)
      repeat local state = assert(s:next(10)) until state.data.count == i
    end
    -- what the application writes for good doesn't rest on what is hoped for
    assert.is_true(todos.client:modify("ROOT_QUERY", "count", function(n)
      assert.equal(0, n)
      return 10
    end))
    for i = 1, 3 do
      may_go = i
      assert(tasks[i]:await(10))
    end
    assert.equal(13, todos.client:read_query("{ count }").count)
    s:unsubscribe()
  end)

  it("throw for a response of another shape", function()
    local ok, raised = pcall(todos.client.mutate, todos.client, CREATE, { input = { name = "x" } }, {
      optimistic_response = { createTodo = { __typename = "Todo", id = "x" } },
    })
    assert.is_false(ok)
    assert.matches("client:mutate: optimistic_response: createTodo", raised, 1, true)
    ok, raised = pcall(todos.client.mutate, todos.client, CREATE, { input = { name = "x" } }, { optimistic_response = function() end })
    assert.is_false(ok)
    assert.matches("must return a table", raised, 1, true)
    assert.equal("one", todos.names{ data = todos.client:query(LIST) })
  end)
end)
