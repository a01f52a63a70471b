---The opaque `nextToken` of pages: where the page ended, and of what.
local core = require "appsync.core"
local refuse = require "appsync.server.data.refuse"

local token = {}

local VERSION = 1

---@param of string what is paged; a token of anything else is refused
---@param position (string|number)[]
---@return string
function token.encode(of, position)
  return core.base64(core.encode({
    version = VERSION, of = of, after = setmetatable({ (table.unpack or unpack)(position) }, core.array_mt), -- luacheck: compat
  }))
end

local function is_position(value, n)
  if type(value) ~= "table" or #value ~= (n or #value) then return false end
  for _, part in ipairs(value) do
    if type(part) ~= "string" and type(part) ~= "number" then return false end
  end
  return true
end

---The position of a token; throws for one that is not ours or of something else.
---@param of string
---@param text string
---@param n integer? values of a position; nil: whoever asks counts them
---@return (string|number)[]
function token.decode(of, text, n)
  local json = core.unbase64(text)
  local value = json and core.decode(json)
  if type(value) ~= "table" or value.version ~= VERSION then return refuse.token() end
  if value.of ~= of then return refuse.token("It is of another operation, or of other keys.") end
  if not is_position(value.after, n) then return refuse.token() end
  return value.after
end

return token
