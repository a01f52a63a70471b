-- Temporary ids give way in what is given to the core, and only they.
local fake_core = require "spec.support.fake_core"
local queueing = require "spec.support.queueing"

local A, B, C = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b", "00000000-0000-4000-8000-00000000000c"

describe("temporary ids", function()
  local core, temporary_ids, opened

  before_each(function()
    core = fake_core.install()
    temporary_ids = require "appsync.client.temporary_ids"
    core.made_ids[A] = "1"
    opened = {
      has_ids = function() return next(core.made_ids) ~= nil end,
      made_id = function(_, id) return core.made_ids[id] end,
      made_key = function(_, key) return key == "Todo:" .. A and "Todo:1" or nil end,
    }
  end)

  local function replace(value) return temporary_ids.replace(opened, value) end

  it("give way as whole values at any depth, in a copy", function()
    local given = { id = A, input = { list = { A, "x" .. A, B, 1, true }, deep = { { id = A } } }, other = { id = B } }
    local replaced = replace(given)
    assert.same({ id = "1", input = { list = { "1", "x" .. A, B, 1, true }, deep = { { id = "1" } } }, other = { id = B } }, replaced)
    assert.equal(A, given.id)
    assert.equal(A, given.input.list[1])
    assert.equal(given.other, replaced.other)
  end)

  it("leave the same table where there is none of them", function()
    local given = { id = B, list = { C } }
    assert.equal(given, replace(given))
    assert.is_nil(replace(nil))
    core.made_ids[A] = nil
    given.id = A
    assert.equal(given, replace(given))
    assert.equal(given, temporary_ids.replace(nil, given))
  end)

  it("aren't asked for where nothing is as long as one: that opens the store", function()
    local n_asked, has_ids = 0, opened.has_ids
    core.look_for_uuids = function(value) return false, value.id ~= nil end
    opened.has_ids = function()
      n_asked = n_asked + 1
      return has_ids()
    end
    local given = { limit = 10 }
    assert.equal(given, replace(given))
    assert.equal(0, n_asked)
    assert.same({ id = "1" }, replace{ id = A })
    assert.equal(1, n_asked)
  end)

  it("are values, never names, and lists keep their mark", function()
    local given = { [A] = setmetatable({ A }, core.array_mt), null = core.null }
    local replaced = replace(given)
    assert.equal(core.array_mt, getmetatable(replaced[A]))
    assert.equal("1", replaced[A][1])
    assert.equal(core.null, replaced.null)
  end)

  it("give way once in what is met twice, and in what holds itself", function()
    local shared, given = { id = A }, { B }
    given.one, given.two, given.self = shared, shared, given
    local replaced = replace(given)
    assert.equal("1", replaced.one.id)
    assert.equal(replaced.one, replaced.two)
  end)

  it("give way in keys of records", function()
    assert.equal("Todo:1", temporary_ids.key(opened, "Todo:" .. A))
    for _, key in ipairs{ "Todo:" .. B, "Todo:1", "ROOT_QUERY", A, "Todo:x" .. A } do
      assert.equal(key, temporary_ids.key(opened, key))
    end
  end)

  it("that were made here are the first mutation's that has them", function()
    core.own_uuids[A], core.own_uuids[B] = true, true
    local response = { one = { id = A }, list = { { id = B }, { id = C } }, name = "x" }
    local known, own = temporary_ids.of_response(opened, response)
    assert.equal(response, known)
    assert.is_true(own == A .. B or own == B .. A)
    known, own = temporary_ids.of_response(opened, { one = { id = A } })
    assert.same({ one = { id = "1" } }, known)
    assert.is_nil(own)
  end)

  it("stay where the core can't tell", function()
    opened.has_ids = function() return nil, { kind = "system", message = "out of memory" } end
    local given = { id = A }
    assert.equal(given, replace(given))
  end)

  describe("of a client's identity", function()
    local GET = "query G($id: ID, $in: [ID]) { getTodo(id: $id, in: $in) { id } }"

    local function given(id) return { id = id, ["in"] = { id, B } } end

    before_each(function()
      queueing.open()
      core = queueing.core
      core.made_ids[A] = "1"
    end)

    -- The core puts the service's in, those of this cache.
    local function assert_left_to_core(list)
      local call = list[#list].call
      assert.same(given(A), call.variables)
      assert.equal(queueing.client.cache:id(), call.ids)
    end

    it("are left to the core in queries that are sent, whatever their fetch policy", function()
      for i, policy in ipairs{ "no-cache", "network-only", "cache-first", "cache-and-network" } do
        queueing.appsync.spawn(function() queueing.client:query(GET, given(A), { fetch_policy = policy }) end)
        queueing.drive()
        assert.equal(i, #core.executed)
        assert_left_to_core(core.executed)
      end
    end)

    it("are left to the core in what subscriptions begin with", function()
      local subscription = queueing.client:subscribe("subscription S($id: ID, $in: [ID]) { on(id: $id, in: $in) { id } }", given(A))
      subscription:subscribe{}
      assert_left_to_core(core.subscribed)
    end)

    it("stay in calls that bring an identity of their own", function()
      local auth = { type = "API_KEY", api_key = "da2-other" }
      queueing.appsync.spawn(function() queueing.client:query(GET, given(A), { auth = auth }) end)
      queueing.drive()
      local call = core.executed[#core.executed].call
      assert.same(given(A), call.variables)
      assert.is_nil(call.ids)
    end)

    it("give way in a mutation and its optimistic response before both are queued", function()
      core.own_uuids[C] = true
      local response = { updateTodo = { __typename = "Todo", id = A, name = C } }
      queueing.mutate(queueing.UPDATE, { id = A, name = "n" }, { optimistic_response = response })
      local call = queueing.queue.enqueued[1].call
      assert.same({ "1", "n" }, { call.variables.id, call.variables.name })
      assert.equal("1", call.response.updateTodo.id)
      assert.equal("1", queueing.queue.written[1].updateTodo.id)
      assert.equal(C, call.own_ids)
      assert.equal(A, response.updateTodo.id)
    end)
  end)
end)
