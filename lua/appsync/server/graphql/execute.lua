---Execution (GraphQL October 2021, section 6): resolvers to the answer's JSON text, fields in the order of the selection.
local coerce = require "appsync.server.graphql.coerce"
local core = require "appsync.core"
local leaves = require "appsync.server.graphql.leaves"
local plan = require "appsync.server.graphql.plan"
local resolver_context = require "appsync.server.graphql.resolver_context"
local result = require "appsync.server.graphql.result"
local selection = require "appsync.server.graphql.selection"
local read_thrown = require("appsync.server.graphql.thrown").read
local shared = require "appsync.server.graphql.shared"
local waiting = require "appsync.server.waiting"

local execute = {}

local pcall = waiting.pcall
local NULL, array_mt = core.null, core.array_mt

---@class appsync.server.Execution
---@field schema appsync.server.Schema
---@field resolvers table<string, table<string, function>>[] looked up in this order
---@field fragments table<string, appsync.ast.FragmentDefinition>
---@field variables table<string, any>
---@field plans table<appsync.ast.OperationDefinition, table> of the document; for `plan.of`
---@field plan appsync.server.Plan of the operation
---@field verdicts table<appsync.server.PlannedField, boolean> what the gate said
---@field identity appsync.server.Identity? who asks
---@field shown_identity table? the same as resolvers see it
---@field modes {default: string, additional: table?}
---@field gate {allows: fun(identity, modes, type_, field): boolean, refusal: fun(type_name: string, field_name: string): table}
---@field guard appsync.server.Guard? rules of fields beyond the gate's
---@field request {headers: table}
---@field request_id string?
---@field providers table<string, appsync.server.Provider>? of lazy members of a resolver's context
---@field trace appsync.server.Trace?
---@field on_effect (fun(field_name: string, args: table, value: any, x: appsync.server.Execution))? after a mutation's field that
---  was resolved without an error
---@field at appsync.server.PlannedField whose resolver runs
---@field inject (fun(type_name: string, field_name: string, is_root: boolean): table?)? a fault: what the field throws
---@field is_serialized boolean? leaves of the source are in the answer's form already
---@field errors appsync.server.ErrorEntry[]
---@field out string[]
---@field n integer pieces in `out`
---@field path (string|integer)[]
---@field depth integer
---@field n_fields integer? steps so far, see `selection.spend`
---@field n_paths integer? of selections, for resolvers
---@field collects boolean completed values are built too
---@field resolved any of the last root field

---What a mutation's field gives to subscribers.
---@class appsync.server.Published
---@field field string
---@field value any the result, restricted to the mutation's selection set
---@field record table? what the result was made of, where rules of @auth hold

---Is told of every resolver that runs, its parent's resolver first.
---@class appsync.server.Trace
---@field enter fun(self, type_: appsync.server.Type, field: appsync.server.Field, resolver: function, ctx: appsync.server.Context)
---@field leave fun(self, type_: appsync.server.Type, field: appsync.server.Field, ok: boolean, value: any)

---Rules of fields that depend on more than the mode. `has_field` must not change its mind.
---@class appsync.server.Guard
---@field has_field fun(self, type_name: string, field_name: string): boolean whether `field` is to be asked
---@field field fun(self, type_name: string, field_name: string, ctx: appsync.server.Context) throws or passes

local function write(x, piece)
  local n = x.n + 1
  x.out[n], x.n = piece, n
end

-- An error's path is a part of the answer.
local function copy_path(x)
  local path = {}
  selection.spend(x, x.depth)
  for i = 1, x.depth do
    local step = x.path[i]
    if type(step) == "string" then selection.spend_text(x, step) end
    path[i] = step
  end
  return path
end

