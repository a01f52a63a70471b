-- The places a call may be made from: scripts, tasks, games, poll loops, other schedulers. Against real servers.
local appsync = require "appsync"
local collect = require "spec.support.collect"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local run_program = require "spec.support.program"
local server = require "spec.support.server"
local socket = require "socket"

local SCHEMA = [[
type Query { n(i: Int): Int }
type Mutation { say(text: String): Said }
type Said { text: String }
type Subscription { said: Said @aws_subscribe(mutations: ["say"]) }
]]
local RESOLVERS = [[
return { Query = { n = function(ctx) return ctx.arguments.i end }, Mutation = { say = function(ctx) return { text = ctx.arguments.text } end } }
]]
local QUERY = "query($i: Int) { n(i: $i) }"
local BOUND = 10

describe("a host", function()
  local service, client

  setup(function() service = server.start { schema = SCHEMA, resolvers = RESOLVERS } end)
  teardown(function() process.stop_all() end)

  before_each(function()
    client = appsync.client { endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
  end)

  after_each(function() assert.is_true(client:close(5)) end)

  local function n(i)
    local data, err = client:query(QUERY, { i = i })
    assert.is_nil(err)
    return data.n
  end

  describe("that is a script", function()
    it("gets what its main function returns", function()
      local a, b, c, d = appsync.run(function(x, y) return x, nil, n(y), "end" end, 1, 2)
      assert.same({ 1, "nil", 2, "end" }, { a, tostring(b), c, d })
      assert.equal(3, select("#", appsync.run(function() return nil, nil, nil end)))
    end)

    it("gets what its main function raises, with the traceback of the task", function()
      local function deep_inside()
        n(1)
        error "the roof is on fire"
      end
      local ok, raised = pcall(appsync.run, function()
        deep_inside()
        return 1
      end)
      assert.is_false(ok)
      assert.matches("hosts_spec.lua:%d+: the roof is on fire", raised)
      assert.matches("stack traceback:", raised)
      assert.matches("deep_inside", raised)
      local thing = { code = 5 }
      ok, raised = pcall(appsync.run, function() error(thing) end)
      assert.is_false(ok)
      assert.equal(thing, raised)
    end)

    it("waits for the tasks that the main function spawned, not for its subscriptions", function()
      local order = {}
      local result = appsync.run(function()
        client:subscribe("subscription { said { text } }"):subscribe { next = function() end }
        appsync.spawn(function()
          order[#order + 1] = "child began"
          n(1)
          appsync.spawn(function()
            appsync.sleep(0.01)
            order[#order + 1] = "grandchild"
          end)
          order[#order + 1] = "child"
        end)
        order[#order + 1] = "main"
        return "result"
      end)
      assert.equal("result", result)
      assert.same({ "main", "child began", "child", "grandchild" }, order)
    end)

    it("runs the other tasks while it waits outside of them", function()
      local done = 0
      for i = 1, 5 do
        appsync.spawn(function()
          assert(n(i) == i)
          done = done + 1
        end)
      end
      local give_up = core.now() + BOUND
      while done < 5 and core.now() < give_up do assert.equal(7, n(7)) end
      assert.equal(5, done)
    end)

    it("uses no processor time while it waits", function()
      local slow = peer.start { connections = { { { "request" },
        { "send_slowly", 'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"data":{"a":1}}', 29, 250 }, { "wait" } } } }
      local other = appsync.client { endpoint = slow.url, auth = { type = "NONE" } }
      n(1) -- what is made once is made
      local cpu, wall = os.clock(), core.now()
      local data, err = other:query "{ a }"
      cpu, wall = os.clock() - cpu, core.now() - wall
      assert.is_nil(err)
      assert.equal(1, data.a)
      assert.is_true(wall >= 0.2, tostring(wall))
      assert.is_true(cpu < 0.05, tostring(cpu))
      cpu = os.clock()
      appsync.sleep(0.2)
      assert.is_true(os.clock() - cpu < 0.05)
      assert.is_true(other:close(5))
    end)

    it("isn't taken for nginx because of a global of that name", function()
      local mock = { config = { subsystem = "http", nginx_version = 1022001 }, get_phase = function() return "content" end }
      rawset(_G, "ngx", mock)
      finally(function() rawset(_G, "ngx", nil) end)
      assert.equal(1, appsync.run(n, 1))
      assert.is_true(appsync.sleep(0))
      local fresh = run_program [[
        ngx = { config = { subsystem = "http", nginx_version = 1022001 }, get_phase = function() return "content" end }
        local appsync = require "appsync"
        print(appsync.run(function() return appsync.sleep(0) end))
      ]]
      assert.equal("true\n", fresh)
    end)

    it("is told when a wait can never end", function()
      assert.is_true(client:close(5))
      local ok, raised = pcall(function() return appsync.subject():subscribe():next() end)
      assert.is_false(ok)
      assert.matches("hosts_spec.lua:%d+: ", raised)
      assert.matches("for ever", raised)
    end)
  end)

  -- As it stands in a test: what blocks the frame raises.
  local function without_waiting(fn)
    local methods = debug.getmetatable(core.runtime()).__index
    local wait = methods.wait
    methods.wait = function() error "this frame blocks" end
    local ok, raised = pcall(fn)
    methods.wait = wait
    if not ok then error(raised, 0) end
  end

  describe("that is a game", function()
    for _, budget in ipairs { 0, 0.001, "default", "table" } do
      it("gets a query and an event by update only, with the budget " .. tostring(budget), function()
        without_waiting(function()
          local given = budget
          if budget == "default" then given = nil elseif budget == "table" then given = { budget = 0.02 } end
          local state, event, answer, err
          local s = client:subscribe("subscription { said { text } }"):subscribe {
            next = function(data) event = data.said.text end,
            state = function(st) state = st end,
            error = function(e) err = e end,
          }
          local give_up, frames, is_said = core.now() + BOUND, 0, false
          client:query(QUERY, { i = 5 }, { on_result = function(data, e) answer, err = data and data.n, err or e end })
          while not (answer and event) and not err and core.now() < give_up do
            if state == "subscribed" and not is_said then
              is_said = true
              client:mutate('mutation { say(text: "boo") { text } }', nil, { on_result = function(_, e) err = err or e end })
            end
            appsync.update(given)
            frames = frames + 1
            socket.sleep(0.001)
          end
          assert.is_nil(err)
          assert.equal(5, answer)
          assert.equal("boo", event)
          assert.is_true(frames > 1)
          s:unsubscribe()
        end)
      end)
    end

    it("polls each frame without garbage, outside of a task and in one", function()
      local s = client:subscribe("subscription { said { text } }"):subscribe()
      assert.is_true(s:ready(BOUND))
      local function garbage_of_polls()
        for _ = 1, 200 do s:next(0) end
        collect()
        collectgarbage "stop"
        for _ = 1, 200 do s:next(0) end -- the stack grows again
        local before = collectgarbage "count"
        for _ = 1, 1000 do s:next(0) end
        local after = collectgarbage "count"
        collectgarbage "restart"
        return after - before
      end
      local allowed = rawget(_G, "jit") and 64 or 0.2 -- LuaJIT compiles while it runs
      local kilobytes = garbage_of_polls()
      assert.is_true(kilobytes <= allowed, kilobytes .. " kB")
      local task = appsync.spawn(garbage_of_polls)
      while task:status() == "running" do appsync.update() end
      kilobytes = task:await()
      assert.is_true(kilobytes <= allowed, kilobytes .. " kB")
      s:unsubscribe()
    end)

    it("runs tasks frame by frame", function()
      without_waiting(function()
        local task = appsync.spawn(function()
          local sum = 0
          for i = 1, 3 do
            sum = sum + n(i)
            appsync.sleep(0.005)
          end
          return sum
        end)
        local give_up = core.now() + BOUND
        while task:status() == "running" and core.now() < give_up do
          appsync.update(0)
          socket.sleep(0.001)
        end
        assert.equal(6, (task:await()))
      end)
    end)
  end)

  describe("with a poll loop of its own", function()
    local function loop(is_done)
      local descriptor = { getfd = appsync.fd, dirty = function() return false end }
      local give_up, rounds = core.now() + BOUND, 0
      while not is_done() do
        local ready = socket.select({ descriptor }, nil, give_up - core.now())
        assert.is_true(core.now() < give_up, "the descriptor never got readable")
        assert.equal(descriptor, ready[1])
        appsync.update(0)
        rounds = rounds + 1
      end
      return rounds
    end

    it("sees answers, events, sleeps, timeouts and new tasks by the descriptor alone", function()
      without_waiting(function()
        local seen = {}
        local task = appsync.spawn(function()
          seen.began = true
          seen.n = n(3)
          appsync.sleep(0.02)
          seen.slept = true
          local s = client:subscribe("subscription { said { text } }"):subscribe()
          assert(s:ready(BOUND))
          local _, err = s:next(0.02)
          seen.timeout = err.kind
          appsync.spawn(function() client:mutate('mutation { say(text: "fd") { text } }') end)
          seen.text = s:next(BOUND).said.text
          s:unsubscribe()
          seen.child = appsync.spawn(function() return "child" end):await()
        end)
        local cpu = os.clock()
        local rounds = loop(function() return task:status() ~= "running" end)
        assert.same({ began = true, n = 3, slept = true, timeout = "timeout", text = "fd", child = "child" }, seen)
        assert.is_true(rounds < 200, "woken " .. rounds .. " times")
        assert.is_true(os.clock() - cpu < 0.5)
        assert.is_nil(select(2, task:await()))
      end)
    end)

    -- What the core has handed over while `fn` ran.
    local function count_events(fn)
      local methods = debug.getmetatable(core.runtime()).__index
      local poll, n_seen = methods.poll, 0
      methods.poll = function(...)
        local n_events, has_more = poll(...)
        n_seen = n_seen + n_events
        return n_events, has_more
      end
      local ok, raised = pcall(fn)
      methods.poll = poll
      if not ok then error(raised, 0) end
      return n_seen
    end

    it("is woken for what there is to do, and for nothing else", function()
      without_waiting(function()
        local task = appsync.spawn(n, 1)
        loop(function() return task:status() ~= "running" end)
        while appsync.update(0) do end -- luacheck: ignore 542
        local sleeper, rounds = appsync.spawn(appsync.sleep, 0.2), 0
        local n_events = count_events(function()
          rounds = loop(function() return sleeper:status() ~= "running" end)
        end)
        -- Once for the task that is new, once for its timer, and for what may have come from the core meanwhile. A
        -- descriptor that stays readable would wake thousands of times in this time.
        assert.is_true(rounds >= 2 and rounds <= 3 + n_events, rounds .. " times, for " .. n_events .. " events")
      end)
    end)
  end)

  describe("with coroutines of another scheduler", function()
    it("has calls that drive the library until their own result is there", function()
      local generator = coroutine.wrap(function()
        for i = 1, 3 do coroutine.yield(n(i)) end
      end)
      assert.same({ 1, 2, 3 }, { generator(), generator(), generator() })
      appsync.run(function()
        local inner = coroutine.wrap(function()
          for i = 1, 2 do coroutine.yield(n(i)) end
        end)
        assert.same({ 1, 2 }, { inner(), inner() })
      end)
    end)

    it("has generators by appsync.wrap whose waits suspend the task that calls them", function()
      local is_other_run = false
      appsync.run(function()
        appsync.spawn(function() is_other_run = true end)
        local generator = appsync.wrap(function(first)
          local second = coroutine.yield(n(first))
          coroutine.yield(n(second))
          return "end"
        end)
        assert.equal(1, generator(1))
        assert.is_true(is_other_run)
        assert.equal(2, generator(2))
        assert.equal("end", generator())
      end)
      local outside = appsync.wrap(function() return n(9) end)
      assert.equal(9, outside())
    end)

    it("suspends them by a hand-written adapter", function()
      local host = require "appsync.host"
      local ready, order, active = {}, {}, nil
      host.use {
        current = function() return active end,
        suspend = function() coroutine.yield "suspended" end,
        resume = function(token) ready[#ready + 1] = token end,
      }
      local function start(name, fn)
        ready[#ready + 1] = coroutine.create(function()
          fn()
          order[#order + 1] = name
        end)
      end
      local ok, raised = pcall(without_waiting, function()
        local is_quick_done = false
        start("slow", function()
          repeat appsync.sleep(0.01) until is_quick_done
          assert.equal(1, n(1))
        end)
        start("quick", function()
          assert.equal(2, n(2))
          is_quick_done = true
        end)
        start("none", function() end)
        local give_up = core.now() + BOUND
        while #order < 3 and core.now() < give_up do
          while ready[1] do
            active = table.remove(ready, 1)
            assert(coroutine.resume(active))
            active = nil
          end
          appsync.update(0)
        end
        assert.same({ "none", "quick", "slow" }, order)
      end)
      host.use(nil)
      if not ok then error(raised, 0) end
    end)
  end)
end)
