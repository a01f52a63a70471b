-- lua5.4 bench/row/outbox.lua <mode> …: mutations through a client's queue, by the public API.
--   enqueue [STORE]      N (5000) creates that are queued without a network, plainly and with an optimistic response; in a
--                        copy of STORE, N (1000) more of them
--   fill STORE COUNT     makes a store in which so many are queued
--   online PORT          N (3000) mutations that PORT answers, sent at once and through the queue
--   replay PORT [plain]  N (10000) creates, queued before, against the server of examples/posts at PORT
local appsync = require "appsync"
local measure = require "bench.measure"

local mode = arg[1]
local VERSION = measure.lua_version()

local CREATE = "mutation CreateTodo($input: CreateTodoInput!) "
  .. "{ createTodo(input: $input) { id name priority owner created } }"

local function temporary_store()
  local path = os.tmpname()
  os.remove(path)
  return path
end

local function remove_store(path)
  for _, ending in ipairs{ "", "-wal", "-shm", "-leader" } do os.remove(path .. ending) end
end

local function connect(store, port)
  return appsync.client{
    endpoint = ("http://127.0.0.1:%s/graphql"):format(port or "9"), auth = { type = "API_KEY", api_key = "da2-bench" }, store = store,
  }
end

local function collect()
  collectgarbage()
  collectgarbage()
end

local function print_row(workload, peer, n, unit, meter, ok, extra)
  measure.print{
    workload = workload, peer = peer .. ", " .. VERSION, n = n, unit = unit, meter = meter, ok = ok, extra = extra,
  }
end

-- One create that is queued.
local function enqueue(client, i, is_optimistic)
  local input = {
    id = appsync.uuid(), name = "todo " .. i, priority = i, owner = "user" .. i % 100, created = "2026-11-30T12:00:00.000Z",
  }
  local options
  if is_optimistic then
    options = { optimistic_response = { createTodo = {
      __typename = "Todo", id = input.id, name = input.name, priority = i, owner = input.owner, created = input.created,
    } } }
  end
  local _, _, info = client:mutate(CREATE, { input = input }, options)
  return info.queued == true
end

local function enqueue_all(client, n, is_optimistic)
  local ok = true
  for i = 1, n do ok = enqueue(client, i, is_optimistic) and ok end
  return ok
end

-- What opens the store and learns the document isn't measured.
local function measure_enqueue(store, n, is_optimistic, peer)
  local client = connect(store)
  client:set_online(false)
  local ok = enqueue(client, 0, is_optimistic)
  local before = client.outbox:size()
  collect()
  local meter = measure.start()
  ok = enqueue_all(client, n, is_optimistic) and ok
  measure.stop(meter)
  print_row("w10-enqueue", peer, n, "saves/s", meter, ok and client.outbox:size() == before + n)
  client:close()
  remove_store(store)
end

local N = tonumber(os.getenv "N")

local function enqueue_row(filled)
  if filled then
    local store = temporary_store()
    assert(os.execute(("cp '%s' '%s'"):format(filled, store)))
    return measure_enqueue(store, N or 1000, true, ("LIB lua-appsync, mutate with an optimistic response, %s in the queue"):format(arg[3]))
  end
  measure_enqueue(temporary_store(), N or 5000, false, "LIB lua-appsync, mutate")
  measure_enqueue(temporary_store(), N or 5000, true, "LIB lua-appsync, mutate with an optimistic response")
end

local function fill(store, n)
  remove_store(store)
  local client = connect(store)
  client:set_online(false)
  assert(enqueue_all(client, tonumber(n), true))
  client:close()
end

local UPDATE = "mutation UpdatePost { onUpdatePost: updatePost { __typename id title ups } }"

local AT_ONCE = "FLOOR lua-appsync, mutate with queue = false"

local function measure_online(port, peer, options, extra)
  local n, store = N or 3000, temporary_store()
  local client = connect(store, port)
  local ok = client:mutate(UPDATE, nil, options) ~= nil
  collect()
  local meter = measure.start()
  for _ = 1, n do ok = client:mutate(UPDATE, nil, options) ~= nil and ok end
  measure.stop(meter)
  print_row("w10-online", peer, n, "mutations/s", meter, ok, extra)
  client:close()
  remove_store(store)
end

local function online(port)
  measure_online(port, AT_ONCE, { queue = false })
  measure_online(port, "LIB lua-appsync, mutate through the queue", nil,
    ('"floor":"FLOOR SQLite, two commits + %s, %s"'):format(AT_ONCE, VERSION))
end

local FIELDS = "id title author content ups downs version"
local CREATE_POST = ("mutation Create($input: CreatePostInput!) { createPost(input: $input) { %s } }"):format(FIELDS)
local GET_POST = "query Get($id: ID!) { getPost(id: $id) { id } }"

local function queue_post(client, id, is_plain)
  local input = { id = id, title = id, author = "a", content = "c", ups = 0, downs = 0 }
  local options
  if not is_plain then
    options = { optimistic_response = { createPost = {
      __typename = "Post", id = id, title = id, author = "a", content = "c", ups = 0, downs = 0, version = 1,
    } } }
  end
  local _, _, info = client:mutate(CREATE_POST, { input = input }, options)
  assert(info.queued)
end

local function is_there(client, id)
  local data = client:query(GET_POST, { id = id }, { fetch_policy = "network-only" })
  return data ~= nil and data.getPost.id == id
end

local function replay(port, how)
  local n, is_plain = N or 10000, how == "plain"
  local store, of_run = temporary_store(), appsync.uuid():sub(1, 8)
  local client = connect(store, port)
  client:set_online(false)
  for i = 1, n do queue_post(client, of_run .. i, is_plain) end
  collect()
  local meter = measure.start()
  client:set_online(true)
  local ok = client.outbox:drain()
  measure.stop(meter)
  for _, i in ipairs{ 1, math.floor(n / 2), n } do ok = ok and is_there(client, of_run .. i) end
  print_row("w10-replay", is_plain and "LIB lua-appsync" or "LIB lua-appsync, optimistic creates", n, "mutations/s", meter, ok)
  client:close()
  remove_store(store)
end

if mode == "enqueue" then
  enqueue_row(arg[2])
elseif mode == "fill" then
  fill(arg[2], arg[3])
elseif mode == "online" then
  online(arg[2])
else
  replay(arg[2], arg[3])
end
