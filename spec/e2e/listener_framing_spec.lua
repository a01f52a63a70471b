-- Where a request begins and ends (RFC 9112): what another server could read otherwise is answered with 400, and nothing that
-- stands behind it is a request.
local native = require("appsync.server.native")
local ws_socket = require("spec.support.ws_socket")

local listener, seen, client

local function pump()
  for _, event in ipairs(listener:poll(0)) do
    if event.type == "request" then
      seen[#seen + 1] = event.method .. " " .. event.path .. " " .. event.body
      listener:respond(event.id, 200, {}, "ok")
    elseif event.type == "upgrade" then
      if event.path == "/refused" then listener:reject(event.id, 403, {}, "no") else listener:accept(event.id) end
    elseif event.type == "message" then
      seen[#seen + 1] = "message " .. event.text
    end
  end
end

-- All that comes until the server closes.
local function rest_of(connection)
  connection:wait(function() return nil end)
  return connection.buffer
end

local POST = "POST /a HTTP/1.1\r\nHost: h\r\n"
local NEXT = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n"

describe("a request", function()
  before_each(function()
    seen = {}
    listener = assert(native.open({ port = 0 }))
    client = ws_socket.tcp(listener:port(), pump)
  end)

  after_each(function()
    client:close()
    listener:shutdown(0.001)
  end)

  -- Of what stands within a body evhttp says 413.
  local refused = {
    { "two lengths", POST .. "Content-Length: 1\r\nContent-Length: 5\r\n\r\n12345" },
    { "two equal lengths", POST .. "Content-Length: 1\r\nContent-Length: 1\r\n\r\n1" },
    { "two lengths, one with another case", POST .. "content-length: 1\r\nCONTENT-LENGTH: 5\r\n\r\n12345" },
    { "a list of lengths", POST .. "Content-Length: 5, 5\r\n\r\n12345" }, { "a signed length", POST .. "Content-Length: +5\r\n\r\n12345" },
    { "a negative length", POST .. "Content-Length: -5\r\n\r\n12345" }, { "a length that isn't decimal", POST .. "Content-Length: 0x5\r\n\r\n12345" },
    { "a length with more behind it", POST .. "Content-Length: 5 5\r\n\r\n12345" }, { "an empty length", POST .. "Content-Length:\r\n\r\n" },
    { "a length beyond numbers", POST .. "Content-Length: 18446744073709551621\r\n\r\n12345" },
    { "a fraction as a length", POST .. "Content-Length: 5.0\r\n\r\n12345" },
    { "a length and chunks", POST .. "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { "chunks and a length", POST .. "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" },
    { "chunks and the length 0", POST .. "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n" },
    { "a space before the colon", POST .. "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" },
    { "a space before the colon of any header", POST .. "X-A : b\r\nContent-Length: 0\r\n\r\n" },
    { "a tabulator before the colon", POST .. "Content-Length\t: 5\r\n\r\n12345" },
    { "another coding", POST .. "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n" }, { "two codings", POST .. "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" },
    { "chunked twice", POST .. "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { "a coding that looks like chunked", POST .. "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" },
    { "a coding behind a vertical tabulator", POST .. "Transfer-Encoding: \11chunked\r\n\r\n0\r\n\r\n" },
    { "no coding", POST .. "Transfer-Encoding:\r\n\r\n" }, { "identity", POST .. "Transfer-Encoding: identity\r\n\r\n" },
    { "chunks in HTTP/1.0", "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { "a folded header", POST .. "X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n" }, { "a header folded by a tabulator", POST .. "X-A: b\r\n\tc\r\n\r\n" },
    { "a fold before the first header", "POST /a HTTP/1.1\r\n Host: h\r\n\r\n" },
    { "a bare LF behind the request line", "GET /a HTTP/1.1\nHost: h\r\n\r\n" }, { "a bare LF behind a header", "GET /a HTTP/1.1\r\nHost: h\n\r\n" },
    { "a bare LF for the empty line", "GET /a HTTP/1.1\r\nHost: h\r\n\n" }, { "a bare CR in a header", "GET /a HTTP/1.1\r\nHost: h\rX-A: b\r\n\r\n" },
    { "CR twice", "GET /a HTTP/1.1\r\nHost: h\r\r\n\r\n" }, { "a NUL in a value", POST .. "X-A: b\0c\r\n\r\n" }, { "a NUL in a name", POST .. "X\0A: b\r\n\r\n" },
    { "a control character in a value", POST .. "X-A: \27[2J\r\n\r\n" }, { "a DEL in a value", POST .. "X-A: \127\r\n\r\n" },
    { "no name", POST .. ": b\r\n\r\n" }, { "no colon", POST .. "no colon\r\n\r\n" }, { "two hosts", POST .. "Host: i\r\n\r\n" },
    { "a name in quotes", POST .. '"X": b\r\n\r\n' }, { "a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n" },
    { "a control character in the target", "GET /a\1 HTTP/1.1\r\nHost: h\r\n\r\n" }, { "two spaces", "GET  /a HTTP/1.1\r\nHost: h\r\n\r\n" },
    { "a tabulator in the request line", "GET\t/a HTTP/1.1\r\nHost: h\r\n\r\n" }, { "no version", "GET /a\r\nHost: h\r\n\r\n" },
    { "another version", "GET /a HTTP/2.0\r\nHost: h\r\n\r\n" }, { "two empty lines before it", "\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n" },
    { "a bare CR before it", "\rGET /a HTTP/1.1\r\nHost: h\r\n\r\n" }, { "a bare LF before it", "\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n" },
    { "a body behind GET", "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: " .. #NEXT .. "\r\n\r\n" },
    { "chunks behind DELETE", "DELETE /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { "a signed chunk size", POST .. "Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n", 413 },
    { "a chunk size in C's spelling", POST .. "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 413 },
    { "a chunk size behind a space", POST .. "Transfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n", 413 },
    { "a chunk size before a space", POST .. "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", 413 },
    { "no chunk size", POST .. "Transfer-Encoding: chunked\r\n\r\n\r\na\r\n0\r\n\r\n", 413 },
    { "a chunk size beyond numbers", POST .. "Transfer-Encoding: chunked\r\n\r\n100000001\r\na\r\n0\r\n\r\n", 413 },
    { "a chunk's extension", POST .. "Transfer-Encoding: chunked\r\n\r\n1;a=b\r\na\r\n0\r\n\r\n", 413 },
    { "a chunk size that ends in LF", POST .. "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 413 },
    { "a chunk that is longer than it says", POST .. "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 413 },
    { "a chunk that ends in LF", POST .. "Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n", 413 },
    { "a trailer", POST .. "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Api-Key: k\r\n\r\n", 413 },
    { "more behind a refused one", POST .. "Upgrade: websocket\r\nContent-Length: 5, 5\r\n\r\n12345" },
    { "an Upgrade that is too long to be read", "GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: " .. ("x"):rep(70) .. ", websocket\r\n\r\n" },
  }
  for _, row in ipairs({
    { "at first", "", "\r\n" }, { "in two parts", "\r", "\n" }, { "behind another request", NEXT, "\r\n" },
    { "behind a body", POST .. "Content-Length: 1\r\n\r\na", "\r\n" }, { "in two parts, behind another request", NEXT .. "\r", "\n" },
  }) do
    it("is read behind an empty line: " .. row[1], function()
      if row[2] ~= "" then client:send(row[2]) end
      pump()
      client:send(row[3] .. NEXT)
      local n = row[2]:find("HTTP") and 2 or 1
      client:wait(function() return #seen >= n or nil end)
      assert.equal("GET /next ", seen[n])
    end)
  end

  for _, row in ipairs(refused) do
    it(("is refused with %d, and the connection closed, for %s"):format(row[3] or 400, row[1]), function()
      client:send(row[2] .. NEXT)
      local answer = rest_of(client)
      assert.matches("^HTTP/1%.[01] " .. (row[3] or 400) .. " ", answer)
      assert.is_nil(answer:find("HTTP/1.1", 10, true))
      assert.same({}, seen)
    end)
  end

  it("is refused the same way however its bytes come", function()
    for _, row in ipairs(refused) do
      local slow = ws_socket.tcp(listener:port(), pump)
      for i = 1, #row[2] do
        if not slow:send(row[2]:sub(i, i)) then break end
      end
      slow:send(NEXT)
      local answer = rest_of(slow)
      slow:close()
      assert.matches("^HTTP/1%.[01] " .. (row[3] or 400) .. " ", answer, row[1])
      assert.same({}, seen)
    end
  end)

  it("before a refused one is answered", function()
    client:send(POST .. "Content-Length: 2\r\n\r\nok" .. NEXT .. POST .. "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab" .. NEXT)
    local answer = rest_of(client)
    assert.same({ "POST /a ok", "GET /next " }, seen)
    assert.same({ "200", "200", "400" }, { answer:match("^HTTP/1.1 (%d+).*HTTP/1.1 (%d+).*HTTP/1.1 (%d+)") })
  end)

  local taken = {
    { "a body of a length", POST .. "Content-Length: \t 5 \r\n\r\n12345", "POST /a 12345" },
    { "an empty body", POST .. "Content-Length: 0\r\n\r\n", "POST /a " }, { "no length", POST .. "\r\n", "POST /a " },
    { "chunks", POST .. "Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0000A\r\n0123456789\r\n0\r\n\r\n", "POST /a a0123456789" },
    { "a length of nothing behind GET", "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "GET /a " },
    { "any token as a header's name", POST .. "!#$%&'*+-.^_`|~09azAZ: b\r\n\r\n", "POST /a " },
    { "bytes beyond ASCII in a value", POST .. "X-A: \195\169\255\r\n\r\n", "POST /a " }, { "an empty value", POST .. "X-A:\r\n\r\n", "POST /a " },
    { "an upgrade that isn't to a WebSocket", POST .. "Upgrade: h2c\r\nContent-Length: 1\r\n\r\na", "POST /a a" },
    { "a body that looks like a bad request", POST .. "Content-Length: 9\r\n\r\n\r\nA : b\n\0", "POST /a \r\nA : b\n\0" },
  }
  for _, row in ipairs(taken) do
    it("is taken, and another one behind it, with " .. row[1], function()
      client:send(row[2] .. NEXT)
      assert.equal(200, client:response().status)
      assert.equal(200, client:response().status)
      assert.same({ row[3], "GET /next " }, seen)
      for i = 1, #row[2] do client:send(row[2]:sub(i, i)) end
      assert.equal(200, client:response().status)
      assert.equal(row[3], seen[3])
    end)
  end

  it("that becomes a WebSocket has frames behind it, whatever their bytes", function()
    client:send(ws_socket.handshake_text("/graphql/realtime", {}) .. ws_socket.frame(1, "\r\n: \n"))
    client:wait(function() return seen[1] end)
    assert.same({ "message \r\n: \n" }, seen)
  end)

  it("whose WebSocket is refused has nothing behind it", function()
    client:send(ws_socket.handshake_text("/refused", {}) .. NEXT)
    local answer = rest_of(client)
    assert.matches("^HTTP/1.1 403 ", answer)
    assert.is_nil(answer:find("HTTP/1.1", 10, true))
    assert.same({}, seen)
    local other = ws_socket.tcp(listener:port(), pump)
    other:send((ws_socket.handshake_text("/graphql/realtime", {}):gsub("Version: 13", "Version: 12")) .. NEXT)
    assert.matches("^HTTP/1.1 400 ", rest_of(other))
    other:close()
    assert.same({}, seen)
  end)
end)
