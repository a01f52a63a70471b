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

-- Edit distance, with one row.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local best = math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
      diagonal, row[j] = row[j], best
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
    local d = distance(typed:lower(), name:lower())
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

---@return boolean
function opts.is_callable(value)
  if type(value) == "function" then return true end
  local mt = type(value) == "table" and getmetatable(value)
  return type(mt) == "table" and mt.__call ~= nil
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
    errors.misuse("%s: %s must be %s, got %s", where, name, accepts(field),
      (errors.describe(value, field.is_secret)))
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
  errors.misuse("%s: unknown option \"%s\"; accepted are %s", where, key, sorted_names(schema))
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

---The options of a call where a number is short for `{timeout = n}`.
function opts.with_timeout(given, schema, where)
  if type(given) == "number" then given = { timeout = given } end
  return opts.check(given, schema, where, "timeout must be a number of seconds or a table of options")
end

return opts
