local literal = require "appsync.config.literal"

describe("the literal reader", function()
  it("reads comments, quotes, bare names and trailing commas", function()
    assert.same({
      a = 1, ["b c"] = "x'y", d = { "1", 2, { e = true } }, f = false, g = {}, h = {}, ["9"] = "nine", i = -1.5e3,
    }, literal.read [[
      /* { not this } */
      module.exports = {
        a: 1, // one
        'b c': "x'y",
        "d": ['1', +2, {e: true,},],
        f: false, g: {}, h: [], 9: `nine`, i: -1.5e+3, j: null, k: undefined
      };
      module.exports.more = somethingElse();
    ]])
  end)

  it("finds the object after =, (, default, or at the start", function()
    for _, text in ipairs { "{a:1}", "\239\187\191 {a:1}", "x = {a:1}", "f({a:1})", "export default {a:1}",
      "import {b} from 'c'; const d = {a:1}", "type T = string; let x = {a:1} as const" } do
      assert.same({ a = 1 }, literal.read(text), text)
    end
  end)

  it("reads escapes", function()
    assert.same({ a = "\n\t\"'\\/\0A\195\169\226\130\172\240\159\152\128\240\159\152\128z\239\191\189" },
      literal.read([[{a: "\n\t\"\'\\\/\0\x41\u00e9\u20AC\ud83d\ude00\u{1F600}\z\ud800"}]]))
    assert.same({ a = "one two" }, literal.read("{a: 'one \\\ntwo'}"))
    assert.same({ a = "$x\nb" }, literal.read("{a: `$x\nb`}"))
  end)

  it("tells the line of what is wrong", function()
    local rows = {
      { "line 1: there is no object literal", "" },
      { "line 1: there is no object literal", "just words" },
      { "line 1: there is no object literal", "import {a} from 'b'" },
      { "line 2: process.env.X is no literal; code is never run", "{\na: process.env.X}" },
      { "line 1: an expression is no literal", "{a: f()}" },
      { "line 1: an expression is no literal; code is never run", "{apiKey: forgotten-quotes}" },
      { "line 1: an expression is no literal", "{a: nan}" },
      { "line 1: an expression is no literal", "{a: 0x10g}" },
      { "line 1: an expression is no literal", "{a: (1)}" },
      { "line 2: ',' or '}' was expected", "{a: 1\n b: 2}" },
      { "line 1: ',' or ']' was expected", "{a: [1 2]}" },
      { "line 1: ':' was expected after the name \"a\"", "{a 1}" },
      { "line 1: a property's name was expected", "{[a]: 1}" },
      { "line 1: a property's name was expected", "{...b}" },
      { "line 1: a property's name was expected", "{,}" },
      { "line 1: a property's name was expected", "{a: 1" .. "," },
      { "line 1: the text ends inside a value", "{a:" },
      { "line 3: a string has no end", "{\n\na: 'b\n'}" },
      { "line 1: a string has no end", "{a: `" },
      { "line 1: a comment has no end", "/* {}" },
      { "line 1: a template with an expression is no literal", "{a: `${b}`}" },
      { "line 1: an escape is malformed", "{a: '\\u12'}" },
      { "line 1: an escape is malformed", "{a: '\\u{110000}'}" },
      { "line 1: an escape is malformed", "{a: '\\xg0'}" },
      { "line 1: the nesting is too deep", "{a: " .. ("["):rep(200) .. ("]"):rep(200) .. "}" },
    }
    for _, row in ipairs(rows) do
      local object, message = literal.read(row[2])
      assert.is_nil(object, row[2])
      assert.equal(row[1], message:sub(1, #row[1]), row[2])
    end
  end)
end)
