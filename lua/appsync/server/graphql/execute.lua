--- Execution (GraphQL October 2021, section 6): resolvers to the answer's JSON text, fields in the order of the selection.
local coerce = require("appsync.server.graphql.coerce")
local context = require("appsync.server.graphql.context")
local core = require("appsync.core")
local result = require("appsync.server.graphql.result")
local schema = require("appsync.server.graphql.schema")
local selection = require("appsync.server.graphql.selection")

local execute = {}

local NULL, array_mt = core.null, core.array_mt

---@class appsync.server.Execution
---@field schema appsync.server.Schema
---@field resolvers table<string, table<string, function>>[] looked up in this order
---@field fragments table<string, appsync.ast.FragmentDefinition>
---@field variables table<string, any>
---@field identity appsync.server.Identity?
---@field modes {default: string, additional: table?}
---@field gate {allows: fun(identity, modes, type_, field): boolean, refusal: fun(type_name: string, field_name: string): table}
---@field guard appsync.server.Guard? rules of fields beyond the gate's
---@field request {headers: table}
---@field request_id string?
---@field providers table<string, appsync.server.Provider>? of lazy members of a resolver's context
---@field trace appsync.server.Trace?
---@field on_effect (fun(field_name: string, args: table, value: any, x: appsync.server.Execution))? after a mutation's field that
---  was resolved without an error
---@field at {type: appsync.server.Type, field: appsync.server.Field, nodes: appsync.ast.Field[]} whose resolver runs
---@field is_serialized boolean? leaves of the source are in the answer's form already
---@field errors appsync.server.ErrorEntry[]
---@field out string[]
---@field n integer pieces in `out`
---@field path (string|integer)[]
---@field depth integer
---@field n_fields integer? completed so far
---@field collects boolean completed values are built too

--- Is told of every resolver that runs, its parent's resolver first.
---@class appsync.server.Trace
---@field enter fun(self, type_: appsync.server.Type, field: appsync.server.Field, resolver: function, ctx: appsync.server.Context)
---@field leave fun(self, type_: appsync.server.Type, field: appsync.server.Field, ok: boolean, value: any)

--- Rules of fields that depend on more than the mode. `has_field` must not change its mind.
---@class appsync.server.Guard
---@field has_field fun(self, type_name: string, field_name: string): boolean whether `field` is to be asked
---@field field fun(self, type_name: string, field_name: string, ctx: appsync.server.Context) throws or passes

local function write(x, piece)
  local n = x.n + 1
  x.out[n], x.n = piece, n
end

local function copy_path(x)
  local path = {}
  for i = 1, x.depth do path[i] = x.path[i] end
  return path
end

local function push(x, step)
  x.depth = x.depth + 1
  x.path[x.depth] = step
end

local function pop(x)
  x.depth = x.depth - 1
end

