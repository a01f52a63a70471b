---What a function of the user's has thrown: anything, whose metamethods may throw again.
local core = require "appsync.core"

local thrown = {}

local function show(value)
  return value == core.null and "null" or tostring(value) -- Lua shows null as an address
end

---A value as text.
---@param value any
---@return string
function thrown.text(value)
  local ok, text = pcall(show, value)
  return ok and text or "an error that can't be shown"
end

local function read(value)
  if type(value) == "table" then
    return { message = show(value.message or "The resolver failed"), type = value.type or value.errorType,
      data = value.data, info = value.info or value.errorInfo }
  end
  local text = show(value)
  local rest = text:match("^[^\n]-%.lua:%d+: (.*)$") or text:match('^%[string "[^\n]-"%]:%d+: (.*)$')
  if rest and not rest:find("^attempt to ") and not rest:find("^bad argument ") then text = rest end
  return { message = text }
end

---What a resolver threw as a table {message=, type=, data=, info=}. The place that Lua puts before a text is taken off,
---except from Lua's own complaints, where it is what one needs.
---@param value any
---@return {message: string, type: any, data: any, info: any}
function thrown.read(value)
  local ok, err = pcall(read, value)
  if ok then return err end
  return { message = "The resolver failed with an error that can't be shown" }
end

return thrown
