--- Bytes that are made to hurt, sent to a server over real sockets: whatever comes, the others are served, and nothing of it
--- stays behind.
local core = require("appsync.core")
local faulty_server = require("spec.support.faulty_server")
local ws_socket = require("spec.support.ws_socket")

describe("a hostile client of appsync serve", function()
  local hostile

  before_each(function()
    hostile = faulty_server.start(nil, { faults = false, ka = 1000 })
  end)

  after_each(function() hostile:stop() end)

  local function is_serving()
    local response = hostile:ask("{ one }")
    return response ~= nil and response.status == 200 and response.json.data.one == 1
  end

  -- The answer to raw bytes, as far as one comes, or the end; "" when nothing does.
  local function answer_to(bytes)
    local client = hostile:connect()
    client.tcp:settimeout(0)
    pcall(client.send, client, bytes)
    for _ = 1, 20 do
      client:fill()
      if client.is_closed then break end
      hostile.server:step(0.001)
    end
    client:close()
    return client.buffer
  end

  local function request(body, headers)
    return ("POST /graphql HTTP/1.1\r\nHost: localhost\r\nx-api-key: k\r\n%sContent-Length: %d\r\n\r\n%s"):format(headers or "", #body, body)
  end

  local function errors_of(query)
    return assert(hostile:ask(query).json.errors)
  end

  describe("with a document", function()
    it("nested without end is told so", function()
      for _, query in ipairs({ ("{ a"):rep(5000), ("{ a"):rep(5000) .. ("}"):rep(5000), "{ a(b: " .. ("["):rep(9000) .. " }",
        "{ a(b: " .. ("{c:"):rep(9000) .. " }", "query(" .. ("$a:["):rep(5000), ("{ ...on Q"):rep(4000) }) do
        assert.is_string(errors_of(query)[1].message)
      end
      assert.is_true(is_serving())
    end)

    it("of fragments that lead to themselves is told so", function()
      for _, query in ipairs({ "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "subscription { ...A } fragment A on Subscription { ...A }" }) do
        assert.is_string(errors_of(query)[1].message)
      end
    end)

    it("of more than fifteen thousand tokens is refused as the service does", function()
      assert.equal("Maximum char length exceeded", errors_of("{ " .. ("one "):rep(15000) .. "}")[1].message)
      assert.equal("Maximum char length exceeded", errors_of(("{ one } "):rep(300000))[1].message)
      assert.is_true(is_serving())
    end)

    it("of many aliases of one field is answered or told", function()
      local parts = {}
      for i = 1, 3000 do parts[i] = "a" .. i .. ":one" end
      assert.equal(200, hostile:ask("{" .. table.concat(parts, " ") .. "}").status)
    end)
  end)

  describe("with a body", function()
    it("of JSON nested without end is told so", function()
      for _, body in ipairs({ ("["):rep(100000), ('{"a":'):rep(50000), '{"query":"{ one }","variables":' .. ("["):rep(20000) .. ("]"):rep(20000) .. "}" }) do
        assert.matches("^HTTP/1.1 400 ", answer_to(request(body)))
      end
      assert.is_true(is_serving())
    end)

    it("of bytes that are no UTF-8 is told so", function()
      for _, body in ipairs({ '{"query":"{ one } #\255"}', "\255\254{", '{"query":"{ one }","variables":{"\192\128":1}}',
        '{"query":"\\ud800"}', ("\0"):rep(1000) }) do
        assert.matches("^HTTP/1.1 [24]00 ", answer_to(request(body)))
      end
      assert.is_true(is_serving())
    end)

    it("that is announced as larger than the bound and never comes is waited for as long as any", function()
      hostile:stop()
      hostile = faulty_server.start(nil, { faults = false, request_timeout = 0.05 })
      local client = hostile:connect()
      client:send("POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n")
      local ending
      for _ = 1, 10 do
        ending = hostile:ending(client)
        if ending ~= "timeout" then break end
      end
      assert.equal("closed", ending)
      assert.is_true(is_serving())
    end)

    it("in chunks of sizes that are none is told so or cut", function()
      for _, chunks in ipairs({ "-1\r\n", "ffffffffffffffffff\r\n", "7fffffffffffffff\r\nx", "zz\r\n", "\r\n\r\n", "1;" .. ("x"):rep(200000),
        "5\r\nab\r\n0\r\n\r\n", "0\r\n" .. ("T: x\r\n"):rep(50000) }) do
        local answer = answer_to("POST /graphql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" .. chunks)
        assert.not_matches("^HTTP/1.1 200", answer)
        assert.is_true(is_serving(), chunks:sub(1, 20))
      end
    end)

    it("of a length that is none, or two, is told so or cut", function()
      for _, headers in ipairs({ "Content-Length: -5\r\n", "Content-Length: x\r\n", "Content-Length: 99999999999999999999999\r\n",
        "Content-Length: 1\r\nContent-Length: 70\r\n", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Content-Length:\r\n" }) do
        answer_to("POST /graphql HTTP/1.1\r\nHost: localhost\r\n" .. headers .. "\r\n{}{}{}")
        assert.is_true(is_serving(), headers)
      end
    end)
  end)

  describe("with a head", function()
    for name, bytes in pairs({
      ["of one endless line"] = "GET /" .. ("a"):rep(300000),
      ["of an endless header"] = "GET / HTTP/1.1\r\nX: " .. ("a"):rep(300000),
      ["of endless headers"] = "GET / HTTP/1.1\r\n" .. ("X: a\r\n"):rep(50000),
      ["without a version"] = "GET /graphql\r\n\r\n",
      ["of another protocol"] = "\22\3\1\2\0\1\0\1\252\3\3" .. ("\171"):rep(500),
      ["of HTTP/2"] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
      ["of zeros"] = ("\0"):rep(10000),
      ["of a strange method"] = "BREW /graphql HTTP/1.1\r\nHost: localhost\r\n\r\n",
      ["with an absolute target"] = "GET http://evil.example/graphql HTTP/1.1\r\nHost: localhost\r\n\r\n",
      ["with a broken target"] = "GET http://[::1/graphql%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
      ["with headers that aren't"] = "GET / HTTP/1.1\r\nno colon\r\n: no name\r\n folded\r\n\r\n",
    }) do
      it(name .. " is told so or cut", function()
        assert.not_matches("^HTTP/1.1 200", answer_to(bytes))
        assert.is_true(is_serving())
      end)
    end
  end)

  it("that sends a thousand requests at once gets as many answers, in order", function()
    local client, body = hostile:connect(), '{"query":"{ one }"}'
    client:send(request(body):rep(1000))
    for _ = 1, 1000 do
      assert.equal(200, client:response().status)
    end
  end)

  it("that closes its half gets its answer or an end", function()
    local client = hostile:connect()
    client:send(request('{"query":"{ one }"}'))
    client.tcp:shutdown("send")
    assert.not_equal("timeout", hostile:ending(client))
    assert.is_true(is_serving())
  end)

  it("of a hundred and more connections that say nothing, or half a word, doesn't keep others out", function()
    local before, held = faulty_server.n_descriptors(), {}
    for i = 1, 300 do
      held[i] = hostile:connect()
      held[i].tcp:send(i % 2 == 0 and "POST /gra" or "")
      if i % 50 == 0 then hostile:idle() end
    end
    assert.is_true(is_serving())
    for i = 1, 300 do held[i]:close() end
    for _ = 1, 30 do hostile:idle() end
    assert.is_true(faulty_server.n_descriptors() <= before + 2)
  end)

  describe("of a WebSocket", function()
    local function open_ws()
      local client = hostile:open_ws()
      return client
    end

    local function closes_with(code, ...)
      local client = open_ws()
      for _, bytes in ipairs({ ... }) do pcall(client.send, client, bytes) end
      local frame
      repeat frame = client:frame() until not frame or frame.opcode == 8
      assert(frame, "no close frame")
      assert.equal(code, frame.payload:byte(1) * 256 + frame.payload:byte(2))
      client:close()
      assert.is_true(is_serving())
    end

    local frame = ws_socket.frame

    it("is closed for text that is no UTF-8, be it in fragments or cut", function()
      closes_with(1007, frame(1, "\255"))
      closes_with(1007, frame(1, "ab\195", { fin = false }), frame(0, "\40"))
      closes_with(1007, frame(1, "\237\160\128"))
      closes_with(1007, frame(1, "\195"))
    end)

    it("is closed for what is no frame", function()
      closes_with(1002, frame(1, "x", { mask = false }))
      closes_with(1002, frame(1, "x", { rsv = 64 }))
      closes_with(1002, frame(1, "x", { rsv = 16 }))
      closes_with(1002, frame(3, "x"))
      closes_with(1002, frame(11, "x"))
      closes_with(1002, frame(0, "x"))
      closes_with(1002, frame(1, "x", { fin = false }), frame(1, "y"))
      closes_with(1002, frame(9, ("x"):rep(126)))
      closes_with(1002, frame(9, "x", { fin = false }))
      closes_with(1002, "\129\255\255\255\255\255\255\255\255\255\0\0\0\0")
    end)

    it("is closed for a message above the bound, in one or in fragments without end", function()
      closes_with(1009, frame(1, ("x"):rep(1100000), { mask = "\0\0\0\0" }))
      local client, piece = open_ws(), frame(0, ("x"):rep(60000), { mask = "\0\0\0\0", fin = false })
      pcall(client.send, client, frame(1, "x", { fin = false }))
      for _ = 1, 20 do pcall(client.send, client, piece) end
      local answer
      repeat answer = client:frame() until not answer or answer.opcode == 8
      assert.equal(1009, answer.payload:byte(1) * 256 + answer.payload:byte(2))
      assert.is_true(is_serving())
    end)

    it("that sends empty fragments, pings and rubbish is kept or closed, and nobody minds", function()
      local client = open_ws()
      client:send(frame(1, "", { fin = false }) .. frame(0, "", { fin = false }):rep(2000) .. frame(0, "{}"))
      client:send(frame(9, "p"):rep(500))
      for _, text in ipairs({ "", "null", "[]", '{"type":{}}', '{"type":"start"}', '{"type":"start","id":5}', ("["):rep(50000),
        '{"type":"start","id":"a","payload":{"data":"{"}}', '{"type":"start","id":"a","payload":{"data":' .. core.encode(("["):rep(9999)) .. "}}",
        '{"type":"stop","id":"' .. ("x"):rep(100000) .. '"}' }) do
        client:send_text(text)
      end
      assert.is_true(is_serving())
    end)

    it("that ends in the middle of a frame leaves nothing", function()
      for _, bytes in ipairs({ "\129", "\129\254\1", frame(1, "abc"):sub(1, -2), "\136\130" }) do
        local client = open_ws()
        client:send(bytes)
        client:close()
      end
      for _ = 1, 10 do hostile:idle() end
      assert.equal(0, hostile.server.listener:stats().open_sockets)
    end)
  end)

  it("leaves no memory and no descriptor behind, however often it comes", function()
    local function resident_kib()
      local file = io.open("/proc/self/status")
      local kib = file and tonumber(file:read("*a"):match("VmRSS:%s*(%d+)"))
      if file then file:close() end
      return kib or 0
    end
    local attacks = { "GET / HTTP/1.1\r\nX: " .. ("a"):rep(100000), request(("["):rep(30000)), request(('{"a":'):rep(9000)),
      "POST /graphql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n" .. ("x"):rep(60000),
      ws_socket.handshake_text("/graphql/realtime", { ["Sec-WebSocket-Protocol"] = "graphql-ws" }) .. "\129\255\255",
      request(core.encode({ query = ("{ a"):rep(2000) })) }
    local function round(n)
      for _ = 1, n do
        for _, bytes in ipairs(attacks) do
          local client = ws_socket.tcp(hostile.server.listener:port(), function() hostile.server:step(0) end)
          pcall(client.send, client, bytes)
          hostile:idle()
          client:close()
          hostile:idle()
        end
      end
      collectgarbage()
      collectgarbage()
    end
    round(15)
    local kib, descriptors = resident_kib(), faulty_server.n_descriptors()
    round(40)
    assert.is_true(faulty_server.n_descriptors() <= descriptors + 1)
    local allowed = tonumber(os.getenv("ALLOWED_KIB")) or 6000
    assert.is_true(resident_kib() - kib < allowed, ("%d KiB more"):format(resident_kib() - kib))
    assert.is_true(is_serving())
  end)
end)
