---What the core says of a queue and asks about it, each to whom it belongs.
local errors = require "appsync.errors"
local headers = require "appsync.client.headers"
local log = require "appsync.log"
local operation = require "appsync.client.operation"
local outcomes = require "appsync.client.outcomes"
local resolving = require "appsync.client.resolving"
local stored = require "appsync.client.stored"
local task = require "appsync.task"

---The state has changed.
---@class appsync.client.QueueState
---@field state string
---@field size integer
---@field dead integer
---@field head string? id of the first one
---@field stuck_for number? seconds
---@field reason string?

---An outcome that no waiting call got; the next one comes when this one was told.
---@class appsync.client.QueueOutcome: appsync.client.Stored
---@field number integer of the outcome
---@field entry integer
---@field id string
---@field mutation string root field
---@field data any
---@field err table?
---@field has_layer boolean? its layer waits to be settled
---@field is_old boolean? of an earlier run

---@class appsync.client.QueueConflict: appsync.client.Stored
---@field entry integer
---@field id string
---@field data any the service's record
---@field retries integer
---@field in_doubt boolean?

---A request is about to be sent, for which the headers of this process are needed.
---@class appsync.client.QueueHeaders: appsync.client.Stored
---@field entry integer
---@field id string?
---@field call integer? that waits for its outcome

local WHERE = "client.outbox"

-- What is queued waits for it. Whoever waits for the outcome is told of a function that is wrong, which time doesn't mend.
local function fail_headers(queue, event, err)
  if queue.root.is_closed then return end
  log.emit(queue.root.log, "warn", ("%s: %s can't be sent now: %s"):format(WHERE, event.id or "a mutation", err.message))
  queue:tell("give_headers", event.entry, nil, err.message)
  local call = event.call and queue.waiting[event.call]
  if not call or err.kind ~= "usage" then return end
  call.failure = err
  operation.ask_to_end(call.w)
end

local function ask_headers(queue, sources, event)
  local all, err = operation.ask_functions(sources, stored.plan(event, WHERE))
  if err then return fail_headers(queue, event, err) end
  queue:tell("give_headers", event.entry, all or {})
end

---@param event appsync.client.QueueHeaders
local function on_headers(queue, event)
  local call = event.call and queue.waiting[event.call]
  local sources = call and call.sources or queue.sources
  if not headers.are_given(sources) then return queue:tell("give_headers", event.entry, {}) end
  queue.root:own(task.spawn_asked(function(raised)
    fail_headers(queue, event, errors.of_raised(raised))
  end, ask_headers, queue, sources, event))
end

local HANDLERS = { answer = outcomes.on_answer, outcome = outcomes.on_outcome, conflict = resolving.on_conflict, headers = on_headers }

---@param queue appsync.client.Queue
---@param event {what: string}
return function(queue, event)
  local handle = HANDLERS[event.what]
  if handle then handle(queue, event) end
end
