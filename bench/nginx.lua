-- luajit bench/nginx.lua <folder of the built programs> <repetitions>: nginx with two workers, whose handlers use the library or do
-- the same without it. See README.md. SECONDS: of each row, default 2; PARTS: some of list, post, service, timer, first and calls,
-- default all.
local core = require "appsync.core"
local median = require "bench.median"
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local socket = require "socket"

local bin, repetitions = arg[1], tonumber(arg[2])
local SECONDS = os.getenv "SECONDS" or "2"
local PARTS = os.getenv "PARTS" or "list post service timer first calls"
local N_WORKERS = 2
local N_POSTS = 20

local HTTP = [[
  keepalive_requests 100000000;
  lua_shared_dict counts 1m;
  lua_socket_log_errors off;
  init_by_lua_block {
    local json, handlers = require("appsync.core"), require("bench.row.nginx")
    bench = handlers
    local function read(name)
      local file = assert(io.open("$FOLDER/" .. name))
      local value = json.decode(file:read "*a").data
      file:close()
      return value
    end
    handlers.set_up{ list_port = $LIST_PORT, post_port = $POST_PORT, list = read "list.json", post = read "post.json" }
    $INIT
  }
  init_worker_by_lua_block {
    $INIT_WORKER
    io.stdout:write "READY\n"
    io.stdout:flush()
  }
  server {
    listen 127.0.0.1:$PORT;
    default_type application/json;
    $LOCATIONS
  }
]]

local HANDLERS = {
  "constant_list", "constant_list_by_cjson", "constant_list_copied", "cached_list", "cached_list_text", "constant_post", "cached_post",
  "cached_post_text", "uncached", "uncached_text", "cosocket", "counts", "opened",
}

local function list_text()
  local items = {}
  for i = 1, N_POSTS do
    items[i] = ('{"__typename":"Post","id":"post-%d","title":"The title of post %d","author":{"__typename":"Author","id":"author-%d",'
      .. '"name":"Author %d"},"content":"%s","ups":%d,"downs":%d,"createdAt":"2026-11-30T12:00:00.000Z"}'):format(i, i, i % 5, i % 5,
      ("some words of text, "):rep(8), 100 + i, i)
  end
  return ('{"data":{"listPosts":{"__typename":"PostConnection","items":[%s],"nextToken":null}}}'):format(table.concat(items, ","))
end

local function free_port()
  local listening = assert(socket.bind("127.0.0.1", 0))
  local _, port = listening:getsockname()
  listening:close()
  return tonumber(port)
end

local LIST, POST = list_text(), process.read "bench/data/w7_response.json"

local function service_of(text)
  local port, handle = process.start{ bin .. "/server/fixed_http", "0", process.file(text) }
  return { port = assert(tonumber(port)), handle = handle }
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

local services = { list = service_of(LIST), post = service_of(POST) }

local Gateway = {}
Gateway.__index = Gateway

local function start(init, init_worker)
  local locations = {}
  for i, name in ipairs(HANDLERS) do locations[i] = ("location = /%s { content_by_lua_block { bench.%s() } }"):format(name, name) end
  local port = free_port()
  local values = {
    LIST_PORT = services.list.port, POST_PORT = services.post.port, PORT = port,
    INIT = init or "", INIT_WORKER = init_worker or "", LOCATIONS = table.concat(locations, "\n"),
  }
  local http = HTTP:gsub("%$(%u[%u_]*)", values)
  local running = nginx.start(http, { ["list.json"] = LIST, ["post.json"] = POST }, N_WORKERS)
  local self = setmetatable({ port = port, running = running }, Gateway)
  local master = tonumber(read(running.path .. "/nginx.pid"))
  repeat
    self.pids = read(("/proc/%d/task/%d/children"):format(master, master)):gsub("%s+$", ""):gsub(" ", ",")
    local _, n_more = self.pids:gsub(",", "")
  until n_more == N_WORKERS - 1
  return self
end

local WANTED = {
  list = '"content":"some words', post = '"id":"11111111', uncached = "laboris commodo", text = "laboris commodo",
  cosocket = "laboris commodo",
}

