local real = require "appsync.core"
local queueing = require "spec.support.queueing"

local drive, todo = queueing.drive, queueing.todo
local CREATE, UPDATE = queueing.CREATE, queueing.UPDATE

describe("outcomes that no waiting call got", function()
  local appsync, client, queue, told

  -- With a callback that notes what it gets, unless the options have one.
  local function open(options)
    options = options or {}
    told = {}
    options.offline = options.offline or { callback = function(err, success) told[#told + 1] = { err = err, success = success } end }
    client = queueing.open(options)
    appsync, queue = queueing.appsync, queueing.queue
    appsync.run(function() assert(client:hydrated()) end)
  end

  before_each(function() open() end)

  local function event(number, fields)
    local all = {
      what = "outcome", number = number, entry = number, id = "aa-" .. number, mutation = "createTodo", document = CREATE,
      operation = "C", variables = { name = "n" .. number },
    }
    for name, value in pairs(fields) do all[name] = value end
    queue.event(all)
  end

  it("are told with what they are, and the core hears of it afterwards", function()
    event(1, { data = todo("1", "a") })
    drive()
    assert.same({
      { success = { id = "aa-1", mutation = "createTodo", variables = { name = "n1" }, data = todo("1", "a"), notified = false } },
    }, told)
    assert.same({ 1 }, queue.told)
  end)

  it("that are failures are errors with their cause", function()
    event(2, { err = { kind = "conflict", message = "no", outcome = "blocked", blocked_by = "aa-1" }, is_old = true })
    drive()
    local err = told[1].err
    assert.is_nil(told[1].success)
    assert.equal("conflict: no", tostring(err))
    assert.same({ "aa-2", "createTodo", "n2", false }, { err.id, err.mutation, err.variables.name, err.notified })
    assert.same({ outcome = "blocked", blocked_by = "aa-1" }, err.cause)
    assert.is_nil(err.outcome)
    assert.same({ 2 }, queue.told)
  end)

  it("with partial data have both, and with error_policy none the error only", function()
    event(1, { data = todo("1", "a"), err = { kind = "graphql", message = "no" } })
    drive()
    assert.same({ "graphql", "a", nil }, { told[1].err.kind, told[1].success.data.createTodo.name, told[1].err.cause })
    open{ error_policy = "none" }
    event(1, { data = todo("1", "a"), err = { kind = "graphql", message = "no" } })
    drive()
    assert.same({ "graphql", nil }, { told[1].err.kind, told[1].success })
  end)

  it("without a callback count as told at once", function()
    client = queueing.open()
    queue = queueing.queue
    queueing.appsync.run(function() client:hydrated() end)
    event(1, { data = todo("1", "a") })
    drive()
    assert.same({ 1 }, queue.told)
  end)

  it("come one after the other to a callback that waits", function()
    local trace = {}
    open{ offline = { callback = function(_, success)
      trace[#trace + 1] = "begin " .. success.id
      appsync.sleep(1)
      trace[#trace + 1] = "end " .. success.id
    end } }
    event(1, { data = todo("1", "a") })
    event(2, { data = todo("2", "b") })
    drive()
    assert.same({ "begin aa-1" }, trace)
    assert.same({}, queue.told)
    drive(1.5)
    assert.same({ "begin aa-1", "end aa-1", "begin aa-2" }, trace)
    assert.same({ 1 }, queue.told)
    drive(1.5)
    assert.same({ 1, 2 }, queue.told)
  end)

  it("are told again, after longer and longer times, until the callback has returned", function()
    local n, updates = 0, 0
    open{
      updates = { createTodo = function() updates = updates + 1 end },
      offline = { callback = function()
        n = n + 1
        if n < 4 then error("not now", 0) end
      end },
    }
    event(1, { data = todo("1", "a"), has_layer = true })
    event(2, { data = todo("2", "b") })
    drive()
    assert.matches("offline.callback raised: not now; it will be called again for aa%-1", queueing.log[1])
    drive(1.9)
    assert.equal(1, n)
    drive(0.2)
    assert.equal(2, n)
    drive(3.9)
    assert.equal(2, n)
    drive(0.2)
    assert.equal(3, n)
    assert.same({}, queue.told)
    drive(8)
    assert.same({ 5, { 1, 2 } }, { n, queue.told })
    assert.equal(2, updates)
  end)

  it("that are large are told in their turn, and one that can't be read doesn't hold up the others", function()
    local name = ("x"):rep(100000)
    queue.event(assert(real.builder "{"))
    queue.event(assert(real.builder(assert(real.encode{
      what = "outcome", number = 1, entry = 1, id = "aa-1", mutation = "createTodo", document = CREATE, data = todo("1", name),
    }))))
    event(2, { data = todo("2", "b") })
    drive()
    assert.same({ name, "b" }, { told[1].success.data.createTodo.name, told[2].success.data.createTodo.name })
    assert.same({ 1, 2 }, queue.told)
    assert.matches("^error: client.outbox: what has become of a mutation can't be told now: ", queueing.log[1])
  end)

  it("are told once also where there is no memory to say that they were", function()
    local n = 0
    open{ offline = { callback = function() n = n + 1 end } }
    queue.untold = "not enough memory"
    event(1, { data = todo("1", "a") })
    drive()
    assert.same({ 1, {} }, { n, queue.told })
    drive(3)
    assert.same({ 1, { 1 } }, { n, queue.told })
    event(2, { data = todo("2", "b") })
    drive()
    assert.same({ 2, { 1, 2 } }, { n, queue.told })
  end)

  it("that are told again don't keep a client that nobody has", function()
    open{ offline = { callback = function() error("no", 0) end } }
    event(1, { data = todo("1", "a") })
    drive()
    local weak = setmetatable({ client }, { __mode = "v" })
    local core = queueing.core
    client, queueing.client = nil, nil
    require("spec.support.fake_core").collect()
    assert.is_nil(weak[1])
    assert.is_true(core.clients[1].is_closed)
  end)

  it("are not told again once the queue is wiped", function()
    local n = 0
    open{ offline = { callback = function()
      n = n + 1
      if n == 1 then error("not now", 0) end
    end } }
    event(1, { data = todo("1", "a") })
    drive()
    queue.answers.wipe = 1
    appsync.spawn(client.sign_out, client, { outbox = "wipe" })
    for _ = 1, 5 do drive() end
    assert.same({ 1, { 1 } }, { n, queue.told })
    event(2, { data = todo("2", "b") })
    drive()
    assert.same({ 2, { 1, 2 } }, { n, queue.told })
    drive(3)
    assert.equal(2, n)
  end)

  it("are told again if another identity has adopted them before the wipe", function()
    local n = 0
    open{ offline = { callback = function()
      n = n + 1
      if n == 1 then error("not now", 0) end
    end } }
    local ann = client:with{ identity = "ann" }
    queueing.core.queue("ann").answers.adopt = 0
    event(1, { data = todo("1", "a") })
    drive()
    appsync.spawn(ann.adopt, ann, { from = "" })
    for _ = 1, 5 do drive() end
    queue.answers.wipe = 1
    appsync.spawn(client.sign_out, client, { outbox = "wipe" })
    for _ = 1, 5 do drive() end
    assert.same({}, queue.told)
    drive(3)
    assert.same({ 2, { 1 } }, { n, queue.told })
  end)

  it("of an earlier run get the client's update, whose writes go with the layer", function()
    local seen = {}
    open{ updates = { createTodo = function(cache, result)
      seen[#seen + 1] = { result.data.createTodo.name, result.optimistic }
      cache:evict "Todo:9"
    end } }
    event(7, { data = todo("1", "a"), has_layer = true, is_old = true })
    drive()
    assert.same({ { "a", false } }, seen)
    assert.same({ "begin false", "evict Todo:9", "settle_entry 7" }, queue.trace)
  end)

  it("are put into the cache before they are told, once, also while the callback of another one raises", function()
    local seen, is_ready = {}, false
    open{
      updates = { createTodo = function(_, result) seen[#seen + 1] = result.data.createTodo.name end },
      offline = { callback = function(err, success)
        if not is_ready then error("not now", 0) end
        told[#told + 1] = { err = err, success = success }
      end },
    }
    event(6, { err = { kind = "graphql", message = "no", outcome = "refused" } })
    event(7, { what = "answer", data = todo("1", "a"), has_layer = true })
    drive()
    assert.same({ { "a" }, { "begin false", "settle_entry 7" }, {} }, { seen, queue.trace, queue.told })
    is_ready = true
    drive(2)
    event(7, { data = todo("1", "a") })
    drive()
    assert.same({ { "a" }, { "begin false", "settle_entry 7" }, { 6, 7 } }, { seen, queue.trace, queue.told })
    assert.equal("a", told[#told].success.data.createTodo.name)
  end)

  it("that can't be put into the cache hold no other up", function()
    open()
    event(7, { what = "answer", data = todo("1", "a"), has_layer = true, document = "mutation {" })
    event(8, { what = "answer", data = todo("1", "a"), has_layer = true })
    drive()
    assert.same({ "settle_entry 7", "settle_entry 8" }, queue.trace)
  end)

  it("whose layer has left in an earlier run change nothing", function()
    local n = 0
    open{ updates = { createTodo = function() n = n + 1 end } }
    event(7, { data = todo("1", "a"), is_old = true })
    drive()
    assert.same({ 0, {} }, { n, queue.trace })
    assert.equal(1, #told)
  end)

  it("of mutations of an earlier run that come in this one get the client's update without a layer too", function()
    local n = 0
    open{ updates = { updateTodo = function() n = n + 1 end } }
    event(7, { data = { updateTodo = { id = "1" } }, mutation = "updateTodo", document = UPDATE, operation = "U" })
    drive()
    assert.same({ 1, { "begin false", "settle_entry 7" } }, { n, queue.trace })
  end)

  it("without anything to do for them settle their layer with nothing", function()
    event(3, { data = todo("1", "a"), has_layer = true })
    event(4, { err = { kind = "graphql", message = "no", outcome = "refused" } })
    drive()
    assert.same({ "settle_entry 3" }, queue.trace)
  end)

  it("run the rules that are stored with them", function()
    local cache_edits = require "appsync.client.cache_edits"
    local given
    function cache_edits.run(rules, field) given = { rules[1].query, rules[1].kind, field } end
    event(3, {
      data = todo("1", "a"), has_layer = true, is_old = true, operation = "", document = "mutation { createTodo { id } }",
      rules = { { query = queueing.LIST, kind = "add", id_field = "id" } },
    })
    drive()
    assert.same({ queueing.LIST, "add", "createTodo" }, given)
  end)

  it("whose document can't be read any more are told all the same", function()
    event(3, { data = todo("1", "a"), has_layer = true, document = "no document" })
    drive()
    assert.same({ "settle_entry 3" }, queue.trace)
    assert.matches("what aa%-3 has brought can't be put into queries", queueing.log[1])
    assert.equal(1, #told)
  end)

  it("run all updates of a mutation with several fields, and a failing one counts as none", function()
    local seen = {}
    open{ updates = { a = function() seen[#seen + 1] = "a" end, b = function() error("no", 0) end } }
    event(1, { data = { a = 1, b = 2 }, has_layer = true, document = "mutation M { a b }", operation = "M", mutation = "a" })
    drive()
    assert.same({ "a" }, seen)
    assert.same({ "begin false", "drop", "settle_entry 1" }, queue.trace)
    assert.matches("update raised: no", queueing.log[1])
  end)

  it("are null as a whole where nothing is there", function()
    event(1, { data = appsync.null, err = { kind = "graphql", message = "no", outcome = "refused" } })
    drive()
    assert.is_nil(told[1].success)
  end)

  it("aren't told to a client that has closed", function()
    local n = 0
    open{ offline = { callback = function() n = n + 1 client:close(0) end } }
    event(1, { data = todo("1", "a") })
    event(2, { data = todo("2", "b") })
    drive()
    assert.equal(1, n)
    assert.same({}, queue.told)
  end)
end)
