---What a client has kept, read without waiting.
local core = require "appsync.core"
local errors = require "appsync.errors"

local cache = {}

local null = core.null
local SHOWN_PATHS = 3

---Whose partition a client reads and writes; nil: it keeps nothing.
---@param client appsync.Client
---@return string? identity
local function identity_of(client)
  local kept = client.root.settings.cache
  if not kept then return nil end
  if client.is_derived then return client.identity end
  return kept.identity
end

---Whether a call goes through the client's cache: one that brings its own identity has none.
---@param client appsync.Client
---@param options table of the call
---@return boolean
function cache.serves(client, options)
  return identity_of(client) ~= nil and options.auth == nil and options.headers == nil
end

---The core's cache of a client that keeps something, opened on first use.
---@param client appsync.Client
---@param where string
---@return appsync.core.Cache? cache, appsync.Error? err
function cache.open(client, where)
  local core_client, open_err = client.root:open()
  if not core_client then return nil, open_err end
  if client.cache then return client.cache end
  local opened, err = core_client:cache{ identity = identity_of(client) }
  client.cache = opened
  return opened, errors.of_core(err, where)
end

---The cache that a watch looks at.
---@param client appsync.Client
---@param where string
---@return appsync.core.Cache? cache, appsync.Error? err
function cache.ensure(client, where)
  if identity_of(client) == nil then errors.misuse("%s: this client has no store", where) end
  return cache.open(client, where)
end

---Reads what a plan selects.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@param is_partial boolean? what is there, also where something is missing
---@return any data nil when something is missing, string[]? missing paths, appsync.Error? err
function cache.read(client, plan, is_partial)
  local opened, open_err = cache.open(client, plan.where)
  if not opened then return nil, nil, open_err end
  local data, missing, err = opened:read{
    document = plan.document.core, operation_name = plan.options.operation_name, variables = plan.variables,
    partial = is_partial,
  }
  if err then return nil, nil, errors.of_core(err, plan.where) end
  if data == null then data = nil end
  return data, missing
end

---@param missing string[]
---@return appsync.Error
function cache.missing_error(missing)
  local shown = table.concat(missing, ", ", 1, math.min(#missing, SHOWN_PATHS))
  if #missing > SHOWN_PATHS then shown = ("%s and %d more"):format(shown, #missing - SHOWN_PATHS) end
  local err = errors.new("storage", "the cache does not have " .. shown)
  err.code = "missing"
  return err
end

return cache
