---The hosts that are plugged in: who waits with a call that is made outside of our coroutines. The running coroutine decides:
---the adapter, which `appsync.host` has chosen, suspends those of its scheduler; all other places are the driver's, which
---`appsync` has chosen. A wait remembers who suspended its coroutine: several hosts' coroutines wait in one Lua state, and
---each is woken by its own.
local hosts = {}

---@class appsync.Host
---@field current (fun(): any)? a token for the running coroutine; nil when it isn't this host's to suspend
---@field suspend (fun(token: any))? suspends it until `resume`; called again when it comes back too early
---@field resume (fun(token: any))? schedules it; never runs it at once
---@field drive (fun(w: appsync.Wait))? of a driver: works until `w.done`, in a place where nobody can be suspended; may throw
---@field notice (fun())? of a driver: there is something to do, or sooner than it knew

---@type appsync.Host?
local driver
---@type appsync.Host?
local adapter

---@param host appsync.Host with `drive`
function hosts.plug(host)
  driver = host
end

---@param host appsync.Host? with `current`, `suspend` and `resume`; nil: none any more
function hosts.adapt(host)
  adapter = host
end

---Tells the driver that a routine has got ready, or that another timer is the next one.
function hosts.notice()
  if driver and driver.notice then driver.notice() end
end

-- False when the running coroutine isn't this host's.
local function suspend(host, w)
  local token = host and host.current and host.current()
  if token == nil then return false end
  w.host, w.token = host, token
  repeat host.suspend(token) until w.done
  return true
end

---Waits with a call that is made outside of our coroutines.
---@param w appsync.Wait
---@param is_in_task boolean a coroutine that a task resumes is nobody's to suspend, and an adapter couldn't tell it from its own
function hosts.wait(w, is_in_task)
  if is_in_task or not (suspend(adapter, w) or suspend(driver, w)) then driver.drive(w) end
end

return hosts
