-- lua5.4 bench/json_bench.lua [runs]: appsync.core's decode and encode beside lua-cjson's on the same generated values.
-- A row: what, MB/s of JSON text (median, min-max), ratio of the medians to lua-cjson's.
local core = require("appsync.core")
local cjson = require("cjson")

local runs = tonumber(arg and arg[1]) or 11
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

local function seconds_of(f, value, times)
  collectgarbage()
  local start = os.clock()
  for _ = 1, times do f(value) end
  return os.clock() - start
end

local function mb_per_s(f, value, n_bytes)
  local times = 1
  while seconds_of(f, value, times) < SECONDS_PER_RUN / 2 do times = times * 2 end
  local rates = {}
  for i = 1, runs do rates[i] = n_bytes * times / seconds_of(f, value, times) / 1e6 end
  table.sort(rates)
  return rates[math.floor(#rates / 2) + 1], rates[1], rates[#rates]
end

local function row(what, ours, theirs, value, n_bytes)
  local own, own_min, own_max = mb_per_s(ours, value, n_bytes)
  local peer, peer_min, peer_max = mb_per_s(theirs, value, n_bytes)
  print(("%-40s core %6.1f MB/s (%.1f-%.1f)   cjson %6.1f MB/s (%.1f-%.1f)   ratio %.2f"):format(
    what, own, own_min, own_max, peer, peer_min, peer_max, own / peer))
end

print(("%s, %d runs, seed 20240601"):format(jit and jit.version or _VERSION, runs))
for _, case in ipairs(cases) do
  local json = core.encode(case[2])
  row("decode: " .. case[1], core.decode, cjson.decode, json, #json)
  row("encode: " .. case[1], core.encode, cjson.encode, case[2], #json)
end
