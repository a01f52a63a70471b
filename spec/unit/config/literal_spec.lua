local code = require "appsync.config.code"
local literal = require "appsync.config.literal"

local function code_of(text, key)
  local value = literal.read(text)[key or "a"]
  assert.is_true(code.is(value), text)
  return code.describe(value)
end

describe("the literal reader", function()
  it("reads comments, quotes, bare names and trailing commas", function()
    assert.same({
      a = 1, ["b c"] = "x'y", d = { "1", 2, { e = true } }, f = false, g = {}, h = {}, ["9"] = "nine", i = -1.5e3,
    }, literal.read [[
      /* { not this } */
      {
        a: 1, // one
        'b c': "x'y",
        "d": ['1', +2, {e: true,},],
        f: false, g: {}, h: [], 9: `nine`, i: -1.5e+3, j: null, k: undefined
      };
    ]])
  end)

  it("reads escapes", function()
    assert.same({ a = "\n\t\"'\\/\0A\195\169\226\130\172\240\159\152\128\240\159\152\128z\239\191\189" },
      literal.read([[{a: "\n\t\"\'\\\/\0\x41\u00e9\u20AC\ud83d\ude00\u{1F600}\z\ud800"}]]))
    assert.same({ a = "one two" }, literal.read("{a: 'one \\\ntwo'}"))
    assert.same({ a = "$x\nb" }, literal.read("{a: `$x\nb`}"))
  end)

  it("reads what types, parentheses, templates and sums make of literals", function()
    for text, expected in pairs {
      ["{a: 'x' as const}"] = "x", ["{a: 'x' as Record<string, {b: 1}>, b: 2}"] = "x", ["{a: <Mode>'x'}"] = "x",
      ["{a: 'x' satisfies 'x' | 'y'}"] = "x", ["{a: 'x'!}"] = "x", ["{a: (('x'))}"] = "x", ["{a: 'x' + 1 + `y`}"] = "x1y",
      ["{a: `x${'y'}z`}"] = "xyz", ["{a: Object.freeze('x')}"] = "x", ["{...{a: 1}, a: 'x'}"] = "x",
      ["{a: AUTH_TYPE.API_KEY}"] = "API_KEY", ["{a: '''x\n'y' '''}"] = "x\n'y' ", ['{a: r"""\\n"""}'] = "\\n",
      ["{a: '''\\n'''}"] = "\n", ["{['b']: 1, c() { return {} }, async d(e) { }, get f() { return 1 }, a: 'x'}"] = "x",
      ["{a: ''}"] = "", ["{b: ['', ''], a: 'x'}"] = "x",
    } do
      assert.equal(expected, literal.read(text).a, text)
    end
    assert.same({ 1, 2, 3 }, literal.read("{a: [1, ...[2, 3]]}").a)
  end)

  it("takes what a script falls back to", function()
    for _, text in ipairs { "{a: process.env.X || 'x'}", "{a: import.meta.env.X ?? 'x'}", "{a: null || 'x'}", "{a: '' || 'x'}",
      "{a: 'x' || process.env.X}", "{a: process.env.X as string || 'x'}" } do
      assert.equal("x", literal.read(text).a, text)
    end
    assert.matches("process.env.X in line 1", code_of("{a: process.env.X || null}"))
  end)

  it("keeps code apart and tells where it stands", function()
    assert.equal("process.env.X in line 2, which isn't a literal; code is never run", code_of("{\na: process.env.X}"))
    for _, text in ipairs { "{a: f()}", "{a: nan}", "{a: 0x10g}", "{a: b}", "{a: `${b}`}", "{a: b ? 'c' : 'd'}", "{a: () => ({ x: 1 })}",
      "{a: async () => { return /[}/]}/ }}", "{a: function (b) { return `${'}'}` }}", "{a: new Date(1, 2)}", "{a: !b}", "{a: 'b'.c()}",
      "{a: x.y.split(/,/)[0]}", "{a: 1 > 2}", "{a: -b}", "{a: [1][0]}", "{a: typeof b, c: 1}" } do
      assert.matches("in line 1, which isn't a literal; code is never run", code_of(text))
    end
  end)

  it("shows no key whose quotes were forgotten", function()
    assert.equal("an expression in line 1, which isn't a literal; code is never run", code_of("{apiKey: forgotten-quotes}", "apiKey"))
  end)

  it("computes no endless string", function()
    local sum = {}
    for i = 1, 70 do sum[i] = "'" .. ("x"):rep(1000) .. "'" end
    assert.is_true(code.is(literal.read("{a: " .. table.concat(sum, " + ") .. "}").a))
  end)

  it("tells the line of what is wrong", function()
    local rows = {
      { "line 1: the text ends inside a value", "" },
      { "line 2: ',' or '}' was expected", "{a: 1\n b: 2}" },
      { "line 1: ',' or ']' was expected", "{a: [1 2]}" },
      { "line 1: ':' was expected after the name \"a\"", "{a 1}" },
      { "line 1: a property's name was expected", "{,}" },
      { "line 1: a property's name was expected", "{a: 1" .. "," },
      { "line 1: the text ends inside a value", "{a:" },
      { "line 1: a value was expected", "{a: }" },
      { "line 3: a string has no end", "{\n\na: 'b\n'}" },
      { "line 1: a string has no end", "{a: `" },
      { "line 1: a string has no end", "{a: '''b" },
      { "line 1: a comment has no end", "/* {}" },
      { "line 1: a bracket has no end", "{a: f(" },
      { "line 1: a bracket is closed by one of another kind", "{a: f(]}" },
      { "line 1: an escape is malformed", "{a: '\\u12'}" },
      { "line 1: an escape is malformed", "{a: '\\u{110000}'}" },
      { "line 1: an escape is malformed", "{a: '\\xg0'}" },
      { "line 1: the nesting is too deep", "{a: " .. ("["):rep(200) .. ("]"):rep(200) .. "}" },
      { "line 1: the nesting is too deep", "{a: f(" .. ("`${"):rep(200) },
    }
    for _, row in ipairs(rows) do
      local object, message = literal.read(row[2])
      assert.is_nil(object, row[2])
      assert.equal(row[1], message:sub(1, #row[1]), row[2])
    end
  end)
end)
