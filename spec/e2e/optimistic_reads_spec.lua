-- Who sees optimistic layers: whatever reads, and nothing that reads in order to write (docs/adr/0009-reads-show-layers.md).
local appsync = require "appsync"
local todos = require "spec.support.cached_todos"

local LIST, UPDATE = todos.LIST, todos.UPDATE
local NAME = "fragment F on Todo { name }"

describe("while an optimistic response is shown", function()
  local may_go, task

  before_each(function()
    todos.start()
    todos.client:close(0)
    may_go = false
    todos.connect{ headers = function(what)
      while what.kind == "mutation" and not may_go do appsync.sleep(0.001) end
      return {}
    end }
    assert(todos.client:query(LIST))
    local s = todos.watch()
    task = appsync.spawn(function()
      return todos.client:mutate(UPDATE, { input = { id = "t1", name = "" } }, -- which the service takes
        { optimistic_response = { updateTodo = todos.todo("t1", "hoped") } })
    end)
    assert(todos.names(assert(s:next(10))) == "hoped")
    s:unsubscribe()
  end)
  after_each(function()
    may_go = true
    task:await(10)
    todos.stop()
  end)
  teardown(todos.finish)

  it("every read shows it", function()
    local client = todos.client
    assert.equal("hoped", client:read_query(LIST).listTodos.items[1].name)
    assert.equal("hoped", client:read_fragment("Todo:t1", NAME).name)
    for _, policy in ipairs{ "cache-first", "cache-only" } do
      local data, _, info = client:query(LIST, nil, { fetch_policy = policy })
      assert.same({ "hoped", "cache" }, { data.listTodos.items[1].name, info.source })
    end
    local s = client:watch(LIST, nil, { fetch_policy = "cache-only" }):subscribe()
    local state = assert(s:next(10))
    assert.same({ "hoped", "optimistic" }, { todos.names(state), state.source })
    s:unsubscribe()
    local seen
    for _, field in ipairs(client:explain(LIST).fields) do
      if field.path == "listTodos.items.0.name" then seen = field.state end
    end
    assert.equal("optimistic", seen)
  end)

  it("what reads in order to write sees what lies below", function()
    local client, seen = todos.client, nil
    client:modify("Todo:t1", "name", function(name)
      seen = name
      return name
    end)
    assert.equal("one", seen)
    assert(client:hydrated()) -- by then the core has it
    assert.equal("hoped", client:read_fragment("Todo:t1", NAME).name)
    may_go = true
    assert(task:await(10))
    assert.equal("", client:read_fragment("Todo:t1", NAME).name)
  end)
end)
