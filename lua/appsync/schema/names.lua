---The names that Amplify derives from a model's name (Amplify documentation, "Generated operations").
local md5 = require "appsync.schema.md5"
local plural_of = require "appsync.schema.plural"

local names = {}

---Returns whether a text is a name that a schema may give (GraphQL October 2021, section 2.1.9; those with "__" are reserved).
---@param text string
---@return boolean
function names.is_name(text)
  return text:find("^[%a_][%w_]*$") ~= nil and text:sub(1, 2) ~= "__"
end

local function upper_first(name)
  return name:sub(1, 1):upper() .. name:sub(2)
end
names.upper_first = upper_first

local function lower_first(name)
  return name:sub(1, 1):lower() .. name:sub(2)
end
names.lower_first = lower_first

---How a model is called in the names of the types that are generated for its own operations. Those of an index or a
---relation, and all of the first version, begin as the model does.
---@param name string of the model
---@param version 1|2 of the transformer
---@return string
function names.generated(name, version)
  return version == 1 and name or upper_first(name)
end

---Words as one: {"blog", "posts", "id"} is blogPostsId.
---@param list string[]
---@return string
function names.camel(list)
  local parts = {}
  for i, word in ipairs(list) do parts[i] = i == 1 and lower_first(word) or upper_first(word) end
  return table.concat(parts)
end

---The name of an index, and of its query, that the schema doesn't name: todosByOwnerAndCreatedAt.
---@param type_name string
---@param partition string
---@param sort string[] names of the sort fields
---@return string
function names.index(type_name, partition, sort)
  local parts = { upper_first(partition) }
  for i, field in ipairs(sort) do parts[i + 1] = upper_first(field) end
  return lower_first(plural_of(type_name)) .. "By" .. table.concat(parts, "And")
end

-- Subscription names above 50 letters are cut and told apart by a digest.
local function subscription_name(name)
  if #name <= 50 then return name end
  return name:sub(1, 45) .. md5.hex(name):sub(1, 5)
end

---The default names of a model's operations.
---@param name string
---@param has_plain_plural boolean? the plural is the name with an "s", as the first transformer had it at first
---@return table<string, string> by operation: get, list, sync, create, update, delete, onCreate, onUpdate, onDelete
function names.operations(name, has_plain_plural)
  local upper = upper_first(name)
  local plural = has_plain_plural and name .. "s" or plural_of(name)
  return {
    get = "get" .. upper, list = "list" .. upper_first(plural), sync = "sync" .. upper_first(plural_of(name)),
    create = "create" .. upper, update = "update" .. upper, delete = "delete" .. upper,
    onCreate = subscription_name("onCreate" .. upper), onUpdate = subscription_name("onUpdate" .. upper),
    onDelete = subscription_name("onDelete" .. upper),
  }
end

---The default name of a model's search.
---@param name string
---@param has_plain_plural boolean? an "s" is added, whatever the word
---@return string
function names.search(name, has_plain_plural)
  local upper = upper_first(name)
  return "search" .. (has_plain_plural and upper .. "s" or plural_of(upper))
end

return names
