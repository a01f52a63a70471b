--- What waits in the listener for clients that don't read, and what comes from clients that send too much.
local native = require("appsync.server.native")
local socket = require("socket")
local ws_socket = require("spec.support.ws_socket")

local MB = 1048576

describe("the listener", function()
  local listener, clients, answer, n_requests, last_id

  local function pump()
    for _, event in ipairs(listener:poll(0)) do
      if event.type == "request" then
        n_requests, last_id = n_requests + 1, event.id
        if answer then listener:respond(event.id, 200, {}, answer) end
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

  local function until_(test)
    local give_up = socket.gettime() + 60
    repeat
      if test() then return true end
      pump()
    until socket.gettime() > give_up
    error("it never came to that")
  end

  before_each(function() clients, answer, n_requests = {}, "ok", 0 end)

  after_each(function()
    for _, client in ipairs(clients) do client:close() end
    listener:shutdown(0.001)
  end)

  describe("with clients that don't read", function()
    local function ask_without_reading(n)
      answer = ("x"):rep(16 * MB)
      for i = n_requests + 1, n_requests + n do
        connect():send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
        until_(function() return n_requests == i end)
      end
    end

    it("counts their answers until they are read", function()
      open({ max_pending_total = 30 * MB, write_timeout = 600 })
      ask_without_reading(1)
      assert.equal(16 * MB, listener:stats().pending)
      assert.is_false(listener:is_full())
      ask_without_reading(2)
      assert.is_true(listener:is_full())
      assert.equal(16 * MB, #clients[1]:response().body)
      until_(function() return listener:stats().pending <= 32 * MB end)
      for i = 2, 3 do assert.equal(16 * MB, #clients[i]:response().body) end
      until_(function() return listener:stats().pending == 0 end)
      assert.is_false(listener:is_full())
    end)

    it("counts them no more when the client is gone", function()
      open({})
      ask_without_reading(3)
      for _, client in ipairs(clients) do client:close() end
      until_(function() return listener:stats().pending == 0 end)
    end)

    it("counts an answer that breaks off, too", function()
      open({})
      answer = nil
      connect():send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
      until_(function() return n_requests == 1 end)
      local part = { status = 200, headers = "", body = ("x"):rep(16 * MB), n_bytes = 15 * MB }
      assert.is_true(listener:respond_partial(last_id, part))
      assert.equal(15 * MB, listener:stats().pending)
      clients[1]:close()
      until_(function() return listener:stats().pending == 0 end)
    end)

    it("cuts them after a while", function()
      open({ write_timeout = 0.05 })
      ask_without_reading(2)
      until_(function() return listener:stats().pending == 0 end)
    end)

    it("lets those that read go on", function()
      open({ write_timeout = 5 })
      ask_without_reading(1)
      assert.equal(16 * MB, #clients[1]:response().body)
      answer = "still there"
      assert.equal("still there", clients[1]:request({ body = "x" }).body)
    end)
  end)

  describe("refuses a body that is too large", function()
    local HEAD = "POST / HTTP/1.1\r\nHost: h\r\n"

    local function refusal_of(...)
      local client = connect()
      for _, part in ipairs({ ... }) do client:send(part) end
      local response = client:response()
      assert.equal(413, response.status)
      assert.equal("close", response.headers.connection)
      assert.matches("larger than 1000 bytes", response.body, 1, true)
      assert.equal(0, n_requests)
      return client
    end

    it("at its length", function()
      open({ max_body = 1000 })
      refusal_of(HEAD .. "Content-Length: 1001\r\n")
    end)

    it("before it is asked for", function()
      open({ max_body = 1000 })
      refusal_of(HEAD .. "Expect: 100-continue\r\nContent-Length: 50000000\r\n\r\n")
    end)

    it("at the first chunk that exceeds", function()
      open({ max_body = 1000 })
      refusal_of(HEAD .. "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" .. ("x"):rep(1000) .. "\r\n1\r\n")
    end)

    it("byte by byte", function()
      open({ max_body = 1000 })
      local client = connect()
      for c in (HEAD .. "Content-Length: 1001\r\n"):gmatch(".") do
        client:send(c)
        pump()
      end
      assert.equal(413, client:response().status)
    end)

    it("while its client goes on sending, and reads the refusal after that", function()
      open({ max_body = 1000 })
      local client = connect()
      client:send(HEAD .. "Content-Length: 20000000\r\n\r\n" .. ("x"):rep(20000000))
      assert.equal(413, client:response().status)
    end)

    it("behind requests that it answers", function()
      open({ max_body = 1000 })
      local client = connect()
      client:send(HEAD .. "Content-Length: 1\r\n\r\nx" .. HEAD .. "Content-Length: 1001\r\n\r\n" .. ("x"):rep(1001))
      assert.equal(200, client:response().status)
      assert.equal(413, client:response().status)
    end)

    it("and ends the connection", function()
      open({ max_body = 1000 })
      local client = refusal_of(HEAD .. "Content-Length: 1001\r\n\r\n")
      client.tcp:shutdown("send")
      local ended = until_(function()
        local _, why = client.tcp:receive(1)
        return why == "closed"
      end)
      assert.is_true(ended)
    end)

  end)
end)
