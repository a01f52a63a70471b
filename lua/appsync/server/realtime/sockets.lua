---All WebSockets of the server: accepts them, hands them their messages, keeps their time, fans mutations out.
local handshake = require "appsync.server.realtime.handshake"
local realtime = require "appsync.server.realtime.appsync_ws"
local subscribers = require "appsync.server.realtime.subscribers"
local transport_ws = require "appsync.server.realtime.transport_ws"
local waiting = require "appsync.server.waiting"

---@class appsync.server.Sockets
---@field subscribers appsync.server.Subscribers
---@field private settings table
---@field private of_connections table the settings as what connections inherit
---@field private open table<number, table> connections by the listener's id
---@field private next_sweep number
---@field private n_overflows integer sockets that read too slowly, as far as they were told
local Sockets = {}
Sockets.__index = Sockets

local sockets = {}

-- The service closes a connection after a day, asks clients to give up after five minutes without a message, and accepts
-- 200 subscriptions on one connection (AppSync endpoints and quotas; "Building a real-time WebSocket client").
local DEFAULTS = { ka_s = 60, max_subscriptions = 200, connection_timeout_ms = 300000, max_age_s = 24 * 3600 }

---`settings`: listener, engine, authorize, execute(operation), clock (function, seconds), log(text), and ka_s,
---max_subscriptions, connection_timeout_ms, max_age_s, which have the service's values; an `observer` is told what happens:
---opened(id, event, hello), sent(id, text), received(id, connection, text), closed(event); on_cause(field) which mutation's
---field causes the events from now on, nil: none.
---@param settings table
---@return appsync.server.Sockets
function sockets.new(settings)
  local all = {}
  for name, value in pairs(DEFAULTS) do all[name] = value end
  for name, value in pairs(settings) do all[name] = value end
  all.subscribers = subscribers.new(settings.log)
  return setmetatable({ settings = all, of_connections = { __index = all }, subscribers = all.subscribers, open = {},
    next_sweep = math.huge, n_overflows = 0 }, Sockets)
end

---@private
function Sockets:settings_of(id)
  local listener, observer = self.settings.listener, self.settings.observer
  local function send(text) listener:send(id, text) end
  local function observed_send(text)
    observer:sent(id, text)
    listener:send(id, text)
  end
  return setmetatable({
    send = observer and observed_send or send,
    close = function(code, reason) listener:close(id, code, reason) end,
  }, self.of_connections)
end

---An upgrade event of the listener.
---@param event table
function Sockets:upgrade(event)
  local listener = self.settings.listener
  local hello = handshake.read(event)
  if not hello then
    listener:reject(event.id, 404, { ["content-type"] = "text/plain" }, "There is no WebSocket at this path.\n")
    return
  elseif not listener:accept(event.id, hello.protocol) then
    return
  end
  local observer = self.settings.observer
  if observer then
    observer:opened(event.id, event, hello)
  end
  local protocol = hello.protocol == "graphql-transport-ws" and transport_ws or realtime
  local ok, connection = pcall(protocol.new, self:settings_of(event.id), hello)
  if not ok then
    self.settings.log("a WebSocket could not be opened: " .. tostring(connection))
    listener:close(event.id, 1011, "internal error")
    if observer then
      observer:closed({ id = event.id, code = 1011, reason = "internal error" })
    end
    return
  end
  connection.ends_at = self.settings.clock() + self.settings.max_age_s
  self.open[event.id] = connection
  self.next_sweep = math.min(self.next_sweep, connection.due, connection.ends_at)
end

---A message event of the listener.
---@param event table
function Sockets:message(event)
  local connection = self.open[event.id]
  if not connection then return end
  local ok, message = waiting.pcall(connection.on_message, connection, event.text)
  if not ok then
    local text, hide = "a message could not be handled: " .. tostring(message), self.settings.hide
    self.settings.log(hide and hide(text, event.text) or text)
    self.settings.listener:close(event.id, 1011, "internal error")
  end
  if self.settings.observer then
    self.settings.observer:received(event.id, connection, event.text)
  end
end

---@private
function Sockets:count_overflows()
  local n = self.settings.listener:stats().overflows
  if n > self.n_overflows then
    self.settings.log(("WebSockets were cut: %d; their clients read too slowly for what waits for them"):format(n - self.n_overflows))
    self.n_overflows = n
  end
end

---A close event of the listener.
---@param event table
function Sockets:closed(event)
  local connection = self.open[event.id]
  if connection then
    if self.settings.observer then
      self.settings.observer:closed(event)
    end
    self.open[event.id] = nil
    connection:release()
    self:count_overflows()
  end
end

---@private
function Sockets:invalidate(item)
  local connections = {}
  for _, subscriber in ipairs(self.subscribers:invalidated(item)) do
    local connection = subscriber.connection
    connection:invalidate(subscriber)
    if not connections[connection] then
      connections[connection], connections[#connections + 1] = true, connection
    end
  end
  for _, connection in ipairs(connections) do
    connection:settle_invalidated()
  end
end

---@private
function Sockets:give(item)
  if item.invalidates then
    self:invalidate(item)
  else
    self.subscribers:offer(item)
  end
end

---Gives the results of mutations to every subscription that wants them, in order, and ends those that were invalidated.
---Never throws: the mutations have taken place, whatever becomes of one event.
---@param items ({field: string, value: any}|{invalidates: string, payload: table})[]
function Sockets:publish(items)
  local on_cause = self.settings.on_cause
  for _, item in ipairs(items) do
    if on_cause then on_cause(item.field) end
    local ok, thrown = pcall(self.give, self, item)
    if not ok then
      self.settings.log(("%s could not be published: %s"):format(item.field or item.invalidates, tostring(thrown)))
    end
  end
  if on_cause then on_cause(nil) end
end

---@private
function Sockets:sweep(now)
  local next_sweep = math.huge
  for id, connection in pairs(self.open) do
    if now >= connection.ends_at then
      self.settings.listener:close(id, 1000, "the connection has reached its maximum age")
      connection:release()
      connection.ends_at = math.huge
    elseif connection.due and now >= connection.due then
      connection:on_due()
    end
    next_sweep = math.min(next_sweep, connection.ends_at, connection.due or math.huge)
  end
  self.next_sweep = next_sweep
end

---Does what is due; returns the seconds until the next thing, or nil when nothing is.
---@return number?
function Sockets:tick()
  local now = self.settings.clock()
  if now >= self.next_sweep then
    self:sweep(now)
  end
  if self.next_sweep < math.huge then return math.max(0, self.next_sweep - now) end
end

return sockets
