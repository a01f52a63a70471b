---@function: the chains of functions that resolve fields (Amplify documentation, "Lambda resolvers"). Where a function runs
---(`region`, `accountId`) means nothing here.
local directives = require "appsync.schema.directives"

local fail = directives.fail

local function_directive = {}

-- What Amplify makes of a function that isn't waited for.
local EVENT_TYPE = "EventInvocationResponse"

local function is_operation(world, type_name)
  return world.is_root[type_name] and type_name ~= world.roots.subscription
end

-- One step of a chain; the error where it can't be one.
local function read_step(world, type_name, directive)
  local given, err = world.reader:read(directive)
  if not given then return nil, err end
  if given.name == "" then return fail(directive.loc, "@function's 'name' is empty") end
  local is_event = given.invocationType == "Event"
  if is_event and not is_operation(world, type_name) then
    return fail(directive.loc, "@function's 'invocationType: Event' is only for fields of Query and Mutation")
  end
  return { name = given.name, is_event = is_event }
end

local function read_field(world, type_name, field)
  local chain, last = { type = type_name, field = field.name, steps = {} }, nil
  for _, directive in ipairs(field.directives or {}) do
    if directive.name == "function" then
      local step, err = read_step(world, type_name, directive)
      if not step then return nil, err end
      last = directive
      chain.steps[#chain.steps + 1] = step
    end
  end
  if last and chain.steps[#chain.steps].is_event and field.type.name ~= EVENT_TYPE then
    return fail(last.loc, "a field whose last @function has 'invocationType: Event' must return %s { success: Boolean! }", EVENT_TYPE)
  end
  return chain
end

local IS_OBJECT = { ObjectTypeDefinition = true, ObjectTypeExtension = true }

---Fills the world's `functions`.
---@param world appsync.server.Survey
---@return true? ok, appsync.server.SchemaError? err
function function_directive.read(world)
  world.functions = {}
  if not world.reader.definitions["function"] then return true end
  return directives.each(world.document.definitions, function(node)
    for _, field in ipairs(node.fields or {}) do
      local directive = not IS_OBJECT[node.kind] and directives.find(field.directives or {}, "function")
      if directive then return fail(directive.loc, "@function is only for fields of object types, and '%s' isn't one", node.name) end
      local chain, err = read_field(world, node.name, field)
      if not chain then return nil, err end
      if #chain.steps > 0 then table.insert(world.functions, chain) end
    end
    return true
  end)
end

return function_directive
