-- lua5.4 bench/row/realtime.lua <port> <subscriptions> [callback|pull]: N messages of about 300 bytes to Lua, by a callback
-- or taken one by one. Measured from the first to the last.
local appsync = require("appsync")
local measure = require("bench.measure")

local port, n_subs, how = arg[1], tonumber(arg[2]), arg[3] or "callback"
local N = tonumber(os.getenv("N")) or 100000

local DOCUMENT = [[
subscription OnUpdatePost($id: ID) { onUpdatePost(id: $id) { __typename id title content ups downs } }]]

local client = appsync.client{
  endpoint = "http://127.0.0.1:" .. port .. "/graphql",
  auth = { type = "API_KEY", api_key = "da2-fakeApiId123456" },
  realtime = { max_subscriptions = n_subs },
}

local seen, sum = 0, 0
local meter

local function count(event)
  if seen == 0 then meter = measure.start() end
  seen = seen + 1
  sum = sum + event.onUpdatePost.ups
  return seen < N
end

local function subscribe(id, observer)
  return client:subscribe(DOCUMENT, { id = tostring(id) }):subscribe(observer)
end

local function fail(err)
  io.stderr:write("a subscription failed: ", tostring(err), "\n")
  os.exit(1)
end

local function by_callback()
  local all = appsync.subject()
  local finished = all:subscribe()
  local observer = {
    next = function(event)
      if not count(event) then all:next(true) end
    end,
    error = fail,
  }
  for i = 1, n_subs do subscribe(i, observer) end
  finished:next()
end

local function by_pull()
  local tasks = {}
  for i = 1, n_subs do
    local subscription = subscribe(i)
    local of_this = math.floor(N / n_subs) + (i <= N % n_subs and 1 or 0)
    tasks[i] = appsync.spawn(function()
      for _ = 1, of_this do
        local event, err = subscription:next()
        if not event then fail(err) end
        count(event)
      end
      return true
    end)
  end
  for i = 1, n_subs do assert(tasks[i]:await()) end
end

appsync.run(how == "pull" and by_pull or by_callback)
measure.stop(meter)
measure.print{
  workload = "w6-realtime-" .. n_subs .. "sub",
  peer = "LIB lua-appsync, " .. (how == "pull" and "s:next()" or "callback") .. ", " .. measure.lua_version(),
  n = N, unit = "msg/s", meter = meter, ok = seen == N and sum == N * (N - 1) / 2,
}
client:close(1)
