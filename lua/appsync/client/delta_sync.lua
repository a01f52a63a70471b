---`client:sync`: its documents are checked, and the core begins.
local auth = require "appsync.client.auth"
local cache = require "appsync.client.cache"
local errors = require "appsync.errors"
local headers = require "appsync.client.headers"
local light = require "appsync.light"
local local_cache = require "appsync.client.local_cache"
local log = require "appsync.log"
local running_sync = require "appsync.client.running_sync"
local sync_handle = require "appsync.client.sync_handle"
local sync_options = require "appsync.client.sync_options"
local sync_requirements = require "appsync.client.sync_requirements"
local synced_queries = require "appsync.client.synced_queries"
local variables_of = require "appsync.client.variables"

local delta_sync = {}

local WHERE = "client:sync"

local function check_cache(client)
  if client.is_derived and client.identity == nil then
    errors.misuse("%s needs a cache: a client made by client:with has one only with an identity", WHERE)
  end
  if not cache.is_kept(client) and not client.root:ensure_cache() then
    errors.misuse("%s needs a cache: this client was made with store = false and keeps nothing", WHERE)
  end
end

-- What the variable is called that takes what an argument of the root field is for.
local function variable_for(part, argument)
  return part.selection.given[argument] or (part.selection.used[argument] and argument) or nil
end

---@return appsync.core.SyncPart?
local function core_part(part)
  if not part then return nil end
  local is_query = part.what ~= "subscription"
  return {
    document = part.document.core, operation_name = part.options.operation_name,
    variables = part.variables, has_update = part.update ~= nil, has_page = part.page ~= nil,
    limit_variable = is_query and variable_for(part, "limit") or nil,
    token_variable = is_query and variable_for(part, "nextToken") or nil,
  }
end

---@return integer? sync, appsync.Error? err
local function start(running, settings, opened, all_headers)
  local parts, given = settings.parts, settings.given
  local id, err = opened:sync{
    base = core_part(parts.base), delta = core_part(parts.delta),
    subscription = core_part(parts.subscription), typename = given.typename, id_fields = settings.id_fields,
    version_field = given.version_field, interval = settings.interval, delta_window = settings.delta_window,
    last_sync_unit = settings.last_sync_unit, poll = settings.poll, page_size = settings.page_size, max_records = given.max_records,
    has_cache_updates = given.cache_updates ~= nil, auth = running.slot.id, headers = all_headers,
    asks_headers = headers.are_dynamic(running.sources),
  }
  return id, errors.of_core(err, WHERE)
end

---@return true? begun, appsync.Error? err
local function begin(client, running, settings)
  local opened, err = cache.open(client, WHERE)
  if not opened then return nil, err end
  running.core, running.kept = opened, local_cache.new(opened, "cache", client.root, client.readings)
  running.sources = client:header_sources(settings.headers)
  local is_dynamic, all_headers = headers.are_dynamic(running.sources), nil
  if not is_dynamic then all_headers, err = headers.of(running.sources) end
  if err then return nil, err end
  running.slot, err = auth.slot_for(client, { auth_mode = settings.auth_mode }, headers.authenticate(all_headers), is_dynamic)
  if not running.slot then return nil, err end
  local id, start_err = start(running, settings, opened, all_headers)
  if not id then return nil, start_err end
  running:begin(id)
  return true
end

local function watch_for_readers(client, running)
  local base = running.parts.base
  if not base or running.is_over then return end
  local query = synced_queries.add(client, base)
  running.on_finish = function() synced_queries.remove(client.root, query) end
end

---@param client appsync.Client
---@param options appsync.SyncOptions
---@return appsync.Sync
function delta_sync.start(client, options)
  light.refuse(WHERE)
  local settings = sync_options.check(options, WHERE)
  sync_requirements.check(settings, settings.id_fields)
  sync_requirements.check_identity(settings, client.root)
  check_cache(client)
  for _, part in pairs(settings.parts) do variables_of.tell(part, client.root.log) end
  for _, warning in ipairs(sync_requirements.warnings(settings)) do log.emit(client.root.log, "warn", warning) end
  local running = running_sync.new(client, settings)
  local begun, err = begin(client, running, settings)
  if not begun then running:stop(err) end
  watch_for_readers(client, running)
  return sync_handle.new(running)
end

return delta_sync
