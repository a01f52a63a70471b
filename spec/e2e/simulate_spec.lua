-- The simulator: what it plays, that a seed replays, and that it finds mistakes.
local appsync = require "appsync"
local core = require "appsync.core"
local folder = require "spec.support.folder"
local simulate = require "appsync.simulate"
local simulated = require "spec.support.simulated"
local log = require "appsync.log"
local misuse = require "spec.support.misuse"

local interpreter = os.getenv "APPSYNC_LUA" or arg[-1]

-- Runs it, and fails with the report.
local function holds(options)
  local report = simulate.run(options)
  assert.is_nil(report.failure, report.failure and simulate.text(report.failure))
  return report
end

-- The failure that it finds, which replays.
local function found(options)
  local report = simulate.run(options)
  assert.is_table(report.failure, "nothing was found")
  local failure = simulate.replay(report.failure.seed, options)
  assert.is_string(failure)
  return report.failure
end

local function options_of(name, more)
  local options = simulated[name]()
  for key, value in pairs(more) do options[key] = value end
  return options
end

describe("simulated schedules", function()
  for _, name in ipairs{ "todos", "by_entity", "with_tokens", "in_bad_weather", "with_conflicts" } do
    it("hold for an application: " .. name, function()
      local report = holds(options_of(name, { schedules = 6, seed = 7000 }))
      assert.equal(6, report.schedules)
    end)
  end

  it("go on where a timer is due a fraction of a millisecond later", function()
    holds(options_of("watched", { schedules = 1, seed = 900413 }))
  end)

  it("have each fault in them", function()
    local counts = holds(options_of("in_bad_weather", { schedules = 30, seed = 5 })).counts
    for _, fault in ipairs{ "refuse", "drop", "lose_answer", "delay", "duplicate", "unavailable", "throttle", "restarts", "kills",
      "offline", "clock_jump" } do
      assert.is_true((counts[fault] or 0) > 0, fault .. " never came")
    end
    counts = holds(options_of("with_tokens", { schedules = 15, seed = 5 })).counts
    assert.is_true(counts.expire_token > 0 and counts.expired > 0)
    counts = holds(options_of("with_conflicts", { schedules = 10, seed = 5 })).counts
    assert.is_true(counts.others > 0)
  end)

  it("begin with a store that nobody has used", function()
    local n_starts, n_kept = 0, 0
    local options = options_of("todos", { schedules = 3, seed = 1, steps = 1, actions = { nothing = function() end }, faults = { restart = 0, kill = 0 } })
    options.start = function(client)
      n_starts = n_starts + 1
      n_kept = n_kept + (client:read_query(simulated.LIST) and 1 or 0) + client.outbox:size()
      client:mutate(simulated.CREATE, { input = { name = "first" } })
    end
    holds(options)
    assert.equal(3, n_starts)
    assert.equal(0, n_kept)
  end)

  it("let a program queue for a user who isn't asked for any more", function()
    local actions = {
      add = function(client, random)
        local todo = { __typename = "Todo", id = random:uuid(), name = "a guest's", rank = appsync.null }
        local variables = { input = { id = todo.id, name = todo.name } }
        client:with{ identity = "guest" }:mutate(simulated.CREATE, variables, { optimistic_response = { createTodo = todo } })
      end,
    }
    local given = options_of("todos", { schedules = 50, seed = 1, actions = actions, queries = {} })
    given.client.updates, given.invariant = nil, nil
    holds(given)
  end)

  it("let a program discard what it has queued", function()
    local actions = {
      add = function(client) client:mutate(simulated.CREATE, { input = { name = "one" } }) end,
      clear = function(client) client:clear{ outbox = true } end,
    }
    local given = options_of("todos", { schedules = 200, seed = 1, actions = actions, queries = {} })
    given.client.updates, given.invariant = nil, nil
    holds(given)
  end)

  it("have no fault where none is wanted", function()
    local none = {}
    for _, fault in ipairs{ "refuse", "drop", "lose_answer", "delay", "unavailable", "throttle", "kill", "restart", "offline",
      "clock_jump", "expire_token" } do
      none[fault] = 0
    end
    local counts = holds(options_of("todos", { schedules = 5, seed = 1, faults = none })).counts
    for name in pairs(counts) do
      assert.is_true(name == "actions" or name == "requests" or name == "mutations", name)
    end
  end)

  it("are the same for the same seed, and others for others", function()
    local failure, lines = simulate.replay(31, simulated.in_bad_weather())
    local again, same = simulate.replay(31, simulated.in_bad_weather())
    local _, others = simulate.replay(32, simulated.in_bad_weather())
    assert.equal(failure, again)
    assert.is_true(#lines > 10)
    assert.equal(table.concat(lines, "\n"), table.concat(same, "\n"))
    assert.not_equal(table.concat(lines, "\n"), table.concat(others, "\n"))
  end)
end)

describe("a simulation finds", function()
  it("an update that adds twice", function()
    local options = options_of("todos", { schedules = 200, seed = 1 })
    options.client.updates.createTodo = function(cache, result)
      local list = result.data and cache:read_query(simulated.LIST)
      if not list then return end
      table.insert(list.listTodos.items, result.data.createTodo)
      cache:write_query(simulated.LIST, nil, list)
    end
    local failure = found(options)
    assert.matches("the cache has", failure.message)
    assert.is_true(#failure.steps > 0 and #failure.steps <= failure.n_steps)
    assert.matches("FAILED", failure.lines[#failure.lines])
  end)

  it("a mutation that is called idempotent and isn't, by what the application knows must hold", function()
    local failure = found{
      schema = "type Todo @model { id: ID! name: String! }", schedules = 200, seed = 1,
      actions = { add = function(client, random)
        client:mutate(simulated.CREATE:gsub(" rank", ""), { input = { name = "todo " .. random(9) } }, { idempotent = true })
      end },
      invariant = function(final)
        local data = final.server:query "{ listTodos(limit: 1000) { items { id } } }"
        local n = 0
        for _, call in ipairs(final.acknowledged) do n = n + (call.outcome == "done" and 1 or 0) end
        return #data.listTodos.items >= n and #data.listTodos.items <= n + 1 or n > 0 and #data.listTodos.items == n,
          #data.listTodos.items .. " records"
      end,
    }
    assert.matches("the invariant doesn't hold: %d+ records", failure.message)
  end)

  it("an action that raises", function()
    local failure = found{
      schema = "type Todo @model { id: ID! }", schedules = 5, seed = 1,
      actions = { stumble = function() error "over a stone" end },
    }
    assert.matches("action stumble raised: .*over a stone", failure.message)
    assert.same({ 1 }, failure.steps)
  end)

  it("an action that draws nothing", function()
    local failure = found{
      schema = "type Todo @model { id: ID! }", schedules = 5, seed = 1,
      actions = { draw = function(_, random) return random() end },
    }
    assert.matches("action draw raised: .*random%(n%), random%(m, n%): n must be an integer, got nothing", failure.message)
  end)

  it("an action that closes the client", function()
    local failure = found{
      schema = "type Todo @model { id: ID! }", schedules = 50, seed = 1,
      actions = { leave = function(client) client:close() end },
    }
    assert.matches("^the program has closed its client", failure.message)
  end)

  it("an offline.callback that always raises", function()
    local options = options_of("todos", { schedules = 50, seed = 1 })
    options.client.offline = { callback = function() error "no" end }
    assert.matches("nobody was told the outcome of", found(options).message)
  end)

  it("a client that leaves an optimistic layer behind", function()
    local options = options_of("todos", { schedules = 50, seed = 1 })
    options.start = function(client)
      local queue = client.queue
      function queue.tell(self, method, ...)
        if method == "settle_entry" then return true end
        return getmetatable(self).tell(self, method, ...)
      end
    end
    assert.is_table(found(options))
  end)
end)

describe("appsync.simulate", function()
  it("raises the report of what fails when it is called itself", function()
    local ok, raised = pcall(simulate, {
      schema = "type Todo @model { id: ID! }", schedules = 5, seed = 3, actions = { stumble = function() error "over a stone" end },
    })
    assert.is_false(ok)
    assert.matches("^appsync.simulate: seed 3: action stumble raised", raised)
    assert.matches("simulate.replay%(3, options%)", raised)
  end)

  it("gives the clock, chance, the log and the runtime back", function()
    local before, default_log = core.wall(), log.default()
    simulate.run(options_of("todos", { schedules = 1, seed = 1 }))
    assert.is_true(math.abs(core.wall() - before) < 60)
    assert.equal(default_log, log.default())
    assert.not_equal(appsync.uuid(), appsync.uuid())
    local client = appsync.client{
      endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "da2-x" }, retry = { attempts = 1 },
    }
    local _, err = client:query "{ a }"
    assert.equal("network", err.kind)
    client:close(0)
  end)

  -- Its answer was lost, it became a dead letter, and the look of the retry finds what it has made.
  it("takes what a dead letter has done for its retry's", function()
    holds(options_of("tended", { schedules = 1, steps = 16, seed = 41058372 }))
  end)

  it("leaves no descriptor and no file behind, whatever was killed", function()
    if not io.open "/proc/self/fd" then return end
    local function descriptors()
      for _ = 1, 3 do collectgarbage() end
      local pipe, names, pipes = io.popen "ls -l /proc/$PPID/fd", {}, {}
      for line in pipe:lines() do
        local name = line:match "%-> (.*)" or ""
        local is_known = pipes[name] -- the other end of the one that is read here may not be closed yet
        pipes[name] = name:find "^pipe:" ~= nil
        if not is_known then names[#names + 1] = name end
      end
      pipe:close()
      return names
    end
    local make, path = core.simulation.folder, nil
    core.simulation.folder = function()
      path = make()
      return path
    end
    simulate.run(options_of("in_bad_weather", { schedules = 2, seed = 1 }))
    local before = descriptors()
    simulate.run(options_of("in_bad_weather", { schedules = 10, seed = 1 }))
    core.simulation.folder = make
    local after = descriptors()
    assert(#after <= #before, table.concat(before, "\n") .. "\nand then\n" .. table.concat(after, "\n"))
    assert.is_nil(io.open(path))
  end)

  it("says what is wrong with its options", function()
    local function says(pattern, options) assert.matches(pattern, misuse.raised(simulate.run, options)) end
    says("schema is missing", {})
    says("actions is missing", { schema = "type A @model { id: ID! }" })
    says("actions.add", { schema = "type A @model { id: ID! }", actions = { add = 1 } })
    says("client.store is the simulation's own", { schema = "type A @model { id: ID! }", actions = { a = print }, client = { store = "x" } })
    says("did you mean", { schema = "type A @model { id: ID! }", action = { a = print } })
    says("add up to", { schema = "type A @model { id: ID! }", actions = { a = print }, faults = { drop = 0.9, refuse = 0.9 } })
    says("schema:1", { schema = "type A @model { id: }", actions = { a = print } })
    says("no%-such%-file", { schema = "no-such-file.graphql", actions = { a = print } })
  end)

  it("refuses to run beside a client that is open, and in a task", function()
    local client = appsync.client{ endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "da2-x" }, store = ":memory:" }
    client:hydrated(5)
    local options = options_of("todos", { schedules = 1, seed = 1 })
    assert.matches("has a client that is open", misuse.raised(simulate.run, options))
    client:close(1)
    holds(options)
    appsync.run(function() assert.matches("can't be called in a task", misuse.raised(simulate.run, options)) end)
  end)

  it("lets a program subscribe", function()
    local heard
    holds{
      schema = "type Todo @model { id: ID! }", schedules = 1, seed = 1, steps = 8, faults = { kill = 0, restart = 0, offline = 0 },
      start = function(client)
        client:subscribe("subscription { onCreateTodo { id } }"):subscribe{ next = function(event) heard = event end }
      end,
      actions = { add = function(client, random)
        client:mutate("mutation { createTodo(input: {id: \"" .. random:uuid() .. "\"}) { id } }")
      end },
    }
    assert.is_string(heard.onCreateTodo.id)
  end)
end)

describe("appsync simulate", function()
  local made

  before_each(function() made = folder.make() end)
  after_each(function() made.remove() end)

  local function run(text, words)
    made.write("app.lua", text)
    local pipe = io.popen(("%s bin/appsync simulate %s/app.lua %s 2>&1; echo status $?"):format(interpreter, made.path, words))
    local out = pipe:read "*a"
    pipe:close()
    return out:match("^(.-)status (%d+)%s*$")
  end

  local APP = [[
    local simulated = require "spec.support.simulated"
    return simulated.in_bad_weather()
  ]]

  it("plays a file's schedules, and counts what came", function()
    local out, status = run(APP, "--seed 1 --schedules 3")
    assert.equal("0", status, out)
    assert.matches("^3 schedules from seed 1 hold: actions %d+", out)
  end)

  it("shows a schedule, byte for byte the same in each process", function()
    local out, status = run(APP, "--seed 12 --show")
    assert.equal("0", status, out)
    assert.matches("0.000 s  the program starts", out)
    local again = run(APP, "--seed 12 --show")
    assert.equal(out, again)
  end)

  it("prints what fails, with status 1", function()
    local out, status = run("return { schema = 'type A @model { id: ID! }', actions = { stumble = function() error 'x' end } }",
      "--seed 9")
    assert.equal("1", status)
    assert.matches("^seed 9: action stumble raised", out)
  end)

  it("refuses what it can't understand", function()
    local out, status = run("return 1", "")
    assert.equal("1", status)
    assert.matches("must return a table of options", out)
    out, status = run("return {", "")
    assert.equal("1", status)
    assert.matches("app.lua:1", out)
    out, status = run(APP, "--show")
    assert.equal("2", status)
    assert.matches("%-%-show needs %-%-seed", out)
    out, status = run(APP, "--seeds 1")
    assert.equal("2", status)
    assert.matches("%-%-seed", out)
  end)
end)
