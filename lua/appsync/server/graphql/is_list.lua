local core = require "appsync.core"

---Whether a value is a list: decoded JSON says so by its metatable, a resolver's table by a first item.
---@param value any
---@return boolean
local function is_list(value)
  return type(value) == "table" and (getmetatable(value) == core.array_mt or value[1] ~= nil)
end

return is_list
