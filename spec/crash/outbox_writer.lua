-- A process with an outbox, which is killed: four tasks mutate. What it was told is in a log, a line for each mutation before
-- and after its call; the last run tells what the outbox has.
-- usage: outbox_writer.lua fill|write|drain|read ENDPOINT STORE LOG SEED RUN ORDER WHO,… [SECONDS until it kills itself]
local appsync = require "appsync"
local ops = require "spec.support.outbox_ops"
local server = require "spec.support.server"

local mode, endpoint, store, log_path, seed, run, order = arg[1], arg[2], arg[3], arg[4], tonumber(arg[5]), arg[6], arg[7]
local N_TASKS = 4
-- The effects server takes both; what is made with one of them is changed with the other.
local SIGNED = {
  type = "AWS_IAM", credentials = { access_key_id = "AKIDEFFECTS", secret_access_key = "secret" }, region = "us-east-1",
}
local DRAIN_SECONDS = 30
local LIFETIME = 1 -- second: the server delays by less

if arg[9] then os.execute(("pid=$PPID; { sleep %s; kill -KILL $pid; } >/dev/null 2>&1 &"):format(arg[9])) end
math.randomseed(seed)
for _ = 1, 10 do math.random() end -- the first ones of some generators are alike for seeds that are
local random = math.random

local log = assert(io.open(log_path, "ab"))
log:setvbuf "no"

-- One write. A kill may cut it off where a page of the file ends: then it is a line that says nothing.
local function note(line) assert(log:write("\n" .. appsync.encode(line) .. "\n")) end

local function on_outcome(err, success)
  local outcome = err or success
  note{ t = "told", id = outcome.id, ok = success ~= nil, outcome = err and err.cause and err.cause.outcome }
  if mode == "write" and random(10) == 1 then error "not now" end
end

-- Another try with the version that the service has; now and then it gives up.
local function resolve(c)
  local input = c.variables.input
  if c.in_doubt or not c.data or not input or random(8) == 1 then return appsync.DISCARD end
  local again = appsync.copy(c.variables)
  again.input._version = c.data._version
  return again
end

local function on_log(level, message)
  if level ~= "error" or message:find("offline.callback raised", 1, true) then return end
  note{ t = "log", message = message }
end

local client = appsync.client{
  endpoint = endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, auths = { SIGNED }, store = store,
  outbox = { order = order, in_doubt = seed % 3 == 0 and "resolve" or "unknown", request_lifetime = LIFETIME }, conflict_resolver = resolve,
  offline = { callback = on_outcome }, updates = ops.UPDATES, timeouts = { connect = 2, request = 0.6 }, retry = { base = 0.02, cap = 0.2 },
  log = on_log,
}

