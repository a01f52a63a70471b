-- What the core asks of functions: answered in order, and also where something fails on the way.
local asking = require "appsync.client.asking"
local scheduler = require "appsync.scheduler"
local task = require "appsync.task"
local wait_for = require "spec.support.wait"

describe("questions of the core", function()
  local answered, root

  -- Objects that are made in so many steps; those of `fails` raise.
  local function objects_of(list, fails)
    local told = {}
    return {
      told = told,
      count = function() return #list end,
      step = function(_, i)
        if fails == i then error("not enough memory", 0) end
        return true, list[i]
      end,
      tell = function(_, i, key)
        told[i] = key or "none"
        return true
      end,
    }
  end

  local function object(id) return { __typename = "Page", id = id } end

  local function drive()
    for _ = 1, 50 do
      scheduler.refill(1000)
      scheduler.run_ready(1000)
    end
  end

  before_each(function()
    answered = {}
    local n_refused = 0
    root = {
      log = function() end,
      data_id_from_object = function(given) return "Page:" .. given.id end,
      handle = { core = {
        answer = function(_, objects) answered[#answered + 1] = objects.told end,
        answer_merge = function() answered[#answered + 1] = "merge" end,
        answer_lost = function(_, number)
          if number == 7 and n_refused == 0 then
            n_refused = 1
            return nil, { kind = "system" }
          end
          answered[#answered + 1] = number
        end,
      } },
    }
  end)

  it("are answered one after the other", function()
    asking.on_ask(root, objects_of{ object "1", object "2" }, 1, "identity")
    asking.on_ask(root, objects_of{ object "3" }, 2, "identity")
    assert.same({}, answered) -- nothing is called from within
    drive()
    assert.same({ { "Page:1", "Page:2" }, { "Page:3" } }, answered)
    asking.on_ask(root, objects_of{ object "4" }, 3, "identity")
    drive()
    assert.same({ "Page:4" }, answered[3])
  end)

  it("are answered with what is known where Lua has no memory in between, and the next ones go on", function()
    asking.on_ask(root, objects_of({ object "1", object "2", object "3" }, 2), 1, "identity")
    asking.on_ask(root, objects_of{ object "4" }, 2, "identity")
    drive()
    assert.same({ { "Page:1" }, { "Page:4" } }, answered)
  end)

  it("that got lost are answered by their number, again until the core takes it", function()
    asking.on_ask(root, nil, 5, "identity")
    asking.on_ask(root, nil, 6, "merge")
    asking.on_ask(root, nil, 7, nil)
    drive()
    assert.same({ 5, 6 }, answered)
    wait_for(function() return answered[3] == 7 end, "the second try")
  end)

  it("are answered at once where there is no memory for a task", function()
    local spawn = task.spawn_asked
    task.spawn_asked = function() error("not enough memory", 0) end
    asking.on_ask(root, objects_of{ object "1" }, 1, "identity")
    asking.on_ask(root, {}, 2, "merge")
    asking.on_ask(root, nil, 3, "merge")
    task.spawn_asked = spawn
    assert.same({ {}, "merge", 3 }, answered)
    asking.on_ask(root, objects_of{ object "2" }, 4, "identity")
    drive()
    assert.same({ "Page:2" }, answered[4])
  end)

  it("of a client that has closed are forgotten", function()
    asking.on_ask(root, objects_of{ object "1" }, 1, "identity")
    root.handle.core = nil
    drive()
    assert.same({}, answered)
    assert.same({}, root.questions)
    assert.is_false(root.is_asking)
  end)

  it("give way to others between objects", function()
    local many = {}
    for i = 1, 500 do many[i] = object(tostring(i)) end
    asking.on_ask(root, objects_of(many), 1, "identity")
    local n_turns = 0
    while answered[1] == nil and n_turns < 1000 do
      scheduler.refill(10)
      scheduler.run_ready(1000)
      n_turns = n_turns + 1
    end
    assert.equal(500, #answered[1])
    assert.is_true(n_turns >= 50, n_turns)
  end)
end)
