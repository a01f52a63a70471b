local core = require("appsync.core")
local redact = require("appsync.server.develop.redact")

describe("a message in a log", function()
  for _, row in ipairs({
    { '{"type":"stop","id":"1"}', '{"type":"stop","id":"1"}' }, { '{ "a" : [ 1, "b" ] }', '{ "a" : [ 1, "b" ] }' }, { "[]", "[]" },
    { '{"authorization":"HIDE","id":"1"}', '{"authorization":"***","id":"1"}' },
    { '{"Authorization" : "HIDE"}', '{"Authorization" : "***"}' }, { '{"x-api-key":"HIDE"}', '{"x-api-key":"***"}' },
    { '{"X-Amz-Security-Token":"HIDE"}', '{"X-Amz-Security-Token":"***"}' },
    { '{"authorization":"x\\"HIDE","id":"1"}', '{"authorization":"***","id":"1"}' },
    { '{"authorization":"x\\\\","a":"b"}', '{"authorization":"***","a":"b"}' },
    { '{"authori\\u007aation":"HIDE"}', '{"authori\\u007aation":"***"}' },
    { '{"authorization":["HIDE",{"a":"HIDE]"}],"b":1}', '{"authorization":"***","b":1}' },
    { '{"authorization":123,"b":1}', '{"authorization":"***","b":1}' }, { '{"authorization":true}', '{"authorization":"***"}' },
    { '{"a":{"b":[{"password":"HIDE"}]}}', '{"a":{"b":[{"password":"***"}]}}' },
    { '{"a":"authorization","b":"c"}', '{"a":"authorization","b":"c"}' }, { '["authorization","b"]', '["authorization","b"]' },
  }) do
    it(("is %s"):format(row[2]), function()
      assert.equal(row[2], redact.message(row[1]))
    end)
  end

  it("has nothing secret in what its texts hold", function()
    local data = core.encode({ query = "{ a }", variables = { password = "HIDE" } })
    local text = redact.message(core.encode({ type = "start", payload = { data = data } }))
    assert.is_nil(text:find("HIDE", 1, true))
    assert.equal("{ a }", core.decode(core.decode(text).payload.data).query)
  end)

  it("has no variable that stands for something secret, whatever its name", function()
    local operation = { query = "query($p: String, $q: String) { a(password: $p, b: $q) }", variables = { p = "HIDE", q = "SHOW" } }
    for _, message in ipairs({
      { type = "start", payload = { data = core.encode(operation) } }, { type = "subscribe", payload = operation },
    }) do
      local text = redact.message(core.encode(message))
      assert.is_nil(text:find("HIDE", 1, true))
      assert.truthy(text:find("SHOW", 1, true))
    end
  end)

  it("that is none isn't shown", function()
    assert.equal("(21 bytes that aren't a message)", redact.message('{"authorization":"HID'))
    assert.equal("(0 bytes that aren't a message)", redact.message(""))
    assert.equal("(6 bytes that aren't a message)", redact.message('"HIDE"'))
  end)

  it("is a message still", function()
    for _, text in ipairs({ '{"authorization":1}', '{"token":[[[]]],"a":{}}', '[{"secret":{"a":"}"}}]', '{"a":"{}","b":"[1]"}' }) do
      assert.is_table(core.decode(redact.message(text)))
    end
  end)
end)
