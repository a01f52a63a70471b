---The resolvers of all that is generated for models: queries, mutations, fields that lead to related models.
local permit = require "appsync.server.data.permit"
local reading = require "appsync.server.data.reading"
local relations = require "appsync.server.data.relations"
local sync = require "appsync.server.data.versions.sync"
local timestamp = require "appsync.server.data.timestamp"
local versioned_writing = require "appsync.server.data.versions.versioned_writing"
local writing = require "appsync.server.data.writing"

local operations = {}

---@class appsync.server.World
---@field now fun(): number seconds since 1970
---@field lag_ms (fun(): number)? how much too old reads of versioned models are now
---@field uuid fun(): string
---@field query string the query type's name
---@field mutation string?
---@field search (fun(access: appsync.server.Access, place: appsync.server.Place): function)? makes the resolvers of searches
---@field guard appsync.server.DataGuard? default: everything is permitted
---@field conflict_handlers table<string, appsync.server.ConflictFunction>? of the handler LAMBDA, by name

-- Where the key of a model was not said it is its id.
local function complete_model(m)
  m.key = m.key or { partition = "id", sort = {}, is_custom = false }
  m.indexes, m.relations = m.indexes or {}, m.relations or {}
end

local function by_name(models)
  local out = {}
  for _, m in ipairs(models) do out[m.name] = m end
  return out
end

---The tables that models need, with the indexes that only relations ask for.
---@param models appsync.server.Model[]
---@param world appsync.server.World
---@return appsync.server.TableLayout[]
function operations.layouts(models, world)
  local layouts, named, of = {}, by_name(models), {}
  for i, m in ipairs(models) do
    complete_model(m)
    local indexes = {}
    for j, index in ipairs(m.indexes) do indexes[j] = { name = index.name, partition = index.partition, sort = index.sort or {} } end
    layouts[i] = {
      kind = "model", name = m.name, key = { partition = m.key.partition, sort = m.key.sort or {} }, indexes = indexes,
      versions = m.conflict and {
        base_ttl_s = m.conflict.base_ttl_s, delta_ttl_s = m.conflict.delta_ttl_s, now = world.now, lag_ms = world.lag_ms,
      },
    }
    of[m.name] = indexes
  end
  for _, m in ipairs(models) do
    for _, relation in ipairs(m.relations) do
      local related = named[relation.model]
      if not relations.path(relation, related) then table.insert(of[related.name], relations.implied(m, relation)) end
    end
  end
  return layouts
end

local function add_model(out, access, accesses, world)
  local m, queries, mutations = access.m, out[world.query], out[world.mutation]
  local function place(name) return { type = world.query, field = name } end
  if m.ops.get then queries[m.ops.get] = reading.get(access, place(m.ops.get)) end
  if m.ops.list then queries[m.ops.list] = reading.list(access, place(m.ops.list)) end
  for _, index in ipairs(m.indexes) do
    if index.query then queries[index.query] = reading.index(access, place(index.query), index) end
  end
  if m.ops.sync and m.conflict then queries[m.ops.sync] = sync.resolver(access, place(m.ops.sync)) end
  for op, resolver in pairs((m.conflict and versioned_writing or writing).resolvers) do
    if m.ops[op] and mutations then mutations[m.ops[op]] = resolver(access, world.made) end
  end
  if m.search and world.search then queries[m.search.query] = world.search(access, place(m.search.query)) end
  local fields = {}
  for _, relation in ipairs(m.relations) do
    fields[relation.field] = relations.resolver(m, relation, accesses[relation.model])
  end
  if next(fields) then out[m.name] = fields end
end

---The resolvers of all models, by the names of the types. Makes the store fit the models.
---@param models appsync.server.Model[]
---@param store appsync.server.Store
---@param world appsync.server.World
---@return table<string, table<string, function>>? resolvers
---@return string? message when the store's items do not fit
---@return string? code of a failure of the storage
function operations.build(models, store, world)
  local tables, message, code = store:adopt(operations.layouts(models, world))
  if not tables then return nil, message, code end
  local guard, accesses = permit.complete(world.guard), {}
  for _, m in ipairs(models) do
    local handler = m.conflict and m.conflict.resolver and (world.conflict_handlers or {})[m.conflict.resolver]
    accesses[m.name] = { m = m, table = tables[m.name], guard = guard, conflict_handler = handler }
  end
  local out = { [world.query] = {}, is_builtin = true }
  if world.mutation then out[world.mutation] = {} end
  local of_new = {
    query = world.query, mutation = world.mutation, search = world.search,
    made = { stamp = function() return timestamp(world.now()) end, uuid = world.uuid },
  }
  for _, m in ipairs(models) do add_model(out, accesses[m.name], accesses, of_new) end
  return out
end

return operations
