---Keys of items as DynamoDB has them: a partition key and maybe a sort key, each a text or a number. More than one sort
---field is one text, joined by "#" (Amplify documentation, "Customize primary key").
local core = require "appsync.core"
local result = require "appsync.server.graphql.result"

local keys = {}

local NULL = core.null

---Stands where a key has no sort part.
keys.NO_SORT = 0

---@class appsync.server.KeyLayout
---@field partition string a field's name
---@field sort string[] fields' names, maybe none
---@field sort_argument string? of queries; default: the fields in camel case

---A value as a part of a key; nil for what can be none.
---@param value any
---@return string|number|nil
function keys.part(value)
  local kind = type(value)
  if kind == "string" then return value ~= "" and value or nil end
  if kind == "number" then return value - value == 0 and value or nil end -- neither NaN nor infinity
  if kind == "boolean" then return tostring(value) end
  return nil
end
local part = keys.part

---A value as a part of a composite sort key, where a text may be empty: "A1#" has an empty second part.
---@param value any
---@return string|number|nil
function keys.inner_part(value)
  if value == "" then return value end
  return part(value)
end
local inner_part = keys.inner_part

local function text_of(value)
  return type(value) == "number" and result.number(value) or tostring(value)
end

---Parts of a composite sort key as its text: "2024#A1".
---@param parts (string|number|boolean)[]
---@return string
function keys.join(parts)
  local texts = {}
  for i, value in ipairs(parts) do texts[i] = text_of(value) end
  return table.concat(texts, "#")
end

local function composite_reader(partition, sort)
  return function(item)
    local pk, parts = part(item[partition]), {}
    if pk == nil then return nil end
    for i, name in ipairs(sort) do
      local value = inner_part(item[name])
      if value == nil then return nil end
      parts[i] = value
    end
    return pk, keys.join(parts)
  end
end

---Reads the keys of items: both parts, or nil when the item lacks one.
---@param layout appsync.server.KeyLayout
---@return fun(item: table): (string|number)?, (string|number)?
function keys.reader(layout)
  local partition, sort = layout.partition, layout.sort or {}
  if #sort > 1 then return composite_reader(partition, sort) end
  local only = sort[1]
  if not only then
    return function(item)
      local pk = part(item[partition])
      if pk == nil then return nil end
      return pk, keys.NO_SORT
    end
  end
  return function(item)
    local pk, sk = part(item[partition]), part(item[only])
    if pk == nil or sk == nil then return nil end
    return pk, sk
  end
end

---The fields of a key, in order.
---@param layout appsync.server.KeyLayout
---@return string[]
function keys.fields(layout)
  local names = { layout.partition }
  for _, name in ipairs(layout.sort or {}) do names[#names + 1] = name end
  return names
end

---The attributes that a table's key or an index consists of, in order: a composite sort key is one.
---@param layout appsync.server.KeyLayout
---@return string[]
function keys.attributes(layout)
  local sort = layout.sort or {}
  return { layout.partition, sort[1] and table.concat(sort, "#") }
end

---Names the fields for people: "customer, year, number".
---@param layout appsync.server.KeyLayout
---@return string
function keys.describe(layout)
  return table.concat(keys.fields(layout), ", ")
end

---Whether a value given for a key is null or missing.
---@return boolean
function keys.is_missing(value)
  return value == nil or value == NULL
end

return keys
