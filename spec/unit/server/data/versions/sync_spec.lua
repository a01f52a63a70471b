local core = require("appsync.core")
local operations = require("appsync.server.data.operations")
local store = require("appsync.server.data.store")

local NULL = core.null
local BASE_TTL_S, DELTA_TTL_S = 2592000, 1800
local START_MS = 1795158179158

describe("sync", function()
  local clock_ms, s, resolvers, hidden_by

  before_each(function()
    clock_ms, hidden_by = START_MS, nil
    s = assert(store.open(":memory:"))
    local models = {}
    for i, name in ipairs({ "Todo", "Post" }) do
      models[i] = {
        name = name, key = { partition = "id", sort = {}, is_custom = false }, indexes = {}, relations = {}, defaults = {},
        ops = { create = "create" .. name, update = "update" .. name, delete = "delete" .. name, sync = "sync" .. name },
        field_by_name = { id = { named = "ID" } },
        conflict = { handler = "AUTOMERGE", base_ttl_s = BASE_TTL_S, delta_ttl_s = DELTA_TTL_S },
      }
    end
    local guard = {}
    function guard.read(_, m, op)
      assert.same({ "Todo", "sync" }, { m.name, op })
      return hidden_by
    end
    resolvers = assert(operations.build(models, s, {
      query = "Query", mutation = "Mutation", uuid = error, guard = guard, now = function() return clock_ms / 1000 end,
    }))
  end)
  after_each(function() s:close() end)

  local function mutate(field, input)
    clock_ms = clock_ms + 1000
    return resolvers.Mutation[field]({ arguments = { input = input }, request_id = "r-1" })
  end
  local function sync(args, field) return resolvers.Query[field or "syncTodo"]({ arguments = args or {} }) end

  local function texts(page)
    local out = {}
    for i, item in ipairs(page.items) do out[i] = item.id .. "." .. item._version .. (item._deleted and "x" or "") end
    return table.concat(out, " ")
  end

  local function refused(args, field)
    local ok, err = pcall(sync, args, field)
    assert.is_false(ok)
    return err
  end

  local function fill()
    for i = 1, 3 do mutate("createTodo", { id = tostring(i), n = i }) end
    mutate("updateTodo", { id = "1", n = 10, _version = 1 })
    mutate("deleteTodo", { id = "2", _version = 1 })
  end

  it("gives all items and tombstones without a time", function()
    fill()
    for _, last_sync in ipairs({ "none", NULL, 0, -5 }) do
      if last_sync == "none" then last_sync = nil end
      local page = sync({ lastSync = last_sync })
      assert.equal("1.2 2.2x 3.1", texts(page))
      assert.equal(clock_ms, page.startedAt)
      assert.equal(NULL, page.nextToken)
    end
  end)

  it("gives what has changed since a time, each version of it, in the order of the changes", function()
    fill()
    assert.equal("1.1 2.1 3.1 1.2 2.2x", texts(sync({ lastSync = START_MS })))
    assert.equal("3.1 1.2 2.2x", texts(sync({ lastSync = START_MS + 3000 })))
    assert.equal("1.2 2.2x", texts(sync({ lastSync = START_MS + 3001 })))
    assert.equal("", texts(sync({ lastSync = START_MS + 5001 })))
    assert.equal("", texts(sync({ lastSync = START_MS + 1e9 })))
  end)

  it("gives all items when the time is older than the journal reaches", function()
    fill()
    clock_ms = START_MS + 1000 + DELTA_TTL_S * 1000
    assert.equal("1.1 2.1 3.1 1.2 2.2x", texts(sync({ lastSync = START_MS + 1000 })))
    clock_ms = clock_ms + 1
    assert.equal("1.2 2.2x 3.1", texts(sync({ lastSync = START_MS + 1000 })))
  end)

  it("gives no tombstone whose life is over", function()
    fill()
    clock_ms = clock_ms + (BASE_TTL_S + 1) * 1000
    assert.equal("1.2 3.1", texts(sync()))
  end)

  it("gives pages that all have the time of the first", function()
    fill()
    for _, case in ipairs({ { nil, "1.2 2.2x", "3.1" }, { START_MS, "1.1 2.1", "3.1 1.2", "2.2x" } }) do
      local began, args = clock_ms, { limit = 2, lastSync = case[1] }
      for i = 2, #case do
        if case[i] then
          local page = sync(args)
          assert.equal(case[i], texts(page))
          assert.equal(began, page.startedAt)
          assert.equal(i == #case or case[i + 1] == nil, page.nextToken == NULL)
          args.nextToken, clock_ms = page.nextToken, clock_ms + 7
        end
      end
    end
  end)

  it("begins with a page of the journal and stays there while time passes", function()
    fill()
    local page = sync({ limit = 2, lastSync = START_MS })
    clock_ms = clock_ms + DELTA_TTL_S * 1000 - 4000
    assert.equal("3.1 1.2", texts(sync({ limit = 2, lastSync = START_MS, nextToken = page.nextToken })))
  end)

  it("goes on in the table when the journal has forgotten what would come next", function()
    fill()
    local since = clock_ms - 4000
    clock_ms = since + DELTA_TTL_S * 1000
    local page = sync({ limit = 2, lastSync = since })
    assert.equal("1.1 2.1", texts(page))
    local started_ms = page.startedAt
    clock_ms = clock_ms + 60000
    page = sync({ limit = 2, lastSync = since, nextToken = page.nextToken })
    assert.equal("1.2 2.2x", texts(page))
    assert.equal(started_ms, page.startedAt)
    page = sync({ limit = 2, lastSync = since, nextToken = page.nextToken })
    assert.equal("3.1", texts(page))
    assert.same({ NULL, started_ms }, { page.nextToken, page.startedAt })
  end)

  it("gives all items for 0 even where the journal reaches that far back", function()
    clock_ms = 0
    fill()
    assert.equal("1.2 2.2x 3.1", texts(sync({ lastSync = 0 })))
    assert.equal("1.1 2.1 3.1 1.2 2.2x", texts(sync({ lastSync = 1 })))
  end)

  it("counts a page's items before the filter", function()
    fill()
    local page = sync({ limit = 1, filter = { id = { eq = "3" } } })
    assert.equal("", texts(page))
    assert.not_equal(NULL, page.nextToken)
    assert.equal("3.1", texts(sync({ limit = 5, filter = { id = { eq = "3" } }, nextToken = page.nextToken })))
    page = sync({ limit = 3, lastSync = START_MS, filter = { n = { eq = 10 } } })
    assert.equal("", texts(page))
    assert.equal("1.2", texts(sync({ filter = { n = { eq = 10 } }, nextToken = page.nextToken })))
    assert.equal("2.2x", texts(sync({ filter = { _deleted = { eq = true } } })))
  end)

  it("refuses a filter that means nothing, whatever there is", function()
    assert.equal("Unrecognized Filter", refused({ filter = { n = { like = 1 } } }).type)
  end)

  it("gives 100 items unless asked for more, and never more than 1000", function()
    s:transaction(function()
      for i = 1, 1001 do mutate("createTodo", { id = tostring(i) }) end
    end)
    clock_ms = START_MS + 1000
    for _, last_sync in ipairs({ 0, START_MS }) do
      assert.equal(100, #sync({ lastSync = last_sync }).items)
      assert.equal(300, #sync({ lastSync = last_sync, limit = 300 }).items)
      local page = sync({ lastSync = last_sync, limit = 5000 })
      assert.equal(1000, #page.items)
      page = sync({ lastSync = last_sync, limit = 5000, nextToken = page.nextToken })
      assert.same({ 1, NULL }, { #page.items, page.nextToken })
    end
  end)

  it("remembers nothing that was rolled back", function()
    fill()
    pcall(s.transaction, s, function()
      mutate("createTodo", { id = "4" })
      assert.equal("4.1", texts(sync({ lastSync = clock_ms })))
      error("no")
    end)
    mutate("createTodo", { id = "5" })
    assert.equal("5.1", texts(sync({ lastSync = clock_ms })))
  end)

  it("walks an index, whatever it asks of the journal", function()
    for _, sql in ipairs({
      "SELECT at, id FROM journal WHERE table_id = 1 AND (at, id) > (1, 2) ORDER BY at, id LIMIT 3",
      "SELECT min(expires) FROM journal WHERE table_id = 1", "DELETE FROM journal WHERE table_id = 1 AND expires < 5",
      "SELECT min(expires) FROM tombstones WHERE table_id = 1", "DELETE FROM tombstones WHERE table_id = 1 AND expires < 5",
    }) do
      local plan = s:explain(sql)
      assert.matches("SEARCH", plan)
      assert.not_matches("SCAN", plan)
      assert.not_matches("TEMP B%-TREE", plan)
    end
  end)

  it("ends a page of the journal at a megabyte", function()
    for i = 1, 5 do mutate("createTodo", { id = tostring(i), text = ("x"):rep(400000) }) end
    local page = sync({ lastSync = START_MS })
    assert.equal("1.1 2.1 3.1", texts(page))
    assert.equal("4.1 5.1", texts(sync({ lastSync = START_MS, nextToken = page.nextToken })))
  end)

  it("refuses limits below 1 and tokens that are none, or of another field", function()
    fill()
    assert.equal("BadRequestException", refused({ limit = 0 }).type)
    local token = sync({ limit = 1 }).nextToken
    hidden_by = nil
    local function forged(after)
      return core.base64(core.encode({ version = 1, of = "Query.syncTodo", after = setmetatable(after, core.array_mt) }))
    end
    for _, text in ipairs({
      "", "x", core.base64("{}"), forged({}), forged({ "base" }), forged({ "base", 1 }), forged({ "delta", 1, 2 }), forged({ "base", 1, "2" }),
      forged({ "base", "1", 2 }), forged({ "other", 1, 2 }), forged({ 1, 1, 2 }), forged({ "delta", 1, 2, 3, 4 }),
      forged({ "base", 1.5, 2 }), forged({ "base", 1, 0.5 }), forged({ "base", -1, 2 }), forged({ "delta", 1, 2, -3 }),
      forged({ "base", 1e300, 2 }), forged({ "delta", 1, 2 ^ 53, 3 }),
      (token:gsub("^...", "abc")),
    }) do
      assert.equal("DynamoDB:UserIllegalArgumentException", refused({ nextToken = text }).type)
    end
    local of_other = core.base64((core.unbase64(token):gsub("syncTodo", "syncPost")))
    assert.matches("It is of another operation", refused({ nextToken = of_other }).message)
  end)

  it("gives only what the rules let the caller read", function()
    fill()
    hidden_by = { n = { ge = 3 } }
    assert.equal("1.2 3.1", texts(sync()))
    assert.equal("3.1 1.2", texts(sync({ lastSync = START_MS })))
    assert.equal("3.1", texts(sync({ filter = { n = { lt = 5 } } })))
  end)
end)
