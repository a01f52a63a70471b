-- The rules of @auth where their field is in a key that a query asks by.
local core = require("appsync.core")
local ruled = require("spec.support.ruled")

local make, run, outcome, no = ruled.make, ruled.run, ruled.outcome, ruled.no

after_each(ruled.close)

describe("@auth with an owner in a key", function()
  local function note(rules, key)
    make(([[type Note @model @auth(rules: [%s]) { id: ID! %s team: String @index(name: "byTeam", queryField: "notesByTeam", sortKeyFields: ["owner"])
      text: String editors: [String] }]]):format(rules, key or
      'owner: String @index(name: "byOwner", queryField: "notesByOwner") at: Int @index(name: "byAt", queryField: "notesByAt", sortKeyFields: ["team", "owner"])'))
    for i, fields in ipairs({ 'owner: "s1::bob", team: "Red", at: 1', 'owner: "s2::eve", team: "Red", at: 1, editors: ["s1::bob"]' }) do
      assert.is_nil(run(nil, ('mutation { createNote(input: {id: "%d", %s}) { id } }'):format(i, fields)).errors)
    end
  end
  local function found(...)
    local items = {}
    for i, id in ipairs({ ... }) do items[i] = { id = id } end
    return { items = setmetatable(items, core.array_mt) }
  end

  it("refuses to look for another's by an index, there may be some or not", function()
    note("{allow: owner}")
    assert.same(found("1"), (outcome("bob", '{ notesByOwner(owner: "s1::bob") { items { id } } }')))
    assert.same(found(), (outcome("bob", '{ notesByOwner(owner: "bob") { items { id } } }')))
    for _, owner in ipairs({ "s2::eve", "eve", "nobody" }) do
      assert.equal(no("notesByOwner", "Query"), (outcome("bob", ('{ notesByOwner(owner: "%s") { items { id } } }'):format(owner))))
    end
  end)

  it("looks at the condition of a sort key, and at none of a composite one", function()
    note("{allow: owner}")
    assert.same(found("1"), (outcome("bob", '{ notesByTeam(team: "Red") { items { id } } }')))
    assert.same(found("1"), (outcome("bob", '{ notesByTeam(team: "Red", owner: {eq: "s1::bob"}) { items { id } } }')))
    for _, condition in ipairs({ '{eq: "s2::eve"}', '{beginsWith: "s1::bob"}' }) do
      assert.equal(no("notesByTeam", "Query"), (outcome("bob", ('{ notesByTeam(team: "Red", owner: %s) { items { id } } }'):format(condition))))
    end
    assert.same(found(), (outcome("bob", '{ notesByAt(at: 1, teamOwner: {eq: {team: "Red", owner: "s2::eve"}}) { items { id } } }')))
  end)

  it("lets others' rules decide for whom they speak", function()
    note('{allow: owner}, {allow: owner, ownerField: "editors"}, {allow: groups, groups: ["Admin"]}')
    assert.same(found("2"), (outcome("bob", '{ notesByOwner(owner: "s2::eve") { items { id } } }')))
    assert.same(found("2"), (outcome("ada", '{ notesByOwner(owner: "s2::eve") { items { id } } }')))
  end)

  it("refuses by the groups of records too", function()
    note('{allow: groups, groupsField: "team"}')
    assert.same(found("1", "2"), (outcome("red", '{ notesByTeam(team: "Red") { items { id } } }')))
    assert.equal(no("notesByTeam", "Query"), (outcome("red", '{ notesByTeam(team: "Blue") { items { id } } }')))
  end)

  it("refuses lists and records by the model's own key", function()
    note("{allow: owner}", 'owner: String! @primaryKey(sortKeyFields: ["at"]) at: Int!')
    assert.same(found("1"), (outcome("bob", '{ listNotes { items { id } } }')))
    assert.same(found("1"), (outcome("bob", '{ listNotes(owner: "s1::bob") { items { id } } }')))
    assert.same({ id = "1" }, (outcome("bob", '{ getNote(owner: "s1::bob", at: 1) { id } }')))
    assert.equal(no("listNotes", "Query"), (outcome("bob", '{ listNotes(owner: "s2::eve") { items { id } } }')))
    assert.equal(no("getNote", "Query"), (outcome("bob", '{ getNote(owner: "s9::nobody", at: 1) { id } }')))
  end)

  it("looked at the records alone in the first version", function()
    make([[type Note @model @key(name: "byOwner", fields: ["owner"], queryField: "notesByOwner") @auth(rules: [{allow: owner}]) { id: ID! owner: String! }]])
    assert.is_nil(run(nil, 'mutation { createNote(input: {id: "1", owner: "eve"}) { id } }').errors)
    assert.same(found(), (outcome("bob", '{ notesByOwner(owner: "eve") { items { id } } }')))
  end)
end)
