---`client.connection`: the state of the realtime connection.
local errors = require "appsync.errors"
local observable = require "appsync.observable"

local connection = {}

---@alias appsync.ConnectionState
---| "Connected"
---| "Connecting"
---| "ConnectionDisrupted"
---| "ConnectionDisruptedPendingNetwork"
---| "ConnectedPendingKeepAlive"
---| "ConnectedPendingDisconnect"
---| "ConnectedPendingNetwork"
---| "Disconnected"

---@class appsync.Connection
---@field state appsync.ConnectionState
local Connection = {}
Connection.__index = Connection
Connection.__name = "appsync.connection"

-- Observers keep their client alive: outlet → what is observed.
local observed = {} -- luacheck: ignore 241

---@param root appsync.client.Root
---@return appsync.Connection
function connection.new(root)
  return setmetatable({ state = "Disconnected", outlets = {}, root = root }, Connection)
end

---Returns an observable of the states from now on: `next(state, err)`. `err` is set when it caused the state. When events of a
---subscription were dropped, the current state is emitted again with an `err` of code "events_dropped", whose `dropped` is their
---number. The same code without a number means that a connection ended while it wasn't being read because a subscriber lagged.
---Completes when the client closes.
---```lua
---local states = client.connection:observe():subscribe()
---local s = client:subscribe(on_create_todo):subscribe()
---local first, second = states:next(10), states:next(10)
---print(first, second) --> Connecting Connected
---```
---@return appsync.Observable
function Connection:observe()
  return observable.new(function(sink, context)
    if self.is_over then
      context:post(sink, "complete")
      return nil
    end
    local outlets = self.outlets
    local outlet = { sink = sink, context = context }
    outlets[#outlets + 1] = outlet
    observed[outlet] = self
    return function()
      observed[outlet] = nil
      for i, other in ipairs(outlets) do
        if other == outlet then return table.remove(outlets, i) end
      end
    end
  end)
end

local function post(self, kind, value, err)
  for _, outlet in ipairs(self.outlets) do outlet.context:post(outlet.sink, kind, value, err) end
end

---@param state appsync.ConnectionState
---@param err appsync.Error?
---@private
function Connection:set(state, err)
  self.state = state
  post(self, "next", state, err)
end

---@param n integer
---@private
function Connection:tell_dropped(n)
  if #self.outlets == 0 then return end
  local what = n == 1 and "1 event of a subscription was dropped" or n .. " events of a subscription were dropped"
  post(self, "next", self.state, errors.new("protocol", what,
    { code = "events_dropped", dropped = n }))
end

---@private
function Connection:finish()
  self.is_over = true
  self.state = "Disconnected"
  post(self, "complete")
  self.outlets = {}
end

return connection
