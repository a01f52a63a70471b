---What an application reads and writes of what a client keeps, without waiting and without the network. What it writes is
---read at once; the core commits it in its turn, and logs what it couldn't.
local arguments = require "appsync.client.arguments"
local asking = require "appsync.client.asking"
local cache = require "appsync.client.cache"
local compat = require "appsync.compat"
local compute = require "appsync.compute"
local documents = require "appsync.document"
local errors = require "appsync.errors"
local field_value = require "appsync.client.field_value"
local record_identity = require "appsync.client.record_identity"
local opts = require "appsync.opts"
local readings = require "appsync.client.readings"
local temporary_ids = require "appsync.client.temporary_ids"

local local_cache = {}

---@class appsync.Cache
---@field private core appsync.core.Cache
---@field private name string what stands before a method's name in messages
---@field private readings appsync.client.Readings
---@field private root appsync.client.Root
local Cache = {}
Cache.__index = Cache
Cache.__name = "appsync.cache"

---@param core_cache appsync.core.Cache
---@param name string "client" or "cache"
---@param root appsync.client.Root of its client
---@param kept appsync.client.Readings? of the same cache
---@return appsync.Cache
function local_cache.new(core_cache, name, root, kept)
  return setmetatable({ core = core_cache, name = name, root = root, readings = kept or readings.new(core_cache) }, Cache)
end

---The cache of a client. Throws for one that was made to keep nothing.
---@param client appsync.Client
---@param where string
---@return appsync.Cache? cache, appsync.Error? err
function local_cache.of(client, where)
  local found = client.local_cache
  if found then
    local is_open, closed_err = client.root:open()
    return is_open and found, closed_err
  end
  local opened, err = cache.ensure(client, where)
  if not opened then return nil, err end
  found = local_cache.new(opened, "client", client.root, client.readings)
  client.local_cache = found
  return found
end

-- The key of the record that a table is; nil: it has none.
local function identity_of(self, object, where)
  local identity, err = record_identity.of(self.root, self.core, object)
  if err then errors.misuse("%s: %s", where, err.message) end
  return identity and temporary_ids.key(self.core, identity)
end

-- The key of a record, given as such, as a reference or as a table.
local function key_of(self, given, where, what)
  if type(given) == "string" and given ~= "" then return temporary_ids.key(self.core, given) end
  local identity = type(given) == "table" and identity_of(self, given, where)
  if not identity then
    errors.misuse('%s: %s must be text such as "Todo:1", or a table with __typename and the fields that identify it, got %s',
      where, what or "the key", type(given) == "table" and "a table that has no identity" or (errors.describe(given)))
  end
  return identity
end

-- Data, or nil and what is there.
local function read(self, method, reading, variables, key)
  local data, missing, err = reading:read(variables, false, key)
  if err then return nil, errors.of_core(err, self.name .. method) end
  if not missing then return data end
  local rest
  rest, missing, err = reading:read(variables, true, key)
  if err then return nil, errors.of_core(err, self.name .. method) end
  if not missing then return rest end -- it has come meanwhile
  return nil, { partial = true, data = rest, missing = missing }
end

local function write(self, call, data, where)
  if type(data) ~= "table" then errors.expect(data, "data", "table", where) end
  call.data, call.variables = temporary_ids.replace(self.core, data), temporary_ids.replace(self.core, call.variables)
  local ok, err = asking.write(self.root, self.core, call)
  return ok, errors.of_core(err, where)
end

local function call_of_query(plan)
  return {
    document = plan.document.core, operation_name = plan.options.operation_name, variables = plan.variables,
  }
end

local function pick_fragment(fragment, variables, where)
  local parsed, name = documents.pick_fragment(fragment, where)
  if variables ~= nil and type(variables) ~= "table" then errors.expect(variables, "variables", "table", where) end
  return parsed, name
end

---Reads a query's data from the cache, without waiting.
---```lua
---client:query(get_todo, { id = "1" })
---print(client:read_query(get_todo, { id = "1" }).getTodo.name) --> buy milk
---```
---@param document string|appsync.Document|table a document, or one table `{query =, variables =}`
---@param variables table?
---@return any data nil when a field of it is missing
---@return {partial: true, data: any, missing: string[]}|appsync.Error|nil rest what is there when a field is missing; an error
---when the store can't be read
function Cache:read_query(document, variables)
  local known = self.readings:known(document, variables)
  if known then return read(self, ":read_query", known, variables) end
  local parsed, operation, sent = arguments.question(self.name .. ":read_query", document, variables)
  return read(self, ":read_query", self.readings:of_query(parsed, operation), sent)
