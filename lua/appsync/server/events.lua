---What the listener tells and the clock brings, handled one after the other.
local core = require "appsync.core"
local host = require "appsync.server.http.host"
local response_headers = require "appsync.server.http.response_headers"
local secrets = require "appsync.server.develop.secrets"
local waiting = require "appsync.server.waiting"

---@class appsync.server.Server
local Server = {}

---On loopback, pages that have their name resolve to it are told apart by the names that are known. Whoever listens for
---others is asked by any name.
---@private
---@param names string[]?
function Server:allow_hosts(names)
  self.allowed_hosts = {}
  for _, name in ipairs(names or {}) do
    self.allowed_hosts[host.name(name) or name:lower()] = true
  end
  if not host.is_local_address(self.host) then
    self.allowed_hosts["*"] = true
  end
end

-- The collector waits for a multiple of what is in use: of large answers, each of which was several texts, that is a lot.
local MAX_UNCOLLECTED_BYTES, LARGE_ANSWER = 33554432, 1048576

---@private
function Server:respond(id, status, headers, body)
  self.listener:respond(id, status, headers, body)
  if #body < LARGE_ANSWER then return end
  self.n_uncollected_bytes = (self.n_uncollected_bytes or 0) + #body
  if self.n_uncollected_bytes >= MAX_UNCOLLECTED_BYTES then
    self.n_uncollected_bytes = 0
    collectgarbage()
  end
end

local handlers = {}

---Tells the request log of an answer.
---@private
function Server:record(event, began, status, body)
  local request, errors = event.request or {}, event.errors
  local about = request.query and self.engine:operation_of(request) or {}
  local identity = request.identity or {}
  local message = errors and errors[1] and errors[1].message or (status >= 400 and body:match('"message":"([^"]*)"') or nil)
  self.on_record({
    kind = "request", at = self.now(), method = event.method, path = event.path, status = status, bytes = #body,
    ms = (self.clock() - began) * 1000, operation = about.operation, name = about.name, fields = about.fields,
    identity = identity.mode, user = identity.username, request_id = request.request_id,
    n_errors = errors and #errors or (status >= 400 and 1 or 0),
    error = message and secrets.hide(tostring(message), secrets.of(request)),
  })
end

-- The answer to a request event.
---@private
function Server:answer(event)
  local began = self.on_record and self.clock()
  local ok, status, headers, body = waiting.pcall(self.endpoint.handle, self.endpoint, event)
  if not ok then
    self.log("a request could not be handled: " .. tostring(status))
    status, headers, body = 500, { ["content-type"] = "text/plain" }, "internal error\n"
  end
  if began then
    self:guarded("the request log", self.record, self, event, began, status, body)
  end
  return status, headers, body
end

-- Whether the Host header is one that this server has no answer for; it is told so.
---@private
function Server:refuses_host(event)
  local name = event.headers.host
  if name ~= nil and name == self.good_host then return false end
  local message = host.refusal(name, self.allowed_hosts)
  if not message then
    self.good_host = name -- most clients say the same each time
    return false
  end
  local body = ('{"errors":[{"errorType":"ForbiddenException","message":%s}]}'):format(core.encode(message))
  local sent = response_headers.json(core.uuid(), { ["x-amzn-errortype"] = "ForbiddenException" })
  sent["access-control-allow-origin"] = nil -- the page that asks so is none that may read this
  self:respond_refusal(event, 403, sent, body)
  return true
end

---@private
function Server:respond_refusal(event, status, headers, body)
  self.listener:respond(event.id, status, headers, body)
  if self.on_record then
    self:guarded("the request log", self.record, self, event, self.clock(), status, body)
  end
end

local FULL = "answers wait for clients that read them too slowly, more than there is room for: requests are refused with 503"
local FULL_BODY = '{"errors":[{"errorType":"ServiceUnavailableException","message":'
  .. '"Too many answers wait for clients that read them too slowly."}]}'

