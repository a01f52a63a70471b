---The options of a client's cache: their schema, and what the core is given for them.
local errors = require "appsync.errors"
local opts = require "appsync.opts"

local cache_options = {}

cache_options.SCHEMA = opts.schema{
  max_bytes = { "integer", min = 65536 },
  possible_types = { "table" },
  lookups = { "table" },
  key_args = { "table" },
  merge = { "table" },
  ttl = { "table" },
  subscription_nulls = { refuse = "isn't available in this version" },
}

-- A map of names to lists of names.
local function check_lists(map, where, key_pattern, key_form)
  for key, list in pairs(map or {}) do
    if type(key) ~= "string" or not key:match(key_pattern) then
      errors.misuse("%s: %s is no %s", where, (errors.describe(key)), key_form)
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

local TYPE, FIELD = "^[_%a][_%w]*$", "^[_%a][_%w]*%.[_%a][_%w]*$"

local function check_words(map, where, accepts, what)
  for key, word in pairs(map or {}) do
    if type(key) ~= "string" or not key:match(FIELD) then
      errors.misuse("%s: %s is no Type.field, such as Query.listPosts", where, (errors.describe(key)))
    end
    if not accepts(word) then errors.misuse("%s.%s: must be %s, got %s", where, key, what, (errors.describe(word))) end
  end
  return map
end

local function check_times(map, where)
  for key, seconds in pairs(map or {}) do
    if type(key) ~= "string" or not key:match(TYPE) then errors.misuse("%s: %s is no name of a type", where, (errors.describe(key))) end
    if type(seconds) ~= "number" or not (seconds > 0) then
      errors.misuse("%s.%s: must be seconds above 0, got %s", where, key, (errors.describe(seconds)))
    end
  end
  return map
end

local function is_type(word) return type(word) == "string" and word:match(TYPE) ~= nil end
local function is_connection(word) return word == "connection" end

-- Pages are told apart by everything but the page.
local function page_keys(cache, where)
  for field in pairs(cache.merge or {}) do
    if not (cache.key_args or {})[field] then
      errors.misuse("%s: cache.merge.%s needs cache.key_args.%s: the arguments that tell lists apart, without nextToken and limit",
        where, field, field)
    end
  end
end

---@param options table checked options of a client
---@param where string
---@return table? cache for the core; nil: the client has no store
function cache_options.check(options, where)
  local store = options.store
  if store == nil or store == false then
    for _, name in ipairs{ "cache", "keys", "key_prefix", "identity" } do
      if options[name] ~= nil then errors.misuse("%s: %s needs a store", where, name) end
    end
    return nil
  end
  if type(store) ~= "string" then errors.misuse("%s: store must be the path of a file, or false, got true", where) end
  if store == "" or store == ":memory:" then errors.misuse("%s: store: %q isn't available in this version", where, store) end
  local cache = options.cache or {}
  page_keys(cache, where)
  return {
    path = store, key_prefix = options.key_prefix or "", identity = options.identity or "", max_bytes = cache.max_bytes,
    keys = check_lists(options.keys, where .. ": keys", TYPE, "name of a type"),
    possible_types = check_lists(cache.possible_types, where .. ": cache.possible_types", TYPE, "name of a type"),
    key_args = check_lists(cache.key_args, where .. ": cache.key_args", FIELD, "Type.field, such as Query.listPosts"),
    merge = check_words(cache.merge, where .. ": cache.merge", is_connection, '"connection"'),
    ttl = check_times(cache.ttl, where .. ": cache.ttl"),
    lookups = check_words(cache.lookups, where .. ": cache.lookups", is_type, "the name of a type"),
  }
end

return cache_options
