--- What clients send and don't complete, and what they don't read while they send more.
local native = require("appsync.server.native")
local socket = require("socket")
local ws_socket = require("spec.support.ws_socket")

local MB = 1048576
local HEAD = "POST / HTTP/1.1\r\nHost: h\r\n"

describe("the listener", function()
  local listener, clients, answer, n_requests, events

  local function pump()
    for _, event in ipairs(listener:poll(0)) do
      events[event.type] = event
      if event.type == "request" then
        n_requests = n_requests + 1
        if answer then listener:respond(event.id, 200, {}, answer) end
      elseif event.type == "upgrade" then
        listener:accept(event.id)
      end
    end
  end

  local function open(options)
    listener = assert(native.open(options))
  end

  local function connect()
    local client = ws_socket.tcp(listener:port(), pump)
    clients[#clients + 1] = client
    return client
  end

  local function open_ws()
    local client = connect()
    assert.equal(101, client:handshake("/").status)
    return client
  end

  local function until_(test)
    local give_up = socket.gettime() + 60
    while not test() do
      assert(socket.gettime() < give_up, "it never came to that")
      pump()
    end
  end

  -- A body of one byte more than is sent.
  local function send_part(n)
    local client, before = connect(), listener:stats().incoming
    client:send(HEAD .. ("Content-Length: %d\r\n\r\n"):format(n + 1) .. ("x"):rep(n))
    until_(function() return listener:stats().incoming >= before + n end)
    return client
  end

  local function begin_message(client, n)
    client:send(ws_socket.frame(1, ("x"):rep(n), { mask = "\0\0\0\0" }):sub(1, -2))
  end

  before_each(function() clients, answer, n_requests, events = {}, "ok", 0, {} end)

  after_each(function()
    for _, client in ipairs(clients) do client:close() end
    listener:shutdown(0.001)
  end)

  describe("with requests that aren't complete", function()
    it("counts them until they are answered", function()
      open({})
      answer = nil
      local client = send_part(2 * MB)
      client:send("x")
      until_(function() return n_requests == 1 end)
      assert.is_true(listener:stats().incoming > 2 * MB)
      listener:respond(events.request.id, 200, {}, "ok")
      assert.equal(0, listener:stats().incoming)
      assert.equal(200, client:response().status)
    end)

    local ENDS = {
      closed = function(client) client:close() end,
      reset = function(client)
        client.tcp:setoption("linger", { on = true, timeout = 0 })
        client:close()
      end,
    }
    for how, finish in pairs(ENDS) do
      it("counts them no more when the connection is " .. how, function()
        open({})
        local first, second = send_part(MB), send_part(MB)
        finish(first)
        finish(second)
        until_(function() return listener:stats().incoming == 0 end)
      end)
    end

    local FAULTS = {
      reset = function(id) listener:reset(id) end,
      ["never answered"] = function(id) listener:hold(id) end,
      ["answered in part"] = function(id)
        listener:respond_partial(id, { status = 200, headers = "", body = "xyz", n_bytes = 1 })
      end,
    }
    for how, finish in pairs(FAULTS) do
      it("counts them no more when they are " .. how, function()
        open({})
        answer = nil
        send_part(MB):send("x")
        until_(function() return n_requests == 1 end)
        finish(events.request.id)
        assert.equal(0, listener:stats().incoming)
      end)
    end

    it("counts them no more when one is answered whose client is gone", function()
      open({})
      answer = nil
      send_part(MB):send("x")
      until_(function() return n_requests == 1 end)
      clients[1]:close()
      for _ = 1, 10 do pump() end
      listener:respond(events.request.id, 200, {}, "x")
      assert.equal(0, listener:stats().incoming)
    end)

    it("counts them no more when its client is gone that had begun the next one", function()
      open({})
      answer = nil
      send_part(MB):send("x" .. HEAD)
      until_(function() return n_requests == 1 end)
      listener:respond(events.request.id, 200, {}, "x")
      assert.equal(#HEAD, listener:stats().incoming)
      assert.equal(200, clients[1]:response().status)
      clients[1]:close()
      until_(function() return listener:stats().incoming == 0 end)
    end)

    it("counts them no more when they take too long", function()
      open({ request_timeout = 0.2 })
      send_part(MB)
      until_(function() return listener:stats().incoming == 0 end)
      assert.equal(1, listener:stats().timeouts)
    end)

    it("refuses large ones above its limit, and answers small ones", function()
      open({ max_incoming_total = 1.2 * MB })
      send_part(MB)
      local large = connect()
      large:send(HEAD .. "Content-Length: 500000\r\n\r\n" .. ("x"):rep(499999))
      local response = large:response()
      assert.equal(503, response.status)
      assert.equal("1", response.headers["retry-after"])
      assert.matches("ServiceUnavailableException", response.body, 1, true)
      assert.matches("}]}$", response.body)
      assert.is_nil(large:wait(function() end))
      assert.equal(1, listener:stats().crowded)
      assert.equal(0, n_requests)
      assert.equal(200, connect():request({ body = ("x"):rep(10000) }).status)
      clients[1]:close()
      large:close()
      until_(function() return listener:stats().incoming == 0 end)
      assert.equal(200, connect():request({ body = ("x"):rep(MB) }).status)
    end)

    it("refuses large ones in chunks, too", function()
      open({ max_incoming_total = 1.2 * MB })
      send_part(MB)
      local large = connect()
      large:send(HEAD .. "Transfer-Encoding: chunked\r\n\r\n" .. ("4000\r\n" .. ("x"):rep(16384) .. "\r\n"):rep(30))
      assert.equal(503, large:response().status)
      assert.equal(0, n_requests)
    end)

    it("reads no more than one of them while its answer isn't read", function()
      open({ max_body = 1000 })
      answer = ("x"):rep(16 * MB)
      local client, one = connect(), HEAD .. "Content-Length: 1\r\n\r\nx"
      client:send(one)
      until_(function() return n_requests == 1 end)
      local many, n_sent, n_idle = one:rep(10000), 0, 0
      while n_idle < 200 and n_sent < 64 * MB do
        local last, _, partial = client.tcp:send(many)
        local n = last or partial or 0
        n_sent, n_idle = n_sent + n, n == 0 and n_idle + 1 or 0
        pump()
      end
      assert.is_true(n_sent < 64 * MB)
      assert.is_true(listener:stats().incoming < 300000, listener:stats().incoming)
      assert.equal(1, n_requests)
    end)
  end)

  describe("with clients that don't read", function()
    local function ask(client)
      local n = n_requests
      client:send(HEAD .. "Content-Length: 1\r\n\r\nx")
      until_(function() return n_requests == n + 1 end)
    end

    it("cuts one that reads a little now and then", function()
      open({ write_timeout = 2 })
      answer = ("x"):rep(16 * MB)
      local client = connect()
      client.tcp:setoption("recv-buffer-size", 4096)
      ask(client)
      local due = 0
      until_(function()
        if socket.gettime() > due then
          client.tcp:receive(512)
          due = socket.gettime() + 0.02
        end
        return listener:stats().slow_readers == 1
      end)
      until_(function() return listener:stats().pending == 0 end)
    end)

    it("lets one read its answer that has sent the next request", function()
      open({ request_timeout = 0.05 })
      answer = ("x"):rep(16 * MB)
      local client = connect()
      ask(client)
      client:send(HEAD)
      local later = socket.gettime() + 0.3
      until_(function() return socket.gettime() > later end)
      assert.equal(16 * MB, #client:response().body)
      until_(function() return listener:stats().timeouts == 1 end) -- of the next request
    end)

    it("cuts an answer that breaks off, too", function()
      open({ write_timeout = 0.05 })
      answer = nil
      ask(connect())
      listener:respond_partial(events.request.id, { status = 200, headers = "", body = ("x"):rep(16 * MB), n_bytes = 15 * MB })
      until_(function() return listener:stats().pending == 0 end)
    end)

    it("cuts a WebSocket, too", function()
      open({ write_timeout = 0.05 })
      open_ws()
      listener:send(events.upgrade.id, ("x"):rep(7 * MB))
      until_(function() return events.close end)
      assert.equal(1006, events.close.code)
      assert.equal(0, listener:stats().pending)
    end)

    it("leaves half of the room to answers, whatever WebSockets do", function()
      open({ max_pending_total = 20 * MB })
      local ids = {}
      for i = 1, 4 do
        open_ws()
        ids[i] = events.upgrade.id
      end
      for _ = 1, 100 do
        for i = 1, 4 do listener:send(ids[i], ("x"):rep(100000)) end
      end
      assert.is_true(listener:stats().pending <= 10 * MB, listener:stats().pending)
      assert.is_true(listener:stats().overflows > 0)
    end)
  end)

  describe("with WebSocket messages that aren't complete", function()
    it("counts them until they are", function()
      open({})
      local client = open_ws()
      begin_message(client, 200000)
      until_(function() return listener:stats().incoming > 199000 end)
      client:send("x")
      until_(function() return events.message end)
      assert.equal(0, listener:stats().incoming)
    end)

    it("doesn't count what comes between their parts", function()
      open({})
      local client = open_ws()
      client:send(ws_socket.frame(1, "x", { fin = false }) .. ws_socket.frame(9, "ping"):rep(1000))
      until_(function()
        local frame = client:frame()
        return frame.opcode == 10
      end)
      client:send(ws_socket.frame(9, "ping"):rep(1000))
      for _ = 1, 1999 do client:frame() end
      assert.is_true(listener:stats().incoming < 20, listener:stats().incoming)
    end)

    it("counts them no more when their socket is gone", function()
      open({})
      local client = open_ws()
      begin_message(client, 200000)
      until_(function() return listener:stats().incoming > 199000 end)
      client:close()
      until_(function() return events.close end)
      assert.equal(0, listener:stats().incoming)
    end)

    it("ends those that take too long, and no socket that is silent", function()
      open({ request_timeout = 0.1 })
      local silent, half = open_ws(), open_ws()
      begin_message(half, 1000)
      until_(function() return events.close end)
      assert.equal(1006, events.close.code)
      assert.equal(1, listener:stats().timeouts)
      silent:send(ws_socket.frame(1, "still there"))
      until_(function() return events.message end)
      assert.equal("still there", events.message.text)
    end)

    it("leaves a socket alone that fell silent by a fault", function()
      open({ request_timeout = 0.05 })
      local client = open_ws()
      begin_message(client, 100000)
      until_(function() return listener:stats().incoming > 99000 end)
      listener:mute(events.upgrade.id)
      assert.equal(0, listener:stats().incoming)
      local later = socket.gettime() + 0.3
      until_(function() return socket.gettime() > later end)
      assert.is_nil(events.close)
    end)

    it("ends those above its limit", function()
      open({ max_incoming_total = MB })
      for _ = 1, 2 do begin_message(open_ws(), 600000) end
      until_(function() return events.close end)
      assert.equal(1013, events.close.code)
      assert.equal(1, listener:stats().crowded)
    end)
  end)
end)