-- Whether there is room for no more answers: what would be answered isn't run either.
---@private
function Server:refuses_for_room(event)
  local is_full = self.listener:is_full()
  if is_full ~= (self.is_full or false) then
    self.is_full = is_full
    self.log(is_full and FULL or "there is room for answers again")
  end
  if is_full then
    local sent = { ["x-amzn-errortype"] = "ServiceUnavailableException", ["retry-after"] = "1" }
    self:respond_refusal(event, 503, response_headers.json(core.uuid(), sent), FULL_BODY)
  end
  return is_full
end

function handlers.request(self, event)
  if event.is_control then
    self.listener:respond(event.id, self.control:handle(event))
  elseif self:refuses_host(event) or self:refuses_for_room(event) then
    return
  elseif self.faults then
    self.faults.requests:handle(event, function() return self:answer(event) end)
  else
    self:respond(event.id, self:answer(event))
  end
end

---What one client caused must not end the server for all.
---@private
function Server:guarded(what, fn, ...)
  local ok, value = pcall(fn, ...)
  if ok then return value end
  self.log(("%s could not be handled: %s"):format(what, tostring(value)))
end

function handlers.upgrade(self, event)
  if event.is_control then
    self.listener:reject(event.id, 404, { ["content-type"] = "text/plain" }, "There is no WebSocket at this port.\n")
  elseif self:refuses_host(event) then
    return
  elseif self.faults then
    self.faults.wires:upgrade(event, function(seen) self.sockets:upgrade(seen) end)
  else
    self.sockets:upgrade(event)
  end
end

function handlers.message(self, event)
  if self.tracer then
    self.tracer:message(event.id, event.text)
  end
  if self.faults then
    self.faults.wires:message(event, function(seen) waiting.run(self.sockets.message, self.sockets, seen) end)
  else
    self.sockets:message(event)
  end
end

function handlers.close(self, event)
  if self.faults then
    self.faults.wires:closed(event)
  end
  self.sockets:closed(event)
end

function handlers.signal(self)
  self.is_stopping = true
end

function handlers.output(self, event)
  self.processes:output(event)
end

function handlers.exit(self, event)
  self.processes:exit(event)
end

-- What may call a function that is a process.
local MAY_WAIT = { request = true, message = true }

local FAILURE = '{"errors":[{"errorType":"InternalFailure","message":"An internal failure occurred."}]}'

-- Who asked and got no answer because of a fault here is told so: else he would wait for ever.
---@private
function Server:handle(event)
  local ok, thrown = waiting.pcall(handlers[event.type], self, event)
  if ok then return end
  self.log(("%s could not be handled: %s"):format(event.type, tostring(thrown)))
  if event.type == "request" or event.type == "upgrade" then
    local sent = response_headers.json(core.uuid(), { ["x-amzn-errortype"] = "InternalFailure" })
    if not self.listener:respond(event.id, 500, sent, FAILURE) then
      self.listener:close(event.id, 1011, "internal error")
    end
  end
end

-- The nearer of two times to wait; nil is for ever.
local function sooner(timeout_s, due)
  if due and (not timeout_s or due < timeout_s) then return due end
  return timeout_s
end

---Waits for events, at most that long, and handles them.
---@param timeout_s number? nil: until something happens
function Server:step(timeout_s)
  timeout_s = sooner(timeout_s, self:guarded("the time", self.sockets.tick, self.sockets))
  if self.reload then
    timeout_s = sooner(timeout_s, self:guarded("the reload", self.reload.tick, self.reload, self.clock()))
  end
  if self.auth_reload then
    timeout_s = sooner(timeout_s, self:guarded("the reload", self.auth_reload.tick, self.auth_reload, self.clock()))
  end
  if self.faults then
    timeout_s = sooner(timeout_s, self:guarded("a fault", self.faults.timers.tick, self.faults.timers))
  end
  if self.processes then
    timeout_s = sooner(timeout_s, self:guarded("a function's time", self.processes.tick, self.processes))
  end
  for _, event in ipairs(self.listener:poll(timeout_s)) do
    if self.processes and MAY_WAIT[event.type] then
      waiting.run(self.handle, self, event)
    else
      self:handle(event)
    end
  end
end

return Server
