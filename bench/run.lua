-- lua5.4 bench/run.lua <folder of the built programs> <repetitions> [cache|w2|w3|w4|w5|w6|w7|w8|w9|w10|game|json|server|nginx]: runs
-- the rows of each workload in turn, so often, and prints a table for each. See README.md. Environment: LUAS, the interpreters;
-- BUILD, where they were built for.
local median = require "bench.median"
local bin, repetitions, only = arg[1], tonumber(arg[2]), arg[3]

local BUILD = os.getenv("BUILD") or "build"
local LUAS = {}
for name in (os.getenv("LUAS") or "lua5.4"):gmatch("%S+") do LUAS[#LUAS + 1] = name end

local function capture(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  return text, (pipe:close())
end

local has_taskset = capture("command -v taskset") ~= ""
local PIN = has_taskset and "taskset -c 0 " or ""

-- Starts a server. It prints its port, or a line with its address; the shell before it, the process.
local function serve(command)
  local pipe = assert(io.popen("echo $$; exec " .. command))
  local pid, port = pipe:read("*l"), pipe:read("*l")
  port = port and (port:match("^%d+$") or port:match("^READY http://[^:]+:(%d+)/"))
  assert(port, "it doesn't start: " .. command)
  return { port = port, stop = function()
    os.execute("kill " .. pid)
    pipe:close()
  end }
end

local function abi_of(lua)
  return lua == "luajit" and "lua5.1" or lua
end

local function lua_row(lua, script, arguments)
  local abi = abi_of(lua)
  return ("LUA_CPATH='%s/%s/?.so;%s/%s/?.so;;' %s bench/%s %s"):format(BUILD, abi, bin, abi, lua, script, arguments or "")
end

-- Bodies of 1024 bytes that every row signs.
local function write_bodies()
  local seed = 20240601
  local function random(below)
    seed = seed * 16807 % 2147483647
    return seed % below
  end
  local file = assert(io.open(bin .. "/data/w5_bodies.ndjson", "wb"))
  for _ = 1, 64 do
    local chars = {}
    for i = 1, 1024 do chars[i] = string.char(97 + random(26)) end
    file:write(table.concat(chars), "\n")
  end
  file:close()
end

-- A response of 10,000 posts by 500 authors, with three comments each, and events that change one of them; ids of 100,000
-- reads; 100 pages of 20 of the posts.
local function write_posts()
  local seed = 20261130
  local function random(below)
    seed = seed * 16807 % 2147483647
    return seed % below
  end
  local words = { "lorem", "ipsum", "dolor", "sit", "amet", '\\"quoted\\"', "naïve", "café", "line\\nbreak", "日本", "😀", "elit", "sed" }
  local function text(n_words)
    local out = {}
    for i = 1, n_words do out[i] = words[random(#words) + 1] end
    return table.concat(out, " ")
  end
  local function uuid()
    return ("%08x-%04x-4%03x-8%03x-%06x%06x"):format(random(2147483647), random(65536), random(4096), random(4096),
      random(16777216), random(16777216))
  end
  local authors, ids, heads = {}, {}, {}
  for i = 1, 500 do authors[i] = ('{"__typename":"Author","id":"%s","name":"Author %d"}'):format(uuid(), i) end
  local file = assert(io.open(bin .. "/data/w1_listposts.json", "wb"))
  file:write('{"data":{"listPosts":{"__typename":"PostConnection","items":[')
  for i = 1, 10000 do
    local comments = {}
    for k = 1, 3 do comments[k] = ('{"__typename":"Comment","id":"%s","text":"%s"}'):format(uuid(), text(8)) end
    ids[i] = uuid()
    local title, author, content, ups = text(6), authors[random(500) + 1], text(30), random(1000)
    file:write(i > 1 and "," or "", ('{"__typename":"Post","id":"%s","title":"%s","author":%s,"content":"%s","ups":%d,"downs":%d,'
      .. '"createdAt":"2026-11-30T12:00:00.000Z","comments":{"__typename":"CommentConnection","items":[%s]}}'):format(ids[i], title,
      author, content, ups, random(100), table.concat(comments, ",")))
    heads[i] = ('{"__typename":"Post","id":"%s","title":"%s","ups":%d,"author":%s}'):format(ids[i], title, ups, author)
  end
  file:write('],"nextToken":null}}}')
  file:close()
  file = assert(io.open(bin .. "/data/w4_updates.ndjson", "wb"))
  for i = 1, 10000 do
    file:write(('{"data":{"onUpdatePost":{"__typename":"Post","id":"%s","title":"updated %d","ups":%d}}}\n'):format(ids[random(10000) + 1],
      i, 100000 + i))
  end
  file:close()
  file = assert(io.open(bin .. "/data/w3_ids.txt", "wb"))
  for _ = 1, 100000 do file:write(ids[random(10000) + 1], "\n") end
  file:close()
  file = assert(io.open(bin .. "/data/w4_watched.ndjson", "wb"))
  for page = 1, 100 do
    local items = {}
    for i = 1, 20 do items[i] = heads[random(10000) + 1] end
    file:write(('{"variables":{"tag":"tag%d"},"response":{"data":{"postsByTag":{"__typename":"PostConnection","items":[%s],'
      .. '"nextToken":null}}}}\n'):format(page, table.concat(items, ",")))
  end
  file:close()
end

local N_MESSAGES = 100000

-- Workloads: `rows(server)` are commands, those of the floor first; each prints one JSON line or several.
local workloads = {}

local function add(group, workload)
  workload.group = group
  workloads[#workloads + 1] = workload
end

add("json", { rows = function()
  local rows = { bin .. "/json_bench" }
  for _, lua in ipairs(LUAS) do rows[#rows + 1] = lua_row(lua, "json_bench.lua") end
  return rows
end })

add("cache", { rows = function()
  local rows = {}
  for i, mode in ipairs{ "floor-write", "write", "floor-persist", "persist", "floor-read", "read", "read-packed", "merge",
    "merge-persist", "memory" } do
    rows[i] = bin .. "/row/cache_core " .. mode
  end
  return rows
end })

for group, mode in pairs{ w2 = "read", w3 = "point" } do
  add(group, {
    server = bin .. "/server/fixed_http 0 " .. bin .. "/data/w1_listposts.json",
    rows = function(port)
      local rows = {}
      for _, lua in ipairs(LUAS) do
        rows[#rows + 1] = lua_row(lua, "floor/tables.lua", group)
        rows[#rows + 1] = lua_row(lua, "row/cache.lua", mode .. " " .. port)
      end
      return rows
    end,
  })
end

add("w4", { rows = function() return { bin .. "/row/cache_watches" } end })

for _, n_watches in ipairs{ 0, 100 } do
  local file, lines = bin .. "/data/w1_listposts.json", bin .. "/data/w4_updates.ndjson"
  add("w4", {
    server = ("%s/server/fixed_http 0 %s %s"):format(bin, file, lines),
    rows = function(port)
      local rows = {}
      for _, lua in ipairs(LUAS) do rows[#rows + 1] = lua_row(lua, "row/cache.lua", ("watch %s %d"):format(port, n_watches)) end
      return rows
    end,
  })
end

for _, n_records in ipairs{ 100000, 1000000 } do
  local store = ("%s/data/w9_%d.db"):format(bin, n_records)
  add("w9", {
    prepare = ("rm -f '%s'*; '%s/row/store_fill' '%s' %d"):format(store, bin, store, n_records),
    rows = function()
      local rows = {}
      for _, lua in ipairs(LUAS) do rows[#rows + 1] = lua_row(lua, "row/cache.lua", ("start %s %d"):format(store, n_records)) end
      return rows
    end,
  })
end

add("w5", { rows = function()
  local rows = { bin .. "/floor/signature_evp", bin .. "/row/sign_core", bin .. "/row/sign_core fresh" }
  for _, lua in ipairs(LUAS) do rows[#rows + 1] = lua_row(lua, "row/sign.lua") end
  return rows
end })

for _, n_subs in ipairs{ 1, 1000 } do
  add("w6", {
    server = ("%s/server/realtime_push 0 %d %s"):format(bin, n_subs, N_MESSAGES),
    rows = function(port)
      local rows = { ("%s/floor/realtime_lws %s %d"):format(bin, port, n_subs) }
      for _, how in ipairs{ "callback", "pull" } do
        for _, lua in ipairs(LUAS) do
          rows[#rows + 1] = lua_row(lua, "row/realtime.lua", ("%s %d %s"):format(port, n_subs, how))
        end
      end
      return rows
    end,
  })
end

-- One at a time: client and server share a CPU, as otherwise the wake-up of the other one is what is measured.
for _, mode in ipairs{ "seq", "32" } do
  local pin = mode == "seq" and PIN or ""
  add("w7", {
    server = pin .. bin .. "/server/fixed_http 0 bench/data/w7_response.json",
    pin = pin,
    rows = function(port)
      local rows = { ("%s/floor/http_curl %s %s"):format(bin, port, mode) }
      for _, lua in ipairs(LUAS) do rows[#rows + 1] = lua_row(lua, "row/http.lua", port .. " " .. mode) end
      return rows
    end,
  })
end

local FILLED = 20000

-- Clients of npm, which take ever longer for each of many: of these there are fewer.
local function peer_row(script)
  local modules, ok = capture(("BUILD='%s' .ci/npm spec/interop"):format(BUILD))
  if not ok then return nil end
  return ("APPSYNC_LUA=%s LUA_CPATH='%s/%s/?.so;;' NODE_PATH='%s' NODE_OPTIONS=--dns-result-order=ipv4first NODE_NO_WARNINGS=1 "
    .. "node bench/peer/%s"):format(LUAS[1], BUILD, abi_of(LUAS[1]), (modules:gsub("%s+$", "")), script)
end

-- A million records by one interpreter, and not by DataStore, which has not ended after nine minutes.
for _, n_records in ipairs{ 50000, 100000, 1000000 } do
  local path, is_many = ("%s/data/w8_%d"):format(bin, n_records), n_records > 100000
  add("w8", {
    prepare = ("test '%s.ndjson' -nt bench/sync_pages.lua || lua5.4 bench/sync_pages.lua '%s/data' %d"):format(path, bin, n_records),
    server = ("'%s/server/sync_pages' 0 '%s.ndjson' '%s_delta.json'"):format(bin, path, path),
    seconds = 600,
    rows = function(port)
      local floor = ("%s/floor/sync_sqlite %s %d"):format(bin, port, n_records)
      local rows = { floor, floor .. " bare" }
      for _, lua in ipairs(is_many and { LUAS[1] } or LUAS) do
        rows[#rows + 1] = lua_row(lua, "row/sync.lua", ("base %s %d"):format(port, n_records))
        if n_records == 100000 then rows[#rows + 1] = lua_row(lua, "row/sync.lua", ("reconnect %s %d"):format(port, n_records)) end
      end
      if not is_many then rows[#rows + 1] = peer_row(("datastore_sync.js %s %d"):format(port, n_records)) end
      return rows
    end,
  })
end

add("w10", {
  prepare = lua_row(LUAS[1], "row/outbox.lua", ("fill %s/data/w10_%d.db %d"):format(bin, FILLED, FILLED)),
  rows = function()
    local rows = { bin .. "/floor/outbox_sqlite enqueue" }
    for _, lua in ipairs(LUAS) do
      rows[#rows + 1] = lua_row(lua, "row/outbox.lua", "enqueue")
      rows[#rows + 1] = lua_row(lua, "row/outbox.lua", ("enqueue %s/data/w10_%d.db %d"):format(bin, FILLED, FILLED))
    end
    rows[#rows + 1] = peer_row("datastore.js")
    return rows
  end,
})

add("w10", {
  server = ("%s/server/fixed_http 0 %s %s"):format(bin, bin .. "/data/w1_listposts.json", bin .. "/data/w4_updates.ndjson"),
  rows = function(port)
    local rows = { bin .. "/floor/outbox_sqlite online" }
    for _, lua in ipairs(LUAS) do rows[#rows + 1] = lua_row(lua, "row/outbox.lua", "online " .. port) end
    return rows
  end,
})

add("w10", {
  server = ("env APPSYNC_LUA=%s LUA_PATH='./lua/?.lua;./lua/?/init.lua;;' LUA_CPATH='%s/%s/?.so;;' bin/appsync serve "
    .. "examples/posts/schema.graphql --resolvers examples/posts/resolvers.lua --api-key da2-bench"):format(
      LUAS[1], BUILD, abi_of(LUAS[1])),
  seconds = 600,
  rows = function(port)
    local rows = { peer_row("aws_appsync.js") }
    for _, lua in ipairs(LUAS) do
      rows[#rows + 1] = lua_row(lua, "row/outbox.lua", "replay " .. port)
      rows[#rows + 1] = lua_row(lua, "row/outbox.lua", "replay " .. port .. " plain")
    end
    return rows
  end,
})

-- Games run LuaJIT.
local GAME_ROWS = { "start", "start store", "idle", "quit" }
for _, shape in ipairs{ "3000 10", "400 1000", "4000 1000", "30000 10" } do
  for _, row in ipairs{ "floor %s", "large %s", "large %s store" } do GAME_ROWS[#GAME_ROWS + 1] = row:format(shape) end
end

add("game", {
  server = ("env APPSYNC_LUA=luajit LUA_PATH='./lua/?.lua;./lua/?/init.lua;;' LUA_CPATH='%s/lua5.1/?.so;;' bin/appsync serve "
    .. "bench/data/game.graphql --resolvers bench/data/game_resolvers.lua --api-key da2-bench"):format(BUILD),
  rows = function(port)
    local rows = {}
    if not table.concat(LUAS, " "):find("luajit", 1, true) then return rows end
    for i, row in ipairs(GAME_ROWS) do rows[i] = lua_row("luajit", "row/game.lua", port .. " " .. row) end
    return rows
  end,
})

local function read_row(line)
  local row = {}
  for key, value in line:gmatch('"([%w_]+)":([%d.e+-]+)') do row[key] = tonumber(value) end
  for key, value in line:gmatch('"([%w_]+)":"([^"]*)"') do row[key] = value end
  row.is_ok = line:find('"ok":true', 1, true) ~= nil
  return row
end

local has_failed = false

local function complain(...)
  has_failed = true
  io.stderr:write(string.format(...), "\n")
end

-- Adds what one repetition printed: by workload, by row, a list.
local function collect(tables, text, repetition)
  for line in text:gmatch("[^\n]+") do
    if line:sub(1, 1) == "{" then
      local row = read_row(line)
      if not row.is_ok then complain("%s: %s: the answer is wrong", row.workload, row.peer) end
      local found = tables[row.workload]
      if not found then
        found = { order = {}, rows = {}, name = row.workload }
        tables[row.workload] = found
        tables[#tables + 1] = found
      end
      if row.answer then
        found.answer = found.answer or row.answer
        if row.answer ~= found.answer then complain("%s: %s: another answer", row.workload, row.peer) end
      end
      if not found.rows[row.peer] then
        found.rows[row.peer] = {}
        found.order[#found.order + 1] = row.peer
      end
      found.rows[row.peer][repetition] = row
    end
  end
end

-- What a unit of the floor takes in a repetition. Nil: a row of it has failed.
local function floor_of(found, names, i, field)
  local sum = 0
  for name in (names or found.order[1]):gmatch("FLOOR[^+]*") do
    local floor = found.rows[name:match("^(.-)%s*$")]
    if not (floor and floor[i]) then return nil end
    sum = sum + floor[i][field] / floor[i].n
  end
  return sum
end

-- The ratio to the floor of the same repetition, median. The first row of a table is the floor, unless a row names another, or
-- several that are added, as in "FLOOR a + FLOOR b"; a floor itself has 1.
local function ratio(found, name, field)
  if name:find("^FLOOR") then return 1 end
  local list = {}
  for i, row in pairs(found.rows[name]) do
    local floor = floor_of(found, row.floor, i, field)
    if floor then list[#list + 1] = row[field] / row.n / floor end
  end
  return median(list)
end

-- What a row counts besides time, by the columns that say so: fields of its line, the median and the range.
local COUNTED = {
  bytes_per_record = { { "bytes a record", "bytes_per_record" }, { "bytes of its JSON", "json_bytes_per_record" }, { "ratio", "ratio" } },
  reconnect_ms = { { "ms", "reconnect_ms" }, { "ms of CPU", "cpu_ms" }, { "delta queries", "n_deltas" }, { "base pages", "n_pages" } },
  thread_us = { { "us of the call", "thread_us" }, { "us of the worst update", "worst_us" }, { "updates", "n_updates" } },
  call_us = { { "us a call", "call_us" }, { "bytes a call", "call_bytes" } },
  quit_ms = { { "ms", "quit_ms" } },
  peak_mb = { { "MB above, at most", "peak_mb" } },
  above_mb = { { "ms to the answer", "ms" }, { "MB above", "above_mb" }, { "MB above, at most", "above_at_most_mb" } },
}

local function print_counted(found, columns)
  local heads, lines = {}, {}
  for i, column in ipairs(columns) do heads[i], lines[i] = column[1], "---" end
  print("| row | " .. table.concat(heads, " | ") .. " |\n|---|" .. table.concat(lines, "|") .. "|")
  for _, name in ipairs(found.order) do
    local cells = {}
    for i, column in ipairs(columns) do
      local values = {}
      for _, row in pairs(found.rows[name]) do values[#values + 1] = row[column[2]] end
      local middle = median(values)
      cells[i] = ("%.4g (%.4g - %.4g)"):format(middle, values[1], values[#values])
    end
    print("| " .. name .. " | " .. table.concat(cells, " | ") .. " |")
  end
end

local function print_table(found)
  print(("\n#### %s\n"):format(found.name))
  local _, first = next(found.rows[found.order[1]])
  for field, columns in pairs(COUNTED) do
    if first[field] then return print_counted(found, columns) end
  end
  print("| row | unit | median | min - max | wall s | CPU us/unit | wall / floor | CPU / floor |")
  print("|---|---|---|---|---|---|---|---|")
  for _, name in ipairs(found.order) do
    local rates, walls, cpus, unit = {}, {}, {}, nil
    for _, row in pairs(found.rows[name]) do
      rates[#rates + 1], walls[#walls + 1] = row.n / row.wall_s, row.wall_s
      cpus[#cpus + 1], unit = row.cpu_s / row.n * 1e6, row.unit
    end
    print(("| %s | %s | %.0f | %.0f - %.0f | %.3f | %.3g | %.2f | %.2f |"):format(name, unit, median(rates),
      math.min(table.unpack(rates)), math.max(table.unpack(rates)), median(walls), median(cpus),
      ratio(found, name, "wall_s"), ratio(found, name, "cpu_s")))
  end
end

local ROW = "BENCH_DATA='" .. bin .. "/data' LUA_PATH='./?.lua;./lua/?.lua;./lua/?/init.lua;;' "

local function run(workload)
  if workload.prepare and not os.execute(ROW .. workload.prepare) then complain("failed: %s", workload.prepare) end
  local server = workload.server and serve(workload.server)
  local tables = {}
  for repetition = 1, repetitions do
    for _, command in ipairs(workload.rows(server and server.port)) do
      local text, ok = capture(ROW .. ("timeout %d "):format(workload.seconds or 120) .. (workload.pin or "") .. "env -u N " .. command)
      if not ok then complain("failed: %s", command) end
      collect(tables, text, repetition)
    end
  end
  if server then server.stop() end
  for _, found in ipairs(tables) do print_table(found) end
end

local function first_line(path)
  local file = io.open(path)
  if not file then return "unknown" end
  local line = file:read("*l")
  file:close()
  return line
end

os.execute(("mkdir -p '%s/data' && cp bench/data/* '%s/data'"):format(bin, bin))
write_bodies()
if only ~= "none" then write_posts() end
print(("%d repetitions, %s, load %s"):format(repetitions, os.date("!%Y-%m-%d"), first_line("/proc/loadavg")))
for _, workload in ipairs(workloads) do
  if not only or only == "" or only == workload.group then run(workload) end
end
if not only or only == "" or only == "server" then
  has_failed = not os.execute(("lua5.4 bench/server.lua '%s' %d"):format(bin, repetitions)) or has_failed
end
if not only or only == "" or only == "nginx" then
  local command = [[make -s build LUA=luajit BUILD='%s' && eval "$(make -s env LUA=luajit BUILD='%s')" && luajit bench/nginx.lua '%s' %d]]
  has_failed = not os.execute(command:format(BUILD, BUILD, bin, repetitions)) or has_failed
end
os.exit(not has_failed)
