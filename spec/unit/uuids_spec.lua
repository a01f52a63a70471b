local core = require "appsync.core"

local OTHER = "00000000-0000-4000-8000-000000000000"

describe("UUIDs that were made here", function()
  local function look(value) return { core.look_for_uuids(value) } end

  it("are told from other texts of their length, at any depth", function()
    local own = core.uuid()
    assert.same({ true, false }, look(own))
    assert.same({ true, false }, look{ input = { list = { 1, own, true }, name = "a" } })
    assert.same({ false, true }, look{ { id = OTHER } })
    assert.same({ true, true }, look{ own, OTHER })
    assert.same({ false, false }, look{ [own] = own:sub(2), n = 36, null = core.null })
    assert.same({ false, false }, look(nil))
  end)

  it("are others once they are taken", function()
    local own = core.uuid()
    assert.is_true(core.take_uuid(own))
    assert.same({ false, true }, look{ own })
  end)

  it("may be in what is too large to be looked through, or holds itself", function()
    local round, many, deep = {}, {}, { 1 }
    round[1] = round
    for i = 1, 5000 do many[i] = i end
    for _ = 1, 40 do deep = { deep } end
    assert.same({ true, true }, look(round))
    assert.same({ true, true }, look(many))
    assert.same({ true, true }, look(deep))
  end)
end)
