local core = require("appsync.core")
local log_record = require("appsync.server.develop.log_record")

-- 08:42:59 UTC; the hour of the line is the local one.
local AT = 1795164179.1584

describe("a record of the request log", function()
  local function line(record)
    record.at = AT
    local time, rest = log_record.line(record):match("^(%d%d:%d%d:%d%d%.%d%d%d)  (.*)$")
    assert.equal("42:59.158", time:sub(4))
    return rest
  end

  local cases = {
    { { kind = "request", method = "POST", path = "/graphql", status = 200, operation = "query", name = "List", fields = { "a", "b" },
      ms = 1.26, bytes = 532, identity = "API_KEY", n_errors = 0, request_id = "x" },
      "POST 200  query  List  {a b}  1.3 ms  532 B  API_KEY" },
    { { kind = "request", method = "POST", path = "/graphql", status = 200, operation = "mutation", fields = { "a" }, ms = 0.04,
      bytes = 2048, identity = "AMAZON_COGNITO_USER_POOLS", user = "ann", n_errors = 2, error = "no" },
      "POST 200  mutation  {a}  0.0 ms  2.0 KB  AMAZON_COGNITO_USER_POOLS:ann  2 errors: no" },
    { { kind = "request", method = "GET", path = "/other", status = 404, ms = 1, bytes = 3 * 1024 * 1024, n_errors = 1 },
      "GET 404  /other  1.0 ms  3.0 MB  1 error" },
    { { kind = "connect", connection = 5, path = "/graphql/realtime", protocol = "graphql-ws" }, "WS #5 connect graphql-ws" },
    { { kind = "connect", connection = 5, status = 401, n_errors = 1, error = "no" }, "WS #5 refused 401  1 error: no" },
    { { kind = "start", connection = 5, id = "s1", operation = "subscription", name = "On", fields = { "onA" }, identity = "API_KEY" },
      "WS #5 start s1  subscription  On  {onA}  API_KEY" },
    { { kind = "start", connection = 5, id = "s1", n_errors = 1, error = "no" }, "WS #5 start refused s1  1 error: no" },
    { { kind = "stop", connection = 5, id = "s1" }, "WS #5 stop s1" },
    { { kind = "close", connection = 5, code = 1000, reason = "bye", n_events = 3 }, "WS #5 close 1000 bye, 3 events" },
    { log_record.of_fault({ at = AT, kind = "mutation", operation = "M", fields = { "a" }, duration_ms = 2, status = "reset",
      faults = { { rule = "r1", fault = "refuse" } } }), "FAULT refuse (r1): reset  mutation  M  {a}  2.0 ms" },
    { { kind = "close", connection = 5 }, "WS #5 close 0, 0 events" },
  }
  for _, case in ipairs(cases) do
    it("reads " .. case[2], function() assert.equal(case[2], line(case[1])) end)
  end

  it("stays a line, and a short one, whatever a client has sent", function()
    local text = line({ kind = "start", connection = 1, id = "a\nb\27[31m" .. ("x"):rep(1000), n_errors = 1, error = "e\r\n" })
    assert.is_nil(text:find("%c"))
    assert.is_true(#text < 120)
  end)

  it("is a JSON object with its members in one order", function()
    assert.equal('{"at":1,"kind":"request","method":"POST","path":"/graphql","status":200,"operation":"query","fields":["a"],'
      .. '"ms":1.235,"bytes":5,"n_errors":0}', log_record.json({ kind = "request", bytes = 5, ms = 1.23456, n_errors = 0,
      operation = "query", fields = { "a" }, status = 200, path = "/graphql", method = "POST", at = 1 }))
    assert.matches('"fields":[]', log_record.json({ at = 1, kind = "request", fields = {} }), 1, true)
  end)

  it("is JSON whatever bytes a client has sent", function()
    local text = log_record.json({ at = 1, kind = "start", connection = 3, id = "\255", error = "a\n", fields = { "\254" } })
    assert.same({ at = 1, kind = "start", connection = 3, id = "?", error = "a\n", fields = { "?" } }, core.decode(text))
  end)

  it("means in JSON what a client has sent", function()
    local odd = "\1\n\127\194\155\226\128\174\226\128\168é"
    local text = log_record.json({ at = 1, kind = "message", text = odd })
    assert.is_nil(text:find("[%c\127\194\226]"), text)
    assert.equal(odd, core.decode(text).text)
  end)

  it("never breaks its line, nor moves in it", function()
    local odd = "x\27[2J\r\n\194\155\226\128\174\226\129\166"
    local record = { at = 0, kind = "request", method = odd, path = "/" .. odd, status = 200, name = odd, fields = { odd }, identity = "A", user = odd,
      n_errors = 1, error = odd, operation = "query" }
    for _, each in ipairs({ record, { at = 0, kind = "connect", connection = 1, protocol = odd, path = odd }, { at = 0, kind = "start", connection = 1, id = odd },
      { at = 0, kind = "close", connection = 1, code = 1, reason = odd }, { at = 0, kind = "fault", faults = { odd }, outcome = odd } }) do
      local text = log_record.line(each)
      assert.is_nil(text:find("[%c\127\194]"), text)
      assert.is_nil(text:gsub("…", ""):find("\226"), text)
    end
  end)
end)
