local appsync = require "appsync"
local field_value = require "appsync.client.field_value"
local record_list = require "appsync.client.record_list"

local array, null = appsync.array, appsync.null

local function identify(record)
  if type(record) == "string" then return record end
  return record.__ref or (record.id and record.__typename .. ":" .. record.id) or nil
end

local function refs(text)
  local list = array{}
  for key in text:gmatch "%S+" do list[#list + 1] = key == "null" and null or { __ref = key } end
  return list
end

local field
local function shown(value)
  field = field_value.new_field()
  return field_value.shown(value, identify, field)
end
local function list_of(text) return shown{ __list = refs(text) } end
local function given(value) return field_value.given(value, identify, field or field_value.new_field(), "here") end
local function changes(value) return field_value.changes(value, identify, field, "here") end

-- Applies edits as the core does (csrc/cache/list_edit.c).
local function apply(text, edits)
  local list = {}
  for key in text:gmatch "%S+" do list[#list + 1] = key end
  local function place(key)
    for i, item in ipairs(list) do if item == key then return i end end
  end
  for _, edit in ipairs(edits) do
    local kind, key, left = edit[1], edit[2], edit[3]
    if kind == "-" then
      table.remove(list, place(key))
    elseif not place(key) then
      table.insert(list, kind == "^" and 1 or (place(left) or #list) + 1, key)
    end
  end
  return table.concat(list, " ")
end

describe("a list of records", function()
  it("becomes edits, whatever was done with it", function()
    for _, case in ipairs{
      { "a b c", "a b c", 0 }, { "", "a", 1 }, { "a", "", 1 }, { "a b c", "b c", 1 }, { "a b c", "a x b c", 1 },
      { "a b c", "x a b c y", 2 }, { "a b c", "c b a", 6 }, { "a b c d", "a x y d", 4 }, { "a b", "b x a", 5 },
    } do
      local list = list_of(case[1])
      for i = #list, 1, -1 do list[i] = nil end
      for i, item in ipairs(refs(case[2])) do list[i] = item end
      local edits = record_list.edits(list, "here")
      assert.equal(case[3], #edits, case[2])
      assert.equal(case[2], apply(case[1], edits))
    end
  end)

  it("becomes edits that tell the same, by seeds", function()
    local seed = tonumber(os.getenv "SEED") or 1
    print(("seed %d"):format(seed))
    math.randomseed(seed)
    for _ = 1, 500 do
      local keys = {}
      for i = 1, math.random(0, 8) do keys[i] = "k" .. i end
      local before = table.concat(keys, " ")
      local list = list_of(before)
      for n = 1, math.random(0, 6) do
        local what = math.random(4)
        if what == 1 then list:add("n" .. n, math.random(1, #list + 1)) end
        if what == 2 and #list > 0 then list:remove(list[math.random(#list)]) end
        if what == 3 and #list > 0 then table.insert(list, math.random(#list), table.remove(list, math.random(#list))) end
        if what == 4 then list:add("n" .. n) end
      end
      local now = {}
      for i, item in ipairs(list) do now[i] = item.__ref end
      assert.equal(table.concat(now, " "), apply(before, record_list.edits(list, "here")))
    end
  end)

  it("is given whole where edits can't tell it", function()
    for _, case in ipairs{ { "a null b", "a b" }, { "a b", "a null b" }, { "a b a", "a b" }, { "a", "a a" } } do
      local list = list_of(case[1])
      for i = #list, 1, -1 do list[i] = nil end
      for i, item in ipairs(refs(case[2])) do list[i] = item end
      assert.is_nil(record_list.edits(list, "here"))
      assert.same({ __list = refs(case[2]) }, changes(list))
      assert.same({ __list = refs(case[2]) }, given(list))
    end
    local list = list_of "a b c"
    list[4] = { __ref = "a" } -- it is there already, outside of what has changed
    assert.is_nil(record_list.edits(list, "here"))
    list = list_of "a b c"
    list:add("d")
    table.insert(list, 1, { __ref = "d" })
    assert.is_nil(record_list.edits(list, "here"))
    list = shown{ __list = array{ { x = 1 } } }
    list:add("d") -- behind something that is no reference
    assert.is_nil(record_list.edits(list, "here"))
    list = list_of ""
    for i = 1, 300 do list:add("k" .. i) end
    assert.equal(300, #changes(list).__list)
  end)
end)

describe("a list of other things", function()
  it("has edits as well, where what has changed are references", function()
    local list = list_of "a null a b"
    assert.is_nil(changes(list))
    list:add("c")
    assert.same({ { "+", "c", "b" } }, record_list.edits(list, "here"))
  end)
end)

describe("a field's value", function()
  it("is shown as the application works with it", function()
    assert.equal(5, shown(5))
    assert.equal(null, shown(null))
    assert.same({ __ref = "a" }, shown{ __ref = "a" })
    assert.same({ x = { 1 } }, shown{ __json = { x = { 1 } } })
    local value = shown{ items = { __list = refs "a b" }, next = null, at = { x = 1, tags = { __json = array{ "t" } } } }
    assert.is_true(value.items:contains "b")
    assert.same({ x = 1, tags = { "t" } }, value.at)
  end)

  it("is given as what it was, as far as that can be told", function()
    assert.equal(5, given(5))
    assert.same({ __ref = "T:1" }, given{ __typename = "T", id = 1, other = "isn't kept" })
    assert.same({ __json = { a = { b = 1 } } }, given{ a = { b = 1 } })
    assert.same({ __json = { "x" } }, given{ "x" })
    assert.same({ __list = { { __ref = "a" }, null, { x = { __ref = "b" } } } }, given{ { __ref = "a" }, null, { x = { __ref = "b" } } })
    assert.same({ a = { __json = { 1 } }, b = { __ref = "r" }, c = 1 }, given{ a = { 1 }, b = { __ref = "r" }, c = 1 })
    local value = shown{ items = { __list = refs "a b" }, next = 1 }
    assert.same({ items = { __edits = {} }, next = 1 }, given(value))
    value.items:remove "a"
    assert.same({ items = { __edits = { { "-", "a" } } }, next = 1 }, given(value))
    -- one that stands elsewhere now is a list of its own
    assert.same({ others = { __list = refs "b" } }, given{ others = value.items })
  end)

  it("is changed by what was done with the lists in it, if nothing comes back", function()
    local value = shown{ a = { b = { __list = refs "x y" }, c = { __list = refs "z" } }, next = 1 }
    assert.is_nil(changes(value))
    value.a.b:add("w", "start")
    value.next = "not told"
    assert.same({ __fields = { a = { __fields = { b = { __edits = { { "^", "w" } } } } } } }, changes(value))
    assert.is_nil(changes(5))
    assert.is_nil(changes(shown{ __json = array{ 1 } }))
  end)

  it("has an end", function()
    local value = { { __ref = "a" } }
    value[2] = value
    assert.error_matches(function() given(value) end, "here: what the function returns is nested too deeply, or a cycle", 1, true)
  end)
end)
