---What becomes of all that a client keeps for its identity: it is cleared, wiped when the user signs out, or adopted by another
---identity.
local cache = require "appsync.client.cache"
local call = require "appsync.call"
local errors = require "appsync.errors"
local opts = require "appsync.opts"
local outcomes = require "appsync.client.outcomes"
local queue = require "appsync.client.queue"
local scheduler = require "appsync.scheduler"
local task = require "appsync.task"
local upkeep = require "appsync.client.upkeep"

local partition = {}

-- Asks the queue of a client that keeps something; nothing where it has none. `prepare` gives what is to be done once the core
-- has done it, whoever waits for that.
---@return any answer, appsync.Error? err
local function ask_queue(client, what, argument, options, where, prepare)
  scheduler.may_wait(where)
  local opened, open_err = cache.open(client, where)
  if not opened then return nil, open_err end
  return client.queue:ask(what, argument, options.timeout, where, prepare and prepare(client.queue))
end

-- The memory is empty, and the file isn't: what it has would be there again after a restart.
local function uncleared(client)
  local stats = client.root.handle.core:stats()
  if stats.store ~= "unavailable" then return nil end
  return errors.new("storage", "client:clear: the store can't be used now: the cache is empty, and the file will be when it can "
    .. "be used again, if this process lasts until then", { code = stats.store_code })
end

local CLEAR = opts.schema{
  outbox = { "boolean" },
  timeout = { "number", min = 0 },
  on_result = { "callable" },
}

local function clear(client, where)
  local opened, open_err = cache.ensure(client, where)
  if not opened then return nil, open_err end
  local ok, err = opened:clear()
  if not ok then return nil, errors.of_core(err, where) end
  local store_err = uncleared(client)
  if store_err then return nil, store_err end
  return true
end

local function prepare_to_bury(asked)
  return function() task.begin(asked.forget_discarded, asked) end
end

local function clear_with_outbox(client, options, where)
  local n, err = ask_queue(client, "bury_all", nil, options, where, prepare_to_bury)
  if not n then return nil, err end
  local ok, clear_err = clear(client, where)
  if not ok then return nil, clear_err end
  return n
end

function partition.clear(client, options)
  local where = "client:clear"
  local checked = opts.check(options, CLEAR, where)
  if not checked.outbox then return clear(client, where) end
  queue.check_kept(client, where .. ": outbox = true")
  return call.run(checked, clear_with_outbox, client, checked, where)
end

local SIGN_OUT = opts.schema{
  outbox = { "string", values = { "keep", "wipe", "refuse" } },
  timeout = { "number", min = 0 },
  on_result = { "callable" },
}

local function not_empty(size)
  local what = size == 1 and "1 mutation is" or size .. " mutations are"
  return errors.new("storage", ("client:sign_out: %s still queued; give outbox = \"wipe\" to drop what is queued, or \"keep\" to "
    .. "send it later"):format(what), { code = "outbox_not_empty", size = size })
end

local function prepare_to_wipe(asked)
  local forget = asked:forgetting()
  return function()
    forget()
    outcomes.forget(asked)
  end
end

-- What is queued has the last word.
---@return true? may_go_on, appsync.Error? err
local function leave_outbox(client, options, where)
  local way = options.outbox or "refuse"
  if way == "keep" or not queue.is_kept(client) then return true end
  if way == "wipe" then
    local n, err = ask_queue(client, "wipe", nil, options, where, prepare_to_wipe)
    return n and true, err
  end
  local status, err = ask_queue(client, "status", nil, options, where)
  if not status then return nil, err end
  if status.size > 0 then return nil, not_empty(status.size) end
  return true
end

local function sign_out(client, options)
  local where = "client:sign_out"
  scheduler.may_wait(where)
  local ok, err = leave_outbox(client, options, where)
  if not ok then return nil, err end
  local value, wipe_err = upkeep.ask(client, "wipe", options, where)
  if value == nil then return nil, wipe_err end
  return true
end

function partition.sign_out(client, options)
  local checked = opts.check(options, SIGN_OUT, "client:sign_out")
  return call.run(checked, sign_out, client, checked)
end

-- nil: that identity isn't open.
local function prepare_to_leave(adopted)
  if not adopted then return nil end
  local forget = adopted:forgetting()
  return function()
    forget()
    outcomes.leave(adopted)
  end
end

local ADOPT = opts.schema{
  from = { "string", is_line = true },
  timeout = { "number", min = 0 },
  on_result = { "callable" },
}

local function adopt(client, options, where)
  scheduler.may_wait(where)
  local identity, identity_err = cache.identity_of(client)
  if not identity then return nil, identity_err end
  if identity == options.from then errors.misuse("%s: from is this client's own identity", where) end
  local n, err = ask_queue(client, "adopt", options.from, options, where, function()
    return prepare_to_leave(client.root.queues[options.from])
  end)
  if err and err.code == "sending" then
    err.kind, err.message = "storage", where .. ": a request of that identity is under way; wait for its outcome"
  end
  if err and err.code == "in_use" then err.message = where .. ": " .. err.message end
  return n, err
end

function partition.adopt(client, options)
  local where = "client:adopt"
  local checked = opts.check(options, ADOPT, where)
  if checked.from == nil then
    errors.misuse("%s: from is missing: the identity whose cache and queue become this client's, \"\" for that of no user", where)
  end
  queue.check_kept(client, where)
  return call.run(checked, adopt, client, checked, where)
end

return partition
