-- docs/server.md: what it shows is so.
local folder = require "spec.support.folder"
local manual = require "spec.support.manual"
local process = require "spec.support.process"

local function headline_of(text, line)
  local found, number = "the beginning", 0
  for each in text:gmatch("(.-)\n") do
    number = number + 1
    if number > line then break end
    found = each:match("^##+ (.*)$") or found
  end
  return found
end

describe("docs/server.md,", function()
  local text = process.read("docs/server.md")
  local made, run

  setup(function()
    made = folder.make()
    local pipe = assert(io.popen("pwd"))
    local root = pipe:read("*l")
    pipe:close()
    local lua = os.getenv("APPSYNC_LUA") or "lua5.4"
    -- `lua` is the one that runs the tests.
    made.write("bin/lua", "#!/bin/sh\nexec " .. lua .. ' "$@"\n')
    os.execute(("chmod +x '%s/bin/lua' && ln -s '%s/bin/appsync' '%s/bin/appsync'"):format(made.path, root, made.path))
    run = manual.new(made.path, ("NO_COLOR=1 PATH='%s/bin':\"$PATH\""):format(made.path))
  end)

  teardown(function()
    run:stop()
    process.stop_all()
    made.remove()
  end)

  local blocks = manual.blocks(text)
  for _, block in ipairs(blocks) do
    it(("%s: the %s of line %d"):format(headline_of(text, block.line), block.kind, block.line), function() run:block(block) end)
  end

  it("has examples", function()
    assert.is_true(#blocks > 30)
  end)
end)
