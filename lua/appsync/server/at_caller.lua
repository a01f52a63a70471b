---Functions of the server's that a resolver calls: what they throw names the line of the resolver's, not one of theirs.
local resolver_place = require "appsync.server.develop.resolver_place"

local at_caller = {}

---The same function. What it throws in words has the place of its caller in front, as Lua's own complaints have; an error
---object stays as it is. At most five arguments and two results.
---@generic T: function
---@param fn T
---@return T
function at_caller.wrap(fn)
  return function(a, b, c, d, e)
    local ok, value, more = pcall(fn, a, b, c, d, e)
    if ok then return value, more end
    local words = resolver_place.without_ours(value)
    if words then error(words, 2) end
    error(value, 0)
  end
end

---The functions of a table, wrapped; whatever else is in it stays as it is.
---@generic T: table
---@param members T is changed
---@return T
function at_caller.wrap_all(members)
  for name, value in pairs(members) do
    if type(value) == "function" then members[name] = at_caller.wrap(value) end
  end
  return members
end

return at_caller
