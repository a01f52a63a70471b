local misuse = require("spec.support.misuse").raised_there
local queueing = require "spec.support.queueing"

local drive, mutate, todo = queueing.drive, queueing.mutate, queueing.todo
local CREATE = queueing.CREATE

describe("a queued mutation", function()
  local core, appsync, client, queue

  local function open(options)
    client = queueing.open(options)
    core, appsync, queue = queueing.core, queueing.appsync, queueing.queue
  end

  before_each(function() open() end)

  local function newest() return queue.enqueued[#queue.enqueued].call end

  describe("with a network", function()
    it("takes its turn and returns the service's answer with its id", function()
      local call = mutate(CREATE, { name = "a" })
      assert.is_nil(call.is_over)
      local sent = newest()
      assert.same({ name = "a" }, sent.variables)
      assert.equal("API_KEY", sent.mode)
      assert.same({ {}, 0 }, { core.executed, #core.cancelled })
      queue.reply({ createTodo = { id = "1" } }, nil, { status = 200, outcome = 4 })
      drive()
      assert.same({ createTodo = { id = "1" } }, call.data)
      assert.is_nil(call.err)
      assert.same({ source = "network", status = 200, id = "aa-1" }, call.info)
      assert.is_false(client:is_optimistic(call.data))
      assert.same({ 4 }, queue.told)
    end)

    it("shows its optimistic response in the transaction that queues it, and runs update for both", function()
      local seen, response = {}, todo("x", "a?")
      local call = mutate(CREATE, { name = "a" }, {
        optimistic_response = response,
        update = function(cache, result)
          seen[#seen + 1] = { result.optimistic, result.data.createTodo.name }
          cache:evict "Todo:9"
        end,
      })
      assert.same({ "begin true", "write", "evict Todo:9", "enqueue" }, queue.trace)
      assert.equal(response, newest().response)
      assert.is_true(newest().has_update)
      queue.reply(todo("1", "a"), nil, { has_layer = true, outcome = 1 })
      drive()
      assert.same({ "begin true", "write", "evict Todo:9", "enqueue", "begin false", "evict Todo:9", "settle_entry 1" }, queue.trace)
      assert.same({ { true, "a?" }, { false, "a" } }, seen)
      assert.equal("a", call.data.createTodo.name)
    end)

    it("settles its layer with nothing where update raises, and logs that", function()
      mutate(CREATE, nil, { update = function() error("no", 0) end })
      queue.reply(todo("1", "a"), nil, { has_layer = true })
      drive()
      assert.same({ "enqueue", "begin false", "drop", "settle_entry 1" }, queue.trace)
      assert.matches("update raised: no; what it wrote is dropped, the mutation stands", queueing.log[1])
    end)

    it("begins nothing where there is nothing to show, and settles nothing", function()
      mutate(CREATE)
      queue.reply(todo("1", "a"))
      drive()
      assert.same({ "enqueue" }, queue.trace)
      assert.is_nil(newest().has_update)
    end)

    it("queues what update raised for without what it wrote", function()
      mutate(CREATE, nil, { optimistic_response = todo("x", "a"), update = function() error "no" end })
      assert.same({ "begin true", "write", "drop", "begin true", "write", "enqueue" }, queue.trace)
    end)

    it("uses the client's updates by root field, and rules as data", function()
      local n = 0
      open{ updates = { createTodo = function() n = n + 1 end } }
      mutate(CREATE, nil, { cache_updates = queueing.LIST })
      assert.is_true(newest().has_update)
      assert.same({ { query = queueing.LIST, kind = "add", id_field = "id" } }, { (function(rule)
        return { query = rule.query, kind = rule.kind, id_field = rule.id_field }
      end)(newest().rules[1]) })
      queue.reply({ createTodo = appsync.null }, nil, { has_layer = true })
      drive()
      assert.equal(1, n)
    end)

    it("returns partial data beside the error, and nothing with error_policy none", function()
      for policy, expected in pairs{ all = true, none = false } do
        local call = mutate(CREATE, nil, { error_policy = policy })
        queue.reply({ a = 1 }, { kind = "graphql", message = "no" })
        drive()
        assert.equal(expected, call.data ~= nil)
        assert.same({ a = 1 }, call.err.data)
      end
    end)

    it("passes what a call says, and keeps its own headers apart", function()
      open{ headers = { ["x-client"] = "c" } }
      mutate(CREATE, nil, { timeout = 3, idempotent = true, fetch_policy = "no-cache", headers = { ["x-call"] = 5 } })
      local sent = newest()
      assert.same({ ["x-client"] = "c", ["x-call"] = "5" }, sent.headers)
      assert.same({ ["x-call"] = "5" }, sent.own_headers)
      assert.same({ 3, true, true }, { sent.timeout, sent.idempotent, sent.is_uncached })
    end)

    it("sends queries of refetch once the answer is there", function()
      mutate(CREATE, nil, { refetch = { queueing.LIST } })
      assert.equal(0, #core.executed)
      queue.reply(todo("1", "a"))
      drive()
      assert.equal(1, #core.executed)
    end)
  end)

  describe("without a network", function()
    it("returns the optimistic response itself, which is optimistic", function()
      local response = todo("x", "a")
      local call = mutate(CREATE, nil, { optimistic_response = response })
      queue.defer()
      drive()
      assert.equal(response, call.data)
      assert.is_nil(call.err)
      assert.same({ source = "optimistic", queued = true, id = "aa-1" }, call.info)
      assert.is_true(client:is_optimistic(call.data))
      assert.same({}, queue.told)
    end)

    it("returns null under each root field where no response was given, which is optimistic too", function()
      local call = mutate("mutation M { a b }")
      queue.defer()
      drive()
      assert.same({ a = appsync.null, b = appsync.null }, call.data)
      assert.is_true(client:is_optimistic(call.data))
    end)

    it("sends no query of refetch before the outcome, and then does", function()
      mutate(CREATE, nil, { refetch = { queueing.LIST } })
      queue.defer()
      drive()
      assert.equal(0, #core.executed)
      queue.event{ what = "outcome", number = 1, entry = 1, id = "aa-1", mutation = "createTodo", document = CREATE, operation = "C", data = todo("1", "a") }
      drive()
      assert.equal(1, #core.executed)
    end)

    it("runs the call's own update when the outcome comes", function()
      local seen = {}
      mutate(CREATE, { name = "a" }, {
        optimistic_response = todo("x", "a?"), update = function(_, result) seen[#seen + 1] = result.data.createTodo.name end,
      })
      queue.defer()
      queue.event{
        what = "outcome", number = 6, entry = 1, id = "aa-1", mutation = "createTodo", document = CREATE, operation = "C",
        data = todo("1", "a"), has_layer = true,
      }
      drive()
      assert.same({ "a?", "a" }, seen)
      assert.same({ "begin true", "write", "enqueue", "begin false", "settle_entry 1" }, queue.trace)
      assert.same({ 6 }, queue.told)
    end)
  end)

  describe("whose wait ends", function()
    it("by its timeout says that it is queued, and is updated when the outcome comes", function()
      local n = 0
      local call = mutate(CREATE, nil, { timeout = 1, update = function() n = n + 1 end })
      queue.reply(nil, { kind = "timeout", message = "too long" }, { queued = true })
      drive()
      assert.same({ "timeout", true, "aa-1" }, { call.err.kind, call.err.queued, call.err.id })
      assert.is_true(call.info.queued)
      queue.event{ what = "outcome", number = 1, entry = 1, id = "aa-1", mutation = "createTodo", document = CREATE, data = todo("1", "a") }
      drive()
      assert.equal(1, n)
    end)

    it("by a cancel of its task says so too, once the core has confirmed it", function()
      local call = mutate(CREATE)
      call.task:cancel()
      drive()
      assert.is_true(core.cancelled[queue.enqueued[1].id])
      assert.same({ "cancelled", true, "aa-1" }, { call.err.kind, call.err.queued, call.err.id })
    end)

    it("by a cancel when the answer has come returns that", function()
      for _, is_early in ipairs{ true, false } do
        open()
        local n = 0
        local call = mutate(CREATE, nil, { update = function() n = n + 1 end })
        function queue.on_cancel(entry)
          if not is_early then queue.reply(todo("1", "a"), nil, { outcome = 3 }, entry) end
        end
        if is_early then
          queue.reply(todo("1", "a"), nil, { outcome = 3 })
          appsync.update(0) -- it is taken in
        end
        call.task:cancel()
        drive()
        assert.is_nil(call.err)
        assert.same({ "a", 1, { 3 } }, { call.data.createTodo.name, n, queue.told })
      end
    end)

    it("by a cancel ends its task quietly, whatever that does with the error", function()
      appsync.spawn(function() appsync.assert(client:mutate(CREATE)) end):cancel()
      local task = appsync.spawn(function() appsync.assert(client:mutate(CREATE)) end)
      drive()
      task:cancel()
      drive(5)
      drive()
      assert.same({}, queueing.log)
      assert.equal("cancelled", task:status())
    end)

    it("by close says that it is queued", function()
      local call = mutate(CREATE)
      client:close{ timeout = 0, on_result = function() end }
      queue.reply(nil, { kind = "closed", message = "closed" }, { queued = true })
      drive()
      assert.same({ "closed", true, "aa-1" }, { call.err.kind, call.err.queued, call.err.id })
    end)
  end)

  it("that is a dead letter now has the service's error, and how it died", function()
    local call = mutate(CREATE, nil, { optimistic_response = todo("x", "a"), update = function() end })
    queue.reply(nil, { kind = "graphql", message = "no", errors = {} }, { dead = "refused", outcome = 2 })
    drive()
    assert.is_nil(call.data)
    assert.same({ "graphql", "aa-1", { outcome = "refused" } }, { call.err.kind, call.err.id, call.err.cause })
    assert.is_nil(call.err.queued)
    assert.same({ "begin true", "write", "enqueue" }, queue.trace)
    assert.same({ 2 }, queue.told)
    call = mutate(CREATE)
    queue.reply(nil, { kind = "graphql", message = "no" }, { dead = "blocked", blocked_by = "aa-1" })
    drive()
    assert.same({ outcome = "blocked", blocked_by = "aa-1" }, call.err.cause)
  end)

  it("that can't be stored says so, and is nowhere", function()
    local call = mutate(CREATE)
    core.push("RESULT", queue.enqueued[1].id, nil, { kind = "storage", message = "full", code = "full" }, { source = "network" })
    drive()
    assert.same({ "storage", "full" }, { call.err.kind, call.err.code })
    assert.same({ source = "network" }, call.info)
    queue.enqueue_err = { kind = "system", message = "no memory" }
    call = mutate(CREATE)
    assert.equal("system", call.err.kind)
  end)

  it("throws for variables that can't be JSON, and for a response of another shape, at the caller's line", function()
    queue.enqueue_err = { kind = "usage", message = "variables.name: a function isn't JSON" }
    assert.matches("client:mutate: variables.name: a function", misuse(function() client:mutate(CREATE, { name = print }) end))
    queue.enqueue_err, queue.write_err = nil, { kind = "usage", message = "data.createTodo: id is missing" }
    assert.matches("optimistic_response: createTodo: id is missing", misuse(function()
      client:mutate(CREATE, nil, { optimistic_response = {} })
    end))
    assert.matches("must return a table, got number 1", misuse(function()
      client:mutate(CREATE, nil, { optimistic_response = function() return 1 end })
    end))
  end)

  describe("and queue", function()
    it("false is sent at once", function()
      local call = mutate(CREATE, nil, { queue = false })
      assert.same({ 1, 0 }, { #core.executed, #queue.enqueued })
      core.reply(todo("1", "a"))
      drive()
      assert.equal("a", call.data.createTodo.name)
      assert.is_nil(call.info.id)
    end)

    it("true needs an outbox", function()
      open{ store = false }
      assert.matches('client:mutate: queue = true: this client has no outbox: it needs a store; give appsync.client store = "app.db"',
        misuse(function() client:mutate(CREATE, nil, { queue = true }) end))
      open()
      assert.matches("client:mutate: queue = true: a client made by client:with has an outbox only with an identity",
        misuse(function() client:with{}:mutate(CREATE, nil, { queue = true }) end))
    end)

    it("true is refused for a call with an identity of its own, which is sent at once by default", function()
      for _, options in ipairs{
        { auth = { type = "API_KEY", api_key = "other" } }, { headers = function() return {} end }, { headers = { ["X-Api-Key"] = "k" } },
        { headers = { authorization = "t" } }, { headers = { Cookie = "session=1" } }, { headers = { ["X-Amz-Security-Token"] = "t" } },
        { headers = { ["proxy-authorization"] = "Basic dQ==" } },
      } do
        mutate(CREATE, nil, options)
        options.queue = true
        assert.matches("is never queued: its identity can't be stored", misuse(function() client:mutate(CREATE, nil, options) end))
      end
      assert.same({ 4, 0 }, { #core.executed, #queue.enqueued })
    end)

    it("is nothing to a client without a store, or of with without an identity", function()
      mutate(CREATE, nil, nil, client:with{})
      open{ store = false }
      mutate(CREATE)
      assert.same({ 1, 0 }, { #core.executed, #queue.enqueued })
    end)
  end)

  describe("and its mode", function()
    it("is the default, or that of auth_mode, whose slot the core knows", function()
      open{ auths = { { type = "OPENID_CONNECT", token = "t" } } }
      mutate(CREATE)
      mutate(CREATE, nil, { auth_mode = "OPENID_CONNECT" })
      assert.same({ "API_KEY", "OPENID_CONNECT" }, { queue.enqueued[1].call.mode, queue.enqueued[2].call.mode })
      local auths = queue.opened[1].auths
      local modes = {}
      for mode, id in pairs(auths) do
        modes[#modes + 1] = mode
        assert.is_number(id)
      end
      table.sort(modes)
      assert.same({ "API_KEY", "NONE", "OPENID_CONNECT" }, modes)
      assert.equal(0, #queue.changed)
    end)

    it("that isn't configured fails with kind auth, and nothing is queued", function()
      local call = mutate(CREATE, nil, { auth_mode = "AWS_LAMBDA" })
      assert.same({ "auth", "not_configured" }, { call.err.kind, call.err.code })
      assert.equal(0, #queue.enqueued)
    end)

    it("is NONE where the client's headers authenticate", function()
      open{ headers = { Authorization = "mine" } }
      mutate(CREATE)
      assert.equal("NONE", newest().mode)
      assert.equal("mine", newest().headers.Authorization)
    end)

    it("is the client's where a function may tell by what it is sent", function()
      open{ headers = function() return { Authorization = "mine" } end }
      mutate(CREATE)
      assert.equal("API_KEY", newest().mode)
    end)

    it("of a client of with is that of its auth, with a slot of its own", function()
      local ann = client:with{ identity = "ann", auth = { type = "AWS_LAMBDA", token = "t" } }
      mutate(CREATE, nil, nil, ann)
      local anns = core.queue "ann"
      assert.equal("AWS_LAMBDA", anns.enqueued[1].call.mode)
      assert.is_number(anns.opened[1].auths.AWS_LAMBDA)
      assert.is_number(anns.opened[1].auths.API_KEY)
      assert.equal(0, #queue.enqueued)
    end)
  end)

  it("is counted in by close, which waits for its answer", function()
    local got
    client:mutate(CREATE, nil, { on_result = function(data) got = data end })
    drive()
    core.step(function() queue.reply(todo("1", "a")) end)
    assert.is_true(client:close())
    assert.equal("a", got.createTodo.name)
  end)

  it("can be made without a task, and by on_result", function()
    core.step(function() queue.defer() end)
    local data, err, info = client:mutate(CREATE)
    assert.same({ { createTodo = appsync.null }, true }, { data, info.queued })
    assert.is_nil(err)
  end)
end)
