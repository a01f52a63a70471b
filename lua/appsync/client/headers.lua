---`headers` of a configuration, a client, of `with`, and of a call: tables, or functions that may wait.
local errors = require "appsync.errors"
local task = require "appsync.task"

local headers = {}

local N_SOURCES = 4

---@class appsync.Operation what a headers function gets
---@field kind "query"|"mutation"|"subscription"
---@field name string "" for an anonymous one
---@field variables table
---@field document appsync.Document `tostring` gives its text

local function add(all, given)
  for name, value in pairs(given) do
    if type(name) ~= "string" or (type(value) ~= "string" and type(value) ~= "number") then
      return nil, errors.new("usage", ("headers: %s must be a string, got %s"):format(tostring(name), type(value)))
    end
    all[name] = tostring(value)
  end
  return all
end

---@return table? all, appsync.Error? err
local function add_from(all, source, operation)
  if type(source) == "table" then return add(all, source) end
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
    return nil, errors.new("usage", "the headers function must return a table, got " .. type(given))
  end
  return add(all, given)
end

---Whether a function has to be asked.
---@param sources table the configuration's, the client's, of `with`, of the call
---@return boolean
function headers.are_dynamic(sources)
  for i = 1, N_SOURCES do
    if type(sources[i]) == "function" then return true end
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

return headers