-- Runs a load, and gives its row.
function Gateway:load(handler, n_connections, rate, seconds)
  local command = ("timeout 170 '%s/row/nginx_load' %d %s nginx '%s' /%s %d %s '%s' %s"):format(bin, self.port, self.pids, handler,
    handler, n_connections, seconds or SECONDS, WANTED[handler:match "^%a+_(%a+)" or handler], rate or 0)
  local text = process.output_of(command)
  local row = text ~= "" and core.decode(text)
  if not row then error(handler .. " fails: " .. self.running:log():sub(-2000), 0) end
  return row
end

function Gateway:get(path) return process.output_of(("curl -s -m 30 http://127.0.0.1:%d/%s"):format(self.port, path)) end

-- What was counted since: by what, a list of { value in 10 us, how often }.
function Gateway:counts()
  local text = self:get "counts"
  local found = {}
  for what, step, n in text:gmatch "(%w+) (%-?%d+) (%d+)" do
    found[what] = found[what] or {}
    table.insert(found[what], { tonumber(step), tonumber(n) })
  end
  return found
end

local function column(rows, value)
  local list = {}
  for i, row in ipairs(rows) do list[i] = value(row, i) end
  return list
end

local function rate_of(row) return row.n / row.wall_s end
local function cpu_us_of(row) return row.cpu_s / row.n * 1e6 end