-- The client itself, or one for each identity.
local clients, names = {}, {}
for who in arg[8]:gmatch "[^,]+" do
  names[#names + 1] = who
  clients[who] = who == "-" and client or client:with{ identity = who }
end

-- What was removed by an earlier run isn't removed once more: nobody could tell whose effect it was.
local function read_removed()
  local removed = {}
  local file = io.open(log_path, "rb")
  for line in file:lines() do
    local entry = appsync.decode(line)
    if entry and entry.removes then removed[entry.removes] = true end
  end
  file:close()
  return removed
end

-- {told = "queued"|"done"|"dead"|"error", …}
local function verdict(data, err, info)
  local told = { t = "ack", id = info and info.id or err and err.id, kind = err and err.kind, code = err and err.code }
  local cause = err and err.cause
  if not err then
    told.told = info.queued and "queued" or "done"
  elseif type(cause) == "table" and cause.outcome then
    told.told, told.outcome = "dead", cause.outcome
  elseif err.queued then
    told.told = "queued"
  else
    told.told = data ~= nil and "done" or "error"
    told.message = err.message
  end
  return told
end

local function mutate(of, op, name)
  local told = verdict(of:mutate(op.document, op.variables, op.options))
  told.op = name
  note(told)
end

-- Its caller loses patience.
local function mutate_and_cancel(of, op, name)
  local task = appsync.spawn(mutate, of, op, name)
  appsync.sleep(random() * 0.02)
  task:cancel()
end

local function go(c, i, n)
  c.op = ("%s.%d.%d"):format(run, i, n)
  local op = ops.make(c)
  if not op then return end
  if op.removes then c.removed[op.removes] = true end
  note{
    t = "begin", op = c.op, who = c.who, field = op.field, key = op.key, record = op.record, removes = op.removes,
    temporary = op.temporary, shows = op.options.optimistic_response ~= nil, idempotent = op.options.idempotent or false,
  }
  if op.field == "createItem" and random(3) == 1 then op.options.auth_mode = "AWS_IAM" end
  local choice = random(20)
  if choice == 1 then return mutate_and_cancel(c.client, op, c.op) end
  if choice <= 8 then op.options.timeout = random() * 0.03 end -- or goes on, with a mutation that is under way
  mutate(c.client, op, c.op)
end

-- All lists are in the cache before any of them changes.
local function fill(of, i)
  for _, document in pairs(ops.LISTS) do
    while not of:query(document, nil, { timeout = 1 }) do appsync.sleep(0.005) end
  end
  while not of:query(ops.COUNTER, { id = "c" .. i }, { timeout = 1 }) do appsync.sleep(0.005) end
end

local function write_for(i, removed)
  local who = names[(i - 1) % #names + 1]
  local c = { client = clients[who], who = who, counter = "c" .. i, removed = removed, random = random }
  fill(c.client, i)
  local n = 0
  while true do
    n = n + 1
    go(c, i, n)
    if random(3) > 1 then appsync.sleep(random() * 0.01) end
  end
end

local function fill_all()
  for i = 1, N_TASKS do fill(clients[names[(i - 1) % #names + 1]], i) end
  appsync.assert(client:close(5))
end

local function switch()
  while true do
    appsync.sleep(0.02 + random() * 0.2)
    client:set_online(false)
    appsync.sleep(random() * 0.06)
    client:set_online(true)
  end
end

local function write()
  local removed, tasks = read_removed(), {}
  for i = 1, N_TASKS do tasks[i] = appsync.spawn(write_for, i, removed) end
  if random(2) == 1 then appsync.spawn(switch) end
  for i = 1, N_TASKS do appsync.assert(tasks[i]:await()) end
end

local function is_all_told(results)
  for _, result in ipairs(results) do
    if not result.notified then return false end
  end
  return true
end

local function drain_one(who)
  local of = clients[who]
  appsync.assert(of:hydrated(20))
  local ok, err = of.outbox:drain(DRAIN_SECONDS)
  if not ok then note{ t = "undrained", who = who, message = tostring(err) } end
  local results
  for _ = 1, 500 do
    results = appsync.assert(of.outbox:results())
    if is_all_told(results) then break end
    appsync.sleep(0.02)
  end
  for _, result in ipairs(results) do
    local failed = result.err
    local outcome = failed and failed.cause and failed.cause.outcome
    note{
      t = "result", who = who, id = result.id, field = result.mutation, variables = result.variables, notified = result.notified,
      is_done = outcome == nil, outcome = outcome, message = failed and failed.message,
      finished = result.finished, made = result.data and result.data[result.mutation], kind = failed and failed.kind,
    }
  end
  for _, letter in ipairs(appsync.assert(of.outbox:dead_letters())) do
    note{
      t = "letter", who = who, id = letter.id, outcome = letter.cause and letter.cause.outcome, field = letter.mutation,
      variables = letter.variables,
    }
  end
  for _, entry in ipairs(appsync.assert(of.outbox:list())) do note{ t = "left", who = who, id = entry.id, state = entry.state } end
end

-- What is said to be there, and what is.
local function count_one(who)
  local outbox = clients[who].outbox
  local status, queued, dead = appsync.assert(outbox:status()), appsync.assert(outbox:list()), appsync.assert(outbox:dead_letters())
  note{ t = "counts", who = who, size = status.size, dead = status.dead, queued = #queued, letters = #dead }
end

local function drain()
  client:set_online(false)
  for _, who in ipairs(names) do count_one(who) end -- as the processes that were killed have left it
  client:set_online(true)
  for _, who in ipairs(names) do drain_one(who) end
  for _, who in ipairs(names) do count_one(who) end
  appsync.assert(client:close(5))
end

-- What is kept, for the judge: as it is, and once more when what is missing was fetched.
local function read_all(stage)
  for _, who in ipairs(names) do
    local of = clients[who]
    for name, document in pairs(ops.LISTS) do
      local data, rest, info = of:query(document, nil, { fetch_policy = "cache-only" })
      note{ t = "read", stage = stage, who = who, list = name, data = data, source = info and info.source, why = rest and tostring(rest) }
    end
    for i = 1, N_TASKS do
      if names[(i - 1) % #names + 1] == who then
        local data = of:query(ops.COUNTER, { id = "c" .. i }, { fetch_policy = "cache-only" })
        note{ t = "read", stage = stage, who = who, counter = "c" .. i, data = data }
      end
    end
  end
end

local function read()
  for _, who in ipairs(names) do appsync.assert(clients[who]:hydrated(20)) end
  read_all "kept"
  for i = 1, N_TASKS do fill(clients[names[(i - 1) % #names + 1]], i) end
  read_all "fetched"
  appsync.assert(client:close(5))
end

appsync.run(({ fill = fill_all, write = write, drain = drain, read = read })[mode])
