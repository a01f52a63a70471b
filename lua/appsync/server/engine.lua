---The GraphQL half of the local server: a schema, resolvers and a store; requests in, answers out. It knows no network.
local coerce = require "appsync.server.graphql.coerce"
local core = require "appsync.core"
local execute = require "appsync.server.graphql.execute"
local extensions = require "appsync.server.realtime.extensions"
local field_auth = require "appsync.server.auth.field_auth"
local store_file = require "appsync.server.data.store_file"
local function_fields = require "appsync.server.functions.function_fields"
local guarded_fields = require "appsync.server.auth.guarded_fields"
local identity = require "appsync.server.auth.identity"
local introspect = require "appsync.server.graphql.introspect"
local load_schema = require "appsync.server.transform.load"
local model_guard = require "appsync.server.auth.model_guard"
local model_resolvers = require "appsync.server.data.operations"
local plugin_api = require "appsync.server.transform.plugin_api"
local print_schema = require "appsync.server.graphql.print_schema"
local resolver_failures = require "appsync.server.resolver_failures"
local resolvers = require "appsync.server.resolvers"
local query_length = require "appsync.server.graphql.query_length"
local result = require "appsync.server.graphql.result"
local root_fields = require "appsync.server.graphql.root_fields"
local search_query = require "appsync.server.search.search_query"
local seed = require "appsync.server.data.seed"
local store = require "appsync.server.data.store"
local subscription_operation = require "appsync.server.realtime.subscription_operation"
local tables = require "appsync.server.data.tables"
local timestamp = require "appsync.server.data.timestamp"
local unresolved = require "appsync.server.develop.unresolved"
local validate = require "appsync.server.graphql.validate"

---@class appsync.server.Engine
---@field schema appsync.server.Schema
---@field models appsync.server.Model[]
---@field store appsync.server.Store? nil while nothing asked for one
---@field guard table?
---@field trace appsync.server.Trace? may be set at any time
---@field on_effect function? likewise
---@field inject (fun(type_name: string, field_name: string, is_root: boolean): table?)? while a fault is played
---@field unbound string[] names of @function that nothing is bound to
---@field unused string[] names that something is bound to and that no field needs
---@field private options appsync.server.EngineOptions
---@field private resolvers table[]
---@field private providers table<string, appsync.server.Provider>
---@field private events table<string, {model: appsync.server.Model, event: table}> of models, by subscription field
---@field private modes {default: string, additional: table?}
---@field private young table<string, table> documents by query text, used lately
---@field private old table<string, table> and before that
---@field private n_young integer
---@field private n_bytes integer of their texts
local Engine = {}
Engine.__index = Engine

local engine = {}

-- Of one generation of prepared documents; a prepared one is much larger than its text.
local CACHED_DOCUMENTS = 500
local CACHED_BYTES = 1048576
local MAX_CACHED_BYTES = 65536

local function store_error(options, message, code)
  local path = tostring(options.store or ":memory:")
  return { kind = store_file.kind(code), code = code, message = ("store '%s': %s"):format(path, message) }
end

local function open_store(options)
  local opened, message, code = store.open(options.store or ":memory:", options.open_database)
  if not opened then return nil, store_error(options, message, code) end
  return opened
end

-- What the user's conflict handlers, and functions of @function, throw is told as what resolvers throw.
local function watched(options, name, timeout_s)
  local own = { [name] = options[name] or {} }
  if options.on_failure or timeout_s then own = resolver_failures.watched(own, options.on_failure, timeout_s) end
  return own[name]
end

