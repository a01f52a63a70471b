--- A WebSocket client made of raw bytes, for tests of servers that run on this same thread: `pump` is called whenever
--- it would wait. It can misbehave: nothing here checks what it sends.
local socket = require("socket")

local ws_socket = {}

local Socket = {}
local Socket_mt = { __index = Socket }

local function xor_byte(a, b)
  local result, bit = 0, 1
  for _ = 1, 8 do
    if a % 2 ~= b % 2 then
      result = result + bit
    end
    a, b, bit = math.floor(a / 2), math.floor(b / 2), bit * 2
  end
  return result
end

--- The bytes of one frame. `options`: fin (default true), mask (default a key), rsv (first bits).
function ws_socket.frame(opcode, payload, options)
  options = options or {}
  local first = opcode + (options.fin == false and 0 or 128) + (options.rsv or 0)
  local mask = options.mask == nil and "\1\2\3\4" or options.mask
  local bit = mask and 128 or 0
  local n = #payload
  local head
  if n < 126 then
    head = string.char(first, bit + n)
  elseif n < 65536 then
    head = string.char(first, bit + 126, math.floor(n / 256), n % 256)
  else
    head = string.char(first, bit + 127, 0, 0, 0, 0)
      .. string.char(math.floor(n / 16777216), math.floor(n / 65536) % 256, math.floor(n / 256) % 256, n % 256)
  end
  if not mask then
    return head .. payload
  elseif mask == "\0\0\0\0" then
    return head .. mask .. payload
  end
  local out = {}
  for i = 1, n do
    out[i] = string.char(xor_byte(payload:byte(i), mask:byte((i - 1) % 4 + 1)))
  end
  return head .. mask .. table.concat(out)
end

--- Connects. `pump` lets the server work; `wrap` may turn the TCP socket into a TLS one.
function ws_socket.tcp(port, pump, wrap)
  local tcp = assert(socket.tcp())
  assert(tcp:connect("127.0.0.1", port))
  tcp:settimeout(0)
  local self = setmetatable({ tcp = tcp, pump = pump, buffer = "", deadline_s = 60 }, Socket_mt)
  if wrap then
    self.tcp = wrap(tcp, pump)
  end
  return self
end

function Socket:send(bytes)
  local at, give_up = 1, socket.gettime() + self.deadline_s
  while at <= #bytes do
    local last, message, partial = self.tcp:send(bytes, at)
    if not last and message ~= "timeout" and message ~= "wantwrite" and message ~= "wantread" then
      return nil, message
    end
    at = (last or partial or at - 1) + 1
    self.pump()
    assert(socket.gettime() < give_up, "the server doesn't read")
  end
  return true
end

--- Reads what is there; nil at the end of the stream.
function Socket:fill()
  local data = self:receive()
  self.buffer = self.buffer .. data
  return data ~= "" or not self.is_closed
end

function Socket:receive()
  local data, message, partial = self.tcp:receive(65536)
  data = data or partial or ""
  self.is_closed = self.is_closed or data == "" and message == "closed"
  return data
end

