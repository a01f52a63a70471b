local native = require("appsync.server.native")
local ssl = require("ssl")
local ws_socket = require("spec.support.ws_socket")

describe("the listener over TLS", function()
  local listener, last_close, folder

  --- Echoes requests and messages.
  local function pump()
    for _, event in ipairs(listener:poll(0)) do
      if event.type == "request" then
        listener:respond(event.id, 200, nil, event.method .. " " .. event.body)
      elseif event.type == "upgrade" then
        listener:accept(event.id)
      elseif event.type == "message" then
        listener:send(event.id, "echo " .. event.text)
      else
        last_close = event
      end
    end
  end

  local function open(max_body, max_incoming_total)
    last_close = nil
    listener = assert(native.open({
      tls = { cert = folder .. "/cert", key = folder .. "/key" }, max_body = max_body, max_incoming_total = max_incoming_total,
    }))
  end

  local function connect(wrap)
    return ws_socket.tcp(listener:port(), pump, wrap)
  end

  after_each(function()
    listener:shutdown(0.001)
  end)

  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    local command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    assert(os.execute(("%s -keyout %s/key -out %s/cert 2>/dev/null"):format(command, folder, folder)))
  end)

  teardown(function()
    os.execute("rm -r " .. folder)
  end)

  local function wrap(tcp, let_server_work)
    local settings = { mode = "client", protocol = "any", verify = "none", alpn = { "h2", "http/1.1" } }
    local tls = assert(ssl.wrap(tcp, settings))
    tls:settimeout(0)
    while true do
      local ok, message = tls:dohandshake()
      if ok then
        return tls
      end
      assert(message == "wantread" or message == "wantwrite" or message == "timeout", message)
      let_server_work()
    end
  end

  it("serves requests and WebSockets and chooses http/1.1", function()
    open()
    local client = connect(wrap)
    assert.equal("http/1.1", client.tcp:getalpn())
    assert.equal("POST x", client:request({ body = "x" }).body)
    assert.equal(101, client:handshake("/graphql").status)
    client:send_text(("x"):rep(200000))
    assert.equal(200005, #client:frame().payload)
    client:send(ws_socket.frame(8, "\3\232"))
    assert.equal(1000, (client:close_frame()))
    assert.is_nil(client:frame())
    assert.equal(1000, last_close.code)
  end)

  it("survives a client that speaks no TLS", function()
    open()
    local client = connect()
    client:send("GET / HTTP/1.1\r\n\r\n")
    client:wait(function() return nil end)
    assert.equal("POST y", connect(wrap):request({ body = "y" }).body)
  end)

  it("refuses a body that is too large at its length, while it is sent", function()
    open(1000)
    local client = connect(wrap)
    client:send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n" .. ("x"):rep(5000000))
    assert.equal(413, client:response().status)
    client:close()
  end)

  it("refuses a large request while too much is being sent", function()
    open(nil, 100000)
    local client = connect(wrap)
    client:send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n" .. ("x"):rep(499999))
    local response = client:response()
    assert.equal(503, response.status)
    assert.matches("ServiceUnavailableException", response.body, 1, true)
    assert.is_nil(client:wait(function() end))
    assert.equal(1, listener:stats().crowded)
    client:close()
    assert.equal(200, connect(wrap):request({ body = ("x"):rep(1000) }).status)
  end)
end)
