--- The server while clients don't read what they asked for.
local server = require("appsync.server")
local socket = require("socket")
local ws_socket = require("spec.support.ws_socket")

local MB = 1048576

describe("a server whose clients don't read", function()
  local served, clients, logged, n_resolved

  local function step() served:step(0) end

  local function until_(test)
    local give_up = socket.gettime() + 60
    while not test() do
      assert(socket.gettime() < give_up, "it never came to that")
      step()
    end
  end

  local function connect()
    local client = ws_socket.tcp(served.listener:port(), step)
    clients[#clients + 1] = client
    return client
  end

  local function request(field)
    return { headers = { ["x-api-key"] = "k", host = "localhost" }, body = ('{"query":"{%s}"}'):format(field) }
  end

  local function ask_without_reading()
    local body, n = request("big").body, n_resolved
    connect():send("POST /graphql HTTP/1.1\r\nHost: localhost\r\nx-api-key: k\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body)
    until_(function() return n_resolved == n + 1 end)
  end

  before_each(function()
    clients, logged, n_resolved = {}, {}, 0
    served = assert(server.new({
      schema_text = "type Query { big: String small: String }", api_keys = { "k" }, max_pending_total = MB,
      log = function(text) logged[#logged + 1] = text end,
      resolvers = { Query = {
        big = function()
          n_resolved = n_resolved + 1
          return ("x"):rep(16 * MB)
        end,
        small = function()
          n_resolved = n_resolved + 1
          return "ok"
        end,
      } },
    }))
  end)

  after_each(function()
    for _, client in ipairs(clients) do client:close() end
    served:close()
  end)

  it("refuses requests without running them, and says so once", function()
    ask_without_reading()
    for _ = 1, 2 do
      local response = connect():request(request("small"))
      assert.equal(503, response.status)
      assert.equal("1", response.headers["retry-after"])
      assert.matches('"errorType":"ServiceUnavailableException"', response.body, 1, true)
    end
    assert.equal(1, n_resolved)
    assert.equal(1, #logged)
    assert.matches("refused with 503", logged[1])
  end)

  it("answers again when they have read", function()
    ask_without_reading()
    assert.equal(503, connect():request(request("small")).status)
    assert.equal(200, clients[1]:response().status)
    until_(function() return not served.listener:is_full() end)
    assert.equal(200, connect():request(request("small")).status)
    assert.equal("requests are accepted again", logged[2])
  end)

  it("collects what large answers were made of, whatever the collector waits for", function()
    local kept = setmetatable({ {} }, { __mode = "v" })
    local body = ("x"):rep(MB)
    local of_server = setmetatable({ listener = { respond = function() end } }, { __index = require("appsync.server.events") })
    collectgarbage("stop")
    for _ = 1, 31 do of_server:respond(1, 200, {}, body) end
    local before = kept[1]
    of_server:respond(1, 200, {}, "small")
    before = before and kept[1] ~= nil
    of_server:respond(1, 200, {}, body)
    local after = kept[1]
    collectgarbage("restart")
    assert.is_true(before)
    assert.is_nil(after)
  end)
end)
