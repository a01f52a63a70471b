-- TLS of both transports: whose certificates are accepted, what the others are told, client certificates.
local appsync = require "appsync"
local certificates = require "spec.support.certificates"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"

local BOUND = 10
local ANSWER = { { "request" }, { "http", 200, { ["Content-Type"] = "application/json" }, '{"data":{"a":1}}' }, { "wait" } }
local REALTIME = { peer.handshake() }
for _, step in ipairs{ { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' },
  { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"a":1}}}' }, { "wait" } } do
  REALTIME[#REALTIME + 1] = step
end

-- Asks for one thing over the transport.
local transports = {
  https = { steps = ANSWER, ask = function(client) return client:query "{ a }" end },
  wss = { steps = REALTIME, ask = function(client)
    local s = client:subscribe("subscription { a }"):subscribe()
    local event, err = s:next(BOUND)
    s:unsubscribe()
    return event, err
  end },
}

for name, transport in pairs(transports) do
  describe("over " .. name, function()
    local made, client, other

    setup(function() made = certificates.make() end)
    teardown(process.stop_all)

    after_each(function()
      if client then assert.is_true(client:close(5)) end
      if other then other.stop() end
      client, other = nil, nil
    end)

    local function ask(tls, of_server, ca)
      other = peer.start{
        tls = { cert = of_server.cert, key = of_server.key, ca = ca }, connections = { transport.steps }, ["repeat"] = true,
      }
      client = appsync.client{
        endpoint = other.url, auth = { type = "API_KEY", api_key = "k" }, tls = tls,
        timeouts = { connect = 3, request = 5, ack = 3 }, retry = { base = 0.01, cap = 0.05, attempts = 2 },
      }
      return transport.ask(client)
    end

    local function works(...)
      local data, err = ask(...)
      assert.is_nil(err, tostring(err))
      assert.equal(1, data.a)
    end

    local function fails(code, ...)
      local data, err = ask(...)
      assert.is_nil(data)
      assert.equal("network", err.kind)
      assert.equal(code, err.code)
      assert.is_false(err.retryable)
      return err
    end

    it("a server whose certificate was issued by the given authority is accepted", function()
      works({ ca = made.ca }, made.server)
    end)

    it("one that the system doesn't know is refused", function()
      local err = fails("certificate", nil, made.server)
      assert.truthy(err.message:find("localhost", 1, true), err.message)
    end)

    it("a certificate for another name is refused", function()
      local err = fails("host_name", { ca = made.ca }, made.other_host)
      assert.truthy(err.message:find("localhost", 1, true), err.message)
    end)

    it("an expired certificate is refused", function()
      local err = fails("certificate_expired", { ca = made.ca }, made.expired)
      assert.truthy(err.message:find("localhost", 1, true), err.message)
    end)

    it("every certificate is accepted with verify = false", function()
      works({ verify = false }, made.server)
      client:close(5)
      other.stop()
      works({ verify = false }, made.other_host)
      client:close(5)
      other.stop()
      works({ verify = false }, made.expired)
    end)

    it("a client certificate is shown to a server that wants one", function()
      works({ ca = made.ca, cert = made.client.cert, key = made.client.key }, made.server, made.ca)
    end)

    it("a server that wants a client certificate refuses a client without one", function()
      local data, err
      if name == "https" then
        data, err = ask({ ca = made.ca }, made.server, made.ca)
      else
        -- The server's refusal comes after the handshake (RFC 8446 4.4.2.4): the connection is lost, and tried again.
        other = peer.start{ tls = { cert = made.server.cert, key = made.server.key, ca = made.ca }, connections = { REALTIME }, ["repeat"] = true }
        client = appsync.client{ endpoint = other.url, auth = { type = "API_KEY", api_key = "k" }, tls = { ca = made.ca } }
        local states = client.connection:observe():subscribe()
        local s = client:subscribe("subscription { a }"):subscribe()
        repeat
          local state
          state, err = states:next(BOUND)
        until err or not state
        s:unsubscribe()
      end
      assert.is_nil(data)
      assert.equal("network", err.kind)
    end)

    it("a client certificate that can't be read is told", function()
      fails("client_certificate", { ca = made.ca, cert = "/nonexistent.pem", key = "/nonexistent.key" }, made.server, made.ca)
    end)

    it("a file of authorities that can't be read is told", function()
      fails("ca_file", { ca = "/nonexistent.pem" }, made.server)
    end)

    it("a file that is a pipe is told at once, whichever it is", function()
      local pipe = process.temporary(".fifo")
      assert(os.execute("mkfifo " .. pipe))
      fails("ca_file", { ca = pipe }, made.server)
      fails("client_certificate", { ca = made.ca, cert = pipe, key = made.client.key }, made.server, made.ca)
      fails("client_certificate", { ca = made.ca, cert = made.client.cert, key = "/dev/zero" }, made.server, made.ca)
    end)

    it("the local server serves it too", function()
      other = server.start{
        schema = "type Todo @model { id: ID! name: String }", arguments = { "--tls", made.server.cert .. "," .. made.server.key },
      }
      assert.truthy(other.endpoint:find("^https://"), other.endpoint)
      assert.truthy(other.realtime:find("^wss://"), other.realtime)
      client = appsync.client{
        endpoint = other.endpoint, realtime_endpoint = other.realtime, auth = { type = "API_KEY", api_key = server.API_KEY },
        tls = { ca = made.ca },
      }
      local s
      if name == "wss" then
        s = client:subscribe("subscription { onCreateTodo { name } }"):subscribe()
        local ok, err = s:ready(BOUND)
        assert.is_nil(err)
        assert.is_true(ok)
      end
      local data, err = client:mutate 'mutation { createTodo(input: {name: "x"}) { name } }'
      assert.is_nil(err)
      assert.equal("x", data.createTodo.name)
      if s then assert.equal("x", s:next(BOUND).onCreateTodo.name) end
    end)
  end)
end
