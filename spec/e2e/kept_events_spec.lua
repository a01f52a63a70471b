-- What subscriptions bring is kept before anybody hears of it; by the public names only.
local appsync = require "appsync"
local kept = require "spec.support.kept"
local server = require "spec.support.server"

local LIST = kept.LIST
local NOTES = "query { listTodos { items { id name note } nextToken } }"
local ON_UPDATE = "subscription { onUpdateTodo { id name note } }"
local RENOTE = 'mutation($id: ID!, $note: String) { updateTodo(input: {id: $id, note: $note}) { id name note } }'

describe("an event of a subscription", function()
  local client, other

  setup(function()
    kept.begin()
    kept.create("1", "one")
  end)
  teardown(kept.finish)

  before_each(function()
    client = kept.client{ store = ":memory:" }
    other = kept.client{ store = false } -- which changes what the client hears of
    assert(other:mutate('mutation { updateTodo(input: {id: "1", name: "one", note: "first"}) { id } }'))
  end)
  after_each(kept.close_all)

  local function subscribe(of, document, options)
    local s = of:subscribe(document, nil, options):subscribe()
    assert.is_true(s:ready(10))
    return s
  end

  local function rename(name)
    assert(other:mutate(kept.UPDATE, { id = "1", name = name }))
  end

  local function cached(document, of)
    return (of or client):query(document, nil, { fetch_policy = "cache-only" })
  end

  it("is in the cache when it is delivered", function()
    assert(client:query(LIST))
    local seen
    local s = client:subscribe(ON_UPDATE):subscribe{ next = function(data)
      seen = { data.onUpdateTodo.name, kept.names(cached(LIST)) }
    end }
    assert.is_true(s:ready(10))
    rename "uno"
    local give_up = os.time() + 10
    while not seen and os.time() < give_up do appsync.sleep(0.001) end
    assert.same({ "uno", "uno" }, seen)
  end)

  it("brings records, not lists", function()
    assert(client:query(LIST))
    local s = subscribe(client, "subscription { onCreateTodo { id name } }")
    kept.create("2", "two")
    assert.equal("two", s:next(10).onCreateTodo.name)
    assert.equal("one", kept.names(cached(LIST)))
    client:mutate 'mutation { deleteTodo(input: {id: "2"}) { id } }'
  end)

  it("overwrites nothing with a null, which stands for what the mutation didn't select", function()
    assert(client:query(NOTES))
    local s = subscribe(client, ON_UPDATE)
    rename "uno"
    local data = s:next(10)
    assert.equal("uno", data.onUpdateTodo.name)
    assert.equal(appsync.null, data.onUpdateTodo.note)
    assert.equal("first", cached(NOTES).listTodos.items[1].note)
    assert.equal("uno", cached(NOTES).listTodos.items[1].name)
  end)

  it("leaves in doubt what it had a null for: who reads it later asks, also after a restart", function()
    local path = kept.path "doubts.db"
    client = kept.client{ store = path }
    assert(client:query(NOTES))
    local s = subscribe(client, ON_UPDATE)
    rename "uno"
    assert.equal(appsync.null, s:next(10).onUpdateTodo.note)
    s:unsubscribe()
    local explained = client:explain(NOTES)
    assert.is_true(explained.complete and explained.network)
    assert.is_false(client:explain(LIST).network) -- which doesn't read it
    assert.equal("cache", select(3, client:query(LIST)).source)
    assert(other:mutate(RENOTE, { id = "1", note = "other" }))
    assert(client:close(5))
    client = kept.client{ store = path }
    assert.equal("first", cached(NOTES).listTodos.items[1].note)
    assert.equal("first", client:read_query(NOTES).listTodos.items[1].note)
    client:set_online(false)
    local data, err, info = client:query(NOTES) -- nobody can be asked
    assert.is_nil(err)
    assert.same({ "first", "cache", "offline" }, { data.listTodos.items[1].note, info.source, info.cause.code })
    client:set_online(true)
    data, err, info = client:query(NOTES)
    assert.is_nil(err)
    assert.same({ "other", "network" }, { data.listTodos.items[1].note, info.source })
    assert.equal("cache", select(3, client:query(NOTES)).source)
  end)

  it("overwrites with a null where subscription_nulls says so", function()
    client = kept.client{ store = ":memory:", cache = { subscription_nulls = "write" } }
    assert(client:query(NOTES))
    local s = subscribe(client, ON_UPDATE)
    rename "uno"
    assert(s:next(10))
    assert.equal(appsync.null, cached(NOTES).listTodos.items[1].note)
  end)

  it("isn't kept with no-cache, nor of an identity of its own", function()
    assert(client:query(LIST))
    local own = { type = "API_KEY", api_key = server.API_KEY }
    local all = {
      subscribe(client, ON_UPDATE, { fetch_policy = "no-cache" }), subscribe(client, ON_UPDATE, { auth = own }),
      subscribe(client, ON_UPDATE, { headers = { ["x-api-key"] = server.API_KEY } }), subscribe(client:with{}, ON_UPDATE),
    }
    rename "uno"
    for _, s in ipairs(all) do assert.equal("uno", s:next(10).onUpdateTodo.name) end
    assert.equal("one", kept.names(cached(LIST)))
  end)

  it("goes into the part of its client's identity", function()
    local ann = client:with{ identity = "ann" }
    assert(client:query(LIST))
    assert(ann:query(LIST))
    local s = subscribe(ann, ON_UPDATE)
    rename "uno"
    assert(s:next(10))
    assert.equal("uno", kept.names(cached(LIST, ann)))
    assert.equal("one", kept.names(cached(LIST)))
  end)

  it("is shared by the subscribers of one part only", function()
    local ann = client:with{ identity = "ann" }
    local all = { subscribe(client, ON_UPDATE), subscribe(client, ON_UPDATE), subscribe(ann, ON_UPDATE) }
    rename "uno"
    for _, s in ipairs(all) do assert.equal("uno", s:next(10).onUpdateTodo.name) end
    local n = client:stats().messages
    assert(other:mutate(RENOTE, { id = "1", note = "second" }))
    for _, s in ipairs(all) do assert.equal("second", s:next(10).onUpdateTodo.note) end
    assert.equal(2, client:stats().messages - n)
  end)

  it("survives the process with the rest", function()
    local path = kept.path "events.db"
    client = kept.client{ store = path }
    assert(client:query(LIST))
    local s = subscribe(client, ON_UPDATE)
    rename "uno"
    assert(s:next(10))
    assert(client:close(5))
    client = kept.client{ store = path, endpoint = kept.UNREACHABLE }
    assert.equal("uno", kept.names((client:query(LIST))))
  end)
end)
