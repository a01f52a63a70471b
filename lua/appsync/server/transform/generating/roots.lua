---The fields that models add to the root types, and the connection types (Amplify documentation, "Generated operations").
local filters = require "appsync.server.transform.generating.filters"
local inputs = require "appsync.server.transform.generating.inputs"
local model_filters = require "appsync.server.transform.generating.model_filters"
local names = require "appsync.schema.names"
local search = require "appsync.server.transform.generating.search"
local sdl_nodes = require "appsync.schema.sdl_nodes"

local roots = {}

---The name of the type that pages of a model are.
---@param stem string the model's own list: its stem; an index or a relation: its name
---@return string
function roots.connection_name(stem)
  return ("Model%sConnection"):format(stem)
end

---The type that lists of a model are.
---@param m appsync.server.Model
---@param stem string of its name
---@param auth string[]? its @aws_* directives
---@return string sdl
function roots.connection(m, stem, auth)
  -- What only an index or a relation asks for isn't what a sync query returns.
  local is_synced = m.conflict and stem == m.stem and (m.ops.list or m.ops.sync)
  return ("type %s%s {\n  items: [%s]!\n  nextToken: String\n%s}"):format(roots.connection_name(stem),
    sdl_nodes.directives_text(auth), m.name, is_synced and "  startedAt: AWSTimestamp\n" or "")
end

-- The argument that puts a condition on the sort fields of a key or an index.
local function sort_argument(m, key_name, sort, argument)
  if not argument then return nil end
  if #sort == 1 then return ("%s: %s"):format(argument, (filters.key_condition(m.field_by_name[sort[1]]))) end
  return ("%s: %s"):format(argument, (filters.composite_condition(m, key_name, sort)))
end
roots.sort_argument = sort_argument

local function list_arguments(m)
  local plain = ("filter: %s, limit: Int, nextToken: String"):format(model_filters.filter_name(m.stem))
  if not m.key.is_custom then return plain end
  local parts = { ("%s: %s"):format(m.key.partition, m.field_by_name[m.key.partition].named) }
  parts[#parts + 1] = sort_argument(m, "Primary", m.key.sort, m.key.sort_argument)
  parts[#parts + 1] = plain
  parts[#parts + 1] = "sortDirection: ModelSortDirection"
  return table.concat(parts, ", ")
end

local function index_arguments(world, m, index)
  local partition = m.field_by_name[index.partition].named
  local parts = { ("%s: %s%s"):format(index.partition, partition, world.version == 2 and "!" or "") }
  parts[#parts + 1] = sort_argument(m, index.name, index.sort, index.sort_argument)
  parts[#parts + 1] = "sortDirection: ModelSortDirection"
  parts[#parts + 1] = ("filter: %s, limit: Int, nextToken: String"):format(model_filters.filter_name(m.name))
  return table.concat(parts, ", ")
end

local function subscription_field(world, m, event)
  local arguments = {}
  if world.version == 2 then arguments[1] = "filter: " .. model_filters.subscription_name(m) end
  for _, argument in ipairs(m.level == "on" and m.owner_arguments or {}) do
    arguments[#arguments + 1] = ("%s: String%s"):format(argument.name, argument.is_required and "!" or "")
  end
  local quoted = {}
  for i, mutation in ipairs(event.mutations) do quoted[i] = ('"%s"'):format(mutation) end
  return ("%s: %s @aws_subscribe(mutations: [%s])"):format(
    #arguments > 0 and "(" .. table.concat(arguments, ", ") .. ")" or "", m.name, table.concat(quoted, ", "))
end

---The root fields of one model.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return {query: string[][], mutation: string[][], subscription: string[][]} fields pairs of name and SDL
function roots.fields(world, m)
  local out = { query = {}, mutation = {}, subscription = {} }
  local function add(root, name, text, operation)
    table.insert(out[root], { name, name .. text .. sdl_nodes.directives_text(m.operation_auth[operation]) })
  end
  local connection, ops = roots.connection_name(m.stem), m.ops
  if ops.get then add("query", ops.get, ("(%s): %s"):format(table.concat(inputs.key_lines(m), ", "), m.name), "get") end
  if ops.list then add("query", ops.list, ("(%s): %s"):format(list_arguments(m), connection), "list") end
  if ops.sync then
    add("query", ops.sync, ("(filter: %s, limit: Int, nextToken: String, lastSync: AWSTimestamp): %s"):format(
      model_filters.filter_name(m.stem), connection), "sync")
  end
  for _, index in ipairs(m.indexes) do
    if index.query then
      add("query", index.query, ("(%s): %s"):format(index_arguments(world, m, index), roots.connection_name(m.name)), "index")
    end
  end
  if m.search then add("query", m.search.query, search.query(world, m), "search") end
  for _, op in ipairs({ "create", "update", "delete" }) do
    if ops[op] then
      add("mutation", ops[op], ("(input: %s%sInput!, condition: %s): %s"):format(names.upper_first(op),
        names.upper_first(m.name), model_filters.condition_name(m), m.name), op)
    end
  end
  for _, event in ipairs(m.events) do
    add("subscription", event.name, subscription_field(world, m, event), "listen")
  end
  return out
end

---The conditions on sort fields that a model's keys, indexes and relations need.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@param seen table<string, true> those that are there already
---@return string[] sdl
function roots.key_conditions(world, m, seen)
  local parts = {}
  local function add(owner, key_name, sort)
    local name, sdl
    if #sort == 1 then
      name, sdl = filters.key_condition(owner.field_by_name[sort[1]])
    elseif #sort > 1 then
      name, sdl = filters.composite_condition(owner, key_name, sort)
    end
    if name and not seen[name] then
      seen[name] = true
      for _, part in ipairs(type(sdl) == "table" and sdl or { sdl }) do parts[#parts + 1] = part end
    end
  end
  add(m, "Primary", m.key.sort)
  for _, index in ipairs(m.indexes) do
    if not index.is_implied then add(m, index.name, index.sort) end
  end
  for _, relation in ipairs(m.relations) do
    if relation.sort_argument then add(world.models[relation.model], relation.key_name, relation.sort) end
  end
  return parts
end

return roots
