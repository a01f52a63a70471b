-- lua5.4 bench/json_bench.lua: appsync.core's decode and encode beside lua-cjson's on the same generated values, which is the
-- floor here. A unit is a megabyte of JSON text.
local measure = require("bench.measure")
local core = require("appsync.core")
local cjson = require("cjson")

local SECONDS_PER_RUN = 0.03

-- Park and Miller's generator: the same data on every Lua.
local seed = 20240601
local function random(below)
  seed = seed * 16807 % 2147483647
  return seed % below
end

local WORDS = { "alpha", "béta", "gamma", "delta", "a \"quoted\" word", "line\nbreak", "zeta", "日本語" }

local function text(n_words)
  local words = {}
  for i = 1, n_words do words[i] = WORDS[random(#WORDS) + 1] end
  return table.concat(words, " ")
end

local function plain_text(n_chars)
  local chars = {}
  for i = 1, n_chars do chars[i] = string.char(97 + random(26)) end
  return table.concat(chars)
end

local function posts(n, make_body)
  local items = {}
  for i = 1, n do
    items[i] = {
      __typename = "Post",
      id = ("%08x-%04x"):format(random(2147483647), random(65536)),
      title = plain_text(20),
      body = make_body(),
      ups = random(10000),
      score = random(100000) / 1000,
      published = random(2) == 1,
      tags = { plain_text(5), plain_text(6), plain_text(7) },
      author = { id = tostring(random(1000)), name = plain_text(12) },
      createdAt = "2024-06-01T12:00:00.000Z",
    }
  end
  return { data = { listPosts = { items = items, nextToken = cjson.null } } }
end

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = { i, random(1000000) / 64, -random(2147483647), random(1000) / 7 } end
  return list
end

local cases = {
  { "one small object", posts(1, function() return plain_text(40) end) },
  { "500 records, short strings", posts(500, function() return plain_text(24) end) },
  { "500 records, escapes and UTF-8", posts(500, function() return text(8) end) },
  { "100 records, long strings", posts(100, function() return plain_text(4000) end) },
  { "lists of numbers", numbers(4000) },
}

local function meter_of(f, value, times)
  collectgarbage()
  local meter = measure.start()
  for _ = 1, times do f(value) end
  return measure.stop(meter)
end

local function enough(f, value)
  local times = 1
  while meter_of(f, value, times).cpu < SECONDS_PER_RUN / 2 do times = times * 2 end
  return times * 2
end

local function row(what, ours, theirs, value, n_bytes)
  local function print_row(peer, f, extra)
    local times = enough(f, value)
    measure.print{
      workload = "json, " .. measure.lua_version(), peer = peer, n = n_bytes * times / 1e6, unit = "MB/s",
      meter = meter_of(f, value, times), ok = true, extra = extra,
    }
  end
  local floor = "FLOOR lua-cjson, " .. what
  print_row(floor, theirs)
  print_row("LIB appsync.core, " .. what, ours, '"floor":"' .. floor .. '"')
end

for _, case in ipairs(cases) do
  local json = core.encode(case[2])
  row("decode " .. case[1], core.decode, cjson.decode, json, #json)
  row("encode " .. case[1], core.encode, cjson.encode, case[2], #json)
end