--- Waits until there are n bytes, or the stream ended. They are joined once: large messages come in many small pieces.
function Socket:gather(n, give_up)
  local pieces, have = { self.buffer }, #self.buffer
  while have < n and not self.is_closed do
    local data = self:receive()
    pieces[#pieces + 1] = data
    have = have + #data
    self.pump()
    if socket.gettime() >= give_up then error("the server doesn't answer; buffer: " .. table.concat(pieces):sub(1, 200)) end
  end
  self.buffer = table.concat(pieces)
end

--- Waits until `test(buffer)` gives something, and returns that; nil when the stream ended before. A test that lacks
--- bytes may say, as its second result, how many it needs.
function Socket:wait(test)
  local give_up = socket.gettime() + self.deadline_s
  while true do
    local result, needed = test(self.buffer)
    if result ~= nil then
      return result
    elseif self.is_closed then
      return nil
    end
    self:gather(needed or #self.buffer + 1, give_up)
  end
end

--- Takes one HTTP response: {status, headers, body}.
function Socket:response(is_head)
  local response = self:wait(function(buffer)
    local _, last = buffer:find("\r\n\r\n", 1, true)
    if not last then
      return nil
    end
    local head = buffer:sub(1, last - 2)
    local headers = {}
    for name, value in head:gmatch("\r\n([^:\r\n]+):%s*([^\r\n]*)") do
      headers[name:lower()] = value
    end
    local status = tonumber(head:match("^HTTP/1%.1 (%d+)"))
    local n = (is_head or status == 101 or status == 204) and 0 or tonumber(headers["content-length"] or 0)
    if #buffer < last + n then
      return nil, last + n
    end
    self.rest = buffer:sub(last + n + 1)
    return { status = status, headers = headers, body = buffer:sub(last + 1, last + n) }
  end)
  if response then
    self.buffer = self.rest
  end
  return response
end

--- Sends one HTTP request and takes its response. `request`: method, path, headers, body.
function Socket:request(request)
  local lines, host = {}, "Host: 127.0.0.1\r\n"
  for name, value in pairs(request.headers or {}) do
    lines[#lines + 1] = name .. ": " .. value .. "\r\n"
    host = name:lower() == "host" and "" or host
  end
  table.insert(lines, 1, ("%s %s HTTP/1.1\r\n%s"):format(request.method or "POST", request.path or "/graphql", host))
  if request.body then
    lines[#lines + 1] = "Content-Length: " .. #request.body .. "\r\n"
  end
  assert(self:send(table.concat(lines) .. "\r\n" .. (request.body or "")))
  return self:response(request.method == "HEAD")
end

--- The text of a handshake. `headers` replaces the usual ones; false leaves one out.
function ws_socket.handshake_text(path, headers)
  local all = {
    Host = "127.0.0.1",
    Upgrade = "websocket",
    Connection = "Upgrade",
    ["Sec-WebSocket-Version"] = "13",
    ["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ==",
  }
  for name, value in pairs(headers or {}) do
    all[name] = value
  end
  local lines = { ("GET %s HTTP/1.1\r\n"):format(path) }
  for name, value in pairs(all) do
    if value then
      lines[#lines + 1] = name .. ": " .. value .. "\r\n"
    end
  end
  return table.concat(lines) .. "\r\n"
end

function Socket:handshake(path, headers)
  assert(self:send(ws_socket.handshake_text(path, headers)))
  return self:response()
end

function Socket:send_text(text)
  return self:send(ws_socket.frame(1, text, { mask = #text > 1000 and "\0\0\0\0" or nil }))
end

--- Takes one frame: {opcode, fin, payload}; nil when the stream ended.
function Socket:frame()
  local frame = self:wait(function(buffer)
    if #buffer < 2 then
      return nil
    end
    local first, n = buffer:byte(1, 2)
    local at = 3
    if n == 126 then
      at = 5
      n = #buffer >= 4 and buffer:byte(3) * 256 + buffer:byte(4) or math.huge
    elseif n == 127 then
      at = 11
      local a, b, c, d = buffer:byte(7, 10)
      n = d and ((a * 256 + b) * 256 + c) * 256 + d or math.huge
    end
    if #buffer < at + n - 1 then
      return nil, n < math.huge and at + n - 1 or nil
    end
    self.rest = buffer:sub(at + n)
    return { opcode = first % 16, fin = first >= 128, payload = buffer:sub(at, at + n - 1) }
  end)
  if frame then
    self.buffer = self.rest
  end
  return frame
end

--- Takes the close frame that must come next: code, reason.
function Socket:close_frame()
  local frame = self:frame()
  assert(frame and frame.opcode == 8, "no close frame but " .. (frame and frame.payload or "the end"))
  local a, b = frame.payload:byte(1, 2)
  return a and a * 256 + b, frame.payload:sub(3)
end

function Socket:close()
  self.tcp:close()
end

return ws_socket
