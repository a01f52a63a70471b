---Watches that ask the network again and again.
local timer = require "appsync.timer"

local polling = {}

---Asks in the watch's interval, if it has one, until `stop`. Nobody is told before there is something other.
---@param live appsync.client.Watched
---@param fetch fun(live: appsync.client.Watched)
function polling.start(live, fetch)
  local seconds = live.plan.options.poll
  if not seconds then return end
  live.timer = timer.after(seconds, function()
    live.timer = nil
    if not live.loading then fetch(live) end
    polling.start(live, fetch)
  end)
end

---@param live appsync.client.Watched
function polling.stop(live)
  if live.timer then timer.cancel(live.timer) end
  live.timer = nil
end

return polling