local function add_plain_error(x, message)
  x.errors[#x.errors + 1] = { message = message, path = copy_path(x), is_plain = true }
end

-- What a resolver threw: a table {message=, type=, data=, info=}, or anything else, shown as text.
local function add_resolver_error(x, thrown, field, nodes)
  local err = result.thrown(thrown)
  local data = err.data
  if type(data) == "table" then data = selection.restrict(x, data, field.type, nodes) end
  local loc = nodes[1].loc
  x.errors[#x.errors + 1] = {
    message = err.message, path = copy_path(x), errorType = err.type, errorInfo = err.info, data = data,
    locations = { { line = loc.line, column = loc.column } },
  }
end

--- Adds an error at the field whose resolver runs; its value stands.
---@param x appsync.server.Execution
---@param thrown {message: string, type: string?, data: any, info: any}|any
function execute.append_error(x, thrown)
  add_resolver_error(x, thrown, x.at.field, x.at.nodes)
end

-- Takes back what was written after `mark` and leaves a null there.
local function write_null(x, mark)
  x.n = mark
  write(x, "null")
  return NULL, true
end

-- Each completion returns the value, or nil when null must go up to the parent; true as second result when the null has
-- its error already.
local complete, complete_fields

local function complete_non_null(x, ref, value, at)
  local mark = x.n
  local done, has_error = complete(x, ref.of, value, at)
  if done == nil or done == NULL then
    if not has_error then
      -- The service prints 'null' for the name of a list type.
      add_plain_error(x, ("Cannot return null for non-nullable type: '%s' within parent '%s' (%s)"):format(
        ref.of.name or "null", at.parent.name, result.path_label(copy_path(x))))
    end
    x.n = mark
    return nil, true
  end
  return done
end

local function complete_list(x, ref, value, at)
  local mark = x.n
  if type(value) ~= "table" or (value[1] == nil and next(value) ~= nil) then
    add_plain_error(x, ("Can't resolve value (%s) : type mismatch error, expected type LIST"):format(
      result.path_label(copy_path(x))))
    return write_null(x, mark)
  end
  local items = x.collects and setmetatable({}, array_mt) or true
  write(x, "[")
  for i = 1, #value do
    if i > 1 then write(x, ",") end
    push(x, i - 1)
    local done = complete(x, ref.of, value[i], at)
    pop(x)
    if done == nil then return write_null(x, mark) end
    if x.collects then items[i] = done end
  end
  write(x, "]")
  return items
end

local function serialize(x, type_, value)
  if x.is_serialized then return value end
  if type_.kind == "ENUM" then
    if type_.values[value] then return value end
    return nil, ("Invalid input for Enum '%s'. Unknown value '%s'"):format(type_.name, tostring(value))
  end
  return type_.scalar.serialize(value)
end

local function complete_leaf(x, type_, value)
  local done, message = serialize(x, type_, value)
  local ok, text = true, nil
  if done ~= nil then ok, text = pcall(result.leaf, done) end
  if done == nil or not ok then
    message = message or "the text is not UTF-8"
    add_plain_error(x, ("Can't serialize value (%s) : %s"):format(result.path_label(copy_path(x)), message))
    return write_null(x, x.n)
  end
  write(x, text)
  return done
end

local function concrete_type(x, type_, value, at)
  if type_.kind == "OBJECT" then return type_ end
  local name = type(value) == "table" and value.__typename
  if type(name) == "string" and type_.possible[name] then return x.schema.types[name] end
  add_plain_error(x, ("Can't resolve '%s'. Abstract type '%s' must resolve to an Object type at runtime for field "
    .. "'%s.%s'. Could not determine the exact type of '%s'"):format(result.path_label(copy_path(x)), type_.name, at.parent.name,
    at.field.name, type_.name))
  return nil
end

local function complete_object(x, type_, value, at)
  local mark = x.n
  local concrete = concrete_type(x, type_, value, at)
  if not concrete then return write_null(x, mark) end
  local groups = selection.collect(x, concrete, at.nodes)
  local done = complete_fields(x, concrete, value, groups)
  if done == nil then return write_null(x, mark) end
  -- Whoever reads the value again (a subscription) must find its type.
  if x.collects and concrete ~= type_ then done.__typename = concrete.name end
  return done
end

function complete(x, ref, value, at)
  if ref.kind == "NON_NULL" then return complete_non_null(x, ref, value, at) end
  if value == nil or value == NULL then
    write(x, "null")
    return NULL
  end
  if ref.kind == "LIST" then return complete_list(x, ref, value, at) end
  if schema.is_composite(ref) then return complete_object(x, ref, value, at) end
  return complete_leaf(x, ref, value)
end

local function find_resolver(x, type_, name)
  if x.is_serialized then return nil end
  for _, source in ipairs(x.resolvers) do
    local of_type = source[type_.name]
    local found = of_type and of_type[name]
    if found then return found, source.is_builtin end
  end
  if type_ == x.schema.query then return x.schema.meta_resolvers[name], true end
  return nil
end

local function property(source, name)
  if type(source) == "table" then return source[name] end
  return nil
end

local function ask_guard(x, type_, field, ctx)
  x.guard:field(type_.name, field.name, ctx)
end

local function call(x, type_, field, resolver, ctx)
  local trace = x.trace
  if trace then trace:enter(type_, field, resolver, ctx) end
  local ok, value = pcall(resolver, ctx)
  if trace then trace:leave(type_, field, ok, value) end
  if ok and x.on_effect and type_ == x.schema.mutation then x.on_effect(field.name, ctx.arguments, value, x) end
  return ok, value
end

-- The value of a field; false and what was thrown when it failed.
local function resolve(x, type_, field, source, nodes)
  if not x.gate.allows(x.identity, x.modes, type_, field) then
    return false, x.gate.refusal(type_.name, field.name)
  end
  local resolver, is_builtin = find_resolver(x, type_, field.name)
  local is_guarded = x.guard and x.guard.has_field and not x.is_serialized and x.guard:has_field(type_.name, field.name)
  if not resolver and not is_guarded then return true, property(source, field.name) end
  local args, message = coerce.arguments(field.arg_list, nodes[1].arguments, x.variables)
  if not args then return false, { message = message } end
  x.at = { type = type_, field = field, nodes = nodes }
  local ctx = (is_builtin and context.new or context.complete)(x, source, args)
  if is_guarded then
    local ok, refusal = pcall(ask_guard, x, type_, field, ctx)
    if not ok then return false, refusal end
  end
  if resolver then return call(x, type_, field, resolver, ctx) end
  return true, property(source, field.name)
end

local function complete_typename(x, type_)
  write(x, result.leaf(type_.name))
  return type_.name
end

local function complete_field(x, type_, source, group)
  selection.spend(x)
  local nodes = group.nodes
  local name = nodes[1].name
  if name == "__typename" then return complete_typename(x, type_) end
  local field = type_.fields[name] or x.schema.meta_fields[name]
  local ok, value = resolve(x, type_, field, source, nodes)
  if ok then return complete(x, field.type, value, { parent = type_, field = field, nodes = nodes }) end
  add_resolver_error(x, value, field, nodes)
  if field.type.kind == "NON_NULL" then return nil, true end
  return write_null(x, x.n)
end

-- Two aliases of one object field each select a part of it.
local function merge(old, new)
  if type(old) ~= "table" or type(new) ~= "table" then return new end
  for key, value in pairs(new) do old[key] = merge(old[key], value) end
  return old
end

function complete_fields(x, type_, source, groups)
  local values = x.collects and {} or true
  write(x, "{")
  for i, group in ipairs(groups) do
    if i > 1 then write(x, ",") end
    write(x, group.key_text)
    push(x, group.key)
    local done = complete_field(x, type_, source, group)
    pop(x)
    if done == nil then return nil end
    if x.collects then
      local name = group.nodes[1].name
      values[name] = merge(values[name], done)
    end
  end
  write(x, "}")
  return values
end

local function publish(published, group, value)
  if value ~= nil and value ~= NULL then published[#published + 1] = { field = group.nodes[1].name, value = value } end
end

-- Mutations of one document run one after the other, and each is published even when a later one fails.
local function execute_root(x, root, operation, source, published)
  local groups = selection.collect(x, root, { operation })
  write(x, "{")
  for i, group in ipairs(groups) do
    if i > 1 then write(x, ",") end
    write(x, group.key_text)
    push(x, group.key)
    local done = complete_field(x, root, source, group)
    pop(x)
    if x.collects then publish(published, group, done) end
    if done == nil then
      write_null(x, 0)
      return
    end
  end
  write(x, "}")
end

local function add_exhausted(x, operation)
  local loc = operation.loc
  x.errors[#x.errors + 1] = {
    message = selection.exhausted.message, errorType = selection.exhausted.type,
    locations = { { line = loc.line, column = loc.column } },
  }
end

--- Runs a valid operation.
---@param x appsync.server.Execution `schema, resolvers, fragments, variables, identity, modes, request` set
---@param operation appsync.ast.OperationDefinition
---@param source any the root value
---@return string data_text
---@return appsync.server.ErrorEntry[] errors
---@return {field: string, value: any}[] published of a mutation
function execute.run(x, operation, source)
  x.errors, x.out, x.n, x.path, x.depth, x.n_fields = {}, {}, 0, {}, 0, 0
  x.collects = operation.operation == "mutation"
  local published = {}
  local ok, thrown = pcall(execute_root, x, x.schema[operation.operation], operation, source, published)
  if not ok then
    if thrown ~= selection.exhausted then error(thrown, 0) end
    write_null(x, 0)
    add_exhausted(x, operation)
  end
  return table.concat(x.out, "", 1, x.n), x.errors, published
end

return execute
