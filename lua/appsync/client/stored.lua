---Mutations as the queue has stored them.
local cache_rules = require "appsync.client.cache_rules"
local document = require "appsync.document"

local stored = {}

---What is stored of a mutation, as far as it can be made a call again.
---@class appsync.client.Stored
---@field document string
---@field operation string? the operation's name, "" for an anonymous one
---@field variables table?
---@field rules table[]? of `cache_updates`

---The plan of a call, without the functions that it had.
---@param entry appsync.client.Stored
---@param where string
---@return appsync.client.Plan
function stored.plan(entry, where)
  local name = entry.operation ~= "" and entry.operation or nil
  local parsed, operation = document.pick(entry.document, "mutation", name, where)
  return {
    document = parsed, operation = operation, options = { operation_name = name }, variables = entry.variables, where = where,
    cache_rules = entry.rules and cache_rules.decode(entry.rules),
  }
end

return stored
