-- What a Lua state has written and hopes for is there at once, for itself and for what it does next, before the core has
-- heard of it; and it lies where it will lie.
local appsync = require "appsync"
local todos = require "spec.support.cached_todos"

local UPDATE, todo = todos.UPDATE, todos.todo
local NAME = "fragment F on Todo { name }"
local COUNT = "{ count }"

local function count_up(cache) cache:modify("ROOT_QUERY", "count", function(n) return n + 1 end) end

local function count() return todos.client:read_query(COUNT).count end

-- A client with a counter, whose mutations go when the function is called that is returned.
local function connect(options)
  local may_go = false
  options = options or {}
  options.headers = function(what)
    while what.kind == "mutation" and not may_go do appsync.sleep(0.001) end
    return {}
  end
  todos.client:close(0)
  todos.connect(options)
  assert(todos.client:query(todos.LIST))
  todos.client:write_query(COUNT, nil, { count = 0 })
  return function() may_go = true end
end

local function update(name, hoped, fn)
  return appsync.spawn(function()
    return todos.client:mutate(UPDATE, { input = { id = "t1", name = name } }, {
      optimistic_response = { updateTodo = todo("t1", hoped) }, update = fn,
    })
  end)
end

describe("own writes", function()
  before_each(todos.start)
  after_each(todos.stop)
  teardown(todos.finish)

  it("are seen by the next mutation of the same frame, and by the next answer", function()
    local let_go = connect()
    local tasks, seen = {}, {}
    appsync.spawn(function() -- in one go
      for i = 1, 5 do
        tasks[i] = update("n" .. i, "h" .. i, count_up)
      end
    end):await()
    repeat appsync.sleep(0.001) until count() ~= 0
    seen[1] = count()
    assert.equal(5, seen[1])
    assert.equal("h5", todos.client:read_fragment("Todo:t1", NAME).name)
    let_go()
    for i = 1, 5 do assert(tasks[i]:await(10)) end
    assert.equal(5, count())
  end)

  it("are read before the core has them, and explained as optimistic", function()
    local let_go = connect()
    local task, shown, state
    appsync.spawn(function()
      task = update("one!", "hoped", count_up)
      appsync.spawn(function() -- the next one of this frame
        shown = { todos.client:read_fragment("Todo:t1", NAME).name, count() }
        state = todos.client:explain(COUNT).fields[1].state
      end)
    end)
    repeat appsync.sleep(0.001) until state
    assert.same({ "hoped", 1 }, shown)
    assert.equal("optimistic", state)
    let_go()
    assert(task:await(10))
    assert.same({ "one!", 1 }, { todos.client:read_fragment("Todo:t1", NAME).name, count() })
  end)

  it("tell what is hoped for from what is so", function()
    local let_go = connect()
    local told = {}
    local task = update("one!", "hoped", function(_, result)
      told[#told + 1] = tostring(result.optimistic) .. " " .. tostring(todos.client:is_optimistic(result.data))
    end)
    let_go()
    local data = assert(task:await(10))
    assert.same({ "true true", "false false" }, told)
    for _, value in ipairs{ data, "text", 5, {} } do assert.is_false(todos.client:is_optimistic(value)) end
    assert.is_false(todos.client:is_optimistic(nil))
  end)

  it("lie below what is hoped for, at once and afterwards", function()
    local let_go = connect()
    local task = update("one!", "hoped")
    repeat appsync.sleep(0.001) until todos.client:read_fragment("Todo:t1", NAME).name == "hoped"
    assert(todos.client:write_fragment("Todo:t1", "fragment F on Todo { name done }", { name = "written", done = true }))
    for _ = 1, 20 do
      local now = todos.client:read_fragment("Todo:t1", "fragment F on Todo { name done }")
      assert.same({ "hoped", true }, { now.name, now.done })
      appsync.sleep(0.001)
    end
    todos.client:modify("Todo:t1", "name", function(name)
      assert.equal("written", name)
      return "written again"
    end)
    assert.equal("hoped", todos.client:read_fragment("Todo:t1", NAME).name)
    let_go()
    assert(task:await(10))
    assert.equal("one!", todos.client:read_fragment("Todo:t1", NAME).name)
  end)

  it("go with a mutation that is discarded, because its headers can't be had", function()
    todos.client:close(0)
    todos.connect{ headers = function() error("no headers today") end }
    assert(todos.client:query(todos.LIST) == nil)
    todos.client:write_query(COUNT, nil, { count = 0 })
    todos.client:write_fragment("Todo:t1", NAME, { name = "one" })
    for _ = 1, 20 do
      local data, err = update("x", "hoped", count_up):await(10)
      assert.is_nil(data)
      assert.is_true(err.queued)
      assert.same({ "hoped", 1 }, { todos.client:read_fragment("Todo:t1", NAME).name, count() })
      local is_done, refused
      repeat -- while headers are asked for once more it is refused
        is_done, refused = todos.client.outbox:discard(err.id)
      until is_done or refused.code ~= "sending"
      assert(is_done, refused)
      assert.same({ "one", 0 }, { todos.client:read_fragment("Todo:t1", NAME).name, count() })
    end
  end)

  it("of an update that throws are none, and its mutation's are", function()
    local let_go = connect()
    local task = update("one!", "hoped", function(cache, result)
      count_up(cache)
      if result.optimistic then error "no" end
    end)
    repeat appsync.sleep(0.001) until todos.client:read_fragment("Todo:t1", NAME).name == "hoped"
    assert.equal(0, count())
    let_go()
    assert(task:await(10))
    assert.equal(1, count())
    assert.matches("update raised: .*no; what it wrote is dropped, the mutation stands", table.concat(todos.logged, "\n"))
  end)

  it("of a response of another shape are none", function()
    connect()
    local ok, raised = pcall(todos.client.mutate, todos.client, UPDATE, { input = { id = "t1", name = "x" } }, {
      optimistic_response = { updateTodo = { __typename = "Todo", id = "t1" } }, update = count_up,
    })
    assert.is_false(ok)
    assert.matches("optimistic_response: updateTodo", raised, 1, true)
    assert.equal(0, count())
    assert.equal("one", todos.client:read_fragment("Todo:t1", NAME).name)
    assert.is_true(todos.client:modify("ROOT_QUERY", "count", function() return 7 end))
    assert.equal(7, count())
  end)
end)
