-- Lists, index queries and filters over many records: a page costs what it asks for, however many records there are. What
-- is asserted is counted (values that statements gave); times are only printed, of the quickest of some rounds. That each
-- statement walks an index is a unit test (spec/unit/server/data/select_spec.lua).
-- usage: N=100000 lua spec/soak/records.lua
local core = require "appsync.core"
local engine = require "appsync.server.engine"

local N = tonumber(os.getenv "N") or 100000
local FEW = 1000
local ROUNDS, PAGES = 20, 20

local SCHEMA = [[
type Todo @model { id: ID! name: String! kind: String! @index(name: "byKind", queryField: "todosByKind", sortKeyFields: ["rank"])
  rank: Int! }
]]

local FIELDS = "{ items { id name kind rank } nextToken }"
local LIST = "query ($limit: Int, $nextToken: String, $filter: ModelTodoFilterInput) { page: listTodos(limit: $limit, "
  .. "nextToken: $nextToken, filter: $filter) " .. FIELDS .. " }"
local QUERY = "query ($kind: String!, $limit: Int, $nextToken: String, $rank: ModelIntKeyConditionInput, $filter: ModelTodoFilterInput) "
  .. "{ page: todosByKind(kind: $kind, limit: $limit, nextToken: $nextToken, rank: $rank, filter: $filter, sortDirection: DESC) "
  .. FIELDS .. " }"

local function fill(n)
  local served = assert(engine.new { schema_text = SCHEMA })
  local list = {}
  for i = 1, n do list[i] = { id = "t" .. i, name = "name " .. i, kind = "k" .. i % 10, rank = i } end
  assert(served:seed(core.encode { Todo = setmetatable(list, core.array_mt) }, "records"))
  return served
end

local function page(served, query, variables)
  local answer = core.decode((served:execute { query = query, variables = variables }))
  assert(not answer.errors, answer.errors and core.encode(answer.errors))
  return answer.data.page
end

-- {name, query, variables, items of the page}
local ROWS = {
  { "list of 20", LIST, { limit = 20 }, 20 },
  { "index query of 20", QUERY, { kind = "k3", limit = 20 }, 20 },
  { "index query with a range", QUERY, { kind = "k3", limit = 20, rank = { le = 500 } }, 20 },
  { "list of 20 with a filter", LIST, { limit = 20, filter = { rank = { gt = 10 } } }, 10 },
  { "index query, filtered", QUERY, { kind = "k3", limit = 20, filter = { name = { contains = "none" } } }, 0 },
}

-- Values that statements gave for a page, first without and then with what is remembered of items; and the time of one.
local function measure(served, row)
  local store = served.store
  store.cache:clear()
  local at = store.n_read
  assert(#page(served, row[2], row[3]).items == row[4], row[1] .. ": another number of items")
  local cold = store.n_read - at
  local best = math.huge
  at = store.n_read
  for _ = 1, ROUNDS do
    local began = core.now()
    for _ = 1, PAGES do page(served, row[2], row[3]) end
    best = math.min(best, core.now() - began)
  end
  return cold, (store.n_read - at) / ROUNDS / PAGES, best / PAGES * 1e6
end

local function compare(few, many)
  for _, row in ipairs(ROWS) do
    local cold, warm, time = measure(few, row)
    local cold_many, warm_many, time_many = measure(many, row)
    print(("%-26s %6d records: %3d values read, %2d again, %5.0f us;  %6d records: %3d, %2d, %5.0f us"):format(row[1], FEW, cold,
      warm, time, N, cold_many, warm_many, time_many))
    assert(cold == cold_many and warm == warm_many, row[1] .. ": more is read of more records")
    -- A place of each item, and for those that are not remembered what they are.
    assert(warm_many <= 20 and cold_many <= 4 * 20, row[1] .. ": more is read than the page asks for")
  end
end

-- A scan with a filter that nothing passes reads each record once, page by page.
local function walk(served)
  local at, n_pages, variables = served.store.n_read, 0, { limit = 1000, filter = { name = { eq = "none" } } }
  served.store.cache:clear()
  local began = core.now()
  repeat
    local got = page(served, LIST, variables)
    assert(#got.items == 0)
    n_pages, variables.nextToken = n_pages + 1, got.nextToken
  until variables.nextToken == core.null
  local n_read = served.store.n_read - at
  print(("%d pages of 1000 with a filter that nothing passes: %d values read, %.1f ms a page"):format(n_pages, n_read,
    (core.now() - began) / n_pages * 1e3))
  assert(n_pages <= N / 1000 + 1, "too many pages")
  assert(n_read <= 4 * N, "records are read more than once")
end

local function main()
  local few, began = fill(FEW), core.now()
  local many = fill(N)
  print(("%d records stored in %.1f s"):format(N, core.now() - began))
  collectgarbage()
  compare(few, many)
  walk(many)
  few:close()
  many:close()
end

local ok, err = xpcall(main, debug.traceback)
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
