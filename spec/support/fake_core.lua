---A stand-in for appsync.core in pure Lua, with a manual clock. `fake.install()` gives a fresh one and unloads every
---module of the library, so that each test begins with a clean state.
local fake_core = {}

local cjson = require "cjson"
local fake_catch_up = require "spec.support.fake_catch_up"
local fake_queue = require "spec.support.fake_queue"
local fake_sync = require "spec.support.fake_sync"

local KINDS = { "RESULT", "SUB_STATE", "SUB_DATA", "SUB_END", "AUTH", "HEADERS", "VIEW", "ASK", "QUEUE", "SYNC", "CONNECTION", "REACH", "LOG", "CLOSED", "REQUEST" }

-- Documents, by patterns: enough for the shapes that the specs use.
local Document = {}
Document.__index = Document

function Document:operations()
  local operations = {}
  for kind, head, body in self.source:gmatch("(%a+)([^{}]*)(%b{})") do
    if kind == "query" or kind == "mutation" or kind == "subscription" then
      local operation = { kind = kind, name = head:match("^%s+([%w_]+)") or "", variables = {}, lists = {}, required = {}, root_fields = {} }
      operation.root_names = operation.root_fields
      for name, type_ in (head:match("%b()") or ""):gmatch("%$([%w_]+):%s*([%[%]%w_!]+)") do
        table.insert(operation.variables, name)
        operation.lists[name] = type_:find("[", 1, true) and 1 or nil
        operation.required[name] = type_:find("!$") and true or nil
      end
      local flat = body:sub(2, -2):gsub("%b{}", " "):gsub("%b()", " ")
      for name in flat:gmatch("[%w_]+") do table.insert(operation.root_fields, name) end
      table.insert(operations, operation)
    end
  end
  return operations
end

function Document:text() return self.source end

function Document:bytes() return #self.source end

local function misuse(message)
  return { kind = "usage", message = message, retryable = false, sent = false }
end

-- The error that the core has for what isn't JSON.
local function json_error(value, path, seen)
  local kind = type(value)
  if kind == "function" or kind == "thread" then return misuse(path .. ": a " .. kind .. " isn't JSON") end
  if kind ~= "table" then return nil end
  if seen[value] then return misuse(path .. ": a cycle") end
  seen[value] = true
  for key, item in pairs(value) do
    local err = json_error(item, path .. "." .. tostring(key), seen)
    if err then return err end
  end
  seen[value] = nil
end

-- Has `core.kept`, if that isn't nil, whatever is asked for.
local function new_cache(core, identity)
  local cache = {}
  local queue = core.queue(identity)
  fake_queue.add(cache, core, queue)
  fake_sync.add(cache, core, queue)
  function cache.id() return queue.id end
  function cache.prepare() return cache end
  function cache.rest() end
  function cache.has_ids() return next(core.made_ids) ~= nil end
  function cache.ids_are_at_hand() return true end
  function cache.made_id(_, temporary) return core.made_ids[temporary] end
  function cache.made_key(_, key)
    local type_name, id = key:match "^([^:]*:)(.*)$"
    return core.made_ids[id] and type_name .. core.made_ids[id]
  end
  function cache.read()
    if core.kept == nil then return nil, { "a" } end
    return core.kept
  end
  function cache.look()
    core.next_id = core.next_id + 1
    core.push("RESULT", core.next_id, true, nil, { source = "cache" })
    return core.next_id
  end
  return cache
end

