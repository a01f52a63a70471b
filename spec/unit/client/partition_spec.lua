local misuse = require("spec.support.misuse").raised_there
local queueing = require "spec.support.queueing"

local drive = queueing.drive

describe("what a client keeps for its identity", function()
  local appsync, client, queue

  before_each(function()
    client = queueing.open()
    appsync, queue = queueing.appsync, queueing.queue
  end)

  local function get(method, options)
    local got = {}
    appsync.spawn(function() got.value, got.err = client[method](client, options) end)
    for _ = 1, 10 do drive() end
    return got.value, got.err
  end

  describe("is signed out of", function()
    it("unless something is queued", function()
      queue.answers.status = { state = "waiting_network", size = 2, dead = 0, stuck_for = 1 }
      local value, err = get("sign_out")
      assert.is_nil(value)
      assert.same({ "storage", "outbox_not_empty", 2 }, { err.kind, err.code, err.size })
      assert.matches('client:sign_out: 2 mutations are still queued; give outbox = "wipe" to drop', err.message)
      assert.same({ "ask status" }, queue.trace)
      queue.answers.status = { state = "sending", size = 1, dead = 0, stuck_for = 1 }
      assert.matches("1 mutation is still queued", select(2, get("sign_out", { outbox = "refuse" })).message)
      queue.answers.status = { state = "idle", size = 0, dead = 3, stuck_for = 0 }
      assert.is_true((get("sign_out")))
      assert.equal("wipe", queue.trace[#queue.trace])
    end)

    it("with what is queued, or without", function()
      queue.answers.wipe = 4
      assert.is_true((get("sign_out", { outbox = "wipe" })))
      assert.same({ "ask wipe", "wipe" }, queue.trace)
      queue.trace = {}
      assert.is_true((get("sign_out", { outbox = "keep" })))
      assert.same({ "wipe" }, queue.trace)
      queue.trace = {}
      queue.answers.wipe = function() return nil, { kind = "storage", message = "locked", code = "locked" } end
      assert.equal("locked", select(2, get("sign_out", { outbox = "wipe" })).code)
      assert.same({ "ask wipe" }, queue.trace)
    end)

    it("without an outbox as with an empty one", function()
      client = queueing.connect{ store = false }
      assert.matches("store = false", misuse(function() client:sign_out() end))
    end)
  end)

  describe("is cleared", function()
    it("without waiting, and without the outbox", function()
      queueing.core.clients[1] = nil
      assert.is_true((client:clear()))
      assert.is_true((client:clear{ outbox = false }))
      assert.same({ "clear", "clear" }, queue.trace)
    end)

    it("after what is queued has become dead letters, whose number it returns", function()
      queue.answers.bury_all = 3
      assert.equal(3, (get("clear", { outbox = true })))
      assert.same({ "ask bury_all", "clear" }, queue.trace)
      queue.answers.bury_all = function() return nil, { kind = "storage", message = "full", code = "full" } end
      assert.equal("full", select(2, get("clear", { outbox = true })).code)
      assert.equal("ask bury_all", queue.trace[3])
      assert.is_nil(queue.trace[4])
      client = client:with{}
      assert.matches("client:clear: outbox = true: a client made by client:with has an outbox only with an identity",
        misuse(function() client:clear{ outbox = true } end))
    end)
  end)

  describe("is adopted", function()
    it("from another identity, and says how many mutations came along", function()
      queue.answers.adopt = function(from) return #from end
      assert.equal(5, (get("adopt", { from = "guest" })))
      queue.answers.adopt = function() return nil, { kind = "storage", message = "full", code = "full" } end
      assert.equal("full", select(2, get("adopt", { from = "guest" })).code)
      queue.answers.adopt = function() return nil, { kind = "usage", message = "it is being sent", code = "sending" } end
      local _, err = get("adopt", { from = "guest" })
      assert.same({ "storage", "sending" }, { err.kind, err.code })
    end)

    it("from an identity that isn't its own, by a client with a store", function()
      assert.matches("client:adopt: from is this client's own identity", misuse(function() client:adopt{ from = "" } end))
      assert.matches("client:adopt: from is missing", misuse(function() client:adopt{} end))
      assert.matches("client:adopt: from must be string, got number 1", misuse(function() client:adopt{ from = 1 } end))
      client = queueing.connect{ store = false }
      assert.matches("client:adopt: this client has no outbox", misuse(function() client:adopt{ from = "guest" } end))
    end)
  end)
end)
