---Error objects (what the world does) and misuse (what the program does).
local printable = require "appsync.printable"

local errors = {}

---@alias appsync.ErrorKind
---| "network" # the service wasn't reached, or the connection was lost
---| "timeout" # no answer within the time given
---| "cancelled" # the task was cancelled
---| "http" # an HTTP status that isn't a success
---| "graphql" # the answer has GraphQL errors
---| "auth" # refused for its authorization, or there is none to send
---| "conflict" # another version is on the server
---| "storage" # the store can't be used
---| "protocol" # an answer that can't be understood
---| "usage" # the call can't be made as asked
---| "closed" # the client is closed
---| "system" # out of memory, descriptors or threads

---@class appsync.Error
---@field kind appsync.ErrorKind
---@field message string one line, without secrets
---@field retryable boolean whether the same call may succeed later
---@field code string? a stable word, such as "api_key_expired"
---@field status integer? HTTP status
---@field errors table[]? the GraphQL `errors` as received
---@field error_type string? AppSync's `errorType` of the first error
---@field data any the data as received
---@field cause any
---@field response table?
---@field sent boolean? the request may have reached the service
---@field queued boolean? only the wait has ended: the mutation is in the outbox
---@field id string? of a mutation that was queued
---@field raised any what a function raised
local Error = {}
Error.__index = Error
Error.__name = "appsync.error"

function Error:__tostring()
  return printable.text(self.kind) .. ": " .. printable.text(self.message)
end

function Error.__concat(a, b)
  return printable.text(a) .. printable.text(b)
end

---@param kind appsync.ErrorKind
---@param message string made one line of printable text
---@param fields table? further fields; becomes the object
---@return appsync.Error
function errors.new(kind, message, fields)
  local err = fields or {}
  err.kind, err.message = kind, printable.line(printable.text(message))
  if err.retryable == nil then err.retryable = kind == "network" or kind == "timeout" end
  return setmetatable(err, Error)
end

---@param what string the call
---@return appsync.Error of kind "timeout"
function errors.timed_out(what)
  return errors.new("timeout", what .. " took longer than its timeout")
end

---Turns the plain table that C hands over into an error object, in place.
---@param plain table?
---@return appsync.Error?
function errors.adopt(plain)
  if plain == nil then return nil end
  plain.retryable = plain.retryable or false
  return setmetatable(plain, Error)
end

---The same for an error of the service that isn't complete: its `errors` become a list, whose first one has the type.
---@param plain table?
---@return appsync.Error?
function errors.of_service(plain)
  local list = plain and plain.errors
  if type(list) ~= "table" then return errors.adopt(plain) end
  if list[1] == nil and next(list) ~= nil then list = { list } end -- the service sends a single object too
  plain.errors = list
  local first = list[1]
  if type(first) == "table" and type(first.errorType) == "string" then plain.error_type = first.errorType end
  return errors.adopt(plain)
end

---@return boolean
function errors.is(value)
  return getmetatable(value) == Error
end

---The error object for something that a user's function raised or returned as its error.
---@param raised any
---@param kind appsync.ErrorKind?
---@return appsync.Error
function errors.of_raised(raised, kind)
  if errors.is(raised) then return raised end
  local message = printable.text(raised):match("^[^\r\n]*")
  return errors.new(kind or "usage", message, { raised = raised })
end

-- Where this library's own files are, to find the user's line on the stack.
local own_sources = debug.getinfo(1, "S").source:match("^(@.*[/\\])errors%.lua$")

---@return boolean
---@param source string of `debug.getinfo`
---@return boolean whether it is a file of this library
local function is_own(source)
  return own_sources ~= nil and source:sub(1, #own_sources) == own_sources
end

errors.is_own = is_own

---The first line on the stack that isn't this library's.
---@param co thread? whose stack, when it is suspended; nil: the running one
---@return string place "file:line", "" when there is none
function errors.place(co)
  local level = co and 0 or 2
  while true do
    local at
    if co then at = debug.getinfo(co, level, "Sl") else at = debug.getinfo(level, "Sl") end
    if not at then return "" end
    if at.what ~= "C" and at.what ~= "tail" and at.currentline > 0 and not is_own(at.source) then
      return at.short_src .. ":" .. at.currentline
    end
    level = level + 1
  end
end

---Throws for a programming error, at the user's line.
---@param format string
function errors.misuse(format, ...)
  local place = errors.place()
  local message = select("#", ...) > 0 and format:format(...) or format
  if place ~= "" then message = place .. ": " .. message end
  error(printable.line(message), 0)
end

---For what a function of the core returned beside nil: misuse is thrown at the user's line, anything else becomes an
---error object.
---@param plain table?
---@param where string? the function's name
---@return appsync.Error?
function errors.of_core(plain, where)
  if plain ~= nil and plain.kind == "usage" then
    errors.misuse("%s%s", where and where .. ": " or "", plain.message)
  end
  return errors.adopt(plain)
end

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" }

---A text in quotes, as Lua's source has it, on one line and on every Lua the same (`%q` isn't).
---@param text string
---@return string
function errors.quoted(text)
  local escaped = text:gsub('[%c"\\]', function(c) return ESCAPES[c] or ("\\%03d"):format(c:byte()) end)
  return '"' .. escaped .. '"'
end

---What was given, for a message: the type, and the value when it is short.
---@param value any
---@param is_secret boolean?
---@return string
function errors.describe(value, is_secret)
  local kind = type(value)
  if kind == "nil" then return "nothing" end
  if kind == "userdata" and printable.text(value) == "null" then return "null" end
  if is_secret then return kind end
  if kind == "string" then
    if #value > 40 then return ("a string of %d bytes"):format(#value) end
    return errors.quoted(value)
  end
  if kind == "number" or kind == "boolean" then return kind .. " " .. tostring(value) end
  return "a " .. kind
end

---Throws unless the value has one of the types.
---@param value any
---@param name string
---@param accepted string a type name of Lua
---@param where string? the function's name
function errors.expect(value, name, accepted, where)
  if type(value) ~= accepted then
    errors.misuse("%s%s must be a %s, got %s", where and where .. ": " or "", name, accepted,
      (errors.describe(value)))
  end
end

---Raises the error as text when there is one, otherwise returns its arguments. The built-in `assert` misses an error that comes
---with partial data, and the PUC 5.1 interpreter can't show a table.
---```lua
---local data = appsync.assert(client:query(list_todos))
---print(#data.listTodos.items) --> 1
---```
function errors.assert(...)
  local value, err = ...
  if err ~= nil then error(printable.text(err), 2) end
  if value == nil and select("#", ...) == 0 then errors.misuse("assert: value expected") end
  return ...
end

return errors
