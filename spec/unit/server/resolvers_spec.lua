local resolvers = require("appsync.server.resolvers")

local function load(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  local by_type, authorizer = resolvers.load(path)
  os.remove(path)
  return by_type, authorizer
end

describe("a resolvers file", function()
  it("gives resolvers by type, and the authorizer apart", function()
    local by_type, authorizer = load("return { Query = { a = function() return 1 end }, authorizer = function() end }")
    assert.equal(1, by_type.Query.a())
    assert.is_nil(by_type.authorizer)
    assert.is_function(authorizer)
  end)

  local faults = {
    { "return 1", "a table is expected, not a number" },
    { "return { Query = 1 }", "Query must be a table of functions, not a number" },
    { "return { Query = { a = 1 } }", "Query%.a must be a function, not a number" },
    { "return { authorizer = {} }", "authorizer must be a function, not a table" },
    { "error('boom')", "boom" },
    { "return {", "expected" },
  }
  for _, fault in ipairs(faults) do
    it("is refused when it says " .. fault[1], function()
      local by_type, message = load(fault[1])
      assert.is_nil(by_type)
      assert.matches(fault[2], message)
    end)
  end

  it("is refused when it isn't there", function()
    local by_type, message = resolvers.load("/nonexistent.lua")
    assert.is_nil(by_type)
    assert.matches("nonexistent", message)
  end)
end)
