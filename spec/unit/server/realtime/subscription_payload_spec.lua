-- The payload of a subscription: the mutation's own selection, seen through the subscriber's.
local core = require("appsync.core")
local engine = require("appsync.server.engine")

local SCHEMA = [[
type Query { q: Int }
type Mutation { save: Item other: Item list: [Item] many: [Item!]! pick: Any }
type Subscription {
  onSave: Item @aws_subscribe(mutations: ["save"])
  onSaveToo: Item @aws_subscribe(mutations: ["save"])
  onBoth: Item @aws_subscribe(mutations: ["save", "other"])
  onList: [Item] @aws_subscribe(mutations: ["list"])
  onMany: [Item!]! @aws_subscribe(mutations: ["many"])
  onPick: Any @aws_subscribe(mutations: ["pick"])
}
type Item { id: ID! name: String! note: String owner: Person children(limit: Int): [Item!] color: Color kept: Person! }
type Person { name: String! age: Int }
type Box { id: ID! size: Int }
union Any = Item | Box
enum Color { RED }
]]

local function item(id, children)
  return { id = id, name = "n" .. id, note = "o" .. id, owner = { name = "p" .. id, age = 3 }, children = children,
    color = "RED", kept = { name = "k" } }
end

local served

local function make()
  local whole = item("1", { item("2"), item("3") })
  served = assert(engine.new({ schema_text = SCHEMA, resolvers = { Mutation = {
    save = function() return whole end, other = function() return item("9") end,
    list = function() return { item("1"), core.null, item("2") } end, many = function() return { item("1"), item("2") } end,
    pick = function() return { __typename = "Box", id = "b", size = 4 } end,
  } } }))
end

local function payload(subscription, mutation, variables)
  local s = assert(served:subscribe({ query = subscription, variables = variables }))
  return s:match(select(2, served:execute({ query = mutation }))[1])
end

local function missing(path, type_, parent, label)
  return ('{"path":%s,"locations":null,"message":"Cannot return null for non-nullable type: \'%s\' within parent \'%s\' (%s)"}')
    :format(path, type_, parent, label)
end

describe("a subscription's payload", function()
  before_each(make)

  -- {what, subscription, mutation, payload}
  local ROWS = {
    { "has null for nested objects that the mutation left out", "{ onSave { id owner { name } children { id } color } }",
      "{ save { id } }", '{"data":{"onSave":{"id":"1","owner":null,"children":null,"color":null}}}' },
    { "has nested objects and lists as far as they were selected",
      "{ onSave { owner { name age } children { id note owner { age } } } }",
      "{ save { owner { name } children { id } } }",
      '{"data":{"onSave":{"owner":{"name":"p1","age":null},"children":[{"id":"2","note":null,"owner":null},'
        .. '{"id":"3","note":null,"owner":null}]}}}' },
    { "has not more than the subscriber asks for", "{ onSave { id } }", "{ save { id name note owner { name } } }",
      '{"data":{"onSave":{"id":"1"}}}' },
    { "knows fields by their names, not by either's aliases", "{ x: onSave { a: id b: name } }", "{ y: save { c: id d: name id: note } }",
      '{"data":{"x":{"a":"1","b":"n1"}}}' },
    { "joins what several aliases of one field selected", "{ onSave { children { id name } } }",
      "{ save { a: children(limit: 1) { id } b: children { name } } }",
      '{"data":{"onSave":{"children":[{"id":"2","name":"n2"},{"id":"3","name":"n3"}]}}}' },
    { "sees through both sides' fragments",
      "{ onSave { ...F ... on Item { owner { ...P } } } } fragment F on Item { id } fragment P on Person { name }",
      "{ save { ...G } } fragment G on Item { id owner { ... on Person { name } } }",
      '{"data":{"onSave":{"id":"1","owner":{"name":"p1"}}}}' },
    { "has the type of a union, even when the mutation did not ask", "{ onPick { __typename ... on Box { size } ... on Item { name } } }",
      "{ pick { ... on Box { size } } }", '{"data":{"onPick":{"__typename":"Box","size":4}}}' },
    { "may be a list", "{ onList { id } }", "{ list { id } }", '{"data":{"onList":[{"id":"1"},null,{"id":"2"}]}}' },
    { "gives null and an error for a required field that the mutation left out", "{ onSave { id name } }", "{ save { id } }",
      '{"data":{"onSave":null},"errors":[' .. missing('["onSave","name"]', "String", "Item", "/onSave/name") .. "]}" },
    { "keeps what is around a nullable object whose required field is missing", "{ onSave { id owner { name } } }",
      "{ save { id owner { age } } }", '{"data":{"onSave":{"id":"1","owner":null}},"errors":['
        .. missing('["onSave","owner","name"]', "String", "Person", "/onSave/owner/name") .. "]}" },
    { "reports a required object that is missing", "{ onSave { id kept { name } } }", "{ save { id } }",
      '{"data":{"onSave":null},"errors":[' .. missing('["onSave","kept"]', "Person", "Item", "/onSave/kept") .. "]}" },
    { "reports the first missing field of a list's item", "{ onSave { id children { name } } }", "{ save { id children { id } } }",
      '{"data":{"onSave":{"id":"1","children":null}},"errors":['
        .. missing('["onSave","children",0,"name"]', "String", "Item", "/onSave/children[0]/name") .. "]}" },
    { "has no data at all when a required list fails", "{ onMany { name } }", "{ many { id } }",
      '{"data":null,"errors":[' .. missing('["onMany",0,"name"]', "String", "Item", "/onMany[0]/name") .. "]}" },
  }
  for _, row in ipairs(ROWS) do
    it(row[1], function()
      assert.equal(row[4], payload("subscription " .. row[2], "mutation " .. row[3]))
    end)
  end

  it("follows the subscriber's @include and @skip", function()
    local query = "subscription ($a: Boolean!, $b: Boolean!) { onSave { id name @include(if: $a) note @skip(if: $b) } }"
    local mutation = "mutation { save { id name note } }"
    assert.equal('{"data":{"onSave":{"id":"1","name":"n1"}}}', payload(query, mutation, { a = true, b = true }))
    assert.equal('{"data":{"onSave":{"id":"1","note":"o1"}}}', payload(query, mutation, { a = false, b = false }))
  end)

  it("goes to several subscription fields of one mutation, and to one field of several mutations", function()
    local function gets(field, mutation)
      return payload(("subscription { %s { id } }"):format(field), ("mutation { %s { id } }"):format(mutation)) ~= nil
    end
    assert.is_true(gets("onSave", "save") and gets("onSaveToo", "save") and gets("onBoth", "save") and gets("onBoth", "other"))
    assert.is_false(gets("onSave", "other") or gets("onSaveToo", "other") or gets("onBoth", "list"))
  end)

  it("is of each mutation of a document, as it was selected there", function()
    local s = assert(served:subscribe({ query = "subscription { onBoth { id note } }" }))
    local _, published = served:execute({ query = "mutation { a: save { id } b: other { note id } }" })
    assert.equal('{"data":{"onBoth":{"id":"1","note":null}}}', s:match(published[1]))
    assert.equal('{"data":{"onBoth":{"id":"9","note":"o9"}}}', s:match(published[2]))
  end)
end)
