---`client.outbox`: what is queued, what came of it, and what an application does about it.
local cache = require "appsync.client.cache"
local call = require "appsync.call"
local errors = require "appsync.errors"
local hydration = require "appsync.client.hydration"
local observable = require "appsync.observable"
local opts = require "appsync.opts"
local outcomes = require "appsync.client.outcomes"
local queue = require "appsync.client.queue"
local reviving = require "appsync.client.reviving"
local scheduler = require "appsync.scheduler"
local stepwise = require "appsync.stepwise"
local stored = require "appsync.client.stored"
local task = require "appsync.task"
local variables_of = require "appsync.client.variables"

local outbox = {}

---What a client has queued: mutations that wait for their turn, for the network or for credentials, dead letters, which failed
---for good, and the outcomes. Its methods throw for a client without a store, and for one of `client:with` without an identity.
---@class appsync.Outbox
---@field private client appsync.Client
local Outbox = {}
Outbox.__index = Outbox
Outbox.__name = "appsync.outbox"

---@class appsync.QueuedMutation
---@field id string
---@field mutation string its root field, as in "createTodo"
---@field document string
---@field operation string the operation's name
---@field variables table?
---@field created number Unix seconds
---@field attempts integer how often it was sent
---@field mode appsync.AuthType the mode that it is sent in
---@field identity string whose it is
---@field state "queued"|"sending"|"waiting_network"|"waiting_auth"|"retrying"|"dead"
---@field cause appsync.Error? why it isn't done: of its last try; of a dead letter also `outcome` ("refused", "conflict", "unknown",
---"blocked", "discarded") and `blocked_by`, the id of the mutation that it depended on
---@field died number? Unix seconds, of a dead letter

---@class appsync.OutboxResult
---@field number integer
---@field id string
---@field mutation string
---@field document string
---@field operation string? the operation's name
---@field variables table?
---@field data table?
---@field err appsync.Error? its `cause` is {outcome, blocked_by}
---@field notified boolean whether a waiting call or `offline.callback` got it
---@field finished number Unix seconds

---@param client appsync.Client
---@return appsync.Outbox
function outbox.new(client)
  return setmetatable({ client = client }, Outbox)
end

local MAX_NUMBER = 2 ^ 53

local CALL = opts.schema{
  timeout = { "number", min = 0 },
  on_result = { "callable" },
}

-- The queue, opened on first use.
local function queue_of(self, where)
  local opened, err = cache.open(self.client, where)
  if not opened then return nil, err end
  return self.client.queue
end

local function ask(self, options, where, what, argument, on_done)
  scheduler.may_wait(where)
  local found, err = queue_of(self, where)
  if not found then return nil, err end
  return found:ask(what, argument, options.timeout, where, on_done)
end

-- Throws for what no outbox can be asked.
local function check(self, name, options)
  local where = "client.outbox:" .. name
  if getmetatable(self) ~= Outbox then errors.misuse("%s: call it with a colon, as in %s(…)", where, where) end
  queue.check_kept(self.client, where)
  return opts.with_timeout(options, CALL, where), where
end

local function check_id(id, where)
  if type(id) ~= "string" then errors.expect(id, "id", "string", where) end
end

local function missing(id, where)
  return errors.new("storage", ("%s: the outbox has no mutation with the id %s; it may have its outcome by now"):format(where,
    errors.quoted(id)), { code = "missing" })
end

-- What the core says of one mutation.
local function answer(value, err, id, where)
  if value then return true end
  if not err then return nil, missing(id, where) end
  if err.code == "sending" then
    err.kind, err.message = "storage", where .. ": its request is under way; wait for the outcome"
  end
  return nil, err
end

-- What an entry waits for besides is told of the queue.
local STATES = { waiting_maker = "queued", waiting_storage = "queued", waiting_resolver = "retrying" }

local function is_before(a, b)
  return a.entry < b.entry
end

-- The core has those of one auth mode behind those of another one.
local function order(entries)
  for i = 2, #entries do
    if is_before(entries[i], entries[i - 1]) then return table.sort(entries, is_before) end
  end
end

local function each_in_turns(all, fn)
  for i, item in ipairs(all) do
    fn(item)
    local cancel_err = i % stepwise.VALUES == 0 and scheduler.pause(stepwise.EVENTS)
    if cancel_err then return nil, cancel_err end
  end
  return all
end

-- There may be a hundred thousand of them.
local function each(all, fn)
  if #all <= stepwise.VALUES then return each_in_turns(all, fn) end
  return stepwise.run(each_in_turns, all, fn)
end

local function list(self, options, where, what)
  local entries, err = ask(self, options, where, what)
  if not entries then return nil, err end
  order(entries)
  return each(entries, function(entry)
    entry.entry, entry.cause, entry.state = nil, errors.of_service(entry.cause), STATES[entry.state] or entry.state
  end)
end

