---`headers` of a configuration, a client, of `with`, and of a call: tables, or functions that may wait.
local core = require "appsync.core"
local errors = require "appsync.errors"
local opts = require "appsync.opts"
local task = require "appsync.task"

local headers = {}

local N_SOURCES = 4

---@class appsync.Operation what a headers function gets
---@field kind "query"|"mutation"|"subscription"
---@field name string "" for an anonymous one
---@field variables table
---@field document appsync.Document `tostring` gives its text

-- RFC 9110 section 5.6.2, "token", and what a value may not hold (section 5.5): control characters but the tab.
local NAME = "^[%w!#$%%&'*+%-.^_`|~]+$"
local NOT_IN_VALUE = _VERSION == "Lua 5.1" and "[%z\1-\8\10-\31\127]" or "[\0-\8\10-\31\127]"

-- Lua's own text of a number may have an exponent, and 5.3 gives 5.0 a fraction.
local function text_of(value)
  if type(value) ~= "number" or value - value ~= 0 then return tostring(value) end
  if value == math.floor(value) and value < 2 ^ 53 and value > -2 ^ 53 then return ("%.0f"):format(value) end
  return core.encode(value)
end

-- What is wrong with one header; a value is never shown: it may be a secret.
local function fault_of(name, value)
  if type(name) ~= "string" then return ("a name must be a string, got %s"):format((errors.describe(name))) end
  if not name:find(NAME) then return errors.quoted(name) .. " isn't an HTTP header name" end
  if type(value) ~= "string" and type(value) ~= "number" then
    return ("%s must be a string, got %s"):format(name, (errors.describe(value, true)))
  end
  if tostring(value):find(NOT_IN_VALUE) then return name .. " must not hold a line break or another control character" end
end

---Throws for a table of headers that can't be sent.
---@param given table|function|nil
---@param where string
---@return table|function|nil given
function headers.check(given, where)
  if type(given) ~= "table" or opts.is_callable(given) then return given end
  for name, value in pairs(given) do
    local fault = fault_of(name, value)
    if fault then errors.misuse("%s: headers: %s", where, fault) end
  end
  return given
end

-- What the handshake says itself (RFC 6455 section 4.1), or what would make another request of it.
local OF_HANDSHAKE = {
  connection = true, upgrade = true, ["content-length"] = true, ["transfer-encoding"] = true,
  ["sec-websocket-key"] = true, ["sec-websocket-version"] = true, ["sec-websocket-protocol"] = true,
  ["sec-websocket-extensions"] = true,
}

---Throws for headers that the upgrade of a WebSocket can't have.
---@param given table<string, any>?
---@param where string
---@return table<string, string>? all
function headers.check_upgrade(given, where)
  if given == nil then return nil end
  local all, seen = {}, {}
  for name, value in pairs(headers.check(given, where)) do
    local lower = name:lower()
    if OF_HANDSHAKE[lower] then errors.misuse("%s: headers: %s is the handshake's own", where, name) end
    if seen[lower] then errors.misuse("%s: headers: %s and %s are the same header", where, seen[lower], name) end
    seen[lower] = name
    all[name] = text_of(value)
  end
  return all
end

-- Names differ by more than case (RFC 9110 section 5.1).
local function spelling_of(all, name)
  if all[name] ~= nil then return name end
  local lower = name:lower()
  for other in pairs(all) do
    if other:lower() == lower then return other end
  end
end

local function add(all, given)
  local is_first = next(all) == nil
  for name, value in next, given do -- which calls nothing of the user's
    local fault = fault_of(name, value)
    if fault then return nil, errors.new("usage", "headers: " .. fault) end
    local present = not is_first and spelling_of(all, name)
    if present then all[present] = nil end
    all[name] = text_of(value)
  end
  return all
end

---@return table? all, appsync.Error? err
local function add_from(all, source, operation)
  if not opts.is_callable(source) then return add(all, source) end
  local ok, given, err = task.pcall(source, operation)
  if not ok then
    local raised = given
    return nil, errors.new("usage", "the headers function raised: " .. errors.of_raised(raised).message,
      { raised = raised })
  end
  if given == nil then
    if err ~= nil then return nil, errors.of_raised(err) end
    return all
  end
  if type(given) ~= "table" then
    return nil, errors.new("usage", "the headers function must return a table, got " .. errors.describe(given, true))
  end
  return add(all, given)
end

---Whether a function has to be asked.
---@param sources table the configuration's, the client's, of `with`, of the call
---@return boolean
function headers.are_dynamic(sources)
  for i = 1, N_SOURCES do
    if sources[i] ~= nil and opts.is_callable(sources[i]) then return true end
  end
  return false
end

---@param sources table
---@return boolean whether there is any source at all
function headers.are_given(sources)
  for i = 1, N_SOURCES do
    if sources[i] then return true end
  end
  return false
end

---The headers of one operation; the later source wins. May wait.
---@param sources table
---@param operation appsync.Operation
---@return table? all nil when there are none, appsync.Error? err
function headers.of(sources, operation)
  local all
  for i = 1, N_SOURCES do
    local source = sources[i]
    if source then
      local err
      all, err = add_from(all or {}, source, operation)
      if not all then return nil, err end
    end
  end
  return all
end

---Whether they authenticate by themselves.
---@param all table?
---@return boolean
function headers.authenticate(all)
  for name in pairs(all or {}) do
    local lower = name:lower()
    if lower == "authorization" or lower == "x-api-key" then return true end
  end
  return false
end

-- What says who asks, or may.
local SECRET = {
  authorization = true, ["x-api-key"] = true, cookie = true, ["proxy-authorization"] = true, ["x-amz-security-token"] = true,
}

---Whether they have what belongs to one user, and into no store.
---@param all table?
---@return boolean
function headers.have_secrets(all)
  for name in pairs(all or {}) do
    if SECRET[name:lower()] then return true end
  end
  return false
end

---Whether what is known of them without asking anybody does.
---@param sources table
---@return boolean
function headers.tables_authenticate(sources)
  for i = 1, N_SOURCES do
    if sources[i] and not opts.is_callable(sources[i]) and headers.authenticate(sources[i]) then return true end
  end
  return false
end

return headers
