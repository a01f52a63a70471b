---Conflicts: the service has another version of a record than the mutation expects, and the application says what is to be
---sent instead.
---
---    conflict --> conflict_resolver --a table--> sent again --conflict--> …, ten times at most
---                        \--anything else, or it raises--> the mutation fails with kind "conflict"
local clock = require "appsync.clock"
local core = require "appsync.core"
local errors = require "appsync.errors"
local log = require "appsync.log"
local operation = require "appsync.client.operation"
local printable = require "appsync.printable"
local root_selection = require "appsync.client.root_selection"
local stored = require "appsync.client.stored"
local task = require "appsync.task"
local variables_of = require "appsync.client.variables"

local resolving = {}

local null = core.null

local MAX_ROUNDS = 10

---What a resolver returns to give up.
resolving.DISCARD = setmetatable({}, { __tostring = function() return "appsync.DISCARD" end })

---What a `conflict_resolver` gets.
---@class appsync.Conflict
---@field mutation appsync.Document
---@field mutation_name string its root field, as in "updateTodo"
---@field variables table those that it was sent with
---@field data table? the service's record
---@field retries integer counted from 1
---@field in_doubt boolean? with `outbox.in_doubt = "resolve"`: there is no conflict, but the answer was lost, and the mutation
---may have been executed

---What a conflict is about.
---@class appsync.client.Contested
---@field document appsync.Document
---@field operation appsync.core.Operation
---@field variables table?
---@field data any
---@field retries integer
---@field in_doubt boolean?

local function gave_up(answer)
  return answer == nil or answer == false or answer == resolving.DISCARD or answer == "DISCARD"
end

local function tell(root, message, raised)
  log.emit(root.log, "error", message .. "; the mutation is given up", { raised = raised })
end

-- Those that the operation declares.
local function declared(root, contested, answer)
  local ok, variables = pcall(variables_of.declared, answer, contested.operation, {}, "conflict_resolver")
  if ok then return variables or {} end
  tell(root, printable.text(variables), variables)
end

---Asks the application. May wait.
---@param root appsync.client.Root with a `conflict_resolver`
---@param contested appsync.client.Contested
---@return table? variables nil: it gives up
function resolving.ask(root, contested)
  local data = contested.data
  if data == null then data = nil end
  local ok, answer = task.pcall(root.conflict_resolver, {
    mutation = contested.document, mutation_name = root_selection.name(contested.document, contested.operation),
    variables = contested.variables or {}, data = data, retries = contested.retries, in_doubt = contested.in_doubt or nil,
  })
  if not ok then
    tell(root, "conflict_resolver raised: " .. printable.text(answer), answer)
  elseif type(answer) == "table" and answer ~= resolving.DISCARD then
    return declared(root, contested, answer)
  elseif not gave_up(answer) then
    tell(root, ("conflict_resolver must return a table of variables, or appsync.DISCARD, false or nil to give up, got %s")
      :format((errors.describe(answer))))
  end
end

-- The service's record stands beside the error.
local function record_of(err)
  local first = err.errors and err.errors[1]
  return type(first) == "table" and first.data or nil
end

---Sends a mutation at once; where it meets a conflict the resolver is asked, and it is sent again.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@return any data, appsync.Error? err, appsync.Info info
function resolving.send(client, plan)
  local root, began, timeout = client.root, clock.now(), plan.options.timeout
  local data, err, info = operation.execute(client, plan)
  for round = 1, root.conflict_resolver and MAX_ROUNDS or 0 do
    if not err or err.kind ~= "conflict" then break end
    local variables = resolving.ask(root, {
      document = plan.document, operation = plan.operation, variables = plan.variables, data = record_of(err), retries = round,
    })
    if not variables then break end
    plan.variables = variables
    if timeout then
      plan.options.timeout = timeout - (clock.now() - began)
      if plan.options.timeout <= 0 then break end
    end
    data, err, info = operation.execute(client, plan)
  end
  return data, err, info
end

local function resolve(queue, event)
  local plan = stored.plan(event, "conflict_resolver")
  local variables = resolving.ask(queue.root, {
    document = plan.document, operation = plan.operation, variables = event.variables, data = event.data,
    retries = event.retries, in_doubt = event.in_doubt,
  })
  queue:tell("resolve", event.entry, variables)
end

---A queued mutation has met a conflict, or it isn't known whether it was executed.
---@param queue appsync.client.Queue
---@param event appsync.client.QueueConflict
function resolving.on_conflict(queue, event)
  local root = queue.root
  if not root.conflict_resolver then return queue:tell("resolve", event.entry, nil) end
  task.spawn_asked(function(raised)
    tell(root, "conflict_resolver failed: " .. printable.text(raised), raised)
    queue:tell("resolve", event.entry, nil)
  end, resolve, queue, event)
end

return resolving
