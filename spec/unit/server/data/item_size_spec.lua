-- How big an item may be (Amazon DynamoDB Developer Guide, "Service, account, and table quotas").
local core = require("appsync.core")
local engine = require("appsync.server.engine")

local MAX_BYTES = 409600

describe("an item's size", function()
  local served

  local function make(conflict)
    served = assert(engine.new({
      schema_text = "type Todo @model(timestamps: null) { id: ID! name: String words: [String] }", conflict = conflict,
      now = function() return 1795158179.158 end,
    }))
  end
  after_each(function() served:close() end)

  local function mutate(op, input)
    local query = ("mutation ($input: %sTodoInput!) { out: %sTodo(input: $input) { id _version } }"):format(
      op:gsub("^.", string.upper), op)
    if not served.models[1].conflict then query = query:gsub(" _version", "") end
    local answer = core.decode((served:execute({ query = query, variables = { input = input } })))
    local err = answer.errors and answer.errors[1]
    return not err and answer.data.out or nil, err
  end

  local function stored() return served.store:values("SELECT json FROM items WHERE json LIKE '%Todo%'")[1] end

  local WHY = "has exceeded the maximum allowed size (Service: DynamoDb, Status Code: 400)"

  it("is at most 409600 bytes", function()
    make()
    assert(mutate("create", { id = "1", name = "" }))
    local left = MAX_BYTES - #stored()
    local fits, big = { id = "1", name = ("x"):rep(left) }, { id = "1", name = ("x"):rep(left + 1) }
    assert(mutate("update", fits))
    assert.equal(MAX_BYTES, #stored())
    local _, err = mutate("update", big)
    assert.same({ "DynamoDB:DynamoDbException", "Item size to update " .. WHY }, { err.errorType, err.message })
    assert.equal(MAX_BYTES, #stored())
    assert(mutate("delete", { id = "1" }))
    _, err = mutate("create", big)
    assert.same({ "DynamoDB:DynamoDbException", "Item size " .. WHY }, { err.errorType, err.message })
    assert.is_nil(stored())
    assert(mutate("create", fits))
  end)

  it("ends the growth of a list that automerge appends to, and keeps no item from being deleted", function()
    make({ handler = "AUTOMERGE" })
    local words = setmetatable({}, core.array_mt)
    for i = 1, 20000 do words[i] = "word " .. i % 10 end
    assert(mutate("create", { id = "1", name = "", words = words }))
    assert(mutate("update", { id = "1", words = words }))
    local before = stored()
    local _, err = mutate("update", { id = "1", words = words })
    assert.equal("Item size to update " .. WHY, err.message)
    assert.same({ before, 2 }, { stored(), served.store:values("SELECT count(*) FROM journal")[1] })
    assert(mutate("update", { id = "1", name = ("x"):rep(MAX_BYTES - #before), _version = 2 }))
    assert.equal(MAX_BYTES, #stored())
    assert(mutate("delete", { id = "1", _version = 3 }))
    assert.matches('"_deleted":true', stored(), 1, true)
  end)
end)
