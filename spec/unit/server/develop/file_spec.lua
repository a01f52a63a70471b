local file = require("appsync.server.develop.file")
local folder = require("spec.support.folder")

describe("a user's file", function()
  local made

  before_each(function() made = folder.make({ ["a.txt"] = "one\r\n\0two" }) end)

  after_each(function() made.remove() end)

  it("is its bytes as they are", function()
    assert.equal("one\r\n\0two", file.read(made.path .. "/a.txt"))
  end)

  it("that isn't there, or is a folder, is told by its name", function()
    for _, path in ipairs({ made.path .. "/b.txt", made.path }) do
      local text, message = file.read(path)
      assert.is_nil(text)
      assert.equal(path .. ": ", message:sub(1, #path + 2))
    end
  end)
end)
