local native = require("appsync.server.native")
local ws_socket = require("spec.support.ws_socket")

local listener, seen, sockets

--- Echoes requests and messages; keeps the events in `seen`.
local function pump()
  for _, event in ipairs(listener:poll(0)) do
    seen[#seen + 1] = event
    if event.type == "request" then
      if event.path ~= "/silent" then
        listener:respond(event.id, 200, { ["content-type"] = "text/plain" }, event.method .. " " .. event.body)
      end
    elseif event.type == "upgrade" then
      if event.path == "/refused" then
        listener:reject(event.id, 403, { ["x-why"] = "because" }, "no")
      elseif event.path ~= "/silent" then
        listener:accept(event.id, event.headers["sec-websocket-protocol"] and "graphql-ws")
      end
    elseif event.type == "message" then
      listener:send(event.id, "echo " .. event.text)
    end
  end
end

local function open(options)
  options = options or {}
  options.port = 0
  listener = assert(native.open(options))
end

local function connect()
  local client = ws_socket.tcp(listener:port(), pump)
  sockets[#sockets + 1] = client
  return client
end

local function open_ws(headers)
  local client = connect()
  assert.equal(101, client:handshake("/graphql/realtime", headers).status)
  return client
end

local function last_event(kind)
  for i = #seen, 1, -1 do
    if seen[i].type == kind then
      return seen[i]
    end
  end
end

local function wait_event(kind)
  for _ = 1, 1000 do
    if last_event(kind) then
      return last_event(kind)
    end
    for _, event in ipairs(listener:poll(5)) do
      seen[#seen + 1] = event
    end
  end
end

describe("the listener", function()
  before_each(function()
    seen, sockets = {}, {}
  end)

  after_each(function()
    for _, client in ipairs(sockets) do
      client:close()
    end
    listener:shutdown(0.001)
  end)

  describe("as an HTTP server", function()
    it("gives the request's parts and sends the response", function()
      open()
      local response = connect():request({ path = "/graphql?a=1", headers = { ["X-Api-Key"] = "k" }, body = "hello" })
      assert.equal(200, response.status)
      assert.equal("POST hello", response.body)
      assert.equal("text/plain", response.headers["content-type"])
      assert.matches("GMT$", response.headers.date)
      local event = last_event("request")
      assert.equal("/graphql", event.path)
      assert.equal("a=1", event.query)
      assert.equal("k", event.headers["x-api-key"])
      assert.matches("^127%.0%.0%.1:%d+$", event.peer)
    end)

    it("keeps the connection for further requests", function()
      open()
      local client = connect()
      for i = 1, 3 do
        assert.equal("POST " .. i, client:request({ body = tostring(i) }).body)
      end
    end)

    it("answers pipelined requests in their order", function()
      open()
      local client = connect()
      local one = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n"
      client:send(one .. "a" .. one .. "b" .. one .. "c")
      assert.equal("POST a", client:response().body)
      assert.equal("POST b", client:response().body)
      assert.equal("POST c", client:response().body)
    end)

    it("reads a chunked body", function()
      open()
      local client = connect()
      client:send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
      assert.equal("POST abcde", client:response().body)
    end)

    it("tells a client that expects it to go on", function()
      open()
      local client = connect()
      client:send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
      assert.equal(100, client:response().status)
      client:send("ok")
      assert.equal("POST ok", client:response().body)
    end)

    it("sends the length but no body for HEAD", function()
      open()
      local client = connect()
      local response = client:request({ method = "HEAD" })
      assert.equal("5", response.headers["content-length"])
      assert.equal("POST x", client:request({ body = "x" }).body)
    end)

    it("refuses a body above the ceiling with 413, announced or chunked", function()
      open({ max_body = 1000 })
      assert.equal(413, connect():request({ body = ("x"):rep(1001) }).status)
      local client = connect()
      client:send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" .. "3e9\r\n" .. ("x"):rep(1001))
      client:send("\r\n0\r\n\r\n")
      assert.equal(413, client:response().status)
      assert.equal(200, connect():request({ body = ("x"):rep(1000) }).status)
    end)

    it("carries a body of nine megabytes", function()
      open()
      assert.equal(9000005, #connect():request({ body = ("x"):rep(9000000) }).body)
    end)

    it("joins a repeated header", function()
      open()
      local client = connect()
      client:send("GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-A: 2\r\n\r\n")
      client:response()
      assert.equal("1, 2", last_event("request").headers["x-a"])
    end)

    it("refuses a request with very many headers, and goes on", function()
      open()
      for _, n in ipairs({ 199, 200, 10000 }) do
        local client = connect()
        client:send("GET / HTTP/1.1\r\nHost: h\r\n" .. ("a: b\r\n"):rep(n) .. "\r\n")
        assert.equal(n < 200 and 200 or 431, client:response().status)
      end
      assert.equal("POST x", connect():request({ body = "x" }).body)
    end)

    it("answers false for a request that was answered or whose id was never given", function()
      open()
      connect():request({ body = "x" })
      assert.is_false(listener:respond(last_event("request").id, 200, nil, "again"))
      assert.is_false(listener:respond(12345, 200, nil, "never"))
    end)

    it("throws for a header with a line break or a zero byte", function()
      open()
      local client = connect()
      client:send("GET /silent HTTP/1.1\r\nHost: h\r\n\r\n")
      local id = wait_event("request").id
      assert.has_error(function() listener:respond(id, 200, { a = "b\r\nc: d" }, "") end)
      assert.has_error(function() listener:respond(id, 200, { a = "b\0c" }, "") end)
      assert.has_error(function() listener:respond(id, 200, { ["a\0b"] = "c" }, "") end)
    end)

    it("survives a client that goes away before its answer", function()
      open()
      local client = connect()
      client:send("GET /silent HTTP/1.1\r\nHost: h\r\n\r\n")
      local id = wait_event("request").id
      client:close()
      listener:respond(id, 200, nil, ("x"):rep(100000))
      assert.equal(200, connect():request({ body = "x" }).status)
      assert.equal(0, listener:stats().open_requests)
    end)
  end)

  describe("as a WebSocket server", function()
    it("accepts the handshake of RFC 6455's example", function()
      open()
      local response = connect():handshake("/graphql", { ["Sec-WebSocket-Protocol"] = "graphql-ws" })
      assert.equal(101, response.status)
      assert.equal("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", response.headers["sec-websocket-accept"])
      assert.equal("graphql-ws", response.headers["sec-websocket-protocol"])
    end)

    it("lives on in silence, unlike a connection between requests", function()
      open({ idle_timeout = 1 })
      local client = open_ws()
      client:send_text("x")
      assert.equal("echo x", client:frame().payload)
      local idle = connect()
      idle:request({ path = "/" })
      assert.is_nil(idle:wait(function() end)) -- its end is the time-out's
      assert.is_nil(last_event("close"))
      client:send_text("y")
      assert.equal("echo y", client:frame().payload)
    end)

    it("takes a list of sub-protocols of four kilobytes", function()
      open()
      local list = "graphql-ws, header-" .. ("A"):rep(4096)
      local client = connect()
      assert.equal(101, client:handshake("/graphql/realtime", { ["Sec-WebSocket-Protocol"] = list }).status)
      assert.equal(list, last_event("upgrade").headers["sec-websocket-protocol"])
      client:send_text("x")
      assert.equal("echo x", client:frame().payload)
    end)

    local faults = {
      ["without a key"] = { ["Sec-WebSocket-Key"] = false },
      ["with a key that isn't 16 bytes"] = { ["Sec-WebSocket-Key"] = "c2hvcnQ=" },
      ["without a version"] = { ["Sec-WebSocket-Version"] = false },
      ["with a wrong version"] = { ["Sec-WebSocket-Version"] = "8" },
      ["whose Connection isn't Upgrade"] = { Connection = "keep-alive" },
    }
    for name, headers in pairs(faults) do
      it("refuses a handshake " .. name .. " with 400", function()
        open()
        local response = connect():handshake("/graphql", headers)
        assert.equal(400, response.status)
        assert.equal("13", response.headers["sec-websocket-version"])
        assert.is_nil(last_event("upgrade"))
      end)
    end

    it("lets the application refuse the upgrade", function()
      open()
      local response = connect():handshake("/refused")
      assert.equal(403, response.status)
      assert.equal("because", response.headers["x-why"])
    end)

    it("carries messages of every length form", function()
      open()
      local client = open_ws()
      for _, n in ipairs({ 0, 1, 125, 126, 65535, 65536, 1000000 }) do
        client:send_text(("x"):rep(n))
        assert.equal("echo " .. ("x"):rep(n), client:frame().payload)
      end
    end)

    it("puts fragments together, with a ping between them", function()
      open()
      local client = open_ws()
      client:send(ws_socket.frame(1, "one ", { fin = false }))
      client:send(ws_socket.frame(9, "are you there"))
      client:send(ws_socket.frame(0, "two", { fin = true }))
      local pong = client:frame()
      assert.equal(10, pong.opcode)
      assert.equal("are you there", pong.payload)
      assert.equal("echo one two", client:frame().payload)
    end)

    it("reads frames that came in one packet with the handshake", function()
      open()
      local client = connect()
      client:send(ws_socket.handshake_text("/graphql") .. ws_socket.frame(1, "early"))
      assert.equal(101, client:response().status)
      assert.equal("echo early", client:frame().payload)
    end)

    it("reads a frame that comes byte by byte", function()
      open()
      local client = open_ws()
      for char in ws_socket.frame(1, "slowly"):gmatch(".") do
        client:send(char)
      end
      assert.equal("echo slowly", client:frame().payload)
    end)

    local breaches = {
      { "an unmasked frame", ws_socket.frame(1, "x", { mask = false }), 1002 },
      { "reserved bits", ws_socket.frame(1, "x", { rsv = 64 }), 1002 },
      { "an unknown opcode", ws_socket.frame(3, "x"), 1002 },
      { "a fragmented ping", ws_socket.frame(9, "x", { fin = false }), 1002 },
      { "text that isn't UTF-8", ws_socket.frame(1, "\255\254"), 1007 },
      { "a binary message", ws_socket.frame(2, "x"), 1003 },
      { "a message above the ceiling", ws_socket.frame(1, ("x"):rep(2001)), 1009 },
    }
    for _, breach in ipairs(breaches) do
      it("closes on " .. breach[1] .. " with " .. breach[3], function()
        open({ max_message = 2000 })
        local client = open_ws()
        client:send(breach[2])
        assert.equal(breach[3], (client:close_frame()))
        client:close()
        assert.equal(breach[3], wait_event("close").code)
        assert.is_nil(last_event("message"))
      end)
    end

    it("answers the client's close frame and ends the connection", function()
      open()
      local client = open_ws()
      client:send(ws_socket.frame(8, "\3\232bye"))
      assert.equal(1000, (client:close_frame()))
      assert.is_nil(client:frame())
      local event = wait_event("close")
      assert.equal(1000, event.code)
      assert.equal("bye", event.reason)
      assert.equal(0, listener:stats().open_sockets)
    end)

    it("closes with a code and a reason, after what was sent before", function()
      open()
      local client = open_ws()
      local id = last_event("upgrade").id
      assert.is_true(listener:send(id, "last words"))
      listener:close(id, 4001, "enough")
      assert.is_false(listener:send(id, "too late"))
      assert.equal("last words", client:frame().payload)
      local code, reason = client:close_frame()
      assert.equal(4001, code)
      assert.equal("enough", reason)
      client:send(ws_socket.frame(8, "\15\161"))
      assert.is_nil(client:frame())
      assert.equal(4001, wait_event("close").code)
    end)

    it("tells an abrupt end as 1006", function()
      open()
      local client = open_ws()
      client:close()
      assert.equal(1006, wait_event("close").code)
    end)

    it("drops and counts a peer that reads too slowly", function()
      open({ max_pending = 100000 })
      open_ws()
      local id = last_event("upgrade").id
      local is_open, n_sent = true, 0
      while is_open and n_sent < 1000 do
        is_open = listener:send(id, ("x"):rep(50000))
        n_sent = n_sent + 1
        pump()
      end
      assert.is_false(is_open)
      assert.equal(1008, wait_event("close").code)
      assert.equal(1, listener:stats().overflows)
      assert.is_false(listener:send(id, "gone"))
    end)

    it("drops those for whom most waits when all together read too slowly", function()
      open({ max_pending_total = 1000000 })
      local ids, readers = {}, {}
      for i = 1, 4 do
        readers[i] = open_ws()
        ids[i] = last_event("upgrade").id
      end
      local most, n_open = 0, 4
      for _ = 1, 2000 do
        n_open = 0
        for i = 2, 4 do
          if listener:send(ids[i], ("x"):rep(20000)) then n_open = n_open + 1 end
        end
        pump()
        most = math.max(most, listener:stats().pending)
        if n_open == 0 then break end
      end
      assert.equal(0, n_open)
      assert.equal(3, listener:stats().overflows)
      assert.is_true(most <= 1100000, most)
      assert.is_true(listener:send(ids[1], "others go on"))
      assert.equal("others go on", readers[1]:frame().payload)
      pump()
      assert.equal(0, listener:stats().pending)
    end)

    it("never lets a stale id reach another connection", function()
      open()
      local client = open_ws()
      local id = last_event("upgrade").id
      client:close()
      wait_event("close")
      open_ws()
      assert.are_not.equal(id, last_event("upgrade").id)
      assert.is_false(listener:send(id, "x"))
    end)

    it("says 1001 to everybody when it stops", function()
      open()
      local client = open_ws()
      client.pump = function() end
      listener:shutdown(0.05)
      assert.equal(1001, (client:close_frame()))
      assert.has_error(function() listener:port() end, "the listener is closed")
    end)

    it("serves two hundred sockets at once", function()
      open()
      local clients = {}
      for i = 1, 200 do
        clients[i] = open_ws()
      end
      assert.equal(200, listener:stats().open_sockets)
      for i, client in ipairs(clients) do
        client:send_text(tostring(i))
      end
      for i, client in ipairs(clients) do
        assert.equal("echo " .. i, client:frame().payload)
      end
    end)
  end)

  describe("when it opens", function()
    it("tells why it can't listen", function()
      open()
      local other, message = native.open({ port = listener:port() })
      assert.is_nil(other)
      assert.matches("can't listen on 127%.0%.0%.1 port %d+: Address already in use", message)
    end)

    it("names the TLS file that can't be used", function()
      open()
      local other, message = native.open({ tls = { cert = "/nonexistent.pem", key = "/nonexistent.key" } })
      assert.is_nil(other)
      assert.matches("can't use the certificate /nonexistent.pem", message)
    end)

    it("throws for options of the wrong type", function()
      open()
      assert.has_error(function() native.open({ port = 70000 }) end)
      assert.has_error(function() native.open({ tls = { cert = "x" } }) end)
      assert.has_error(function() native.open({ max_body = 0 }) end)
    end)

    it("turns a poll without events into an empty list", function()
      open()
      assert.same({}, listener:poll(0))
      assert.same({}, listener:poll(0.01))
    end)
  end)
end)
