---What the generated queries do: get, list, index queries, and the fields that lead to related models (Amplify
---documentation, "Queries", "Data index", "Relationships").
local core = require "appsync.core"
local filter = require "appsync.server.data.filter"
local item_limits = require "appsync.server.data.item_limits"
local key_conditions = require "appsync.server.data.key_conditions"
local keys = require "appsync.server.data.keys"
local refuse = require "appsync.server.data.refuse"
local result = require "appsync.server.graphql.result"
local select_ = require "appsync.server.data.select"
local token = require "appsync.server.data.token"

local reading = {}

local NULL, array_mt = core.null, core.array_mt

reading.DEFAULT_LIMIT = 100

local function given(value)
  if value == NULL then return nil end
  return value
end

---A model's table with what reading it needs.
---@class appsync.server.Access
---@field m appsync.server.Model
---@field table appsync.server.Table
---@field guard appsync.server.DataGuard
---@field conflict_handler appsync.server.ConflictFunction? of a versioned model with the handler LAMBDA

---Where a resolver stands: what errors name, and what page tokens belong to.
---@class appsync.server.Place
---@field type string
---@field field string

-- DynamoDB has no empty keys, and refuses to look for one.
local function refuse_empty(ctx, name)
  refuse.validation(ctx, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
    .. "an empty string value. Key: " .. name)
end

local function check_limits(ctx, pk, sk)
  local fault = item_limits.fault_of_key(pk, sk)
  if fault then refuse.validation(ctx, fault) end
end

local function apply_keys(key, ctx, query)
  key_conditions.apply(key, ctx.arguments, query)
  local range, attributes = query.range, keys.attributes(key)
  if query.pk == "" then refuse_empty(ctx, attributes[1]) end
  if range and (range.a == "" or range.b == "") then refuse_empty(ctx, attributes[2]) end
  check_limits(ctx, query.pk, range and range.a)
  check_limits(ctx, nil, range and range.b)
end

local function check_shown(filter_, item, place)
  if filter_ and not filter.matches(filter_, item) then refuse.unauthorized(place.field, place.type) end
  return item
end

---One item by the parts of its key that an object has under the names of `fields`. An item that the rules hide is not
---missing: asking for it is refused.
---@param access appsync.server.Access
---@param place appsync.server.Place
---@param fields string[] of the object, in the order of the key's
---@return fun(ctx: appsync.server.Context, from: table, asked: table?): table?
function reading.getter(access, place, fields)
  local m, tbl, guard = access.m, access.table, access.guard
  local partition = fields[1]
  local read_key = keys.reader({ partition = partition, sort = { (table.unpack or unpack)(fields, 2) } }) -- luacheck: compat
  local function find(ctx, from, hidden_by)
    local pk, sk = read_key(from)
    if pk == nil then
      for i, name in ipairs(fields) do
        if from[name] == "" and (i == 1 or #fields == 2) then refuse_empty(ctx, name) end
      end
      return nil
    end
    check_limits(ctx, pk, sk)
    local row = tbl:row(pk, sk)
    local item = row and tbl:seen(row)
    return item and check_shown(hidden_by, item, place)
  end
  return function(ctx, from, asked)
    return find(ctx, from, guard:read(m, "get", ctx, asked))
  end
end

---@param access appsync.server.Access
---@param place appsync.server.Place
---@return function resolver
function reading.get(access, place)
  local key = access.m.key
  local find, is_composite = reading.getter(access, place, keys.fields(key)), #(key.sort or {}) > 1
  return function(ctx)
    local args = ctx.arguments
    return find(ctx, args, is_composite and { [key.partition] = args[key.partition] } or args)
  end
end

-- What a page's token belongs to: the field and the partition, for elsewhere its position means nothing.
local function subject(place, query)
  local of = place.type .. "." .. place.field
  if query.pk == nil then return of end
  -- The number 1 isn't the text "1", and a text may end in any word.
  local pk = type(query.pk) == "number" and result.number(query.pk) or ("%q"):format(query.pk)
  return of .. (query.is_descending and " DESC " or " ") .. pk
end

---How many items a page may look at.
---@param args table of the field
---@param default integer
---@return integer
function reading.limit(args, default)
  local limit = given(args.limit) or default
  if limit < 1 then
    error({ message = "Value for field '/limit' must be at least 1.", type = "BadRequestException" }, 0)
  end
  return limit
end

---A connection: the page that a query and the arguments of its field mean.
---@param access appsync.server.Access
---@param place appsync.server.Place
---@param ctx appsync.server.Context
---@param query appsync.server.PageQuery limit and after are added
---@param default_limit integer?
---@param asked table? what the query says of its key
---@return {items: table[], nextToken: string|lightuserdata}
function reading.connection(access, place, ctx, query, default_limit, asked)
  local args = ctx.arguments
  local limit = reading.limit(args, default_limit or reading.DEFAULT_LIMIT)
  local text, wanted = given(args.nextToken), given(args.filter)
  filter.check(wanted)
  local hidden_by = access.guard:read(access.m, "list", ctx, asked)
  query.limit = limit
  local of = (text or nil) and subject(place, query)
  if text then query.after = token.decode(of, text, select_.n_position(query)) end
  local tbl = access.table
  local rows, after = tbl:page(query)
  local at_ms = tbl.versions and tbl.versions:read_at_ms()
  local items, n = setmetatable({}, array_mt), 0
  for i = 1, #rows do
    local item = rows[i].item
    if at_ms then item = tbl.versions:item_at(rows[i], at_ms) end
    if item and (not wanted or filter.matches(wanted, item)) and (not hidden_by or filter.matches(hidden_by, item)) then
      n = n + 1
      items[n] = item
    end
  end
  return { items = items, nextToken = after and token.encode(of or subject(place, query), after) or NULL }
end

-- What a query says of the fields of its key; of a composite one's none, as they are one attribute.
local function asked_by(key, query)
  local asked, sort, range = { [key.partition] = query.pk }, key.sort or {}, query.range
  if #sort == 1 and range then asked[sort[1]] = range.op == "eq" and range.a or false end
  return asked
end

---@param access appsync.server.Access
---@param place appsync.server.Place
---@return function resolver
function reading.list(access, place)
  local key = access.m.key
  local takes_key = key.is_custom
  return function(ctx)
    local query = {}
    if takes_key then apply_keys(key, ctx, query) end
    return reading.connection(access, place, ctx, query, nil, takes_key and asked_by(key, query) or nil)
  end
end

---@param access appsync.server.Access
---@param place appsync.server.Place
---@param index {name: string, partition: string, sort: string[]}
---@return function resolver
function reading.index(access, place, index)
  return function(ctx)
    local query = { index = index.name }
    apply_keys(index, ctx, query)
    -- Queries of the transformer's first version may lack it, and DynamoDB then refuses.
    if query.pk == nil then refuse.validation(ctx, "Query condition missed key schema element: " .. index.partition) end
    return reading.connection(access, place, ctx, query, nil, asked_by(index, query))
  end
end

return reading
