--- @function: the chains of functions that resolve fields (Amplify documentation, "Lambda resolvers"). Where a function runs
--- (`region`, `accountId`) means nothing here.
local directives = require("appsync.server.graphql.directives")

local fail = directives.fail

local function_directive = {}

-- What Amplify makes of a function that isn't waited for.
local EVENT_TYPE = "EventInvocationResponse"

local function check_event(world, type_name, field, directive)
  if not world.is_root[type_name] or type_name == world.roots.subscription then
    return fail(directive.loc, "@function's 'invocationType: Event' is only for fields of Query and Mutation")
  elseif field.type.name ~= EVENT_TYPE then
    return fail(directive.loc, "a field whose last @function has 'invocationType: Event' returns %s { success: Boolean! }", EVENT_TYPE)
  end
  return true
end

local function read_field(world, type_name, field)
  local chain = { type = type_name, field = field.name, steps = {} }
  for _, directive in ipairs(field.directives or {}) do
    if directive.name == "function" then
      local given, err = world.reader:read(directive)
      if not given then return nil, err end
      if given.name == "" then return fail(directive.loc, "@function's 'name' is empty") end
      chain.last = directive
      chain.steps[#chain.steps + 1] = { name = given.name, is_event = given.invocationType == "Event" }
    end
  end
  local last = chain.steps[#chain.steps]
  if last and last.is_event then
    local ok, err = check_event(world, type_name, field, chain.last)
    if not ok then return nil, err end
  end
  chain.last = nil
  return chain
end

--- Fills the world's `functions`.
---@param world appsync.server.Survey
---@return true? ok, appsync.server.SchemaError? err
function function_directive.read(world)
  world.functions = {}
  if not world.reader.definitions["function"] then return true end
  return directives.each(world.document.definitions, function(node)
    if node.kind ~= "ObjectTypeDefinition" and node.kind ~= "ObjectTypeExtension" then return true end
    for _, field in ipairs(node.fields or {}) do
      local chain, err = read_field(world, node.name, field)
      if not chain then return nil, err end
      if #chain.steps > 0 then table.insert(world.functions, chain) end
    end
    return true
  end)
end

return function_directive
