--- The SDL that a model stands for: inputs, filters, connections and root fields (Amplify documentation, "@model" and
--- "Generated operations").
local model_types = {}

local ORDER = "ne: %s eq: %s le: %s lt: %s ge: %s gt: %s"
local TEXT = " contains: %s notContains: %s between: [%s] beginsWith: %s"
local ATTRIBUTE = " attributeExists: Boolean attributeType: ModelAttributeTypes"

local OPERATORS = {
  String = ORDER .. TEXT .. ATTRIBUTE .. " size: ModelSizeInput",
  Int = ORDER .. " between: [%s]" .. ATTRIBUTE,
  Boolean = "ne: %s eq: %s" .. ATTRIBUTE,
}
OPERATORS.ID, OPERATORS.Float = OPERATORS.String, OPERATORS.Int

local SUBSCRIPTION_OPERATORS = {
  String = ORDER .. TEXT .. " in: [%s] notIn: [%s]",
  Int = ORDER .. " between: [%s] in: [%s] notIn: [%s]",
  Boolean = "ne: %s eq: %s",
}
SUBSCRIPTION_OPERATORS.ID, SUBSCRIPTION_OPERATORS.Float = SUBSCRIPTION_OPERATORS.String, SUBSCRIPTION_OPERATORS.Int

local BASES = { "String", "ID", "Int", "Float", "Boolean" }

