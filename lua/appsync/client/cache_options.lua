---The options of a client's store and cache: their schemas, and what the core is given for them.
local core = require "appsync.core"
local errors = require "appsync.errors"
local light = require "appsync.light"
local love_files = require "appsync.love_files"
local opts = require "appsync.opts"

local cache_options = {}

local NO_STORAGE = "isn't supported: a durable queue needs transactions, which no custom storage engine has; give store a "
  .. "path or \":memory:\", and key_prefix for several clients in one file"
local NO_ENCRYPTION = "isn't supported: it needs SQLCipher, and Debian's is too old; keep the store on an encrypted file "
  .. "system, or give store = \":memory:\""

cache_options.CACHE = opts.schema{
  max_bytes = { "integer", min = 65536 },
  possible_types = { "table" },
  lookups = { "table" },
  key_args = { "table" },
  merge = { "table" },
  ttl = { "table" },
  subscription_nulls = { "string", values = { "keep", "write" } },
  data_id_from_object = { "callable" },
}

cache_options.OFFLINE = opts.schema{
  storage = { refuse = NO_STORAGE },
  callback = { "callable" },
  key_prefix = { "string", is_line = true },
}

-- AWS: disableOffline = true is store = false.
local function store_of_disable_offline(value, where)
  if type(value) ~= "boolean" then
    errors.misuse("%s: disableOffline must be boolean, got %s", where, (errors.describe(value)))
  end
  if value then return false end
end

---Fields of the schema of `appsync.client`.
cache_options.FIELDS = {
  store = {
    "string", "boolean", also = { "disableOffline" }, convert = { disableOffline = store_of_disable_offline },
    is_line = true,
  },
  key_prefix = { "string", is_line = true },
  identity = { "string", "callable", is_line = true },
  keys = { "table" },
  cache = { "table", fields = cache_options.CACHE, also = { "cacheOptions" } },
  offline = { "table", fields = cache_options.OFFLINE, also = { "offlineConfig" } },
  data_id_from_object = { "callable" },
  seed = { "string", is_line = true },
  reopen = { "boolean" },
  encryption_key = { refuse = NO_ENCRYPTION },
}

-- A map of names to lists of names.
local function check_lists(map, where, key_pattern, key_form)
  for key, list in pairs(map or {}) do
    if type(key) ~= "string" or not key:match(key_pattern) then
      errors.misuse("%s: a key must be %s, got %s", where, key_form, (errors.describe(key)))
    end
    if type(list) ~= "table" then errors.misuse("%s.%s: must be a list of names, got %s", where, key, (errors.describe(list))) end
    for i, name in ipairs(list) do
      if type(name) ~= "string" or name == "" then
        errors.misuse("%s.%s[%d]: must be a name, got %s", where, key, i, (errors.describe(name)))
      end
    end
  end
  return map
end

-- Each is a field, or a path such as "author.name".
local function check_key_fields(keys, where)
  for key, list in pairs(keys or {}) do
    if #list == 0 and next(list) ~= nil then
      errors.misuse('%s.%s: must be a list of fields, as {"id"}, or {} for a type without an identity', where, key)
    end
    for i, path in ipairs(list) do
      if not ("." .. path):gsub("%.[_%a][_%w]*", ""):match "^$" then
        errors.misuse('%s.%s[%d]: must be a field or a path of fields, as in "author.name", got %s', where, key, i,
          (errors.describe(path)))
      end
    end
  end
  return keys
end

local TYPE, FIELD = "^[_%a][_%w]*$", "^[_%a][_%w]*%.[_%a][_%w]*$"
local A_TYPE, A_FIELD = "the name of a type", "Type.field, such as Query.listPosts"

-- A map of names to single values.
local function check_values(map, where, key_pattern, key_form, accepts, what)
  for key, value in pairs(map or {}) do
    if type(key) ~= "string" or not key:match(key_pattern) then
      errors.misuse("%s: a key must be %s, got %s", where, key_form, (errors.describe(key)))
    end
    if not accepts(value) then errors.misuse("%s.%s: must be %s, got %s", where, key, what, (errors.describe(value))) end
  end
  return map
end

local function is_type(word) return type(word) == "string" and word:match(TYPE) ~= nil end
local function is_merge(given) return given == "connection" or opts.is_callable(given) end
local function is_time(seconds) return type(seconds) == "number" and seconds > 0 end

-- Pages are told apart by everything but the page.
local function page_keys(cache, where)
  for field, merge in pairs(cache.merge or {}) do
    if merge == "connection" and not (cache.key_args or {})[field] then
      errors.misuse("%s: cache.merge.%s needs cache.key_args.%s: the arguments that tell lists apart, without nextToken and limit",
        where, field, field)
    end
  end
end

local function key_prefix_of(options, where)
  local of_offline = options.offline and options.offline.key_prefix
  if of_offline and options.key_prefix then
    errors.misuse("%s: \"key_prefix\" and \"offlineConfig.keyPrefix\" are the same option; give one of them", where)
  end
  return of_offline or options.key_prefix or ""
end

