-- docs/loops.md: each program runs in a process of its own, and prints what it is said to print, in whatever order.
local process = require "spec.support.process"
local run_program = require "spec.support.program"
local server = require "spec.support.server"

local CONFIG = 'config = "amplify_outputs.json"'
local N_PROGRAMS = 5

local function programs()
  local list = {}
  for title, rest in ("\n" .. process.read "docs/loops.md"):gsub("\n## ", "\n\1"):gmatch "\1([^\n]+)\n([^\1]*)" do
    local text = rest:match "\n```lua\n(.-)\n```\n"
    if text then list[#list + 1] = { title = title, text = text } end
  end
  return list
end

local function sorted_lines(text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do lines[#lines + 1] = line end
  table.sort(lines)
  return lines
end

describe("docs/loops.md", function()
  local service
  local list = programs()

  setup(function()
    service = server.start{ schema = process.read "examples/todo/schema.graphql" }
    local _, status = run_program(([[
      local appsync = require "appsync"
      local client = appsync.client{ endpoint = %q, auth = { type = "API_KEY", api_key = %q } }
      appsync.assert(client:mutate 'mutation { createTodo(input: { name: "buy milk" }) { id } }')
      client:close()
    ]]):format(service.endpoint, server.API_KEY))
    assert.equal(0, status)
  end)

  teardown(function() process.stop_all() end)

  for _, program in ipairs(list) do
    it("shows a program that runs: " .. program.title, function()
      local client = ('endpoint = %q, auth = { type = "API_KEY", api_key = %q }'):format(service.endpoint, server.API_KEY)
      local text, n = program.text:gsub(CONFIG, (client:gsub("%%", "%%%%")))
      assert.equal(1, n)
      -- See spec/support/copas.lua.
      if program.title == "copas" then text = 'require "spec.support.copas"\n' .. text end
      local expected = {}
      for said in text:gmatch "%-%-> ([^\n]+)" do expected[#expected + 1] = said end
      local output, status = run_program(text)
      assert.same({ sorted_lines(table.concat(expected, "\n")), 0 }, { sorted_lines(output), status })
    end)
  end

  it("has a program for each loop", function() assert.equal(N_PROGRAMS, #list) end)
end)
