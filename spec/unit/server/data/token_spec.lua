-- What a page's token belongs to.
local core = require("appsync.core")
local engine = require("appsync.server.engine")

describe("the token of a page", function()
  local served

  before_each(function()
    served = assert(engine.new({ schema_text = [[
      type Sale @model { shop: String! @primaryKey(sortKeyFields: ["at"]) at: Int! }
      type Visit @model { shop: Float! @primaryKey(sortKeyFields: ["at"]) at: Int! }
    ]] }))
    for _, row in ipairs({ { "Sale", '"s"' }, { "Sale", '"s DESC"' }, { "Visit", "123456789012345" }, { "Visit", "123456789012346" } }) do
      for at = 1, 2 do
        local query = ("mutation { create%s(input: {shop: %s, at: %d}) { at } }"):format(row[1], row[2], at)
        assert.is_nil(core.decode((served:execute({ query = query }))).errors)
      end
    end
  end)

  after_each(function() served:close() end)

  local function page(field, arguments)
    local answer = core.decode((served:execute({ query = ("{ page: %s(%s) { items { at } nextToken } }"):format(field, arguments) })))
    return answer.data and answer.data.page, answer.errors and answer.errors[1].message
  end

  local function token(field, shop) return page(field, ("shop: %s, limit: 1"):format(shop)).nextToken end

  it("is held to the partition, whatever that is called", function()
    local _, message = page("listSales", ('shop: "s", sortDirection: DESC, nextToken: "%s"'):format(token("listSales", '"s DESC"')))
    assert.matches("It belongs to another operation, or to other keys.", message, 1, true)
  end)

  it("is held to a partition that is a number in all its digits", function()
    local of_one = token("listVisits", "123456789012345")
    assert.matches("other keys", select(2, page("listVisits", ('shop: 123456789012346, nextToken: "%s"'):format(of_one))), 1, true)
    assert.same({ { at = 2 } }, page("listVisits", ('shop: 123456789012345, nextToken: "%s"'):format(of_one)).items)
  end)
end)
