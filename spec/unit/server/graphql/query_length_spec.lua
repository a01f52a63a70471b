local query_length = require("appsync.server.graphql.query_length")

describe("a document's length", function()
  local max = query_length.max_tokens
  after_each(function() query_length.max_tokens = max end)

  -- The number of tokens, found by the limit alone. Spaces make the text longer than any limit in bytes.
  local function count(text)
    text = text .. (" "):rep(100)
    for n = 0, 50 do
      query_length.max_tokens = n
      if not query_length.is_exceeded(text) then return n end
    end
  end

  it("is counted in the grammar's tokens", function()
    for text, n in pairs({
      [""] = 0, ["{ a }"] = 3, ["{a,b,,c}"] = 5, ["# only { a comment }"] = 0, ["{ # x\n a }"] = 3, ["...on"] = 2,
      ['"a b c"'] = 1, ['"a \\" b"'] = 1, ['"" x'] = 2, ['"""a "b" \\""" c""" x'] = 2, ['""" open'] = 1, ['"open\nx'] = 2,
      ["-1.5e10 $v: @d"] = 6, ["\239\187\191{a}"] = 3, ['"tail\\'] = 1, ["\255\254"] = 2,
    }) do
      assert.equal(n, count(text), text)
    end
  end)

  it("may be fifteen thousand, in texts of any size", function()
    assert.is_false(query_length.is_exceeded("{ " .. ("a "):rep(14998) .. "}"))
    assert.is_true(query_length.is_exceeded("{ " .. ("a "):rep(14999) .. "}"))
    assert.is_false(query_length.is_exceeded('{ a(b: "' .. ("x "):rep(100000) .. '") }'))
  end)
end)
