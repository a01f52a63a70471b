local socket_log = require("appsync.server.develop.socket_log")

describe("the log of WebSockets", function()
  local log, records, connection

  before_each(function()
    records = {}
    log = socket_log.new({
      write = function(record) records[#records + 1] = record end,
      now = function() return 7 end,
      engine = { operation_of = function() return { operation = "subscription", name = "On", fields = { "onA" } } end },
    })
    connection = { subscriptions = {} }
    log:opened(1, { path = "/graphql/realtime" }, { protocol = "graphql-ws" })
  end)

  local function subscriber()
    return { subscription = { request = { query = "q", identity = { mode = "AWS_IAM", username = "ann" } } } }
  end

  it("tells who connects", function()
    assert.same({ { at = 7, kind = "connect", connection = 1, path = "/graphql/realtime", protocol = "graphql-ws" } }, records)
  end)

  it("tells why a connection is refused", function()
    log:sent(1, '{"type":"connection_error","payload":{"errors":[{"errorType":"U","message":"no","errorCode":401}]}}')
    assert.same({ at = 7, kind = "connect", connection = 1, status = 401, n_errors = 1, error = "no" }, records[2])
  end)

  for _, word in ipairs({ "start", "subscribe" }) do
    it("tells what begins by " .. word, function()
      connection.subscriptions.a = subscriber()
      log:received(1, connection, ('{"type":"%s","id":"a"}'):format(word))
      assert.same({ at = 7, kind = "start", connection = 1, id = "a", operation = "subscription", name = "On", fields = { "onA" },
        identity = "AWS_IAM", user = "ann" }, records[2])
    end)

    it("tells why nothing begins by " .. word, function()
      log:sent(1, '{"type":"error","id":"a","payload":[{"message":"not you"}]}')
      log:received(1, connection, ('{"type":"%s","id":"a"}'):format(word))
      assert.same({ at = 7, kind = "start", connection = 1, id = "a", n_errors = 1, error = "not you" }, records[2])
    end)
  end

  it("tells no secret of the operation that is refused", function()
    log:sent(1, '{"type":"error","id":"a","payload":[{"message":"`hunter22` is no number"}]}')
    log:received(1, connection, [[{"type":"subscribe","id":"a","payload":{"query":"subscription($password: Int) { on(n: $password) }",
      "variables":{"password":"hunter22"}}}]])
    assert.equal("`***` is no number", records[2].error)
  end)

  it("tells of a start with an id that is in use as of one that is refused", function()
    connection.subscriptions.a = subscriber()
    log:sent(1, '{"type":"error","id":"a","payload":{"errors":[{"errorType":"DuplicatedOperationError"}]}}')
    log:received(1, connection, '{"type":"start","id":"a"}')
    assert.equal("DuplicatedOperationError", records[2].error)
  end)

  it("tells what is stopped, once, and only what was live", function()
    connection.subscriptions.a = subscriber()
    log:received(1, connection, '{"type":"start","id":"a"}')
    connection.subscriptions.a = nil
    for _ = 1, 2 do log:received(1, connection, '{"type":"stop","id":"a"}') end
    log:received(1, connection, '{"type":"stop","id":"b"}')
    assert.equal(3, #records)
    assert.same({ at = 7, kind = "stop", connection = 1, id = "a" }, records[3])
  end)

  it("counts the events until the end", function()
    log:sent(1, '{"type":"data","id":"a","payload":{}}')
    log:sent(1, '{"type":"next","id":"a","payload":{}}')
    log:sent(1, '{"type":"ka"}')
    log:closed({ id = 1, code = 1000, reason = "bye" })
    assert.same({ at = 7, kind = "close", connection = 1, code = 1000, reason = "bye", n_events = 2 }, records[2])
  end)

  it("says nothing of messages that are none, queries over a socket, and connections that it doesn't know", function()
    for _, text in ipairs({ "", "[]", "1", "{}", '{"type":"start"}', '{"type":"start","id":1}', '{"type":"subscribe","id":"q"}' }) do
      log:received(1, connection, text)
      log:received(2, connection, text)
    end
    log:sent(2, '{"type":"data"}')
    log:closed({ id = 2 })
    assert.equal(1, #records)
  end)
end)
