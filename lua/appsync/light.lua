---The light build of the core (`make build LIGHT=1`): queries and mutations over HTTP, signing; no store and no realtime.
local core = require "appsync.core"
local errors = require "appsync.errors"

local light = {}

---Whether the core is that one.
light.is_here = core.is_light == true

---Throws in the light build.
---@param what string the call's name, or the option's
function light.refuse(what)
  if not light.is_here then return end
  errors.misuse("%s: not in the light build of appsync, which has no store, no cache and no subscriptions; the full build "
    .. "has them (make build without LIGHT=1)", what)
end

return light
