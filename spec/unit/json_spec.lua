-- Lua values to JSON and back, through the C module.
local colliding = require("spec.support.colliding")
local core = require("appsync.core")
local stepwise = require("spec.support.stepwise")

local null = core.null
local has_integers = math.type ~= nil ---@diagnostic disable-line: undefined-field

local decode = stepwise.decode -- each text is decoded in steps, too

local function list(t) return setmetatable(t, core.array_mt) end

local function refused(value, message)
  local text, err = core.encode(value)
  assert.is_nil(text)
  assert.equal("usage", err.kind)
  assert.is_truthy(err.message:find(message, 1, true), ("%q does not contain %q"):format(err.message, message))
end

describe("decode", function()
  it("gives strings, numbers, booleans and null", function()
    assert.equal("a\"b\\c/\b\f\n\r\té€😀", decode([["a\"b\\c\/\b\f\n\r\t\u00e9\u20ac\ud83d\ude00"]]))
    assert.equal("x\0y", decode([["x\u0000y"]]))
    assert.equal("", decode('""'))
    assert.equal(-1.5, decode("-1.5"))
    assert.equal(true, decode("true"))
    assert.equal(false, decode(" false "))
    assert.equal(null, decode("null"))
    assert.equal("userdata", type(null))
  end)

  it("gives tables that can be indexed", function()
    local value = decode('{"a":{"b":[1,"x",[],{},null]},"":0,"a":{"b":[2,3]}}')
    assert.same({ a = { b = { 2, 3 } }, [""] = 0 }, value)
    value = decode('[1,"x",[],{},null]')
    assert.equal(5, #value)
    assert.equal(null, value[5])
  end)

  it("takes strings that Lua 5.1 hashes alike in such numbers as people have", function()
    local value = assert(decode(colliding.list(1000)))
    assert.equal(1000, #value)
    assert.equal("ba0a0a0a0a0a0a0a0a0a0a0a0a7aea3a0a0a", value[1000])
  end)

  it("marks lists and nothing else", function()
    local value = decode('{"empty":[],"full":[1,[2]],"object":{}}')
    assert.equal(core.array_mt, getmetatable(value.empty))
    assert.equal(core.array_mt, getmetatable(value.full))
    assert.equal(core.array_mt, getmetatable(value.full[2]))
    assert.is_nil(getmetatable(value.object))
    assert.is_nil(getmetatable(value))
  end)

  it("keeps many repeated keys apart", function()
    local parts = {}
    for i = 1, 300 do
      local fields = {}
      for k = 1, 1 + i % 9 do fields[k] = ('"%s%d":%d'):format(("k"):rep(1 + (i * k) % 50), i * k % 23, k) end
      parts[i] = "{" .. table.concat(fields, ",") .. "}"
    end
    local value = decode("[" .. table.concat(parts, ",") .. "]")
    for i = 1, 300 do
      local wanted = {}
      for k = 1, 1 + i % 9 do wanted[("k"):rep(1 + (i * k) % 50) .. i * k % 23] = k end
      assert.same(wanted, value[i])
    end
  end)

  it("reads escaped keys beside plain ones in long texts", function()
    local value = decode('{"pad":"' .. ("x"):rep(600) .. [[","a\u0062":1,"c":"\n","d\n":"]] .. ("\\t"):rep(900) .. '"}')
    assert.equal(1, value.ab)
    assert.equal("\n", value.c)
    assert.equal(("\t"):rep(900), value["d\n"])
  end)

  it("gives integers as integers where Lua has them", function()
    if has_integers then
      assert.equal("integer", math.type(decode("5")))
      assert.equal("float", math.type(decode("5.0")))
      assert.equal("float", math.type(decode("5e0")))
      assert.equal(math.maxinteger, decode("9223372036854775807"))
      assert.equal(math.mininteger, decode("-9223372036854775808"))
      assert.equal("float", math.type(decode("9223372036854775808")))
    else
      assert.equal(5, decode("5"))
    end
    assert.equal(9007199254740992, decode("9007199254740992"))
    assert.equal(-math.huge, 1 / decode("-0"))
    assert.equal(2 ^ 64, decode("18446744073709551616"))
  end)

  it("never makes two integers one, nor one of an integer and a fraction, when it reads safely", function()
    for _, digits in ipairs({ "9007199254740992", "9007199254740993", "-9007199254740992", "-9007199254740993", "18446744073709551616" }) do
      local value = decode(digits, "safe")
      assert.equal(digits, type(value) == "number" and ("%d"):format(value) or value)
    end
    assert.equal(9007199254740991, decode("9007199254740991", "safe"))
    assert.equal(-9007199254740991, decode("-9007199254740991", "safe"))
    assert.equal(has_integers and "number" or "string", type(decode("-9007199254740993", "string")))
    assert.is_false(pcall(core.decode, "1", "other"))
  end)

  it("never makes two fractions one, nor one of them an integer or zero, when it reads safely", function()
    for _, text in ipairs({ "1.0000000000000000001", "0.99999999999999999999", "4503599627370496.5", "-4503599627370496.5", "1e-400",
      "-1E-400", "0.0000000000000000000000001e-320", "1.5e-310", "5e-324", "1e400", "-1e400", "1.2345678901234567891", "1234567890123456e-3",
      "9007199254740992.0", "100000000000000.01", "1" .. ("0"):rep(400) .. ".0", "0." .. ("0"):rep(400) .. "1" }) do
      assert.equal(text, decode(text, "safe"))
      assert.equal(text, decode("[" .. text .. "]", "safe")[1])
    end
    for text, value in pairs({ ["1.0"] = 1, ["1." .. ("0"):rep(30)] = 1, ["1.7e9"] = 1700000000, ["0.5"] = 0.5, ["-0.25"] = -0.25,
      ["0.0"] = 0, ["0e-999"] = 0, ["0.000e999"] = 0, ["0.000000000000000000001"] = 1e-21, ["123456789012345.0"] = 123456789012345,
      ["1.23456789012345e300"] = 1.23456789012345e300, ["3e-308"] = 3e-308, ["1700000000.12345"] = 1700000000.12345,
      ["1.234567890123456"] = 1.234567890123456, ["1700000060.1234567"] = 1700000060.1234567 }) do
      assert.equal(value, decode(text, "safe"))
    end
    assert.equal(1, decode("1.0000000000000000001"))
    assert.equal(1, decode("1.0000000000000000001", "string"))
  end)

  it("gives integers beyond the exact range as strings on demand", function()
    assert.equal("18446744073709551616", decode("18446744073709551616", "string"))
    assert.equal("-9223372036854775809", decode("-9223372036854775809", "string"))
    assert.equal(5, decode("5", "string"))
    assert.equal(0.5, decode("0.5", "string"))
    local beyond = decode("9007199254740993", "string")
    if has_integers then
      assert.equal(9007199254740993, beyond)
    else
      assert.equal("9007199254740993", beyond)
      assert.equal(9007199254740992, decode("9007199254740992", "string"))
    end
  end)

  it("tells where a text is wrong", function()
    local value, err = decode("[1,]")
    assert.is_nil(value)
    assert.same({ kind = "protocol", code = "syntax", message = "value missing at byte 3", retryable = false, sent = false }, err)
    for text, offset in pairs({ [""] = 0, ["{"] = 1, ["nul"] = 3, ['{"a":1,}'] = 7, ["1 2"] = 2, ['"\255"'] = 1, ['"\\ud800"'] = 1 }) do
      value, err = decode(text)
      assert.is_nil(value)
      assert.is_truthy(err.message:find("at byte " .. offset, 1, true), text .. ": " .. err.message)
    end
  end)

  it("gives the replacement character for what a service cut, in values and keys, where it is lenient", function()
    local function lenient(text) return decode(text, nil, nil, "lenient") end
    for text, value in pairs({ ["cut off \\ud83d"] = "cut off \239\191\189", ["\\udc00x"] = "\239\191\189x",
      ["\\ud83d\\ud83d\\ude00"] = "\239\191\189😀", ["\\ude00\\ud83d"] = "\239\191\189\239\191\189", ["a\195"] = "a\239\191\189",
      ["\255\255\255\255\255\255\255\255"] = ("\239\191\189"):rep(8), ["\237\160\189\\n"] = ("\239\191\189"):rep(3) .. "\n" }) do
      assert.same({ [value] = { value, "z" } }, lenient('{"' .. text .. '":["' .. text .. '","z"]}'))
      local refusal, err = decode('["' .. text .. '"]')
      assert.is_nil(refusal)
      assert.equal("invalid_utf8", err.code)
    end
    -- Long texts keep the keys that they have seen.
    local long = lenient("[" .. ('{"k\\ud83d":1,"k\255":2},'):rep(300) .. "0]")
    assert.same({ ["k\239\191\189"] = 2 }, long[300])
    assert.is_false(pcall(core.decode, "1", "rounded", "other"))
  end)

  it("passes over a byte order mark", function()
    assert.same({ 1 }, decode("\239\187\191 [1]"))
    local _, err = decode("\239\187\191[1,]")
    assert.equal("value missing at byte 6", err.message)
    assert.is_nil((decode("[\239\187\1911]")))
  end)

  it("says what is there in the place of JSON", function()
    for text, message in pairs({ ["<html>"] = "HTML or XML in place of a value at byte 0", ["\255\254[\0"] = "UTF-16 in place of UTF-8 at byte 0",
      ['["a'] = "unfinished string at byte 3, where the text ends" }) do
      local _, err = decode(text)
      assert.equal(message, err.message)
    end
  end)

  it("accepts 128 levels and not one more", function()
    assert.is_table(decode(("["):rep(128) .. ("]"):rep(128)))
    assert.is_table(decode(('{"a":'):rep(128) .. "1" .. ("}"):rep(128)))
    local value, err = decode(("["):rep(129) .. ("]"):rep(129))
    assert.is_nil(value)
    assert.same({ "nested deeper than 128 levels at byte 128", "too_deep" }, { err.message, err.code })
  end)

  it("leaves nothing on the stack of the one who calls often", function()
    for i = 1, 2000 do
      assert.is_nil((decode('[{"a":[1,{"b":"\\n"')))
      assert.equal(i, decode("[" .. i .. "]")[1])
    end
  end)
end)

describe("encode", function()
  it("writes plain values", function()
    assert.equal("null", core.encode(null))
    assert.equal("true", core.encode(true))
    assert.equal("false", core.encode(false))
    assert.equal('"é \\" \\\\ / \\n \\u0001 \127"', core.encode("é \" \\ / \n \1 \127"))
    assert.equal('"a\\u0000b"', core.encode("a\0b"))
  end)

  it("writes integral numbers without point and exponent", function()
    assert.equal("5", core.encode(5.0))
    assert.equal("-7", core.encode(-7))
    assert.equal("1000000000000000000000", core.encode(1e21))
    assert.equal("9007199254740992", core.encode(2 ^ 53))
    assert.equal("18446744073709551616", core.encode(2 ^ 64))
    if has_integers then assert.equal("9223372036854775807", core.encode(math.maxinteger)) end
  end)

  it("writes other numbers as short as they read back", function()
    assert.equal("0.1", core.encode(0.1))
    assert.equal("0.30000000000000004", core.encode(0.1 + 0.2))
    assert.equal("1e-7", core.encode(1e-7))
    assert.equal("-123.456", core.encode(-123.456))
  end)

  it("tells lists from objects", function()
    assert.equal("[1,2,3]", core.encode({ 1, 2, 3 }))
    assert.equal("{}", core.encode({}))
    assert.equal("[]", core.encode(list({})))
    assert.equal('[[],{},["x"]]', core.encode({ list({}), {}, list({ "x" }) }))
    assert.equal('{"a":[1]}', core.encode({ a = { 1 }, b = nil }))
    assert.equal('{"1":"x"}', core.encode({ ["1"] = "x" }))
    assert.equal("[null,null]", core.encode({ null, null }))
  end)

  it("writes lists that were filled in another order", function()
    local t = {}
    for i = 20, 1, -1 do t[i] = i end
    assert.equal("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]", core.encode(t))
    local nested = {}
    for i = 3, 1, -1 do
      nested[i] = {}
      for k = 3, 1, -1 do nested[i][k] = { [2] = k, [1] = i } end
    end
    assert.equal("[[[1,1],[1,2],[1,3]],[[2,1],[2,2],[2,3]],[[3,1],[3,2],[3,3]]]", core.encode(nested))
    if has_integers then assert.equal('["a","b"]', core.encode({ [1.0] = "a", [2.0] = "b" })) end
  end)

  it("refuses holes and says which element is missing", function()
    refused({ 1, nil, 3 }, "value: a list with holes; element 2 is missing, the last one is 3")
    refused({ [2] = 1 }, "value: a list with holes; element 1 is missing, the last one is 2")
    refused({ [1] = 1, [2 ^ 40] = 1 }, "value: a list with holes; element 2 is missing, the last one is 1099511627776")
    refused(list({ [3] = 1 }), "a list with holes")
    refused({ input = { tags = { "a", "b", nil, "d" } } }, "value.input.tags: a list with holes")
  end)

  it("refuses keys that are neither all names nor all places", function()
    refused({ 1, 2, x = 1 }, "value: keys of a list and of an object in one table")
    refused({ x = 1, y = 2, [7] = 1 }, "value: ")
    refused(list({ x = 1 }), "value: keys of a list and of an object in one table")
    refused({ [0] = 1 }, "value: a number as a key that is no place in a list")
    refused({ [1.5] = 1 }, "value: a number as a key that is no place in a list")
    refused({ [-1] = 1 }, "value: a number as a key that is no place in a list")
    refused({ [true] = 1 }, "value: a key that is neither a name nor a number")
    refused({ [{}] = 1 }, "value: a key that is neither a name nor a number")
  end)

  it("refuses what JSON can't hold, with the path to it", function()
    refused(0 / 0, "value: NaN can't be JSON")
    refused({ a = { 1, { b = math.huge } } }, "value.a[2].b: infinity can't be JSON")
    refused({ -math.huge }, "value[1]: infinity can't be JSON")
    refused({ f = print }, "value.f: a function can't be JSON")
    refused({ ["two words"] = { coroutine.create(function() end) } }, 'value["two words"][1]: a thread can\'t be JSON')
    refused({ io.stdout }, "value[1]: a userdata can't be JSON")
    refused({ a = "ok\255" }, "value.a: a string that is not UTF-8 (at its byte 3)")
    refused({ ["k\255"] = 1 }, 'value["k?"]: a string that is not UTF-8 (at its byte 2)')
    refused({ ["k\255"] = {} }, 'value["k?"]: a string that is not UTF-8 (at its byte 2)')
    refused({ [("k"):rep(100)] = print }, "value." .. ("k"):rep(32) .. "...: a function")
  end)

  it("gives the path below the name that it is given", function()
    local _, err = core.encode({ a = { print } }, "input")
    assert.equal("input.a[1]: a function can't be JSON", err.message)
    assert.equal(".a[1]: a function can't be JSON", select(2, core.encode({ a = { print } }, "")).message)
    assert.equal(": a function can't be JSON", select(2, core.encode(print, "")).message)
  end)

  it("refuses cycles and more than 128 levels", function()
    local cycle = {}
    cycle.again = { cycle }
    refused(cycle, "value.again[1].again[1]")
    refused(cycle, "nested deeper than 128 tables, or a cycle")
    local deep = list({})
    for _ = 2, 128 do deep = { deep } end
    assert.equal(("["):rep(128) .. ("]"):rep(128), core.encode(deep))
    refused({ deep }, "nested deeper than 128 tables")
  end)

  it("works again after a refusal", function()
    for _ = 1, 500 do
      refused({ "x", print }, "value[2]")
      assert.equal('["x"]', core.encode({ "x" }))
    end
  end)

  it("reads tables raw", function()
    local guarded = setmetatable({ a = 1 }, { __index = error, __newindex = error })
    assert.equal('{"a":1}', core.encode(guarded))
  end)

  it("honours OpenResty's list marks", function()
    local lua = os.getenv("APPSYNC_LUA")
    if not lua then return pending("APPSYNC_LUA names no interpreter") end
    local script = [[
      local mt = {}
      package.loaded.cjson = { array_mt = mt }
      local core = require("appsync.core")
      io.write(core.encode({ setmetatable({}, mt), setmetatable({ 1 }, mt), {} }))]]
    local pipe = assert(io.popen(lua .. " -e '" .. script .. "'"))
    local json = pipe:read("*a")
    pipe:close()
    assert.equal("[[],[1],{}]", json)
  end)
end)

describe("a round trip", function()
  it("keeps empty lists, null and nesting", function()
    local text = '[[],{},{"a":[null,[[]]]},"x",1,-2.5,true]'
    assert.equal(text, core.encode(decode(text)))
  end)

  it("keeps random doubles", function()
    local seed = tonumber(os.getenv("SEED")) or 20240601
    print("json_spec: seed " .. seed)
    local state = seed
    local function random()
      state = state * 16807 % 2147483647
      return state
    end
    for _ = 1, 5000 do
      local x = (random() / 2147483647 - 0.5) * 2 ^ (random() % 2000 - 1000) + random() / 1e12
      assert.equal(x, core.decode(core.encode(x)))
      assert.equal(x, core.decode(core.encode({ x }))[1])
    end
  end)

  it("survives finalizers that convert values in between", function()
    local text = core.encode({ items = list({ "a\n", "b\n", ("c\n"):rep(100) }) })
    local make_garbage
    if has_integers then
      make_garbage = function() setmetatable({}, { __gc = function() core.encode(core.decode(text)) end }) end
    else
      make_garbage = function()
        local proxy = newproxy(true) -- luacheck: ignore
        getmetatable(proxy).__gc = function() core.encode(core.decode(text)) end
      end
    end
    local parts = {}
    for i = 1, 200 do parts[i] = { ("line\n"):rep(i), i } end
    local wanted = core.encode(parts)
    local pause = collectgarbage("setpause", 50)
    for _ = 1, 30 do
      for _ = 1, 20 do make_garbage() end
      assert.equal(wanted, core.encode(core.decode(wanted)))
    end
    collectgarbage("setpause", pause)
  end)
end)
