---Host adapters: other schedulers whose coroutines may be suspended.
local appsync = require "appsync"
local errors = require "appsync.errors"
local hosts = require "appsync.hosts"
local nginx = require "appsync.nginx"

local host = {}

local BY_NAME = { cqueues = true, copas = true, luv = true }

---@class appsync.HostAdapter
---@field current fun(): any a token for the running coroutine of that scheduler; nil when it may not be suspended
---@field suspend fun(token: any) suspends it until `resume`
---@field resume fun(token: any) schedules it; never runs it at once; also after another adapter was chosen

---Lets waiting calls suspend the coroutines of another scheduler. The named adapters drive the library while somebody
---waits (luv: while its loop runs); who has callbacks only, calls `appsync.update(0)` when `appsync.fd()` is readable.
---Tasks are suspended by the library, whatever the adapter: what yields to another scheduler fails there.
---@param adapter "cqueues"|"copas"|"luv"|appsync.HostAdapter|nil nil: none any more
function host.use(adapter)
  if adapter ~= nil then nginx.refuse "host.use" end
  if type(adapter) == "string" then
    if not BY_NAME[adapter] then
      errors.misuse("host.use: adapter must be \"cqueues\", \"copas\", \"luv\" or a table, got %s",
        (errors.describe(adapter)))
    end
    adapter = require("appsync.host." .. adapter).new(appsync)
  elseif adapter ~= nil then
    errors.expect(adapter, "adapter", "table", "host.use")
    for _, name in ipairs{ "current", "suspend", "resume" } do
      if type(adapter[name]) ~= "function" then
        errors.misuse("host.use: adapter.%s must be a function, got %s", name, (errors.describe(adapter[name])))
      end
    end
  end
  hosts.adapt(adapter)
end

return host
