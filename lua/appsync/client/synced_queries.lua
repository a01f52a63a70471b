---Queries that a delta sync keeps up to date: whoever reads one by another policy than "cache-only" has it asked for again, and is
---told so once.
local document = require "appsync.document"
local log = require "appsync.log"

local synced_queries = {}

---@class appsync.client.SyncedQuery
---@field text string canonical
---@field operation_name string "" for an anonymous one
---@field variables table
---@field cache integer the core's id of the cache
---@field private matches table<appsync.Document, boolean>

local WEAK = { __mode = "k" }
local NONE = {}

---@param client appsync.Client
---@param part appsync.client.SyncPart
---@return appsync.client.SyncedQuery
function synced_queries.add(client, part)
  local query = {
    text = tostring(part.document), operation_name = part.operation.name, variables = part.variables or NONE,
    cache = client.cache:id(), matches = setmetatable({}, WEAK),
  }
  local root = client.root
  root.synced_queries = root.synced_queries or {}
  table.insert(root.synced_queries, query)
  return query
end

---Twice is legal.
---@param root appsync.client.Root
---@param query appsync.client.SyncedQuery
function synced_queries.remove(root, query)
  local all = root.synced_queries or NONE
  for i, other in ipairs(all) do
    if other == query then table.remove(all, i) break end
  end
  if all[1] == nil then root.synced_queries = nil end
end

local function is_same(a, b)
  if a == b then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return false end
  for name, value in pairs(a) do
    if not is_same(value, b[name]) then return false end
  end
  for name in pairs(b) do
    if a[name] == nil then return false end
  end
  return true
end

-- Printing a document takes long: it is done once for each.
local function has_text(query, parsed)
  local matches = query.matches[parsed]
  if matches == nil then
    matches = tostring(parsed) == query.text
    query.matches[parsed] = matches
  end
  return matches
end

local function tell(client, where, policy)
  log.emit(client.root.log, "warn", ('%s: a sync keeps this query up to date; read it by fetch_policy = "cache-only": "%s" also asks '
    .. "the service for what the sync brings anyway"):format(where, policy))
end

---@param client appsync.Client
---@param given string|appsync.Document
---@param operation_name string? nil: it has one operation
---@param variables table? declared ones
---@param policy string
---@param where string the call that reads
function synced_queries.look(client, given, operation_name, variables, policy, where)
  local all = client.root.synced_queries
  if not all or policy == "cache-only" or not client.cache then return end
  local parsed = type(given) == "string" and document.parse(given) or given
  for _, query in ipairs(all) do
    if has_text(query, parsed) and (operation_name or query.operation_name) == query.operation_name
      and is_same(variables or NONE, query.variables) and query.cache == client.cache:id() then
      synced_queries.remove(client.root, query)
      return tell(client, where, policy)
    end
  end
end

return synced_queries
