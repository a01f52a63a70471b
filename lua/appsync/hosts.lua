---The hosts that are plugged in: who waits with a call that is made outside of our coroutines. The running coroutine decides:
---the adapter, which `appsync.host` has chosen, suspends those of its scheduler; all other places are the driver's, which
---`appsync` has chosen. A wait remembers who suspended its coroutine: several hosts' coroutines wait in one Lua state, and
---each is woken by its own.
local compat = require "appsync.compat"

local hosts = {}

---@class appsync.Host
---@field name string? of the scheduler's module
---@field current (fun(): any)? a token for the running coroutine; nil when it isn't this host's to suspend
---@field suspend (fun(token: any))? suspends it until `resume`; called again when it comes back too early
---@field resume (fun(token: any))? schedules it; never runs it at once
---@field carry (fun(go_on: fun(...), ...): boolean)? takes over what a task has yielded to this scheduler: `go_on` with
---what that answers, not at once; false when it can't
---@field drive (fun(w: appsync.Wait))? of a driver: works until `w.done`, in a place where nobody can be suspended; may throw
---@field notice (fun())? of a driver: there is something to do, or sooner than it knew
---@field glance (fun())? of a driver: one turn, without waiting
---@field take_in (fun())? of a driver: what has come is handed out; nothing runs
---@field holds_frame (fun(): boolean)? of a driver: a call that waits in this place holds up a game's frame
---@field settle (fun())? of a driver: its thread is about to do something else
---@field opened (fun(runtime: appsync.core.Runtime))? of a driver: there is a new runtime, whose events are to be taken

---@type appsync.Host?
local driver
---@type appsync.Host?
local adapter
---@type appsync.Wait? what blocks its place, the innermost first
local driven

---@param host appsync.Host with `drive`
function hosts.plug(host)
  driver = host
end

---@param host appsync.Host? with `current`, `suspend` and `resume`; nil: none any more
function hosts.adapt(host)
  adapter = host
end

---@param host appsync.Host?
---@return boolean whether it is the adapter
function hosts.is_in_use(host)
  return adapter ~= nil and adapter == host
end

---Tells the driver that a routine has got ready, or that another timer is the next one.
function hosts.notice()
  if driver and driver.notice then driver.notice() end
end

---Works for one turn, outside of our coroutines.
function hosts.glance()
  if driver and driver.glance then driver.glance() end
end

---Takes in what has come, in one of our coroutines.
function hosts.take_in()
  if driver and driver.take_in then driver.take_in() end
end

---Whether a call that waits here, outside of our coroutines, holds up a game's frame.
---@return boolean
function hosts.hold_frame()
  return not hosts.suspends() and driver ~= nil and driver.holds_frame ~= nil and driver.holds_frame()
end

---Tells the core what it should know before somebody else goes on.
function hosts.settle()
  if driver and driver.settle then driver.settle() end
end

---Has a semaphore posted, behind what the host's loop has to do now.
---@return boolean taken
function hosts.give_way(sema)
  return driver ~= nil and driver.give_way ~= nil and driver.give_way(sema)
end

---@param runtime appsync.core.Runtime
function hosts.opened(runtime)
  if driver and driver.opened then driver.opened(runtime) end
end

local function token_of(host)
  return host and host.current and host.current()
end

---Whether a host would suspend the running coroutine, which isn't ours.
---@return boolean
function hosts.suspends()
  return token_of(adapter) ~= nil or token_of(driver) ~= nil
end

---Whether the running coroutine may be another scheduler's.
---@return boolean
function hosts.may_suspend()
  return adapter ~= nil and compat.running() ~= nil
end

-- False when the running coroutine isn't this host's.
local function suspend(host, w)
  local token = token_of(host)
  if token == nil then return false end
  w.host, w.token = host, token
  hosts.settle()
  repeat host.suspend(token) until w.done
  return true
end

-- While a place is blocked, so is the loop that it stands in.
local function drive(w)
  w.outer, driven = driven, w
  local ok, raised = pcall(driver.drive, w)
  driven = w.outer
  if not ok then error(raised, 0) end
end

---@return fun(): appsync.Wait? of the waits that block their places
function hosts.each_driven()
  local at = { outer = driven }
  return function()
    at = at.outer
    return at
  end
end

---Waits with a call that is made outside of our coroutines.
---@param w appsync.Wait
---@param is_in_task boolean a coroutine that a task resumes is nobody's to suspend, and an adapter couldn't tell it from its own
function hosts.wait(w, is_in_task)
  local is_cut = is_in_task or (compat.running() and not compat.is_yieldable())
  if is_cut or not (suspend(adapter, w) or suspend(driver, w)) then drive(w) end
end

---Hands what a task has yielded to the adapter's scheduler, whose loop has to go on meanwhile.
---@param go_on fun(...)
---@param ... any what was yielded
---@return boolean taken
function hosts.carry(go_on, ...)
  if not adapter or not adapter.carry then return false end
  return adapter.carry(go_on, ...)
end

local LOOPS = { "cqueues", "copas", "luv" }

---The scheduler that a foreign yield was probably meant for, in quotes.
---@param tag any what was yielded first
---@return string? names
function hosts.loop_of(tag)
  local cqueues = package.loaded.cqueues
  if type(cqueues) == "table" and tag ~= nil and tag == cqueues._POLL then return '"cqueues"' end
  if adapter and adapter.name then return '"' .. adapter.name .. '"' end
  local names = {}
  for _, name in ipairs(LOOPS) do
    if package.loaded[name] then names[#names + 1] = '"' .. name .. '"' end
  end
  if #names > 0 then return table.concat(names, " or ") end
end

return hosts
