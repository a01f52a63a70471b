---The simulated program: a real client on a store in memory, on a core that the simulation drives. It is started, closed and killed, and
---what its calls have promised is kept.
local client = require "appsync.client"
local core = require "appsync.core"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local printable = require "appsync.printable"
local scheduler = require "appsync.scheduler"
local timer = require "appsync.timer"

local program = {}

-- Until it starts again: by then the service has got all that it had sent, but for what the network delays.
program.MIN_DOWN_MS = 200

program.ENDPOINT = "http://192.0.2.1/graphql" -- no name that would have to be looked up

---A mutation that the program has made.
---@class appsync.simulate.Call
---@field name string its document's first words
---@field is_idempotent boolean
---@field state "running"|"queued"|"done"|"failed"|"killed"
---@field id string? it was acknowledged: the outbox has it, or had it
---@field number integer? of the id
---@field is_given_up boolean? discarded, or retried under another id, by the program

---Opens the core that a program is about to use.
---@return appsync.core.Runtime
function program.boot()
  local runtime, err = core.simulation.runtime()
  if not runtime then errors.misuse("appsync.simulate: %s", err.message) end
  dispatch.runtime()
  return runtime
end

local function number_of(id)
  return tonumber(id:match("%-(%d+)$"))
end

-- What a call has promised when it returns.
local function note(call, data, err, info)
  local id = err and err.id or info and info.id
  if id then call.id, call.number = id, number_of(id) end
  local is_queued = (err and err.queued) or (info and info.queued and not err)
  call.state = is_queued and "queued" or err and data == nil and "failed" or "done"
end

local function noted(call, ...)
  note(call, ...)
  return ...
end

-- The options are the last argument, or the only one; a call with `on_result` returns before it is over.
local function with_note(call, document, variables, options)
  local is_table = type(document) == "table" and document.mutation ~= nil
  local given = is_table and document or options
  call.is_idempotent = type(given) == "table" and given.idempotent == true
  if type(given) ~= "table" or not given.on_result then return document, variables, options, false end
  local copy = {}
  for name, value in pairs(given) do copy[name] = value end
  copy.on_result = function(...)
    note(call, ...)
    return given.on_result(...)
  end
  if is_table then return copy, variables, options, true end
  return document, variables, copy, true
end

local function name_of(document)
  local text = type(document) == "table" and (document.mutation or document.text) or document
  return type(text) == "string" and printable.line(text):gsub("%s+", " "):sub(1, 60) or "a mutation"
end

-- Listens to what is promised. The class's methods stand behind these; other identities' clients have those alone.
local function listen(world, made)
  local mutate, outbox = made.mutate, made.outbox
  function made.mutate(self, ...)
    local call = { name = name_of((...)), state = "running" }
    local document, variables, options, is_late = with_note(call, ...)
    world.calls[#world.calls + 1] = call
    if is_late then return mutate(self, document, variables, options) end
    return noted(call, mutate(self, document, variables, options))
  end
  for _, name in ipairs{ "discard", "retry" } do
    local method = outbox[name]
    outbox[name] = function(self, id, options)
      world.given_up[number_of(id)] = true
      return method(self, id, options)
    end
  end
  local sign_out = made.sign_out
  function made.sign_out(self, options)
    world.is_wiped = world.is_wiped or (options or {}).outbox == "wipe"
    return sign_out(self, options)
  end
  local clear = made.clear
  function made.clear(self, options)
    world.syncs:forget()
    return clear(self, options)
  end
  return made
end

-- Each outcome that is told is noted when the user's own function has returned.
local function callback_of(world, own)
  return function(err, success)
    local told = err or success
    if world.lines then
      world:tell("offline.callback: %s %s", told.id, err and printable.line(err.message) or "done")
    end
    if own then own(err, success) end
    world.told[number_of(told.id)] = true
  end
end

local function auth_of(world, given)
  if world.tokens then return { type = given, token = function() return world.tokens:give() end } end
  return { type = "API_KEY", api_key = "da2-simulated" }
end

local function options_of(world)
  local options = {}
  for name, value in pairs(world.options.client) do options[name] = value end
  local offline = {}
  for name, value in pairs(options.offline or {}) do offline[name] = value end
  offline.callback = callback_of(world, offline.callback)
  local log = options.log
  options.offline, options.endpoint, options.store = offline, program.ENDPOINT, world.path
  options.auth = auth_of(world, world.options.auth)
  options.log = function(level, message, fields)
    if world.lines then world:tell("log: %s %s", level, message) end
    if log then log(level, message, fields) end
  end
  return options
end

-- What a program does first.
local function begin(world, made)
  made.outbox:status() -- opens the store: what is queued is sent
  world.syncs:start(made)
  if world.options.start then world.options.start(made, world:random(), world.state) end
  for _, asked in ipairs(world.options.queries) do
    made:query(asked.document, asked.variables, { fetch_policy = "network-only" })
  end
end

---The program's client, which does nothing yet.
---@param world appsync.simulate.World
function program.open(world)
  world.n_starts = world.n_starts + 1
  world.client = listen(world, client.new(options_of(world)))
end

---Starts the program.
---@param world appsync.simulate.World
function program.start(world)
  world:tell("the program starts")
  program.open(world)
  world:spawn("start", begin, world, world.client)
end

-- Without a word to the program.
local function let_go(root)
  local handle = root.handle.core
  root:on_closed()
  if handle then handle:close() end
end

---Ends it as an end of the process does: nothing that is under way gets any further.
---@param world appsync.simulate.World
function program.kill(world)
  world:tell("the program is killed")
  assert(core.simulation.keep_store "killed")
  let_go(world.client.root)
  scheduler.clear()
  timer.clear()
  world.runtime:close(0)
  world.sockets:drop_client()
  world.runtime = program.boot()
  assert(core.simulation.put_store "killed")
  for _, call in ipairs(world.calls) do
    if call.state == "running" then call.state = "killed" end
  end
  world.client, world.tasks = nil, {}
end

---Closes it, which waits.
---@param world appsync.simulate.World
---@param closing appsync.Client
function program.close(world, closing)
  local ok, err = closing:close()
  if not ok then world:fail("client:close failed: %s", err.message) end
end

---Ends whatever is left, for good.
---@param world appsync.simulate.World
function program.finish(world)
  if world.client then let_go(world.client.root) end
  world.client = nil
  scheduler.clear()
  timer.clear()
  if world.runtime then world.runtime:close(0) end
  world.runtime = nil
end

return program
