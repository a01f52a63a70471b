-- docs/offline.md promises what is tested: each test that it names is there, and its examples are Lua.
local process = require "spec.support.process"

local TEXT = process.read "docs/offline.md"

-- "`file`: test; another, and the rest of its name" names tests that stand in the file as they are written here. In C a
-- name is one word, so several are joined by commas.
local function each_test(cell, found)
  for path, names in cell:gmatch "`([%w_/]+%.%a+)`: ([^`]+)" do
    local separator = path:find "%.c$" and "[^;,%s]+" or "[^;]+"
    for name in names:gmatch(separator) do
      name = name:match "^%s*(.-)%s*$"
      if name ~= "" then found(path, name) end
    end
  end
end

describe("docs/offline.md", function()
  it("names tests that are there", function()
    local n = 0
    local section = TEXT:match "## What is guaranteed\n(.-)\n### "
    for cell in section:gmatch "|[^|\n]+|([^|\n]+)|\n" do
      each_test(cell, function(path, name)
        n = n + 1
        assert(process.read("spec/" .. path):find(name, 1, true), ("spec/%s has no test %q"):format(path, name))
      end)
    end
    assert.is_true(n > 30, n)
  end)

  it("names files that are there", function()
    for path in TEXT:gmatch "%]%(([^)#]+)%)" do
      assert(io.open("docs/" .. path), path):close()
    end
  end)

  it("has examples that are Lua", function()
    for text in TEXT:gmatch "```lua\n(.-)```" do
      assert((loadstring or load)(text), text)
    end
  end)
end)
