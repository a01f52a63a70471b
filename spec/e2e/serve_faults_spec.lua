--- What fault rules do to HTTP requests, seen by a client of raw bytes.
local core = require("appsync.core")
local faulty_server = require("spec.support.faulty_server")

local NOTE = 'mutation Add { note(text: "a") { id text } }'

describe("a fault rule on requests", function()
  local faulty

  local function start(rules, options)
    faulty = faulty_server.start(rules, options)
  end

  after_each(function() faulty:stop() end)

  it("delays an answer by its time, and the resolver with it", function()
    start({ { fault = { delay = 200 } } })
    local client = faulty:send(NOTE)
    assert.is_true(faulty:is_silent(client))
    assert.same({}, faulty.ran)
    faulty.now = 0.199
    faulty:idle()
    assert.is_true(faulty:is_silent(client))
    faulty.now = 0.2
    assert.equal(200, client:response().status)
    assert.same({ "a" }, faulty.ran)
  end)

  it("delays an answer after its effect", function()
    start({ { fault = { delay = { ms = 200, after_effect = true } } } })
    local client = faulty:send(NOTE)
    assert.is_true(faulty:is_silent(client))
    assert.same({ "a" }, faulty.ran)
    faulty.now = 0.2
    assert.equal(200, client:response().status)
  end)

  it("delays within a range, the same for the same seed", function()
    local times = {}
    for round = 1, 2 do
      start({ { match = { seed = 7 }, fault = { delay = { min_ms = 100, max_ms = 300 } } } })
      local client = faulty:send("{ one }")
      for ms = 100, 300 do
        faulty.now = ms / 1000
        faulty:idle()
        if not faulty:is_silent(client) then
          times[round] = ms
          break
        end
      end
      if round == 1 then faulty:stop() end
    end
    assert.equal(times[1], times[2])
    assert.is_true(times[1] >= 100 and times[1] <= 300)
  end)

  it("answers nobody who went away during a delay", function()
    start({ { match = { times = 1 }, fault = { delay = 200 } } })
    faulty:send("{ one }"):close()
    faulty:idle()
    faulty.now = 1
    faulty:idle()
    assert.equal(200, faulty:ask("{ one }").status)
    assert.same({}, faulty.logged)
  end)

  it("refuses by a reset before anything is done", function()
    start({ { match = { kind = "mutation" }, fault = { refuse = "reset" } } })
    local client = faulty:send(NOTE)
    assert.equal("closed", faulty:ending(client))
    assert.equal("", client.buffer)
    assert.same({}, faulty.ran)
    assert.equal(200, faulty:ask("{ one }").status)
  end)

  it("refuses with a status, a type and a message", function()
    start({ { match = { times = 1 }, fault = { refuse = { status = 503, type = "ServiceUnavailable", message = "later",
      headers = { ["Retry-After"] = "7" } } } } })
    local response = faulty:ask(NOTE)
    assert.equal(503, response.status)
    assert.equal("7", response.headers["retry-after"])
    assert.equal("ServiceUnavailable", response.headers["x-amzn-errortype"])
    assert.same({ errors = { { errorType = "ServiceUnavailable", message = "later" } } }, response.json)
    assert.same({}, faulty.ran)
    assert.equal(200, faulty:ask(NOTE).status)
  end)

  it("refuses with a body of any kind", function()
    start({ { fault = { refuse = { status = 502, body = "<html>bad gateway" } } } })
    local response = faulty:ask("{ one }")
    assert.equal(502, response.status)
    assert.equal("<html>bad gateway", response.body)
  end)

  it("gives no type to an answer that the service has no name for", function()
    start({ { match = { times = 1 }, fault = { refuse = { status = 404, body = "not here" } } },
      { fault = { refuse = { status = 404 } } } })
    local response = faulty:ask("{ one }")
    assert.same({ 404 }, { response.status, response.headers["x-amzn-errortype"] })
    response = faulty:ask("{ one }")
    assert.same({ 404 }, { response.status, response.headers["x-amzn-errortype"] })
    assert.is_nil(response.json.errors[1].errorType)
  end)

  it("breaks an answer off in its body", function()
    start({ { fault = { drop = { bytes = 5 } } } })
    local client = faulty:send("{ one }")
    assert.equal("closed", faulty:ending(client))
    assert.matches("^HTTP/1.1 200 OK\r\n", client.buffer)
    assert.matches("\r\nContent%-Length: 18\r\n", client.buffer)
    assert.matches('\r\n\r\n{"dat$', client.buffer)
  end)

  it("breaks an answer off in the middle, or before the body", function()
    start({ { fault = { drop = { fraction = 0, how = "close" } } }, })
    local client = faulty:send("{ one }")
    assert.equal("closed", faulty:ending(client))
    assert.matches("\r\n\r\n$", client.buffer)
    faulty:stop()
    start({ { fault = { drop = true } } })
    client = faulty:send("{ one }")
    faulty:ending(client)
    assert.matches('\r\n\r\n{"data":{$', client.buffer)
  end)

  it("leaves a connection open without an answer", function()
    start({ { match = { field = "note" }, fault = { half_open = true } } })
    local client = faulty:send(NOTE)
    faulty.now = 1000
    faulty:idle()
    assert.is_true(faulty:is_silent(client))
    assert.same({}, faulty.ran)
    assert.equal(200, faulty:ask("{ one }").status)
  end)

  it("throttles as the service does", function()
    start({ { match = { after = 1, times = 1 }, fault = { throttle = true } } })
    assert.equal(200, faulty:ask("{ one }").status)
    local response = faulty:ask("{ one }")
    assert.equal(429, response.status)
    assert.equal("TooManyRequestsException", response.json.errors[1].errorType)
    assert.equal("TooManyRequestsException", response.headers["x-amzn-errortype"])
    assert.equal(200, faulty:ask("{ one }").status)
  end)

  it("throttles above a rate", function()
    start({ { fault = { throttle = { requests_per_s = 2 } } } })
    local seen = {}
    for i = 1, 3 do seen[i] = faulty:ask("{ one }").status end
    assert.same({ 200, 200, 429 }, seen)
    faulty.now = 0.5
    assert.equal(200, faulty:ask("{ one }").status)
    assert.equal(429, faulty:ask("{ one }").status)
  end)

  it("writes an answer slowly, and the connection's next one as ever", function()
    start({ { match = { times = 1 }, fault = { throttle = { bytes_per_s = 1000 } } } })
    local client, began = faulty:connect(), faulty_server.gettime()
    assert.equal(200, faulty:ask("{ one }", client).status)
    assert.is_true(faulty_server.gettime() - began > 0.3)
    faulty:send("{ one }", client) -- and has the server work, without a wait in which a slow answer could be written
    client:fill()
    assert.matches("^HTTP/1.1 200 .*}}$", client.buffer)
  end)

  it("takes good credentials for expired ones, and says nothing of bad ones", function()
    start({ { fault = { expire = true } } })
    local response = faulty:ask("{ one }")
    assert.equal(401, response.status)
    assert.equal("UnauthorizedException", response.json.errors[1].errorType)
    assert.equal(401, faulty:ask("{ one }", nil, { ["x-api-key"] = "other" }).status)
    faulty.faults.rules:clear()
    assert.equal(200, faulty:ask("{ one }").status)
  end)

  for _, how in ipairs({ "reset", "hang" }) do
    it("loses the answer of a mutation that was done: " .. how, function()
      start({ { match = { field = "note", times = 1 }, fault = { lose_answer = how } } })
      local client = faulty:send(NOTE)
      assert.same({ "a" }, faulty.ran)
      assert.equal(how == "reset" and "closed" or "timeout", faulty:ending(client))
      assert.equal("", client.buffer)
      assert.equal(200, faulty:ask(NOTE).status)
      assert.equal(2, faulty.faults.effects:describe().note.count)
    end)
  end

  it("answers that it failed when the mutation was done", function()
    start({ { match = { field = "note", times = 1 }, fault = { lose_answer = { status = 500 } } } })
    local response = faulty:ask(NOTE)
    assert.same({ 500, "InternalFailure" }, { response.status, response.json.errors[1].errorType })
    assert.same({ "a" }, faulty.ran)
    assert.equal(200, faulty:ask(NOTE).status)
    assert.equal(2, faulty.faults.effects:describe().note.count)
  end)

  it("gives an error to a root field, and to it alone", function()
    start({ { match = { field = "note" }, fault = { error = { type = "DynamoDB:DynamoDbException", message = "full" } } } })
    local response = faulty:ask('mutation { other: fail note(text: "a") { id } }')
    assert.equal(200, response.status)
    assert.same({}, faulty.ran)
    assert.equal(core.null, response.json.data.note)
    assert.equal("no", response.json.errors[1].message)
    assert.equal("full", response.json.errors[2].message)
    assert.equal("DynamoDB:DynamoDbException", response.json.errors[2].errorType)
    assert.same({ "note" }, response.json.errors[2].path)
    assert.is_nil(faulty.faults.effects:describe().note)
  end)

  it("gives an error to a field of a type", function()
    start({ { fault = { error = { field = "Note.text", message = "torn" } } } })
    local response = faulty:ask(NOTE)
    assert.same({ note = { id = "1", text = core.null } }, response.json.data)
    assert.same({ "note", "text" }, response.json.errors[1].path)
    assert.same({ "a" }, faulty.ran)
  end)

  it("moves the clock by which tokens and signatures are judged", function()
    local seen
    start({ { match = { operation = "Late" }, fault = { skew = -600 } } }, {
      resolvers = { Query = { one = function(ctx)
        seen = ctx.util.now_epoch_seconds()
        return 1
      end } },
    })
    faulty:ask("query Late { one }")
    assert.equal(faulty_server.NOW - 600, seen)
    faulty:ask("{ one }")
    assert.equal(faulty_server.NOW, seen)
  end)

  it("tells the time of a clock that it moved, by which clients correct theirs", function()
    start({ { match = { operation = "Late" }, fault = { skew = -600 } } })
    local expected = os.date("!%a, %d %b %Y %H:%M:%S GMT", math.floor(faulty_server.NOW - 600))
    assert.equal(expected, faulty:ask("query Late { one }").headers.date)
    assert.not_equal(expected, faulty:ask("{ one }").headers.date)
  end)

  it("is matched by kind, name, root field and number of the connection", function()
    local refuse = { refuse = { status = 500 } }
    start({ { match = { kind = "mutation", field = "no*" }, fault = refuse }, { match = { operation = "Bad" }, fault = refuse },
      { match = { connection = { from = 5 } }, fault = refuse } })
    assert.equal(500, faulty:ask(NOTE).status)
    assert.equal(200, faulty:ask('{ note(id: "1") { id } }').status)
    assert.equal(500, faulty:ask("query Bad { one }").status)
    local fourth = faulty:connect()
    assert.equal(200, faulty:ask("{ one }", fourth).status)
    assert.equal(500, faulty:ask("{ one }").status)
    assert.equal(200, faulty:ask("{ one }", fourth).status)
  end)

  it("reads the operation of a GET and of a bare document", function()
    start({ { match = { field = "one" }, fault = { refuse = { status = 500 } } } })
    local headers = { ["x-api-key"] = "k", ["content-type"] = "application/graphql" }
    assert.equal(500, faulty:connect():request({ method = "GET", path = "/graphql?query=%7B+one+%7D", headers = headers }).status)
    assert.equal(500, faulty:connect():request({ headers = headers, body = "{ one }" }).status)
    assert.equal(400, faulty:connect():request({ headers = { ["x-api-key"] = "k" }, body = "{{" }).status)
  end)

  it("finds root fields in fragments", function()
    start({ { match = { field = "one" }, fault = { refuse = { status = 500 } } } })
    assert.equal(500, faulty:ask("query { ...F } fragment F on Query { a: one }").status)
  end)

  it("lets preflights of browsers pass", function()
    start({ { fault = { refuse = "reset" } } })
    local response = faulty:connect():request({ method = "OPTIONS", headers = {} })
    assert.equal(204, response.status)
  end)

  it("is told by the log, with the status and without secrets", function()
    start({ { name = "slow", fault = { delay = 50 } } })
    local client = faulty:send(NOTE)
    assert.is_nil(faulty.faults.log:list()[1].status)
    faulty.now = 0.05
    client:response()
    local entry = faulty.faults.log:list()[1]
    assert.equal(200, entry.status)
    assert.equal(50, entry.duration_ms)
    assert.equal("Add", entry.operation)
    assert.equal("mutation", entry.kind)
    assert.same({ "note" }, entry.fields)
    assert.same({ { rule = "slow", fault = "delay" } }, entry.faults)
    assert.equal("***", entry.headers["x-api-key"])
  end)

  it("that throws while it is played doesn't end the server", function()
    start({ { match = { times = 1 }, fault = { delay = 50 } } })
    faulty.server.endpoint.handle = function() error("broken") end
    local client = faulty:send("{ one }")
    faulty.now = 1
    assert.equal(500, client:response().status)
  end)

  it("that throws where nobody expects it leaves nobody without an answer", function()
    start({ { match = { times = 1 }, fault = { expire = true } } })
    faulty.faults.rules.take = function() error("broken") end
    assert.equal(500, faulty:ask("{ one }").status)
    assert.equal(500, faulty:handshake(faulty:connect()).status)
  end)
end)
