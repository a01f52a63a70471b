---JSON values: null, lists, text, copies.
local core = require "appsync.core"
local errors = require "appsync.errors"

local json = {}

---@class appsync.Null: lightuserdata
---JSON null: the same value as lua-cjson's `cjson.null`. It is truthy: compare with `==`. It has no name of its own: Lua prints
---it as "userdata: (nil)", "userdata: NULL" or similar, because all light userdata share one metatable, which other libraries
---may set. `appsync.encode(value)` gives "null".
json.null = core.null

---Marks a table as a list, so that an empty one is written as `[]`.
---```lua
---print(appsync.encode{ tags = appsync.array() }) --> {"tags":[]}
---```
---@param t table? default: a new one
---@return table t
function json.array(t)
  if t == nil then t = {} end
  if type(t) ~= "table" then errors.expect(t, "t", "table", "appsync.array") end
  return setmetatable(t, core.array_mt)
end

---Writes a value as JSON text. Throws for a value that JSON can't hold, with the path to it.
---```lua
---print(appsync.encode{ name = "buy milk" }) --> {"name":"buy milk"}
---```
---@param value any
---@return string
function json.encode(value)
  local text, err = core.encode(value)
  if not text then errors.misuse("appsync.encode: %s", err.message) end
  return text
end

---Reads JSON text, such as an AWSJSON field. A lone surrogate, and bytes in a string that aren't UTF-8, become U+FFFD, as in a
---service's answers; a byte order mark at the start is skipped.
---```lua
---local value, err = appsync.decode '{"name": "buy milk", "due": null}'
---if not value then return print(err.message) end
---print(value.name, value.due == appsync.null) --> buy milk true
---```
---@param text string
---@return any value, appsync.Error? err
function json.decode(text)
  if type(text) ~= "string" then errors.expect(text, "text", "string", "appsync.decode") end
  local value, err = core.decode(text, "rounded", "lenient")
  if value ~= nil then return value end
  if err.kind == "system" then return nil, errors.adopt(err) end
  return nil, errors.new("protocol", err.message, { code = "syntax" })
end

local function copy(value, seen)
  if type(value) ~= "table" then return value end
  if seen[value] then return seen[value] end
  local result = {}
  seen[value] = result
  for key, item in pairs(value) do result[copy(key, seen)] = copy(item, seen) end
  return setmetatable(result, getmetatable(value))
end

---Returns a deep copy. Lists keep their mark, and a table that is met twice is copied once.
---```lua
---local data = appsync.assert(client:query(get_todo, { id = "1" }))
---local draft = appsync.copy(data.getTodo)
---draft.name = "buy bread"
---print(data.getTodo.name) --> buy milk
---```
---@generic T
---@param t T
---@return T
function json.copy(t)
  return copy(t, {})
end

return json
