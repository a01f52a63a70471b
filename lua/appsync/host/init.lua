---Host adapters: other schedulers whose coroutines may be suspended.
require "appsync"
local errors = require "appsync.errors"
local hosts = require "appsync.hosts"
local nginx = require "appsync.nginx"
local opts = require "appsync.opts"
local script = require "appsync.host.script"

local host = {}

---@class appsync.HostDriver what the named adapters drive the library with
---@field serve fun(): boolean
---@field has_ready fun(): boolean
---@field try_fd fun(): integer? nil: no descriptor is left for it
---@field fd fun(): integer the same, raises what keeps the library from having one
local driver = { serve = script.serve, has_ready = script.has_ready, try_fd = script.fd }

function driver.fd()
  local fd, err = script.fd()
  if not fd then error(tostring(err), 0) end
  return fd
end

local BY_NAME = { cqueues = true, copas = true, luv = true }

---@class appsync.HostAdapter
---@field current fun(): any a token for the running coroutine of that scheduler; nil when it may not be suspended
---@field suspend fun(token: any) suspends it until `resume`
---@field resume fun(token: any) schedules it, never runs it at once; still called after another adapter was chosen
---@field carry (fun(go_on: fun(...), ...): boolean)? takes over what a task yielded to that scheduler, and later calls `go_on`
---with the answer; false when it can't, which fails the task

---Lets waiting calls suspend the coroutines that another scheduler's loop resumes. In any other coroutine, such as a generator,
---a call drives the library until its result is there. The named adapters drive the library while the scheduler's loop runs,
---even when nothing waits, and don't keep that loop from ending; copas must be 4.4 or later. With an adapter
---of your own, call `appsync.update(0)` whenever `appsync.fd()` is readable.
---
---The library itself suspends tasks. In a task, cqueues' own calls may wait, and so may those of copas that sleep; any other
---yield fails the task with an error that names the scheduler.
---```lua
---local cqueues = require "cqueues"
---require("appsync.host").use "cqueues"
---local loop = cqueues.new()
---loop:wrap(function()
---  local data = appsync.assert(client:query(list_todos)) -- the loop's other coroutines run meanwhile
---  print(#data.listTodos.items) --> 1
---end)
---assert(loop:loop())
---```
---@param adapter "cqueues"|"copas"|"luv"|appsync.HostAdapter|nil nil: none
function host.use(adapter)
  if adapter ~= nil then nginx.refuse("host.use", "it needs no adapter") end
  if type(adapter) == "string" then
    if not BY_NAME[adapter] then
      errors.misuse("host.use: adapter must be \"cqueues\", \"copas\", \"luv\" or a table, got %s",
        (errors.describe(adapter)))
    end
    adapter = require("appsync.host." .. adapter).new(driver)
  elseif adapter ~= nil then
    errors.expect(adapter, "adapter", "table", "host.use")
    for _, name in ipairs{ "current", "suspend", "resume" } do
      opts.expect_callable(adapter[name], "adapter." .. name, "host.use")
    end
    if adapter.carry ~= nil then opts.expect_callable(adapter.carry, "adapter.carry", "host.use") end
  end
  hosts.adapt(adapter)
end

return host
