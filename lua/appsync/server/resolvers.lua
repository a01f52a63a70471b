---The resolvers file: a Lua file that returns `{Query = {field = function(ctx) … end}, Mutation = …, Subscription = …,
---Type = {field = …}, authorizer = function(token, request) … end, functions = {name = function(event) … end},
---conflict_handlers = {name = function(event) … end}}`.
local failures = require "appsync.server.resolver_failures"
local file = require "appsync.server.develop.file"
local opts = require "appsync.opts"
local resolver_place = require "appsync.server.develop.resolver_place"
local shown = require("appsync.server.graphql.thrown").text
local source = require "appsync.server.develop.source"
local time_limit = require "appsync.server.time_limit"

local resolvers = {}

---@class appsync.server.ResolversFault: appsync.server.SourceFault
---@field traceback string?

-- The one line of the file where a field of that name is given; nil when there are several or none.
local function line_that_gives(path, name)
  local text = file.read(path)
  if not text then return nil end
  local number, found = 0, nil
  local escaped = name:gsub("%p", "%%%0")
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    if line:find("%f[%w_]" .. escaped .. "%f[^%w_][%s%]\"']*=[^=]") then
      if found then
        found = nil
        break
      end
      found = number
    end
  end
  return found
end

-- Lua shortens long paths from their beginning.
local function whole_path(text, path)
  local tail, rest = text:match("^%.%.%.(.-)(:%d+:.*)$")
  if tail and path:sub(-#tail) == tail then return path .. rest end
  return text
end

---A message of Lua's with its place taken apart.
---@param text string
---@param path string of the file that was loaded
---@return appsync.server.ResolversFault
local function placed(text, path)
  local name, line, message = whole_path(text, path):match("^([^\n:]-):(%d+): (.*)$")
  if not name then return { path = path, message = text } end
  return { path = name, line = tonumber(line), message = message, text = source.line_of(name, tonumber(line)) }
end

local function check_fields(fields, name)
  if type(fields) ~= "table" then
    return ("%s must be a table of functions, not a %s"):format(name, type(fields)), name
  end
  for field, resolver in pairs(fields) do
    if type(resolver) ~= "function" then
      return ("%s.%s must be a function, not a %s"):format(name, tostring(field), type(resolver)), tostring(field)
    end
  end
end

-- What the file may give beside resolvers.
local OTHERS = {
  authorizer = function(value)
    if type(value) ~= "function" then return ("authorizer must be a function, not a %s"):format(type(value)), "authorizer" end
  end,
  conflict_handlers = check_fields,
  functions = check_fields,
}

-- The resolvers by type and the others; or nil, the message and the name of what is wrong.
local function check(value)
  if type(value) ~= "table" then
    return nil, ("the file must return a table {Query = {field = function(ctx) … end}, …}, not a %s"):format(type(value))
  end
  local by_type = {}
  for name, fields in pairs(value) do
    local check_other = OTHERS[name]
    local message, culprit = (check_other or check_fields)(fields, tostring(name))
    if message then return nil, message, culprit end
    if not check_other then by_type[name] = fields end
  end
  -- A file's table may throw when it is read, so nobody reads it later.
  return by_type, { authorizer = value.authorizer, functions = value.functions, conflict_handlers = value.conflict_handlers }
end

local function by_text(a, b) return tostring(a) < tostring(b) end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys, by_text)
  return keys
end

local function meant(typed, known)
  -- Of two letters anything is near.
  local found = type(typed) == "string" and #typed > 2 and opts.nearest(typed, known)
  return found and (", did you mean '%s'?"):format(found) or ""
end

local function object_types(schema)
  local found = {}
  for name, type_ in pairs(schema.types) do
    if type_.kind == "OBJECT" and not type_.is_builtin then found[name] = type_ end
  end
  return found
end

-- A resolver under a wrong name would never run, and nobody would know why.
local function check_names(type_, type_name, fields, faults)
  for _, field_name in ipairs(sorted_keys(fields)) do
    local resolver = fields[field_name]
    local fault
    if not type_.fields[field_name] then
      fault = ("resolvers: type '%s' has no field '%s'%s"):format(type_name, tostring(field_name),
        meant(field_name, type_.fields))
    elseif type(resolver) ~= "function" then
      fault = ("resolvers: '%s.%s' is not a function"):format(type_name, field_name)
    end
    local path, line
    if fault and type(resolver) == "function" then path, line = resolver_place.of(resolver) end
    if fault then faults[#faults + 1] = { message = fault, path = path, line = line, text = path and source.line_of(path, line) } end
  end
end

---Whether each resolver stands under the name of a field.
---@param by_type table<string, table<string, function>>
---@param schema appsync.server.Schema
---@return true? ok, appsync.server.ResolversFault? fault with the `others`
function resolvers.fit(by_type, schema)
  local faults = {}
  for _, type_name in ipairs(sorted_keys(by_type)) do
    local type_, fields = schema.types[type_name], by_type[type_name]
    if not type_ or type_.kind ~= "OBJECT" then
      faults[#faults + 1] = { message = ("resolvers: '%s' is not an object type of the schema%s"):format(tostring(type_name),
        meant(type_name, object_types(schema))) }
    elseif type(fields) ~= "table" then
      faults[#faults + 1] = { message = ("resolvers: '%s' must be a table of functions"):format(type_name) }
    else
      check_names(type_, type_name, fields, faults)
    end
  end
  local first = table.remove(faults, 1)
  if first then first.others = faults end
  return first == nil or nil, first
end

---Whether each model that wants a conflict handler of one's own has it.
---@param handlers table<string, function>
---@param models appsync.server.Model[]
---@return true? ok, appsync.server.ResolversFault? fault
function resolvers.fit_conflicts(handlers, models)
  for _, m in ipairs(models) do
    local name = m.conflict and m.conflict.resolver
    if name and type(handlers[name]) ~= "function" then
      return nil, { message = ("model '%s' needs the conflict handler 'conflict_handlers.%s', which the resolvers file "
        .. "(--resolvers) doesn't have%s"):format(m.name, name, meant(name, handlers)) }
    end
  end
  return true
end

---Runs the file and checks what it returns.
---@param path string
---@return {by_type: table<string, table<string, function>>, authorizer: function?, functions: table<string, function>?,
---  conflict_handlers: table<string, function>?}? loaded
---@return appsync.server.ResolversFault? fault
function resolvers.load(path)
  local chunk, message, has_text = file.chunk(path)
  if not chunk then return nil, has_text and placed(message, path) or { message = message } end
  local traceback
  local before = time_limit.begin()
  local ok, value = xpcall(chunk, function(thrown)
    traceback = failures.own_frames(debug.traceback("", 2))
    return thrown
  end)
  time_limit.finish(before)
  if not ok then
    local fault = placed(shown(value), path)
    fault.traceback = traceback
    return nil, fault
  end
  local is_read, by_type, others, culprit = pcall(check, value)
  if not is_read or not by_type then
    local line = culprit and line_that_gives(path, culprit)
    return nil, {
      path = path, message = shown(is_read and others or by_type), line = line, text = line and source.line_of(path, line),
    }
  end
  return {
    by_type = by_type, authorizer = others.authorizer, functions = others.functions, conflict_handlers = others.conflict_handlers,
  }
end

return resolvers
