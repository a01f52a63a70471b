local misuse = require("spec.support.misuse").raised_there
local queueing = require "spec.support.queueing"

local drive, mutate = queueing.drive, queueing.mutate
local CREATE, UPDATE = queueing.CREATE, queueing.UPDATE

describe("client.outbox", function()
  local core, appsync, client, queue

  local function open(options)
    client = queueing.open(options)
    core, appsync, queue = queueing.core, queueing.appsync, queueing.queue
  end

  before_each(function() open() end)

  -- What a waiting call returns when the core has answered.
  local function get(method, ...)
    local arguments, n, got = { ... }, select("#", ...), {}
    appsync.spawn(function()
      got.value, got.err = client.outbox[method](client.outbox, (unpack or table.unpack)(arguments, 1, n))
      got.is_over = true
    end)
    for _ = 1, 20 do drive() end -- one for each answer
    return got
  end

  local function missing(got)
    assert.same({ "storage", "missing" }, { got.err.kind, got.err.code })
    assert.matches('the outbox has no mutation with the id aa%-9', (got.err.message:gsub('"', "")))
    return true
  end

  it("lists what is queued, without what only the core needs", function()
    queue.answers.list = { { id = "aa-1", entry = 1, mutation = "createTodo", state = "retrying", cause = { kind = "network", message = "no" } } }
    local entries = get("list").value
    assert.equal("network: no", tostring(entries[1].cause))
    entries[1].cause = nil
    assert.same({ { id = "aa-1", mutation = "createTodo", state = "retrying" } }, entries)
    queue.answers.dead_letters = { { id = "aa-2", entry = 2, cause = { kind = "graphql", message = "no", outcome = "refused" } } }
    assert.equal("refused", get("dead_letters").value[1].cause.outcome)
    queue.answers.list = function() return nil, { kind = "storage", message = "locked", code = "locked" } end
    assert.equal("locked", get("list").err.code)
  end)

  it("lists it in the order in which it was made, in the states of the contract", function()
    queue.answers.list = {}
    local given = { "sending", "waiting_maker", "waiting_storage", "waiting_resolver", "waiting_auth" }
    for i, number in ipairs{ 2, 5, 1, 3, 4 } do
      queue.answers.list[i] = { id = "aa-" .. number, entry = number, state = given[i] }
    end
    local ids, states = {}, {}
    for i, entry in ipairs(get("list").value) do ids[i], states[i] = entry.id, entry.state end
    assert.same({ "aa-1", "aa-2", "aa-3", "aa-4", "aa-5" }, ids)
    assert.same({ "queued", "sending", "retrying", "waiting_auth", "queued" }, states)
  end)

  it("knows its size and status from events, and asks only before the first", function()
    queue.answers.status = { state = "sending", size = 2, dead = 1, head = "aa-1", stuck_for = 0 }
    assert.equal(2, get("size").value)
    assert.same({ state = "sending", size = 2, dead = 1, head = "aa-1", stuck_for = 0 }, get("status").value)
    assert.equal(1, #queue.asked)
    queue.state("waiting_network", 3, { head = "aa-1", reason = "refused", stuck_for = 2 })
    drive()
    assert.equal(3, (client.outbox:size()))
    core.time = core.time + 5
    assert.same({ state = "waiting_network", size = 3, dead = 0, head = "aa-1", stuck_for = 7, reason = "refused" }, (client.outbox:status()))
    assert.equal(1, #queue.asked)
    assert.equal(3, client:stats().queued)
  end)

  it("says the core's own count in stats where that has one, and nothing before the first state", function()
    assert.is_nil(client:stats().queued)
    appsync.run(function() client:hydrated() end)
    assert.is_nil(client:stats().queued)
    core.clients[1].stats = function() return { queued = 9 } end
    assert.equal(9, client:stats().queued)
  end)

  it("ends a wait after its timeout, and takes on_result", function()
    local got = get("list", 2)
    drive(3)
    assert.equal("timeout", got.err.kind)
    queue.answers.list = {}
    local n
    client.outbox:list{ on_result = function(entries) n = #entries end }
    drive()
    assert.equal(0, n)
    assert.matches('unknown option "timeuot"; did you mean "timeout"', misuse(function() client.outbox:list{ timeuot = 1 } end))
  end)

  describe("observed", function()
    it("emits the present status and each change, as tables of their own, and completes at close", function()
      queue.answers.status = { state = "idle", size = 0, dead = 0, stuck_for = 0 }
      local seen, is_over = {}, false
      local observer = { next = function(status) seen[#seen + 1] = status end, complete = function() is_over = true end }
      client.outbox:observe():subscribe(observer)
      drive()
      queue.state("sending", 1)
      drive()
      client.outbox:observe():subscribe(observer)
      drive()
      assert.same({ 0, 1, 1 }, { seen[1].size, seen[2].size, seen[3].size })
      seen[2].size = 50
      assert.equal(1, (client.outbox:size()))
      client:close(0)
      drive()
      assert.is_true(is_over)
      assert.equal(1, #queue.asked)
    end)

    it("ends with an error where the state can't be had, and at once where the client is closed", function()
      local err, is_over
      queue.answers.status = function() return nil, { kind = "storage", message = "no" } end
      client.outbox:observe():subscribe{ error = function(e) err = e end }
      drive()
      assert.equal("storage", err.kind)
      client:close(0)
      client.outbox:observe():subscribe{ complete = function() is_over = true end }
      drive()
      assert.is_true(is_over)
    end)

    it("emits no more once nobody subscribes", function()
      queue.state("sending", 1)
      local n = 0
      local s = client.outbox:observe():subscribe{ next = function() n = n + 1 end }
      drive()
      s:unsubscribe()
      local before = n
      queue.state("idle", 0)
      drive()
      assert.equal(before, n)
    end)
  end)

  describe("drain", function()
    it("waits until nothing is queued", function()
      queue.answers.status = { state = "sending", size = 2, dead = 0, stuck_for = 0 }
      local got = get("drain")
      assert.is_nil(got.is_over)
      queue.state("sending", 1)
      drive()
      assert.is_nil(got.is_over)
      queue.state("idle", 0)
      drive()
      assert.is_true(got.value)
      assert.is_true((client.outbox:drain()))
    end)

    it("says after its timeout how many are queued and why", function()
      queue.answers.status = { state = "sending", size = 2, dead = 0, stuck_for = 0 }
      local got = get("drain", 5)
      queue.state("waiting_network", 1, { reason = "connection refused" })
      drive(6)
      assert.equal("timeout: client.outbox:drain: 1 mutation is still queued after 5 s (waiting_network: connection refused)", tostring(got.err))
      assert.same({ 1, "waiting_network" }, { got.err.size, got.err.state })
    end)

    it("fails where the store can't be used, and goes on waiting if that comes later", function()
      queue.answers.status = { state = "waiting_storage", size = 0, dead = 0, stuck_for = 0, reason = "disk full" }
      assert.equal("storage: client.outbox:drain: what is queued isn't known: disk full", tostring(get("drain").err))
      queue.state("sending", 1)
      drive()
      local got = get("drain")
      queue.state("waiting_storage", 0)
      drive()
      assert.is_nil(got.is_over)
      queue.state("idle", 0)
      drive()
      assert.is_true(got.value)
    end)

    it("ends with the client", function()
      queue.answers.status = { state = "sending", size = 2, dead = 0, stuck_for = 0 }
      local got = get("drain")
      client:close(0)
      drive()
      assert.equal("closed", got.err.kind)
    end)
  end)

  describe("discard", function()
    it("says whether there is such a mutation, and whether its request is under way", function()
      queue.answers.discard = function(id)
        if id == "aa-1" then return true end
        if id == "aa-2" then return nil, { kind = "usage", message = "it is being sent", code = "sending" } end
        return false
      end
      assert.is_true(get("discard", "aa-1").value)
      missing(get("discard", "aa-9"))
      local got = get("discard", "aa-2")
      assert.same({ "storage", "sending" }, { got.err.kind, got.err.code })
      assert.matches("client.outbox:discard: its request is under way", got.err.message)
    end)

    it("lets go of the function that waited for the outcome", function()
      local n = 0
      mutate(CREATE, nil, { update = function() n = n + 1 end })
      queue.defer()
      drive()
      queue.answers.discard = true
      get("discard", "aa-1")
      queue.event{ what = "outcome", number = 1, entry = 1, id = "aa-1", mutation = "createTodo", document = CREATE, err = { kind = "usage", message = "discarded" } }
      drive()
      assert.equal(0, n)
      assert.same({}, client.queue.calls)
    end)
  end)

  describe("edit", function()
    it("gives a mutation other variables, those that it declares", function()
      queue.answers.find = { id = "aa-1", document = UPDATE, operation = "U", state = "dead", variables = { id = "1" } }
      queue.answers.edit = true
      assert.is_true(get("edit", "aa-1", { id = "2", other = 1 }).value)
      assert.same({ id = "aa-1", variables = { id = "2" } }, queue.asked[2].argument)
      assert.matches('declares no variable "nmae"; did you mean $name', misuse(function()
        client.outbox:edit("aa-1", { nmae = "x" })
      end), 1, true)
    end)

    it("of what isn't there says so", function()
      queue.answers.find = appsync.null
      missing(get("edit", "aa-9", {}))
      assert.matches("client.outbox:edit: variables must be a table, got nothing", misuse(function() client.outbox:edit("aa-1") end))
      assert.matches("client.outbox:edit: id must be a string, got number 1", misuse(function() client.outbox:edit(1, {}) end))
    end)
  end)

  describe("retry", function()
    local function dead(id, more)
      local entry = { id = id, document = CREATE, operation = "C", state = "dead", variables = {} }
      for name, value in pairs(more or {}) do entry[name] = value end
      return entry
    end

    it("shows the stored response again, with the client's update, in the transaction that queues it", function()
      local seen
      open{ updates = { createTodo = function(_, result) seen = result.data.createTodo.name .. tostring(result.optimistic) end } }
      queue.answers.find = dead("aa-1", { optimistic = queueing.todo("x", "a") })
      queue.answers.blocked, queue.answers.retry = {}, true
      assert.is_true(get("retry", "aa-1").value)
      assert.same({ "ask find", "ask blocked", "begin true", "write", "ask retry" }, queue.trace)
      assert.same({ queueing.todo("x", "a"), "atrue" }, { queue.written[1], seen })
    end)

    it("queues those after it that it had blocked, in their order, and theirs", function()
      local blocked = { ["aa-1"] = { "aa-2", "aa-4" }, ["aa-2"] = { "aa-3" } }
      queue.answers.find = function(id) return dead(id) end
      queue.answers.blocked = function(id) return blocked[id] or {} end
      queue.answers.retry = function(id) return id ~= "aa-3" end -- discarded meanwhile
      assert.is_true(get("retry", "aa-1").value)
      local retried = {}
      for _, asked in ipairs(queue.asked) do
        if asked.what == "retry" then retried[#retried + 1] = asked.argument end
      end
      assert.same({ "aa-1", "aa-2", "aa-3", "aa-4" }, retried)
    end)

    it("of a mutation that is queued only asks the core for it", function()
      queue.answers.find = dead("aa-1", { state = "waiting_network", optimistic = queueing.todo("x", "a") })
      queue.answers.retry = true
      assert.is_true(get("retry", "aa-1").value)
      assert.same({ "ask find", "ask retry" }, queue.trace)
    end)

    it("queues it without a response that doesn't fit any more", function()
      queue.answers.find = dead("aa-1", { optimistic = {} })
      queue.answers.blocked, queue.answers.retry = {}, true
      queue.write_err = { kind = "usage", message = "data.createTodo is missing" }
      assert.is_true(get("retry", "aa-1").value)
      assert.same({ "ask find", "ask blocked", "begin true", "write", "drop", "ask retry" }, queue.trace)
      assert.matches("the optimistic response of aa%-1 can't be shown again: .*createTodo is missing", queueing.log[1])
    end)

    it("of what isn't there, or can't be, says so", function()
      queue.answers.find = function() return nil end
      missing(get("retry", "aa-9"))
      queue.answers.find, queue.answers.blocked = dead("aa-9"), {}
      queue.answers.retry = false
      missing(get("retry", "aa-9"))
      queue.answers.retry = function() return nil, { kind = "storage", message = "full", code = "full" } end
      assert.equal("full", get("retry", "aa-1").err.code)
      queue.answers.blocked = function() return nil, { kind = "storage", message = "locked", code = "locked" } end
      assert.equal("locked", get("retry", "aa-1").err.code)
      queue.answers.find = function() return nil, { kind = "storage", message = "corrupt", code = "corrupt" } end
      assert.equal("corrupt", get("retry", "aa-1").err.code)
    end)
  end)

  it("has the results since a number, with errors that are error objects", function()
    queue.answers.results = function(since)
      return { { number = (since or 0) + 1, id = "aa-1", err = { kind = "graphql", message = "no" }, notified = true } }
    end
    assert.equal("graphql: no", tostring(get("results").value[1].err))
    assert.equal(5, get("results", 4).value[1].number)
    assert.equal(1, get("results", { timeout = 5 }).value[1].number)
    for _, since in ipairs{ -1, 1.5, "x", 1e300 } do
      assert.matches("client.outbox:results: since must be the number of an outcome", misuse(function() client.outbox:results(since) end))
    end
  end)

  describe("of a client", function()
    it("without a store throws, and says what is needed", function()
      open{ store = false }
      for _, name in ipairs{ "list", "size", "dead_letters", "drain", "status", "observe", "results" } do
        assert.matches("client.outbox:" .. name .. ": this client has no outbox: it needs a store",
          misuse(function() client.outbox[name](client.outbox) end))
      end
      for _, name in ipairs{ "retry", "discard", "edit" } do
        assert.matches("client.outbox:" .. name .. ": this client has no outbox",
          misuse(function() client.outbox[name](client.outbox, "aa-1", {}) end))
      end
    end)

    it("of with has its own with an identity, and none without", function()
      local ann = client:with{ identity = "ann" }
      core.queue("ann").answers.list = { { id = "bb-1" } }
      queue.answers.list = { { id = "aa-1" } }
      appsync.run(function()
        assert.equal("bb-1", ann.outbox:list()[1].id)
        assert.equal("aa-1", client.outbox:list()[1].id)
      end)
      assert.matches("client.outbox:list: a client made by client:with has an outbox only with an identity",
        misuse(function() client:with{}.outbox:list() end))
    end)

    it("must be called with a colon", function()
      assert.matches("client.outbox:list: call it with a colon", misuse(function() client.outbox.list() end))
    end)

    it("that has closed has none any more", function()
      client:close(0)
      assert.equal("closed", select(2, client.outbox:list()).kind)
      assert.equal("closed", select(2, client.outbox:size()).kind)
    end)
  end)
end)
