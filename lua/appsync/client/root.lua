---What the clients of one `appsync.client` call share: the core's client, opened on first use, and its ending.
local compat = require "appsync.compat"
local connection = require "appsync.client.connection"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local log = require "appsync.log"
local scheduler = require "appsync.scheduler"

local root = {}

---@class appsync.client.Root
---@field handle {core: appsync.core.Client?, id: integer?, runtime: appsync.core.Runtime?}
---@field connection appsync.Connection
---@field modes table<string, appsync.Auth>
---@field default_mode string?
---@field slots table<string, appsync.client.AuthSlot>
---@field region string?
---@field service string? that SigV4 signs for
---@field config_headers table|function|nil of the configuration
---@field headers table|function|nil
---@field log function?
---@field error_policy string?
---@field settings table for the core
local Root = {}
Root.__index = Root

---@param fields table of `settings.check`
---@return appsync.client.Root
function root.new(fields)
  local self = setmetatable(fields, Root)
  self.slots = {}
  self.handle = {}
  self.connection = connection.new(self)
  return self
end

---@return appsync.Error
local function closed_error()
  return errors.new("closed", "the client is closed")
end

-- Collection closes the core's client; the handle outlives the root for that.
local function guard(handle)
  return compat.on_collect(function()
    local core = handle.core
    if not core then return end
    handle.core = nil
    dispatch.remove_client(handle.runtime)
    core:close()
  end)
end

---@return appsync.core.Client? core, appsync.Error? err
function Root:open()
  if self.is_closing then return nil, closed_error() end
  local handle = self.handle
  if handle.core then return handle.core end
  local runtime, err = dispatch.runtime()
  if not runtime then return nil, err end
  local core, core_err = runtime:client(self.settings)
  if not core then return nil, errors.adopt(core_err) end
  handle.core, handle.id = core, core:id()
  self.sentinel = guard(handle)
  handle.runtime = dispatch.add_client(handle.id, self)
  if self.is_online ~= nil then self:set_online(self.is_online) end
  return core
end

---@param is_online boolean
function Root:set_online(is_online)
  self.is_online = is_online
  if not self.handle.core then return end
  local _, err = self.handle.core:set_online(is_online)
  errors.of_core(err)
end

function Root:on_connection(state, err)
  self.connection:set(state, err)
end

function Root:on_log(level, message, fields)
  log.emit(self.log, level, message, fields)
end

function Root:on_closed()
  local handle = self.handle
  if handle.core then
    handle.core = nil
    dispatch.forget(handle.id, self)
    dispatch.remove_client(handle.runtime)
  end
  self.is_closed = true
  self.connection:finish()
  local waits = self.close_waits or {}
  self.close_waits = nil
  for _, w in ipairs(waits) do scheduler.wake(w, true) end
end

---Everything outstanding is answered with kind "closed", then the core's client ends. Twice is legal.
---@param timeout number?
---@return true? closed, appsync.Error? err
function Root:close(timeout)
  if scheduler.computing then scheduler.check("client:close") end
  local is_first = not self.is_closing
  self.is_closing = true
  local core = self.handle.core
  if not core then
    if is_first then self:on_closed() end
    return true
  end
  if is_first then
    local _, refused = core:close()
    errors.of_core(refused)
  end
  scheduler.may_wait("client:close")
  local w = scheduler.new_wait()
  self.close_waits = self.close_waits or {}
  table.insert(self.close_waits, w)
  w.root = self
  local ok, err = scheduler.suspend(w, timeout, "client:close")
  if not ok then return nil, err end
  if dispatch.count() == 0 then dispatch.close_runtime(math.min(timeout or 1, 1)) end
  return true
end

root.closed_error = closed_error
return root
