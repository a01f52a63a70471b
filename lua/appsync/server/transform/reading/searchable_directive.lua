---@searchable: which models have a search, what it is called, and which of their fields it knows (Amplify documentation,
---"Search and aggregations").
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"
local filters = require "appsync.server.transform.generating.filters"
local names = require "appsync.schema.names"

local fail, given = directives.fail, directive_arguments.given

local searchable_directive = {}

---@class appsync.server.SearchField
---@field name string
---@field base string the scalar that it is compared as
---@field is_enum boolean
---@field is_list boolean

---@class appsync.server.Search
---@field query string the query's name
---@field fields appsync.server.SearchField[] what can be searched for, sorted and aggregated
---@field by_name table<string, appsync.server.SearchField>
---@field has_list_of_sorts boolean the first version sorted by one field

---Fills a model's `search`.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return true? ok, appsync.server.SchemaError? err
function searchable_directive.read(world, m)
  local directive = world.reader.definitions.searchable and directives.find(m.node.directives, "searchable")
  if not directive then return true end
  local read, err = world.reader:read(directive)
  if not read then return nil, err end
  local queries = given(read.queries)
  local name = queries and (given(queries.search) or "")
    or names.search(m.name, world.version == 1 and not world.flags.improvepluralization)
  if name == "" then return true end
  if not names.is_name(name) then
    return fail(directive_arguments.loc(directive, "queries"), "@searchable's 'queries.search' must be a name or null")
  end
  m.search = { query = name, fields = {}, by_name = {}, has_list_of_sorts = world.version == 2 }
  return true
end

-- What a versioned model's records have.
local METADATA = { _version = true, _deleted = true, _lastChangedAt = true }

-- Of what is added the owner fields of rules aren't among them.
local function is_added(field)
  return field.is_timestamp or field.is_foreign or field.name == "id" or METADATA[field.name]
end

local function is_known(world, field)
  if field.is_hidden or (field.kind ~= "scalar" and (field.kind ~= "enum" or world.version == 1)) then return false end
  return field.is_declared or world.version == 2 and is_added(field)
end

---Tells the fields of a model's search; all fields are there.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return true
function searchable_directive.complete(world, m)
  for _, field in ipairs(m.search and m.fields or {}) do
    if is_known(world, field) then
      local is_enum = field.kind == "enum"
      local one = { name = field.name, base = is_enum and "String" or filters.base(field.named), is_enum = is_enum,
        is_list = field.is_list or false }
      table.insert(m.search.fields, one)
      m.search.by_name[field.name] = one
    end
  end
  return true
end

return searchable_directive
