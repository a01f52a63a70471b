-- A process with an outbox whose store gets into trouble and, mostly, out of it again: its disk is full, or read-only all at once,
-- or fails; another process has locked the file; the file is damaged. It runs on the faulty VFS (spec/support/faulty_vfs.h). Some
-- tasks mutate all the time; what they were told is in a log, a line for each mutation before and after its call.
-- usage: trouble_writer.lua ENDPOINT STORE LOG SEED full|readonly|failing|locked|damaged      FAULTY_VFS=seed=1
local appsync = require "appsync"
local damaging = require "spec.support.damaging"
local faulty_vfs = require "spec.support.faulty_vfs"
local server = require "spec.support.server"
local socket = require "socket"

local endpoint, store, log_path, seed, kind = arg[1], arg[2], arg[3], tonumber(arg[4]), arg[5]
local N_TASKS = 3
local TIMEOUT = 5 -- seconds of a call
local IN_TROUBLE = 5 -- mutations of a task, at least
local BACK_SECONDS = 40 -- until the store is there again

math.randomseed(seed)
for _ = 1, 10 do math.random() end -- the first ones of some generators are alike for seeds that are
local random = math.random

local log = assert(io.open(log_path, "ab"))
log:setvbuf "no"

local function note(line) assert(log:write("\n" .. appsync.encode(line) .. "\n")) end

local function say(...) io.write((...):format(select(2, ...)) .. "\n") end
io.stdout:setvbuf "no"

local function lua(...) return ("%s %s"):format(arg[-1], (...):format(select(2, ...))) end

-- Another process that has the store, until it is let go: its client, or a program that locks it.
local holder

local function hold(how)
  holder = assert(io.popen(lua("spec/crash/store_holder.lua %s %s", how, damaging.quote(store)), "w"))
  local sign
  repeat
    appsync.sleep(0.01)
    sign = io.open(store .. ".held", "rb")
  until sign
  sign:close()
end

local function let_go()
  holder:close()
  os.remove(store .. ".held")
end

-- Of a process of its own: who closes a file drops all locks that its process has on it (fcntl(2)).
local function damage_file() damaging.run(lua("spec/crash/damager.lua %s %d", damaging.quote(store), random(2 ^ 30))) end

local client, is_paused, n_calls, stays_offline = nil, false, 0, false

local function open()
  client = appsync.client{
    endpoint = endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = store,
    offline = { callback = function() end }, timeouts = { connect = 2, request = 2 }, retry = { base = 0.02, cap = 0.2 },
    log = function(level, message) say("LOG %s %s", level, (message:gsub("\n", " "))) end,
  }
  if stays_offline then client:set_online(false) end
end

local function close()
  is_paused = true
  while n_calls > 0 do appsync.sleep(0.002) end
  client:close(5)
end

local function open_again()
  open()
  is_paused = false
end

-- While the client has it, or while none has; what a connection knows already isn't read again.
local function damage()
  local choice = random(3)
  if choice == 1 then close() end
  damage_file()
  if choice == 2 then close() end
  if choice < 3 then open_again() end
end

local TROUBLES = {
  full = {
    code = "full",
    begin = function() faulty_vfs.set("full=" .. math.floor(random() ^ 3 * 200000)) end,
    finish = function() faulty_vfs.set "full=off" end,
  },
  readonly = {
    code = "readonly",
    begin = function() faulty_vfs.set("readonly=" .. random(60)) end,
    finish = function() faulty_vfs.set "readonly=off" end,
  },
  failing = {
    begin = function() faulty_vfs.set(("error=%d errors=%d"):format(random(60), random(4) == 1 and 1000 or random(6))) end,
    finish = function() faulty_vfs.set "error=off" end,
  },
  locked = {
    code = "locked",
    begin = function(is_early) hold(is_early and ({ "client", "writer", "alone" })[random(3)] or "writer") end,
    finish = let_go,
  },
  damaged = { begin = damage, finish = function() end },
}
local trouble = TROUBLES[kind]

local ADD = "mutation M($opId: ID!, $counter: ID!) { add(opId: $opId, counter: $counter, n: 1) { id total } }"
local CREATE = "mutation M($input: CreateTodoInput!) { createTodo(input: $input) { id name opId } }"

