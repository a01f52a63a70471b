local core = require("appsync.core")
local engine = require("appsync.server.engine")
local item_limits = require("appsync.server.data.item_limits")

local SCHEMA = [[
type Note @model {
  id: ID!
  text: String
  topic: String @index(name: "byTopic", sortKeyFields: ["rank"], queryField: "notesByTopic")
  rank: String
}
type Place @model { country: ID! @primaryKey(sortKeyFields: ["city"]) city: String! text: String }
type Mutation { keep(text: String!, key: String): Boolean }
]]

local PARTITION = "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
local SORT = "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
local EMPTY = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: "

describe("an item", function()
  local served

  before_each(function()
    served = assert(engine.new({ schema_text = SCHEMA, resolvers = { Mutation = {
      keep = function(ctx)
        ctx.tables.Kept:put(ctx.args.key or "k", { text = ctx.args.text })
        return true
      end,
    } } }))
  end)

  after_each(function() served:close() end)

  local function run(query, variables)
    return core.decode((served:execute({ query = query, variables = variables })))
  end

  local function assert_refused(message, answer)
    local err = assert(answer.errors, "no error")[1]
    assert.equal("DynamoDB:DynamoDbException", err.errorType)
    assert.equal(message, (err.message:gsub(" %(Service: .*$", "")))
  end

  local CREATE = "mutation($input: CreateNoteInput!) { createNote(input: $input) { id } }"
  local UPDATE = "mutation($input: UpdateNoteInput!) { updateNote(input: $input) { id } }"
  local CREATE_PLACE = "mutation($input: CreatePlaceInput!) { createPlace(input: $input) { city } }"

  local function create(input) return run(CREATE, { input = input }) end

  it("has the size that DynamoDB gives it", function()
    for _, row in ipairs({
      { {}, 0 }, { { a = "é" }, 3 }, { { a = true }, 2 }, { { a = core.null }, 2 }, { { a = 1 }, 3 }, { { a = 123 }, 4 },
      { { a = 1000 }, 3 }, { { a = -0.5 }, 3 }, { { a = setmetatable({ "x", "yz" }, core.array_mt) }, 9 }, { { a = { b = "c" } }, 7 },
    }) do
      assert.equal(row[2], item_limits.size(row[1]), core.encode(row[1]))
    end
  end)

  it("is refused above 400 KB, made or changed", function()
    assert_refused("Item size has exceeded the maximum allowed size", create({ text = ("x"):rep(409600) }))
    assert.is_nil(create({ id = "1", text = ("x"):rep(409600 - 200) }).errors)
    local answer = run(UPDATE, { input = { id = "1", text = ("x"):rep(409600) } })
    assert_refused("Item size to update has exceeded the maximum allowed size", answer)
    assert.equal(409400, #run('{ getNote(id: "1") { text } }').data.getNote.text)
  end)

  it("is refused with a key that is too long", function()
    assert.is_nil(create({ id = ("x"):rep(2048) }).errors)
    assert_refused(PARTITION, create({ id = ("x"):rep(2049) }))
    assert.is_nil(run(CREATE_PLACE, { input = { country = "a", city = ("x"):rep(1024) } }).errors)
    assert_refused(SORT, run(CREATE_PLACE, { input = { country = "a", city = ("x"):rep(1025) } }))
    -- In bytes.
    assert_refused(SORT, run(CREATE_PLACE, { input = { country = "a", city = ("é"):rep(513) } }))
  end)

  it("is refused with a key of an index that is too long", function()
    assert_refused(PARTITION, create({ topic = ("x"):rep(2049), rank = "1" }))
    assert_refused(SORT, create({ topic = "x", rank = ("x"):rep(1025) }))
    assert.is_nil(create({ id = "1", topic = "t", rank = "1" }).errors)
    assert_refused("One or more parameter values were invalid: The update expression attempted to update the secondary index key "
      .. "beyond allowed size limits.", run(UPDATE, { input = { id = "1", topic = ("x"):rep(2049), rank = "1" } }))
  end)

  it("is refused with an empty key", function()
    assert_refused(EMPTY .. "id", create({ id = "" }))
    assert_refused(EMPTY .. "city", run(CREATE_PLACE, { input = { country = "a", city = "" } }))
    assert_refused("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The "
      .. "AttributeValue for a key attribute cannot contain an empty string value. IndexName: byTopic, IndexKey: topic",
      create({ topic = "", rank = "1" }))
    assert.is_nil(create({ id = "1" }).errors)
    assert_refused("One or more parameter values are not valid. The update expression attempted to update a secondary index key "
      .. "to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty string value.",
      run(UPDATE, { input = { id = "1", topic = "", rank = "1" } }))
  end)

  it("isn't looked for under a key that none can have", function()
    local long = ("x"):rep(2049)
    assert_refused(PARTITION, run("query($id: ID!) { getNote(id: $id) { id } }", { id = long }))
    assert_refused(PARTITION, run("query($id: String!) { notesByTopic(topic: $id) { items { id } } }", { id = long }))
    assert_refused(SORT, run('query($s: String!) { notesByTopic(topic: "t", rank: {eq: $s}) { items { id } } }', { s = long }))
    assert_refused(PARTITION, run(UPDATE, { input = { id = long, text = "x" } }))
    assert_refused(PARTITION, run("mutation($i: DeleteNoteInput!) { deleteNote(input: $i) { id } }", { i = { id = long } }))
    assert_refused(EMPTY .. "city", run('{ getPlace(country: "a", city: "") { city } }'))
  end)

  it("of a resolver's own table is refused in the same words", function()
    local KEEP = "mutation($text: String!, $key: String) { keep(text: $text, key: $key) }"
    assert_refused("ctx.tables.Kept:put: Item size has exceeded the maximum allowed size", run(KEEP, { text = ("x"):rep(409600) }))
    assert_refused("ctx.tables.Kept:put: " .. PARTITION, run(KEEP, { text = "x", key = ("x"):rep(2049) }))
    assert.is_true(run(KEEP, { text = "x" }).data.keep)
  end)

  it("of a seed is refused, too", function()
    local text = core.encode({ Note = setmetatable({ { id = "1", text = ("x"):rep(409600) } }, core.array_mt) })
    local counts, err = served:seed(text, "seed.json")
    assert.is_nil(counts)
    assert.equal("seed.json: Note[0]: Item size has exceeded the maximum allowed size", err.message)
  end)
end)
