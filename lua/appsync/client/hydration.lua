---Waiting until a client's store is open.
local cache = require "appsync.client.cache"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local scheduler = require "appsync.scheduler"

local hydration = {}

local function forget(w)
  dispatch.forget(w.id, w)
end

local function look(opened, w, timeout, where)
  local id, err = opened:look()
  if not id then return nil, errors.of_core(err, where) end
  w.id, w.on_drop = id, forget
  dispatch.expect(id, w)
  return scheduler.suspend(w, timeout, where)
end

---@param client appsync.Client
---@param options {timeout: number?}
---@param where string the call that waits
---@return true? ok, appsync.Error? err why it can't be used
function hydration.wait(client, options, where)
  scheduler.may_wait(where)
  if not cache.is_kept(client) then return true end
  local opened, open_err = cache.open(client, where)
  if not opened then return nil, open_err end
  local w = scheduler.new_wait()
  client.root:enter(w)
  local ok, err = look(opened, w, options.timeout, where)
  client.root:leave(w)
  if ok or err.kind == "storage" then client.root.is_hydrated = true end
  return ok, err
end

return hydration
