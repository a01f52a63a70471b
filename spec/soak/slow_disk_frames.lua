-- A game on a slow disk: each frame calls appsync.update(0.004), while some mutate through an outbox and others, who have another
-- store or none, ask. Prints in milliseconds how long frames, calls and mutations took: half of them, 95 and 99 of a hundred, all.
-- usage: slow_disk_frames.lua ENDPOINT FOLDER SECONDS PAUSE      FAULTY_VFS=slow=100
local appsync = require "appsync"
local server = require "spec.support.server"
local socket = require "socket"

local endpoint, folder, seconds, pause = arg[1], arg[2], tonumber(arg[3]), tonumber(arg[4])
local FRAME = 1 / 250
local BUDGET = 0.004
local ADD = "mutation M($opId: ID!) { add(opId: $opId, counter: \"c\", n: 1) { id total } }"
local GET = "query Q($id: ID!) { counter(id: $id) { id total } }"

local function open(store)
  return appsync.client{ endpoint = endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = store }
end

local writer, others = open(folder .. "/a.db"), { open(folder .. "/b.db"), open(false) }
local frames, calls, mutations = {}, {}, {}
local is_over = false

local function timed(list, call, ...)
  local began = socket.gettime()
  local data, err = call(...)
  assert(data, err)
  list[#list + 1] = socket.gettime() - began
end

local function mutate(i)
  local n = 0
  while not is_over do
    n = n + 1
    timed(mutations, writer.mutate, writer, ADD, { opId = folder .. i .. "." .. n })
    if pause > 0 then appsync.sleep(pause * (0.5 + math.random())) end
  end
end

local function ask(client)
  while not is_over do
    timed(calls, client.query, client, GET, { id = "c" }, { fetch_policy = "network-only" })
    appsync.sleep(0.02 * math.random())
  end
end

local function quantiles(name, list)
  table.sort(list)
  local function at(q) return list[math.max(1, math.ceil(#list * q))] * 1000 end
  print(("%s n=%d half=%.1f most=%.1f nearly=%.1f max=%.1f"):format(name, #list, at(0.5), at(0.95), at(0.99), at(1)))
end

-- What is opened and made first isn't measured.
assert(writer:hydrated(10))
assert(writer:mutate(ADD, { opId = folder }))
for _, client in ipairs(others) do assert(client:query(GET, { id = "c" })) end

local tasks = {}
for i = 1, 3 do tasks[#tasks + 1] = appsync.spawn(mutate, i) end
for _, client in ipairs(others) do tasks[#tasks + 1] = appsync.spawn(ask, client) end

local ends = socket.gettime() + seconds
while socket.gettime() < ends do
  local began = socket.gettime()
  appsync.update(BUDGET)
  local took = socket.gettime() - began
  frames[#frames + 1] = took
  if took < FRAME then socket.sleep(FRAME - took) end
end
is_over = true
quantiles("frames", frames)
quantiles("calls", calls)
quantiles("mutations", mutations)
for _, task in ipairs(tasks) do task:await(10) end
writer:close(5)
for _, client in ipairs(others) do client:close(5) end
