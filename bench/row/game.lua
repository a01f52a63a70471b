-- luajit bench/row/game.lua PORT MODE …: what a game spends on its thread, in CPU time of that thread. Lua's collector is stopped,
-- unless a row says otherwise.
--   start [store]           after appsync.start(): the first client, query, subscription and mutation
--   large N BYTES [store]   an answer of N items with a text of so many bytes each
--   floor N BYTES           as many tables and strings made by Lua alone, item by item: what its tables of them need to grow
--   idle                    an update with nothing to do, s:next(0) with nothing there
--   quit                    client:close(0) with 20 requests in flight: wall time
local appsync = require "appsync"
local core = require "appsync.core"
local measure = require "bench.measure"
local thread_us = require "bench.thread_time"

local port, mode = arg[1], arg[2]
local VERSION = measure.lua_version()
local BUDGET = 0.001
local FRAME = 0.002
local N_IDLE = 100000
local N_IN_FLIGHT = 20

local LIST = "query L($n: Int!, $bytes: Int!) { items(n: $n, bytes: $bytes) { __typename id name text tags rank } }"
local ON_CREATE = "subscription S { onCreateItem { __typename id name } }"
local CREATE = 'mutation M { createItem(name: "x") { __typename id name } }'

local function connect(store)
  return appsync.client{
    endpoint = "http://127.0.0.1:" .. port .. "/graphql", auth = { type = "API_KEY", api_key = "da2-bench" }, store = store,
  }
end

local function print_row(workload, what, fields)
  print(('{"workload":"%s","peer":"%s, %s","n":1,%s,"ok":true}'):format(workload, what, VERSION, fields))
end

-- Frames until `is_done`: how many, and the worst.
local function frames(is_done)
  local n, worst = 0, 0
  while not is_done() do
    local began = thread_us()
    appsync.update(BUDGET)
    n, worst = n + 1, math.max(worst, thread_us() - began)
    core.pause(FRAME)
  end
  return n, worst
end

-- The call, and then the frames until it is done.
local function job(workload, what, call)
  local began = thread_us()
  local is_done = call()
  local of_call = thread_us() - began
  local n, worst = frames(is_done)
  print_row(workload, "LIB lua-appsync, " .. what, ('"thread_us":%.1f,"worst_us":%.1f,"n_updates":%d'):format(of_call, worst, n))
end

local function query(client, n, bytes, policy)
  local answer
  client:query(LIST, { n = n, bytes = bytes }, { fetch_policy = policy, on_result = function(data, err)
    answer = assert(data, err)
  end })
  return function() return answer and #answer.items == n end
end

local function start(store)
  local workload = store and "game-first-with-a-store" or "game-first"
  assert(appsync.start())
  local client
  job(workload, "client", function()
    client = connect(store)
    return function() return true end
  end)
  job(workload, "query", function() return query(client, 1, 10) end)
  job(workload, "subscription", function()
    local state
    client:subscribe(ON_CREATE):subscribe{ state = function(now) state = now end, next = function() end }
    return function() return state == "subscribed" end
  end)
  job(workload, "mutation", function()
    local answer
    client:mutate(CREATE, nil, { on_result = function(data, err) answer = assert(data, err) end })
    return function() return answer end
  end)
  return client
end

local function name_of_large(n, bytes)
  return ("game-large-%dx%d"):format(n, bytes)
end

local function large(store, n, bytes)
  local client = connect(store)
  frames(query(client, 1, 10))
  local workload, where = name_of_large(n, bytes), store and ", with a store" or ""
  job(workload, "the answer" .. where, function() return query(client, n, bytes) end)
  if store then job(workload, "from the cache", function() return query(client, n, bytes, "cache-only") end) end
  collectgarbage "restart"
  job(workload, "the answer" .. where .. ", with the collector", function() return query(client, n, bytes, "network-only") end)
  return client
end

-- No update can be shorter than the longest of these.
local function floor(n, bytes)
  local all, filler, worst = {}, ("x"):rep(bytes), 0
  for i = 1, n do
    local began = thread_us()
    all[i] = { id = tostring(i), name = "item number " .. i, text = filler .. i, tags = { "tag" .. i % 7, "a tag" }, rank = i }
    worst = math.max(worst, thread_us() - began)
  end
  assert(#all == n)
  print_row(name_of_large(n, bytes), "FLOOR Lua alone, the worst item", ('"thread_us":0,"worst_us":%.1f,"n_updates":0'):format(worst))
end

local function per_call(what, call)
  for _ = 1, 1000 do call() end
  local bytes, began = collectgarbage "count", thread_us()
  for _ = 1, N_IDLE do call() end
  local took = thread_us() - began
  print_row("game-idle", "LIB lua-appsync, " .. what, ('"call_us":%.3f,"call_bytes":%.3f'):format(took / N_IDLE,
    (collectgarbage "count" - bytes) * 1024 / N_IDLE))
end

local function idle()
  local client = connect()
  frames(query(client, 1, 10))
  local pulled, is_ready = client:subscribe(ON_CREATE):subscribe(), false
  pulled:ready{ on_result = function(ok) is_ready = ok end }
  frames(function() return is_ready end)
  per_call("appsync.update(0.001)", function() appsync.update(BUDGET) end)
  per_call("s:next(0)", function() pulled:next(0) end)
  return client
end

local function quit(store)
  local client = connect(store)
  frames(query(client, 1, 10))
  for _ = 1, N_IN_FLIGHT do
    client:query(LIST, { n = 3000, bytes = 10 }, { fetch_policy = "network-only", on_result = function() end })
  end
  local n = 0
  frames(function()
    n = n + 1
    return n > 3
  end)
  local began = core.now()
  assert(client:close(0))
  print_row("game-quit", "LIB lua-appsync, client:close(0)", ('"quit_ms":%.2f'):format((core.now() - began) * 1000))
end

local function with_store(fn, ...)
  local store = os.tmpname()
  os.remove(store)
  local client = fn(store, ...)
  if client then client:close(0) end
  for _, ending in ipairs{ "", "-wal", "-shm", "-leader" } do os.remove(store .. ending) end
end

collectgarbage "stop"
local n, bytes, has_store = tonumber(arg[3]), tonumber(arg[4]), arg[#arg] == "store"
if mode == "quit" then
  with_store(quit)
elseif mode == "floor" then
  floor(n, bytes)
elseif has_store then
  with_store(mode == "start" and start or large, n, bytes)
else
  local client
  if mode == "start" then client = start() elseif mode == "idle" then client = idle() else client = large(nil, n, bytes) end
  client:close(0)
end
