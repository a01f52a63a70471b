---The resolvers of fields with @function: each function of the chain is given what the one before it gave (Amplify
---documentation, "Lambda resolvers", "Chaining functions").
local bindings = require "appsync.server.functions.bindings"
local core = require "appsync.core"
local lambda_error = require "appsync.server.functions.lambda_error"
local lambda_event = require "appsync.server.functions.lambda_event"
local printable = require "appsync.printable"

local function_fields = {}

---@class appsync.server.FunctionStep
---@field name string as the schema has it
---@field is_event boolean its answer isn't waited for

---@class appsync.server.FunctionChain
---@field type string
---@field field string
---@field steps appsync.server.FunctionStep[]

local function not_bound(name)
  local short = name:gsub("%-?%${env}", "")
  return lambda_error.not_found(("Function not found: nothing is bound to '%s'. Bind it with --function %s=COMMAND, or to a Lua "
    .. "function in 'functions' of the resolvers file."):format(name, short))
end

local function resolver(chain, world)
  return function(ctx)
    local prev = {}
    for _, step in ipairs(chain.steps) do
      local bound = world.bindings:find(step.name, world.functions)
      if not bound then error(not_bound(step.name), 0) end
      local json, why = lambda_event.encode(ctx, chain, prev)
      if not json then error(lambda_error.unhandled("the event can't be written as JSON: " .. why.message), 0) end
      if step.is_event then
        world.bindings:send(bound, json)
        prev = { success = true }
      else
        local answer = world.bindings:call(bound, json, chain.type ~= world.subscription)
        if answer.err then error(answer.err, 0) end
        prev = answer.value
      end
    end
    if prev == core.null then return nil end
    return prev
  end
end

---Puts the resolvers of chains among the generated ones.
---@param generated table<string, table<string, function>> by type and field; is changed
---@param chains appsync.server.FunctionChain[]
---@param world {bindings: appsync.server.FunctionBindings?, functions: table<string, function>?, subscription: string?} the name of
---  the subscription type: a subscription that begins can't be waited for
function function_fields.attach(generated, chains, world)
  local complete = {
    bindings = world.bindings or bindings.new(), functions = world.functions, subscription = world.subscription,
  }
  for _, chain in ipairs(chains) do
    generated[chain.type] = generated[chain.type] or {}
    generated[chain.type][chain.field] = resolver(chain, complete)
  end
end

---The fields of chains, by type.
---@param chains appsync.server.FunctionChain[]
---@return table<string, table<string, appsync.server.FunctionChain>>
function function_fields.by_type(chains)
  local out = {}
  for _, chain in ipairs(chains) do
    out[chain.type] = out[chain.type] or {}
    out[chain.type][chain.field] = chain
  end
  return out
end

local function add(list, seen, name)
  if not seen[name] then seen[name], list[#list + 1] = true, name end
end

---The names that nothing is bound to though fields need them, and those that are bound and that no field needs.
---@param chains appsync.server.FunctionChain[]
---@param world {bindings: appsync.server.FunctionBindings?, functions: table<string, function>?}
---@param own table<string, table<string, function>> resolvers of the user's: their fields call no function
---@return string[] unbound in the order of the schema
---@return string[] unused in order
function function_fields.check(chains, world, own)
  local known = world.bindings or bindings.new()
  local unbound, unused, seen, used = {}, {}, {}, {}
  for _, chain in ipairs(chains) do
    local has_own = (own[chain.type] or {})[chain.field] ~= nil
    for _, step in ipairs(chain.steps) do
      local bound, spelling = known:find(step.name, world.functions)
      if spelling then used[spelling] = true end
      if not bound and not has_own then add(unbound, seen, step.name) end
    end
  end
  for _, map in ipairs({ known.commands, world.functions or {} }) do
    for name in pairs(map) do
      if not used[name] then add(unused, used, name) end
    end
  end
  table.sort(unused)
  return unbound, unused
end

local function quoted(names)
  local shown = {}
  for i, name in ipairs(names) do shown[i] = "'" .. printable.escaped(name) .. "'" end
  return table.concat(shown, ", ")
end

---What people should know of an engine's functions: whole lines, or none.
---@param engine {unbound: string[], unused: string[]}
---@return string
function function_fields.notes(engine)
  local text = ""
  if #engine.unbound > 0 then
    text = ("note: @function: nothing is bound to %s; such fields answer with an error (--function NAME=COMMAND, or 'functions' of "
      .. "the resolvers file)\n"):format(quoted(engine.unbound))
  end
  if #engine.unused > 0 then text = text .. ("note: @function: no field uses %s\n"):format(quoted(engine.unused)) end
  return text
end

return function_fields
