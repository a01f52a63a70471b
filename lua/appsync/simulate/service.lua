---The service of a simulation: the local server's engine, without a network; it counts which requests took effect.
local core = require "appsync.core"
local engine = require "appsync.server.engine"
local resolver_util = require "appsync.server.resolver_util"

local service = {}

---@class appsync.simulate.Service what `world.server` is, and what the functions of `others` get
---@field package engine appsync.server.Engine
---@field package has_effect boolean of the request that runs
---@field package n_written integer how often somebody else wrote
---@field package publish fun(items: table[])? gives subscribers what mutations have published
local Service = {}
Service.__index = Service

local HANDLERS = { automerge = "AUTOMERGE", optimistic = "OPTIMISTIC_CONCURRENCY", lambda = "LAMBDA" }

---@param options table checked options of the simulation
---@param now fun(): number the service's time, in seconds since 1970
---@return appsync.simulate.Service? service, string? message
function service.new(options, now)
  local self = setmetatable({ has_effect = false, n_written = 0, now = now }, Service)
  local made, err = engine.new({
    schema_text = options.schema_text, schema_name = options.schema_name, resolvers = options.resolvers,
    conflict = options.conflict and { handler = HANDLERS[options.conflict], models = {} } or nil,
    conflict_handlers = options.conflict_handlers, auth_modes = { default = options.auth },
    now = now, uuid = core.uuid, providers = { util = resolver_util.provider({ now = now, uuid = core.uuid }) },
    on_effect = function() self.has_effect = true end,
  })
  if not made then
    local place = err.line and (":%d:%d"):format(err.line, err.column or 1) or ""
    return nil, ("%s%s: %s"):format(options.schema_name, place, err.message)
  end
  self.engine = made
  return self
end

---Forgets all records and subscribers: another schedule begins.
function Service:empty()
  self.publish = nil
  if self.engine.store then self.engine.store:empty() end
  self.n_written = 0
end

local function error_body(kind, message)
  return ('{"errors":[{"errorType":%s,"message":%s}]}'):format(core.encode(kind), core.encode(message))
end

-- Header lines, with the service's time.
local function headers_of(self, more)
  local at = os.date("!%a, %d %b %Y %H:%M:%S GMT", math.floor(self.now()))
  return ("content-type: application/json;charset=UTF-8\ndate: %s\n%s"):format(at, more or "")
end

---Answers a request that was refused before anything was done.
---@param status integer
---@param kind string
---@param more string? header lines
---@return integer status, string headers, string body
function Service:refuse(status, kind, more)
  return status, headers_of(self, ("x-amzn-errortype: %s\n%s"):format(kind, more or "")), error_body(kind, kind)
end

---Answers a request.
---@param body string
---@return integer status, string headers, string body
---@return boolean has_effect a mutation's field was resolved
function Service:answer(body)
  local operation = core.decode(body)
  if type(operation) ~= "table" or type(operation.query) ~= "string" then
    local status, headers, text = self:refuse(400, "MalformedHttpRequestException")
    return status, headers, text, false
  end
  local variables = operation.variables
  if variables == core.null then variables = nil end
  self.has_effect = false
  local json, published = self.engine:execute({
    query = operation.query, variables = variables, operation_name = operation.operationName,
  })
  if not json then
    local status, headers, text = self:refuse(400, published.code)
    return status, headers, text, false
  end
  local has_effect = self.has_effect
  if self.publish then self.publish(published) end
  return 200, headers_of(self), json, has_effect
end

---Answers a query whose fields fail.
---@param body string
---@param kind string
---@param message string
---@return integer status, string headers, string body
function Service:fail(body, kind, message)
  self.engine.inject = function(_, _, is_root) return is_root and { message = message, type = kind } or nil end
  local status, headers, text = self:answer(body)
  self.engine.inject = nil
  return status, headers, text
end

---Begins a subscription.
---@param request appsync.server.Request
---@return appsync.server.Subscription? subscription, appsync.server.ErrorEntry[]? errors
function Service:subscribe(request)
  request.identity = nil -- as everywhere in a simulation: whoever is let in may do all
  return self.engine:subscribe(request)
end

---Runs an operation at once, past the simulated network: to look at the service's records, or to write as somebody else.
---@param document string
---@param variables table?
---@return table? data, table[]? errors
function Service:query(document, variables)
  self.has_effect = false
  local json, published = self.engine:execute({ query = document, variables = variables })
  if not json then return nil, { { message = published.code } } end
  if self.has_effect then self.n_written = self.n_written + 1 end
  if self.publish then self.publish(published) end
  local answer = core.decode(json)
  local data = answer.data
  if data == core.null then data = nil end
  return data, answer.errors
end

function Service:close()
  self.engine:close()
end

return service
