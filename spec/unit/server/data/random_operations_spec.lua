-- Random operations on a store, against a model of it that is a list of items and nothing else.
-- N=100000 SEED=7 for more of them, or for those of a failure.
local core = require("appsync.core")
local filter = require("appsync.server.data.filter")
local operations = require("appsync.server.data.operations")
local store = require("appsync.server.data.store")

local N = tonumber(os.getenv("N")) or 1500
local SEED = tonumber(os.getenv("SEED")) or os.time() % 100000
local NULL = core.null

-- The same numbers on every Lua.
local state
local function random(n)
  state = (state * 16807) % 2147483647
  return state % n + 1
end
local function pick(list) return list[random(#list)] end

local PARTITIONS, TEXTS, KINDS = { "p1", "p2", "p3" }, { "a", "A", "aa", "b#", "b", "ä", "z\1", "#" }, { "k1", "k2" }
local NUMBERS = { -10, -1, 0, 1, 2, 9, 10, 100, 1.5, 1e10 }

local MODEL = {
  name = "Thing", ops = { get = "get", list = "list", create = "create", update = "update", delete = "delete" }, relations = {},
  key = { partition = "part", sort = { "year", "code" }, is_custom = true }, defaults = {}, field_by_name = { id = { named = "Int" } },
  indexes = {
    { name = "byKind", partition = "kind", sort = { "rank" }, query = "byKind" },
    { name = "byText", partition = "kind", sort = { "text", "rank" }, query = "byText" },
    { name = "byCode", partition = "code", sort = {}, query = "byCode" },
  },
}

-- The model: items in the order of creation.
local items

local function key_text(item) return ("%s|%d|%s"):format(item.part, item.year, item.code) end

local function find(key)
  for i, item in ipairs(items) do
    if key_text(item) == key_text(key) then return item, i end
  end
  return nil
end

local function less(a, b)
  if type(a) == "number" then return a < b end
  for i = 1, math.min(#a, #b) do
    if a:byte(i) ~= b:byte(i) then return a:byte(i) < b:byte(i) end
  end
  return #a < #b
end

local function number_text(value)
  return value == math.floor(value) and ("%.0f"):format(value) or ("%.17g"):format(value)
end

-- The sort key of an item in an index, and nil where it has none.
local function sort_key(item, names)
  local parts = {}
  for i, name in ipairs(names) do
    if item[name] == nil then return nil end
    parts[i] = item[name]
  end
  if #parts == 1 then return parts[1] end
  for i, part in ipairs(parts) do parts[i] = type(part) == "number" and number_text(part) or part end
  return table.concat(parts, "#")
end

local HOLDS = {
  eq = function(value, a) return value == a end,
  lt = function(value, a) return less(value, a) end,
  le = function(value, a) return not less(a, value) end,
  gt = function(value, a) return less(a, value) end,
  ge = function(value, a) return not less(value, a) end,
  between = function(value, a, b) return not less(value, a) and not less(b, value) end,
  beginsWith = function(value, a) return value:sub(1, #a) == a end,
}

-- What a query gives in all of its pages.
local function expected(query)
  local out = {}
  for i, item in ipairs(items) do
    local sk = not query.index and i or query.index == "scan" and i or sort_key(item, query.sort)
    if #(query.sort or {}) == 0 then sk = i end
    local is_in = query.partition == nil or (item[query.partition] == query.value and sk ~= nil)
    if is_in and query.op then is_in = HOLDS[query.op](sk, query.a, query.b) end
    if is_in then out[#out + 1] = { item = item, sk = sk, place = item.place } end
  end
  table.sort(out, function(x, y)
    if x.sk ~= y.sk then return less(x.sk, y.sk) end
    return x.place < y.place
  end)
  local list = {}
  for i, entry in ipairs(out) do list[query.is_descending and #out + 1 - i or i] = key_text(entry.item) end
  return list
end

describe("random operations", function()
  local s, resolvers, place, path

  local function open()
    s = assert(store.open(path))
    resolvers = assert(operations.build({ MODEL }, s, {
      query = "Query", mutation = "Mutation", now = function() return 0 end, uuid = error,
    }))
  end

  before_each(function()
    state, items, place, path = SEED + 1, {}, 0, os.tmpname()
    open()
  end)
  after_each(function()
    s:close()
    for _, suffix in ipairs({ "", "-wal", "-shm" }) do os.remove(path .. suffix) end
  end)

  local function call(type_name, field, args) return resolvers[type_name][field]({ arguments = args }) end

  local function random_key() return { part = pick(PARTITIONS), year = random(3), code = pick(TEXTS) } end

  local function random_fields(input, remove)
    if random(3) > 1 then input.kind = pick(KINDS) elseif remove and random(2) == 1 then input.kind = NULL end
    if random(3) > 1 then input.text, input.rank = pick(TEXTS), pick(NUMBERS) end
    if remove and random(8) == 1 then input.text, input.rank = NULL, NULL end
    return input
  end

  local steps = {}

  function steps.create()
    local input = random_fields(random_key())
    local known = find(input)
    local ok = pcall(call, "Mutation", "create", { input = input })
    assert.equal(not known, ok)
    if ok then
      place = place + 1
      local item = { place = place }
      for name, value in pairs(input) do item[name] = value end
      table.insert(items, item)
    end
  end

  function steps.update()
    local input = random_fields(random_key(), true)
    local item = find(input)
    local condition = random(3) == 1 and { kind = { eq = pick(KINDS) } } or nil
    local ok = pcall(call, "Mutation", "update", { input = input, condition = condition })
    assert.equal(item ~= nil and filter.matches(condition, item), ok)
    for name, value in pairs(ok and input or {}) do
      if value == NULL then item[name] = nil else item[name] = value end
    end
  end

  function steps.delete()
    local input = random_key()
    local item, i = find(input)
    assert.equal(item ~= nil, pcall(call, "Mutation", "delete", { input = input }))
    if item then table.remove(items, i) end
  end

  function steps.get()
    local key = random_key()
    local item, got = find(key), call("Query", "get", key)
    assert.equal(item == nil, got == nil)
    for _, name in ipairs(item and { "part", "year", "code", "kind", "text", "rank" } or {}) do assert.equal(item[name], got[name]) end
  end

  -- All pages of a field, with what the filter lets through.
  local function pages(field, args, wanted)
    local out, token, n_pages = {}, nil, 0
    args.limit, args.filter = random(7), wanted
    repeat
      args.nextToken = token
      local page = call("Query", field, args)
      assert.is_true(#page.items <= args.limit)
      for _, item in ipairs(page.items) do out[#out + 1] = key_text(item) end
      token, n_pages = page.nextToken ~= NULL and page.nextToken or nil, n_pages + 1
    until not token
    return out, n_pages, args.limit
  end

  local function check_pages(field, args, query)
    local wanted = random(2) == 1 and { rank = { [pick({ "gt", "le", "ne" })] = pick(NUMBERS) } } or nil
    local all, kept = expected(query), {}
    for _, text in ipairs(all) do
      for _, item in ipairs(items) do
        if key_text(item) == text and filter.matches(wanted, item) then kept[#kept + 1] = text end
      end
    end
    local got, n_pages, limit = pages(field, args, wanted)
    assert.same(kept, got)
    assert.equal(math.floor(#all / limit) + 1, n_pages)
  end

  function steps.list() check_pages("list", {}, {}) end

  -- A condition of the operator for the sort key, as the argument and as the model has it.
  local function condition(query, op, operand, text)
    local a, b = operand(), operand()
    query.op, query.a, query.b = op, text(a), text(b)
    if op == "between" and less(query.b, query.a) then
      a, b = b, a
      query.a, query.b = query.b, query.a
    end
    return { [op] = op == "between" and { a, b } or a }
  end

  local OPS = { "eq", "lt", "le", "gt", "ge", "between", "beginsWith" }
  local function same(value) return value end

  function steps.partition()
    local query = { partition = "part", value = pick(PARTITIONS), index = "key", sort = { "year", "code" }, is_descending = random(2) == 1 }
    local args = { part = query.value, sortDirection = query.is_descending and "DESC" or "ASC" }
    if random(2) == 1 then
      args.yearCode = condition(query, pick(OPS), function()
        return random(4) == 1 and { year = random(3) } or { year = random(3), code = pick(TEXTS) }
      end, function(parts) return parts.code and parts.year .. "#" .. parts.code or tostring(parts.year) end)
    end
    check_pages("list", args, query)
  end

  function steps.by_kind()
    local query = { partition = "kind", value = pick(KINDS), index = "byKind", sort = { "rank" }, is_descending = random(2) == 1 }
    local args = { kind = query.value, sortDirection = query.is_descending and "DESC" or nil }
    if random(2) == 1 then args.rank = condition(query, OPS[random(6)], function() return pick(NUMBERS) end, same) end
    check_pages("byKind", args, query)
  end

  function steps.by_text()
    local query = { partition = "kind", value = pick(KINDS), index = "byText", sort = { "text", "rank" }, is_descending = random(2) == 1 }
    local args = { kind = query.value, sortDirection = query.is_descending and "DESC" or nil }
    if random(2) == 1 then
      args.textRank = condition(query, pick(OPS), function() return { text = pick(TEXTS) } end, function(parts) return parts.text end)
    end
    check_pages("byText", args, query)
  end

  function steps.by_code() check_pages("byCode", { code = items[1] and items[1].code or "a" },
    { partition = "code", value = items[1] and items[1].code or "a", index = "byCode", sort = {} }) end

  function steps.forget() s.cache:clear() end

  function steps.reopen()
    s:close()
    open()
  end

  local CHOICES = {
    "create", "create", "create", "create", "update", "update", "delete", "get", "list", "partition", "partition", "by_kind", "by_kind",
    "by_text", "by_text", "by_code", "forget",
  }

  it(("do what a list of items would do (SEED=%d)"):format(SEED), function()
    for i = 1, N do
      local step = i % 500 == 0 and "reopen" or pick(CHOICES)
      local ok, err = pcall(steps[step])
      if not ok then error(("operation %d, %s, SEED=%d: %s"):format(i, step, SEED, tostring(type(err) == "table" and err.message or err)), 0) end
    end
  end)
end)