-- What of an engine is made of texts and files, and made anew when they change: not the store, and nobody's connection.
local function load_program(options, given)
  local opened = given
  local s, models = load_schema(options.schema_text, {
    modes = options.auth_modes, transforms = options.transforms, transformer = options.transformer,
    conflict = options.conflict,
  })
  if not s then return nil, models end
  local ok, err = resolvers.fit(options.resolvers or {}, s)
  if ok then ok, err = resolvers.fit_conflicts(options.conflict_handlers or {}, models) end
  if not ok then return nil, err end
  local rules = model_guard.of(models)
  local guard = options.guard or rules
  local generated = { is_builtin = true }
  if opened or options.store or #models > 0 then
    if not opened then
      opened, err = open_store(options)
      if not opened then return nil, err end
    end
    local code
    generated, err, code = model_resolvers.build(models, opened, {
      now = options.now or core.wall, lag_ms = options.lag_ms, uuid = options.uuid or core.uuid, query = s.query.name,
      mutation = s.mutation and s.mutation.name, guard = guard, search = search_query.resolver,
      conflict_handlers = watched(options, "conflict_handlers", options.resolver_timeout),
    })
    if not generated then
      if not given then opened:close() end
      return nil, store_error(options, err, code)
    end
    if guard then guarded_fields.attach(generated, models, guard, s) end
    if rules then
      rules:cover(options.resolvers or {}, s)
      rules:cover(function_fields.by_type(models.functions), s)
    end
  end
  local functions = { bindings = options.function_bindings, functions = watched(options, "functions", options.function_timeout),
    subscription = s.subscription and s.subscription.name }
  function_fields.attach(generated, models.functions, functions)
  local unbound, unused = function_fields.check(models.functions, functions, options.resolvers or {})
  local own = plugin_api.merge(options.resolvers or {}, models, generated)
  if options.on_failure or options.resolver_timeout then
    own = resolver_failures.watched(own, options.on_failure, options.resolver_timeout)
  end
  return {
    schema = s, models = models, store = opened, guard = guard, events = subscription_operation.events(models),
    unbound = unbound, unused = unused, resolvers = { own, generated, introspect.resolvers },
    modes = field_auth.modes(s, options.auth_modes, rules ~= nil),
  }
end

-- The tables of resolvers; the store that they are in is opened when a resolver asks for it first.
local function resolver_tables(self)
  return tables.new({
    models = self.models, now = self.options.now or core.wall,
    store = function()
      if not self.store then
        local opened, err = open_store(self.options)
        if not opened then error(err, 0) end
        self.store = opened
      end
      return self.store
    end,
  })
end

local function all_providers(self, own)
  local known
  local function provide_tables()
    known = known or resolver_tables(self)
    return known
  end
  local providers = { extensions = extensions.provide, tables = provide_tables }
  for name, provide in pairs(own or {}) do providers[name] = provide end
  return providers
end

local function adopt(self, options, program)
  self.guard = nil
  for name, value in pairs(program) do self[name] = value end
  self.options, self.young, self.old, self.n_young, self.n_bytes = options, {}, {}, 0, 0
  self.providers, self.trace, self.on_effect = all_providers(self, options.providers), options.trace, options.on_effect
  return self
end

---@class appsync.server.EngineOptions
---@field schema_text string SDL, with Amplify's directives
---@field schema_name string? for messages
---@field transforms appsync.server.Plugin[]? directives of the user's own
---@field transformer appsync.server.Transformer?
---@field resolvers table<string, table<string, function>>? by type and field
---@field functions table<string, function>? of @function, by name
---@field function_timeout number? seconds that a Lua function of @function may take
---@field function_bindings appsync.server.FunctionBindings? the commands of @function
---@field conflict appsync.server.ConflictSettings? which models are versioned; nil: none
---@field conflict_handlers table<string, fun(event: table): table>? of versioned models whose handler is LAMBDA
---@field store string|appsync.server.Store? a file, or ":memory:" (the default), or a store that is open already
---@field now (fun(): number)? seconds since 1970
---@field lag_ms (fun(): number)? how much too old reads of versioned models are now; default: not at all
---@field uuid (fun(): string)?
---@field auth_modes appsync.server.AuthModes?
---@field open_database (fun(path: string): table?, string?, string?)? how the store opens SQLite
---@field guard table? rules of models and fields: asked by the generated operations and by `execute`
---@field providers table<string, appsync.server.Provider>? members of a resolver's context that are made when they are read
---@field trace appsync.server.Trace? told of every resolver that runs
---@field on_failure (fun(failure: appsync.server.ResolverFailure))? what the user's resolvers and plug-ins throw
---@field resolver_timeout number? seconds that a resolver may take; default 30 where `on_failure` is given, else any
---@field on_effect (fun(field_name: string, args: table, value: any, x: appsync.server.Execution))? after a mutation's field that
---  was resolved without an error

---Makes an engine.
---@param options appsync.server.EngineOptions
---@return appsync.server.Engine? engine, {message: string, line: integer?, column: integer?}? err
function engine.new(options)
  local opened = type(options.store) == "table" and options.store or nil
  local program, err = load_program(options, opened)
  if not program then return nil, err end
  return adopt(setmetatable({}, Engine), options, program)
end