-- Which fields are merged by functions, and what the core is told of all of them.
local function merges_of(cache, where)
  local functions, words
  for field, merge in pairs(check_values(cache.merge, where, FIELD, A_FIELD, is_merge, '"connection" or a function') or {}) do
    words = words or {}
    words[field] = merge == "connection" and merge or "function"
    if merge ~= "connection" then
      functions = functions or {}
      functions[field] = merge
    end
  end
  return words, functions
end

local function identity_function_of(options, cache, where)
  if options.data_id_from_object and cache.data_id_from_object then
    errors.misuse("%s: \"data_id_from_object\" and \"cacheOptions.dataIdFromObject\" are the same option; give one of them", where)
  end
  return options.data_id_from_object or cache.data_id_from_object
end

-- The arguments of a field are no object, so that nothing can be asked about them.
local function check_lookups(cache, keys, where)
  for field, typename in pairs(cache.lookups or {}) do
    if not (keys or {})[typename] then
      errors.misuse("%s: cache.lookups.%s needs keys.%s beside data_id_from_object: the fields that its arguments stand for",
        where, field, typename)
    end
  end
end

-- From here on the program may change its working directory.
local function path_of(given, name, where)
  local path, err = core.resolve(given)
  if not path then errors.misuse("%s: %s: %s", where, name, err.message) end
  return path
end

local function seed_of(seed, where)
  if seed == nil then return nil end
  local path, message = love_files.opened(seed)
  if not path then errors.misuse("%s: seed: %s", where, message) end
  return path_of(path, "seed", where)
end

local function place_of(options, where)
  local store = options.store
  if store == true then errors.misuse("%s: store must be the path of a file, \":memory:\" or false, got true", where) end
  if store == "" then errors.misuse("%s: store: a path has at least one character", where) end
  if options.seed == "" then errors.misuse("%s: seed: a path has at least one character", where) end
  if options.seed ~= nil and store == nil then errors.misuse("%s: seed needs a store", where) end
  if store == ":memory:" or not store then return nil end
  return path_of(love_files.saved(store), "store", where)
end

---@class appsync.CacheOptions
---@field max_bytes integer? size on disk, above which the records unused for longest leave
---@field ttl table<string, number>? seconds by type, after which a record is fetched again
---@field key_args table<string, string[]>? by field, as in ["Query.listPosts"] = {"blogId"}: the arguments that tell its values
---apart; default: all of them
---@field merge table<string, "connection"|fun(existing: any, incoming: any, details: appsync.MergeDetails): any>? by field.
---"connection": a page that continues another one is appended to its `items`. A function gets the kept value, nil if there is
---none, and the incoming one, both in the form that `client:modify` gives: records as `{__ref = "Post:1"}`; what it returns is
---kept instead. It must not wait, and must return the same for the same values: it is called again if the kept value has changed
---meanwhile. If it fails, that is logged once, and the incoming value replaces the kept one. Functions merge only fields of
---records and of the root
---@field possible_types table<string, string[]>? by interface or union: its types
---@field lookups table<string, string>? by field, as in ["Query.getPost"] = "Post": its arguments identify a record of that type
---@field data_id_from_object (fun(object: table): string?)? see `ClientOptions`
---@field subscription_nulls "keep"|"write"|nil "write": a null in a subscription's event is a known null. By default it changes
---nothing, because AppSync delivers null for whatever the mutation didn't select

---@param options table checked options of a client
---@param where string
---@return table root fields of the client's root: `identity`, `has_store`, `has_cache`, `reopen`, `data_id_from_object`, `keys`,
---`merge_functions`
---@return table? cache for the core; nil: nothing is ever kept
function cache_options.check(options, where)
  local cache, store = options.cache or {}, options.store
  if light.is_here then
    if store then light.refuse(where .. ": store") end
    store = false
  end
  local root = { identity = options.identity or "", has_store = store ~= nil and store ~= false, reopen = options.reopen }
  root.has_cache = root.has_store
  root.data_id_from_object, root.keys = identity_function_of(options, cache, where), options.keys
  local words
  words, root.merge_functions = merges_of(cache, where .. ": cache.merge")
  local settings = {
    path = place_of(options, where), seed = seed_of(options.seed, where),
    key_prefix = key_prefix_of(options, where),
    max_bytes = cache.max_bytes, subscription_nulls = cache.subscription_nulls == "write",
    asks_identity = root.data_id_from_object ~= nil,
    keys = check_key_fields(check_lists(options.keys, where .. ": keys", TYPE, A_TYPE), where .. ": keys"),
    possible_types = check_lists(cache.possible_types, where .. ": cache.possible_types", TYPE, A_TYPE),
    key_args = check_lists(cache.key_args, where .. ": cache.key_args", FIELD, A_FIELD),
    ttl = check_values(cache.ttl, where .. ": cache.ttl", TYPE, A_TYPE, is_time, "seconds above 0"),
    merge = words,
    lookups = check_values(cache.lookups, where .. ": cache.lookups", FIELD, A_FIELD, is_type, "the name of a type"),
  }
  page_keys(cache, where)
  if root.data_id_from_object then check_lookups(cache, options.keys, where) end
  return root, store ~= false and settings or nil
end

return cache_options
