---Hot reload of who may ask: when a file changes, the keys and users in it hold from then on, or it is said why not and
---those from before hold on. Connections stay.
local printable = require "appsync.printable"
local watch = require "appsync.server.develop.watch"

---@class appsync.server.AuthReload
---@field private source appsync.server.AuthSource
---@field private authorize appsync.server.Authorize
---@field private say fun(text: string) whole lines for people
---@field private watch appsync.server.Watch
local AuthReload = {}
AuthReload.__index = AuthReload

local auth_reload = {}

---@param settings {source: appsync.server.AuthSource, authorize: appsync.server.Authorize, say: fun(text: string), interval_s: number?}
---@return appsync.server.AuthReload
function auth_reload.new(settings)
  return setmetatable({
    source = settings.source, authorize = settings.authorize, say = settings.say,
    watch = watch.new({ paths = function() return settings.source:files() end, interval_s = settings.interval_s }),
  }, AuthReload)
end

---@private
function AuthReload:apply()
  local text, message = self.source:read()
  if text then
    local ok
    ok, message = self.authorize:renew({ file = text.auth, jwt_keys = text.jwt_keys })
    message = not ok and ("%s: %s"):format(self.source:files()[1], message) or nil
  end
  self.watch:learn()
  if message then
    self.say(printable.escaped(message) .. "\nnot reloaded: the keys and users from before hold on\n")
  else
    self.say(("reloaded %s\n"):format(printable.escaped(self.source:files()[1])))
  end
end

---Looks at the files when it is time to, and reloads what has changed.
---@param now number
---@return number wait_s until it wants to be called again
function AuthReload:tick(now)
  local is_due, wait_s = self.watch:tick(now)
  if is_due then self:apply() end
  return wait_s
end

return auth_reload
