-- Which documents are kept.
describe("parsed documents", function()
  local document

  before_each(function()
    package.loaded["appsync.document"] = nil
    document = require "appsync.document"
  end)

  teardown(function() package.loaded["appsync.document"] = nil end)

  -- A document that weighs about 4 MB.
  local function large(name)
    return ("query %s {%s}"):format(name, (" field"):rep(30000))
  end

  it("are the same for the same text", function()
    local first = document.parse("{ a }")
    assert.equal(first, document.parse("{ a }"))
    assert.not_equal(first, document.parse("{ b }"))
  end)

  it("are kept up to 256, those that were used last", function()
    local first, second = document.parse("{ first }"), document.parse("{ second }")
    for i = 3, 256 do document.parse(("{ f%d }"):format(i)) end
    assert.equal(first, document.parse("{ first }"))
    document.parse("{ one_more }")
    assert.equal(first, document.parse("{ first }"))
    assert.not_equal(second, document.parse("{ second }"))
  end)

  it("are kept up to 16 MB", function()
    local small = document.parse("{ a }")
    local first, second = document.parse(large "A"), document.parse(large "B")
    document.parse(large "C")
    assert.equal(second, document.parse(large "B"))
    assert.equal(first, document.parse(large "A"))
    document.parse(large "D")
    assert.equal(first, document.parse(large "A"))
    assert.not_equal(small, document.parse("{ a }"))
  end)

  it("are kept one at a time, when one is above the bound", function()
    local fields = (" a"):rep(250000)
    local huge = document.parse("{" .. fields .. "}")
    assert.equal(huge, document.parse("{" .. fields .. "}"))
    local small = document.parse("{ a }")
    assert.equal(small, document.parse("{ a }"))
    assert.not_equal(huge, document.parse("{" .. fields .. "}"))
  end)
end)
