---Predicates: a function of field handles, or a table in GraphQL's filter shape, as one tree:
---{"all"}, {"and", …}, {"or", …}, {"not", p}, {"gt", field, value}, {"between", field, low, high}, {"related", relation, p}.
local errors = require "appsync.errors"
local filter = require "appsync.models.predicate_filter"
local fault = require "appsync.models.fault"
local form = require "appsync.models.form"
local matching = require "appsync.models.matching"
local operators = require "appsync.models.predicate_operators"

local predicate = {}

local MAX_DEPTH, MAX_NODES = 100, 10000

local Condition = {}
Condition.__index = Condition

local function condition(tree)
  return setmetatable({ tree = tree }, Condition)
end

local function tree_of(value)
  if getmetatable(value) ~= Condition then
    fault.raise("a condition was expected, such as t.name:eq(\"x\"), got %s", (errors.describe(value)))
  end
  return value.tree
end

local function group(kind)
  return function(self, ...)
    local tree = { kind, tree_of(self) }
    for i = 1, select("#", ...) do tree[i + 2] = tree_of((select(i, ...))) end
    return condition(tree)
  end
end

Condition.and_, Condition.or_ = group("and"), group("or")

function Condition:not_()
  return condition({ "not", tree_of(self) })
end

local Handle = {}
Handle.__index = function(_, typed)
  local name = operators.NAMES[typed]
  return function(self, value, high)
    if name == "between" and high ~= nil then value = { value, high } end
    return condition(self.wrap(operators.condition(self.field, typed, value, self.path)))
  end
end

-- Fields and relations of a model by their names.
local function root(class, wrap, path)
  return setmetatable({}, { __index = function(_, name)
    local m, at = class.model, path .. "." .. tostring(name)
    if m.fields[name] then return setmetatable({ field = m.fields[name], wrap = wrap, path = at }, Handle) end
    local relation = m.relations[name]
    if not relation then form.unknown(path, "field", name, class.known) end
    return root(class.set[relation.model], function(tree) return wrap({ "related", name, tree }) end, at)
  end })
end

local read_table

local function read_group(class, kind, value, path, depth)
  local tree = { kind }
  if type(value) ~= "table" then fault.of(path, "%s takes tables, got %s", kind, (errors.describe(value))) end
  if value[1] == nil and next(value) ~= nil then value = { value } end
  for i, one in ipairs(value) do tree[i + 1] = read_table(class, one, path, depth) end
  -- None of nothing would be nothing here, and is everything for the service, which takes it for no filter.
  if kind == "or" and #tree == 1 then fault.of(path, "or takes at least one condition") end
  return tree
end

local GROUPS = { ["and"] = "and", and_ = "and", ["or"] = "or", or_ = "or" }

local function read_member(class, name, value, path, depth)
  local m, at = class.model, path .. "." .. tostring(name)
  local field, relation = m.fields[name], m.relations[name]
  if not field and not relation then
    if GROUPS[name] then return { read_group(class, GROUPS[name], value, path, depth) } end
    if name == "not" or name == "not_" then return { { "not", read_table(class, value, path, depth) } } end
    form.unknown(path, "field", name, class.known)
  end
  if type(value) ~= "table" then
    fault.of(at, "must be a table, such as {eq = …}, got %s", (errors.describe(value)))
  end
  if relation then return { { "related", name, read_table(class.set[relation.model], value, at, depth) } } end
  local list = {}
  for _, typed in ipairs(form.sorted_names(value)) do
    list[#list + 1] = operators.condition(field, typed, value[typed], at)
  end
  return list
end

function read_table(class, value, path, depth)
  if type(value) ~= "table" then fault.of(path, "must be a table of fields, got %s", (errors.describe(value))) end
  if depth > MAX_DEPTH then fault.of(path, "the nesting is too deep") end
  local tree = { "and" }
  for name in pairs(value) do
    if type(name) ~= "string" then form.unknown(path, "field", name, class.known) end
  end
  for _, name in ipairs(form.sorted_names(value)) do
    for _, one in ipairs(read_member(class, name, value[name], path, depth + 1)) do tree[#tree + 1] = one end
  end
  return #tree == 2 and tree[2] or tree
end

local function check_size(tree, depth, count)
  count.n = count.n + 1
  if depth > MAX_DEPTH or count.n > MAX_NODES then fault.raise("the predicate is deeper than 100 or has more than 10,000 conditions") end
  local kind = tree[1]
  local from = (kind == "and" or kind == "or" or kind == "not") and 2 or kind == "related" and 3 or #tree + 1
  for i = from, #tree do check_size(tree[i], depth + 1, count) end
  return tree
end

local function read(class, given)
  local tree
  if type(given) == "function" then
    tree = tree_of(given(root(class, function(one) return one end, class.name)))
  else
    tree = read_table(class, given, class.name, 1)
  end
  return check_size(tree, 1, { n = 0 })
end

local function is_all(given)
  local appsync = package.loaded.appsync
  return given == nil or (type(appsync) == "table" and given == rawget(appsync, "ALL"))
end

---The tree of a predicate. Throws for what isn't one.
---@param class appsync.models.Class
---@param given function|table|nil nil and `appsync.ALL`: everything
---@return table tree
function predicate.tree(class, given)
  if is_all(given) then return { "all" } end
  if type(given) ~= "function" and type(given) ~= "table" then
    errors.misuse("%s: a predicate must be a function or a table, got %s", class.name, (errors.describe(given)))
  end
  return fault.throwing("predicate", read, class, given)
end

predicate.matches = matching
predicate.filter = filter.of
predicate.condition = filter.condition

return predicate
