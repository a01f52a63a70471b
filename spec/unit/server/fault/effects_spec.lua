local effects = require("appsync.server.fault.effects")

describe("effects", function()
  local max_keys = effects.max_keys
  after_each(function() effects.max_keys = max_keys end)

  it("are counted by field, id, client mutation id and arguments", function()
    local counted = effects.new()
    counted:add("createTodo", { input = { name = "a" } }, { id = "x" })
    counted:add("createTodo", { input = { name = "a" } }, { id = "y" })
    counted:add("updateTodo", { input = { id = "x", clientMutationId = "m1" } }, { id = "x" })
    counted:add("poke", { id = 3 }, nil)
    local all = counted:describe()
    assert.equal(2, all.createTodo.count)
    assert.same({ x = 1, y = 1 }, all.createTodo.by_id)
    local _, n = next(all.createTodo.by_arguments)
    assert.equal(2, n)
    assert.same({ m1 = 1 }, all.updateTodo.by_client_mutation_id)
    assert.same({ ["3"] = 1 }, all.poke.by_id)
    counted:clear()
    assert.same({}, counted:describe())
  end)

  it("are counted by version of versioned records", function()
    local counted = effects.new()
    for _, version in ipairs({ 2, 3, 3 }) do counted:add("updateTodo", { input = { id = "x" } }, { id = "x", _version = version }) end
    counted:add("updateTodo", {}, { _version = 1 })
    counted:add("updateTodo", {}, { id = "x", _version = "1" })
    assert.same({ ["x@2"] = 1, ["x@3"] = 2 }, counted:describe().updateTodo.by_version)
    counted:add("other", {}, { id = "x" })
    assert.is_nil(counted:describe().other.by_version)
  end)

  it("don't depend on the order of an object's members", function()
    local counted = effects.new()
    local one, other = {}, {}
    for _, name in ipairs({ "a", "b", "c", "d", "e" }) do one[name] = 1 end
    for _, name in ipairs({ "e", "d", "c", "b", "a" }) do other[name] = 1 end
    counted:add("m", one)
    counted:add("m", other)
    counted:add("m", { a = 2 })
    local counts = {}
    for _, count in pairs(counted:describe().m.by_arguments) do counts[#counts + 1] = count end
    table.sort(counts)
    assert.same({ 1, 2 }, counts)
  end)

  it("of too many kinds are counted as such", function()
    effects.max_keys = 3
    local counted = effects.new()
    for i = 1, 4 do counted:add("m", { id = tostring(i) }) end
    local entry = counted:describe().m
    assert.equal(4, entry.count)
    assert.equal(5, entry.uncounted)
  end)

  it("keep no long ids", function()
    local counted = effects.new()
    counted:add("m", { id = ("x"):rep(100000) })
    assert.equal(16, #next(counted:describe().m.by_id))
  end)

  it("of arguments that can't be written are counted all the same", function()
    local counted = effects.new()
    counted:add("m", { id = "1", fn = print })
    assert.equal(1, counted:describe().m.count)
  end)
end)
