-- Answers that stay the same are copied: here wherever the VM has no function of its own for it, too.
local appsync = require "appsync"
local compat = require "appsync.compat"

local NAME = "appsync.client.copied_reading"

local function shallow(from)
  local to = {}
  for key, value in pairs(from) do to[key] = value end
  return to
end

describe("a copied reading", function()
  local clone, own, copied_reading, answers, n_made

  -- Makes its answer anew, as the core does, unless it is known.
  local core = {}
  function core.read(_, _, _, _, _, _, known)
    local now = answers[1]
    if now.number and now.number == known then return nil, nil, nil, now.has_expired, nil, known end
    n_made = n_made + 1
    return now.make(), now.missing, now.err, now.has_expired, now.is_large, now.number
  end
  function core:rest() self.n_rests = (self.n_rests or 0) + 1 end

  before_each(function()
    clone, own = compat.clone, package.loaded[NAME]
    compat.clone, package.loaded[NAME] = shallow, nil
    copied_reading, n_made, core.n_rests = require(NAME), 0, nil
  end)
  after_each(function() compat.clone, package.loaded[NAME] = clone, own end)

  local function answer(number, json, more)
    local now = { number = number, make = function() return (appsync.decode(json)) end }
    for key, value in pairs(more or {}) do now[key] = value end
    answers = { now }
  end

  local DEEP = '{"a":{"list":[[1,[]],[],{"y":[null,"z"]}],"few":[],"none":null,"no":false,"object":{}}}'

  it("gives what the core gives, and what is done to one leaves the others alone", function()
    answer(1, DEEP)
    local reading, seen = copied_reading.of(core), {}
    -- The order of keys is anyone's.
    local function text_of(data)
      local parts = {}
      for i, name in ipairs{ "list", "few", "none", "no", "object" } do parts[i] = appsync.encode(data.a[name]) end
      return table.concat(parts, " ")
    end
    for i = 1, 8 do
      local data = reading:read()
      assert.equal('[[1,[]],[],{"y":[null,"z"]}] [] null false {}', text_of(data))
      assert.is_nil(data.new)
      assert.equal(appsync.null, data.a.none)
      assert.equal(appsync.null, data.a.list[3].y[1])
      for _, other in ipairs(seen) do
        assert.are_not.equal(other, data)
        assert.are_not.equal(other.a, data.a)
        assert.are_not.equal(other.list, data.a.list)
        assert.are_not.equal(other.few, data.a.few)
      end
      seen[i] = { a = data.a, list = data.a.list, few = data.a.few }
      data.a.list[1][2][1] = "changed"
      data.a.list[3].y[2] = nil
      data.a.few[1], data.a.none, data.a.object.x = i, i, i
      data.new = {}
      setmetatable(data.a.list, nil)
    end
    assert.equal(2, n_made)
  end)

  it("keeps the metatable of the whole, too", function()
    answer(1, "[[1],2]")
    local reading = copied_reading.of(core)
    local metatable = getmetatable(appsync.decode "[]")
    for _ = 1, 4 do assert.equal(metatable, getmetatable((reading:read()))) end
    assert.equal(2, n_made)
  end)

  it("follows the core's number", function()
    local reading = copied_reading.of(core)
    for number = 1, 3 do
      answer(number, ('{"n":[%d]}'):format(number))
      for _ = 1, 4 do assert.equal(number, reading:read().n[1]) end
      answer(nil, '{"n":["none"]}', { has_expired = true })
      local data, missing, err, has_expired = reading:read()
      assert.same({ { "none" }, true }, { data.n, has_expired })
      assert.is_nil(missing or err)
      answer(nil, "null", { err = "err" })
      assert.equal("err", (select(3, reading:read())))
      answer(nil, "null", { is_large = true })
      assert.is_true((select(5, reading:read())))
    end
  end)

  it("says of a copy that it has expired", function()
    local reading = copied_reading.of(core)
    answer(1, '{"n":1}', { has_expired = true })
    for _ = 1, 4 do assert.is_true((select(4, reading:read()))) end
  end)

  it("keeps no answer that has more than 512 tables", function()
    local reading = copied_reading.of(core)
    for i, case in ipairs{ { 511, 2 }, { 512, 6 } } do
      answer(i, "[" .. ("{},"):rep(case[1] - 1) .. "{}]")
      n_made = 0
      for _ = 1, 6 do assert.equal(case[1], #reading:read()) end
      assert.equal(case[2], n_made)
    end
  end)

  it("lets go of it when it rests", function()
    local reading = copied_reading.of(core)
    answer(1, '{"n":{}}')
    local last = setmetatable({}, { __mode = "v" })
    for _ = 1, 3 do reading:read() end
    last[1] = reading.pattern
    assert.is_table(last[1])
    reading:rest()
    collectgarbage()
    collectgarbage()
    assert.is_nil(last[1])
    assert.equal(1, core.n_rests)
    assert.equal(2, n_made)
    reading:read()
    assert.equal(3, n_made)
  end)

  it("is the core's own where the VM can't copy", function()
    compat.clone, package.loaded[NAME] = nil, nil
    assert.equal(core, require(NAME).of(core))
  end)
end)
