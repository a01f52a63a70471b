---nginx, OpenResty included: what of its Lua module is there, and what may be done in which phase. A coroutine belongs to the
---request that made it, and only some phases can suspend one: nowhere else is anything waited for.
local core = require "appsync.core"
local errors = require "appsync.errors"

local nginx = {}

---Whether this is a process of nginx. What a process is doesn't change, so it is asked once.
nginx.is_here = core.is_nginx == true

local ngx = nginx.is_here and rawget(_G, "ngx") or nil
local get_phase = ngx and ngx.get_phase

-- The phases that suspend: their coroutines wait, and threads begin in them. TLS handshakes go on behind that in OpenResty's
-- nginx only, which is built with a patch; in another one the connection would just end.
local has_patches = ngx ~= nil and ngx.config.nginx_configure():find("--add-module=../ngx_lua-", 1, true) ~= nil
local SUSPENDING = {
  rewrite = true, server_rewrite = true, access = true, content = true, timer = true, preread = true,
  ssl_cert = has_patches, ssl_client_hello = has_patches, ssl_session_fetch = has_patches,
}

local DIRECTIVES = {
  ssl_cert = "ssl_certificate_by_lua*", ssl_client_hello = "ssl_client_hello_by_lua*",
  ssl_session_fetch = "ssl_session_fetch_by_lua*", ssl_session_store = "ssl_session_store_by_lua*",
}

---@return string phase as messages name it
function nginx.phase()
  local name = get_phase and get_phase() or "init"
  return DIRECTIVES[name] or name .. "_by_lua*"
end

---@return boolean whether this phase can suspend a coroutine, and begin a light thread
function nginx.suspends()
  return get_phase ~= nil and SUSPENDING[get_phase()] == true
end

---@return boolean
function nginx.is_timer()
  return get_phase ~= nil and get_phase() == "timer"
end

---@return boolean whether nothing runs beside this phase: the configuration is read
function nginx.is_starting()
  return get_phase == nil or get_phase() == "init"
end

---Throws under nginx. For what drives the library, which a handler has no part in.
---@param what string the call's name
---@param instead string
function nginx.refuse(what, instead)
  if not nginx.is_here then return end
  errors.misuse("%s: not available under nginx, whose event loop drives the library: %s", what, instead)
end

return nginx
