---A predicate's tree as the filter of a sync query, and as the condition of a mutation (Amplify DataStore, sync/utils.ts,
---predicateToGraphQLFilter). Filters of models have no `in`: it is sent as comparisons.
local json = require "appsync.json"

local filter = {}

local NAMES = { begins_with = "beginsWith", not_contains = "notContains" }

local function spread(kind, field, op, list)
  local out = json.array()
  for i, value in ipairs(list) do out[i] = { [field] = { [op] = value } } end
  return { [kind] = out }
end

local function write(tree, omitted, is_root)
  local kind = tree[1]
  if kind == "all" then return {} end
  if kind == "related" then
    error({ why = ("the relation '%s' can't be part of it: the service compares fields of the record alone"):format(tree[2]) }, 0)
  end
  if kind ~= "and" and kind ~= "or" and kind ~= "not" then
    if omitted[tree[2]] then return {} end
    if kind == "in" and #tree[3] == 0 then
      error({ why = ("an empty list of '%s' can't be part of it: the service would take it for no condition"):format(tree[2]) }, 0)
    end
    if kind == "in" then return spread("or", tree[2], "eq", tree[3]) end
    if kind == "not_in" then return spread("and", tree[2], "ne", tree[3]) end
    local operand = tree[3]
    if kind == "between" then operand = json.array({ tree[3], tree[4] }) end
    return { [tree[2]] = { [NAMES[kind] or kind] = operand } }
  end
  local children = json.array()
  for i = 2, #tree do
    local child = write(tree[i], omitted, false)
    if next(child) ~= nil then children[#children + 1] = child end
  end
  if #children == 0 then return {} end
  if kind == "not" then return { ["not"] = children[1] } end
  if #children == 1 and (not is_root or children[1]["and"] or children[1]["or"]) then return children[1] end
  return { [kind] = children }
end

local function convert(tree, omitted)
  -- The root is a group, as DataStore's own is.
  local is_group = tree[1] == "and" or tree[1] == "or"
  local is_good, value = pcall(write, is_group and tree or { "and", tree }, omitted, true)
  if is_good then return value end
  if type(value) ~= "table" or not value.why then error(value, 0) end
  return nil, value.why
end

---@param tree table of `predicate.tree`
---@return table? filter {} for everything, string? message
function filter.of(tree)
  return convert(tree, {})
end

---The same without the fields of the key, which a condition can't have.
---@param tree table
---@param key string[]
---@return table? condition, string? message
function filter.condition(tree, key)
  local omitted = {}
  for _, name in ipairs(key) do omitted[name] = true end
  return convert(tree, omitted)
end

return filter
