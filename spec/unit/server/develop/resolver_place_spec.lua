local process = require("spec.support.process")
local resolver_place = require("appsync.server.develop.resolver_place")

describe("a resolver's place", function()
  after_each(function() process.stop_all() end)

  it("is the line where the user began it", function()
    local path = process.file("\nreturn function()\n  return 1\nend", ".lua")
    local fn = dofile(path)
    assert.same({ path, 2 }, { resolver_place.of(fn) })
    assert.equal(path .. ":2", resolver_place.text(fn))
  end)

  it("is that of what a wrapper runs", function()
    local path = process.file("return function() end", ".lua")
    local function wrapper() end
    resolver_place.remember(wrapper, dofile(path))
    assert.equal(path .. ":1", resolver_place.text(wrapper))
  end)

  it("is none of the server's own, of C's, and of a text's", function()
    for _, fn in ipairs({ resolver_place.text, print, (loadstring or load)("return 1") }) do -- luacheck: ignore 113
      assert.is_nil((resolver_place.of(fn)))
      assert.equal("generated", resolver_place.text(fn))
    end
  end)
end)
