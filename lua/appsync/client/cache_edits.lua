---Runs rules (client/cache_rules.lua) for what a mutation has brought, or will. A list of records is edited where it stands:
---an optimistic layer then holds the edit, and not the list. What has no identity is written with its query.
local appsync_core = require "appsync.core"
local document = require "appsync.document"
local json = require "appsync.json"
local list_place = require "appsync.client.list_place"
local printable = require "appsync.printable"
local record_list = require "appsync.client.record_list"
local temporary_ids = require "appsync.client.temporary_ids"
local updates = require "appsync.updates"

local cache_edits = {}

local null = json.null

---What one rule is about.
---@class appsync.client.RuleRun
---@field cache appsync.Cache
---@field core appsync.core.Cache
---@field rule appsync.CacheRule
---@field item table
---@field id any of the item
---@field identity string? of the item
---@field data table of the query
---@field is_whole boolean nothing of the data is missing
---@field root_field string
---@field tell fun(message: string)

-- Whether what is missing is in the list's items only: then the list itself is known.
local function is_in_list(missing, place)
  local prefix = table.concat(place.path, ".") .. "."
  for _, path in ipairs(missing) do
    if path:sub(1, #prefix) ~= prefix then return false end
  end
  return true
end

local function find_list(cache, core, rule, variables, data)
  local parsed, operation = document.pick(rule.query, "query", nil, "cache_updates")
  local call = { document = parsed.core, operation_name = operation.name, variables = variables }
  local search = { cache = cache, core = core, call = call, data = data }
  local field = document.first_field(operation)
  return list_place.find(search, field), field
end

local function read_by(cache, core, rule, variables)
  local data, rest = cache:read_query(rule.query, variables)
  if data ~= nil then
    if type(data) ~= "table" then return nil end
    local place, root_field = find_list(cache, core, rule, variables, data)
    return data, place, root_field, true
  end
  if type(rest) ~= "table" or not rest.partial or type(rest.data) ~= "table" then return nil end
  local place, root_field = find_list(cache, core, rule, variables, rest.data)
  if not place or not is_in_list(rest.missing, place) then return nil end
  return rest.data, place, root_field, false
end

---What is cached of a rule's query, by the service's ids or else by the temporary ones that the rule was given. Nothing where
---it isn't cached.
---@param cache appsync.Cache
---@param core appsync.core.Cache
---@param rule appsync.CacheRule
---@return table? data, appsync.client.ListPlace? place, string? root_field, boolean? is_whole
function cache_edits.read(cache, core, rule)
  local variables = temporary_ids.replace(core, rule.variables)
  local data, place, root_field, is_whole = read_by(cache, core, rule, variables)
  if data ~= nil or variables == rule.variables then return data, place, root_field, is_whole end
  return read_by(cache, core, rule, rule.variables)
end

local function is_same(run, other)
  return type(other) == "table" and run.id ~= nil and other[run.rule.id_field] == run.id
end

local function identify(run, object)
  return type(object.__typename) == "string" and run.cache:identify(object) or nil
end

-- The keys of those in the list that are the item by its id; nil: they aren't records, nor then is the list one of these.
local function keys_of_same(run, list)
  local keys = {}
  for i, other in ipairs(list) do
    local is_first, is_one = i == 1 and type(other) == "table", is_same(run, other)
    local key = (is_first or is_one) and identify(run, other) or nil
    if not key and (is_first or is_one) then return nil end
    if is_one then keys[key] = true end
  end
  return keys
end

local function key_of(item)
  return type(item) == "table" and item.__ref or nil
end

local EDITS = {}

function EDITS.remove(list, keys)
  for key in pairs(keys) do list:remove(key) end
end

function EDITS.add(list, keys, identity)
  for key in pairs(keys) do
    if key ~= identity then list:remove(key) end
  end
  if key_of(list[#list]) == identity then return end
  list:remove(identity)
  list:add(identity)
end

function EDITS.update(list, keys, identity)
  for i = 1, #list do
    local key = key_of(list[i])
    if key and key ~= identity and keys[key] then list[i] = { __ref = identity } end
  end
end

local function edit_in_place(run, place, keys)
  local edit = EDITS[run.rule.kind]
  run.cache:modify(place.key, place.field, function(value)
    for _, name in ipairs(place.below) do value = type(value) == "table" and value[name] end
    if record_list.origin(value) then edit(value, keys, run.identity) end
  end)
end

-- In the place of another one: what it doesn't have stays.
local function over(other, item)
  local result = json.copy(other)
  for name, value in pairs(item) do result[name] = value end
  return result
end

local function change_list(run, list)
  local item = run.item
  for _, other in ipairs(list) do
    if is_same(run, other) then item = over(other, item) end
  end
  return updates.change(run.rule.kind, list, item, run.rule.id_field)
end

local function write(run, path, fn)
  if not run.is_whole then return end
  local changed = updates.with(run.data, path, 1, fn)
  local ok, raised, err = pcall(run.cache.write_query, run.cache, run.rule.query, run.rule.variables, changed)
  if not ok then run.tell(printable.text(raised)) elseif err then run.tell(printable.text(err)) end
end

local function change_in_list(run, place)
  local keys = keys_of_same(run, place.list)
  if keys and run.identity then keys[run.identity] = true end
  if keys and (run.identity or run.rule.kind == "remove") then return edit_in_place(run, place, keys) end
  if run.id ~= nil then return write(run, place.path, function(list) return change_list(run, list) end) end
  run.tell(('the mutation\'s item has no field "%s"; select it, or name another one as id_field'):format(run.rule.id_field))
end

-- A query whose field is one object. Another one than the item is only replaced by what is new.
local function change_one(run)
  local was = run.data[run.root_field]
  if was == nil then return end
  if type(was) == "table" and run.rule.kind ~= "add" and not is_same(run, was) then return end
  if type(was) == "table" and was[run.rule.id_field] == nil then return end -- what holds items, and has no list now
  if run.rule.kind == "remove" then
    if was ~= null then write(run, { run.root_field }, function() return null end) end
    return
  end
  if run.identity and type(was) == "table" and identify(run, was) == run.identity then return end
  write(run, { run.root_field }, function() return is_same(run, was) and over(was, run.item) or run.item end)
end

-- Where the lists of rules stand, by cache: a list is read once, and not for each mutation. It may be long.
local places = setmetatable({}, { __mode = "k" })

local MAX_PLACES = 64

-- Nil: under which ids it is kept is to be seen each time.
local function name_of(run)
  local rule = run.rule
  if temporary_ids.replace(run.core, rule.variables) ~= rule.variables then return nil end
  local text = rule.variables and appsync_core.encode(rule.variables, "variables") or ""
  return text and rule.query .. "\0" .. text
end

local function note_place(run, place)
  local known = places[run.core]
  if not known or known.n >= MAX_PLACES then known = { n = 0, by_name = {} } end
  places[run.core] = known
  local name = name_of(run)
  if not name or known.by_name[name] then return end
  known.n, known.by_name[name] = known.n + 1, { key = place.key, field = place.field, below = place.below }
end

local function known_place(run)
  local known = places[run.core]
  local name = known and name_of(run)
  return name and known.by_name[name]
end

-- Whether no other record can have its id.
local function is_sole(run)
  local typename = run.item.__typename
  return run.identity ~= nil and type(run.id) == "string" and run.identity == ("%s:%s"):format(typename, run.id)
end

-- By the record's key, wherever it stands in the list.
local function edit_unread(run, place)
  local kind, edits = run.rule.kind, json.array()
  if kind == "update" then return end -- the record is what it is
  edits[1] = { "-", run.identity }
  if kind == "add" then edits[2] = { "+", run.identity, "" } end
  local value = { __edits = edits }
  for i = #place.below, 1, -1 do value = { __fields = { [place.below[i]] = value } } end
  local ok, err = run.core:edit_list(place.key, place.field, place.field:find "[(@]" ~= nil, value)
  if not ok and err then run.tell(printable.text(err)) end
end

local function run_rule(run)
  local known = is_sole(run) and known_place(run)
  if known then return edit_unread(run, known) end
  local data, place, root_field, is_whole = cache_edits.read(run.cache, run.core, run.rule)
  if not data then return end
  run.data, run.root_field, run.is_whole = data, root_field, is_whole
  if place then
    if place.is_certain and keys_of_same(run, place.list) then note_place(run, place) end
    return change_in_list(run, place)
  end
  if is_whole then change_one(run) end
end

---What `update` does that runs rules. Running it again changes nothing.
---@param rules appsync.CacheRule[]
---@param field string response key of the mutation's item
---@param cache appsync.Cache
---@param core appsync.core.Cache
---@param result appsync.UpdateResult
---@param tell fun(message: string) is told of what a rule couldn't do
function cache_edits.run(rules, field, cache, core, result, tell)
  local item = result.data and result.data[field]
  if type(item) ~= "table" or updates.is_list(item) then return end
  for i, rule in ipairs(rules) do
    if rule.kind ~= "auto" then
      local id = item[rule.id_field]
      if id == null then id = nil end
      local run = {
        cache = cache, core = core, rule = rule, item = item, id = id,
        tell = function(message) tell(("cache_updates[%d]: %s"):format(i, message)) end,
      }
      run.identity = identify(run, item)
      run_rule(run)
    end
  end
end

return cache_edits
