-- What an application has made up an id for goes on under the service's own: in lists, in what other mutations that are
-- under way say of it, and for who looks for it by the id that was made up.
local appsync = require "appsync"
local todos = require "spec.support.cached_todos"

local LIST, CREATE, UPDATE, todo = todos.LIST, todos.CREATE, todos.UPDATE, todos.todo
local GET = "query G($id: ID!) { getTodo(id: $id) { id name } }"

-- nil: through the outbox, one after the other; false: at once, side by side.
local queue

-- A client whose mutations go when they are told to, by the name in their input.
local function connect(options)
  local may_go = {}
  todos.client:close(0)
  options = options or {}
  options.headers = function(what)
    while what.kind == "mutation" and not may_go[what.variables.input.name] do appsync.sleep(0.001) end
    return {}
  end
  todos.connect(options)
  return function(name) may_go[name] = true end
end

-- All states of a watch; the last of them.
local function record(document, variables, options)
  local states = {}
  local s = todos.client:watch(document, variables, options):subscribe(function(state) states[#states + 1] = state end)
  return states, s
end

local function wait_for(states, is_there)
  for _ = 1, 5000 do
    if states[1] and is_there(states[#states]) then return states[#states] end
    appsync.sleep(0.002)
  end
  error "it didn't come"
end

local function ids(state)
  local list = {}
  for i, item in ipairs(state.data.listTodos.items) do list[i] = item.id end
  return table.concat(list, " ")
end

local function settled(state) return state.source ~= "optimistic" end

local function create(id, name, temporary)
  return appsync.spawn(function()
    return todos.client:mutate(CREATE, { input = { id = id, name = name } }, {
      optimistic_response = { createTodo = todo(temporary, name .. "?") }, update = todos.add "createTodo", queue = queue,
    })
  end)
end

-- Another mutation of what is shown under a temporary id.
local function rename(id, temporary, name)
  return appsync.spawn(function()
    return todos.client:mutate(UPDATE, { input = { id = id, name = name } }, {
      optimistic_response = { updateTodo = todo(temporary, name .. "?") }, queue = queue,
    })
  end)
end

local function same_count(states, n)
  for i, state in ipairs(states) do
    assert.equal(i == 1 and 1 or n, #state.data.listTodos.items, "state " .. i .. ": " .. ids(state))
  end
end

for how, value in pairs{ ["sent at once"] = false, ["queued"] = "default" } do
  describe("temporary ids of mutations that are " .. how, function()
    before_each(function()
      queue = nil
      if value == false then queue = false end
      todos.start()
    end)
    after_each(todos.stop)
    teardown(todos.finish)

    it("become the service's, and no list lacks the item or has it twice", function()
      local let_go = connect()
      local states = record(LIST)
      wait_for(states, settled)
      local task = create("t2", "two", "made-up")
      assert.equal("t1 made-up", ids(wait_for(states, function(state) return #state.data.listTodos.items == 2 end)))
      let_go "two"
      assert(task:await(10))
      assert.same({ "t1 t2", "one two" }, { ids(wait_for(states, settled)), todos.names(states[#states]) })
      same_count(states, 2)
      for _, state in ipairs(states) do
        local text = todos.names(state) .. " " .. (state.source == "optimistic" and "!" or "")
        assert.is_true(({ ["one "] = 1, ["one two? !"] = 1, ["one two !"] = 1, ["one two "] = 1 })[text] ~= nil, text)
      end
    end)

    it("become the service's where a function gives the keys, whatever these look like", function()
      local let_go = connect{ data_id_from_object = function(object)
        return object.id and ("%s of %s"):format(object.id, object.__typename)
      end }
      local states = record(LIST)
      wait_for(states, settled)
      local task, changed = create("t2", "two", "made-up"), rename("t1", "made-up", "other")
      wait_for(states, function(state) return todos.names(state) == "one other?" end)
      let_go "two"
      assert(task:await(10))
      wait_for(states, function(state) return ids(state) == "t1 t2" and todos.names(state) == "one other?" end)
      same_count(states, 2)
      let_go "other"
      assert(changed:await(10))
    end)

    it("are found by who looks for them, before and after", function()
      local let_go = connect{ cache = { lookups = { ["Query.getTodo"] = "Todo" } } }
      local states = record(LIST)
      wait_for(states, settled)
      local task = create("t2", "two", "made-up")
      wait_for(states, function(state) return #state.data.listTodos.items == 2 end)
      local one = record(GET, { id = "made-up" }, { fetch_policy = "cache-only" })
      assert.equal("made-up", wait_for(one, function() return true end).data.getTodo.id)
      let_go "two"
      assert(task:await(10))
      wait_for(states, settled)
      assert.same({ id = "t2", name = "two" }, (function(found) found.__typename = nil return found end)(
        appsync.copy(wait_for(one, function(state) return state.data.getTodo.id == "t2" end).data.getTodo)))
      for _, state in ipairs(one) do
        assert.is_true(state.complete)
        assert.is_table(state.data.getTodo)
      end
      assert.equal("two", todos.client:read_query(GET, { id = "made-up" }).getTodo.name)
    end)

    it("are followed by what other mutations say of it", function()
      local let_go = connect()
      local states = record(LIST)
      wait_for(states, settled)
      local created = create("t2", "two", "made-up")
      local renamed = rename("t2", "made-up", "zwei")
      local another = create("t3", "three", "made-up-too")
      wait_for(states, function(state) return todos.names(state) == "one zwei? three?" end)
      let_go "two"
      assert(created:await(10))
      assert.equal("t1 t2 made-up-too", ids(states[#states]))
      assert.equal("one zwei? three?", todos.names(states[#states]))
      assert.equal("zwei?", todos.client:read_fragment("Todo:t2", "fragment F on Todo { name }").name)
      assert.is_nil((todos.client:read_fragment("Todo:made-up", "fragment F on Todo { name }")))
      let_go "zwei"
      assert(renamed:await(10))
      wait_for(states, function(state) return todos.names(state) == "one zwei three?" end)
      let_go "three"
      assert(another:await(10))
      assert.equal("t1 t2 t3", ids(wait_for(states, settled)))
      for i, state in ipairs(states) do
        local seen = {}
        for _, item in ipairs(state.data.listTodos.items) do
          local name = ({ ["made-up"] = "t2", ["made-up-too"] = "t3" })[item.id] or item.id
          assert.is_nil(seen[name], "state " .. i .. " has it twice: " .. ids(state))
          seen[name] = true
        end
      end
    end)

    local only_at_once = value == false and it or function() end

    only_at_once("are followed also when the later mutation is answered first, or fails", function()
      local let_go = connect()
      local states = record(LIST)
      wait_for(states, settled)
      local created = create("t2", "two", "made-up")
      local renamed = rename("t2", "made-up", "zwei")
      wait_for(states, function(state) return todos.names(state) == "one zwei?" end)
      let_go "zwei" -- which the service doesn't know yet
      local data, err = renamed:await(10)
      assert.same({ nil, "conflict" }, { data, err.kind })
      wait_for(states, function(state) return todos.names(state) == "one two?" end)
      let_go "two"
      assert(created:await(10))
      assert.equal("t1 t2", ids(wait_for(states, settled)))
      for i = 2, #states do assert.equal(2, #states[i].data.listTodos.items) end
    end)

    it("go with what failed", function()
      local let_go = connect()
      local states = record(LIST)
      wait_for(states, settled)
      local task = create("t1", "two", "made-up") -- there is one
      wait_for(states, function(state) return #state.data.listTodos.items == 2 end)
      let_go "two"
      local data = task:await(10)
      assert.is_nil(data)
      assert.equal("t1", ids(wait_for(states, settled)))
      assert.equal("one", todos.names(states[#states]))
    end)
  end)
end