---Puts another schema, other resolvers or whatever else `changes` names in the place of what was; the store stays open.
---Subscriptions that live keep the schema that they began with. When something is wrong, all stays as it was.
---@param changes appsync.server.EngineOptions only what changes, not the store
---@return true? ok, {message: string, line: integer?, column: integer?}? err
function Engine:reload(changes)
  local options = {}
  for name, value in pairs(self.options) do options[name] = value end
  for name, value in pairs(changes) do options[name] = value end
  local program, err = load_program(options, self.store)
  if not program then return nil, err end
  adopt(self, options, program)
  return true
end

---Puts records into the store: a JSON text, `{"Todo": [{…}, …]}`. Those whose key is there already are left alone.
---@param text string
---@param name string of the text's file, for messages
---@return {created: integer, kept: integer}? counts
---@return {message: string}? err names file, record and field; the store is as it was
function Engine:seed(text, name)
  local now = self.options.now or core.wall
  local counts, message = seed.load({
    schema = self.schema, models = self.models, store = self.store,
    stamp = function() return timestamp(now()) end,
  }, text, name)
  if not counts then return nil, { message = message } end
  return counts
end

---Closes the store.
function Engine:close()
  if self.store then self.store:close() end
  self.store = nil
end

---Root fields that nothing answers, a line for each root type that has some.
---@return string[] notes
function Engine:unresolved()
  return unresolved(self.schema, self.resolvers)
end

---The served schema as SDL.
---@return string
function Engine:print_schema()
  return print_schema(self.schema)
end

local function syntax_error(query, err)
  -- Nothing is wrong with its tokens: it is too deep or too large.
  local about = err.message:match("^The document .*")
  if about then
    about = about:gsub(" %(line %d+, column %d+%)$", "")
    return { message = ("Invalid Syntax : %s at line %d column %d"):format(about, err.line, err.column),
      locations = { { line = err.line, column = err.column } }, is_plain = true }
  end
  local at, line = 1, 1
  while line < err.line do
    local _, stop = query:find("\r?\n", at)
    if not stop then break end
    at, line = stop + 1, line + 1
  end
  -- Columns count code points.
  for _ = 2, err.column do
    local _, stop = query:find("^[^\128-\191][\128-\191]*", at)
    if not stop then break end
    at = stop + 1
  end
  local rest = query:sub(at)
  local token = rest:match("^[%a_][%w_]*") or rest:match("^%d+") or rest:match("^[^%s][\128-\191]*") or "<EOF>"
  return { message = ("Invalid Syntax : offending token '%s' at line %d column %d"):format(token, err.line, err.column),
    locations = { { line = err.line, column = err.column } }, is_plain = true }
end

local function as_entries(faults)
  local entries = {}
  for i, fault in ipairs(faults) do
    local locations = {}
    for j, loc in ipairs(fault.locs) do locations[j] = { line = loc.line, column = loc.column } end
    entries[i] = { message = fault.message, locations = locations, is_plain = true }
  end
  return entries
end

local function prepare(self, query)
  if query_length.is_exceeded(query) then
    return { errors = { { message = query_length.message, is_plain = true } }, operations = {}, by_name = {} }
  end
  local document, err = core.parse(query)
  if not document then return { errors = { syntax_error(query, err) }, operations = {}, by_name = {} } end
  local prepared = { fragments = {}, operations = {}, by_name = {}, plans = {}, about = {} }
  for _, node in ipairs(document.definitions) do
    if node.kind == "FragmentDefinition" then
      prepared.fragments[node.name] = node
    elseif node.kind == "OperationDefinition" then
      table.insert(prepared.operations, node)
      if node.name then prepared.by_name[node.name] = node end
    end
  end
  local faults = validate.document(self.schema, document)
  if #faults > 0 then prepared.errors = as_entries(faults) end
  return prepared
end

-- Two generations of prepared documents: what was not asked for while the young one filled up is dropped.
local function prepared_for(self, query)
  local prepared = self.young[query]
  if prepared then return prepared end
  prepared = self.old[query] or prepare(self, query)
  if #query > MAX_CACHED_BYTES then return prepared end
  if self.n_young >= CACHED_DOCUMENTS or self.n_bytes >= CACHED_BYTES then
    self.old, self.young, self.n_young, self.n_bytes = self.young, {}, 0, 0
  end
  self.young[query], self.n_young, self.n_bytes = prepared, self.n_young + 1, self.n_bytes + #query
  return prepared
end

local function given(value)
  if value == core.null or value == "" then return nil end
  return value
end

