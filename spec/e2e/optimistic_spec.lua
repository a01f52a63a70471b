-- Optimistic responses and `update`: what watches show before the answer, with it, and when there is none.
local appsync = require "appsync"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = "type Todo @model { id: ID! name: String! done: Boolean }"
local LIST = "query L { listTodos(limit: 100) { items { id name done } nextToken } }"
local CREATE = "mutation C($input: CreateTodoInput!) { createTodo(input: $input) { id name done } }"
local UPDATE = "mutation U($input: UpdateTodoInput!) { updateTodo(input: $input) { id name done } }"

local function todo(id, name, done)
  return { __typename = "Todo", id = id, name = name, done = done == nil and appsync.null or done }
end

-- Adds the new one at the end of the list.
local function add(field)
  return function(cache, result)
    cache:modify("ROOT_QUERY", "listTodos", function(list) list.items:add(result.data[field]) end)
  end
end

describe("optimistic mutations", function()
  local running, made, client, n_stores, logged = nil, nil, nil, 0, nil

  local function connect(options)
    options = options or {}
    n_stores, logged = n_stores + 1, {}
    options.endpoint, options.realtime_endpoint = options.endpoint or running.endpoint, running.realtime
    options.auth = { type = "API_KEY", api_key = server.API_KEY }
    options.store = options.store or ("%s/%d.db"):format(made.path, n_stores)
    options.log = function(level, message) logged[#logged + 1] = level .. ": " .. message end
    client = assert(appsync.client(options))
    return client
  end

  setup(function() made = folder.make() end)

  before_each(function()
    running = server.start{ schema = SCHEMA }
    connect()
    assert(client:mutate(CREATE, { input = { id = "t1", name = "one" } }))
  end)

  after_each(function()
    client:close(0)
    running.stop()
  end)

  teardown(function()
    process.stop_all()
    made.remove()
  end)

  local function names(state)
    local list = {}
    for i, item in ipairs(state.data.listTodos.items) do list[i] = item.name end
    return table.concat(list, " ")
  end

  local function watch()
    local s = client:watch(LIST):subscribe()
    assert.equal("one", names(assert(s:next(10))))
    return s
  end

  it("show at once what will be, and then what is", function()
    local s = watch()
    local is_over = false
    local task = appsync.spawn(function()
      local data = assert(client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
        optimistic_response = { createTodo = todo("temporary", "two?") }, update = add "createTodo",
      }))
      is_over = true
      return data
    end)
    local before = assert(s:next(10))
    assert.same({ "one two?", "optimistic" }, { names(before), before.source })
    local after = assert(s:next(10))
    assert.equal("one two", names(after))
    assert.equal("t2", after.data.listTodos.items[2].id)
    assert.is_true(rawequal(before.data.listTodos.items[1], after.data.listTodos.items[1]))
    assert.same({ createTodo = { id = "t2", name = "two", done = appsync.null } },
      (function(data) data.createTodo.__typename = nil return data end)(assert(task:await(10))))
    assert.is_true(is_over)
    assert.equal("one two", names{ data = assert(client:read_query(LIST)) })
    assert.is_nil((client:read_fragment("Todo:temporary", "fragment F on Todo { name }")))
    s:unsubscribe()
  end)

  it("are read and explained as long as the answer isn't there", function()
    client:close(0)
    local may_go = false
    connect{ headers = function(what)
      while what.kind == "mutation" and not may_go do appsync.sleep(0.001) end
      return {}
    end }
    local s = watch()
    local task = appsync.spawn(function()
      return assert(client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
        optimistic_response = { createTodo = todo("temporary", "two?") }, update = add "createTodo",
      }))
    end)
    assert.equal("one two?", names(assert(s:next(10))))
    assert.equal("one two?", names{ data = client:read_query(LIST) })
    assert.equal("two?", client:read_fragment("Todo:temporary", "fragment F on Todo { name }").name)
    local states = {}
    for _, field in ipairs(client:explain(LIST).fields) do states[field.path] = field.state .. " " .. field.key end
    assert.equal("cached Todo:t1", states["listTodos.items.0.name"])
    assert.equal("optimistic Todo:temporary", states["listTodos.items.1.name"])
    may_go = true
    assert(task:await(10))
    assert.equal("one two", names(assert(s:next(10))))
    assert.equal("one two", names{ data = client:read_query(LIST) })
    assert.is_nil((client:read_fragment("Todo:temporary", "fragment F on Todo { name }")))
    for _, field in ipairs(client:explain(LIST).fields) do assert.equal("cached", field.state) end
    s:unsubscribe()
  end)

  it("outlast a collection, and end with clear", function()
    client:close(0)
    local may_go = false
    connect{ headers = function(what)
      while what.kind == "mutation" and not may_go do appsync.sleep(0.001) end
      return {}
    end }
    assert(client:query(LIST))
    local task = appsync.spawn(function()
      return assert(client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
        optimistic_response = { createTodo = todo("temporary", "two?") }, update = add "createTodo",
      }))
    end)
    repeat appsync.sleep(0.001) until names{ data = client:read_query(LIST) } == "one two?"
    assert.equal(0, client:gc())
    assert.equal("one two?", names{ data = client:read_query(LIST) })
    assert(client:clear())
    assert.is_nil((client:read_query(LIST)))
    assert.is_nil((client:read_fragment("Todo:temporary", "fragment F on Todo { name }")))
    assert(client:gc())
    assert.is_nil((client:read_query(LIST)))
    may_go = true
    assert(task:await(10))
    assert.equal("two", client:read_fragment("Todo:t2", "fragment F on Todo { name }").name)
    assert.is_nil((client:read_fragment("Todo:temporary", "fragment F on Todo { name }")))
    assert.equal("one two", names{ data = assert(client:query(LIST)) })
  end)

  it("take back what didn't come true", function()
    local s = watch()
    local data, err = nil, nil
    local task = appsync.spawn(function()
      data, err = client:mutate(UPDATE, { input = { id = "nobody", name = "x" } }, {
        optimistic_response = function(variables) return { updateTodo = todo("t1", variables.input.name) } end,
      })
    end)
    assert.equal("x", names(assert(s:next(10))))
    assert.equal("one", names(assert(s:next(10))))
    assert(task:await(10) == nil)
    assert.is_nil(data)
    assert.is_truthy(err)
    s:unsubscribe()
  end)

  it("take back what couldn't be sent", function()
    client:close(0)
    connect{ endpoint = "http://127.0.0.1:1/graphql", retry = { attempts = 1 }, store = ("%s/%d.db"):format(made.path, n_stores) }
    client:write_query(LIST, nil, { listTodos = { items = appsync.array{ todo("t1", "one") }, nextToken = appsync.null } })
    local s = watch()
    local options = { optimistic_response = { createTodo = todo("new", "new") }, update = add "createTodo" }
    local _, err = client:mutate(CREATE, { input = { name = "new" } }, options)
    assert.equal("network", err.kind)
    s:unsubscribe()
    s = client:watch(LIST):subscribe() -- of what is shown for a moment a watch that was busy needs to see nothing
    assert.equal("one", names(assert(s:next(10))))
    assert.equal("one", names{ data = client:read_query(LIST) })
    s:unsubscribe()
  end)

  it("are done with also where nobody waits any more", function()
    local s = watch()
    local task = appsync.spawn(function()
      client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
        optimistic_response = { createTodo = todo("temporary", "two?") }, update = add "createTodo",
      })
    end)
    assert.equal("one two?", names(assert(s:next(10))))
    task:cancel()
    local state
    repeat state = assert(s:next(10)) until state.source ~= "optimistic"
    assert.is_nil(names(state):find("?", 1, true)) -- it was cancelled in time, or it was not
    s:unsubscribe()
  end)

  it("have the layers of several mutations above each other", function()
    local s = watch()
    local tasks = {}
    for i = 2, 5 do
      tasks[i] = appsync.spawn(function()
        assert(client:mutate(CREATE, { input = { id = "t" .. i, name = "n" .. i } }, {
          optimistic_response = { createTodo = todo("temporary" .. i, "n" .. i) }, update = add "createTodo",
        }))
      end)
    end
    local longest, n, state = 0
    repeat
      state = assert(s:next(10))
      n = #state.data.listTodos.items
      assert.is_true(n >= longest, "an item was missing between its optimistic and its real form: " .. names(state))
      longest = n
    until n == 5 and state.source ~= "optimistic"
    for i = 2, 5 do assert(tasks[i]:await(10) == nil) end
    local seen = {}
    for _, item in ipairs(client:read_query(LIST).listTodos.items) do seen[item.id] = true end
    assert.same({ t1 = true, t2 = true, t3 = true, t4 = true, t5 = true }, seen)
    s:unsubscribe()
  end)

  it("show what the service brings meanwhile beside what is hoped for", function()
    local s = watch()
    local is_written = false
    assert(client:mutate(UPDATE, { input = { id = "t1", done = true } }, {
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
    assert.equal("one", names(state))
    s:unsubscribe()
  end)

  it("run update for the answer alone without an optimistic response", function()
    local s = watch()
    local results = {}
    assert(client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
      update = function(cache, result)
        results[#results + 1] = result.optimistic
        add "createTodo" (cache, result)
      end,
    }))
    assert.same({ false }, results)
    assert.equal("one two", names(assert(s:next(10))))
    assert.equal("one two", names{ data = client:read_query(LIST) })
    s:unsubscribe()
  end)

  it("have the client's updates where a call gives none", function()
    client:close(0)
    connect{ updates = { createTodo = add "createTodo" } }
    local s = watch()
    assert(client:mutate(CREATE, { input = { id = "t2", name = "two" } }))
    assert.equal("one two", names(assert(s:next(10))))
    s:unsubscribe()
  end)

  it("drop all that an update wrote that raises, and the mutation stands", function()
    local s = watch()
    local data = assert(client:mutate(CREATE, { input = { id = "t2", name = "two" } }, {
      optimistic_response = { createTodo = todo("t2", "two") },
      update = function(cache, result)
        add "createTodo" (cache, result)
        error("oops")
      end,
    }))
    assert.equal("two", data.createTodo.name)
    assert.equal("one", names{ data = client:read_query(LIST) })
    assert.equal("two", client:read_fragment("Todo:t2", "fragment F on Todo { name }").name)
    local text = table.concat(logged, "\n")
    assert.matches("update raised", text, 1, true)
    assert.matches("oops", text, 1, true)
    s:unsubscribe()
  end)

  it("refuse to wait in update", function()
    assert(client:mutate(CREATE, { input = { id = "t2", name = "two" } }, { update = function() appsync.sleep(0) end }))
    assert.matches("update", table.concat(logged, "\n"), 1, true)
  end)

  it("tell with debug which write of an update isn't idempotent", function()
    client:close(0)
    connect{ debug = true }
    local s = watch()
    local n = 0
    assert(client:mutate(UPDATE, { input = { id = "t1", name = "one" } }, {
      update = function(cache)
        n = n + 1
        cache:modify("Todo:t1", "name", function(name) return name .. "!" end)
      end,
    }))
    assert.equal(2, n)
    assert.matches("update is not idempotent: a second run with the same result changed Todo:t1.name",
      table.concat(logged, "\n"), 1, true)
    logged = {}
    assert(client:mutate(CREATE, { input = { id = "t2", name = "two" } }, { update = add "createTodo" }))
    assert.same({}, logged)
    s:unsubscribe()
  end)

  it("have a counterpart in subscriptions, whose update changes lists for each event", function()
    local s = watch()
    local events = client:subscribe("subscription { onCreateTodo { id name done } }", nil, { update = function(cache, result)
      add "onCreateTodo" (cache, result)
      if result.data.onCreateTodo.name == "bad" then error("refused") end
    end }):subscribe()
    assert(events:ready(10))
    assert(client:mutate(CREATE, { input = { id = "t2", name = "two", done = true } }))
    assert.equal("two", assert(events:next(10)).onCreateTodo.name)
    assert.equal("one two", names{ data = client:read_query(LIST) })
    assert.equal("one two", names(assert(s:next(10))))
    assert(client:mutate(CREATE, { input = { id = "t3", name = "bad", done = true } }))
    assert.equal("bad", assert(events:next(10)).onCreateTodo.name)
    assert.equal("one two", names{ data = client:read_query(LIST) })
    assert.matches("update raised: .*refused; what it wrote is dropped, the event stands", table.concat(logged, "\n"))
    events:unsubscribe()
    s:unsubscribe()
  end)

  it("throw for a response of another shape", function()
    local ok, raised = pcall(client.mutate, client, CREATE, { input = { name = "x" } }, {
      optimistic_response = { createTodo = { __typename = "Todo", id = "x" } },
    })
    assert.is_false(ok)
    assert.matches("client:mutate: optimistic_response: createTodo", raised, 1, true)
    ok, raised = pcall(client.mutate, client, CREATE, { input = { name = "x" } }, { optimistic_response = function() end })
    assert.is_false(ok)
    assert.matches("must return a table", raised, 1, true)
    assert.equal("one", names{ data = client:query(LIST) })
  end)
end)
