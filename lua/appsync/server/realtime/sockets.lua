--- All WebSockets of the server: accepts them, hands them their messages, keeps their time, fans mutations out.
local handshake = require("appsync.server.realtime.handshake")
local realtime = require("appsync.server.realtime.appsync_ws")
local transport_ws = require("appsync.server.realtime.transport_ws")

---@class appsync.server.Sockets
local Sockets = {}
local Sockets_mt = { __index = Sockets }

local sockets = {}

--- The service closes a connection after a day.
sockets.max_life_s = 24 * 3600

--- `settings`: listener, engine, authorize, execute(operation), clock (function, seconds), ka_s, max_subscriptions,
--- log(text).
---@param settings table
---@return appsync.server.Sockets
function sockets.new(settings)
  return setmetatable({ settings = settings, open = {}, next_sweep = math.huge, n_dropped = 0 }, Sockets_mt)
end

---@private
function Sockets:settings_of(id)
  local settings = self.settings
  return {
    engine = settings.engine,
    authorize = settings.authorize,
    execute = settings.execute,
    clock = settings.clock,
    ka_s = settings.ka_s,
    max_subscriptions = settings.max_subscriptions,
    send = function(text) settings.listener:send(id, text) end,
    close = function(code, reason) settings.listener:close(id, code, reason) end,
    dropped = function(n_bytes)
      self.n_dropped = self.n_dropped + 1
      settings.log(("a payload of %d bytes is above the limit and was dropped"):format(n_bytes))
    end,
  }
end

--- An upgrade event of the listener.
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
  local protocol = hello.protocol == "graphql-transport-ws" and transport_ws or realtime
  local connection = protocol.new(self:settings_of(event.id), hello)
  connection.ends_at = self.settings.clock() + sockets.max_life_s
  self.open[event.id] = connection
  self.next_sweep = math.min(self.next_sweep, connection.due)
end

--- A message event of the listener.
---@param event table
function Sockets:message(event)
  local connection = self.open[event.id]
  if not connection then
    return
  end
  local ok, message = pcall(connection.on_message, connection, event.text)
  if not ok then
    self.settings.log("a message could not be handled: " .. tostring(message))
    self.settings.listener:close(event.id, 1011, "internal error")
  end
end

--- A close event of the listener.
---@param event table
function Sockets:closed(event)
  self.open[event.id] = nil
end

--- Gives the results of mutations to every subscription that wants them, in order.
---@param items table[]
function Sockets:publish(items)
  for _, item in ipairs(items) do
    for id, connection in pairs(self.open) do
      local ok, message = pcall(connection.publish, connection, item)
      if not ok then
        self.settings.log("a subscription failed: " .. tostring(message))
        self.settings.listener:close(id, 1011, "internal error")
      end
    end
  end
end

---@private
function Sockets:sweep(now)
  local next_sweep = math.huge
  for id, connection in pairs(self.open) do
    if now >= connection.ends_at then
      self.settings.listener:close(id, 1000, "the connection has reached its maximum age")
      connection.ends_at = math.huge
    elseif connection.due and now >= connection.due then
      connection:on_due()
    end
    next_sweep = math.min(next_sweep, connection.ends_at, connection.due or math.huge)
  end
  self.next_sweep = next_sweep
end

--- Does what is due; returns the seconds until the next thing, or nil when nothing is.
---@return number?
function Sockets:tick()
  local now = self.settings.clock()
  if now >= self.next_sweep then
    self:sweep(now)
  end
  if self.next_sweep < math.huge then
    return math.max(0, self.next_sweep - now)
  end
end

return sockets
