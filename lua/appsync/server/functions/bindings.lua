---What the names of @function are bound to: a Lua function of the resolvers file, or a command.
local core = require "appsync.core"
local lambda_error = require "appsync.server.functions.lambda_error"
local thrown = require "appsync.server.graphql.thrown"
local time_limit = require "appsync.server.time_limit"
local waiting = require "appsync.server.waiting"

---@class appsync.server.FunctionBindings
---@field commands table<string, appsync.server.Command>
---@field timeout_s number? of Lua functions, whom somebody else ends; default 30
---@field processes appsync.server.Processes? while there is a server
local Bindings = {}
Bindings.__index = Bindings

local bindings = {}

---@param commands table<string, appsync.server.Command>?
---@return appsync.server.FunctionBindings
function bindings.new(commands)
  return setmetatable({ commands = commands or {} }, Bindings)
end

-- Amplify puts the environment's name in the place of `${env}`; here there is none.
local function spellings(name)
  return { name, (name:gsub("%-%${env}", "")), (name:gsub("%${env}", "")) }
end

local function find(name, map)
  for _, spelling in ipairs(spellings(name)) do
    if map[spelling] then return map[spelling], spelling end
  end
end

---What a name is bound to: a command before a Lua function, as the command line is nearer than a file.
---@param name string
---@param functions table<string, function>? of the resolvers file
---@return function|appsync.server.Command|nil bound
---@return string? spelling that it is bound by
function Bindings:find(name, functions)
  local command, spelling = find(name, self.commands)
  if command then return command, spelling end
  return find(name, functions or {})
end

local function call_lua(fn, json, timeout_s)
  local ok, value = pcall(fn, core.decode(json))
  if not ok and value == time_limit.error then return { err = lambda_error.timed_out(core.wall(), timeout_s or time_limit.default_s) } end
  if not ok then return { err = lambda_error.unhandled(thrown.read(value).message) } end
  if value == nil then value = core.null end
  local err = lambda_error.of(value)
  return err and { err = err } or { value = value }
end

---Calls what a name is bound to, and waits for its answer.
---@param bound function|appsync.server.Command
---@param json string the event
---@param may_wait boolean
---@return appsync.server.FunctionAnswer
function Bindings:call(bound, json, may_wait)
  if type(bound) == "function" then return call_lua(bound, json, self.timeout_s) end
  if not may_wait or not self.processes or not waiting.is_possible() then
    return { err = lambda_error.unhandled("a function that is a process can't be called here; bind a Lua function to it") }
  end
  return waiting.wait(function(done) self.processes:invoke(bound, json, done) end)
end

---Calls a command and doesn't wait.
---@param bound function|appsync.server.Command
---@param json string
function Bindings:send(bound, json)
  if type(bound) == "function" then
    call_lua(bound, json)
  elseif self.processes then
    self.processes:send(bound, json)
  end
end

return bindings