-- Rows in turn; the first one is the floor. Ratios are those of each repetition.
local function compare(title, gateway, names, n_connections)
  local found = {}
  for i = 1, repetitions do
    for _, name in ipairs(names) do
      found[name] = found[name] or {}
      found[name][i] = gateway:load(name, n_connections)
    end
  end
  local floor = found[names[1]]
  print(("\n#### nginx: %s, %d connections\n"):format(title, n_connections))
  print "| handler | req/s | min - max | x floor | CPU us/req | above the floor | p50 ms | p99 ms | p99 x floor |"
  print "|---|---|---|---|---|---|---|---|---|"
  for _, name in ipairs(names) do
    local rows = found[name]
    local rates = column(rows, rate_of)
    local middle = median(rates)
    print(("| %s | %.0f | %.0f - %.0f | %.2f | %.1f | %.1f | %.2f | %.2f | %.2f |"):format(name:gsub("_", " "), middle, rates[1],
      rates[#rates], median(column(rows, function(row, i) return rate_of(row) / rate_of(floor[i]) end)),
      median(column(rows, cpu_us_of)), median(column(rows, function(row, i) return cpu_us_of(row) - cpu_us_of(floor[i]) end)),
      median(column(rows, function(row) return row.p50_ms end)), median(column(rows, function(row) return row.p99_ms end)),
      median(column(rows, function(row, i) return row.p99_ms / floor[i].p99_ms end))))
  end
  return median(column(floor, rate_of))
end

-- The value below which a part of what was counted lies, in ms.
local function quantile(counts, part)
  table.sort(counts, function(a, b) return a[1] < b[1] end)
  local n, seen = 0, 0
  for _, entry in ipairs(counts) do n = n + entry[2] end
  for _, entry in ipairs(counts) do
    seen = seen + entry[2]
    if seen >= n * part then return entry[1] / 100, n end
  end
end

local function add(to, counts)
  for _, entry in ipairs(counts) do table.insert(to, entry) end
end

-- Of a timer of 2 ms, all repetitions together, at the same requests a second.
local function beats(names, n_connections, rate)
  local gateway, all, p999 = start(nil, "bench.open() bench.beat()"), {}, {}
  assert(gateway:get "opened" == "opened")
  for i = 1, repetitions do
    for _, name in ipairs(names) do
      gateway:counts()
      gateway:load(name, n_connections, rate)
      all[name], p999[name] = all[name] or {}, p999[name] or {}
      local counted = gateway:counts().beat
      p999[name][i] = quantile(counted, 0.999)
      add(all[name], counted)
    end
  end
  print(("\n#### nginx: how late a timer of 2 ms is, at %d requests a second, %d connections\n"):format(rate, n_connections))
  print "| handler | beats | p50 ms | p99 ms | p99.9 ms | x floor | of each repetition, median |\n|---|---|---|---|---|---|---|"
  local floor = quantile(all[names[1]], 0.999)
  for _, name in ipairs(names) do
    local late, n = quantile(all[name], 0.999)
    print(("| %s | %d | %.2f | %.2f | %.2f | %.2f | %.2f |"):format(name:gsub("_", " "), n, quantile(all[name], 0.5),
      quantile(all[name], 0.99), late, late / floor, median(column(p999[name], function(x, i) return x / p999[names[1]][i] end))))
  end
  gateway.running:stop()
end

local CALLS_HEAD = "| handler | what | times | p50 ms | p99.9 ms | at most ms | above 1 ms |\n|---|---|---|---|---|---|---|"

local function print_calls(name, counted)
  for _, what in ipairs{ "call", "pump", "encode" } do
    if counted[what] then
      local n_above = 0
      for _, entry in ipairs(counted[what]) do n_above = n_above + (entry[1] >= 100 and entry[2] or 0) end
      local median_ms, n = quantile(counted[what], 0.5)
      print(("| %s | %s | %d | %.2f | %.2f | %.2f | %d |"):format(name:gsub("_", " "), what, n, median_ms, quantile(counted[what], 0.999),
        quantile(counted[what], 1), n_above))
    end
  end
end

local function start_timed(init)
  local gateway = start("bench.time_calls() " .. init, "bench.open()")
  assert(gateway:get "opened" == "opened")
  return gateway, gateway:counts()
end

-- The CPU time that the library's calls take at once. `what_runs`: of Lua's own, as `init` sets it.
local function calls(names, n_connections, what_runs, init)
  local gateway = start_timed(init)
  print(("\n#### nginx: CPU time of what the library does at once, %d connections, %s\n"):format(n_connections, what_runs))
  print(CALLS_HEAD)
  for _, name in ipairs(names) do
    gateway:counts()
    gateway:load(name, n_connections, 0, repetitions * tonumber(SECONDS))
    print_calls(name, gateway:counts())
  end
  gateway.running:stop()
end

-- Likewise when each worker of a new nginx uses two clients for the first time.
local function first_calls(n_starts)
  local all = {}
  for _ = 1, n_starts do
    local gateway, counted = start_timed ""
    for what, counts in pairs(counted) do
      all[what] = all[what] or {}
      add(all[what], counts)
    end
    gateway.running:stop()
  end
  print(("\n#### nginx: CPU time of what the first use of a client does at once, %d starts\n"):format(n_starts))
  print(CALLS_HEAD)
  print_calls("first use", all)
end

local CALLS = { "constant_list", "cached_list", "cached_post", "uncached" }
local LUA_RUNS = {
  { "the collector and the compiler run", "" }, { "the collector is stopped", 'collectgarbage "stop"' },
  { "the compiler is off", "jit.off()" }, { "neither runs", 'collectgarbage "stop" jit.off()' },
}

local function has(part) return PARTS:find(part, 1, true) ~= nil end

local ok, why = xpcall(function()
  local gateway = start()
  local rate = 20000
  if has "list" then
    rate = compare("a list of 20 from the cache", gateway, { "constant_list", "constant_list_by_cjson", "constant_list_copied",
    "cached_list", "cached_list_text" }, 16)
  end
  if has "post" then compare("one post from the cache", gateway, { "constant_post", "cached_post", "cached_post_text" }, 16) end
  for _, n_connections in ipairs(has "service" and { 16, 64 } or {}) do
    compare("from the service", gateway, { "cosocket", "uncached", "uncached_text" }, n_connections)
  end
  gateway.running:stop()
  rate = math.floor(rate / 2000) * 1000
  if has "timer" then beats({ "constant_list", "constant_list_copied", "cached_list", "cached_list_text", "uncached" }, 16, rate) end
  if has "first" then first_calls(10 * repetitions) end
  for _, runs in ipairs(has "calls" and LUA_RUNS or {}) do calls(CALLS, 16, runs[1], runs[2]) end
end, debug.traceback)
process.stop_all()
if not ok then io.stderr:write(why, "\n") end
os.exit(ok)
