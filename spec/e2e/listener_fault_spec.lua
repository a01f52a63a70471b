--- The means of the listener that faults are made of, and its bounds: seen by a client of raw bytes.
local certificates = require("spec.support.certificates")
local native = require("appsync.server.native")
local process = require("spec.support.process")
local ws_socket = require("spec.support.ws_socket")

local listener, seen, sockets, answer

local function pump()
  for _, event in ipairs(listener:poll(0.001)) do
    seen[#seen + 1] = event
    if answer then
      answer(event)
    end
  end
end

local function open(options)
  options = options or {}
  listener = assert(native.open(options))
end

local function connect(port)
  local client = ws_socket.tcp(port or listener:port(), pump)
  sockets[#sockets + 1] = client
  return client
end

local REQUEST = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"

-- What comes until the end of the stream, and how that is told; "timeout" when it doesn't end.
local function rest_of(client, turns)
  for _ = 1, turns or 200 do
    local data, message, partial = client.tcp:receive(65536)
    client.buffer = client.buffer .. (data or partial or "")
    if message and message ~= "timeout" and message ~= "wantread" then
      return client.buffer, message
    end
    pump()
  end
  return client.buffer, "timeout"
end

local function last_of(kind)
  for i = #seen, 1, -1 do
    if seen[i].type == kind then
      return seen[i]
    end
  end
end

describe("the listener", function()
  before_each(function()
    seen, sockets, answer = {}, {}, nil
  end)

  after_each(function()
    for _, client in ipairs(sockets) do
      client:close()
    end
    listener:shutdown(0.001)
    process.stop_all()
  end)

  it("numbers the connections, whatever their requests", function()
    open()
    answer = function(event)
      if event.type == "request" then listener:respond(event.id, 200, {}, tostring(event.connection)) end
    end
    local first, second = connect(), connect()
    assert.equal("1", first:request({ body = "x" }).body)
    assert.equal("2", second:request({ body = "x" }).body)
    assert.equal("1", first:request({ body = "x" }).body)
    second:close()
    assert.equal("3", connect():request({ body = "x" }).body)
  end)

  it("has a second port, and tells it apart", function()
    open({ control_port = 0 })
    answer = function(event)
      listener:respond(event.id, 200, {}, tostring(event.is_control) .. " " .. tostring(event.connection))
    end
    assert.equal("nil 1", connect():request({ body = "x" }).body)
    assert.equal("true 1", connect(listener:control_port()):request({ body = "x" }).body)
    listener:shutdown(0.001)
    open()
    assert.is_nil(listener:control_port())
  end)

  it("says which port is taken", function()
    open()
    local other, message = native.open({ control_port = listener:port() })
    assert.is_nil(other)
    assert.matches("can't listen on 127.0.0.1 port %d+", message)
  end)

  describe("cuts off by a reset", function()
    it("a request that waits", function()
      open()
      answer = function(event) assert.is_true(listener:reset(event.id)) end
      local client = connect()
      client:send(REQUEST)
      assert.same({ "", "closed" }, { rest_of(client) })
      assert.equal(0, listener:stats().open_requests)
      assert.is_false(listener:reset(seen[1].id))
    end)

    it("a handshake that waits", function()
      open()
      answer = function(event) listener:reset(event.id) end
      local client = connect()
      client:send(ws_socket.handshake_text("/"))
      assert.same({ "", "closed" }, { rest_of(client) })
      assert.is_false((listener:accept(seen[1].id)))
    end)

    it("a WebSocket, whose end is an event", function()
      open()
      answer = function(event)
        if event.type == "upgrade" then listener:accept(event.id) end
        if event.type == "message" then listener:reset(event.id) end
      end
      local client = connect()
      assert.equal(101, client:handshake("/").status)
      client:send_text("x")
      assert.same({ "", "closed" }, { rest_of(client) })
      pump()
      assert.equal(1006, last_of("close").code)
      assert.equal(0, listener:stats().open_sockets)
    end)

    it("a WebSocket that gets what was sent before, be it much, if it reads", function()
      open()
      answer = function(event)
        if event.type == "upgrade" then listener:accept(event.id) end
        if event.type == "message" then
          listener:send(event.id, ("x"):rep(4000000))
          listener:reset(event.id, true)
          assert.is_false(listener:send(event.id, "more"))
        end
      end
      local client = connect()
      client:handshake("/")
      client:send_text("x")
      local text, ending = rest_of(client, 1000)
      assert.equal(4000010, #text)
      assert.equal("closed", ending)
      client = connect()
      client:handshake("/")
      client:send_text("x")
      client:close()
      for _ = 1, 50 do pump() end
      assert.equal(0, listener:stats().open_sockets)
    end)

    it("a peer that pipelined", function()
      open()
      answer = function(event) listener:reset(event.id) end
      local client = connect()
      client:send(REQUEST .. REQUEST .. REQUEST)
      assert.same({ "", "closed" }, { rest_of(client) })
      assert.equal(1, #seen)
    end)
  end)

  describe("breaks an answer off", function()
    local function break_off(n_bytes, by_reset, body)
      open()
      answer = function(event)
        listener:respond_partial(event.id, { status = 200, headers = "x-a: b\r\n", body = body or "hello", n_bytes = n_bytes,
          by_reset = by_reset })
      end
      local client = connect()
      client:send(REQUEST)
      return rest_of(client)
    end

    it("after so many bytes of its body", function()
      local text, ending = break_off(2, true)
      assert.equal("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-a: b\r\n\r\nhe", text)
      assert.equal("closed", ending)
      assert.equal(0, listener:stats().open_requests)
    end)

    it("by an end instead of a reset", function()
      assert.matches("\r\n\r\nhell$", (break_off(4, false)))
    end)

    it("with all of it, or none", function()
      assert.matches("\r\n\r\nhello$", (break_off(99, true)))
      listener:shutdown(0.001)
      assert.matches("\r\n\r\n$", (break_off(0, true)))
    end)

    it("when the reader has read what was sent, be it much", function()
      local text, ending = break_off(4000000, true, ("x"):rep(5000000))
      assert.equal(4000000, #text:match("\r\n\r\n(.*)$"))
      assert.equal("closed", ending)
    end)

    it("of a client that goes away meanwhile", function()
      open()
      answer = function(event)
        listener:respond_partial(event.id, { status = 200, headers = "", body = ("x"):rep(9000000), n_bytes = 8000000 })
      end
      local client = connect()
      client:send(REQUEST)
      client:close()
      for _ = 1, 20 do pump() end
      assert.is_false(listener:respond_partial(seen[1].id, { status = 200, headers = "", body = "", n_bytes = 0 }))
    end)
  end)

  it("holds a request without an answer, and hears the client's end", function()
    open()
    answer = function(event)
      assert.is_true(listener:hold(event.id))
      assert.is_false((listener:respond(event.id, 200, {}, "never")))
    end
    for i, bytes in ipairs({ REQUEST, REQUEST .. REQUEST, REQUEST .. "x", ws_socket.handshake_text("/") }) do
      local client = connect()
      client:send(bytes)
      assert.same({ "", "timeout" }, { rest_of(client, 10) })
      assert.equal(1, listener:stats().open_requests)
      assert.equal(i, #seen)
      client:close()
      for _ = 1, 20 do pump() end
      assert.equal(0, listener:stats().open_requests)
    end
    local client = connect()
    client:send(REQUEST)
    rest_of(client, 5)
    assert.is_true(listener:reset(seen[#seen].id))
    assert.equal("closed", select(2, rest_of(client)))
    connect():send(REQUEST) -- and one stays to the end of the listener
    pump()
  end)

  it("cuts all connections but WebSockets and those of the control port", function()
    open({ control_port = 0 })
    local function ends(client) return (select(2, rest_of(client, 10))) end
    answer = function(event)
      if event.type == "upgrade" then listener:accept(event.id) end
      if event.body == "hold" then listener:hold(event.id) end
      if event.body == "x" then listener:respond(event.id, 200, {}, "y") end
    end
    local idle, held, waiting, web, control = connect(), connect(), connect(), connect(), connect(listener:control_port())
    idle:request({ body = "x" })
    control:request({ body = "x" })
    held:send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nhold")
    waiting:send(REQUEST)
    web:handshake("/")
    assert.equal(3, listener:cut_all())
    for _, client in ipairs({ idle, held, waiting }) do assert.equal("closed", ends(client)) end
    for _, client in ipairs({ web, control }) do assert.equal("timeout", ends(client)) end
    assert.equal(0, listener:stats().open_requests)
    assert.equal(0, listener:cut_all())
  end)

  it("falls silent: it sends nothing, throws away what comes, and hears the end", function()
    open()
    answer = function(event)
      if event.type == "upgrade" then listener:accept(event.id) end
      if event.type == "message" then
        listener:mute(event.id)
        assert.is_false(listener:send(event.id, "never"))
        listener:close(event.id, 1000, "never")
      end
    end
    local client = connect()
    client:handshake("/")
    client:send_text("x")
    client:send(("y"):rep(3000000))
    assert.same({ "", "timeout" }, { rest_of(client, 20) })
    assert.equal(1, listener:stats().open_sockets)
    client:close()
    for _ = 1, 20 do pump() end
    assert.equal(0, listener:stats().open_sockets)
    assert.equal(1006, last_of("close").code)
  end)

  it("ends a silent WebSocket when it stops", function()
    open()
    answer = function(event)
      if event.type == "upgrade" then
        listener:accept(event.id)
        listener:mute(event.id)
      end
    end
    local client = connect()
    client:handshake("/")
    listener:shutdown(5)
    open()
    assert.equal("closed", select(2, rest_of(client)))
  end)

  it("writes as slowly as it is told, up to the next request", function()
    open()
    local rate = 8000
    answer = function(event)
      assert.is_true(listener:slow(event.id, rate))
      listener:respond(event.id, 200, {}, ("x"):rep(4000))
      rate = 0
    end
    local client, socket = connect(), require("socket")
    local began = socket.gettime()
    client:request({ body = "x" })
    assert.is_true(socket.gettime() - began >= 0.3)
    client:send(REQUEST)
    for _ = 1, 20 do -- turns of a millisecond at most, in which a slow answer can't be written
      pump()
      client:fill()
    end
    assert.equal(4000, #client.buffer:match("\r\n\r\n(.*)$"))
    assert.is_false(listener:slow(12345, 1))
    assert.has_error(function() listener:slow(1, -1) end)
  end)

  describe("within its bounds", function()
    for name, head in pairs({ headers = "POST / HTTP/1.1\r\nHost", body = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\na",
      ["first line"] = "PO" }) do
      it("ends a request whose " .. name .. " trickles", function()
        open({ request_timeout = 0.05 })
        local client = connect()
        client:send(head)
        local ending
        for _ = 1, 300 do
          client.tcp:send("a")
          ending = select(2, rest_of(client, 2))
          if ending ~= "timeout" then break end
        end
        assert.equal("closed", ending)
        assert.equal(1, listener:stats().timeouts)
        assert.equal(0, #seen)
      end)
    end

    it("doesn't end one that is complete and waits, or that has not begun", function()
      open({ request_timeout = 0.05 })
      local waiting, silent = connect(), connect()
      waiting:send(REQUEST)
      assert.equal("timeout", select(2, rest_of(waiting, 400)))
      assert.equal("timeout", select(2, rest_of(silent, 5)))
      listener:respond(seen[1].id, 200, {}, "late")
      assert.equal("late", waiting:response().body)
      assert.equal(0, listener:stats().timeouts)
    end)

    it("ends the second request of a connection that trickles", function()
      open({ request_timeout = 0.05 })
      answer = function(event) listener:respond(event.id, 200, {}, "x") end
      local client = connect()
      client:request({ body = "x" })
      client:send("POST / HT")
      assert.equal("closed", select(2, rest_of(client, 500)))
    end)

    it("closes connections above their number, and serves again when there is room", function()
      open({ max_connections = 3 })
      answer = function(event) listener:respond(event.id, 200, {}, "x") end
      local kept = {}
      for i = 1, 3 do kept[i] = connect() end
      assert.equal("x", kept[3]:request({ body = "x" }).body)
      assert.equal("closed", select(2, rest_of(connect())))
      assert.equal(1, listener:stats().refused)
      kept[1]:close()
      assert.equal("x", connect():request({ body = "x" }).body)
      assert.equal(1, listener:stats().refused)
    end)

    it("serves the control port all the same", function()
      open({ max_connections = 1, control_port = 0 })
      answer = function(event) listener:respond(event.id, 200, {}, "x") end
      connect():request({ body = "x" })
      assert.equal("x", connect(listener:control_port()):request({ body = "x" }).body)
    end)
  end)

  it("does all that over TLS", function()
    local has_ssl, ssl = pcall(require, "ssl")
    if not has_ssl then return pending("LuaSec is missing") end
    local made = certificates.make()
    open({ tls = made.server, control_port = 0 })
    local function connect_tls()
      local client = ws_socket.tcp(listener:port(), pump, function(tcp)
        local wrapped = assert(ssl.wrap(tcp, { mode = "client", protocol = "any", verify = "none" }))
        wrapped:settimeout(0)
        for _ = 1, 1000 do
          if wrapped:dohandshake() then return wrapped end
          pump()
        end
      end)
      sockets[#sockets + 1] = client
      return client
    end
    answer = function(event)
      if event.is_control then
        listener:respond(event.id, 200, {}, "plain")
      elseif event.path == "/reset" then
        listener:reset(event.id)
      elseif event.path == "/slow" then
        assert.is_false(listener:slow(event.id, 20000)) -- libevent would hang
        listener:respond(event.id, 200, {}, ("x"):rep(4000))
      else
        listener:respond_partial(event.id, { status = 200, headers = "", body = "hello", n_bytes = 2, by_reset = true })
      end
    end
    local client = connect_tls()
    client:send("GET /reset HTTP/1.1\r\nHost: h\r\n\r\n")
    assert.equal("", (rest_of(client)))
    client = connect_tls()
    client:send("GET /part HTTP/1.1\r\nHost: h\r\n\r\n")
    assert.matches("\r\n\r\nhe$", (rest_of(client)))
    assert.equal("plain", connect(listener:control_port()):request({ body = "x" }).body)
    client = connect_tls()
    client:send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
    assert.equal(4000, #client:response().body)
    listener:shutdown(0)
    open({ tls = made.server, request_timeout = 0.05 })
    local trickling = connect() -- a handshake of TLS that never comes
    trickling:send("\22\3\1")
    assert.equal("closed", select(2, rest_of(trickling, 800)))
  end)

  it("throws for options and arguments that it can't use", function()
    open()
    assert.has_error(function() native.open({ request_timeout = 0 }) end)
    assert.has_error(function() native.open({ control_port = 70000 }) end)
    assert.has_error(function() native.open({ max_connections = 0 }) end)
    assert.has_error(function() listener:respond_partial(1, "x") end)
    assert.has_error(function() listener:respond_partial(1, {}) end)
  end)
end)
