-- A query that is read again and again, its answer copied where the VM can: whatever changes the answer shows in the next read.
local appsync = require "appsync"
local server = require "spec.support.server"
local todos = require "spec.support.cached_todos"

local LIST = todos.LIST
local DOCUMENT, NAME = appsync.gql(LIST), appsync.gql "fragment F on Todo { id name done }"

describe("an answer that has stayed the same", function()
  local client

  before_each(function()
    todos.start()
    client = todos.client
    assert(client:query(LIST))
  end)
  after_each(todos.stop)
  teardown(todos.finish)

  -- So often that it is copied then.
  local function expect(name, of)
    of = of or client
    for _ = 1, 5 do
      local data, record = of:read_query(DOCUMENT), of:read_fragment("Todo:t1", NAME)
      assert.equal(name, data and data.listTodos.items[1] and data.listTodos.items[1].name)
      assert.equal(name, record and record.name)
    end
  end

  local function write(name, of)
    assert((of or client):write_query(DOCUMENT, nil, {
      listTodos = { items = appsync.array{ todos.todo("t1", name) }, nextToken = appsync.null, __typename = "ModelTodoConnection" },
    }))
  end

  it("is nobody's: who changes one changes no other", function()
    local text = appsync.encode(client:read_query(DOCUMENT).listTodos.items)
    for _ = 1, 6 do
      local data = client:read_query(DOCUMENT)
      assert.equal(appsync.null, data.listTodos.nextToken)
      assert.equal(appsync.null, data.listTodos.items[1].done)
      assert.equal("one", data.listTodos.items[1].name)
      assert.equal(#text, #appsync.encode(data.listTodos.items))
      data.listTodos.items[1].name, data.listTodos.items[2], data.listTodos.nextToken = "changed", {}, nil
    end
    expect "one"
  end)

  it("is another one after what the application writes", function()
    expect "one"
    write "two"
    expect "two"
    assert(client:write_fragment("Todo:t1", NAME, todos.todo("t1", "three")))
    expect "three"
    assert(client:modify("Todo:t1", "name", function() return "four" end))
    expect "four"
    assert(client:hydrated(10))
    expect "four"
    client:evict("Todo:t1")
    expect(nil)
    write "five"
    expect "five"
    assert(client:clear())
    expect(nil)
  end)

  it("is another one after what the service says", function()
    expect "one"
    assert(client:mutate(todos.UPDATE, { input = { id = "t1", name = "two" } }))
    expect "two"
    local other = assert(appsync.client{ endpoint = todos.running.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } })
    assert(other:mutate(todos.UPDATE, { input = { id = "t1", name = "three" } }))
    expect "two"
    assert(client:query(LIST, nil, { fetch_policy = "network-only" }))
    expect "three"
    local events = client:subscribe("subscription { onUpdateTodo { id name done } }"):subscribe()
    local is_ready
    -- Until it is established nothing comes.
    repeat
      assert(other:mutate(todos.UPDATE, { input = { id = "t1", name = "four" } }))
      is_ready = events:next(0.05)
    until is_ready
    expect "four"
    events:unsubscribe()
    other:close(0)
  end)

  it("is another one while an optimistic response is shown, and after it", function()
    todos.client:close(0)
    local may_go = false
    client = todos.connect{ headers = function(what)
      while what.kind == "mutation" and not may_go do appsync.sleep(0.001) end
      return {}
    end }
    assert(client:query(LIST))
    expect "one"
    local task = appsync.spawn(function()
      return client:mutate(todos.UPDATE, { input = { id = "t1", name = "two" } },
        { optimistic_response = { updateTodo = todos.todo("t1", "hoped") } })
    end)
    while client:read_query(DOCUMENT).listTodos.items[1].name == "one" do appsync.update(0.001) end
    expect "hoped"
    may_go = true
    assert(task:await(10))
    expect "two"
  end)

  it("is its identity's, and gone when that has signed out", function()
    local ann, bob = client:with{ identity = "ann" }, client:with{ identity = "bob" }
    write("of ann", ann)
    write("of bob", bob)
    for _ = 1, 2 do
      expect("of ann", ann)
      expect("of bob", bob)
      expect "one"
    end
    assert(bob:sign_out())
    expect(nil, bob)
    expect("of ann", ann)
  end)
end)
