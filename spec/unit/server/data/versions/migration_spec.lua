local operations = require("appsync.server.data.operations")
local store = require("appsync.server.data.store")

local START_MS = 1795158179158

describe("a model that gets versions or loses them", function()
  local path, s, resolvers, clock_ms

  before_each(function()
    clock_ms = START_MS
    path = os.tmpname()
    s = assert(store.open(path))
  end)
  after_each(function()
    s:close()
    for _, suffix in ipairs({ "", "-wal", "-shm" }) do os.remove(path .. suffix) end
  end)

  local function build(is_versioned)
    resolvers = assert(operations.build({ {
      name = "Todo", key = { partition = "id", sort = {}, is_custom = false }, relations = {}, defaults = {},
      indexes = { { name = "byKind", partition = "kind", sort = {}, query = "byKind" } },
      ops = { get = "get", list = "list", create = "create", update = "update", delete = "delete", sync = "sync" },
      conflict = is_versioned and { handler = "AUTOMERGE", base_ttl_s = 2592000, delta_ttl_s = 1800 } or nil,
    } }, s, { query = "Query", mutation = "Mutation", uuid = error, now = function() return clock_ms / 1000 end }))
  end

  local function open_again(is_versioned)
    s:close()
    s = assert(store.open(path))
    clock_ms = clock_ms + 1000
    build(is_versioned)
  end

  local function mutate(field, input) return resolvers.Mutation[field]({ arguments = { input = input }, request_id = "r-1" }) end
  local function query(field, args) return resolvers.Query[field]({ arguments = args or {} }) end

  local function all(field)
    local out = {}
    for i, item in ipairs(query(field or "list").items) do
      out[i] = { item.id, item._version, item._lastChangedAt, item._deleted }
    end
    return out
  end

  it("has its items in version 1, and they count as changed when it got them", function()
    build(false)
    mutate("create", { id = "1", kind = "k" })
    mutate("create", { id = "2" })
    open_again(true)
    assert.same({ { "1", 1, START_MS + 1000 }, { "2", 1, START_MS + 1000 } }, all())
    assert.same({ { "1", 1, START_MS + 1000 }, { "2", 1, START_MS + 1000 } }, all("sync"))
    assert.equal("1", query("byKind", { kind = "k" }).items[1].id)
    assert.equal(2, mutate("update", { id = "1", _version = 1 })._version)
  end)

  it("keeps versions, journal and tombstones from one start to the next", function()
    build(true)
    mutate("create", { id = "1" })
    mutate("update", { id = "1", _version = 1 })
    mutate("create", { id = "2" })
    mutate("delete", { id = "2", _version = 1 })
    local before = all()
    open_again(true)
    assert.same({ { "1", 2, START_MS }, { "2", 2, START_MS, true } }, before)
    assert.same(before, all())
    assert.equal(4, #query("sync", { lastSync = START_MS }).items)
    clock_ms = START_MS + 2592001000
    assert.same({ { "1", 2, START_MS } }, all())
  end)

  it("gives no item the place of one that is gone while the journal knows it", function()
    build(true)
    mutate("create", { id = "1" })
    mutate("delete", { id = "1", _version = 1 })
    local seq = s:values("SELECT seq FROM items")[1]
    s:run("DELETE FROM items")
    s:run("DELETE FROM tombstones")
    open_again(true)
    mutate("create", { id = "2" })
    assert.is_true(s:values("SELECT seq FROM items")[1] > seq)
  end)

  it("keeps the metadata when it loses them, and shows tombstones as items", function()
    build(true)
    mutate("create", { id = "1" })
    mutate("create", { id = "2" })
    mutate("delete", { id = "2", _version = 1 })
    open_again(false)
    assert.same({ { "1", 1, START_MS }, { "2", 2, START_MS, true } }, all())
    assert.same({ 0, 0 }, { s:values("SELECT count(*) FROM journal")[1], s:values("SELECT count(*) FROM tombstones")[1] })
    mutate("delete", { id = "2" })
    assert.is_nil(query("get", { id = "2" }))
  end)

  it("begins with version 1 where something else stands for one", function()
    build(false)
    for i, version in ipairs({ 1.5, -3, 0, 2147483647, 1e300, "7", false }) do
      s:model("Todo"):insert(tostring(i), nil, { id = tostring(i), _version = version })
    end
    s:model("Todo"):insert("8", nil, { id = "8", _version = 2147483646, _deleted = false, _ttl = 5 })
    open_again(true)
    local eighth = query("get", { id = "8" })
    assert.same({}, { eighth._deleted, eighth._ttl })
    for i, item in ipairs(all()) do assert.equal(i == 8 and 2147483647 or 1, item[2]) end
  end)

  it("counts on when it gets them back, so that what was done meanwhile isn't overlooked", function()
    build(true)
    for i = 1, 3 do mutate("create", { id = tostring(i) }) end
    mutate("delete", { id = "2", _version = 1 })
    mutate("delete", { id = "3", _version = 1 })
    open_again(false)
    mutate("update", { id = "1", note = "n" })
    mutate("delete", { id = "3" })
    open_again(true)
    assert.same({ { "1", 2, START_MS + 2000 }, { "2", 3, START_MS + 2000, true } }, all())
    -- The journal knows nothing of the time without versions.
    assert.same({ { "1", 2, START_MS + 2000 }, { "2", 3, START_MS + 2000, true } }, all("sync"))
    assert.equal(2, #query("sync", { lastSync = START_MS + 1000 }).items)
    assert.equal(2, #query("sync", { lastSync = START_MS + 2000 }).items)
    assert.equal(0, #query("sync", { lastSync = START_MS + 2001 }).items)
    clock_ms = clock_ms + 2592000000
    assert.is_true(query("get", { id = "2" })._deleted)
    clock_ms = clock_ms + 1000
    assert.is_nil(query("get", { id = "2" }))
  end)
end)
