---Options by schema: types, ranges, choices, the AWS documents' spellings, "did you mean".
local errors = require "appsync.errors"
local pasted = require "appsync.pasted"

local opts = {}

---@class appsync.opts.Field
---@field [integer] string accepted Lua types, also "integer", "callable"
---@field values string[]? the accepted strings
---@field min number?
---@field above number? exclusive lower bound
---@field is_secret boolean? never shown in a message
---@field is_line boolean? a string may not hold control characters: C would end it at a zero byte, a protocol at a line break
---@field is_pasted boolean? what stands around a string isn't meant
---@field also string[]? further spellings
---@field convert table<string, function>? by further spelling: its value → ours
---@field fields appsync.opts.Schema? of a nested table
---@field refuse string? why it isn't accepted here

---@class appsync.opts.Schema
---@field fields table<string, appsync.opts.Field>
---@field names table<string, string> spelling → our name

local function camel_case(name)
  return (name:gsub("_(%l)", string.upper))
end

---@param fields table<string, appsync.opts.Field>
---@return appsync.opts.Schema
function opts.schema(fields)
  local names = {}
  for name, field in pairs(fields) do
    names[name] = name
    names[camel_case(name)] = name
    for _, also in ipairs(field.also or {}) do names[also] = name end
  end
  return { fields = fields, names = names }
end

---A schema with the fields of both; the second wins.
function opts.extend(base, fields)
  local all = {}
  for name, field in pairs(base.fields) do all[name] = field end
  for name, field in pairs(fields) do all[name] = field end
  return opts.schema(all)
end

---How many letters have to be put in, left out or changed, or put in the place of their neighbours.
---@return integer
function opts.distance(a, b)
  local before, above
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    before, above, row = above, row, { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost)
      local is_swap = i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j)
      if is_swap then row[j] = math.min(row[j], before[j - 2] + 1) end
    end
  end
  return row[#b]
end

---The accepted name that is nearest to what was typed.
---@param typed string
---@param names table<string, any>
---@return string?
function opts.nearest(typed, names)
  local best, best_distance
  for name in pairs(names) do
    local d = opts.distance(typed:lower(), name:lower())
    if not best or d < best_distance or (d == best_distance and name < best) then best, best_distance = name, d end
  end
  if best and best_distance <= math.max(2, math.floor(#typed / 3)) then return best end
end

local function sorted_names(schema)
  local list = {}
  for name, field in pairs(schema.fields) do
    if not field.refuse then list[#list + 1] = name end
  end
  table.sort(list)
  return table.concat(list, ", ")
end

---Whether it can be called as a function can: all Luas take a `__call` that is a function, 5.4 also another callable.
---@return boolean
function opts.is_callable(value)
  local kind = type(value)
  if kind == "function" then return true end
  if kind ~= "table" and kind ~= "userdata" then return false end
  local mt = debug.getmetatable(value) -- `__metatable` hides it from getmetatable
  return type(mt) == "table" and type(rawget(mt, "__call")) == "function"
end

-- What a value lacks that could have been a function.
local function lack(value)
  local kind = type(value)
  return (kind == "table" or kind == "userdata") and " without __call" or ""
end

---Throws unless the value is a function or can be called as one.
---@param value any
---@param name string
---@param where string? the function's name
function opts.expect_callable(value, name, where)
  if opts.is_callable(value) then return end
  errors.misuse("%s%s must be a function, got %s%s", where and where .. ": " or "", name, errors.describe(value),
    lack(value))
end

local function has_type(value, field)
  local kind = type(value)
  for i = 1, #field do
    local accepted = field[i]
    if kind == accepted then return true end
    if accepted == "integer" and kind == "number" and value % 1 == 0 then return true end
    if accepted == "callable" and opts.is_callable(value) then return true end
  end
  return #field == 0
end

local function accepts(field)
  if field.values then return "one of \"" .. table.concat(field.values, "\", \"") .. "\"" end
  local names = {}
  for i = 1, #field do names[i] = field[i] == "callable" and "function" or field[i] end
  local text = table.concat(names, " or ")
  if field.min then text = text .. " of at least " .. field.min end
  if field.above then text = text .. " above " .. field.above end
  return text
end

local function is_function(field)
  return #field == 1 and field[1] == "callable"
end

local CONTROL = _VERSION == "Lua 5.1" and "[%z\1-\31\127]" or "[\0-\31\127]"

local function in_range(value, field)
  if type(value) == "number" then
    if value ~= value then return false end
    if field.min and value < field.min then return false end
    if field.above and value <= field.above then return false end
  end
  if field.values and type(value) == "string" then
    for _, accepted in ipairs(field.values) do
      if value == accepted then return true end
    end
    return false
  end
  return true
end

---@return any value
local function check_value(value, name, field, where)
  if field.refuse then errors.misuse("%s: %s %s", where, name, field.refuse) end
  if field.is_pasted and type(value) == "string" then value = pasted.trim(value) end
  if not has_type(value, field) or not in_range(value, field) then
    errors.misuse("%s: %s must be %s, got %s%s", where, name, accepts(field),
      errors.describe(value, field.is_secret), is_function(field) and lack(value) or "")
  end
  if field.is_line and type(value) == "string" and value:find(CONTROL) then
    errors.misuse("%s: %s must not hold a control character", where, name)
  end
  if field.fields and type(value) == "table" then
    return opts.check(value, field.fields, where .. ": " .. name)
  end
  return value
end

local function unknown(key, schema, where)
  if type(key) ~= "string" then
    errors.misuse("%s: an option's name must be a string, got %s", where, (errors.describe(key)))
  end
  local near = opts.nearest(key, schema.names)
  if near then errors.misuse("%s: unknown option \"%s\"; did you mean \"%s\"?", where, key, near) end
  local names = sorted_names(schema)
  errors.misuse("%s: unknown option \"%s\"; %s", where, key,
    names == "" and "no options are accepted" or "accepted are " .. names)
end

---Checks a table of options and returns a new one with our names.
---@param given table?
---@param schema appsync.opts.Schema
---@param where string for messages, such as "client:query"
---@param what string? what the table is called; "options must be a table"
---@return table
function opts.check(given, schema, where, what)
  local result = {}
  if given == nil then return result end
  if type(given) ~= "table" then
    errors.misuse("%s: %s, got %s", where, what or "options must be a table", (errors.describe(given)))
  end
  local spelled = {}
  for key, value in pairs(given) do
    local name = schema.names[key]
    if not name then unknown(key, schema, where) end
    if spelled[name] then
      errors.misuse("%s: \"%s\" and \"%s\" are the same option; give one of them", where, spelled[name], key)
    end
    spelled[name] = key
    local field = schema.fields[name]
    local convert = field.convert and field.convert[key]
    if convert then value = convert(value, where) end
    if value ~= nil then result[name] = check_value(value, key, field, where) end
  end
  return result
end

---Whether it says no more than how long to wait; no table is needed for that.
---@param given any
---@return boolean
function opts.is_timeout(given)
  return given == nil or (type(given) == "number" and given >= 0)
end

---The options of a call where a number is short for `{timeout = n}`.
function opts.with_timeout(given, schema, where)
  if type(given) == "number" then given = { timeout = given } end
  return opts.check(given, schema, where, "timeout must be a number of seconds or a table of options")
end

return opts
