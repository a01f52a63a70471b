---The query of a model's search: what the resolvers that Amplify generates for @searchable ask of OpenSearch, asked of SQLite.
local aggregates = require "appsync.server.search.aggregates"
local core = require "appsync.core"
local keys = require "appsync.server.data.keys"
local search_filter = require "appsync.server.search.search_filter"
local token = require "appsync.server.data.token"
local word_index = require "appsync.server.search.word_index"

local search_query = {}

local NULL, array_mt = core.null, core.array_mt
local unpack = table.unpack or unpack -- luacheck: compat

-- Amplify's default; and how far OpenSearch looks, and counts.
local DEFAULT_LIMIT, WINDOW = 100, 10000
-- Of one search.
local MAX_SORTS = 20

local function given(value)
  if value == NULL then return nil end
  return value
end

local function refuse(text, ...)
  error({ message = "search: " .. text:format(...), type = "BadRequestException" }, 0)
end

---@class appsync.server.SearchOrder
---@field name string
---@field is_descending boolean

-- As it's asked for; then the key, so that no two records are the same.
---@return appsync.server.SearchOrder[]
local function orders(m, wanted)
  local list, seen = {}, {}
  local key = keys.fields(m.key)
  local function add(name, is_descending)
    if not seen[name] then seen[name], list[#list + 1] = true, { name = name, is_descending = is_descending } end
  end
  if wanted and not m.search.has_list_of_sorts then wanted = { wanted } end
  if #(wanted or {}) > MAX_SORTS then refuse("at most %d sorts, not %d", MAX_SORTS, #wanted) end
  for _, sort in ipairs(wanted or {}) do
    if sort ~= NULL then add(given(sort.field) or key[1], (given(sort.direction) or "desc") == "desc") end
  end
  for _, name in ipairs(key) do add(name, true) end
  return list
end

-- Of a list the value that comes first in the order.
local function sort_column(i, order)
  return ("(SELECT %s(e.value) FROM json_each(items.json, '$.\"%s\"') AS e WHERE e.type <> 'null') AS s%d"):format(
    order.is_descending and "max" or "min", order.name, i)
end

-- Records without a value come last, in either direction.
local function order_text(list)
  local parts = {}
  for i, order in ipairs(list) do parts[i] = ("s%d IS NULL, s%d%s"):format(i, i, order.is_descending and " DESC" or "") end
  parts[#parts + 1] = "seq"
  return table.concat(parts, ", ")
end

-- What a token keeps of a value: null is none that it knows.
local function packed(value)
  if value == NULL then return "n" end
  return type(value) == "string" and "s" .. value or value
end

local function unpacked(value)
  if value == "n" then return NULL end
  return type(value) == "string" and value:sub(2) or value
end

-- Behind a position: behind it in one column, and the same in those before.
local function after_text(list, position, params)
  local alternatives, same = {}, {}
  local same_params = {}
  local function add(condition, values)
    alternatives[#alternatives + 1] = table.concat(same, " AND ") .. (#same > 0 and " AND " or "") .. condition
    for _, value in ipairs(same_params) do params[#params + 1] = value end
    for _, value in ipairs(values) do params[#params + 1] = value end
  end
  for i, order in ipairs(list) do
    local value = unpacked(position[i])
    if value ~= NULL then add(("(s%d %s ? OR s%d IS NULL)"):format(i, order.is_descending and "<" or ">", i), { value }) end
    same[#same + 1], same_params[#same_params + 1] = ("s%d IS ?"):format(i), value
  end
  add("seq > ?", { position[#list + 1] })
  return "(" .. table.concat(alternatives, " OR ") .. ")"
end

local function copy(list)
  return { unpack(list, 1, #list) }
end

-- The records that are found and shown: a condition and its parameters. A filter and rules are asked once, whatever is made of what it
-- they find.
local function find(access, ctx, hidden_by)
  local m, index = access.m, nil
  local query = { search = m.search, params = { access.table.id }, n = 0 }
  function query.words()
    index = index or word_index.of(access.table.store, access.table, m.search)
    return index
  end
  local parts = { "items.table_id = ?", search_filter.of_rules(query, hidden_by) }
  parts[#parts + 1] = search_filter.build(query, given(ctx.arguments.filter))
  -- A record that is deleted is no longer found, though a versioned model keeps it for a while.
  if m.conflict then parts[#parts + 1] = "json_extract(items.json, '$._deleted') IS NOT 1" end
  local condition = table.concat(parts, " AND ")
  if query.n == 0 and not hidden_by then return { condition = condition, params = query.params } end
  local places = access.table.store:values("SELECT seq FROM items WHERE " .. condition, unpack(query.params))
  local list = core.encode(setmetatable(places, array_mt))
  return { condition = "items.seq IN (SELECT value FROM json_each(?))", params = { list } }
end

-- Those of them that more rules show.
local function narrow(access, found, rules)
  local query = { search = access.m.search, params = copy(found.params), n = 0 }
  return { condition = found.condition .. " AND " .. search_filter.of_rules(query, rules), params = query.params }
end

local function read_window(args)
  local limit, from = given(args.limit) or DEFAULT_LIMIT, given(args.from) or 0
  if limit < 0 or from < 0 then refuse("'limit' and 'from' are not below 0") end
  if limit + from > WINDOW then
    refuse("Result window is too large, from + size must be less than or equal to: [%d] but was [%d]", WINDOW, limit + from)
  end
  return limit, from
end

local function subject(place, list)
  local parts = { place.type .. "." .. place.field }
  for _, order in ipairs(list) do parts[#parts + 1] = order.name .. (order.is_descending and " desc" or " asc") end
  return table.concat(parts, ", ")
end

-- The rows of a page: their places, and where the last one stands.
local function page(access, place, ctx, found)
  local args, store = ctx.arguments, access.table.store
  local limit, from = read_window(args)
  local list = orders(access.m, given(args.sort))
  local of, columns = subject(place, list), {}
  for i, order in ipairs(list) do columns[i] = sort_column(i, order) end
  local params, after, text = copy(found.params), "1", given(args.nextToken)
  if text then after = after_text(list, token.decode(of, text, #list + 1), params) end
  params[#params + 1], params[#params + 2] = limit, from
  local width = #list + 1
  local values = store:values(("SELECT * FROM (SELECT seq, %s FROM items WHERE %s) WHERE %s ORDER BY %s LIMIT ? OFFSET ?"):format(
    table.concat(columns, ", "), found.condition, after, order_text(list)), unpack(params))
  local places = {}
  for i = 1, #values, width do places[#places + 1] = values[i] end
  if #places == 0 then return places, NULL end
  local position, last = {}, #values - width + 1
  for i = 1, #list do position[i] = packed(values[last + i]) end
  position[#list + 1] = values[last]
  return places, token.encode(of, position)
end

---@param access appsync.server.Access
---@param place appsync.server.Place
---@return function resolver
function search_query.resolver(access, place)
  local m, guard = access.m, access.guard
  return function(ctx)
    local store, args = access.table.store, ctx.arguments
    local hidden_by = guard:read(m, "search", ctx)
    local found = find(access, ctx, hidden_by)
    local places, next_token = page(access, place, ctx, found)
    local items = setmetatable({}, array_mt)
    for i, seq in ipairs(places) do items[i] = access.table:at(seq).item end
    local total = store:values(("SELECT count(*) FROM (SELECT 1 FROM items WHERE %s LIMIT %d)"):format(found.condition, WINDOW),
      unpack(found.params))[1]
    local aggregated = aggregates.of(store, m.search, given(args.aggregates) or {}, function(field)
      local extra = guard:aggregate(m, field, ctx)
      return extra and narrow(access, found, extra) or found
    end)
    return { items = items, nextToken = next_token, total = total, aggregateItems = aggregated }
  end
end

return search_query
