-- lua5.4 bench/row/sync.lua <mode> PORT COUNT: client:sync of so many records of server/sync_pages, into a store in a file.
--   base        the first synchronization, until s:ready() returns, and what it takes of memory at most
--   reconnect   100 changes after such a one: from set_online(true) until it is live again, and in another client, from its
--               opening of the store until it is live; with the queries that the server had for it
local appsync = require "appsync"
local measure = require "bench.measure"

local mode, port, n_records = arg[1], arg[2], tonumber(arg[3])
local LIB = "LIB lua-appsync, " .. measure.lua_version()

local FIELDS = "id name description priority done owner createdAt updatedAt _version _lastChangedAt _deleted"
local PAGE = ("{ items { %s } nextToken startedAt }"):format(FIELDS)
local BASE = "query SyncTodos($limit: Int, $nextToken: String) { syncTodos(limit: $limit, nextToken: $nextToken) " .. PAGE .. " }"
local DELTA = "query SyncTodos($limit: Int, $nextToken: String, $lastSync: AWSTimestamp) "
  .. "{ syncTodos(limit: $limit, nextToken: $nextToken, lastSync: $lastSync) " .. PAGE .. " }"
local CHANGED = ("subscription OnUpdateTodo { onUpdateTodo { %s } }"):format(FIELDS)
local RECORD = "fragment Record on Todo { name _version }"
local LIMIT = { limit = 1000 }

local function temporary_store()
  local path = os.tmpname()
  os.remove(path)
  return path
end

local function remove_store(path)
  for _, ending in ipairs{ "", "-wal", "-shm", "-leader" } do os.remove(path .. ending) end
end

local function connect(store)
  return appsync.client{
    endpoint = ("http://127.0.0.1:%s/graphql"):format(port), auth = { type = "API_KEY", api_key = "da2-bench" }, store = store,
    realtime_endpoint = os.getenv "WSPORT" and ("ws://127.0.0.1:%s/graphql"):format(os.getenv "WSPORT") or nil,
  }
end

local function synchronize(client)
  return client:sync(appsync.build_sync("Todo", {
    base_query = { query = BASE, variables = LIMIT }, delta_query = { query = DELTA, variables = LIMIT },
    subscription_query = { query = CHANGED },
  }))
end

local function highest_mb()
  local status = assert(io.open "/proc/self/status")
  local kb = status:read "*a":match "VmHWM:%s+(%d+)"
  status:close()
  return tonumber(kb) / 1024
end

local function collect()
  collectgarbage()
  collectgarbage()
end

-- The 100 changes that the server has; nil: another server's.
local function changes()
  local file = io.open(("%s/w8_%d_delta.json"):format(os.getenv "BENCH_DATA" or "bench/data", n_records))
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return appsync.decode(text).data.syncTodos.items
end

-- Whether the records that change are there as they were before, or as they are afterwards.
local function has_records(client, is_changed)
  for _, item in ipairs(changes() or {}) do
    local is_created = item._version == 1
    local record = client:read_fragment("Todo:" .. item.id, RECORD)
    if not is_changed then
      if (record == nil) ~= is_created or record and record._version ~= item._version - 1 then return false end
    elseif item._deleted ~= true and (record == nil or record._version ~= item._version or record.name ~= item.name) then
      return false
    end
  end
  return true
end

-- Whether the list has what was created, and no longer what was deleted.
local function has_list(client)
  local data = client:read_query(BASE, LIMIT)
  if not data or #data.syncTodos.items ~= n_records then return false end
  local is_there = {}
  for _, item in ipairs(data.syncTodos.items) do is_there[item.id] = true end
  for _, item in ipairs(changes()) do
    if (is_there[item.id] or false) == (item._deleted == true) then return false end
  end
  return true
end

local function ready(sync)
  local ok, err = sync:ready()
  if not ok then error(err) end
end

local function base(store)
  local before = highest_mb()
  collect()
  local meter = measure.start()
  local client = connect(store)
  local sync = synchronize(client)
  ready(sync)
  measure.stop(meter)
  local peak = highest_mb() - before
  local ok = sync:status().records == n_records and has_records(client, false)
  measure.print{ workload = ("w8-sync-%d"):format(n_records), peer = LIB, n = n_records, unit = "records/s", meter = meter, ok = ok }
  measure.print{
    workload = "w8-memory", peer = ("%s, %d records"):format(LIB, n_records), n = n_records, unit = "records/s", meter = meter, ok = ok,
    extra = ('"peak_mb":%.1f'):format(peak),
  }
  sync:unsubscribe()
  client:close()
end

local function ask(probe, document)
  local data, err = probe:query(document, nil, { fetch_policy = "no-cache" })
  if not data then error(err) end
  return data.counts
end

local function counts(probe)
  return ask(probe, "query Counts { counts { pages deltas subscriptions } }")
end

local function print_reconnect(how, meter, before, after, ok)
  local n_pages, n_deltas = after.pages - before.pages, after.deltas - before.deltas
  measure.print{
    workload = ("w8-reconnect-%d"):format(n_records), peer = ("%s, %s"):format(LIB, how), n = 1, unit = "reconnects/s", meter = meter,
    ok = ok and n_pages == 0 and n_deltas == 1,
    extra = ('"reconnect_ms":%.2f,"cpu_ms":%.2f,"n_pages":%d,"n_deltas":%d'):format(meter.wall * 1000, meter.cpu * 1000, n_pages,
      n_deltas),
  }
end

local function wait_for(sync, phase)
  while sync:status().phase ~= phase do appsync.sleep(0.0005) end
end

local function reconnect(store)
  local probe = appsync.client{
    endpoint = ("http://127.0.0.1:%s/graphql"):format(port), auth = { type = "API_KEY", api_key = "da2-bench" }, store = false,
  }
  local client = connect(store)
  local sync = synchronize(client)
  ready(sync)
  wait_for(sync, "live")
  client:set_online(false)
  ask(probe, "query Drop { counts: drop { pages } }") -- else nothing was missed
  wait_for(sync, "waiting")
  while client.connection.state:find "^Connected" do appsync.sleep(0.0005) end
  local before = counts(probe)
  collect()
  local meter = measure.start()
  client:set_online(true)
  wait_for(sync, "live")
  measure.stop(meter)
  print_reconnect("set_online", meter, before, counts(probe), has_records(client, true))
  local ok = has_list(client)
  sync:unsubscribe()
  client:close()
  collect()
  before, meter = counts(probe), measure.start()
  client = connect(store)
  sync = synchronize(client)
  wait_for(sync, "live")
  measure.stop(meter)
  print_reconnect("another client", meter, before, counts(probe), ok and has_records(client, true))
  sync:unsubscribe()
  client:close()
  probe:close()
end

local modes = { base = base, reconnect = reconnect }
appsync.run(function()
  local store = temporary_store()
  modes[mode](store)
  remove_store(store)
end)
