-- Many clients of an HTTP server on a unix socket at once, each with one request after another; some go away before they are
-- answered.
local core = require "appsync.core"
local socket = require "socket"
local socket_unix = require "socket.unix"

local visitors = {}

local SECONDS = 30 -- without anything happening

local function begin(path, target)
  local connection = assert(socket_unix.stream())
  connection:settimeout(10)
  assert(connection:connect(path))
  assert(connection:send("GET " .. target .. " HTTP/1.0\r\nHost: localhost\r\n\r\n"))
  connection:settimeout(0)
  return connection
end

---@class spec.VisitorRequest
---@field target string
---@field is_aborted boolean? it goes away while it waits
---@field waits boolean? only once something has come: nginx doesn't tell a handler of an end that comes together with the request
---@field check fun(status: integer, body: string)?

---Plays requests, `width` of them at once.
---@param path string of the unix socket
---@param width integer
---@param next_request fun(): spec.VisitorRequest? nil: there are no more
---@return integer answered, integer aborted
function visitors.play(path, width, next_request)
  local open, n_open, n_answered, n_aborted = {}, 0, 0, 0
  local function finish(connection)
    connection:close()
    open[connection], n_open = nil, n_open - 1
  end
  local function fill()
    while n_open < width do
      local request = next_request()
      if not request then return end
      request.left = request.is_aborted and math.random(0, 40) or nil
      request.text = {}
      open[begin(path, request.target)], n_open = request, n_open + 1
    end
  end
  local function receive(connection)
    local request = open[connection]
    local text, why, partial = connection:receive "*a"
    request.text[#request.text + 1] = text or partial
    if why == "timeout" then return end
    finish(connection)
    n_answered = n_answered + 1
    local whole = table.concat(request.text)
    local status, body = whole:match "^HTTP/1%.%d (%d+).-\r\n\r\n(.*)$"
    if not status then error(("%s: %s: %s"):format(request.target, tostring(why), whole), 0) end
    if request.check then request.check(tonumber(status), body) end
  end
  local quiet_since = core.now()
  fill()
  while n_open > 0 do
    local list = {}
    for connection in pairs(open) do list[#list + 1] = connection end
    local readable = socket.select(list, nil, 0.001)
    for _, connection in ipairs(readable) do receive(connection) end
    for connection, request in pairs(open) do
      local may_go = request.left and not (request.waits and table.concat(request.text) == "")
      if may_go then request.left = request.left - 1 end
      if request.left and request.left < 0 then
        n_aborted = n_aborted + 1
        finish(connection)
      end
    end
    local before = n_answered + n_aborted
    fill()
    if #readable > 0 or n_aborted + n_answered > before then quiet_since = core.now() end
    if core.now() - quiet_since > SECONDS then
      local left = {}
      for _, request in pairs(open) do left[#left + 1] = ("%s (%s)"):format(request.target, table.concat(request.text)) end
      error(table.concat(left, ", ") .. " aren't answered", 0)
    end
  end
  return n_answered, n_aborted
end

return visitors
