-- Devices with a synced list, while somebody writes as fast as the server takes it (1,000 mutations a second where it can), and their
-- connections are cut, N in all. Whenever the writing pauses, each cache has what the service has. A connection that has stood for ten
-- seconds is tried again within 200 ms, one that is cut again and again later and later; after an outage all are live within a second of
-- a word that the network is back, and within five without one.
-- usage: N=10000 RATE=1000 SEED=1 lua spec/soak/sync_disconnects.lua
local appsync = require "appsync"
local core = require "appsync.core"
local faults = require "spec.support.faults"
local patience = require "spec.support.patience"
local synced_posts = require "spec.support.synced_posts"
local syncing = require "spec.support.synced_client"

local N = tonumber(os.getenv "N") or 40
local RATE = tonumber(os.getenv "RATE") or 1000
local SEED = tonumber(os.getenv "SEED") or os.time()
local interpreter = arg[-1]

local DEVICES, POSTS, BURST_S, AT_ONCE, MAX_PAUSE_S = 8, 500, 4, 48, 0.3
local HEALTHY_S, STEADY_EVERY = 11, 20 -- one burst in so many leaves the connections alone until its end
local MAX_RETRY_S, MAX_TOLD_S, MAX_UNTOLD_S = 0.2 * patience, 1 * patience, 5 * patience

-- The process that writes: for so long, so many a second at most. It prints how many. Each of its tasks has posts of its own and knows which
-- of them are there, after it was refused once, so that nearly all that is asked for takes effect.
local function write(endpoint, seconds, seed)
  local writer = appsync.client{ endpoint = endpoint, auth = { type = "API_KEY", api_key = synced_posts.API_KEY }, store = false }
  local began, n, n_refused, tasks = core.now(), 0, 0, {}
  math.randomseed(seed)
  local function go_on(nth)
    local is_gone = {} -- by the number of the post
    while core.now() - began < seconds do
      local draw = math.random()
      local document = draw < 0.05 and synced_posts.DELETE or draw < 0.9 and synced_posts.UPDATE or synced_posts.CREATE
      local post = nth + AT_ONCE * math.random(0, math.floor((POSTS - nth) / AT_ONCE))
      local makes = document == synced_posts.CREATE
      if makes == (is_gone[post] or false) then
        local input = { id = ("p%04d"):format(post) }
        if document ~= synced_posts.DELETE then input.title = "title " .. math.random(1000000) end
        if makes then input.author = "somebody" end
        local data, err = writer:mutate(document, { input = input })
        local has_worked = data and not err
        if has_worked then n = n + 1 else n_refused = n_refused + 1 end
        is_gone[post] = not makes and (not has_worked or document == synced_posts.DELETE)
        local ahead = n / RATE - (core.now() - began)
        if ahead > 0 then appsync.sleep(ahead) end
      end
    end
  end
  for i = 1, AT_ONCE do tasks[i] = appsync.spawn(go_on, i) end
  for _, task in ipairs(tasks) do task:await() end
  print(n, n + n_refused, core.now() - began)
  writer:close()
end

local function start(...)
  return assert(io.popen(("%s spec/soak/sync_disconnects.lua %s 2>&1"):format(interpreter, table.concat({ ... }, " "))))
end

local worst = { retry = 0, first_retry = 0, told = 0, untold = 0, equal = 0 }

local function note(name, seconds)
  worst[name] = math.max(worst[name], seconds)
  return seconds
end

local function wait_until(is_so, seconds, what)
  local began = core.now()
  while not is_so() do
    if core.now() - began > seconds then error(("%s: not within %.3f s"):format(what, seconds), 0) end
    appsync.sleep(0.001)
  end
  return core.now() - began
end

-- The process that cuts: for so long, by resets and by close frames. It prints how often.
local function cut(control, seconds, most, seed)
  local wires, began, n = faults.control(control), core.now(), 0
  math.randomseed(seed)
  while core.now() - began < seconds and n < most do
    n = n + wires.disconnect(nil, math.random() < 0.5 and 1001 or nil)
    appsync.sleep(math.random() * MAX_PAUSE_S)
  end
  print(n)
end

-- A client with a store of its own, and what is noted of it.
local function new_device()
  syncing.new_store()
  local client = syncing.connect()
  local device = { client = client, sync = client:sync(syncing.built({ page_size = 200 }, true)), n_tries = 0, is_healthy = false }
  assert(device.sync:ready(60))
  client.connection:observe():subscribe(function(state)
    if state == "ConnectionDisrupted" then
      device.lost_at = device.lost_at or core.now()
    elseif device.lost_at and state == "Connecting" then
      local took = core.now() - device.lost_at
      note("retry", took)
      if device.is_healthy then
        device.n_tries, device.is_healthy = device.n_tries + 1, false
        note("first_retry", took)
      end
      device.lost_at = nil
    end
  end)
  return device
