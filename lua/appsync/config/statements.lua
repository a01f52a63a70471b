---A script's statements, as far as they say which literal is the configuration: what it exports, what it declares.
local code = require "appsync.config.code"
local literal = require "appsync.config.literal"
local tokens = require "appsync.config.tokens"

local statements = {}

---@class appsync.config.Candidate
---@field name string? as it was declared or exported
---@field at integer where its expression begins
---@field value any
---@field message string? why it can't be read
---@field is_default boolean?

-- A declaration that names another one, and so on.
local MAX_LOOKUPS = 20
-- What a wrong guess costs is at most the whole text.
local MAX_GUESSES = 30
local MAX_BYTES = 256 * 1024
local MAX_IMPORT_BYTES = 4096

local DECLARES = { const = true, let = true, var = true, final = true }

---@class appsync.config.Scan
---@field text string
---@field declared table<string, appsync.config.Candidate>
---@field order appsync.config.Candidate[]
---@field exported {name: string, at: integer?, is_default: boolean}[]

-- From behind "const": the name and where its expression begins. TypeScript has the type behind the name, Dart before.
local function read_declarator(text, at)
  local name, is_typed
  while true do
    at = tokens.skip(text, at)
    local c, stop = tokens.next(text, at)
    if c == "=" and not text:find("^=[=>]", at) then return name, at + 1 end
    if c == "" or c == ";" or c == "}" or c == ")" then return nil, at end
    if c == ":" then is_typed = true end
    if c:find("^[%a_$]") and not is_typed then name = c end
    if c:find("^[%[({]") then stop = tokens.skip_group(text, at) end
    at = stop
  end
end

