--- The resolvers file: a Lua file that returns `{Query = {field = function(ctx) … end}, Mutation = …, Subscription = …,
--- Type = {field = …}, authorizer = function(token, request) … end}`.
local resolvers = {}

-- What was thrown may have a __tostring that throws.
local function shown(thrown)
  local ok, text = pcall(tostring, thrown)
  return ok and text or "an error that can't be shown"
end

local function check_fields(name, fields)
  if type(fields) ~= "table" then
    return ("%s must be a table of functions, not a %s"):format(name, type(fields))
  end
  for field, resolver in pairs(fields) do
    if type(resolver) ~= "function" then
      return ("%s.%s must be a function, not a %s"):format(name, tostring(field), type(resolver))
    end
  end
end

--- Checks the shape; gives the resolvers by type and the authorizer, each nil when it isn't there.
---@param value any what the file returned
---@return table? resolvers, function|string|nil authorizer or the message when the first result is nil
function resolvers.check(value)
  if type(value) ~= "table" then
    return nil, ("a table is expected, not a %s"):format(type(value))
  end
  local by_type = {}
  for name, fields in pairs(value) do
    if name == "authorizer" then
      if type(fields) ~= "function" then
        return nil, ("authorizer must be a function, not a %s"):format(type(fields))
      end
    else
      local fault = check_fields(tostring(name), fields)
      if fault then
        return nil, fault
      end
      by_type[name] = fields
    end
  end
  return by_type, value.authorizer
end

--- Runs the file and checks what it returns.
---@param path string
---@return table? resolvers, function|string|nil authorizer or the message when the first result is nil
function resolvers.load(path)
  local chunk, message = loadfile(path)
  if not chunk then
    return nil, message
  end
  local ok, value = pcall(chunk)
  if not ok then
    return nil, path .. ": " .. shown(value)
  end
  local is_read, by_type, authorizer = pcall(resolvers.check, value)
  if not is_read or not by_type then
    return nil, path .. ": " .. shown(is_read and authorizer or by_type)
  end
  return by_type, authorizer
end

return resolvers
