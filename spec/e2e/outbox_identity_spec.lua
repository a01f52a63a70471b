-- Each identity has an outbox of its own, which is kept, wiped or adopted as a whole.
local appsync = require "appsync"
local outbox = require "spec.support.outbox"
local wait_for = require "spec.support.wait"

local jit = rawget(_G, "jit")

local CREATE = outbox.CREATE

describe("the outbox of an identity", function()
  local client

  setup(function() outbox.begin() end)
  teardown(outbox.finish)
  before_each(function()
    outbox.new_store()
    client = outbox.connect()
    client:set_online(false)
  end)
  after_each(outbox.close_all)

  it("isn't seen by another one", function()
    local ann, ben = client:with{ identity = "ann" }, client:with{ identity = "ben" }
    assert(ann:mutate(CREATE, { id = "a1", name = "ann's" }))
    assert(client:mutate(CREATE, { id = "a2", name = "nobody's" }))
    assert.same({ 1, 0, 1 }, { ann.outbox:size(), ben.outbox:size(), client.outbox:size() })
    assert.same({ "ann", "" }, { ann.outbox:list()[1].identity, client.outbox:list()[1].identity })
    client:set_online(true)
    assert(ann.outbox:drain(10))
    assert(client.outbox:drain(10))
    assert.equal("ann's nobody's", outbox.names "a")
  end)

  it("is asked about when its user signs out", function()
    local ann = client:with{ identity = "ann" }
    assert(ann:mutate(CREATE, { id = "b1", name = "one" }))
    local ok, err = ann:sign_out()
    assert.is_nil(ok)
    assert.same({ "storage", "outbox_not_empty", 1 }, { err.kind, err.code, err.size })
    assert.is_true((ann:sign_out{ outbox = "keep" }))
    assert.equal(1, ann.outbox:size())
    assert.is_true((ann:sign_out{ outbox = "wipe" }))
    assert.same({ 0, {}, {} }, { ann.outbox:size(), ann.outbox:dead_letters(), ann.outbox:results() })
    assert.is_true((ann:sign_out()))
    client:set_online(true)
    assert.equal("", outbox.names "b")
  end)

  it("goes to the identity that adopts it", function()
    assert(client:with{ identity = "guest" }:mutate(CREATE, { id = "c1", name = "one" }))
    client = outbox.restart()
    client:set_online(false)
    local ann = client:with{ identity = "ann" }
    assert.equal(1, (ann:adopt{ from = "guest" }))
    assert.equal(1, ann.outbox:size())
    assert.equal("ann", ann.outbox:list()[1].identity)
    assert.same({}, client:with{ identity = "guest" }.outbox:list())
    client:set_online(true)
    assert(ann.outbox:drain(10))
    assert.equal("one", outbox.names "c1")
  end)

  it("goes to it from a client that goes on, whose calls and queue are told", function()
    local guest, ann = client:with{ identity = "guest" }, client:with{ identity = "ann" }
    for i = 1, 3 do assert(guest:mutate(CREATE, { id = "d" .. i, name = "n" .. i })) end
    assert.equal(3, (ann:adopt{ from = "guest" }))
    assert.same({ 3, 0 }, { #ann.outbox:list(), #guest.outbox:list() })
    wait_for(function() return guest.outbox:size() == 0 end, "the guest's state")
    assert(guest:mutate(CREATE, { id = "d4", name = "n4" }))
    client:set_online(true)
    assert(ann.outbox:drain(10))
    assert(guest.outbox:drain(10))
    assert.equal("n1 n2 n3 n4", outbox.names "d")
    assert.same({ 3, 1 }, { #ann.outbox:results(), #guest.outbox:results() })
    assert.same({}, outbox.logged)
  end)

  it("goes to it while an outcome is told, which is told once", function()
    local told, is_over = {}, false
    client = outbox.restart{ offline = { callback = function(_, success)
      told[#told + 1] = success.variables.id
      wait_for(function() return is_over end, "the adoption")
    end } }
    local guest, ann = client:with{ identity = "guest" }, client:with{ identity = "ann" }
    client:set_online(false)
    for i = 1, 2 do assert(guest:mutate(CREATE, { id = "e" .. i, name = "n" .. i })) end
    client:set_online(true)
    assert(guest.outbox:drain(10))
    wait_for(function() return told[1] end, "the callback")
    assert.equal(0, (ann:adopt{ from = "guest" }))
    ann = nil -- luacheck: ignore 311
    collectgarbage()
    assert.equal(0, client:with{ identity = "ann" }.outbox:size()) -- its queue, opened anew
    is_over = true
    wait_for(function() return told[2] end, "the other outcome")
    client = outbox.restart()
    ann = client:with{ identity = "ann" }
    wait_for(function()
      local results = assert(ann.outbox:results())
      return results[1].notified and results[2].notified
    end, "the log")
    table.sort(told)
    assert.same({ "e1", "e2" }, told)
    assert.same({}, outbox.outcomes)
  end)

  -- A compiled trace of LuaJIT may hold what it was recorded with.
  describe("keeps no function", function()
    setup(function()
      if jit then jit.off() jit.flush() end
    end)
    teardown(function()
      if jit then jit.on() end
    end)

    it("of what is wiped, buried, discarded or adopted", function()
      local n = 0
      local function queue_one(of)
        n = n + 1
        local update = function() end
        local _, _, info = of:mutate(CREATE, { id = "f" .. n, name = "n" }, { update = update })
        return info.id, setmetatable({ update }, { __mode = "v" })
      end
      local function check_gone(kept)
        wait_for(function() collectgarbage() return kept[1] == nil end, "the function to be collected")
      end
      local ann, guest = client:with{ identity = "ann" }, client:with{ identity = "guest" }
      local _, wiped = queue_one(client)
      assert(client:sign_out{ outbox = "wipe" })
      check_gone(wiped)
      local _, buried = queue_one(client)
      assert.equal(1, (client:clear{ outbox = true }))
      check_gone(buried)
      local id, discarded = queue_one(client)
      pcall(client.outbox.discard, client.outbox, id, 1e-9)
      check_gone(discarded)
      local _, adopted = queue_one(guest)
      assert.equal(1, (ann:adopt{ from = "guest" }))
      check_gone(adopted)
    end)

    it("of what is wiped before Lua has seen that it was queued", function()
      local kept = setmetatable({}, { __mode = "v" })
      local function queue_one()
        local function update() end
        kept[1] = update
        appsync.spawn(client.mutate, client, CREATE, { id = "g1", name = "n" }, { update = update })
        appsync.sleep(0)
      end
      assert(client:mutate(CREATE, { id = "g0", name = "n" }))
      queue_one()
      local over = os.clock() + 0.3 -- the core goes on meanwhile, and nobody takes its events
      while os.clock() < over do end
      assert(client:sign_out{ outbox = "wipe" })
      wait_for(function() collectgarbage() return kept[1] == nil end, "the function to be collected")
    end)
  end)
end)
