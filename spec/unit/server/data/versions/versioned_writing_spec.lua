local core = require("appsync.core")
local operations = require("appsync.server.data.operations")
local store = require("appsync.server.data.store")

local NULL = core.null
local BASE_TTL_S, DELTA_TTL_S = 2592000, 1800
local START_MS = 1795158179158

local function list(...) return setmetatable({ ... }, core.array_mt) end

describe("the mutations of a versioned model", function()
  local clock_ms, s, resolvers, handler, events

  local function build(conflict, changes)
    clock_ms, events = START_MS, {}
    s = s or assert(store.open(":memory:"))
    local m = {
      name = "Todo", key = { partition = "id", sort = {}, is_custom = false }, relations = {}, defaults = {},
      ops = { get = "get", list = "list", create = "create", update = "update", delete = "delete", sync = "sync" },
      indexes = { { name = "byKind", partition = "kind", sort = {}, query = "byKind" } }, updated_at = "updatedAt",
      field_by_name = { id = { named = "ID" } },
      conflict = { handler = conflict, base_ttl_s = BASE_TTL_S, delta_ttl_s = DELTA_TTL_S, resolver = conflict == "LAMBDA" and "default" },
    }
    for name, value in pairs(changes or {}) do m[name] = value end
    resolvers = assert(operations.build({ m }, s, {
      query = "Query", mutation = "Mutation", uuid = function() return "uuid" end, guard = m.guard,
      now = function() return clock_ms / 1000 end,
      conflict_handlers = {
        default = function(event, ctx)
          events[#events + 1] = event
          return handler(event, ctx)
        end,
      },
    }))
  end

  after_each(function()
    s:close()
    s = nil
  end)

  local function call(type_name, field, args)
    return resolvers[type_name][field]({
      arguments = args or {}, args = args or {}, request_id = "r-1", identity = { username = "u" },
      info = { parentTypeName = type_name, fieldName = field },
    })
  end
  local function mutate(field, input, condition) return call("Mutation", field, { input = input, condition = condition }) end
  local function get(id) return call("Query", "get", { id = id or "1" }) end
  local function count(table_name) return s:values("SELECT count(*) FROM " .. table_name)[1] end

  local function refused(...)
    local ok, err = pcall(mutate, ...)
    assert.is_false(ok)
    return err
  end

  local STAMP, LATER = "2026-11-20T07:02:59.158Z", "2026-11-20T07:03:00.158Z"
  local FAILED = "The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: r-1)"

  describe("create", function()
    it("begins with version 1", function()
      build("AUTOMERGE")
      local expected = { __typename = "Todo", id = "1", name = "a", updatedAt = STAMP, _version = 1, _lastChangedAt = START_MS }
      assert.same(expected, mutate("create", { id = "1", name = "a" }))
      assert.same(expected, get())
      assert.same({ { 1, START_MS, 1 } }, { { count("journal"), s:values("SELECT at FROM journal")[1], get()._version } })
    end)

    it("begins with version 1 whatever the input says", function()
      build("AUTOMERGE")
      assert.equal(1, mutate("create", { id = "1", _version = 7 })._version)
      assert.equal(1, mutate("create", { id = "2", _version = NULL })._version)
    end)

    it("refuses a key that is there, and shows the item", function()
      build("AUTOMERGE")
      mutate("create", { id = "1", name = "a" })
      assert.same({
        message = FAILED, type = "ConditionalCheckFailedException",
        data = { __typename = "Todo", id = "1", name = "a", updatedAt = STAMP, _version = 1, _lastChangedAt = START_MS, _deleted = NULL },
      }, refused("create", { id = "1", name = "b" }))
      assert.equal(1, count("journal"))
    end)

    it("refuses the key of a tombstone, until that is gone", function()
      build("AUTOMERGE")
      mutate("create", { id = "1" })
      mutate("delete", { id = "1", _version = 1 })
      local err = refused("create", { id = "1" })
      assert.equal("ConditionalCheckFailedException", err.type)
      assert.same({ true, 2 }, { err.data._deleted, err.data._version })
      clock_ms = clock_ms + (BASE_TTL_S + 1) * 1000
      assert.equal(1, mutate("create", { id = "1" })._version)
      assert.is_nil(get()._deleted)
    end)

    it("asks a condition of nothing", function()
      build("AUTOMERGE")
      assert.same({ message = FAILED, type = "ConditionalCheckFailedException" }, refused("create", { id = "1" }, { name = { eq = "a" } }))
      assert.equal(1, mutate("create", { id = "1" }, { name = { ne = "a" } })._version)
    end)

    it("shows the item that is there to nobody who can't read it", function()
      local hidden
      build("AUTOMERGE", { guard = { read = function() return hidden end } })
      mutate("create", { id = "1", owner = "a" })
      assert.equal("a", refused("create", { id = "1" }).data.owner)
      hidden = { owner = { eq = "b" } }
      assert.is_nil(refused("create", { id = "1" }).data)
      build("AUTOMERGE", { guard = { read = function() error("no", 0) end } })
      assert.is_nil(refused("create", { id = "1" }).data)
    end)
  end)

  describe("update", function()
    it("counts up when the version is right", function()
      build("OPTIMISTIC_CONCURRENCY")
      mutate("create", { id = "1", name = "a", note = "x" })
      clock_ms = clock_ms + 1000
      local expected = { __typename = "Todo", id = "1", name = "b", updatedAt = LATER, _version = 2, _lastChangedAt = START_MS + 1000 }
      assert.same(expected, mutate("update", { id = "1", name = "b", note = NULL, _version = 1 }))
      assert.same(expected, get())
      assert.equal(2, count("journal"))
    end)

    it("needs the item to be there", function()
      build("AUTOMERGE")
      assert.same({ message = FAILED, type = "ConditionalCheckFailedException" }, refused("update", { id = "1", name = "b" }))
    end)

    it("asks the condition of the item that is there", function()
      build("AUTOMERGE")
      mutate("create", { id = "1", name = "a" })
      for _, version in ipairs({ 1, 5 }) do
        local err = refused("update", { id = "1", note = "b", _version = version }, { name = { eq = "z" } })
        assert.same({ FAILED, "ConditionalCheckFailedException", "a" }, { err.message, err.type, err.data.name })
      end
      assert.equal(2, mutate("update", { id = "1", note = "b", _version = 1 }, { name = { eq = "a" } })._version)
      assert.equal(3, mutate("update", { id = "1", other = "b", _version = 1 }, { name = { eq = "a" } })._version)
    end)

    it("refuses keys that are empty, or parts of a composite one", function()
      build("AUTOMERGE", { indexes = { { name = "byText", partition = "kind", sort = { "text", "rank" } } } })
      mutate("create", { id = "1", kind = "k", text = "a", rank = 1 })
      assert.matches("attempted to update a secondary index key", refused("update", { id = "1", kind = "", _version = 1 }).message)
      for _, version in ipairs({ 1, 5 }) do
        assert.matches("Missing key: 'rank'", refused("update", { id = "1", text = "b", _version = version }).message)
      end
      assert.equal(1, get()._version)
    end)

    it("makes a live item of a tombstone when the version is right", function()
      build("AUTOMERGE")
      mutate("create", { id = "1", name = "a" })
      mutate("delete", { id = "1", _version = 1 })
      local item = mutate("update", { id = "1", name = "b", _version = 2 })
      assert.same({ "b", 3 }, { item.name, item._version })
      assert.is_nil(item._deleted)
      assert.is_nil(item._ttl)
      clock_ms = clock_ms + (BASE_TTL_S + 1) * 1000
      assert.equal("b", get().name)
    end)
  end)

  describe("with another version", function()
    local DATA = { __typename = "Todo", id = "1", name = "a", updatedAt = STAMP, _version = 1, _lastChangedAt = START_MS, _deleted = NULL }
    local REJECTED = { message = "Conflict resolver rejects mutation.", type = "ConflictUnhandled", data = DATA }

    for _, version in ipairs({ "none", NULL, 0, 2, -1 }) do
      it(("is refused under optimistic concurrency (%s)"):format(version == NULL and "null" or tostring(version)), function()
        build("OPTIMISTIC_CONCURRENCY")
        mutate("create", { id = "1", name = "a" })
        if version == "none" then version = nil end
        assert.same(REJECTED, refused("update", { id = "1", name = "b", _version = version }))
        assert.same(REJECTED, refused("delete", { id = "1", _version = version }))
        assert.equal(1, get()._version)
        assert.equal(1, count("journal"))
      end)
    end

    it("is merged under automerge", function()
      build("AUTOMERGE")
      mutate("create", { id = "1", name = "a", tags = list("x"), meta = { a = 1 } })
      clock_ms = clock_ms + 1000
      assert.same({
        __typename = "Todo", id = "1", name = "a", note = "n", tags = list("x", "y"), meta = { a = 1, b = 2 }, updatedAt = STAMP,
        _version = 2, _lastChangedAt = START_MS + 1000,
      }, mutate("update", { id = "1", name = NULL, note = "n", tags = list("y"), meta = { a = 9, b = 2 }, _version = 7 }))
      assert.equal(2, count("journal"))
    end)

    it("is another version even when the merge changes nothing", function()
      build("AUTOMERGE")
      mutate("create", { id = "1", name = "a" })
      assert.equal(2, mutate("update", { id = "1", name = "b" })._version)
      assert.equal("a", get().name)
    end)

    it("leaves a tombstone one under automerge, with a new life", function()
      build("AUTOMERGE")
      mutate("create", { id = "1", name = "a" })
      mutate("delete", { id = "1", _version = 1 })
      clock_ms = clock_ms + 10000
      local item = mutate("update", { id = "1", note = "b", _version = 1 })
      assert.same({ true, "b", 3, math.floor(clock_ms / 1000) + BASE_TTL_S }, { item._deleted, item.note, item._version, item._ttl })
    end)

    it("refuses a deletion under automerge", function()
      build("AUTOMERGE")
      mutate("create", { id = "1", name = "a" })
      assert.same(REJECTED, refused("delete", { id = "1" }))
    end)

    describe("asks a function under lambda", function()
      local function begin()
        build("LAMBDA")
        mutate("create", { id = "1", name = "a", kind = "k" })
      end

      it("and tells it what there is", function()
        begin()
        handler = function() return { action = "REJECT" } end
        local err = refused("update", { id = "1", name = "b", _version = 9 })
        assert.same({ "ConflictUnhandled", "a" }, { err.type, err.data.name })
        assert.same({
          newItem = { __typename = "Todo", id = "1", name = "b", kind = "k", updatedAt = STAMP, _version = 1, _lastChangedAt = START_MS },
          existingItem = { __typename = "Todo", id = "1", name = "a", kind = "k", updatedAt = STAMP, _version = 1, _lastChangedAt = START_MS },
          arguments = { input = { id = "1", name = "b", _version = 9 } },
          resolver = { tableName = "Todo", awsRegion = "us-east-1", parentType = "Mutation", field = "update" },
          identity = { username = "u" },
        }, events[1])
      end)

      it("and puts what it resolves, but not its key and its versions", function()
        begin()
        clock_ms = clock_ms + 1000
        handler = function() return { action = "RESOLVE", item = { id = "2", name = "c", _version = 99, _lastChangedAt = 1, _deleted = true } } end
        assert.same({ __typename = "Todo", id = "1", name = "c", _version = 2, _lastChangedAt = START_MS + 1000 },
          mutate("update", { id = "1", name = "b" }))
        assert.equal(0, #call("Query", "byKind", { kind = "k" }).items)
      end)

      it("and refuses what no key can be", function()
        begin()
        handler = function() return { action = "RESOLVE", item = { kind = "" } } end
        local err = refused("update", { id = "1" })
        assert.equal("DynamoDB:DynamoDbException", err.type)
        assert.matches("attempted to update a secondary index key", err.message)
        assert.equal("k", get().kind)
      end)

      it("and deletes what it removes", function()
        begin()
        handler = function(event) return { action = event.newItem == nil and "REMOVE" or "REJECT" } end
        local item = mutate("delete", { id = "1" })
        assert.same({ true, 2, "a" }, { item._deleted, item._version, item.name })
      end)

      it("and keeps what it changes to itself", function()
        begin()
        handler = function(event)
          event.existingItem.name, event.newItem.name, event.arguments.input.id = "x", "y", "z"
          return { action = "REJECT" }
        end
        local input = { id = "1" }
        refused("update", input)
        assert.equal("a", get().name)
        assert.same({ id = "1" }, input)
      end)

      it("and checks the condition that the mutation came with, whatever it does to its context", function()
        begin()
        local seen
        handler = function(event, ctx)
          seen = { ctx.arguments == event.arguments, ctx.args == event.arguments, ctx.identity.username }
          ctx.arguments.condition.name.eq, ctx.arguments.input.name = "a", "z"
          ctx.arguments, ctx.args = nil, nil
          return { action = "RESOLVE", item = event.newItem }
        end
        local err = refused("update", { id = "1", name = "b" }, { name = { eq = "other" } })
        assert.equal("ConditionalCheckFailedException", err.type)
        assert.same({ true, true, "u" }, seen)
        assert.same({ "b", 2 }, { mutate("update", { id = "1", name = "b" }, { name = { eq = "a" } }).name, get()._version })
      end)

      for what, case in pairs({
        ["nothing"] = { "update", function() end, "}, not nil" },
        ["a text"] = { "update", function() return "REJECT" end, "not a string" },
        ["an unknown action"] = { "update", function() return { action = "MERGE" } end, "not the action 'MERGE'" },
        ["no action"] = { "delete", function() return {} end, "not an action that isn't a string" },
        ["no item"] = { "update", function() return { action = "RESOLVE" } end, "not an item that isn't an object" },
        ["a list for an item"] = { "update", function() return { action = "RESOLVE", item = { 1 } } end, "not an item that isn't an object" },
        ["an item with a function"] = { "update", function() return { action = "RESOLVE", item = { a = print } } end, "JSON can't hold" },
        ["RESOLVE of a deletion"] = { "delete", function() return { action = "RESOLVE", item = {} } end, "'REMOVE'} or {action = 'REJECT'}, not the action 'RESOLVE'" },
        ["REMOVE of an update"] = { "update", function() return { action = "REMOVE" } end, "not the action 'REMOVE'" },
        ["an error"] = { "update", function() error("boom") end, "the conflict handler of Todo failed: boom" },
        ["a table that throws"] = { "update", function() return setmetatable({}, { __index = error }) end, "a table that can't be read" },
      }) do
        it("and tells that it answered with " .. what, function()
          begin()
          handler = case[2]
          local err = refused(case[1], { id = "1" })
          assert.equal("ConflictError", err.type)
          assert.truthy(err.message:find(case[3], 1, true), err.message)
          assert.equal("a", err.data.name)
          assert.equal(1, get()._version)
        end)
      end

      it("again when the item has changed meanwhile, but not for ever", function()
        begin()
        local n, writes = 0, 2
        handler = function()
          n = n + 1
          if n <= writes then mutate("update", { id = "1", n = n, _version = n }) end
          return { action = "RESOLVE", item = { name = "r" } }
        end
        assert.same({ "r", 4 }, { mutate("update", { id = "1", name = "b" }).name, get()._version })
        assert.equal(3, n)
        n, writes = 3, math.huge
        handler = function()
          n = n + 1
          mutate("update", { id = "1", n = n, _version = n })
          return { action = "RESOLVE", item = { name = "r" } }
        end
        local err = refused("update", { id = "1", name = "b" })
        assert.same({ "MaxConflicts", 14, 14 }, { err.type, err.data._version, get()._version })
      end)

      it("again when another item has taken the place of the item meanwhile", function()
        build("LAMBDA", { conflict = { handler = "LAMBDA", resolver = "default", base_ttl_s = 0, delta_ttl_s = DELTA_TTL_S } })
        mutate("create", { id = "1", name = "a" })
        local names = {}
        handler = function(event)
          names[#names + 1] = event.existingItem.name
          if #names == 1 then
            mutate("delete", { id = "1", _version = 1 })
            mutate("create", { id = "1", name = "c" })
          end
          return { action = "RESOLVE", item = { name = "r" } }
        end
        assert.same({ "r", 2 }, { mutate("update", { id = "1", name = "b" }).name, get()._version })
        assert.same({ "a", "c" }, names)
        assert.same({ 1, "r" }, { count("items"), s.decode(s:values("SELECT json FROM items")[1]).name })
      end)
    end)
  end)

  describe("delete", function()
    it("leaves a tombstone that lists, gets and index queries show", function()
      build("AUTOMERGE")
      mutate("create", { id = "1", name = "a", kind = "k" })
      clock_ms = clock_ms + 1000
      local expected = {
        __typename = "Todo", id = "1", name = "a", kind = "k", updatedAt = STAMP, _version = 2, _lastChangedAt = START_MS + 1000,
        _deleted = true, _ttl = 1795158180 + BASE_TTL_S,
      }
      assert.same(expected, mutate("delete", { id = "1", _version = 1 }))
      assert.same(expected, get())
      assert.same(expected, call("Query", "list").items[1])
      assert.same(expected, call("Query", "byKind", { kind = "k" }).items[1])
    end)

    it("of a tombstone is another version", function()
      build("AUTOMERGE")
      mutate("create", { id = "1" })
      mutate("delete", { id = "1", _version = 1 })
      assert.equal(3, mutate("delete", { id = "1", _version = 2 })._version)
      assert.equal("ConflictUnhandled", refused("delete", { id = "1", _version = 2 }).type)
    end)

    it("needs the item to be there", function()
      build("AUTOMERGE")
      assert.same({ message = FAILED, type = "ConditionalCheckFailedException" }, refused("delete", { id = "1", _version = 1 }))
    end)

    it("takes the tombstone out when its life is over, and not before", function()
      build("AUTOMERGE")
      mutate("create", { id = "1", kind = "k" })
      mutate("delete", { id = "1", _version = 1 })
      clock_ms = START_MS - START_MS % 1000 + BASE_TTL_S * 1000 + 999
      assert.is_true(get()._deleted)
      clock_ms = clock_ms + 1
      assert.is_nil(get())
      assert.same({ 0, 0, 0 }, { count("items"), count("tombstones"), count("entries") })
    end)

    it("leaves none when tombstones have no life", function()
      build("AUTOMERGE", { conflict = { handler = "AUTOMERGE", base_ttl_s = 0, delta_ttl_s = DELTA_TTL_S } })
      mutate("create", { id = "1" })
      assert.is_true(mutate("delete", { id = "1", _version = 1 })._deleted)
      assert.is_nil(get())
      assert.equal(2, count("journal"))
      assert.equal(1, mutate("create", { id = "1" })._version)
    end)
  end)

  for _, op in ipairs({ "create", "update", "delete" }) do
    it("refuses a condition that means nothing, whatever there is: " .. op, function()
      build("AUTOMERGE")
      assert.equal("Unrecognized Filter", refused(op, { id = "nope" }, { n = { like = 1 } }).type)
    end)
  end

  it("is not done when the journal can't be written", function()
    build("AUTOMERGE")
    mutate("create", { id = "1", name = "a" })
    s:run("CREATE TRIGGER broken BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'no'); END")
    for _, case in ipairs({ { "update", { id = "1", name = "b", _version = 1 } }, { "delete", { id = "1", _version = 1 } }, { "create", { id = "2" } } }) do
      assert.equal("InternalFailure", refused(case[1], case[2]).type)
    end
    assert.same({ "a", 1 }, { get().name, get()._version })
    assert.is_nil(get()._deleted)
    assert.is_nil(get("2"))
    assert.same({ 1, 0 }, { count("items"), count("tombstones") })
  end)

  it("forgets the journal's entries when their life is over", function()
    build("AUTOMERGE")
    mutate("create", { id = "1" })
    clock_ms = clock_ms + 1000
    mutate("create", { id = "2" })
    clock_ms = START_MS - START_MS % 1000 + DELTA_TTL_S * 1000 + 999
    get()
    assert.equal(2, count("journal"))
    clock_ms = clock_ms + 1
    get()
    assert.equal(1, count("journal"))
  end)

  it("still finds what is over after a transaction that was rolled back", function()
    build("AUTOMERGE")
    mutate("create", { id = "1" })
    mutate("delete", { id = "1", _version = 1 })
    clock_ms = clock_ms + (BASE_TTL_S + 1) * 1000
    pcall(s.transaction, s, function()
      assert.is_nil(get())
      error("no")
    end)
    assert.is_nil(get())
    assert.equal(0, count("items"))
  end)
end)