-- One that must not be sent twice by accident, or one that makes a record under an id of the client.
local function make(op)
  if random(3) > 1 then
    local expected = random(2) == 1 and { add = { __typename = "Counter", id = "c", total = random(100) } } or nil
    return ADD, { opId = op, counter = "c" }, { optimistic_response = expected }
  end
  local id = appsync.uuid()
  return CREATE, { input = { id = id, name = op .. ("n"):rep(random(2000)), opId = op } }, {
    optimistic_response = { createTodo = { __typename = "Todo", id = id, name = op, opId = op } },
  }
end

local function verdict(data, err, info)
  local cause = err and err.cause
  if not err then return info.queued and "queued" or "done" end
  if type(cause) == "table" and cause.outcome then return "dead" end
  if err.queued then return "queued" end
  if data ~= nil then return "done" end
  return "error"
end

local n_refused = 0

local function mutate(op)
  local document, variables, options = make(op)
  options.timeout = random(5) == 1 and random() * 0.03 or TIMEOUT
  note{ t = "begin", op = op }
  local began = socket.gettime()
  n_calls = n_calls + 1
  local data, err, info = client:mutate(document, variables, options)
  n_calls = n_calls - 1
  local told = verdict(data, err, info)
  note{
    t = "ack", op = op, told = told, kind = err and err.kind, code = err and err.code, message = err and err.message,
    seconds = socket.gettime() - began,
  }
  if told ~= "error" then return end
  n_refused = n_refused + 1
  appsync.sleep(0.03)
end

-- What else an application may ask for: it is answered, too.
local function look_around()
  client.outbox:status()
  client.outbox:list(TIMEOUT)
  client.outbox:dead_letters(TIMEOUT)
end

local stage, n_in_stage = "before", 0

local function write_all(i)
  local n = 0
  while stage ~= "end" do
    n = n + 1
    while is_paused do appsync.sleep(0.002) end
    mutate(("%d.%d.%d"):format(seed, i, n))
    n_in_stage = n_in_stage + 1
    if random(8) == 1 and not is_paused then look_around() end
    if random(4) == 1 and not stays_offline then client:set_online(random(3) > 1) end
    appsync.sleep(random() * 0.01)
  end
end

-- What is wrong with this program ends it.
local function write(i)
  local ok, err = xpcall(write_all, debug.traceback, i)
  if ok then return end
  say("%s", err)
  os.exit(2)
end

local function wait_for(n)
  n_in_stage = 0
  while n_in_stage < n do appsync.sleep(0.002) end
end

local function is_open() return client:stats().store == "open" end

-- One whose damaged version is that of a later library is left as it is.
local function is_newer() return kind == "damaged" and client:stats().store_code == "newer" end

local function wait_until_back()
  local deadline = socket.gettime() + BACK_SECONDS
  while not is_open() and not is_newer() do
    assert(socket.gettime() < deadline, "the store doesn't come back")
    appsync.sleep(0.01)
  end
end

-- The process ends in the midst of it.
local function end_here(n_refused_then)
  note{ t = "end", was_refused = n_refused_then > 0, is_back = false }
  if random(2) == 1 then os.execute "kill -KILL $PPID" end
  stage = "end"
end

local function main()
  local is_early = kind ~= "damaged" and random(5) == 1
  stays_offline = kind == "damaged" and random(2) == 1 -- so that it has much
  if is_early then
    note{ t = "early" }
    trouble.begin(true)
  end
  open()
  local tasks = {}
  for i = 1, N_TASKS do tasks[i] = appsync.spawn(write, i) end
  if not is_early then
    wait_for(random(kind == "damaged" and 150 or 30))
    trouble.begin(false)
  end
  wait_for(IN_TROUBLE * N_TASKS)
  if random(4) == 1 then
    end_here(n_refused)
  else
    trouble.finish()
    wait_until_back()
    note{ t = "end", was_refused = n_refused > 0, is_back = is_open() }
    stays_offline = false
    client:set_online(random(2) == 1)
    wait_for(5 * N_TASKS)
    stage = "end"
  end
  for i = 1, N_TASKS do tasks[i]:await() end
  client:close(5)
end

appsync.run(main)
if holder and io.type(holder) == "file" then let_go() end
