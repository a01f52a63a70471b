-- The examples of docs/api.md: Lua blocks under the heading of what they show. What a line prints stands after `-->` at its
-- end: several times are joined by ", then ", and "…" is anything.
local process = require "spec.support.process"

local api_examples = {}

local PATH = "docs/api.md"

---@return {line: integer, text: string, name: string?}[] blocks the first has no name: what the others begin with
---@return string[] functions the headings of functions
function api_examples.read()
  local blocks, functions, name, open, number = {}, {}, nil, nil, 0
  for line in process.read(PATH):gmatch("(.-)\n") do
    number = number + 1
    local heading = line:match("^### `(.*)`$")
    if line == "```lua" then
      open = { line = number, name = name, lines = {} }
    elseif line == "```" then
      open.text = table.concat(open.lines, "\n")
      blocks[#blocks + 1], open = open, nil
    elseif open then
      open.lines[#open.lines + 1] = line
    elseif heading then
      name = heading
      if name:find("%)$") then functions[#functions + 1] = name end
    end
  end
  return blocks, functions
end

local function words(...)
  local list = {}
  for i = 1, select("#", ...) do list[i] = tostring((select(i, ...))) end
  return table.concat(list, " ")
end

local Run = {}
Run.__index = Run

-- What each line of the example is said to print.
local function expected_of(text)
  local expected, number = {}, 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local said = line:match("%-%->%s*(.-)%s*$")
    if said then expected[number] = said end
  end
  return expected
end

local function load_in(text, chunk, environment)
  if not setfenv then return assert(load(text, chunk, "t", environment)) end
  return setfenv(assert(loadstring(text, chunk)), environment)
end

--- Prepares an example to be run: with globals of its own, in a chunk whose lines are numbered as the example's.
---@param prelude string
---@param example {text: string, name: string}
---@param globals table over those of Lua
function api_examples.new(prelude, example, globals)
  local self = setmetatable({ expected = expected_of(example.text), printed = {} }, Run)
  local chunk = "@" .. example.name
  local environment = setmetatable({
    print = function(...) self:on_print(debug.getinfo(2, "Sl"), chunk, words(...)) end,
  }, { __index = function(_, key) return globals[key] or _G[key] end })
  local beginning = prelude:gsub("%-%-[^\n]*", ""):gsub("\n", " ")
  self.run = load_in(beginning .. " " .. example.text, chunk, environment)
  return self
end

function Run:on_print(where, chunk, text)
  if where.source ~= chunk then error("print is called by the example itself", 2) end
  local before = self.printed[where.currentline]
  self.printed[where.currentline] = before and before .. ", then " .. text or text
end

--- What isn't printed as it is said to be; nil when all is.
function Run:difference()
  for line, said in pairs(self.expected) do
    local pattern = "^" .. said:gsub("%p", "%%%0"):gsub("…", ".*") .. "$"
    local printed = self.printed[line]
    if not (printed and printed:find(pattern)) then
      return ("line %d prints %s, and is said to print %s"):format(line, tostring(printed), said)
    end
  end
  for line, printed in pairs(self.printed) do
    if not self.expected[line] then return ("line %d prints %s, which isn't shown"):format(line, printed) end
  end
end

return api_examples
