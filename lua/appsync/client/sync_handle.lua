---What `client:sync` returns.
local call = require "appsync.call"
local errors = require "appsync.errors"
local observable = require "appsync.observable"
local opts = require "appsync.opts"

local sync_handle = {}

---A delta sync. It runs until it is unsubscribed, its client closes, or it fails for good, even if nobody keeps it.
---@class appsync.Sync
---@field private running appsync.client.RunningSync
local Sync = {}
Sync.__index = Sync
Sync.__name = "appsync.sync"

function Sync:__tostring()
  local names = {}
  for _, what in ipairs{ "base", "delta", "subscription" } do
    local part = self.running.parts[what]
    if part then names[#names + 1] = part.selection.roots[1] end
  end
  return ("appsync.sync (%s, %s)"):format(table.concat(names, " "), self.running.state.phase)
end

function Sync:__close()
  self.running:stop()
end

---How far a sync has come.
---@class appsync.SyncStatus
---@field phase "waiting"|"subscribing"|"base"|"delta"|"draining"|"live"|"polling"|"stopped" "waiting": for the network, or until
---the next try; "subscribing": nothing is fetched before the subscription is acknowledged; "draining": the events of the meantime
---are taken; "polling": live without the subscription, which can't be had
---@field records integer that the base or delta query has brought so far
---@field pages integer likewise
---@field bytes integer likewise
---@field estimate integer? how many records it may bring, where an earlier one tells
---@field last_sync number? Unix seconds: changes up to then are known
---@field next_base number? Unix seconds: when the base query is sent again, at the earliest
---@field attempts integer tries that have failed in a row
---@field err appsync.Error? why the last one has; else why the subscription isn't there, or why the sync has ended
---@field truncated boolean `max_records` has held back records
---@field quarantined appsync.QuarantinedRecord[] records that couldn't be taken; shared, so don't modify it
---@field ordered boolean records have a version, by which an old state of one never replaces a newer one
---@field delta_window number seconds that the delta query reaches back at most
---@field network_time number seconds spent waiting for the service
---@field local_time number seconds spent on what it has sent

---@param running appsync.client.RunningSync
---@return appsync.Sync
function sync_handle.new(running)
  return setmetatable({ running = running }, Sync)
end

-- A method that was called with a dot has something else for its sync.
local function check_self(self, where)
  if getmetatable(self) ~= Sync then errors.misuse("%s: call it with a colon, as in %s(…)", where, where) end
end

local READY = opts.schema{
  timeout = { "number", min = 0 },
  on_result = { "callable" },
}

local function ready(self, timeout)
  local ok, err = self.running:ready(timeout)
  return ok, err
end

---Waits until the sync is live for the first time: all that was due was fetched, and what was heard meanwhile was taken. What an
---earlier run has kept can be read before. On a time-out, `err.cause` and the message say why it isn't, if that is known; when the
---sync ends, `err` says why.
---```lua
---local s = client:sync{ base_query = list_todos, subscription_query = on_create_todo }
---local ok, err = s:ready(10)
---print(ok, err) --> true nil
---```
---@param timeout number|table|nil seconds, or `{timeout =, on_result =}`
---@return true? ok, appsync.Error? err
function Sync:ready(timeout)
  check_self(self, "s:ready")
  if opts.is_timeout(timeout) then return ready(self, timeout) end
  local options = opts.with_timeout(timeout, READY, "s:ready")
  return call.run(options, ready, self, options.timeout)
end

---Stops the sync. What it has brought stays, and another one of the same queries goes on from there. Calling it twice is harmless.
---```lua
---local s = client:sync{ base_query = list_todos }
---s:unsubscribe()
---print(s:status().phase) --> stopped
---```
function Sync:unsubscribe()
  check_self(self, "s:unsubscribe")
  self.running:stop()
end

---Returns how far it has come.
---```lua
---local s = client:sync{ base_query = list_todos, subscription_query = on_create_todo }
---appsync.assert(s:ready(10))
---local status = s:status()
---print(status.truncated, #status.quarantined) --> false 0
---```
---@return appsync.SyncStatus
function Sync:status()
  check_self(self, "s:status")
  return self.running:status()
end

---Returns an observable of the status: as it is, and whenever it has changed. Completes when the sync ends.
---```lua
---local s = client:sync{ base_query = list_todos }
---local states = s:observe():subscribe()
---repeat local status = states:next(10) until status.phase == "live"
---```
---@return appsync.Observable
function Sync:observe()
  check_self(self, "s:observe")
  local running = self.running
  return observable.new(function(sink, context) return running:connect(sink, context) end)
end

---Lets more records through that `max_records` holds back. Calls add up, also while more is under way.
---```lua
---local s = client:sync{ base_query = list_todos, max_records = 1000 }
---appsync.assert(s:ready(10))
---local ok, err = s:more(1000)
---print(ok, err.code) --> nil not_truncated
---```
---@param n integer how many
---@return true? ok
---@return appsync.Error? err code "not_truncated": nothing is held back
function Sync:more(n)
  check_self(self, "s:more")
  if type(n) ~= "number" or n < 1 or n % 1 ~= 0 then
    errors.misuse("s:more: n must be a number of records of at least 1, got %s", (errors.describe(n)))
  end
  return self.running:more(n)
end

return sync_handle
