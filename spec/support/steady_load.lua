-- Clients of HTTP servers on unix sockets that ask at a steady rate, whatever the servers do, in one loop with what else there is to
-- do. Each request has a connection of its own.
local core = require "appsync.core"
local socket = require "socket"
local socket_unix = require "socket.unix"

local steady_load = {}

---@class spec.SteadyRequest
---@field target string
---@field body string? it is a POST
---@field sends_after number? seconds for which its connection is open before it is sent
---@field leaves_after number? seconds after which it goes away
---@field on_text fun(text: string)? called with all that has come of the body, each time that there is more
---@field on_end fun(answer: spec.SteadyAnswer)? not called when it has gone away
---
---@class spec.SteadyAnswer
---@field status integer? nil: the connection ended before it, or wasn't made
---@field body string
---@field why string? of the end, where it wasn't orderly
---@field began number as core.now()
---@field ended number

---@class spec.SteadyLoad
local Load = {}
Load.__index = Load

function steady_load.new() return setmetatable({ sources = {}, open = {}, n_open = 0 }, Load) end

---Adds requests to a server: `make` gives the next one, nil for none this time.
---@param path string of its unix socket
---@param rate number a second
---@param make fun(): spec.SteadyRequest?
function Load:add(path, rate, make)
  self.sources[#self.sources + 1] = { path = path, every = 1 / rate, make = make, due = core.now() + math.random() / rate }
end

local function finish(self, connection, request, why)
  connection:close()
  if self.open[connection] then self.open[connection], self.n_open = nil, self.n_open - 1 end
  if not request.on_end then return end
  request.on_end{
    status = request.status, body = request.body or request.text, why = why ~= "closed" and why or nil, began = request.began,
    ended = core.now(),
  }
end

local function send(self, connection, request)
  local ok, why = connection:send(request.unsent)
  request.unsent = nil
  if not ok then return finish(self, connection, request, why) end
  connection:settimeout(0)
end

---Begins a request beside those of the rates.
---@param path string
---@param request spec.SteadyRequest
function Load:begin(path, request)
  request.began, request.text = core.now(), ""
  local connection = assert(socket_unix.stream())
  connection:settimeout(5)
  local body = request.body or ""
  local head = ("%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"):format(request.body and "POST" or "GET", request.target,
    #body)
  local ok, why = connection:connect(path)
  if not ok then return finish(self, connection, request, why) end
  self.open[connection], self.n_open = request, self.n_open + 1
  request.unsent, request.sends_at = head .. body, request.began + (request.sends_after or 0)
  if not request.sends_after then send(self, connection, request) end
end

local function receive(self, connection)
  local request = self.open[connection]
  local text, why, partial = connection:receive "*a"
  text = text or partial
  request.text = request.text .. text
  if not request.status then
    local status, body = request.text:match "^HTTP/1%.%d (%d+).-\r\n\r\n(.*)$"
    request.status, request.body = tonumber(status), body
  else
    request.body = request.body .. text
  end
  if request.status and request.on_text and text ~= "" then request.on_text(request.body) end
  if why ~= "timeout" then finish(self, connection, request, why) end
end

---Plays for so many seconds, or until nothing is open if `is_last`: then no new ones begin.
---@param seconds number
---@param is_last boolean?
function Load:play(seconds, is_last)
  local ends = core.now() + seconds
  repeat
    local now = core.now()
    for _, source in ipairs(is_last and {} or self.sources) do
      if source.due <= now then
        source.due = math.max(source.due + source.every, now - 1) -- what a busy machine has missed is made up for, a second of it
        local request = source.make()
        if request then self:begin(source.path, request) end
      end
    end
    local list = {}
    local all = {}
    for connection, request in pairs(self.open) do all[connection] = request end
    for connection, request in pairs(all) do
      if request.unsent and now >= request.sends_at then send(self, connection, request) end
      if request.leaves_after and now > request.began + request.leaves_after then
        request.on_end = nil
        finish(self, connection, request)
      elseif self.open[connection] and not request.unsent then
        list[#list + 1] = connection
      end
    end
    for _, connection in ipairs((socket.select(list, nil, 0.003))) do receive(self, connection) end
  until core.now() >= ends or is_last and self.n_open == 0
end

---Those that are open and their age in seconds.
---@return table<string, number> by target
function Load:ages()
  local ages, now = {}, core.now()
  for _, request in pairs(self.open) do ages[request.target] = math.max(ages[request.target] or 0, now - request.began) end
  return ages
end

return steady_load
