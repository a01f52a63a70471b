local fake_core = require "spec.support.fake_core"
local misuse = require("spec.support.misuse").raised_there
local queueing = require "spec.support.queueing"

local drive, mutate = queueing.drive, queueing.mutate
local CREATE = queueing.CREATE

describe("the queue of a client", function()
  local core, appsync, client, queue

  local function open(options)
    client = queueing.open(options)
    core, appsync, queue = queueing.core, queueing.appsync, queueing.queue
  end

  local function hydrate(c)
    appsync.run(function() assert((c or client):hydrated()) end)
  end

  describe("by its options", function()
    local function refused(options, message)
      options.endpoint = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql"
      if options.store == nil then options.store = ":memory:" end
      assert.matches(message, misuse(function() appsync.client(options) end))
    end

    before_each(function() open() end)

    it("is what they say, or the defaults", function()
      hydrate()
      local opened = queue.opened[1]
      assert.same({ "serial", 10, false, false, false, false },
        { opened.order, opened.max_tries, opened.resolves_doubt, opened.has_resolver, opened.has_updates, opened.asks_headers })
      open{
        updates = { createTodo = function() end },
        outbox = { order = "entity", maxTries = 3, in_doubt = "resolve", request_lifetime = 1.5 }, conflict_resolver = function() end, headers = { ["x-a"] = "b" },
      }
      hydrate()
      opened = queue.opened[1]
      assert.equal(1.5, opened.request_lifetime)
      assert.same({ "entity", 3, true, true, true, false, { ["x-a"] = "b" } }, {
        opened.order, opened.max_tries, opened.resolves_doubt, opened.has_resolver, opened.has_updates, opened.asks_headers,
        opened.headers,
      })
      open{ outbox = { max_tries = 2 ^ 32 } } -- as good as for ever, and none at all as an int of the core
      hydrate()
      assert.is_true(queue.opened[1].max_tries < 2 ^ 31)
    end)

    it("refuses wrong values with what is accepted", function()
      refused({ outbox = { order = "parallel" } }, 'outbox: order must be one of "serial", "entity", got "parallel"')
      refused({ outbox = { max_tries = 0 } }, "outbox: max_tries must be integer of at least 1, got number 0")
      refused({ outbox = { in_doubt = "send" } }, 'outbox: in_doubt must be one of "unknown", "resolve", got "send"')
      refused({ outbox = { request_lifetime = -1 } }, "outbox: request_lifetime must be number of at least 0, got number %-1")
      refused({ outbox = { ordre = "serial" } }, 'unknown option "ordre"; did you mean "order"')
      refused({ outbox = true }, "outbox must be table, got boolean true")
      refused({ outbox = { in_doubt = "resolve" } }, 'outbox.in_doubt = "resolve" needs a conflict_resolver')
      refused({ conflict_resolver = 1 }, "conflict_resolver must be function, got number 1")
      refused({ offline = { callback = {} } }, "offline: callback must be function, got a table without __call")
    end)

    it("needs a store, but conflict_resolver doesn't", function()
      refused({ store = false, outbox = {} }, 'appsync.client: outbox needs a store, which holds the outbox: give store = "app.db"')
      refused({ store = false, offlineConfig = { callback = print } }, "appsync.client: offline.callback needs a store")
      queueing.connect{ store = false, conflictResolver = print }
    end)
  end)

  describe("is opened", function()
    before_each(function() open() end)

    it("once, with the first use of the store: by hydrated, a query, a watch, a write", function()
      for _, use in ipairs{
        function() client:hydrated() end, function() client:read_query(queueing.LIST) end, function() client:evict "Todo:1" end,
        function() client:query(queueing.LIST, nil, { on_result = function() end }) end,
        function() client.outbox:observe():subscribe() end,
      } do
        open()
        assert.equal(0, #queue.opened)
        use()
        use()
        drive()
        assert.equal(1, #queue.opened)
        assert.equal(0, #queue.changed)
      end
    end)

    it("not by clients that keep nothing, and not for a cache in memory", function()
      client:with{}:query(queueing.LIST, nil, { on_result = function() end })
      assert.equal(0, #queue.opened)
      open{ store = false }
      client:query(queueing.LIST, nil, { on_result = function() end })
      local core_before = core
      client = appsync.client{ endpoint = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql", auth = { type = "NONE" } }
      client:write_query(queueing.LIST, nil, {})
      assert.same({}, core_before.queue().opened)
      assert.is_false(pcall(function() client.outbox:size() end))
    end)

    it("again after it couldn't be", function()
      queue.open_err = { kind = "system", message = "too many commands wait" }
      local value, err = client:query(queueing.LIST)
      assert.is_nil(value)
      assert.equal("system", err.kind)
      queue.open_err = nil
      hydrate()
      assert.equal(1, #queue.opened)
    end)

    it("with slots that live as long as the client, and leaves out a mode that has none", function()
      open{ auth = { type = "AWS_IAM", credentials = { access_key_id = "a", secret_access_key = "b" } },
        auths = { { type = "AWS_LAMBDA", token = "unusable" }, { type = "OPENID_CONNECT", token = function() return "t" end } } }
      hydrate()
      local auths = queue.opened[1].auths
      assert.is_nil(auths.AWS_LAMBDA)
      assert.is_number(auths.AWS_IAM)
      assert.is_number(auths.OPENID_CONNECT)
      fake_core.collect()
      assert.same({}, core.dropped_auths)
    end)
  end)

  describe("of one identity", function()
    before_each(function() open() end)

    it("is one for all clients of with, and takes what the last one brings", function()
      local first = client:with{ identity = "ann", auth = { type = "AWS_LAMBDA", token = "one" } }
      hydrate(first)
      local anns = core.queue "ann"
      local second = client:with{ identity = "ann", auth = { type = "AWS_LAMBDA", token = "two" }, headers = { ["x-a"] = "b" } }
      hydrate(second)
      assert.same({ 1, 1 }, { #anns.opened, #anns.changed })
      assert.not_equal(anns.opened[1].auths.AWS_LAMBDA, anns.changed[1].auths.AWS_LAMBDA)
      assert.same({ ["x-a"] = "b" }, anns.changed[1].headers)
      assert.equal(first.queue, second.queue)
      assert.same({}, queue.opened)
    end)

    it("goes with its clients, unless something is queued", function()
      local function made(size)
        local ann = client:with{ identity = "ann" }
        hydrate(ann)
        core.queue("ann").state("sending", size)
        drive()
        return setmetatable({ ann.queue }, { __mode = "v" })
      end
      local weak = made(1)
      hydrate() -- on PUC 5.1 the scheduler knows the function that has waited last
      fake_core.collect()
      assert.is_true(weak[1] ~= nil)
      core.queue("ann").state("idle", 0)
      drive()
      fake_core.collect()
      assert.is_true(weak[1] == nil)
    end)

    it("tells the core of a slot that it doesn't know yet", function()
      hydrate()
      client.queue.slots.API_KEY = nil
      mutate(CREATE)
      assert.equal(1, #queue.changed)
    end)

    it("counts in stats with those of others", function()
      local ann = client:with{ identity = "ann" }
      hydrate()
      hydrate(ann)
      queue.state("sending", 2)
      core.queue("ann").state("sending", 3)
      drive()
      assert.equal(5, client:stats().queued)
    end)
  end)

  it("knows from a queued mutation how many there are", function()
    local seen = {}
    hydrate()
    queue.state("waiting_network", 1)
    drive()
    client.outbox:observe():subscribe(function(status) seen[#seen + 1] = status.size end)
    mutate(CREATE)
    queue.reply(nil, nil, { source = "optimistic", queued = true, size = 2 })
    drive()
    local status = client.outbox:status()
    assert.same({ 2, "waiting_network" }, { status.size, status.state })
    assert.same({ 1, 2 }, seen)
  end)

  it("doesn't keep a client that nobody has any more", function()
    open()
    mutate(CREATE, nil, { update = function() end })
    queue.defer()
    queue.state("waiting_network", 1)
    drive()
    local weak = setmetatable({ client }, { __mode = "v" })
    client, queueing.client = nil, nil
    fake_core.collect()
    assert.is_nil(weak[1])
    assert.is_true(core.clients[1].is_closed)
  end)
end)