end

---Writes data as if the query had brought it: its records, and what its fields refer to. Everything that the document selects
---must be present; `appsync.null` stands for no value. Objects with an id need `__typename`.
---```lua
---client:write_query(get_todo, { id = "2" }, {
---  getTodo = { __typename = "Todo", id = "2", name = "call mum", priority = appsync.null },
---})
---print(client:read_query(get_todo, { id = "2" }).getTodo.name) --> call mum
---```
---@param document string|appsync.Document|table a document, or one table `{query =, variables =, data =}`
---@param variables table?
---@param data table?
---@return true? written, appsync.Error? err
function Cache:write_query(document, variables, data)
  local where = self.name .. ":write_query"
  if type(document) == "table" and not documents.is(document) and data == nil then
    local rest = {}
    for name, value in pairs(document) do rest[name] = value end
    document, data, rest.data = rest, rest.data, nil
  end
  return write(self, call_of_query(arguments.plan("query", where, document, variables)), data, where)
end

---Reads the fields of one record that a fragment selects, without waiting.
---```lua
---client:query(list_todos)
---print(client:read_fragment("Todo:1", "fragment Name on Todo { name }").name) --> buy milk
---```
---@param key string|table "Todo:1", "ROOT_QUERY", a reference, or a table with __typename and its identity fields
---@param fragment string|appsync.Document one fragment, with the fragments that it includes
---@param variables table? those that it uses
---@return any data nil when a field of it is missing
---@return {partial: true, data: any, missing: string[]}|appsync.Error|nil rest
function Cache:read_fragment(key, fragment, variables)
  local known = variables == nil and type(key) == "string" and key ~= "" and self.readings:known_fragment(fragment)
  if known then return read(self, ":read_fragment", known, nil, key) end
  local where = self.name .. ":read_fragment"
  local parsed, name = pick_fragment(fragment, variables, where)
  return read(self, ":read_fragment", self.readings:of_fragment(parsed, name), variables, key_of(self, key, where))
end

---Writes the fields of one record that a fragment selects; the record need not exist yet. `data` needs no `__typename`: the key
---has it.
---```lua
---client:query(list_todos)
---client:write_fragment("Todo:1", "fragment Name on Todo { name }", { name = "buy bread" })
---print(client:read_query(list_todos).listTodos.items[1].name) --> buy bread
---```
---@param key string|table as for `read_fragment`
---@param fragment string|appsync.Document as for `read_fragment`
---@param data table
---@param variables table?
---@return true? written, appsync.Error? err
function Cache:write_fragment(key, fragment, data, variables)
  local where = self.name .. ":write_fragment"
  local parsed, name = pick_fragment(fragment, variables, where)
  local call = { document = parsed.core, fragment = name, variables = variables, key = key_of(self, key, where) }
  return write(self, call, data, where)
end

---@class appsync.FieldDetails
---@field key string of the record
---@field field string with its arguments, as it is kept
---@field DELETE any return it to remove the field

-- Calls the function with one field; what is to be set, or nothing.
local function ask(self, details, value, fn, where)
  local function identify_any(record, what) return key_of(self, record, where .. ": " .. what, "the record") end
  local function identify(record) return identity_of(self, record, where) end
  local field = field_value.new_field()
  local shown = field_value.shown(value, identify_any, field)
  local result = compute(where, fn, shown, details)
  if result == field_value.DELETE then return { value = nil } end
  if result ~= nil then return { value = field_value.given(result, identify, field, where) } end
  local changes = field_value.changes(shown, identify, field, where)
  return changes and { value = changes }
end

local function set_all(self, key, changes, where)
  for _, change in ipairs(changes) do
    local ok, err = self.core:set(key, change.field, change.is_apart, change.value)
    if not ok then
      err.message = err.message:gsub("%.__%l+", "")
      return nil, errors.of_core(err, where)
    end
  end
  return true
end

-- As one: all of it, or nothing; on what is there without optimistic layers. Lua may throw in between. Part of something
-- larger it takes that with it.
local function together(self, fn, ...)
  local depth, begin_err = self.core:begin(false)
  if not depth then return nil, errors.of_core(begin_err) end
  local results = compat.pack(pcall(fn, self, ...))
  if results[1] and results[2] ~= nil then
    local ok, err = self.core:commit()
    if not ok then return nil, err end
    return results[2]
  end
  if depth > 1 then
    self.core:commit()
    error(results[1] and results[3] or results[2], 0)
  end
  self.core:drop()
  if not results[1] then error(results[2], 0) end
  return nil, results[3]