---@return appsync.ast.OperationDefinition? operation, appsync.server.ErrorEntry? err
local function choose(prepared, name)
  if not name then
    local operation = prepared.operations[1]
    if operation then return operation end
    return nil, { message = "The document holds no operation.", is_plain = true }
  end
  local operation = prepared.by_name[name]
  if operation then return operation end
  return nil, { message = ("Unknown operation named '%s'."):format(tostring(name)), is_plain = true }
end

-- Everything up to running: the execution and the operation, or errors. All members of an execution are named here, so
-- that its table is made in one piece.
local function begin(self, request, prepared)
  if prepared.errors then return nil, prepared.errors end
  local operation, err = choose(prepared, given(request.operation_name))
  if not operation then return nil, { err } end
  local variables, fault = coerce.variables(self.schema, operation, request.variables)
  if not variables then
    return nil, { { message = fault.message, is_plain = true,
      locations = { { line = fault.loc.line, column = fault.loc.column } } } }
  end
  return {
    schema = self.schema, resolvers = self.resolvers, fragments = prepared.fragments, plans = prepared.plans,
    variables = variables, modes = self.modes, gate = field_auth, request = { headers = request.headers or {} }, asked = request,
    identity = request.identity, shown_identity = identity.shown(request.identity),
    request_id = request.request_id or core.uuid(), guard = self.guard, providers = self.providers, trace = self.trace,
    on_effect = self.on_effect, events = self.events, inject = self.inject,
    errors = nil, out = nil, n = 0, path = nil, depth = 0, n_fields = 0, n_paths = 0, collects = false, plan = nil, verdicts = nil,
    at = nil, resolved = nil, context_metatable = nil,
  }, operation
end

local function lacks_name(request, prepared)
  if #prepared.operations < 2 or given(request.operation_name) then return false end
  for _, operation in ipairs(prepared.operations) do
    if not operation.name then return false end
  end
  return true
end

---@class appsync.server.Request
---@field query string
---@field variables table? decoded JSON
---@field operation_name string?
---@field identity appsync.server.Identity? nil: everything is allowed
---@field headers table<string, string>?
---@field request_id string?

---Runs a query or mutation.
---@param request appsync.server.Request
---@return string? json_text the answer's body; nil when the caller must answer with the error of the second result
---@return (appsync.server.Published|{invalidates: string, payload: table})[]|{code: string} published what subscribers are
---  offered, and then which of them end; or why there is no body
---@return appsync.server.ErrorEntry[]? errors of the answer
function Engine:execute(request)
  local prepared = prepared_for(self, request.query)
  if lacks_name(request, prepared) then return nil, { code = "missing_operation_name" } end
  local x, operation = begin(self, request, prepared)
  if not x then return result.body("null", operation), {}, operation end
  if operation.operation == "subscription" then
    local loc = operation.loc
    local errors = { {
      message = "Subscriptions are not served over HTTP; use the realtime endpoint.", errorType = "OperationNotSupported",
      locations = { { line = loc.line, column = loc.column } },
    } }
    return result.body("null", errors), {}, errors
  end
  local body, errors, published = execute.run(x, operation, nil)
  if x.invalidations then
    for _, invalidation in ipairs(x.invalidations) do published[#published + 1] = invalidation end
  end
  return body, published, errors
end

---What a request asks for; nil when its text can't be read, has no such operation, or several of which none is named.
---@param request {query: string, operation_name: string?}
---@return {operation: "query"|"mutation"|"subscription", name: string?, fields: string[]}? about shared, not to be changed
function Engine:operation_of(request)
  local prepared = prepared_for(self, request.query)
  local operation = choose(prepared, given(request.operation_name))
  if not operation or lacks_name(request, prepared) then return nil end
  local about = prepared.about[operation]
  if not about then
    about = { operation = operation.operation, name = operation.name, fields = root_fields(operation, prepared.fragments) }
    prepared.about[operation] = about
  end
  return about
end

---Begins a subscription.
---@param request appsync.server.Request
---@return appsync.server.Subscription? subscription, appsync.server.ErrorEntry[]? errors
function Engine:subscribe(request)
  local prepared = prepared_for(self, request.query)
  if lacks_name(request, prepared) then
    return nil, { { message = "Missing operation name.", errorType = "BadRequestException" } }
  end
  local x, operation = begin(self, request, prepared)
  if not x then return nil, operation end
  if operation.operation ~= "subscription" then
    return nil, { { message = "Only subscriptions are served over the realtime endpoint.",
      errorType = "OperationNotSupported" } }
  end
  local made, errors = subscription_operation.new(x, operation)
  -- What asks again when the schema has changed.
  if made then made.request = request end
  return made, errors
end

return engine
