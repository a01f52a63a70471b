---What a client has kept, read without waiting.
local asking = require "appsync.client.asking"
local core = require "appsync.core"
local errors = require "appsync.errors"
local headers = require "appsync.client.headers"
local light = require "appsync.light"
local opts = require "appsync.opts"
local queue = require "appsync.client.queue"
local readings = require "appsync.client.readings"
local stores = require "appsync.client.stores"

local cache = {}

local null = core.null
local SHOWN_PATHS = 3

---Whether a client keeps anything: it has a store, or a cache in memory by now. One of `client:with` does so only under an
---identity.
---@param client appsync.Client
---@return boolean
function cache.is_kept(client)
  return client.root.has_cache and (not client.is_derived or client.identity ~= nil)
end

-- Whether headers of a call may say who asks: those of a function are known too late.
local function may_authenticate(given)
  if given == nil then return false end
  return opts.is_callable(given) or headers.have_secrets(given)
end

---Whether a call goes through the client's cache: one that brings its own identity has none.
---@param client appsync.Client
---@param options table of the call
---@return boolean
function cache.serves(client, options)
  return cache.is_kept(client) and options.auth == nil and not may_authenticate(options.headers)
end

---Whose partition a client reads and writes.
---@param client appsync.Client
---@return string? identity, appsync.Error? err
function cache.identity_of(client)
  if client.is_derived then return client.identity end
  return client.root:own_identity()
end

---The core's cache of a client that keeps something, opened on first use.
---@param client appsync.Client
---@param where string
---@return appsync.core.Cache? cache, appsync.Error? err
function cache.open(client, where)
  local core_client, open_err = client.root:open()
  if not core_client then return nil, open_err end
  if client.cache then return client.cache end
  local identity, identity_err = cache.identity_of(client)
  if not identity then return nil, identity_err end
  client.claim = stores.claim(client.root, identity, where)
  local opened, err = core_client:cache{ identity = identity, follows = stores.follows(client.claim) }
  if not opened then return nil, errors.of_core(err, where) end
  if queue.is_kept(client) then
    local queued, queue_err = queue.open(client, identity, opened)
    if not queued then return nil, queue_err end
  end
  client.cache, client.readings = opened, readings.new(opened)
  return opened
end

---The same for what can't do without one: a light client keeps what is read from now on, in memory. Throws for a client that
---was made to keep nothing.
---@param client appsync.Client
---@param where string
---@return appsync.core.Cache? cache, appsync.Error? err
function cache.ensure(client, where)
  if client.is_derived and client.identity == nil then
    errors.misuse("%s: a client made by client:with has a cache only with an identity", where)
  end
  if not cache.is_kept(client) and not client.root:ensure_cache() then
    light.refuse(where)
    errors.misuse("%s: this client was made with store = false and keeps nothing", where)
  end
  return cache.open(client, where)
end

---Reads what a plan selects.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@param is_partial boolean? what is there, also where something is missing
---@param max_bytes integer? nil: any
---@param is_exact boolean? temporary ids in the variables are taken as they are
---@return any data JSON text for a plan that wants that; nil when something is missing, string[]? missing paths, appsync.Error? err
---@return boolean? has_expired some record of it has to be asked for again
---@return boolean? is_large it has more bytes than that, and wasn't read
function cache.read(client, plan, is_partial, max_bytes, is_exact)
  local opened, open_err = cache.open(client, plan.where)
  if not opened then return nil, nil, open_err end
  local reading = client.readings:of_query(plan.document, plan.operation)
  local get = plan.options.result == "json" and reading.text or reading.read
  local data, missing, err, has_expired, is_large = get(reading, plan.variables, is_partial, nil, max_bytes, is_exact)
  if err then return nil, nil, errors.of_core(err, plan.where) end
  if data == null then data = nil end
  return data, missing, nil, has_expired, is_large
end

---Writes what a plan selects.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@param data table
---@return true? written, appsync.Error? err
function cache.write(client, plan, data)
  local opened, open_err = cache.open(client, plan.where)
  if not opened then return nil, open_err end
  local ok, err = asking.write(client.root, opened, {
    document = plan.document.core, operation_name = plan.options.operation_name, variables = plan.variables, data = data,
  })
  return ok, errors.of_core(err, plan.where)
end

---@param missing string[] paths
---@return appsync.Error of kind "storage" and code "missing", with the paths as `missing`
function cache.missing_error(missing)
  local shown = table.concat(missing, ", ", 1, math.min(#missing, SHOWN_PATHS))
  if #missing > SHOWN_PATHS then shown = ("%s and %d more"):format(shown, #missing - SHOWN_PATHS) end
  return errors.new("storage", "the cache does not have " .. shown, { code = "missing", missing = missing })
end

---@return appsync.Error of kind "storage" and code "missing": of a call that no cache serves
function cache.no_cache_error()
  return errors.new("storage", "there is no cache for this call: the client has no store, or the call has an identity of "
    .. "its own", { code = "missing" })
end

return cache
