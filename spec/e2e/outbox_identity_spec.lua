-- Each identity has an outbox of its own, which is kept, wiped or adopted as a whole.
local outbox = require "spec.support.outbox"

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

  it("goes with its cache to the identity that adopts it", function()
    local guest, ann = client:with{ identity = "guest" }, client:with{ identity = "ann" }
    assert(guest:mutate(CREATE, { id = "c1", name = "one" }, { optimistic_response = outbox.todo("c1", "one?") }))
    assert.equal(1, (ann:adopt{ from = "guest" }))
    assert.same({ 1, 0 }, { ann.outbox:size(), guest.outbox:size() })
    assert.equal("one?", ann:read_fragment("Todo:c1", "fragment F on Todo { name }").name)
    client:set_online(true)
    assert(ann.outbox:drain(10))
    assert.equal("one", outbox.names "c1")
  end)
end)
