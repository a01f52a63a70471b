---The fields of a selection set for an object type: fragments, @skip and @include (GraphQL October 2021, 6.3.2).
local coerce = require "appsync.server.graphql.coerce"
local core = require "appsync.core"
local directives = require "appsync.schema.directives"
local is_list = require "appsync.server.graphql.is_list"
local schema = require "appsync.server.graphql.schema"

local selection = {}

-- Nested fragments can double the fields of an answer at every level. The service ends what takes more than 30 seconds;
-- here an execution may do so many steps, which is a matter of seconds: fields that it completes, selections that it
-- collects, items of lists, values of arguments that it makes.
selection.max_fields = 500000
selection.exhausted = { message = "Execution timed out.", type = "ExecutionTimeout" }

-- A long text counts as so many fields as it has hundreds of bytes: an answer has some 50 MB at most. Aliases of one page of
-- a megabyte would make gigabytes of a short query.
local LONG_BYTES, BYTES_PER_FIELD = 1000, 100

-- A path is a new text, and paths are much alike, which Lua 5.1's table of strings gets slow with: beyond some, each counts
-- as so many steps.
local CHEAP_PATHS, STEPS_PER_PATH = 1000, 20

---Counts steps of an execution; throws `selection.exhausted` when there were too many.
---@param x appsync.server.Execution
---@param n integer
function selection.spend(x, n)
  x.n_fields = (x.n_fields or 0) + n
  if x.n_fields > selection.max_fields then error(selection.exhausted, 0) end
end

---The number of steps that a text in the answer counts as.
---@param text string
---@return integer
function selection.steps_of(text)
  return #text > LONG_BYTES and math.floor(#text / BYTES_PER_FIELD) or 0
end

---Counts a text that is written into the answer.
---@param x appsync.server.Execution
---@param text string
function selection.spend_text(x, text)
  if #text > LONG_BYTES then selection.spend(x, selection.steps_of(text)) end
end

local function condition(x, node, name)
  local directive = directives.find(node.directives, name)
  if not directive then return nil end
  local args = coerce.arguments(x.schema.directives[name].arg_list, directive.arguments, x.variables)
  return args ~= nil and args["if"] == true
end

local function is_included(x, node)
  if #node.directives == 0 then return true end
  selection.spend(x, #node.directives)
  return condition(x, node, "skip") ~= true and condition(x, node, "include") ~= false
end

-- '"name":' of a field.
local function key_text(node)
  return core.encode(node.alias or node.name) .. ":"
end

local function applies(x, type_, condition_name)
  if not condition_name or condition_name == type_.name then return true end
  local target = x.schema.types[condition_name]
  return target ~= nil and schema.is_possible(target, type_.name)
end

local function add_field(out, node)
  local key = node.alias or node.name
  local group = out.by_key[key]
  if group then
    group.nodes[#group.nodes + 1] = node
    return
  end
  group = { key = key, key_text = key_text(node), nodes = { node } }
  out.by_key[key] = group
  out.groups[#out.groups + 1] = group
end

local function collect(x, type_, nodes, out)
  selection.spend(x, #nodes)
  for _, node in ipairs(nodes) do
    if is_included(x, node) then
      if node.kind == "Field" then
        add_field(out, node)
      elseif node.kind == "InlineFragment" then
        if applies(x, type_, node.typeCondition) then collect(x, type_, node.selectionSet, out) end
      elseif not out.visited[node.name] then
        out.visited[node.name] = true
        local fragment = x.fragments[node.name]
        if applies(x, type_, fragment.typeCondition) then collect(x, type_, fragment.selectionSet, out) end
      end
    end
  end
end

---@class appsync.server.FieldGroup
---@field key string response name
---@field key_text string the same as JSON with its colon
---@field nodes appsync.ast.Field[]

---The fields of the selection sets of `parents`, merged by response name, in order.
---@param x appsync.server.Execution
---@param type_ appsync.server.Type an object type
---@param parents {selectionSet: appsync.ast.Selection[]?}[]
---@return appsync.server.FieldGroup[]
function selection.collect(x, type_, parents)
  local out = { by_key = {}, groups = {}, visited = {} }
  for _, parent in ipairs(parents) do collect(x, type_, parent.selectionSet or {}, out) end
  return out.groups
end

local function spend_path(x, path)
  x.n_paths = (x.n_paths or 0) + 1
  if x.n_paths > CHEAP_PATHS then selection.spend(x, STEPS_PER_PATH) end
  selection.spend_text(x, path)
end

local function add_paths(x, ref, nodes, prefix, paths)
  local named = schema.named(ref)
  if not schema.is_composite(named) then return end
  local types = named.kind == "OBJECT" and { named } or named.possible_list
  for _, type_ in ipairs(types) do
    for _, group in ipairs(selection.collect(x, type_, nodes)) do
      selection.spend(x, 1)
      local path = prefix .. group.key
      if not paths[path] then
        spend_path(x, path)
        paths[path], paths[#paths + 1] = true, path
      end
      local field = type_.fields[group.nodes[1].name]
      if field then add_paths(x, field.type, group.nodes, path .. "/", paths) end
    end
  end
end

---The selected paths under a field: "id", "items", "items/id", … (the resolvers' `info.selectionSetList`).
---@param x appsync.server.Execution
---@param ref appsync.server.TypeRef
---@param nodes appsync.ast.Field[]
---@return string[]
function selection.paths(x, ref, nodes)
  local paths, list = {}, {}
  add_paths(x, ref, nodes, "", paths)
  for i, path in ipairs(paths) do list[i] = path end
  return setmetatable(list, core.array_mt)
end

-- A resolver's table without members is a list where the schema has one, as it is in a result.
local function is_empty_list(value, ref)
  return type(value) == "table" and next(value) == nil and (ref.kind == "NON_NULL" and ref.of or ref).kind == "LIST"
end

local function restrict_object(x, type_, value, nodes)
  local out = {}
  for _, group in ipairs(selection.collect(x, type_, nodes)) do
    selection.spend(x, 1)
    local name = group.nodes[1].name
    local field, inner = type_.fields[name], value[name]
    if field and inner ~= nil then out[group.key] = selection.restrict(x, inner, field.type, group.nodes) end
  end
  return out
end

---An error's `data`, restricted to what the field selects.
---@return any
function selection.restrict(x, value, ref, nodes)
  if is_empty_list(value, ref) then return setmetatable({}, core.array_mt) end
  local named = schema.named(ref)
  if type(value) ~= "table" or not schema.is_composite(named) then return value end
  if is_list(value) then
    local out = setmetatable({}, core.array_mt)
    for i, item in ipairs(value) do out[i] = selection.restrict(x, item, named, nodes) end
    return out
  end
  local type_ = named.kind == "OBJECT" and named or x.schema.types[value.__typename or ""]
  return type_ and restrict_object(x, type_, value, nodes) or {}
end

return selection
