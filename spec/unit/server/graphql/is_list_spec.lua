local core = require("appsync.core")
local is_list = require("appsync.server.graphql.is_list")

describe("a list", function()
  it("is what JSON decoded as one, or a table with a first item", function()
    assert.same({ true, true, true, true }, { is_list(core.decode("[]")), is_list(core.decode("[null]")), is_list({ 1 }), is_list({ false }) })
  end)

  it("is nothing else", function()
    for _, value in ipairs({ {}, { a = 1 }, core.decode("{}"), "ab", 1, true, core.null }) do assert.is_false(is_list(value)) end
    assert.is_false(is_list(nil))
  end)
end)
