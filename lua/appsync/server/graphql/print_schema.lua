---A type system as canonical SDL: what is served after models were expanded.
local introspect = require "appsync.server.graphql.introspect"
local schema = require "appsync.server.graphql.schema"

local function description(text, indent)
  if not text then return "" end
  local lines = {}
  for line in (text:gsub('"""', '\\"""') .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line == "" and "" or indent .. line
  end
  return ('%s"""\n%s\n%s"""\n'):format(indent, table.concat(lines, "\n"), indent)
end

local function applied(list)
  local parts = {}
  for _, directive in ipairs(list or {}) do
    local args = {}
    for i, argument in ipairs(directive.arguments) do
      args[i] = argument.name .. ": " .. introspect.literal_text(argument.value)
    end
    parts[#parts + 1] = " @" .. directive.name .. (#args > 0 and "(" .. table.concat(args, ", ") .. ")" or "")
  end
  return table.concat(parts)
end

local function deprecated(value)
  return value.deprecated and (" @deprecated(reason: %s)"):format(
    introspect.literal_text({ kind = "StringValue", value = value.deprecated })) or ""
end

local function input_value(value)
  local default = value.default and " = " .. introspect.literal_text(value.default) or ""
  return ("%s: %s%s"):format(value.name, schema.type_text(value.type), default)
end

local function arguments(list)
  if #list == 0 then return "" end
  local parts, is_described = {}, false
  for i, arg in ipairs(list) do
    is_described = is_described or arg.description ~= nil
    parts[i] = input_value(arg) .. deprecated(arg)
  end
  if not is_described then return "(" .. table.concat(parts, ", ") .. ")" end
  for i, arg in ipairs(list) do parts[i] = description(arg.description, "    ") .. "    " .. parts[i] end
  return "(\n" .. table.concat(parts, "\n") .. "\n  )"
end

local function fields(type_)
  local lines = {}
  for i, field in ipairs(type_.field_list) do
    local text = field.arg_list
      and field.name .. arguments(field.arg_list) .. ": " .. schema.type_text(field.type) .. applied(field.directives)
      or input_value(field) .. deprecated(field)
    lines[i] = description(field.description, "  ") .. "  " .. text
  end
  return " {\n" .. table.concat(lines, "\n") .. "\n}"
end

local function values(type_)
  local lines = {}
  for i, value in ipairs(type_.value_list) do
    lines[i] = description(value.description, "  ") .. "  " .. value.name .. deprecated(value)
  end
  return " {\n" .. table.concat(lines, "\n") .. "\n}"
end

local function names(list, separator)
  local out = {}
  for i, item in ipairs(list) do out[i] = item.name end
  return table.concat(out, separator)
end

local function head(type_)
  local implements = #type_.interfaces > 0 and " implements " .. names(type_.interfaces, " & ") or ""
  return implements .. applied(type_.directives)
end

local PRINTERS = {
  OBJECT = function(type_) return "type " .. type_.name .. head(type_) .. fields(type_) end,
  INTERFACE = function(type_) return "interface " .. type_.name .. head(type_) .. fields(type_) end,
  INPUT_OBJECT = function(type_) return "input " .. type_.name .. head(type_) .. fields(type_) end,
  ENUM = function(type_) return "enum " .. type_.name .. head(type_) .. values(type_) end,
  UNION = function(type_) return "union " .. type_.name .. head(type_) .. " = " .. names(type_.possible_list, " | ") end,
}

local function roots(s)
  local lines = {}
  for _, operation in ipairs({ "query", "mutation", "subscription" }) do
    if s[operation] then lines[#lines + 1] = ("  %s: %s"):format(operation, s[operation].name) end
  end
  return "schema {\n" .. table.concat(lines, "\n") .. "\n}"
end

-- Directives that the schema defines itself: what reads it knows those of the service, and no others.
local function directive(definition)
  return ("%sdirective @%s%s%s on %s"):format(description(definition.description, ""), definition.name,
    arguments(definition.arg_list), definition.is_repeatable and " repeatable" or "", table.concat(definition.locations, " | "))
end

---Prints a schema without its built-in types.
---@param s appsync.server.Schema
---@return string sdl
return function(s)
  local parts = { roots(s) }
  for _, definition in ipairs(s.directive_list) do
    if not definition.is_builtin then parts[#parts + 1] = directive(definition) end
  end
  for _, type_ in ipairs(s.type_list) do
    local print_type = PRINTERS[type_.kind]
    if print_type and not type_.is_builtin then
      parts[#parts + 1] = description(type_.description, "") .. print_type(type_)
    end
  end
  return table.concat(parts, "\n\n") .. "\n"
end
