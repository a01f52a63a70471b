---The variables of a call: those that the operation declares, and what is told about the others.
local errors = require "appsync.errors"
local json = require "appsync.json"
local log = require "appsync.log"
local opts = require "appsync.opts"
local printable = require "appsync.printable"

local variables = {}

local MAX_TOLD = 16 -- names of one operation, in the log

-- What the document declares as a list is one, empty ones too: nothing else marks `{}` as a list.
local function as_list(value, depth)
  if type(value) ~= "table" then return value end
  if next(value) == nil then return json.array() end
  local result = value
  for i, item in ipairs(depth > 1 and value or {}) do
    local mended = as_list(item, depth - 1)
    if mended ~= item then
      if result == value then
        result = json.array()
        for key, other in pairs(value) do result[key] = other end
      end
      result[i] = mended
    end
  end
  return result
end

-- "$postId", "post_id" and "PostID" are one name, typed in several ways.
local function plain(name)
  return (name:gsub("[$_%-]", ""):lower())
end

local function has_digits_only_apart(a, b)
  local digits = "%d+"
  return a:find(digits) ~= nil and b:find(digits) ~= nil and a:gsub(digits, "") == b:gsub(digits, "")
end

-- Whether the one name is the other one, misspelled. What is missing anyway may be further away.
local function is_near(typed, declared, is_required)
  local a, b = plain(typed), plain(declared)
  if a == b then return true end
  if has_digits_only_apart(a, b) then return false end
  local distance, shorter, longer = opts.distance(a, b), math.min(#a, #b), math.max(#a, #b)
  if is_required then return distance < shorter and distance <= math.max(1, math.floor(longer / 3)) end
  return (shorter >= 4 and distance <= 1) or (shorter >= 8 and distance <= 2)
end

-- The declared variables without a value, by name.
local function missing_ones(given, operation)
  local missing = {}
  for name in pairs(operation.declared) do
    if given[name] == nil then missing[#missing + 1] = name end
  end
  table.sort(missing)
  return missing
end

-- The declared name that a table under another one holds, as in {variables = {id = 1}} or {input = {id = 1}}.
local function held_by(value, missing, operation)
  if type(value) ~= "table" then return nil end
  for _, name in ipairs(missing) do
    if operation.required[name] and value[name] ~= nil then return name end
  end
end

local function refuse(name, value, missing, operation, where)
  if name == "variables" and type(value) == "table" then
    errors.misuse("%s: the operation declares no variable $variables; the argument is the table of variables itself, "
      .. "or the call takes one table {%s =, variables =}", where, operation.kind == "mutation" and "mutation" or "query")
  end
  for _, wanted in ipairs(missing) do
    if is_near(name, wanted, operation.required[wanted]) then
      errors.misuse("%s: the operation declares no variable %s; did you mean $%s?", where, errors.quoted(name), wanted)
    end
  end
  local held = held_by(value, missing, operation)
  if held then
    errors.misuse("%s: the operation declares no variable %s, but $%s, which is inside it; give that one by itself", where,
      errors.quoted(name), held)
  end
end

---Whether these are what is sent, as they are.
---@param given any
---@param operation appsync.core.Operation
---@return boolean
function variables.are_sent(given, operation)
  if type(given) ~= "table" then return given == nil end
  for name in pairs(given) do
    if not operation.declared[name] or operation.lists[name] then return false end
  end
  return true
end

---The variables that the operation declares. Throws for one that has the name of an option, that is a declared one
---misspelled, or that holds the declared ones.
---@param given table?
---@param operation appsync.core.Operation
---@param option_names table<string, string>
---@param where string
---@return table? sent
---@return string[]? undeclared the names of the others
function variables.declared(given, operation, option_names, where)
  if given == nil then return nil end
  if type(given) ~= "table" then errors.expect(given, "variables", "table", where) end
  local sent, undeclared
  for name, value in pairs(given) do
    if operation.declared[name] then
      sent = sent or {}
      sent[name] = operation.lists[name] and as_list(value, operation.lists[name]) or value
    else
      undeclared = undeclared or {}
      undeclared[#undeclared + 1] = printable.text(name)
    end
  end
  if not undeclared then return sent end
  table.sort(undeclared)
  local missing = missing_ones(given, operation)
  for _, name in ipairs(undeclared) do
    if option_names[name] then
      errors.misuse("%s: the operation declares no variable $%s; %s is an option: options are the argument after "
        .. "the variables", where, name, name)
    end
    refuse(name, given[name], missing, operation, where)
  end
  return sent, undeclared
end

---Tells of variables that aren't sent: each name once for an operation.
---@param plan appsync.client.Plan
---@param sink function? the client's `log`
function variables.tell(plan, sink)
  if not plan.undeclared then return end
  local operation, fresh = plan.operation, {}
  local told = operation.told or { n = 0, names = {} }
  operation.told = told
  for _, name in ipairs(plan.undeclared) do
    if told.n < MAX_TOLD and not told.names[name] then
      told.n, told.names[name] = told.n + 1, true
      fresh[#fresh + 1] = errors.quoted(name)
    end
  end
  if fresh[1] == nil then return end
  log.emit(sink, "debug", ("%s: the operation declares no variable %s; it isn't sent"):format(plan.where,
    table.concat(fresh, ", ")))
end

return variables
