-- What an item does to a list, by the name of the operation that brought it.
local appsync = require "appsync"
local updates = require "appsync.updates"

local null = appsync.null

describe("updates", function()
  it("tells the kind by the name of the field", function()
    local expected = {
      createTodo = "add", onCreateTodo = "add", putPost = "add", addComment = "add", newThing = "add", InsertX = "add",
      deleteTodo = "remove", onDeletePost = "remove", discardedX = "remove", eraseAll = "remove",
      updateTodo = "update", onUpdatePost = "update", upsertTodo = "update", editX = "update", modifiedX = "update",
      getTodo = "auto", listTodos = "auto", onething = "auto",
    }
    for name, kind in pairs(expected) do assert.equal(kind, updates.kind_of(name), name) end
  end)

  it("adds at the end, once; replaces; removes", function()
    local list = appsync.array{ { id = 1, n = "a" }, { id = 2, n = "b" } }
    assert.same({ { id = 1, n = "a" }, { id = 2, n = "b" }, { id = 3 } }, updates.change("add", list, { id = 3 }, "id"))
    assert.same({ { id = 2, n = "b" }, { id = 1, n = "c" } }, updates.change("add", list, { id = 1, n = "c" }, "id"))
    assert.same({ { id = 1, n = "c" }, { id = 2, n = "b" } }, updates.change("update", list, { id = 1, n = "c" }, "id"))
    assert.same({ { id = 2, n = "b" } }, updates.change("remove", list, { id = 1 }, "id"))
    assert.same(list, updates.change("remove", list, { id = 9 }, "id"))
    assert.equal(list, updates.change("auto", list, { id = 1 }, "id"))
    assert.equal("[]", appsync.encode(updates.change("remove", appsync.array{ { id = 1 } }, { id = 1 }, "id")))
  end)

  it("replaces and empties what is no list", function()
    assert.same({ id = 1 }, updates.change("add", null, { id = 1 }, "id"))
    assert.same({ id = 1, n = 2 }, updates.change("update", { id = 1 }, { id = 1, n = 2 }, "id"))
    assert.equal(null, updates.change("remove", { id = 1 }, { id = 1 }, "id"))
  end)

  it("finds the first list, and leaves the rest alone", function()
    local data = { listTodos = { nextToken = "t", items = appsync.array{ { id = "1" } } } }
    local changed = updates.apply("add", data, { id = "2" }, "id")
    assert.same({ listTodos = { nextToken = "t", items = { { id = "1" }, { id = "2" } } } }, changed)
    assert.same({ listTodos = { nextToken = "t", items = { { id = "1" } } } }, data)
    assert.equal(data.listTodos.items[1], changed.listTodos.items[1])
    local empty = { listTodos = { items = appsync.array() } }
    assert.same({ listTodos = { items = { { id = "2" } } } }, updates.apply("add", empty, { id = "2" }, "id"))
    assert.same({ getTodo = { id = "1", n = 2 } }, updates.apply("update", { getTodo = { id = "1" } }, { id = "1", n = 2 }, "id"))
    assert.same({ getTodo = null }, updates.apply("remove", { getTodo = { id = "1" } }, { id = "1" }, "id"))
    assert.equal(data, updates.apply("auto", data, { id = "2" }, "id"))
    assert.equal(data, updates.apply("add", data, null, "id"))
  end)

  it("builds the table for subscribe_to_more", function()
    local more = appsync.build_subscription{ query = "subscription { onDeleteTodo { key } }", id_field = "key" }
    local data = { all = appsync.array{ { key = 1 }, { key = 2 } } }
    assert.same({ all = { { key = 2 } } }, more.update(data, { onDeleteTodo = { key = 1 } }))
    more = appsync.build_subscription{ query = "subscription { onDeleteTodo { id } }", operation = "add" }
    assert.same({ all = { { id = 1 } } }, more.update({ all = appsync.array() }, { onDeleteTodo = { id = 1 } }))
    more = appsync.build_subscription{ query = "subscription { gone: onDeleteTodo { id } }" }
    assert.same({}, more.update({ items = appsync.array{ { id = 1 } } }, { gone = { id = 1 } }).items)
    assert.has_error(function()
      appsync.build_subscription{ query = "subscription { ...F } fragment F on Subscription { a }" }
    end)
    local ok, raised = pcall(appsync.build_subscription, { query = "subscription { a { id } }", operation = "append" })
    assert.is_false(ok)
    assert.matches('operation must be "auto", "add", "remove" or "update", got', raised, 1, true)
    ok, raised = pcall(appsync.build_subscription, { query = "query { a { id } }" })
    assert.is_false(ok)
    assert.matches("the document is a query", raised, 1, true)
    assert.is_false((pcall(appsync.build_subscription, {})))
  end)
end)
