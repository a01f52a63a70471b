local folder = require("spec.support.folder")
local modules = require("appsync.server.develop.modules")

describe("a program's modules", function()
  local made, path_before, owner

  before_each(function()
    path_before = package.path
    made = folder.make({ ["one.lua"] = "return { n = 1 }", ["deep/init.lua"] = "return { n = 2 }" })
    owner = modules.of(made.path .. "/program.lua")
  end)

  after_each(function()
    package.path = path_before
    package.loaded.one, package.loaded.deep, package.loaded.other = nil, nil, nil
    made.remove()
  end)

  it("are found beside it, in folders too", function()
    assert.equal(1, require("one").n)
    assert.equal(2, require("deep").n)
    assert.same({ one = made.path .. "/one.lua", deep = made.path .. "/deep/init.lua" }, owner:owned())
  end)

  it("are not those that came from elsewhere, or from nowhere", function()
    package.loaded.other = {}
    assert.same({}, owner:owned())
  end)

  it("are found although the path is prolonged once only", function()
    modules.of(made.path .. "/second.lua")
    assert.equal(1, select(2, package.path:gsub(made.path:gsub("%p", "%%%0") .. "/%?%.lua", "")))
  end)

  it("are loaded anew", function()
    local before = require("one")
    local value = owner:anew(function() return require("one") end)
    assert.not_equal(before, value)
    assert.equal(value, require("one"))
  end)

  it("are taken back when that gives nothing", function()
    local before = require("one")
    local value, err = owner:anew(function()
      require("one")
      require("deep")
      return nil, "broken"
    end)
    assert.is_nil(value)
    assert.equal("broken", err)
    assert.equal(before, package.loaded.one)
    assert.is_nil(package.loaded.deep)
  end)
end)