---Returns what is queued, in the order in which it was made.
---```lua
---client:set_online(false)
---client:mutate(create_todo, { name = "call mum" })
---for _, entry in ipairs(client.outbox:list()) do
---  print(entry.mutation, entry.variables.name, entry.attempts) --> createTodo call mum 0
---end
---```
---@param options number|{timeout: number?, on_result: function?}|nil
---@return appsync.QueuedMutation[]? entries, appsync.Error? err
function Outbox:list(options)
  local checked, where = check(self, "list", options)
  return call.run(checked, list, self, checked, where, "list")
end

---Returns the dead letters: mutations that failed for good. They stay until they are retried or discarded.
---```lua
---local _, err = client:mutate("mutation { nothing }")
---for _, entry in ipairs(client.outbox:dead_letters()) do
---  print(entry.mutation, entry.cause.outcome, entry.id == err.id) --> nothing refused true
---end
---```
---@param options number|{timeout: number?, on_result: function?}|nil
---@return appsync.QueuedMutation[]? entries, appsync.Error? err
function Outbox:dead_letters(options)
  local checked, where = check(self, "dead_letters", options)
  return call.run(checked, list, self, checked, where, "dead_letters")
end

-- The state, without waiting once it is known.
local function know(self, options, where)
  scheduler.check(where)
  local found, err = queue_of(self, where)
  if not found then return nil, err end
  if not found.state then
    scheduler.may_wait(where)
    local state, ask_err = found:know(options.timeout, where)
    if not state then return nil, ask_err end
  end
  return found
end

local function size(self, options, where)
  local found, err = know(self, options, where)
  if not found then return nil, err end
  return found.state.size
end

---Returns the number of queued mutations, without dead letters. It waits only until the store is open.
---```lua
---client:set_online(false)
---client:mutate(create_todo, { name = "call mum" })
---print(client.outbox:size()) --> 1
---```
---@param options number|{timeout: number?, on_result: function?}|nil
---@return integer? size, appsync.Error? err
function Outbox:size(options)
  local checked, where = check(self, "size", options)
  return call.run(checked, size, self, checked, where)
end

local function status(self, options, where)
  local found, err = know(self, options, where)
  if not found then return nil, err end
  return found:status()
end

---Returns the state of the outbox. It waits only until the store is open.
---```lua
---client:set_online(false)
---local _, _, info = client:mutate(create_todo, { name = "call mum" })
---local status = client.outbox:status()
---print(status.state, status.size, status.head == info.id) --> waiting_network 1 true
---```
---@param options number|{timeout: number?, on_result: function?}|nil
---@return appsync.OutboxStatus? status, appsync.Error? err
function Outbox:status(options)
  local checked, where = check(self, "status", options)
  return call.run(checked, status, self, checked, where)
end

-- Once the core has told the state, all observers get it.
local function ask_state(found, sink, context, where)
  local ok, state, err = task.pcall(found.know, found, nil, where)
  if not ok then err = errors.of_raised(state) end
  if err and err.kind ~= "closed" then context:post(sink, "error", err) end
end

---Returns an observable of the state, as `status` returns it: of the present one, and of each change. Completes when the client
---closes.
---```lua
---local states = client.outbox:observe():subscribe()
---print(states:next(10).size) --> 0
---client:set_online(false)
---client:mutate(create_todo, { name = "call mum" })
---repeat local status = states:next(10) until status.size == 1
---```
---@return appsync.Observable
function Outbox:observe()
  local _, where = check(self, "observe")
  return observable.new(function(sink, context)
    local found, err = queue_of(self, where)
    if not found then
      context:post(sink, err.kind == "closed" and "complete" or "error", err)
      return nil
    end
    local stop = found:connect(sink, context)
    if not found.state then task.begin(ask_state, found, sink, context, where) end
    return stop
  end)
end

local function undrained(found, seconds, where)
  local state = found.state
  local what = state.size == 1 and "1 mutation is" or state.size .. " mutations are"
  local why = state.state .. (state.reason and ": " .. state.reason or "")
  return errors.new("timeout", ("%s: %s still queued after %g s (%s)"):format(where, what, seconds, why),
    { size = state.size, state = state.state, reason = state.reason })
end

local function drain(self, options, where)
  scheduler.may_wait(where)
  task.sleep(0) -- mutations that were called, and have still to begin
  local found, err = know(self, options, where)
  if not found then return nil, err end
  if found:is_drained() then return true end
  if found.state.size == 0 and found.state.state == "waiting_storage" then
    local _, why = hydration.wait(self.client, options, where)
    return nil, why or errors.new("storage", ("%s: what is queued isn't known: %s"):format(where, found.state.reason or "no store"))
  end
  local ok, wait_err = found:drain(options.timeout, where)
  if ok then return true end
  if wait_err.kind == "timeout" then return nil, undrained(found, options.timeout, where) end
  return nil, wait_err
end

