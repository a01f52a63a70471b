local secrets = require("appsync.server.develop.secrets")

describe("the secret values of an operation", function()
  local function hidden(text, request) return secrets.hide(text, secrets.of(request)) end

  it("are taken out of a text however they are quoted", function()
    local request = { query = "query($password: String) { a }", variables = { password = 'a"b\\c%d.x' } }
    assert.equal("[***] [***]", hidden('[a"b\\c%d.x] [a\\"b\\\\c%d.x]', request))
    assert.equal("no", hidden("no", request))
  end)

  it("are taken out whole, the longest first", function()
    assert.equal("*** ***", hidden("abcdef abc", { query = 'query { a(password: "abc", token: "abcdef") }' }))
  end)

  it("may be numbers, members, and the credentials of the request", function()
    assert.equal("*** *** *** ***", hidden("1234 key tok-1 k-1", { variables = { password = 1234, input = { list = { { secretKey = "key" } } } },
      headers = { authorization = "tok-1", ["x-api-key"] = "k-1" } }))
  end)

  it("aren't words of one or two letters", function()
    assert.equal("on off", hidden("on off", { variables = { password = "on" } }))
  end)

  it("may be so many that nothing is shown", function()
    local list = {}
    for i = 1, 300 do list[i] = "value-" .. i end
    assert.equal("***", hidden("anything", { variables = { passwords = list } }))
  end)

  it("are none where there are none, whatever is asked", function()
    for _, request in ipairs({ {}, { query = 5, variables = 7 }, { query = "{", variables = {} }, { query = "{ a(b: 1) }", variables = { b = "x" } } }) do
      assert.same({}, secrets.of(request))
    end
    assert.equal("text", secrets.hide("text", nil))
  end)
end)
