-- lua5.4 bench/floor/tables.lua <w2|w3>: what an answer costs as Lua tables, made from values that lie parsed in memory.
local lua_tables = require "lua_tables"
local measure = require "bench.measure"

local mode = arg[1]
local tree = lua_tables.parse(measure.data "w1_listposts.json")
local VERSION = measure.lua_version()

local function read_all()
  local meter = measure.start()
  local data = tree:all().data
  measure.stop(meter)
  measure.print{
    workload = "w2-read", peer = "FLOOR tables from memory, " .. VERSION, n = 10000, unit = "posts/s", meter = meter,
    ok = #data.listPosts.items == 10000,
  }
end

local function read_posts()
  local ids = measure.lines "w3_ids.txt"
  local sum = 0
  local meter = measure.start()
  for i = 1, #ids do sum = sum + tree:post(ids[i]).ups end
  measure.stop(meter)
  measure.print{
    workload = "w3-point", peer = "FLOOR a table from memory, " .. VERSION, n = #ids, unit = "reads/s", meter = meter,
    ok = sum > 0, extra = ('"answer":"%d"'):format(sum),
  }
end

if mode == "w2" then read_all() else read_posts() end
