local core = require("appsync.core")
local shorten = require("appsync.server.develop.shorten")

describe("a value in a few words", function()
  local function list(...) return setmetatable({ ... }, core.array_mt) end

  local cases = {
    { nil, "null" }, { core.null, "null" }, { 1.5, "1.5" }, { true, "true" }, { "a\nb\27", '"a\\nb\\u001b"' }, { { ["a\n\226\128\174"] = 1 }, "{a\\n\\u202e: 1}" },
    { ("x"):rep(41), '"' .. ("x"):rep(40) .. '…"' }, { ("x"):rep(39) .. "é", '"' .. ("x"):rep(39) .. '…"' },
    { list(), "[]" }, { list(1, 2), "[1, 2]" }, { list(1, 2, 3, 4, 5, 6, 7), "[1, 2, 3, 4, 5, 6, … 7 in all]" },
    { { b = 1, a = "x" }, '{a: "x", b: 1}' }, { { a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7 }, "{a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, …}" },
    { { a = { a = { a = { a = { a = 1 } } } } }, "{a: {a: {a: {a: {…}}}}}" }, { print, "function" },
    { { password = "x", apiKey = "y", access_token = "z", nextToken = "n" }, '{access_token: ***, apiKey: ***, nextToken: "n", password: ***}' },
    { { user = { clientSecret = "x" } }, "{user: {clientSecret: ***}}" },
  }
  for i = 1, #cases do
    it("is " .. cases[i][2], function() assert.equal(cases[i][2], shorten.value(cases[i][1])) end)
  end

  it("can be one that contains itself", function()
    local value = {}
    value.a = value
    assert.equal("{a: {a: {a: {a: {…}}}}}", shorten.value(value))
  end)

  it("can be one whose metamethods throw", function()
    assert.equal("a value that can't be shown", shorten.value(setmetatable({}, { __index = error, __pairs = error, __tostring = error })))
  end)

  it("is what an argument is: nothing at all where there is none", function()
    assert.equal("", shorten.arguments({}))
    assert.equal("(id: 1)", shorten.arguments({ id = 1 }))
  end)

  it("is the size of a result", function()
    assert.equal("null", shorten.result(nil))
    assert.equal('"x"', shorten.result("x"))
    assert.equal("0 items", shorten.result(list()))
    assert.equal("1 item", shorten.result({ {} }))
    assert.equal("2 fields", shorten.result({ a = 1, b = 2 }))
    assert.equal("2 items and a nextToken", shorten.result({ items = { 1, 2 }, nextToken = "x" }))
    assert.equal("2 items", shorten.result({ items = { 1, 2 }, nextToken = core.null }))
  end)
end)
