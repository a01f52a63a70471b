-- The application's headers as they stand on the wire of a POST and of a WebSocket's upgrade.
local appsync = require "appsync"
local authorization = require "spec.support.authorization"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local BOUND = 10
local HEADERS = { ["x-empty"] = "", ["x-normal"] = "a: b; c", ["x-padded"] = " \ta  b \t", ["x-blank"] = " \t " }
local LISTEN = { "ws_pong" } -- until the client closes

describe("a header of the application", function()
  local client

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  local function connect(...)
    local server = peer.start{ connections = { ... } }
    client = appsync.client{
      endpoint = server.url, realtime_endpoint = server.realtime, auth = { type = "NONE" }, headers = HEADERS,
      realtime = { protocol = "graphql-transport-ws" }, timeouts = { connect = 5, request = 5, ack = 5 },
    }
  end

  -- What follows the colon of each line of these names, without the one blank that may stand there.
  local function values_of(head)
    local values = {}
    for line in head:gmatch "([^\r\n]*)\r\n" do
      local name, value = line:match "^(x%-[%w-]+)(.*)$"
      if HEADERS[name] then values[name] = (value:gsub("^: ?", "")) end
    end
    return values
  end

  local AS_SENT = { ["x-empty"] = "", ["x-normal"] = "a: b; c", ["x-padded"] = "a  b", ["x-blank"] = "" }

  it("is a line of a POST, also without a value, and without the blanks around it", function()
    connect({ { "request" }, { "http", 200, {}, '{"data":{"head":"%HEADERS%"}}' }, LISTEN })
    local data = appsync.assert(client:query "{ head }")
    assert.matches("^POST /graphql HTTP/1.1\r\n", data.head)
    assert.same(AS_SENT, values_of(data.head))
  end)

  it("is such a line of an upgrade", function()
    connect({ { "ws_accept", "graphql-transport-ws" }, { "ws_expect", "connection_init" },
      { "ws_send", '{"type":"connection_ack"}' }, { "ws_start" },
      { "ws_send", '{"type":"next","id":"%ID%","payload":{"data":{"head":"%HEADERS%"}}}' }, LISTEN })
    local event, err = client:subscribe("subscription { head }"):next(BOUND)
    assert.is_nil(err, tostring(err))
    assert.matches("^GET /graphql/realtime HTTP/1.1\r\n", event.head)
    assert.same(AS_SENT, values_of(event.head))
  end)

  it("is signed as it is sent", function()
    authorization.open()
    local signer = authorization.connect{ type = "AWS_IAM", credentials = authorization.STATIC }
    assert.equal("AWS_IAM:AKIDTEST", (authorization.who(signer, { headers = HEADERS })))
    authorization.close_clients()
  end)
end)