local function add_plain_error(x, message)
  x.errors[#x.errors + 1] = { message = message, path = copy_path(x), is_plain = true }
end

-- What a resolver threw: a table {message=, type=, data=, info=}, or anything else, shown as text.
local function add_resolver_error(x, thrown, field)
  local err = read_thrown(thrown)
  local data = err.data
  if type(data) == "table" then data = selection.restrict(x, data, field.field.type, field.nodes) end
  if data ~= nil then
    local text = core.encode(data)
    if text then selection.spend_text(x, text) end
  end
  local loc = field.nodes[1].loc
  x.errors[#x.errors + 1] = {
    message = err.message, path = copy_path(x), errorType = err.type, errorInfo = err.info, data = data,
    locations = { { line = loc.line, column = loc.column } },
  }
end

---Adds an error at the field whose resolver runs; its value stands.
---@param x appsync.server.Execution
---@param thrown {message: string, type: string?, data: any, info: any}|any
function execute.append_error(x, thrown)
  add_resolver_error(x, thrown, x.at)
end

-- Takes back what was written after `mark` and leaves a null there.
local function write_null(x, mark)
  x.n = mark
  write(x, "null")
  return NULL, true
end

-- Each completion returns the value, or nil when null must go up to the parent; true as second result when the null has
-- its error already.
local complete_fields
local completers = {}

-- The service prints 'null' for the name of a list type.
local function add_null_error(x, completion, field)
  add_plain_error(x, ("Cannot return null for non-nullable type: '%s' within parent '%s' (%s)"):format(
    completion.type.name or "null", field.type.name, result.path_label(copy_path(x))))
end

local function complete(x, completion, value, field)
  local mark = x.n
  local done, has_error
  if value == nil or value == NULL then
    done = NULL
    write(x, "null")
  else
    done, has_error = completers[completion.kind](x, completion, value, field)
  end
  if completion.is_required and (done == nil or done == NULL) then
    if not has_error then add_null_error(x, completion, field) end
    x.n = mark
    return nil, true
  end
  return done, has_error
end

function completers.list(x, completion, value, field)
  local mark = x.n
  if type(value) ~= "table" or (value[1] == nil and next(value) ~= nil) then
    add_plain_error(x, ("Can't resolve value (%s) : type mismatch error, expected type LIST"):format(
      result.path_label(copy_path(x))))
    return write_null(x, mark)
  end
  selection.spend(x, #value)
  local items = x.collects and setmetatable({}, array_mt) or true
  local of, depth, path = completion.of, x.depth + 1, x.path
  write(x, "[")
  for i = 1, #value do
    if i > 1 then write(x, ",") end
    x.depth, path[depth] = depth, i - 1
    local done = complete(x, of, value[i], field)
    x.depth = depth - 1
    if done == nil then return write_null(x, mark) end
    if x.collects then items[i] = done end
  end
  write(x, "]")
  return items
end

function completers.leaf(x, completion, value)
  local text, message, done
  if x.is_serialized then
    text, message = leaves.text(value)
    done = value
  else
    text, message, done = completion.text(value)
  end
  if text then
    selection.spend_text(x, text)
    write(x, text)
    return done
  end
  add_plain_error(x, ("Can't serialize value (%s) : %s"):format(result.path_label(copy_path(x)), message))
  return write_null(x, x.n)
end

local function concrete_type(x, type_, value, field)
  if type_.kind == "OBJECT" then return type_ end
  local name = type(value) == "table" and value.__typename
  if type(name) == "string" and type_.possible[name] then return x.schema.types[name] end
  add_plain_error(x, ("Can't resolve '%s'. Abstract type '%s' must resolve to an Object type at runtime for field "
    .. "'%s.%s'. Could not determine the exact type of '%s'"):format(result.path_label(copy_path(x)), type_.name,
    field.type.name, field.name, type_.name))
  return nil
end

local function passes_gate(x, field)
  local verdict = x.verdicts[field]
  if verdict == nil then
    verdict = x.gate.allows(x.identity, x.modes, field.type, field.field)
    x.verdicts[field] = verdict
  end
  return verdict
end

-- Whether the gate lets through all that is selected: then the text is the same for everybody.
local function is_open(x, planned)
  local verdict = x.verdicts[planned]
  if verdict == nil then
    verdict = true
    for i = 1, planned.n do verdict = verdict and (planned[i].typename_text ~= nil or passes_gate(x, planned[i])) end
    x.verdicts[planned] = verdict
  end
  return verdict
end

-- The text of a value that nobody changes is kept, if it has no errors: those belong to their place in one answer.
local function complete_shared(x, planned, value)
  local text = shared.text(planned, value)
  if text then
    selection.spend(x, planned.n)
    selection.spend_text(x, text)
    write(x, text)
    return true
  end
  local mark, n_errors = x.n, #x.errors
  local done = complete_fields(x, planned, value)
  if done ~= nil and #x.errors == n_errors then
    text = table.concat(x.out, "", mark + 1, x.n)
    shared.keep(planned, value, text)
    x.n = mark
    write(x, text)
  end
  return done
end

function completers.object(x, completion, value, field)
  local mark, type_ = x.n, completion.type
  local concrete = concrete_type(x, type_, value, field)
  if not concrete then return write_null(x, mark) end
  local planned = field.selections[concrete] or plan.selection(x, field, concrete)
  local done
  if planned.is_plain and not x.collects and not x.is_serialized and shared.is(value) and is_open(x, planned) then
    done = complete_shared(x, planned, value)
  else
    done = complete_fields(x, planned, value)
  end
  if done == nil then return write_null(x, mark) end
  -- Whoever reads the value again (a subscription) must find its type.
  if x.collects and concrete ~= type_ then done.__typename = concrete.name end
  return done
end

local function property(source, name)
  if type(source) == "table" then return source[name] end
  return nil
end

-- True when the field is to be null without an error.
local function ask_guard(x, field, ctx)
  return x.guard:field(field.type.name, field.name, ctx)
end

local function call(x, field, ctx)
  local trace, resolver = x.trace, field.resolver
  if trace then trace:enter(field.type, field.field, resolver, ctx) end
  local ok, value = pcall(resolver, ctx)
  if trace then trace:leave(field.type, field.field, ok, value) end
  if ok and x.on_effect and field.type == x.schema.mutation then x.on_effect(field.name, ctx.arguments, value, x) end
  return ok, value
end

-- A resolver of the user's may change what it is given; what others are given must stay as it is.
local function own_copies(x, source, args)
  local function spend(n) selection.spend(x, n) end
  -- Variables are of all fields.
  return shared.is(source) and shared.copy(source, spend) or source, shared.copy(args, spend)
end

-- What rules and resolver make of a field; false and what was thrown when it failed.
local function resolve(x, field, source)
  selection.spend(x, field.arguments.n_values)
  local args, message = coerce.planned(field.arguments, x.variables)
  if not args then return false, { message = message } end
  x.at = field
  local is_plain = field.is_builtin or not field.resolver
  if not is_plain then source, args = own_copies(x, source, args) end
  local ctx = (is_plain and resolver_context.new or resolver_context.complete)(x, source, args)
  if field.is_guarded then
    local ok, refusal = pcall(ask_guard, x, field, ctx)
    if not ok then return false, refusal end
    if refusal == true then return true, NULL end
  end
  if field.resolver then return call(x, field, ctx) end
  return true, property(source, field.name)
end

local function complete_field(x, field, source)
  selection.spend(x, field.n_steps)
  if field.typename_text then
    write(x, field.typename_text)
    return field.type.name
  end
  local ok, value = true, nil
  local injected = x.inject and x.inject(field.type.name, field.name, x.depth == 1)
  if injected then
    ok, value = false, injected
  elseif not passes_gate(x, field) then
    ok, value = false, x.gate.refusal(field.type.name, field.name)
  elseif (field.resolver or field.is_guarded) and not x.is_serialized then
    ok, value = resolve(x, field, source)
  elseif type(source) == "table" then
    value = source[field.name]
  end
  if x.depth == 1 then x.resolved = ok and value or nil end
  if ok then return complete(x, field.completion, value, field) end
  add_resolver_error(x, value, field)
  if field.completion.is_required then return nil, true end
  return write_null(x, x.n)
end

-- Two aliases of one object field each select a part of it.
local function merge(old, new)
  if type(old) ~= "table" or type(new) ~= "table" then return new end
  for key, value in pairs(new) do old[key] = merge(old[key], value) end
  return old
end

function complete_fields(x, planned, source)
  local values = x.collects and {} or true
  local depth, path = x.depth + 1, x.path
  write(x, "{")
  for i = 1, planned.n do
    local field = planned[i]
    write(x, field.key_text)
    x.depth, path[depth] = depth, field.key
    local done = complete_field(x, field, source)
    x.depth = depth - 1
    if done == nil then return nil end
    if x.collects then values[field.name] = merge(values[field.name], done) end
  end
  write(x, "}")
  return values
end

-- Rules of @auth compare the record as it was resolved: the result shows of an owner the name alone.
local function note_published(x, published, field, value)
  if value == nil or value == NULL then return end
  local record = x.guard and type(x.resolved) == "table" and x.resolved or nil
  published[#published + 1] = { field = field.name, value = value, record = record }
end

-- What a resolver returned may throw when it is read: it has metamethods, or nests too deep. That is an error where it
-- stands, of a value that is none.
local function complete_root(x, field, source)
  local mark = x.n
  local ok, done = pcall(complete_field, x, field, source)
  if ok then return done end
  if done == selection.exhausted then error(done, 0) end
  add_resolver_error(x, done, field)
  if field.completion.is_required then return nil end
  return (write_null(x, mark))
end

-- Mutations of one document run one after the other, and each is published even when a later one fails.
local function execute_root(x, planned, source, published)
  write(x, "{")
  for i = 1, planned.n do
    local field = planned[i]
    write(x, field.key_text)
    x.depth, x.path[1] = 1, field.key
    local done = complete_root(x, field, source)
    x.depth = 0
    if x.collects then note_published(x, published, field, done) end
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

local function plan_and_execute(x, operation, source, published)
  x.plan = plan.of(x, operation)
  -- The gate's answer to an API key is the same for everybody who has one.
  local kept, identity = x.plan.verdicts, x.identity
  if not identity then
    x.verdicts = kept.of_all
  else
    x.verdicts = identity.mode == "API_KEY" and kept.of_key or {}
  end
  execute_root(x, x.plan.root, source, published)
end

-- Pieces and paths of the last execution, for the next one: growing lists anew for each answer costs more than all of a
-- short answer. An execution inside a resolver finds none and makes its own.
local MAX_SPARE = 2048
local spare_out, spare_path

local function take_spare(x)
  x.out, x.path = spare_out or {}, spare_path or {}
  spare_out, spare_path = nil, nil
end

local function body_of(x)
  x.out[1] = result.before_data .. x.out[1]
  write(x, result.after_data(x.errors))
  local text = table.concat(x.out, "", 1, x.n)
  if x.n <= MAX_SPARE and #text <= 65536 then spare_out, spare_path = x.out, x.path end
  x.out = nil
  return text
end

---Runs a valid operation.
---@param x appsync.server.Execution `schema, resolvers, fragments, variables, identity, modes, request` set
---@param operation appsync.ast.OperationDefinition
---@param source any the root value
---@return string body
---@return appsync.server.ErrorEntry[] errors
---@return appsync.server.Published[] published of a mutation
function execute.run(x, operation, source)
  take_spare(x)
  x.errors, x.n, x.depth, x.n_fields = {}, 0, 0, 0
  x.collects = operation.operation == "mutation"
  local published = {}
  local ok, thrown = pcall(plan_and_execute, x, operation, source, published)
  if not ok then
    if thrown ~= selection.exhausted then error(thrown, 0) end
    write_null(x, 0)
    add_exhausted(x, operation)
  end
  return body_of(x), x.errors, published
end

return execute