---Waits until nothing is queued any more.
---```lua
---client:mutate(create_todo, { name = "call mum" })
---print(client.outbox:drain(10)) --> true
---```
---@param timeout number|{timeout: number?, on_result: function?}|nil seconds; ends the wait only
---@return true? drained
---@return appsync.Error? err of kind "timeout": its `size` is how many are still queued, `state` and `reason` say why
function Outbox:drain(timeout)
  local checked, where = check(self, "drain", timeout)
  return call.run(checked, drain, self, checked, where)
end

local function change(self, options, where, what, id, argument)
  local value, err = ask(self, options, where, what, argument or id)
  return answer(value, err, id, where)
end

local function discard(self, options, where, id)
  local value, err = ask(self, options, where, "discard", id, function() self.client.queue:drop_call(id) end)
  return answer(value, err, id, where)
end

---Takes a queued mutation or a dead letter out of the outbox: it is never sent again. Its optimistic response leaves the cache.
---```lua
---client:set_online(false)
---local _, _, info = client:mutate(create_todo, { name = "call mum" })
---appsync.assert(client.outbox:discard(info.id))
---print(client.outbox:size()) --> 0
---```
---@param id string
---@param options number|{timeout: number?, on_result: function?}|nil
---@return true? discarded
---@return appsync.Error? err of kind "storage": code "missing", there is none with this id, or "sending", its request is under way
function Outbox:discard(id, options)
  local checked, where = check(self, "discard", options)
  check_id(id, where)
  return call.run(checked, discard, self, checked, where, id)
end

-- Those that the operation declares, as for `client:mutate`.
local function edit(self, options, where, id, variables)
  scheduler.may_wait(where)
  local entry, err = ask(self, options, where, "find", id)
  if not entry then return answer(nil, err, id, where) end
  local plan = stored.plan(entry, where)
  local declared = variables_of.declared(variables, plan.operation, {}, where) or {}
  return change(self, options, where, "edit", id, { id = id, variables = declared })
end

---Gives a queued mutation or a dead letter other variables. What its optimistic response shows stays as it is. A dead letter
---stays one until `retry`.
---```lua
---client:set_online(false)
---local _, _, info = client:mutate(create_todo, { name = "call mum" })
---appsync.assert(client.outbox:edit(info.id, { name = "call dad" }))
---print(client.outbox:list()[1].variables.name) --> call dad
---```
---@param id string
---@param variables table all of them: they replace those that it has
---@param options number|{timeout: number?, on_result: function?}|nil
---@return true? edited
---@return appsync.Error? err of kind "storage": code "missing", there is none with this id, or "sending", its request is under way
function Outbox:edit(id, variables, options)
  local checked, where = check(self, "edit", options)
  check_id(id, where)
  if type(variables) ~= "table" then errors.expect(variables, "variables", "table", where) end
  return call.run(checked, edit, self, checked, where, id, variables)
end

local function retry(self, options, where, id)
  scheduler.may_wait(where)
  local found, open_err = queue_of(self, where)
  if not found then return nil, open_err end
  local value, err = reviving.retry(found, id, options.timeout, where)
  return answer(value, err, id, where)
end

---Queues a dead letter again, behind all others, and after it the dead letters that depended on it. Its optimistic response is
---shown again, and the client's `updates` run for it. A mutation that is queued, and waits to be tried again or for
---credentials, is sent as soon as its turn comes and there is a network.
---```lua
---local _, err = client:mutate("mutation { nothing }")
---client:set_online(false)
---appsync.assert(client.outbox:retry(err.id))
---print(client.outbox:size(), #client.outbox:dead_letters()) --> 1 0
---```
---@param id string
---@param options number|{timeout: number?, on_result: function?}|nil
---@return true? queued
---@return appsync.Error? err of kind "storage" and code "missing": there is none with this id
function Outbox:retry(id, options)
  local checked, where = check(self, "retry", options)
  check_id(id, where)
  return call.run(checked, retry, self, checked, where, id)
end

local function results(self, options, where, since)
  local all, err = ask(self, options, where, "results", since)
  if not all then return nil, err end
  return each(all, function(result)
    result.err, result.field = outcomes.describe(errors.of_service(result.err)), nil
  end)
end

---Returns the outcomes of queued mutations, in the order in which they came. They are stored with the queue, and outlast a
---restart.
---```lua
---client:mutate(create_todo, { name = "call mum" })
---for _, result in ipairs(client.outbox:results()) do
---  print(result.mutation, result.data.createTodo.name, result.notified) --> createTodo call mum true
---end
---```
---@param since integer? the number of an outcome: those after it
---@param options number|{timeout: number?, on_result: function?}|nil
---@return appsync.OutboxResult[]? results, appsync.Error? err
function Outbox:results(since, options)
  if type(since) == "table" and options == nil then since, options = nil, since end
  local checked, where = check(self, "results", options)
  if since ~= nil and (type(since) ~= "number" or since % 1 ~= 0 or since < 0 or since > MAX_NUMBER) then
    errors.misuse("%s: since must be the number of an outcome, got %s", where, (errors.describe(since)))
  end
  return call.run(checked, results, self, checked, where, since)
end

return outbox
