---Dead letters that are queued again: with the optimistic response that is stored with them, and those after them that were
---parked because of them.
---
---    find --> response written, update --> retry, one transaction --> the same for each that it had blocked
local errors = require "appsync.errors"
local expectation = require "appsync.client.expectation"
local json = require "appsync.json"
local local_cache = require "appsync.client.local_cache"
local log = require "appsync.log"
local printable = require "appsync.printable"
local stored = require "appsync.client.stored"
local temporary_ids = require "appsync.client.temporary_ids"

local reviving = {}

-- What it showed when it was queued. Its document may select other fields of a type by now: then it is queued without.
local function show(self, entry)
  if type(entry.optimistic) ~= "table" then return end
  local ok, raised = pcall(function()
    local plan = stored.plan(entry, self.where)
    plan.variables = temporary_ids.replace(self.queue.core, plan.variables)
    local expected = expectation.new(self.queue.root, plan, local_cache.new(self.queue.core, "cache", self.queue.root))
    return expected:show(temporary_ids.replace(self.queue.core, json.copy(entry.optimistic)))
  end)
  if ok and not raised then return end
  log.emit(self.queue.root.log, "warn", ("%s: the optimistic response of %s can't be shown again: %s"):format(self.where,
    entry.id, printable.text(raised)))
end

local function ask(self, what, id)
  return self.queue:ask(what, id, self.timeout, self.where)
end

local retry

-- Those that depended on it, in their order. One that has been retried or discarded meanwhile needs nothing.
---@return true? ok, appsync.Error? err
local function retry_all(self, ids)
  for _, id in ipairs(ids) do
    local _, err = retry(self, id)
    if err then return nil, err end
  end
  return true
end

---@return boolean? is_queued, appsync.Error? err
retry = function(self, id)
  local entry, find_err = ask(self, "find", id)
  if not entry then return entry, find_err end
  local is_dead = entry.state == "dead"
  local blocked, blocked_err
  if is_dead then
    blocked, blocked_err = ask(self, "blocked", id)
    if blocked_err then return nil, blocked_err end
    show(self, entry)
  end
  local is_queued, err = ask(self, "retry", id)
  if not is_queued then return is_queued, err end
  return retry_all(self, blocked or {})
end

---@param queue appsync.client.Queue
---@param id string
---@param timeout number? of each step
---@param where string
---@return boolean? is_queued false or nil: there is none with this id, appsync.Error? err
function reviving.retry(queue, id, timeout, where)
  local value, err = retry({ queue = queue, timeout = timeout, where = where }, id)
  return value, errors.adopt(err)
end

return reviving