local function new_client(core, settings)
  local client = { settings = settings, is_closed = false, consumed_total = {} }
  core.n_clients = core.n_clients + 1
  local id = core.n_clients
  core.clients[id] = client

  local function record(list, entry)
    core.next_id = core.next_id + 1
    entry.id = core.next_id
    entry.client = client
    table.insert(list, entry)
    return entry.id
  end

  function client.id() return id end
  function client.add_auth(_, auth)
    if auth.secret == "unusable" then return nil, { kind = "auth", message = "the token is unusable" } end
    return record(core.auths, { auth = auth })
  end
  function client.set_auth(_, auth, material)
    table.insert(core.answers, { auth = auth, material = material })
    return true
  end
  function client.fail_auth(_, auth, message, code)
    table.insert(core.answers, { auth = auth, message = message, code = code })
  end
  function client.drop_auth(_, auth) core.dropped_auths[auth] = (core.dropped_auths[auth] or 0) + 1 end

  function client.execute(_, call)
    local err = core.refusal or json_error(call.variables, "variables", {})
    if err then return nil, err end
    return record(core.executed, { call = call })
  end
  function client.cancel(_, op)
    core.cancelled[op] = true;
    (core.cancels[op] or core.cancel)(op)
  end
  function client.subscribe(_, call)
    local err = core.refusal or json_error(call.variables, "variables", {})
    if err then return nil, err end
    return record(core.subscribed, { call = call })
  end
  function client.unsubscribe(_, sub) core.unsubscribed[sub] = (core.unsubscribed[sub] or 0) + 1 end
  function client.consumed(_, sub, n) client.consumed_total[sub] = (client.consumed_total[sub] or 0) + n end
  function client.set_headers(_, sub, headers, message)
    table.insert(core.answers, { sub = sub, headers = headers, message = message })
  end
  function client.set_online(_, is_online) client.is_online = is_online end
  function client.cache(_, options) return new_cache(core, options.identity or "") end
  function client.stats() return { operations = #core.executed } end -- as those of a core without a queue
  function client.leave()
    if core.is_forked then return end
    client.n_leaves = (client.n_leaves or 0) + 1
    for _, entry in ipairs(core.subscribed) do
      if entry.client == client and not entry.is_answered then
        entry.is_answered = true
        core.push("SUB_END", entry.id, { kind = "closed", message = "the client is closed" }, nil, 0)
      end
    end
    return true
  end
  function client.close()
    if client.is_closed or core.is_forked then return end
    client.is_closed = true
    for _, list in ipairs{ core.executed, core.subscribed } do
      for _, entry in ipairs(list) do
        if entry.client == client and not entry.is_answered then
          local err = { kind = "closed", message = "the client is closed" }
          entry.is_answered = true
          if list == core.executed then
            core.push("RESULT", entry.id, nil, err, { source = "network" })
          else
            core.push("SUB_END", entry.id, err, nil, 0)
          end
        end
      end
    end
    if not core.is_close_held then core.push("CLOSED", id) end
    return true
  end
  return client
end

local function new_runtime(core)
  local runtime = {}
  function runtime.poll(_, events, max)
    core.n_polls = core.n_polls + 1
    local n = 0
    while n < max and core.inbox_head <= #core.inbox do
      local event = core.inbox[core.inbox_head]
      core.inbox_head = core.inbox_head + 1
      for i = 1, 5 do events[n * 5 + i] = event[i] end
      n = n + 1
    end
    if core.inbox_head > #core.inbox and #core.inbox > 0 then core.inbox, core.inbox_head = {}, 1 end
    return n, core.inbox_head <= #core.inbox
  end
  -- Time passes here only. Before that, the next step of the test's script runs.
  function runtime.wait(_, seconds)
    table.insert(core.waited, seconds or "for ever")
    local step = table.remove(core.steps, 1)
    if step then
      step()
    elseif seconds then
      core.time = core.time + seconds
    else
      error("the test would wait for ever", 0)
    end
    return core.inbox_head <= #core.inbox
  end
  function runtime.fd() return 42 end
  function runtime.arm(_, seconds)
    table.insert(core.armed, seconds == nil and "none" or seconds)
    return true
  end
  function runtime.start()
    if core.start_err then return nil, core.start_err end
    core.n_starts = (core.n_starts or 0) + 1
    return true
  end
  function runtime.suspend()
    core.is_suspended = true
    return true
  end
  function runtime.resumed()
    core.is_suspended = false
    return core.n_missed or 0
  end
  function runtime.client(_, settings) return fake_catch_up.add(new_client(core, settings), core, json_error) end
  function runtime.leave() core.is_left = true end
  function runtime.close(_, seconds)
    core.runtime_closed = seconds
    return true
  end
  return runtime
end

local function new_core()
  local core = {
    version = "0.0.0", null = cjson.null, array_mt = { __name = "appsync.array" }, event = {},
    claims = setmetatable({}, { __mode = "v" }),
    time = 1000, inbox = {}, inbox_head = 1, steps = {}, waited = {}, armed = {}, executed = {}, subscribed = {}, catching_up = {},
    made_ids = {}, syncs = {}, own_uuids = {}, unsubscribed = {}, cancels = {}, queues = {}, auths = {}, answers = {}, dropped_auths = {}, cancelled = {}, clients = {}, n_clients = 0,
    next_id = 100, n_runtimes = 0, n_polls = 0,
  }
  for i, name in ipairs(KINDS) do core.event[name] = i end
  function core.now() return core.time end
  function core.pause(seconds) core.time = core.time + seconds end
  function core.wall() return 1700000000 + core.time end
  function core.is_plain_stack() return false end -- then Lua's own look at the stack is asked
  function core.resolve(path) return path end

  function core.uuid() return "00000000-0000-4000-8000-000000000000" end
  function core.take_uuid(text)
    local is_own = core.own_uuids[text]
    core.own_uuids[text] = nil
    return is_own == true
  end
  function core.has_uuid(text) return core.own_uuids[text] == true end
  function core.look_for_uuids() return true, true end -- as of a value that is too large
  function core.encode(value)
    local err = json_error(value, "value", {})
    if err then return nil, err end
    return cjson.encode(value)
  end
  function core.decode(text)
    local ok, value = pcall(cjson.decode, text)
    if ok then return value end
    return nil, { kind = "protocol", code = "syntax", message = "not JSON at byte 1" }
  end
  function core.document(text)
    core.n_parsed = (core.n_parsed or 0) + 1
    if not text:find("%b{}") then return nil, { kind = "protocol", code = "syntax", message = "unexpected end", line = 1, column = #text } end
    return setmetatable({ source = text }, Document)
  end
  local runtime
  function core.runtime()
    if runtime and not core.runtime_closed and not core.is_forked then return runtime end
    core.runtime_closed, core.is_forked = nil, nil
    core.n_runtimes = core.n_runtimes + 1
    runtime = new_runtime(core)
    return runtime
  end
  -- For the tests.
  ---The queue of an identity, of all clients.
  function core.queue(identity)
    identity = identity or ""
    local queue = core.queues[identity]
    if not queue then
      core.n_queues = (core.n_queues or 0) + 1
      queue = fake_queue.new(core, 76 + core.n_queues, identity)
      core.queues[identity] = queue
    end
    return queue
  end
  function core.push(kind, target, a, b, c)
    table.insert(core.inbox, { core.event[kind], target, a, b, c })
  end
  function core.cancel(op)
    core.push("RESULT", op, nil, { kind = "cancelled", message = "cancelled" }, { source = "network" })
  end
  ---Answers the newest operation, or the given one.
  function core.reply(data, err, info, op)
    info = info or { status = 200 }
    for _, entry in ipairs(core.executed) do
      if entry.id == (op or core.executed[#core.executed].id) then entry.is_answered = true end
    end
    info.source = info.source or "network"
    core.push("RESULT", op or core.executed[#core.executed].id, data, err, info)
  end
  ---Adds what happens when the library blocks next.
  function core.step(fn) table.insert(core.steps, fn) end
  return core
end

---@return table core
function fake_core.install()
  for name in pairs(package.loaded) do
    if name == "appsync" or name:match("^appsync%.") then package.loaded[name] = nil end
  end
  local core = new_core()
  package.loaded["appsync.core"] = core
  return core
end

---A fresh core under a fresh library, and what the library logs where no client does.
---@return table core, table appsync, string[] log
function fake_core.open()
  local core, log = fake_core.install(), {}
  local appsync = require "appsync"
  require("appsync.log").set_default(function(level, message) table.insert(log, level .. ": " .. message) end)
  return core, appsync, log
end

---The same with a client, which has a log of its own.
---@return table core, table appsync, string[] log, table client
function fake_core.open_client(endpoint)
  local core, log = fake_core.install(), {}
  local appsync = require "appsync"
  local client = appsync.client{
    endpoint = endpoint, auth = { type = "API_KEY", api_key = "da2-secret" },
    log = function(level, message) table.insert(log, level .. ": " .. message) end,
  }
  return core, appsync, log, client
end

---Lets the library do all that there is to do, after `seconds` have passed.
function fake_core.drive(seconds)
  local core, appsync = require "appsync.core", require "appsync"
  if seconds then core.time = core.time + seconds end
  while appsync.update(0) do end
end

---Collects until nothing is left to collect.
fake_core.collect = require "spec.support.collect"

return fake_core
