-- What the core keeps of responses, and reads back: on the level of the C module.
local core = require "appsync.core"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = "type Todo @model { id: ID! name: String! done: Boolean }"
local LIST = core.document("query L { listTodos { items { id name done } nextToken } }")
local GET = core.document("query G($id: ID!) { getTodo(id: $id) { id name } }")
local CREATE = core.document("mutation C($input: CreateTodoInput!) { createTodo(input: $input) { id name done } }")

describe("the core's cache", function()
  local running, made, runtime, client, cache, auth

  local function open(settings)
    runtime = assert(core.runtime())
    client = assert(runtime:client{
      endpoint = running.endpoint, realtime_endpoint = running.realtime,
      cache = settings,
    })
    cache = settings and assert(client:cache{ identity = "" })
    auth = assert(client:add_auth{ mode = "API_KEY", secret = server.API_KEY })
  end

  local function close()
    client:close()
    assert.is_true(runtime:close(10))
  end

  setup(function()
    running = server.start{ schema = SCHEMA }
    made = folder.make()
  end)

  teardown(function()
    process.stop_all()
    made.remove()
  end)

  local function result_of(id)
    local events = {}
    while true do
      local n = runtime:poll(events, 64)
      for i = 0, (n or 0) - 1 do
        local at = i * 5 + 1
        if events[at] == core.event.RESULT and events[at + 1] == id then return events[at + 2], events[at + 3] end
      end
      runtime:wait(10)
    end
  end

  local function execute(document, variables, is_cached)
    return result_of(assert(client:execute{
      document = document, variables = variables, auth = auth, cached = is_cached and cache:id() or nil, typenames = is_cached,
    }))
  end

  it("has what was read, for other operations too, also in the next process", function()
    open{ path = made.path .. "/a.db", key_prefix = "", lookups = { ["Query.getTodo"] = "Todo" } }
    local data, missing = cache:read{ document = LIST }
    assert.is_nil(data)
    assert.same({ "listTodos" }, missing)
    for i = 1, 3 do assert(execute(CREATE, { input = { id = "t" .. i, name = "n" .. i } }, false)) end
    local sent = execute(LIST, nil, true)
    assert.equal(3, #sent.listTodos.items)
    assert.same(sent, (cache:read{ document = LIST }))
    assert.same({ getTodo = { id = "t2", name = "n2", __typename = "Todo" } },
      (cache:read{ document = GET, variables = { id = "t2" } }))
    close()
    open{ path = made.path .. "/a.db", key_prefix = "", lookups = { ["Query.getTodo"] = "Todo" } }
    assert.same(sent, (cache:read{ document = LIST }))
    close()
  end)

  it("tells what is missing, and gives the rest", function()
    open{ path = made.path .. "/b.db", key_prefix = "" }
    execute(core.document("{ listTodos { items { id name } } }"), nil, true)
    local data, missing = cache:read{ document = LIST, partial = true }
    assert.equal("n1", data.listTodos.items[1].name)
    assert.equal("listTodos.items.0.done", missing[1])
    assert.equal("listTodos.nextToken", missing[#missing])
    data, missing = cache:read{ document = LIST }
    assert.is_nil(data)
    assert.equal("listTodos.items.0.done", missing[1])
    close()
  end)

  it("has what a mutation brings at once, under the record's own key", function()
    open{ path = made.path .. "/c.db", key_prefix = "" }
    execute(LIST, nil, true)
    execute(core.document("mutation U($input: UpdateTodoInput!) { updateTodo(input: $input) { id name } }"),
      { input = { id = "t1", name = "other" } }, true)
    local names = {}
    for _, item in ipairs((cache:read{ document = LIST }).listTodos.items) do names[item.id] = item.name end
    assert.equal("other", names.t1)
    close()
  end)

  it("isn't written by calls that don't say so, and isn't there for clients without one", function()
    open{ path = made.path .. "/d.db", key_prefix = "" }
    execute(LIST, nil, false)
    assert.is_nil((cache:read{ document = LIST }))
    close()
    runtime = assert(core.runtime())
    client = assert(runtime:client{ endpoint = running.endpoint, realtime_endpoint = running.realtime })
    assert.has_error(function() client:cache{} end)
    close()
  end)

  it("has a partition for each identity, which is one whoever asks for it", function()
    open{ path = made.path .. "/f.db", key_prefix = "" }
    local ann, ben, again = client:cache{ identity = "ann" }, client:cache{ identity = "ben" }, client:cache{ identity = "ann" }
    assert.equal(ann:id(), again:id())
    assert.are_not.equal(ann:id(), ben:id())
    local id = assert(client:execute{ document = LIST, auth = auth, cached = ann:id(), typenames = true })
    assert.is_truthy((result_of(id)))
    assert.is_truthy((again:read{ document = LIST }))
    assert.is_nil((ben:read{ document = LIST }))
    assert.is_nil((cache:read{ document = LIST }))
    -- One that nobody has any more is closed, and opened anew.
    ann, again = nil, nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    local later = client:cache{ identity = "ann" }
    assert.are_not.equal(ben:id(), later:id())
    assert.is_truthy((later:read{ document = LIST }))
    id = assert(client:execute{ document = LIST, auth = auth, cached = later:id(), typenames = true })
    assert.is_truthy((result_of(id)))
    assert.equal(0, client:stats().store_failures)
    client:close()
    local data, missing, err = later:read{ document = LIST }
    assert.same({ nil, nil, "closed", "the client is closed" }, { data, missing, err.kind, err.message })
    close()
  end)

  it("drops what was written since begin", function()
    open{ path = made.path .. "/g.db", key_prefix = "" }
    local document = core.document("{ a b }")
    local function state() return cache:read{ document = document, partial = true } end
    assert.is_true(cache:write{ document = document, data = { a = 1, b = 1 } })
    assert.equal(1, cache:begin())
    assert.is_true(cache:set("ROOT_QUERY", "a", false, 2))
    assert.equal(2, cache:begin())
    assert.is_true(cache:evict("ROOT_QUERY", "b"))
    assert.is_true(cache:commit())
    assert.same({ a = 2 }, state())
    cache:drop()
    assert.same({ a = 1, b = 1 }, state())
    assert.has_error(function() cache:commit() end, "commit() without begin()")
    assert.has_error(function() cache:drop() end, "drop() without begin()")
    assert.equal(1, cache:begin())
    cache:drop()
    assert.equal(1, cache:begin())
    assert.is_true(cache:set("ROOT_QUERY", "a", false, 3))
    assert.is_true(cache:set("ROOT_QUERY", "b", false, nil))
    assert.is_true(cache:commit())
    assert.same({ a = 3 }, state())
    close()
    open{ path = made.path .. "/g.db", key_prefix = "" }
    execute(LIST, nil, false) -- by then the store is open
    assert.same({ a = 3 }, state())
    close()
  end)

  it("reads what others of its process write only under the same prefix", function()
    open{ path = made.path .. "/e.db", key_prefix = "one" }
    execute(LIST, nil, true)
    local other = assert(runtime:client{
      endpoint = running.endpoint, realtime_endpoint = running.realtime,
      cache = { path = made.path .. "/e.db", key_prefix = "two" },
    })
    assert.is_truthy((cache:read{ document = LIST }))
    local others = assert(other:cache{})
    assert.is_nil((others:read{ document = LIST }))
    other:close()
    close()
  end)
end)
