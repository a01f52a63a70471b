--- Random histories of a versioned model: writers that know the right version, a wrong one or none, deletions, time that passes,
--- readers that sync page by page. The server's answers, its table and its journal are compared with `plain_versions`.
local core = require("appsync.core")
local engine = require("appsync.server.engine")
local plain_versions = require("spec.support.plain_versions")

local version_histories = {}

local NULL = core.null

local SCHEMA = [[
type Sub { a: Int b: [String] }
type Item @model { id: ID! name: String n: Int kind: String @index(name: "byKind", queryField: "itemsByKind") tags: [String]
  meta: AWSJSON sub: Sub }
]]

local FIELDS = " { id name n kind tags meta sub { a b } _version _lastChangedAt _deleted }"
local PAGE = " { items" .. FIELDS .. " nextToken startedAt }"
local NAMES = { "name", "n", "kind", "tags", "meta", "sub" }
local DOCUMENTS = {
  create = "mutation ($input: CreateItemInput!) { out: createItem(input: $input)" .. FIELDS .. " }",
  update = "mutation ($input: UpdateItemInput!, $condition: ModelItemConditionInput) { out: updateItem(input: $input, condition: "
    .. "$condition)" .. FIELDS .. " }",
  delete = "mutation ($input: DeleteItemInput!, $condition: ModelItemConditionInput) { out: deleteItem(input: $input, condition: "
    .. "$condition)" .. FIELDS .. " }",
  get = "query ($id: ID!) { out: getItem(id: $id)" .. FIELDS .. " }",
  list = "query { out: listItems(limit: 1000)" .. PAGE .. " }",
  index = "query ($kind: String!) { out: itemsByKind(kind: $kind, limit: 1000)" .. PAGE .. " }",
  sync = "query ($limit: Int, $nextToken: String, $lastSync: AWSTimestamp, $filter: ModelItemFilterInput) { out: syncItems(limit: "
    .. "$limit, nextToken: $nextToken, lastSync: $lastSync, filter: $filter)" .. PAGE .. " }",
}
local HANDLERS = { "AUTOMERGE", "OPTIMISTIC_CONCURRENCY", "LAMBDA" }
local START_MS = 1795158179158
local N_IDS, N_WRITERS, N_STEPS = 4, 3, 60

local History = {}
History.__index = History

function History:random(n)
  self.state = self.state * 16807 % 2147483647
  return self.state % n + 1
end