end

-- Asks the function for each of the fields, and sets those that it has changed.
local function modify_fields(self, key, field, fn, where)
  local found, err = self.core:field(key, field)
  if not found then return nil, err end
  local changes = {}
  for i = 1, #found, 3 do
    local details = { key = key, field = found[i], DELETE = field_value.DELETE }
    local change = ask(self, details, found[i + 2], fn, where)
    if change then
      change.field, change.is_apart = found[i], found[i + 1]
      changes[#changes + 1] = change
    end
  end
  local ok, set_err = set_all(self, key, changes, where)
  if not ok then return nil, set_err end
  return #found > 0
end

---Changes a field of a record in place. The function gets its value: a reference as `{__ref = "Post:1"}`, a list of records
---as an `appsync.RecordList` of references, with `add`, `remove` and `contains`, an embedded object, such as a connection
---with its `items`, as a table of these, and a JSON scalar as its data, which is never taken for a reference. It returns the
---new value, or nothing to keep what was done with the lists; `appsync.null` for no value, `details.DELETE` to take the field
---away. For objects with an identity, only the reference is kept. It must not wait. A bare name means all fields of this name,
---whatever their arguments; one with arguments, as in `listTodos({"limit":10})`, that one. If the field doesn't exist, the
---function isn't called. Optimistic layers aren't seen, except in an `update` that makes one.
---```lua
---client:query(list_todos)
---client:modify("ROOT_QUERY", "listTodos", function(list) list.items:remove "Todo:1" end)
---print(#client:read_query(list_todos).listTodos.items) --> 0
---```
---@param key string|table as for `read_fragment`
---@param field string
---@param fn fun(value: any, details: appsync.FieldDetails): any
---@return boolean? found whether the record has such a field, appsync.Error? err
function Cache:modify(key, field, fn)
  local where = self.name .. ":modify"
  if type(field) ~= "string" or field == "" then
    errors.misuse("%s: field must be a name, got %s", where, (errors.describe(field)))
  end
  opts.expect_callable(fn, "fn", where)
  local found, err = together(self, modify_fields, key_of(self, key, where), field, fn, where)
  return found, errors.of_core(err, where)
end

---Removes a record from the cache, or one field of it: a bare name removes the field with all its arguments, a name with
---arguments only that one. Until the record is written again, lists are read without it, and other fields that refer to it are
---missing.
---```lua
---client:query(list_todos)
---client:evict "Todo:1"
---print(#client:read_query(list_todos).listTodos.items) --> 0
---```
---@param key string|table as for `read_fragment`
---@param field string?
---@return true? evicted even if nothing was there
---@return appsync.Error? err
function Cache:evict(key, field)
  local where = self.name .. ":evict"
  if field ~= nil and (type(field) ~= "string" or field == "") then
    errors.misuse("%s: field must be a name, got %s", where, (errors.describe(field)))
  end
  local ok, err = self.core:evict(key_of(self, key, where), field)
  return ok, errors.of_core(err, where)
end

---Returns the key of the record that a table stands for.
---```lua
---print(client:identify{ __typename = "Todo", id = "1" }) --> Todo:1
---```
---@param object table with __typename and the fields that identify it, or a reference
---@return string? key nil: it has none
function Cache:identify(object)
  if type(object) ~= "table" then errors.expect(object, "object", "table", self.name .. ":identify") end
  return identity_of(self, object, self.name .. ":identify")
end

-- What isn't a write, or not one that a transaction can take back.
local function refuse(name, instead)
  return function(self)
    errors.misuse("%s:%s can't be called in an update, which is one transaction and may run several times: %s; accepted are %s",
      self.name, name, instead, table.concat(local_cache.METHODS, ", "))
  end
end

Cache.clear = refuse("clear", "call client:clear outside of it, or evict records")
Cache.gc = refuse("gc", "call client:gc outside of it")
Cache.retain = refuse("retain", "call client:retain outside of it")

---Those that a client has as well.
local_cache.METHODS = {
  "read_query", "write_query", "read_fragment", "write_fragment", "modify", "evict", "identify",
}

return local_cache
