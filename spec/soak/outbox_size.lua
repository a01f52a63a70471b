-- A store with N queued mutations, opened without a network, beside a store with none: it takes no more than 4 MB more of
-- memory, and queueing one more takes as long.
-- usage: N=100000 OPTIMISTIC=1 STORES=/tmp lua spec/soak/outbox_size.lua
local appsync = require "appsync"
local core = require "appsync.core"
local folder = require "spec.support.folder"
local memory = require "spec.soak.memory"

local N = tonumber(os.getenv "N") or 100000
local IS_OPTIMISTIC = os.getenv "OPTIMISTIC" == "1"
local ALLOWED_KIB = 4096
local ALLOWED_RATIO = tonumber(os.getenv "ALLOWED_RATIO") or 1.5
local TIMES = tonumber(os.getenv "TIMES") or 5
local N_MORE = 500

local CREATE = "mutation C($input: CreateTodoInput!) { createTodo(input: $input) { id name } }"

local function open(path)
  local client = assert(appsync.client{
    endpoint = "http://127.0.0.1:9/graphql", auth = { type = "API_KEY", api_key = "da2-key" }, store = path,
    log = function(level, message) assert(level ~= "error", message) end,
  })
  client:set_online(false)
  return client
end

local function queue(client, i)
  local id = appsync.uuid()
  local options = IS_OPTIMISTIC and { optimistic_response = { createTodo = { __typename = "Todo", id = id, name = "todo " .. i } } }
    or nil
  local _, err, info = client:mutate(CREATE, { input = { id = id, name = "todo " .. i } }, options)
  assert(info.queued or (err and err.queued), tostring(err))
end

-- In a process of its own: what filling takes isn't measured.
local function fill(path, n)
  local client = open(path)
  assert(client.outbox:size() == 0)
  for i = 1, n do queue(client, i) end
  client:close(5)
end

local function measure(path)
  local before = memory.resident()
  local began = core.now()
  local client = open(path)
  queue(client, 0)
  local opened = core.now()
  local size = assert(client.outbox:size())
  local counted = core.now()
  local status = assert(client.outbox:status())
  local told = core.now()
  for i = 1, N_MORE do queue(client, i) end
  local ended = core.now()
  local after = memory.resident()
  print(("%d queued, %s: opened with a first one in %.4f s, counted in %.4f s, status in %.4f s, one more in %.0f us, %d KiB")
    :format(size, tostring(status.state), opened - began, counted - opened, told - counted, (ended - told) / N_MORE * 1e6, after - before))
  print(("figures %d %.1f"):format(after - before, (ended - told) / N_MORE * 1e6))
  client:close(5)
end

if arg[1] == "fill" then
  fill(arg[2], tonumber(arg[3]))
  os.exit(0)
elseif arg[1] == "measure" then
  measure(arg[2])
  os.exit(0)
end

local function run(command)
  local ok = os.execute(command)
  assert(ok == true or ok == 0, command)
end

local made = folder.make()
local place = os.getenv "STORES" or made.path -- of the stores: where nothing is synced it is quicker
local own = ("%s %s"):format(arg[-1], arg[0])

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

-- The median of some runs, each on a copy.
local function measured(n)
  local path, sizes, times = ("%s/%d.db"):format(place, n), {}, {}
  run(("%s fill %s %d"):format(own, path, n))
  for i = 1, TIMES do
    run(("cp %s %s.copy"):format(path, path))
    local pipe = assert(io.popen(("%s measure %s.copy"):format(own, path)))
    local text = pipe:read "*a"
    pipe:close()
    io.write(text)
    local kib, us = text:match "figures (%-?%d+) ([%d.]+)"
    sizes[i], times[i] = tonumber(kib), tonumber(us)
    run(("rm -f %s.copy*"):format(path))
  end
  run(("rm -f %s*"):format(path))
  return median(sizes), median(times)
end

local kib_of_none, us_of_none = measured(0)
local kib, us = measured(N)
made.remove()
local is_right = kib - kib_of_none <= ALLOWED_KIB and us <= us_of_none * ALLOWED_RATIO
print(("%d queued take %d KiB; one more takes %.2f times as long as the first ones"):format(N, kib - kib_of_none, us / us_of_none))
print(is_right and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(is_right and 0 or 1)
