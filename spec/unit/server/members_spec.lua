local core = require("appsync.core")
local members = require("appsync.server.members")

local DECLARED = {
  n = { type = "number", min = 0 }, i = { type = "integer", min = 1, max = 3 }, t = { type = "text", is_required = true },
  s = { type = "string", values = { "a", "b" } }, b = { type = "boolean" }, l = { type = "list" }, o = { type = "object" },
  x = { type = "any" }, even = { fits = function(value) return type(value) == "number" and value % 2 == 0 end, noun = "an even number" },
}

local function read(json, place)
  return members.read(core.decode(json), DECLARED, place or "here")
end

describe("the members of an object", function()
  it("are read without those that are null", function()
    assert.same({ t = "x", n = 0, i = 3, s = "b", b = false, l = {}, o = {}, x = 1, even = 4 },
      read('{"t":"x","n":0,"i":3,"s":"b","b":false,"l":[],"o":{},"x":1,"even":4}'))
    assert.same({ t = "x" }, read('{"t":"x","n":null}'))
  end)

  for _, row in ipairs({
    { '{"t":"x","n":-1}', 'here: "n" must be a number of at least 0' }, { '{"t":"x","n":"1"}', 'here: "n" must be a number of at least 0' },
    { '{"t":"x","i":4}', 'here: "i" must be an integer between 1 and 3' }, { '{"t":"x","i":1.5}', 'here: "i" must be an integer between 1 and 3' },
    { '{"t":"x","s":"c"}', 'here: "s" must be one of "a", "b"' }, { '{"t":"x","b":0}', 'here: "b" must be true or false' },
    { '{"t":"x","l":{}}', 'here: "l" must be a list' }, { '{"t":"x","o":[]}', 'here: "o" must be an object' },
    { '{"t":""}', 'here: "t" must be a non-empty string' }, { '{"t":"x","even":3}', 'here: "even" must be an even number' },
    { "{}", 'here: "t" is missing' }, { '{"t":null}', 'here: "t" is missing' },
    { '{"t":"x","evn":2}', 'here: unknown key "evn"; did you mean "even"?' },
    { '{"t":"x","somethingElse":2}', 'here: unknown key "somethingElse"; there are b, even, i, l, n, o, s, t, x' },
  }) do
    it("are refused by name: " .. row[1], function()
      local none, message = read(row[1])
      assert.is_nil(none)
      assert.equal(row[2], message)
    end)
  end

  it("of the whole are called by their names alone", function()
    assert.equal('unknown key "evn"; did you mean "even"?', select(2, read('{"evn":2}', "")))
    assert.equal('"t" is missing', select(2, read("{}", "")))
  end)
end)