local function declare(scan, at)
  local name, value_at = read_declarator(scan.text, at)
  if not name then return nil, value_at end
  local entry = { name = name, at = value_at }
  if not scan.declared[name] then
    scan.declared[name] = entry
    scan.order[#scan.order + 1] = entry
  end
  return name, value_at
end

local function export(scan, name, at, is_default)
  scan.exported[#scan.exported + 1] = { name = name, at = at, is_default = is_default or name == "default" }
end

-- "export {a, b as c}", unless it hands on another file's.
local function export_list(scan, at)
  local stop = tokens.skip_group(scan.text, at)
  if scan.text:find("^%s*from", stop) then return stop end
  for item in scan.text:sub(at + 1, stop - 2):gmatch("[^,]+") do
    local name, as = item:match("^%s*([%w_$]+)%s*(.-)%s*$")
    if name then export(scan, name, nil, as:find("^as%s+default$") ~= nil) end
  end
  return stop
end

local function read_export(scan, at)
  local text = scan.text
  at = tokens.skip(text, at)
  local word, stop = text:match("^([%a_$]+)()", at)
  if word == "default" then
    export(scan, "default", stop)
    return stop
  elseif DECLARES[word] then
    local name
    name, stop = declare(scan, stop)
    if name then export(scan, name) end
    return stop
  elseif text:sub(at, at) == "{" then
    return export_list(scan, at)
  elseif text:sub(at, at) == "=" then
    export(scan, "default", at + 1)
    return at + 1
  end
  return at
end

-- "module.exports = …", "exports.name = …". Returns nil for another statement.
local function read_assignment(scan, at)
  local text = scan.text
  local stop = text:match("^module%s*%.%s*exports%s*()", at) or text:match("^exports%s*()", at)
  if not stop then return nil end
  local name, behind = text:match("^%.%s*([%w_$]+)%s*()", stop)
  stop = behind or stop
  if not text:find("^=[^=>]", stop) then return nil end
  export(scan, name or "default", stop + 1)
  return stop + 1
end

-- Up to the file's name: the braces of an import hold no literal.
local function skip_import(text, at)
  local stop = at + #"import"
  local n = text:sub(stop, stop + MAX_IMPORT_BYTES - 1):match("^[^'\"]*['\"][^'\"\n]*['\"]()")
  return n and stop + n - 1 or stop
end

-- Statements outside all brackets; what is malformed ends the search.
local function scan_statements(scan)
  local text, stop, before = scan.text, 1, nil
  while true do
    local at = tokens.skip(text, stop)
    if at > #text then return end
    local word = before ~= "." and text:match("^[%a_$]+", at) or nil
    local behind = word and read_assignment(scan, at)
    if behind then
      before, stop = "=", behind
    elseif word == "import" then
      before, stop = word, skip_import(text, at)
    elseif word == "export" then
      before, stop = "export", read_export(scan, at + #word)
    elseif DECLARES[word] then
      local _
      before = "="
      _, stop = declare(scan, at + #word)
    elseif text:find("^[%[({]", at) then
      before, stop = ")", tokens.skip_group(text, at)
    else
      before, stop = tokens.next(text, at, before)
    end
  end
end

local function reader_of(scan)
  local r = { text = scan.text }
  local n_lookups = 0
  function r.lookup(name)
    local entry = scan.declared[name]
    if not entry or entry.is_reading then return false end
    if not entry.is_read and n_lookups < MAX_LOOKUPS then
      n_lookups, entry.is_reading = n_lookups + 1, true
      local is_good, value = literal.try(function() return (literal.value(r, entry.at)) end)
      n_lookups, entry.is_reading, entry.is_read = n_lookups - 1, nil, true
      if is_good then entry.value = value else entry.message = value end
    end
    return entry.is_read == true and not entry.message, entry.value
  end
  return r
end

-- A string may be a whole file: that is how Dart has it.
local function unpack_text(value)
  if type(value) ~= "string" or not value:find("^%s*{") then return value end
  local inside = literal.read(value)
  return inside or value
end

local function evaluate(scan, r, name, at)
  local entry = { name = name, at = at }
  local is_good, value = literal.try(function() return (literal.value(r, at)) end)
  if is_good then entry.value = unpack_text(value) else entry.message = value end
  -- The declaration that an export names says what is wrong with it.
  local named = scan.text:match("^%s*([%a_$][%w_$]*)%s*[;\n]", at) or scan.text:match("^%s*([%a_$][%w_$]*)%s*$", at)
  local declared = scan.declared[named or ""]
  if declared then
    entry.name = named
    entry.message = entry.message or declared.message
  elseif named and code.is(entry.value) then
    entry.message = ("line %d: %s has no value in this file"):format(tokens.line_of(scan.text, at), named)
  end
  return entry
end

local function look_up(scan, r, name)
  r.lookup(name)
  local entry = scan.declared[name]
  return { name = name, at = entry.at, value = unpack_text(entry.value), message = entry.message }
end

---@return appsync.config.Candidate[] default before all others
local function exported(scan, r)
  local list = {}
  for _, item in ipairs(scan.exported) do
    local entry
    if item.at then
      entry = evaluate(scan, r, item.name, item.at)
    elseif scan.declared[item.name] then
      entry = look_up(scan, r, item.name)
    end
    if entry then
      entry.is_default = item.is_default
      table.insert(list, entry.is_default and 1 or #list + 1, entry)
    end
  end
  return list
end

local function declared(scan, r)
  local list = {}
  for i, entry in ipairs(scan.order) do list[i] = look_up(scan, r, entry.name) end
  return list
end

-- Literals anywhere else, such as what is handed to a function.
local function guessed(scan, r)
  local list, text, stop, before, n_wrong = {}, scan.text, 1, nil, 0
  while n_wrong < MAX_GUESSES do
    local at
    repeat
      at = tokens.skip(text, stop)
      if at > #text then return list end
      local last = before
      before, stop = tokens.next(text, at, before)
      if before == "import" then stop = skip_import(text, at) end
    until before == "{" and (last == nil or last == "=" or last == "(" or last == "," or last == "return")
    local is_good, value = literal.try(function()
      local object
      object, stop = literal.operand(r, at, 0)
      return object
    end)
    if is_good and next(value) ~= nil then
      list[#list + 1] = { at = at, value = value }
    else
      stop, n_wrong = at + 1, n_wrong + 1
    end
  end
  return list
end

---What may be the configuration, in groups: what is exported, what is declared, what stands elsewhere. The first group
---with a literal of the right shape has it.
---@param text string
---@return (fun(): appsync.config.Candidate[])[] groups
function statements.groups(text)
  if #text > MAX_BYTES then
    local function none() return {} end
    return { none, none, none, message = ("it is longer than %d KB"):format(MAX_BYTES / 1024) }
  end
  local scan = { text = text, declared = {}, order = {}, exported = {} }
  local is_good, message = literal.try(scan_statements, scan)
  local r = reader_of(scan)
  local function group(find)
    local list
    return function()
      if not list then
        local is_found, found = literal.try(find, scan, r)
        list = is_found and found or {}
      end
      return list
    end
  end
  return { group(exported), group(declared), group(guessed), message = not is_good and message or nil }
end

return statements