function History:pick(list) return list[self:random(#list)] end

local function list(values) return setmetatable(values, core.array_mt) end

function History:random_list()
  local values = {}
  for i = 1, self:random(3) - 1 do values[i] = self:pick({ "x", "y", "z" }) end
  return list(values)
end

function History:random_json(depth)
  local choice = self:random(depth > 2 and 3 or 5)
  if choice < 3 then return self:random(9) end
  if choice == 3 then return self:pick({ "t", "u", true, false }) end
  if choice == 4 then return list({ self:random(5), self:random_json(depth + 1) }) end
  local map = {}
  for _ = 1, self:random(3) do map[self:pick({ "k", "l", "m" })] = self:random_json(depth + 1) end
  return map
end

local values = {
  name = function(self) return self:pick({ "a", "b", "c" }) end,
  n = function(self) return self:random(10) end,
  kind = function(self) return self:pick({ "k1", "k2" }) end,
  tags = History.random_list,
  meta = function(self) return self:random_json(1) end,
  sub = function(self) return { a = self:random(5), b = self:random(2) == 1 and self:random_list() or NULL } end,
}

-- What a writer wants: some fields, some of them null.
function History:random_fields()
  local fields = {}
  for _, name in ipairs(NAMES) do
    local choice = self:random(5)
    if choice == 1 then fields[name] = NULL elseif choice < 4 then fields[name] = values[name](self) end
  end
  return fields
end

-- Two values as JSON has them; a member that is missing is null.
local function is_same(a, b)
  if a == NULL then a = nil end
  if b == NULL then b = nil end
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not is_same(value, b[key]) then return false end
  end
  for key, value in pairs(b) do
    if a[key] == nil and value ~= NULL then return false end
  end
  return true
end

local function shown(value) return value == nil and "nothing" or core.encode(value) or tostring(value) end

function History:fail(what, got, wanted)
  error(("history %d, step %d (%s, %s): got %s; the rules say %s"):format(self.seed, self.n, self.settings.handler, what, shown(got),
    shown(wanted)), 0)
end

function History:expect(what, got, wanted)
  if not is_same(got, wanted) then self:fail(what, got, wanted) end
end

-- An item as the plain table has it, in the words of the server.
local function worded(item)
  if not item then return nil end
  local out = { id = item.id, _version = item.version, _lastChangedAt = item.at, _deleted = item.is_deleted or nil }
  for _, name in ipairs(NAMES) do out[name] = item.fields[name] end
  return out
end

local function all_worded(items)
  local out = {}
  for i, item in ipairs(items) do out[i] = worded(item) end
  return list(out)
end

-- AWSJSON is a text in answers, but not in the data of errors.
local function parsed(item)
  if type(item) ~= "table" then return nil end
  if type(item.meta) == "string" then item.meta = core.decode(item.meta) end
  return item
end

local function all_parsed(items)
  for i, item in ipairs(items) do items[i] = parsed(item) end
  return items
end

function History:ask(name, variables)
  local answer = core.decode((self.served:execute({ query = DOCUMENTS[name], variables = variables })))
  local err = answer.errors and answer.errors[1]
  return not err and answer.data.out or nil, err
end

local function input_of(id, fields, version)
  local input = { id = id, _version = version }
  for name, value in pairs(fields or {}) do input[name] = value end
  if input.meta ~= nil and input.meta ~= NULL then input.meta = core.encode(input.meta) end
  return input
end

-- The server's answer to a write beside what the rules make of it.
function History:compare(what, got, err, item, error_type, data)
  if not item then
    self:expect(what .. ", errorType", err and err.errorType, error_type)
    return self:expect(what .. ", the error's data", err and err.data, worded(data))
  end
  if err then self:fail(what, err, worded(item)) end
  self:expect(what, parsed(got), worded(item))
end

-- The version that a writer gives: the one that it knows, the latest, a wrong one, or none.
function History:random_version(writer, id)
  local choice, item = self:random(6), self.plain:find(id)
  if choice < 3 then return writer[id] end
  if choice < 5 then return item and item.version end
  if choice == 5 then return self:random(12) end
  return nil
end

function History:random_condition()
  local choice = self:random(4)
  if choice == 1 then
    local n = self:random(10)
    return { n = { gt = n } }, function(item) return type(item.fields.n) == "number" and item.fields.n > n end
  elseif choice == 2 then
    local kind = values.kind(self)
    return { kind = { eq = kind } }, function(item) return item.fields.kind == kind end
  end
  return nil, function() return true end
end

local steps = {}

function steps.create(self, id)
  local fields = self:random_fields()
  local got, err = self:ask("create", { input = input_of(id, fields) })
  self:compare("create", got, err, self.plain:create(id, fields))
end

local function change(op)
  return function(self, id, writer)
    local version, fields = self:random_version(writer, id), op == "update" and self:random_fields() or nil
    local condition, holds = self:random_condition()
    self.meanwhile = nil
    local got, err = self:ask(op, { input = input_of(id, fields, version), condition = condition })
    if fields then
      self:compare(op, got, err, self.plain:update(id, version, fields, holds))
    else
      self:compare(op, got, err, self.plain:delete(id, version, holds))
    end
  end
end
steps.update, steps.delete = change("update"), change("delete")

-- What a handler of LAMBDA decides, by the version of the item that is there: the server's handler and the plain one alike.
local ACTIONS = { [0] = "resolve", "reject", "malformed", "remove", "write", "resolve", "throw" }
local function action_of(version) return ACTIONS[version % 7] end

local function resolved_fields(existing, wanted)
  return { name = wanted.name ~= NULL and wanted.name or "r", n = (type(existing.n) == "number" and existing.n or 0) + 1, tags = existing.tags }
end

function History:server_handler(event, ctx)
  local existing, action = event.existingItem, action_of(event.existingItem._version)
  self.meanwhile = event
  if action == "write" then
    ctx.tables.Item:put({ id = existing.id, name = "meanwhile", _version = 1000 })
    action = "resolve"
  end
  if action == "resolve" and event.newItem then
    local item = resolved_fields(existing, event.newItem)
    item.id, item._version, item._deleted = "another", 99, true
    return { action = "RESOLVE", item = item }
  elseif action == "reject" then
    return { action = "REJECT" }
  elseif action == "throw" then
    error("no")
  end
  return action == "remove" and { action = "REMOVE" } or { action = "Merge" }
end

function History:plain_handler(item, wanted)
  local action = action_of(item.version)
  if action == "write" then
    self.plain:put(item.id, { name = "meanwhile" })
    action = "resolve"
  end
  if action == "resolve" and wanted then return resolved_fields(item.fields, wanted) end
  return action == "reject" and "REJECT" or action == "remove" and "REMOVE" or "MALFORMED"
end

-- A writer looks at an item.
function steps.get(self, id, writer)
  local got, err = self:ask("get", { id = id })
  if err then self:fail("get", err) end
  local item = self.plain:find(id)
  self:expect("get", parsed(got), worded(item))
  writer[id] = item and item.version
end

function steps.read(self)
  self:expect("list", all_parsed(self:ask("list").items), all_worded(self.plain.items))
  local kind, of_kind = values.kind(self), {}
  for _, item in ipairs(self.plain.items) do
    if item.fields.kind == kind then table.insert(of_kind, item) end
  end
  self:expect("index query", all_parsed(self:ask("index", { kind = kind }).items), all_worded(of_kind))
end

function History:random_filter()
  if self:random(2) == 1 then return nil, function() return true end end
  if self:random(2) == 1 then
    return { _deleted = { ne = true } }, function(item) return not item.is_deleted end
  end
  local n = self:random(10)
  return { n = { le = n } }, function(item) return type(item.fields.n) == "number" and item.fields.n <= n end
end

-- One page; whether another one follows.
function History:sync_page(at, variables, limit, passes)
  local got, err = self:ask("sync", variables)
  if err then self:fail("sync", err) end
  local rows, may_follow = self.plain:page(at, math.min(limit, 1000))
  local kept = {}
  for _, row in ipairs(rows) do
    if passes(row) then table.insert(kept, row) end
  end
  self:expect(at.is_delta and "a page of the journal" or "a page of the table", all_parsed(got.items), all_worded(kept))
  self:expect("startedAt", got.startedAt, at.started)
  self:expect("whether a page follows", got.nextToken ~= NULL, may_follow)
  variables.nextToken = got.nextToken
  return may_follow, got.items
end

-- A reader keeps what it has been told: the last word on each item. Others write between its pages.
function steps.sync(self, _, _, reader)
  local is_reader = self:random(2) == 1
  local limit = self:random(4) == 1 and 2000 or self:random(5)
  local last_sync = reader.started
  if not is_reader then last_sync = self:pick({ self.now_ms - self:random(40000), 0, self.now_ms + 5, START_MS - 1 }) end
  local filter, passes
  if is_reader then
    passes = function() return true end
  else
    filter, passes = self:random_filter()
  end
  local at = self.plain:begin(last_sync)
  local variables = { limit = limit, lastSync = last_sync, filter = filter }
  local follows
  repeat
    local items
    follows, items = self:sync_page(at, variables, limit, passes)
    for _, item in ipairs(is_reader and items or {}) do reader.items[item.id] = item end
    if follows and self:random(3) == 1 then self:write() end
    if follows and self:random(3) == 1 then self:pass(self:random(3000)) end
  until not follows
  if is_reader then reader.started = at.started end
end

function History:write()
  local name = self:pick({ "create", "update", "update", "delete" })
  steps[name](self, "i" .. self:random(N_IDS), self:pick(self.writers))
end

function History:pass(ms)
  self.now_ms = self.now_ms + ms
  self.plain.now_ms = self.now_ms
  self.plain:pass()
end

local function lives(self)
  return self:pick({ 1, 50, 700, 1000, 2500, self.settings.delta_ttl_s * 1000 + 999, self.settings.base_ttl_s * 1000 + 1000 })
end

function steps.wait(self) self:pass(lives(self)) end

local function open(self)
  self.served = assert(engine.new({
    schema_text = SCHEMA, store = self.path or ":memory:", now = function() return self.now_ms / 1000 end,
    uuid = error,
    conflict = {
      handler = self.settings.handler, base_ttl_s = self.settings.base_ttl_s, delta_ttl_s = self.settings.delta_ttl_s,
    },
    conflict_handlers = { default = function(...) return self:server_handler(...) end },
  }))
end

-- A server that is started again has all that it had.
function steps.restart(self)
  if not self.path then return self.served.store.cache:clear() end
  self.served:close()
  open(self)
end

-- The rows of the store, without what the plain table has no word for.
function History:stored(sql)
  local out = {}
  for i, text in ipairs(self.served.store:values(sql)) do
    local item = core.decode(text)
    item.__typename, item.createdAt, item.updatedAt, item._ttl = nil, nil, nil, nil
    out[i] = item
  end
  return list(out)
end

-- What is left in the end: table and journal, row by row, and what the readers made of their answers.
function History:finish(readers)
  self:ask("list")
  self:expect("the table", self:stored("SELECT json FROM items ORDER BY seq"), all_worded(self.plain.items))
  self:expect("the journal", self:stored("SELECT json FROM journal ORDER BY at, id"), all_worded(self.plain.journal))
  for _, reader in ipairs(readers) do
    local at, variables = self.plain:begin(reader.started), { limit = 1000, lastSync = reader.started }
    local _, items = self:sync_page(at, variables, 1000, function() return true end)
    for _, item in ipairs(items) do reader.items[item.id] = item end
    for _, item in ipairs(self.plain.items) do
      self:expect("what a reader knows of " .. item.id, reader.items[item.id], worded(item))
    end
  end
end

local STEPS = {
  "create", "update", "update", "update", "update", "delete", "delete", "get", "get", "get", "read", "sync", "sync", "sync", "wait", "wait",
  "restart",
}

local function run(self, n_steps)
  local readers = { { items = {} }, { items = {} } }
  open(self)
  for n = 1, n_steps do
    self.n = n
    local name = self:pick(STEPS)
    steps[name](self, "i" .. self:random(N_IDS), self:pick(self.writers), self:pick(readers))
    if self:random(2) == 1 then self:pass(self:random(400)) end
  end
  self:finish(readers)
end

--- Runs the history of a seed. Throws where the server does other than the rules say.
---@param seed integer
---@param path string? a file for the store, which is then opened anew on the way; nil: in memory
---@param n_steps integer?
function version_histories.run(seed, path, n_steps)
  local self = setmetatable({ seed = seed, state = seed % 2147483646 + 1, path = path, now_ms = START_MS, n = 0, writers = {} }, History)
  for _ = 1, 3 do self:random(9) end
  for i = 1, N_WRITERS do self.writers[i] = {} end
  self.settings = {
    handler = self:pick(HANDLERS), base_ttl_s = self:pick({ 0, 5, 60 }), delta_ttl_s = self:pick({ 0, 3, 30 }),
    lambda = function(...) return self:plain_handler(...) end,
  }
  self.plain = plain_versions.new(self.settings)
  self.plain.now_ms = START_MS
  local ok, err = pcall(run, self, n_steps or N_STEPS)
  if self.served then self.served:close() end
  if not ok then error(err, 0) end
end

return version_histories
