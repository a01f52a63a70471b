-- Drives the library until something is so.
local appsync = require "appsync"
local core = require "appsync.core"

local BOUND = 10 * require "spec.support.patience"

--- What `fn` gives as soon as that is true. Fails after ten seconds, with a sanitizer forty, with `what` and what `log()` gives.
---@param fn fun(): any
---@param what string?
---@param log (fun(): string)?
return function(fn, what, log)
  local give_up = core.now() + BOUND
  while true do
    local result = fn()
    if result then return result end
    if core.now() > give_up then error(("waited too long for %s\n%s"):format(what or "it", log and log() or ""), 2) end
    appsync.sleep(0.005)
  end
end
