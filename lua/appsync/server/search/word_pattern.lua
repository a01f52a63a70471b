---Patterns that are asked of single words: wildcards, and regular expressions in Lucene's spelling (OpenSearch
---documentation, "Wildcard query", "Regular expression syntax"). A pattern is of the whole word. Matching takes the word's length
---times the pattern's, whatever both are; a budget bounds it for all words and patterns of a search.
local word_pattern = {}

-- What OpenSearch allows of a pattern's length; and of what repetitions make of it.
local MAX_BYTES, MAX_NODES = 1000, 5000
-- Of one search: some seconds. A wildcard of a few characters takes about sixty for a word.
local MAX_STEPS = 10000000

local CODE_POINT = "[%z\1-\127\194-\244][\128-\191]*"

local function throw(text, ...)
  error({ message = "search: " .. text:format(...), type = "BadRequestException" }, 0)
end

local function characters(text)
  local list = {}
  for char in text:gmatch(CODE_POINT) do list[#list + 1] = char end
  return list
end

---A step takes a character that `fits`, or splits into two ways, or is the end.
---@class appsync.server.PatternStep
---@field fits (fun(char: string): boolean)?
---@field out appsync.server.PatternStep?
---@field other appsync.server.PatternStep?
---@field is_end boolean?

local function any() return true end

local Parser = {}
Parser.__index = Parser

function Parser:peek() return self.list[self.at] end

function Parser:take()
  local char = self.list[self.at]
  self.at = self.at + 1
  return char
end

local parse_choice

local function literal(char) return { kind = "char", fits = function(given) return given == char end } end

local function parse_class(self)
  local is_not, ranges = false, {}
  if self:peek() == "^" then
    is_not = true
    self:take()
  end
  while self:peek() ~= "]" do
    local first = self:take()
    if first == "\\" then first = self:take() end
    if not first then throw("the regular expression has an unclosed [") end
    local last = first
    if self:peek() == "-" and self.list[self.at + 1] ~= "]" then
      self:take()
      last = self:take()
      if last == "\\" then last = self:take() end
      if not last then throw("the regular expression has an unclosed [") end
    end
    ranges[#ranges + 1] = { first, last }
  end
  self:take()
  return { kind = "char", fits = function(char)
    for _, range in ipairs(ranges) do
      -- UTF-8 is in the order of the code points.
      if char >= range[1] and char <= range[2] then return not is_not end
    end
    return is_not
  end }
end

local function parse_text(self)
  local parts = {}
  while self:peek() ~= '"' do
    local char = self:take()
    if not char then throw('the regular expression has an unclosed "') end
    parts[#parts + 1] = literal(char)
  end
  self:take()
  return { kind = "sequence", parts = parts }
end

local UNSUPPORTED = { ["~"] = true, ["<"] = true, [">"] = true, ["&"] = true, ["@"] = true, ["#"] = true }

local function parse_atom(self)
  local char = self:take()
  if char == "(" then
    local inner = parse_choice(self)
    if self:take() ~= ")" then throw("the regular expression has an unclosed (") end
    return inner
  elseif char == "[" then
    return parse_class(self)
  elseif char == '"' then
    return parse_text(self)
  elseif char == "." then
    return { kind = "char", fits = any }
  elseif char == "\\" then
    local escaped = self:take()
    if not escaped then throw("nothing follows the regular expression's last backslash") end
    return literal(escaped)
  elseif char == "*" or char == "+" or char == "?" or char == "{" or char == "}" or char == "]" then
    throw("the regular expression has a %s that repeats or closes nothing", char)
  elseif UNSUPPORTED[char] then
    throw("the operator %s of regular expressions is not supported", char)
  end
  return literal(char)
end

local function parse_count(self)
  local digits = {}
  while (self:peek() or ""):find("^%d$") do digits[#digits + 1] = self:take() end
  return tonumber(table.concat(digits))
end

local function parse_braces(self)
  local least = parse_count(self)
  local most = least
  if self:peek() == "," then
    self:take()
    most = parse_count(self) or math.huge
  end
  if not least or self:take() ~= "}" or most < least then throw("the regular expression has an invalid {n,m}") end
  return least, most
end

local function parse_repeated(self)
  local atom = parse_atom(self)
  while true do
    local char = self:peek()
    local least, most
    if char == "*" then
      least, most = 0, math.huge
    elseif char == "+" then
      least, most = 1, math.huge
    elseif char == "?" then
      least, most = 0, 1
    elseif char ~= "{" then
      return atom
    end
    self:take()
    if not least then least, most = parse_braces(self) end
    atom = { kind = "repeat", of = atom, least = least, most = most }
  end
end

local function parse_sequence(self)
  local parts = {}
  while self:peek() and self:peek() ~= "|" and self:peek() ~= ")" do parts[#parts + 1] = parse_repeated(self) end
  return { kind = "sequence", parts = parts }
end

function parse_choice(self)
  self.depth = self.depth + 1
  if self.depth > 100 then throw("the regular expression is nested too deep") end
  local options = { parse_sequence(self) }
  while self:peek() == "|" do
    self:take()
    options[#options + 1] = parse_sequence(self)
  end
  self.depth = self.depth - 1
  return #options == 1 and options[1] or { kind = "choice", options = options }
end

local build

local builders = {
  char = function(_, node, out) return { fits = node.fits, out = out } end,
  sequence = function(count, node, out)
    for i = #node.parts, 1, -1 do out = build(count, node.parts[i], out) end
    return out
  end,
  choice = function(count, node, out)
    local step = build(count, node.options[1], out)
    for i = 2, #node.options do step = { out = step, other = build(count, node.options[i], out) } end
    return step
  end,
  ["repeat"] = function(count, node, out)
    if node.most == math.huge then
      local loop = { other = out }
      loop.out = build(count, node.of, loop)
      out = loop
    else
      local stop = out
      for _ = node.least + 1, node.most do out = { out = build(count, node.of, out), other = stop } end
    end
    for _ = 1, node.least do out = build(count, node.of, out) end
    return out
  end,
}

function build(count, node, out)
  count.n = count.n + 1
  if count.n > MAX_NODES then throw("the pattern is too complex") end
  return builders[node.kind](count, node, out)
end

---What the patterns of one search may take together.
---@return {n_left: integer}
function word_pattern.budget()
  return { n_left = MAX_STEPS }
end

local function spend(budget, n)
  budget.n_left = budget.n_left - n
  if budget.n_left < 0 then throw("its patterns take too long for the words that there are") end
end

-- Every step that is reached without a character, each once.
local function reach(set, list, step, budget)
  local stack = { step }
  while #stack > 0 do
    spend(budget, 1)
    local at = table.remove(stack)
    if at and not set[at] then
      set[at] = true
      if at.fits or at.is_end then
        list[#list + 1] = at
      else
        stack[#stack + 1] = at.other
        stack[#stack + 1] = at.out
      end
    end
  end
end

---@param node table
---@param budget {n_left: integer}?
---@return fun(word: string): boolean
local function matcher(node, budget)
  budget = budget or word_pattern.budget()
  local first = build({ n = 0 }, node, { is_end = true })
  return function(word)
    local list = {}
    reach({}, list, first, budget)
    for char in word:gmatch(CODE_POINT) do
      local next_list, set = {}, {}
      spend(budget, #list)
      for _, step in ipairs(list) do
        if step.fits and step.fits(char) then reach(set, next_list, step.out, budget) end
      end
      list = next_list
      if #list == 0 then return false end
    end
    for _, step in ipairs(list) do
      if step.is_end then return true end
    end
    return false
  end
end

local function check_length(text)
  if #text > MAX_BYTES then throw("a pattern has at most %d bytes, not %d", MAX_BYTES, #text) end
end

---A wildcard: `*` is anything, `?` one character, a backslash takes the meaning from the next.
---@param text string
---@param budget {n_left: integer}? of the search
---@return fun(word: string): boolean
function word_pattern.wildcard(text, budget)
  check_length(text)
  local list, parts, at = characters(text), {}, 1
  while list[at] do
    local char = list[at]
    if char == "\\" and list[at + 1] then
      at = at + 1
      parts[#parts + 1] = literal(list[at])
    elseif char == "*" then
      parts[#parts + 1] = { kind = "repeat", of = { kind = "char", fits = any }, least = 0, most = math.huge }
    elseif char == "?" then
      parts[#parts + 1] = { kind = "char", fits = any }
    else
      parts[#parts + 1] = literal(char)
    end
    at = at + 1
  end
  return matcher({ kind = "sequence", parts = parts }, budget)
end

---A regular expression: `.` `?` `+` `*` `|` `()` `[]` `[^]` `{n,m}` `"text"` and a backslash.
---@param text string
---@param budget {n_left: integer}? of the search
---@return fun(word: string): boolean
function word_pattern.regexp(text, budget)
  check_length(text)
  local parser = setmetatable({ list = characters(text), at = 1, depth = 0 }, Parser)
  local node = parse_choice(parser)
  if parser:peek() then throw("the regular expression has an unmatched )") end
  return matcher(node, budget)
end

return word_pattern