end

local function wait_live(devices, seconds)
  return wait_until(function()
    for _, device in ipairs(devices) do
      if device.sync:status().phase ~= "live" then return false end
    end
    return true
  end, seconds, "all live")
end

-- So long nothing gets through; something is written meanwhile.
local function be_cut_off(posts, devices, seconds, told)
  posts.add{
    { name = "no-connect", match = { on = "connect" }, fault = { refuse = "reset" } },
    { name = "no-query", match = { on = "request", kind = "query" }, fault = { refuse = "reset" } },
  }
  posts.disconnect()
  appsync.sleep(seconds)
  posts.create{ title = "while it was cut off" }
  posts.clear()
  if told == "resumed" then appsync.resumed() end
  for _, device in ipairs(told == "online" and devices or {}) do device.client:set_online(true) end
  local took, most = wait_live(devices, 40), told and MAX_TOLD_S or MAX_UNTOLD_S
  note(told and "told" or "untold", took)
  assert(took <= most, ("live %.3f s after an outage%s"):format(took, told and ", which was told to be over" or ""))
end

local function compare(devices)
  local began = core.now()
  for _, device in ipairs(devices) do syncing.wait_equal(device.client, true) end
  note("equal", core.now() - began)
end

-- Writes go on for so long, and meanwhile the connections are cut, at most so often; or, once they have stood for long, once.
local function play_burst(posts, devices, seed, most, is_steady, sums)
  local seconds = is_steady and HEALTHY_S or BURST_S
  if is_steady then wait_live(devices, 60) end
  local writer = start("write", posts.endpoint, seconds, seed)
  local cutter = not is_steady and start("cut", posts.url, seconds, most, seed)
  appsync.sleep(seconds) -- the clients are watched, and nothing else holds this thread up
  if is_steady then
    for _, device in ipairs(devices) do device.is_healthy = device.lost_at == nil end
    cutter = start("cut", posts.url, 0.01, 1, seed)
    appsync.sleep(1)
  end
  sums.cuts = sums.cuts + assert(cutter:read "*n", "what cuts has failed")
  local n, asked, took = writer:read("*n", "*n", "*n")
  sums.writes, sums.asked, sums.seconds = sums.writes + assert(n, "what writes has failed"), sums.asked + asked, sums.seconds + took
  writer:close()
  cutter:close()
end

local OUTAGES = { false, "online", "resumed" }

local function main()
  local posts, devices = syncing.begin{ n = POSTS }, {}
  math.randomseed(SEED)
  for i = 1, DEVICES do devices[i] = new_device() end
  posts.asked()
  local sums, n_bursts, n_bases = { cuts = 0, writes = 0, asked = 0, seconds = 0 }, 0, 0
  while sums.cuts < N do
    n_bursts = n_bursts + 1
    play_burst(posts, devices, SEED + n_bursts, N - sums.cuts, n_bursts % STEADY_EVERY == 1, sums)
    compare(devices)
    if n_bursts % 5 == 0 then
      wait_live(devices, 60)
      be_cut_off(posts, devices, 0.5 + math.random() * 3, OUTAGES[math.random(3)])
      compare(devices)
    end
    n_bases = n_bases + (posts.asked().listPostsPage or 0)
  end
  for _, told in ipairs(OUTAGES) do
    wait_live(devices, 60)
    appsync.sleep(0.6) -- words that come closer are one
    be_cut_off(posts, devices, 2, told)
  end
  compare(devices)
  local n_tries = 0
  for _, device in ipairs(devices) do n_tries = n_tries + device.n_tries end
  print(("%d cuts of %d devices under %.0f mutations/s (%.0f asked for) in %d bursts, 0 missed states. The worst: tried again after %.0f ms "
    .. "(of %d connections that had stood), after %.0f ms of all; equal after %.2f s; live %.2f s after a word, %.2f s without one"):format(
    sums.cuts, DEVICES, sums.writes / sums.seconds, sums.asked / sums.seconds, n_bursts, worst.first_retry * 1000, n_tries, worst.retry * 1000,
    worst.equal, worst.told, worst.untold))
  assert(n_tries > 0 and worst.first_retry <= MAX_RETRY_S, "a connection that had stood wasn't tried again in time")
  assert(n_bases == 0, ("%d pages of the base query were fetched again"):format(n_bases))
  syncing.close_all()
end

if arg[1] == "cut" then return appsync.run(cut, arg[2], tonumber(arg[3]), tonumber(arg[4]), tonumber(arg[5])) end
if arg[1] == "write" then return appsync.run(write, arg[2], tonumber(arg[3]), tonumber(arg[4])) end
local ok, err = xpcall(function() return appsync.run(main) end, debug.traceback)
syncing.finish()
if not ok then print(("SEED=%d: %s"):format(SEED, tostring(err))) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
