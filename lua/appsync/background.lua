---A game that goes into the background, and comes back.
local clock = require "appsync.clock"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local nginx = require "appsync.nginx"
local opts = require "appsync.opts"
local scheduler = require "appsync.scheduler"

local background = {}

local OPTIONS = opts.schema{ deadline = { "number", min = 0 } }
local DEADLINE = 0.5

---Starts the library's thread and loads what it needs, which the first client in use does otherwise: for a loading screen.
---```lua
---appsync.assert(appsync.start())
---```
---@return true? ok, appsync.Error? err of kind "system"
function background.start()
  nginx.refuse("appsync.start", "each worker starts with its first request")
  local runtime, err = dispatch.runtime()
  if not runtime then return nil, err end
  local ok, start_err = runtime:start()
  if not ok then return nil, errors.adopt(start_err) end
  return true
end

---Prepares for a time in which nobody calls `appsync.update`. Waits until calls have ended and queued mutations were sent, at
---most `deadline` seconds; mutations that wait for a network stay queued. From then on the events of subscriptions are counted
---instead of kept, until `appsync.resumed`: no subscription ends, however long that takes. Those with `catch_up` miss nothing.
---```lua
---client:query(list_todos)
---print(appsync.suspend{ deadline = 0.2 }) --> true
---print(appsync.resumed()) --> 0
---```
---@param options {deadline: number?}? seconds, default 0.5
---@return boolean is_flushed false: the deadline came first
function background.suspend(options)
  nginx.refuse("appsync.suspend", "a worker is never in the background")
  options = opts.check(options, OPTIONS, "appsync.suspend")
  scheduler.may_wait("appsync.suspend")
  local at, is_flushed = clock.now() + (options.deadline or DEADLINE), true
  for _, root in ipairs(dispatch.clients()) do
    is_flushed = root:settle(at, "appsync.suspend") and is_flushed
  end
  dispatch.suspend()
  return is_flushed
end

---Says that the program is back from the background, or that the network may be back: what waits for its next try, realtime
---connections, queued mutations and watches, tries now, within a tenth of a second. Calls that come closer than half a second
---count as one. A client for which `client:set_online(false)` was called goes on waiting. After `appsync.suspend`, events are
---delivered again, and each subscription that missed some says so as for `overflow = "drop_oldest"`.
---```lua
---client:query(list_todos)
---appsync.resumed() -- as from love.focus(true)
---```
---@return integer n_missed how many events subscriptions missed since `appsync.suspend`; 0 without one
function background.resumed()
  return dispatch.resumed()
end

return background
