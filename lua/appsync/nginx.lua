---nginx, OpenResty included. This version has no adapter for its event loop: a call that waits would block the worker and
---all its requests, and a task that another request's handler resumes ends the worker, because a coroutine of the Lua
---module belongs to the request that made it. So nothing is waited for, spawned or driven here.
local core = require "appsync.core"
local errors = require "appsync.errors"

local nginx = {}

---Whether this is a process of nginx. What a process is doesn't change, so it is asked once.
nginx.is_here = core.is_nginx == true

---Throws under nginx. Call it before anything is waited for, spawned or driven.
---@param what string the call's name
function nginx.refuse(what)
  if not nginx.is_here then return end
  errors.misuse("%s: not available under nginx: this version has no adapter for nginx's event loop; sign, gql, encode, "
    .. "decode and reading a configuration work there", what)
end

return nginx
