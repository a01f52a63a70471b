-- lua5.4 bench/row/cache.lua <mode> …: what a client keeps, through the public API.
--   read PORT     10,000 posts as tables, from the cache that PORT's answer filled: the first time, again, and by a watch
--   point PORT    100,000 reads of one post each, by a query and by a fragment
--   watch PORT N  10,000 answers of PORT that change one post each, with N watches of pages of 20 posts
--   start STORE   the first answer from that store (row/store_fill.c), and what the process takes above what it took before
local appsync = require "appsync"
local measure = require "bench.measure"

local mode, port = arg[1], arg[2]
local VERSION = measure.lua_version()
local N_TASKS = 32

local function temporary_store()
  local path = os.tmpname()
  os.remove(path)
  return path
end

local function remove_store(path)
  for _, ending in ipairs{ "", "-wal", "-shm" } do os.remove(path .. ending) end
end

local function connect(store)
  return appsync.client{
    endpoint = "http://127.0.0.1:" .. port .. "/graphql", auth = { type = "API_KEY", api_key = "da2-fakeApiId123456" },
    store = store, cache = { lookups = { ["Query.getPost"] = "Post" } },
  }
end

local function sum_of(data)
  local sum = 0
  for _, post in ipairs(data.listPosts.items) do sum = sum + post.ups end
  return sum
end

local LIST, LIMIT = measure.data "w1_listposts.graphql", { limit = 10000 }

-- A client whose cache has the 10,000 posts, and the sum of their `ups`.
local function filled(store)
  local client = connect(store)
  local data, err = client:query(LIST, LIMIT, { fetch_policy = "network-only" })
  if not data then error(err) end
  return client, sum_of(data)
end

local function collect()
  collectgarbage()
  collectgarbage()
end

local function print_row(workload, what, n, unit, meter, ok, extra)
  measure.print{
    workload = workload, peer = ("LIB lua-appsync, %s, %s"):format(what, VERSION), n = n, unit = unit, meter = meter,
    ok = ok, extra = extra,
  }
end

local function read_list(client, what, sum)
  collect()
  local meter = measure.start()
  local data = client:read_query(LIST, LIMIT)
  measure.stop(meter)
  print_row("w2-read", what, 10000, "posts/s", meter, data ~= nil and sum_of(data) == sum)
end

local function watch_list(client, sum)
  local data
  collect()
  local meter = measure.start()
  client:watch(LIST, LIMIT, { fetch_policy = "cache-only" }):subscribe{ next = function(state) data = state.data end }
  while not data do appsync.sleep(0) end
  measure.stop(meter)
  print_row("w2-read", "watch, the first state", 10000, "posts/s", meter, sum_of(data) == sum)
end

local function read_points(what, ids, read)
  collect()
  local sum = 0
  local meter = measure.start()
  for i = 1, #ids do sum = sum + read(ids[i]).ups end
  measure.stop(meter)
  print_row("w3-point", what, #ids, "reads/s", meter, sum > 0, ('"answer":"%d"'):format(sum))
end

local function read(store)
  local client, sum = filled(store)
  read_list(client, "read_query, first after the answer", sum)
  read_list(client, "read_query", sum)
  watch_list(client, sum)
  client:close()
end

local function point(store)
  local client = filled(store)
  local ids = measure.lines "w3_ids.txt"
  local text = measure.data "w3_getpost.graphql"
  local document = appsync.gql(text)
  local fragment = appsync.gql("fragment Fields on Post " .. text:match "getPost%b() (%b{})")
  local read_query, read_fragment = client.read_query, client.read_fragment
  for i = 1, #ids do read_query(client, document, { id = ids[i] }) end -- from the store to memory
  read_points("read_query", ids, function(id) return read_query(client, document, { id = id }).getPost end)
  read_points("query", ids, function(id) return client:query(document, { id = id }).getPost end)
  read_points("read_fragment", ids, function(id) return read_fragment(client, "Post:" .. id, fragment) end)
  client:close()
end

local PAGE = measure.data "w4_postsbytag.graphql"

-- How many states its watches were told, and what each has; it has them all when `n_first` is as many as they are.
local function watch_pages(client, n_watches)
  local told = { n = 0, n_first = 0, pages = {} }
  local lines = measure.lines "w4_watched.ndjson"
  for i = 1, n_watches do
    local page = appsync.decode(lines[i])
    assert(client:write_query(PAGE, page.variables, page.response.data))
    client:watch(PAGE, page.variables, { fetch_policy = "cache-only" }):subscribe{
      next = function(state)
        told.n = told.n + 1
        if not told.pages[i] then told.n_first = told.n_first + 1 end
        told.pages[i] = { variables = page.variables, data = state.data }
      end,
    }
  end
  while told.n_first < n_watches do appsync.sleep(0.01) end
  told.n = 0
  return told
end

local function is_same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not is_same(value, b[key]) then return false end
  end
  return true
end

-- Whether the watches show what is read.
local function is_settled(client, told)
  for _, page in pairs(told.pages) do
    if not is_same(page.data, client:read_query(PAGE, page.variables)) then return false end
  end
  return true
end

local UPDATE = "mutation UpdatePost { onUpdatePost: updatePost { __typename id title ups } }"

local function watch(store)
  local client = filled(store)
  local n_watches = tonumber(arg[3])
  local n_updates, n_begun, ok = #measure.lines "w4_updates.ndjson", 0, true
  local told = watch_pages(client, n_watches)
  local function update()
    while n_begun < n_updates do
      n_begun = n_begun + 1
      ok = client:mutate(UPDATE) ~= nil and ok
    end
  end
  collect()
  local meter = measure.start()
  local tasks = {}
  for i = 1, N_TASKS do tasks[i] = appsync.spawn(update) end
  for i = 1, N_TASKS do tasks[i]:await() end
  measure.stop(meter)
  appsync.sleep(0.05) -- the last views
  print_row(n_watches == 0 and "w4-merge-loopback" or ("w4-merge-%dwatchers-loopback"):format(n_watches), "client:mutate",
    n_updates, "updates/s", meter, ok and is_settled(client, told), ('"notifications":%d'):format(told.n))
  client:close()
end

local function resident_kb()
  local status = assert(io.open "/proc/self/status")
  local text = status:read "*a"
  status:close()
  return tonumber(text:match "VmRSS:%s+(%d+)"), tonumber(text:match "VmHWM:%s+(%d+)")
end

local SHORT = { ["100000"] = "100k", ["1000000"] = "1M" }

local function start(store)
  local before = resident_kb()
  local meter = measure.start()
  local client = connect(store)
  local data = client:read_query(PAGE, { tag = "first" })
  measure.stop(meter)
  local after, highest = resident_kb()
  local n, records = data and #data.postsByTag.items or 0, arg[3]
  print_row("w9-startup-" .. (SHORT[records] or records), "read_query", 1, "starts/s", meter, n == 20,
    ('"ms":%.2f,"above_mb":%.2f,"above_at_most_mb":%.2f'):format(meter.wall * 1000, (after - before) / 1024, (highest - before) / 1024))
  client:close()
end

local modes = { read = read, point = point, watch = watch }
appsync.run(function()
  if mode == "start" then
    port = "1"
    return start(arg[2])
  end
  local store = temporary_store()
  modes[mode](store)
  remove_store(store)
end)