--- The inputs that all models share.
---@return string sdl
function model_types.shared()
  local parts = {
    "enum ModelAttributeTypes { binary binarySet bool list map number numberSet string stringSet _null }",
    "enum ModelSortDirection { ASC DESC }",
    "input ModelSizeInput { ne: Int eq: Int le: Int lt: Int ge: Int gt: Int between: [Int] }",
  }
  for _, base in ipairs(BASES) do
    parts[#parts + 1] = ("input Model%sInput { %s }"):format(base, (OPERATORS[base]:gsub("%%s", base)))
    parts[#parts + 1] = ("input ModelSubscription%sInput { %s }"):format(base,
      (SUBSCRIPTION_OPERATORS[base]:gsub("%%s", base)))
  end
  return table.concat(parts, "\n")
end

--- A type expression as text.
---@param node appsync.ast.Type
---@return string
function model_types.type_text(node)
  if node.kind == "NonNullType" then return model_types.type_text(node.type) .. "!" end
  if node.kind == "ListType" then return "[" .. model_types.type_text(node.type) .. "]" end
  return node.name
end

--- The named type under all wrappers.
function model_types.named(node)
  while node.type do node = node.type end
  return node.name
end

local function nullable(text)
  return (text:gsub("!$", ""))
end

--- Where the types of non-model objects are replaced by their inputs: "[Meta!]" becomes "[MetaInput!]".
local function input_type(world, node)
  local name = model_types.named(node)
  local text = model_types.type_text(node)
  if world.objects[name] then text = text:gsub("[%a_][%w_]*", name .. "Input") end
  return text
end

--- Whether a field can be given in an input: scalars, enums and objects that are no models.
local function is_writable(world, field)
  local name = model_types.named(field.type)
  return world.is_scalar(name) or world.enums[name] ~= nil or world.objects[name] ~= nil
end

local FILTER_BASE = { ID = "ID", Int = "Int", AWSTimestamp = "Int", Float = "Float", Boolean = "Boolean" }

local function filter_type(world, name, prefix)
  if world.enums[name] then return prefix == "Model" and ("Model%sInput"):format(name) or "ModelSubscriptionStringInput" end
  if not world.is_scalar(name) then return nil end
  return ("%s%sInput"):format(prefix, FILTER_BASE[name] or "String")
end

local function filter_fields(world, model, prefix, is_key_left_out)
  local parts = {}
  for _, field in ipairs(model.fields) do
    local type_name = filter_type(world, model_types.named(field.type), prefix)
    if type_name and not (is_key_left_out and field.name == "id") then
      parts[#parts + 1] = ("  %s: %s"):format(field.name, type_name)
    end
  end
  return parts
end

local function filter_input(world, model, kind)
  local name = ("Model%s%sInput"):format(model.name, kind)
  local parts = filter_fields(world, model, "Model", kind == "Condition")
  for _, line in ipairs({ "  and: [%s]", "  or: [%s]", "  not: %s" }) do parts[#parts + 1] = line:format(name) end
  return ("input %s {\n%s\n}"):format(name, table.concat(parts, "\n"))
end

local function subscription_filter(world, model)
  local name = ("ModelSubscription%sFilterInput"):format(model.name)
  local parts = filter_fields(world, model, "ModelSubscription", false)
  for _, line in ipairs({ "  and: [%s]", "  or: [%s]" }) do parts[#parts + 1] = line:format(name) end
  return ("input %s {\n%s\n}"):format(name, table.concat(parts, "\n"))
end

local function create_input(world, model)
  local parts = {}
  for _, field in ipairs(model.fields) do
    if field.is_declared and is_writable(world, field) then
      local text = input_type(world, field.type)
      if field.name == "id" or model.stamps[field.name] then text = nullable(text) end
      parts[#parts + 1] = ("  %s: %s"):format(field.name, text)
    elseif field.name == "id" then
      parts[#parts + 1] = "  id: ID"
    end
  end
  return ("input Create%sInput {\n%s\n}"):format(model.name, table.concat(parts, "\n"))
end

local function update_input(world, model)
  local parts = {}
  for _, field in ipairs(model.fields) do
    if field.name == "id" then
      parts[#parts + 1] = ("  id: %s!"):format(nullable(input_type(world, field.type)))
    elseif field.is_declared and is_writable(world, field) then
      parts[#parts + 1] = ("  %s: %s"):format(field.name, nullable(input_type(world, field.type)))
    end
  end
  return ("input Update%sInput {\n%s\n}"):format(model.name, table.concat(parts, "\n"))
end

local function id_type(model)
  for _, field in ipairs(model.fields) do
    if field.name == "id" then return nullable(model_types.type_text(field.type)) end
  end
  return "ID"
end

--- The input of an object that is no model, and of the objects inside it.
---@return string sdl
function model_types.object_input(world, name)
  local parts = {}
  for _, field in ipairs(world.objects[name].fields) do
    if is_writable(world, field) then parts[#parts + 1] = ("  %s: %s"):format(field.name, input_type(world, field.type)) end
  end
  return ("input %sInput {\n%s\n}"):format(name, table.concat(parts, "\n"))
end

---@return string sdl
function model_types.enum_filter(name)
  return ("input Model%sInput { eq: %s ne: %s }"):format(name, name, name)
end

--- The types of one model.
---@param world table `is_scalar, enums, objects`
---@param model appsync.server.Model
---@return string sdl
function model_types.types(world, model)
  local parts = {
    ("type Model%sConnection%s {\n  items: [%s]!\n  nextToken: String\n}"):format(model.name, model.auth, model.name),
    filter_input(world, model, "Filter"), filter_input(world, model, "Condition"),
  }
  if model.ops.create then parts[#parts + 1] = create_input(world, model) end
  if model.ops.update then parts[#parts + 1] = update_input(world, model) end
  if model.ops.delete then
    parts[#parts + 1] = ("input Delete%sInput {\n  id: %s!\n}"):format(model.name, id_type(model))
  end
  if model.has_subscriptions then parts[#parts + 1] = subscription_filter(world, model) end
  return table.concat(parts, "\n")
end

--- The root fields of one model.
---@param model appsync.server.Model
---@return {query: string[][], mutation: string[][], subscription: string[][]} fields pairs of name and SDL
function model_types.root_fields(model)
  local out = { query = {}, mutation = {}, subscription = {} }
  local function add(operation, name, text) table.insert(out[operation], { name, name .. text .. model.auth }) end
  local name, ops = model.name, model.ops
  if ops.get then add("query", ops.get, ("(id: %s!): %s"):format(id_type(model), name)) end
  if ops.list then
    add("query", ops.list, ("(filter: Model%sFilterInput, limit: Int, nextToken: String): Model%sConnection")
      :format(name, name))
  end
  for _, op in ipairs({ "create", "update", "delete" }) do
    if ops[op] then
      local upper = op:sub(1, 1):upper() .. op:sub(2)
      add("mutation", ops[op], ("(input: %s%sInput!, condition: Model%sConditionInput): %s"):format(upper, name, name, name))
    end
  end
  for _, event in ipairs(model.events) do
    add("subscription", event.name, ('(filter: ModelSubscription%sFilterInput): %s @aws_subscribe(mutations: ["%s"])')
      :format(name, name, event.mutation))
  end
  return out
end

return model_types
