---What a client has kept, read without waiting.
local core = require "appsync.core"
local errors = require "appsync.errors"

local cache = {}

local null = core.null
local SHOWN_PATHS = 3

---Whether a call goes through the client's cache: one that brings its own identity has none.
---@param client appsync.Client
---@param options table of the call
---@return boolean
function cache.serves(client, options)
  if not client.root.settings.cache or client.is_derived then return false end
  return options.auth == nil and options.headers == nil
end

---Reads what a plan selects.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@param is_partial boolean? what is there, also where something is missing
---@return any data nil when something is missing, string[]? missing paths, appsync.Error? err
function cache.read(client, plan, is_partial)
  local handle, open_err = client.root:open()
  if not handle then return nil, nil, open_err end
  local data, missing, err = handle:read{
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
