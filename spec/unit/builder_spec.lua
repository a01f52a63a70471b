-- JSON to Lua values in steps. Each text of json_spec is decoded in steps there.
local collect = require("spec.support.collect")
local colliding = require("spec.support.colliding")
local core = require("appsync.core")
local mutations = require("spec.support.mutations")
local stepwise = require("spec.support.stepwise")

local FOLDER = "spec/fuzz/corpus/json/"
local CORPUS = { "bad_utf8", "lone_surrogate", "long_number", "nested", "numbers", "response", "strings", "trailing_comma" }

local function read(name)
  local file = assert(io.open(FOLDER .. name .. ".json", "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- [{"id":1,"tags":["a1"]},…]: three values in each of n, and itself.
local function records(n)
  local parts = {}
  for i = 1, n do parts[i] = ('{"id":%d,"tags":["a%d"]}'):format(i, i) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function begin(text, n_steps, budget)
  local builder, held = assert(core.builder(text)), {}
  for _ = 1, n_steps do assert.is_false((builder:step(budget or 1, held))) end
  return builder, held
end

local function finish(builder, held, budget)
  local is_done, value
  repeat is_done, value = builder:step(budget or 5, held) until is_done ~= false
  return is_done and value or nil, value
end

local function message_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

describe("a builder", function()
  it("makes as many values in a step as it may, and the table that they are in counts when it is complete", function()
    for n = 1, 12 do
      for budget = 1, 60 do
        local value, _, n_steps = stepwise.build(records(n), nil, budget)
        assert.equal(n, #value)
        assert.equal(math.floor(4 * n / budget) + 1, n_steps)
      end
    end
    assert.equal(1, select(3, stepwise.build(records(1000), nil, math.huge)))
    assert.equal(1, select(3, stepwise.build("5", nil, 1)))
  end)

  it("tells that it isn't done, is done, or has failed", function()
    local builder, held = core.builder("[false,null]"), {}
    assert.same({ n = 1, false }, { n = select("#", builder:step(1, held)), (builder:step(1, held)) })
    assert.same({ true, { false, core.null } }, { builder:step(1, held) })
    assert.same({ true, false }, { core.builder("false"):step(1, {}) })
    local is_done, err = core.builder("[1,]"):step(9, {})
    assert.is_nil(is_done)
    assert.same({ kind = "protocol", code = "syntax", message = "value missing at byte 3", retryable = false, sent = false }, err)
  end)

  it("gives what decode gives, for the fuzzer's corpus", function()
    for _, name in ipairs(CORPUS) do
      for _, big_integers in ipairs({ "rounded", "string", "safe" }) do
        for _, strictness in ipairs({ "strict", "lenient" }) do stepwise.decode(read(name), big_integers, nil, strictness) end
      end
    end
  end)

  it("gives what decode gives where an error stands behind the value or behind many steps", function()
    for text, message in pairs({ ["[1] 2"] = "text after the value at byte 4", ["5,"] = "text after the value at byte 1",
      [records(100):sub(1, -2)] = "',' or ']' missing", ['{"a":[[1,2,3],{"b":"\255"}]}'] = "invalid UTF-8 at byte 20",
      [("["):rep(129)] = "nested deeper than 128 levels at byte 128", [('{"a":['):rep(64) .. "[0]"] = "nested deeper than 128 levels" }) do
      local value, err = stepwise.decode(text)
      assert.is_nil(value)
      assert.equal(message, err.message:sub(1, #message))
    end
  end)

  it("stops in the deepest place there may be, and goes on", function()
    local text = ('{"k":['):rep(64) .. "1,2" .. ("]}"):rep(64)
    local builder, held = begin(text, 1)
    assert.equal(128 + 64, #held)
    assert.is_true(stepwise.equal(core.decode(text), finish(builder, held, 1)))
  end)

  it("tells the keys of one step from those of the one before", function()
    local parts = {}
    for i = 1, 300 do parts[i] = ('{"%s":1,"id":{"%s%d":2},"":3}'):format(("k"):rep(1 + i % 50), i % 2 == 0 and "a" or "b", i % 23) end
    stepwise.decode("[" .. table.concat(parts, ",") .. "]", nil, { 65, 100, 999 })
  end)

  it("keeps the last of fields of one name, whichever step it comes in", function()
    assert.same({ a = 3, b = { c = 2 } }, stepwise.decode('{"a":1,"b":{"c":0,"c":1,"c":2},"a":[2],"a":3}'))
  end)

  it("equals decode for random texts, whole and damaged, in steps of random size", function()
    local seed = tonumber(os.getenv("SEED")) or 20240601
    print("builder_spec: seed " .. seed)
    local random = mutations.random(seed)
    local function text_of(depth)
      local kind = random(depth > 6 and 7 or 10)
      if kind < 4 then
        local scalars = { "0", "-1.5e3", "9007199254740993", "123456789012345678901234567890", "1.0000000000000000001", "true", "false", "null",
          '""', '"\\u00e9\\n"', '"' .. ("x"):rep(random(60)) .. '"' }
        return scalars[random(#scalars) + 1]
      end
      local parts, is_object = {}, kind % 2 == 0
      for i = 1, random(random(8) + 1) do
        local key = is_object and ('"%s%s":'):format(("k"):rep(random(4)), random(9) == 0 and "\\u006b" or random(5)) or ""
        parts[i] = key .. (random(3) == 0 and " " or "") .. text_of(depth + 1)
      end
      return (is_object and "{%s}" or "[%s]"):format(table.concat(parts, random(5) == 0 and " ,\n" or ","))
    end
    local corpus = {}
    for i, name in ipairs(CORPUS) do corpus[i] = read(name) end
    local mutate = mutations.new(random, corpus, { "[", "]", "{", "}", ",", ":", '"', "\\", "0", "-", "e", "\255", "\\ud800" })
    local modes, n_good, n_bad = { "rounded", "string", "safe" }, 0, 0
    for i = 1, tonumber(os.getenv("N")) or 2000 do
      local text = text_of(0)
      if i % 3 == 0 then text = mutate(text) end
      local largest = random(20) + 1
      local strictness = random(2) == 0 and "strict" or "lenient"
      local _, err = stepwise.decode(text, modes[random(3) + 1], { function() return random(largest) + 1 end }, strictness)
      if err then n_bad = n_bad + 1 else n_good = n_good + 1 end
    end
    assert.is_true(n_good > 500 and n_bad > 100, n_good .. " good, " .. n_bad .. " bad")
  end)

  it("works beside others, each with its table", function()
    local texts, builders = { records(50), '{"a":' .. records(20) .. "}", ("["):rep(100) .. ("]"):rep(100), "[1,", '"\\n"' }, {}
    for i, text in ipairs(texts) do builders[i] = { core.builder(text), {}, i } end
    local n_over, results = 0, {}
    while n_over < #texts do
      for i, entry in ipairs(builders) do
        if not results[i] then
          local is_done, value = entry[1]:step(entry[3], entry[2])
          if is_done ~= false then results[i], n_over = { value }, n_over + 1 end
        end
      end
    end
    for i, text in ipairs(texts) do
      local value, err = core.decode(text)
      assert.is_true(stepwise.equal(err or value, results[i][1]))
    end
  end)

  it("is taken further by whichever coroutine has it", function()
    local text = records(100)
    local builder, held = begin(text, 3)
    local is_done, value
    local turns = {}
    for i = 1, 3 do
      turns[i] = coroutine.wrap(function()
        while not is_done do
          is_done, value = builder:step(i, held)
          coroutine.yield()
        end
      end)
    end
    while not is_done do
      for i = 1, 3 do
        if not is_done then turns[i]() end
      end
    end
    assert.is_true(stepwise.equal(core.decode(text), value))
  end)

  it("goes on after its text and everything else that isn't held was collected", function()
    local builder, held = begin(records(300) .. " ", 1)
    for _ = 1, 20 do
      collectgarbage()
      local _ = ("other bytes"):rep(1000)
      assert.is_false((builder:step(20, held)))
      collectgarbage("step", 10)
    end
    assert.is_true(stepwise.equal(core.decode(records(300)), finish(builder, held)))
  end)

  it("that is dropped half-way leaves nothing behind, nor does its value when it is done", function()
    local function watch(n_steps, is_finished)
      local builder, held = begin(records(10), n_steps)
      local seen = setmetatable({ builder = builder, held = held, list = held[1], record = held[2] }, { __mode = "v" })
      if is_finished then finish(builder, held) end
      return seen
    end
    for _, is_finished in ipairs({ false, true }) do
      local seen = watch(6, is_finished)
      collect()
      assert.is_nil(next(seen))
    end
    local builder, held = begin(records(10), 6)
    local seen = setmetatable({ held[1] }, { __mode = "v" })
    finish(builder, held)
    collect()
    assert.is_nil(seen[1]) -- though both are there
    assert.is_table(held)
    assert.is_userdata(builder)
  end)

  it("gives the memory of its text back when it is over or collected", function()
    local status = io.open("/proc/self/status")
    if not status then return pending("this system doesn't tell what a process holds") end
    local function kib()
      local file = assert(io.open("/proc/self/status"))
      local n = tonumber(file:read("*a"):match("VmRSS:%s*(%d+)"))
      file:close()
      return n
    end
    status:close()
    local good = '[1,"' .. ("x"):rep(3 * 1024 * 1024) .. '"]'
    local bad = good:sub(1, -2)
    local before
    for i = 1, 15 do
      begin(good, 1)
      finish(begin(good, 1))
      finish(begin(bad, 1))
      collectgarbage()
      if i == 3 then before = kib() end
    end
    local allowed = tonumber(os.getenv("ALLOWED_KIB")) or 20 * 1024
    assert.is_true(kib() - before < allowed, ("%d KiB before, %d after"):format(before, kib()))
  end)

  it("holds nothing once it has failed", function()
    local builder, held = begin("[[1,2,3],[4,5,", 4)
    assert.is_table(held[1])
    local value, err = finish(builder, held, 1)
    assert.is_nil(value)
    assert.equal("value missing at byte 14, where the text ends", err.message)
    assert.is_nil(next(held))
  end)

  it("refuses a table that isn't the one of the step before, and is over then", function()
    local text = '{"a":{"b":[1,2,3]}}'
    for _, spoil in ipairs({
      function() return {} end,
      function(held) held[1] = nil end,
      function(held) held[#held] = nil end,
      function(held) held[1] = 5 end,
      function(held) held[2] = { "a" } end,
      function(held) held[2] = 7 end,
      function(held) held[3], held[4] = held[4], held[3] end,
    }) do
      local builder, held = begin(text, 1)
      assert.same({ {}, "a", {}, "b", { 1 } }, held)
      held = spoil(held) or held
      assert.matches("another table than that of the step before", message_of(builder.step, builder, 1, held))
      assert.matches("was built, or failed to be", message_of(builder.step, builder, 1, held))
    end
  end)

  it("is over after its last step", function()
    for _, text in ipairs({ "[1]", "[1", "5" }) do
      local builder, held = core.builder(text), {}
      finish(builder, held)
      assert.matches("the builder is over", message_of(builder.step, builder, 1, held))
    end
  end)

  it("begins again, with another table, also where it threw", function()
    local text = records(50)
    local builder, held = begin(text, 3)
    builder:again()
    assert.is_true(stepwise.equal(core.decode(text), finish(builder, {})))
    assert.is_table(held[1]) -- as it was left
    assert.matches("the builder is over", message_of(builder.again, builder))
    builder, held = begin(text, 3)
    assert.is_false(pcall(builder.step, builder, 1, {}))
    assert.matches("was built, or failed to be", message_of(builder.step, builder, 1, held))
    builder:again()
    assert.is_true(stepwise.equal(core.decode(text), finish(builder, {})))
  end)

  it("is over when it is dropped", function()
    local builder, held = begin(records(50), 3)
    builder:drop()
    builder:drop()
    assert.matches("the builder is over", message_of(builder.step, builder, 1, held))
    assert.matches("the builder is over", message_of(builder.again, builder))
  end)

  it("takes a text, a mode, at least one value and a table", function()
    assert.is_false(pcall(core.builder))
    assert.is_false(pcall(core.builder, {}))
    assert.is_false(pcall(core.builder, "1", "other"))
    local builder = core.builder("[1,2]")
    for _, max_values in ipairs({ 0, -1, 0.5, 0 / 0, "x", {} }) do
      assert.is_false(pcall(builder.step, builder, max_values, {}), tostring(max_values))
    end
    assert.is_false(pcall(builder.step, builder, 1))
    assert.is_false(pcall(builder.step, builder, 1, "x"))
    assert.is_false(pcall(builder.step, {}, 1, {}))
    assert.is_false(pcall(builder.step, io.stdout, 1, {}))
    assert.is_false(getmetatable(builder))
    assert.same({ true, { 1, 2 } }, { builder:step(math.huge, {}) })
  end)

  it("can't be taken further by a finalizer in the midst of its step, while others can", function()
    local text = '["' .. ("\\n"):rep(50) .. '",' .. records(200):sub(2)
    local wanted = core.decode(text)
    local is_in_step, builder, held, refusals, surprises = false, nil, nil, 0, {}
    local function interfere()
      if not is_in_step then return end
      local ok, message = pcall(builder.step, builder, 1, held)
      refusals = refusals + 1
      if ok or not message:find("was built, or failed to be", 1, true) then surprises[#surprises + 1] = message end
      if not stepwise.equal(wanted, (stepwise.build(text, nil, 90))) then surprises[#surprises + 1] = "another value" end
    end
    local function make_garbage()
      if rawget(_G, "newproxy") then
        getmetatable(newproxy(true)).__gc = interfere -- luacheck: ignore
      else
        setmetatable({}, { __gc = interfere })
      end
    end
    -- However large the heap is that other tests have left: the collector is quick, and has many chances.
    local pause, multiplier = collectgarbage("setpause", 20), collectgarbage("setstepmul", 1000)
    for _ = 1, 2000 do
      if refusals > 5 then break end
      builder, held = core.builder(text), {}
      local is_done, value
      repeat
        for _ = 1, 5 do make_garbage() end
        is_in_step = true
        is_done, value = builder:step(100, held)
        is_in_step = false
      until is_done ~= false
      assert.is_true(stepwise.equal(wanted, value))
    end
    collectgarbage("setpause", pause)
    collectgarbage("setstepmul", multiplier)
    assert.same({}, surprises)
    assert.is_true(refusals > 5, refusals .. " in the midst of a step")
  end)

  it("bounds strings that collide by the document, whatever is decoded between its steps", function()
    if not colliding.are_slow then
      assert.equal(2000, #stepwise.decode(colliding.list(2000), nil, { 100 }))
      return
    end
    local builder, held = core.builder(colliding.list(80000)), {}
    local n_steps, is_done, err = 0 ---@type integer, boolean?, table
    repeat
      is_done, err = builder:step(50, held)
      n_steps = n_steps + 1
      core.decode('["another document"]')
    until is_done ~= false
    assert.is_nil(is_done)
    assert.same({ "Too many strings collide in Lua's table of strings", "too_big" }, { err.message, err.code })
    -- 60 million comparisons of two, and not those of the minute.
    assert.is_true(n_steps * 50 > 5000 and n_steps * 50 < 15000, n_steps .. " steps")
    assert.is_nil(next(held))
  end)
end)
