-- What screens are made with: bindings, scopes, further pages, lists that follow a subscription.
local appsync = require "appsync"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = "type Todo @model { id: ID! name: String! }"
local LIST = "query L($limit: Int, $nextToken: String) { listTodos(limit: $limit, nextToken: $nextToken) { items { id name } nextToken } }"
local ALL = "query A { listTodos(limit: 100) { items { id name } } }"
local GET = "query G($id: ID!) { getTodo(id: $id) { id name } }"
local CREATE = "mutation C($input: CreateTodoInput!) { createTodo(input: $input) { id name } }"
local UPDATE = "mutation U($input: UpdateTodoInput!) { updateTodo(input: $input) { id name } }"
local DELETE = "mutation D($input: DeleteTodoInput!) { deleteTodo(input: $input) { id } }"
local ON_CREATE = "subscription { onCreateTodo { id name } }"
local ON_DELETE = "subscription { onDeleteTodo { id } }"

describe("bindings", function()
  local running, made, client, other, n_stores = nil, nil, nil, nil, 0

  local function connect(options)
    options = options or {}
    n_stores = n_stores + 1
    options.endpoint, options.realtime_endpoint = running.endpoint, running.realtime
    options.auth = { type = "API_KEY", api_key = server.API_KEY }
    if options.store == nil then options.store = ("%s/%d.db"):format(made.path, n_stores) end
    return assert(appsync.client(options))
  end

  setup(function() made = folder.make() end)

  before_each(function()
    running = server.start{ schema = SCHEMA }
    client, other = connect(), connect{ store = false }
    for i = 1, 5 do assert(other:mutate(CREATE, { input = { id = "t" .. i, name = "n" .. i } })) end
  end)

  after_each(function()
    client:close(0)
    other:close(0)
    running.stop()
  end)

  teardown(function()
    process.stop_all()
    made.remove()
  end)

  local function wait_for(condition, what)
    local deadline = appsync.sleep and os.time() + 20
    while not condition() do
      assert(os.time() < deadline, "timed out: " .. what)
      appsync.sleep(0.002)
    end
  end

  local function names(items)
    local list = {}
    for i, item in ipairs(items) do list[i] = item.name end
    table.sort(list)
    return table.concat(list, " ")
  end

  it("hold a query's data, the same table until it changes", function()
    local binding = appsync.bind{ client = client, query = ALL }
    assert.same({ true, 0 }, { binding.loading, binding.version })
    assert.is_nil(binding.data)
    wait_for(function() return not binding.loading end, "the first data")
    local data, version, n_changes = binding.data, binding.version, 0
    assert.equal("n1 n2 n3 n4 n5", names(data.listTodos.items))
    binding:on_change(function(self)
      assert.equal(binding, self)
      n_changes = n_changes + 1
    end)
    assert(client:query(ALL, nil, { fetch_policy = "network-only" }))
    assert(client:mutate(UPDATE, { input = { id = "t2", name = "other" } }))
    wait_for(function() return binding.version ~= version end, "the change")
    assert.equal("n1 n3 n4 n5 other", names(binding.data.listTodos.items))
    assert.is_false(rawequal(data, binding.data))
    assert.same({ 1, version + 1 }, { n_changes, binding.version })
    binding:close()
    binding:close()
    assert(client:mutate(UPDATE, { input = { id = "t2", name = "n2" } }))
    assert.equal("n1 n3 n4 n5 other", names(binding.data.listTodos.items))
  end)

  it("show what select makes of it, and only when that is other", function()
    local n_selected = 0
    local binding = appsync.bind{ client = client, query = ALL, select = function(data)
      n_selected = n_selected + 1
      return { n = #data.listTodos.items }
    end }
    wait_for(function() return binding.data end, "the first data")
    local shown, version = binding.data, binding.version
    assert(client:mutate(UPDATE, { input = { id = "t2", name = "other" } }))
    wait_for(function() return n_selected == 2 end, "the second selection")
    assert.is_true(rawequal(shown, binding.data))
    assert.equal(version, binding.version)
    binding:close()
  end)

  it("tell a failure", function()
    local lost = assert(appsync.client{ endpoint = "http://127.0.0.1:1/graphql", retry = { attempts = 1 },
      auth = { type = "API_KEY", api_key = server.API_KEY } })
    local binding = appsync.bind{ client = lost, query = ALL }
    wait_for(function() return binding.err end, "the error")
    assert.same({ "network", false }, { binding.err.kind, binding.loading })
    binding:close()
    lost:close(0)
  end)

  it("tell when a function of theirs raises", function()
    client:close(0)
    local logged = {}
    client = connect{ log = function(_, message) logged[#logged + 1] = message end }
    local binding = appsync.bind{ client = client, query = ALL, select = function() error("no selection") end }
    wait_for(function() return binding.err end, "the failure")
    assert.same({ false, 1 }, { binding.loading, binding.version })
    assert.matches("no selection", tostring(binding.err), 1, true)
    assert.matches("no selection", table.concat(logged), 1, true)
    binding:close()
    binding = appsync.bind{ client = client, query = ALL, subscription = ON_CREATE, reduce = function() error("no reduction") end }
    wait_for(function() return binding.data end, "the data")
    assert(binding.more:ready(10))
    assert(other:mutate(CREATE, { input = { id = "t6", name = "n6" } }))
    wait_for(function() return binding.err end, "the failure")
    assert.matches("no reduction", tostring(binding.err), 1, true)
    client:modify("Todo:t1", "name", function() return "other" end)
    wait_for(function() return binding.data.listTodos.items[1].name == "other" or names(binding.data.listTodos.items):find "other" end,
      "what comes after it")
    assert.matches("no reduction", tostring(binding.err), 1, true) -- it is still so
    binding:close()
  end)

  it("work on a client without a store, in memory", function()
    local light = connect{ store = nil }
    light:close(0)
    light = assert(appsync.client{ endpoint = running.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } })
    local binding = appsync.bind{ client = light, query = GET, variables = { id = "t1" } }
    wait_for(function() return binding.data end, "the first data")
    assert(light:mutate(UPDATE, { input = { id = "t1", name = "other" } }))
    wait_for(function() return binding.data.getTodo.name == "other" end, "the change")
    binding:close()
    light:close(0)
  end)

  it("follow a subscription by reduce", function()
    local binding = appsync.bind{
      client = client, query = ALL, subscription = ON_CREATE,
      reduce = function(data, event)
        local items = appsync.array{ event.onCreateTodo }
        for _, item in ipairs(data.listTodos.items) do items[#items + 1] = item end
        return { listTodos = { items = items } }
      end,
    }
    wait_for(function() return binding.data and client:stats().subscriptions == 1 end, "the first data")
    assert(binding.more:ready(10))
    assert(other:mutate(CREATE, { input = { id = "t6", name = "n6" } }))
    wait_for(function() return #binding.data.listTodos.items == 6 end, "the event")
    assert.equal("t6", binding.data.listTodos.items[1].id)
    binding:close()
    wait_for(function() return client:stats().subscriptions == 0 end, "the end of the subscription")
  end)

  it("end with their scope", function()
    local scope = appsync.scope()
    local binding = scope:bind{ client = client, query = ALL }
    local s = scope:add(client:subscribe(ON_CREATE):subscribe())
    assert(s:ready(10))
    wait_for(function() return binding.data end, "the first data")
    scope:close()
    scope:close()
    wait_for(function() return client:stats().subscriptions == 0 end, "the end of the subscription")
    assert.is_true(binding.is_closed)
    assert.error_matches(function() scope:add(s) end, "scope:add: the scope is closed", 1, true)
    assert.error_matches(function() appsync.scope():add(7) end, "scope:add: expected something with close", 1, true)
  end)

  it("are refused with what is wrong", function()
    assert.error_matches(function() appsync.bind{ client = client } end, "appsync.bind: query is missing", 1, true)
    assert.error_matches(function() appsync.bind{ query = ALL } end, "appsync.bind: client must be a client", 1, true)
    assert.error_matches(function() appsync.bind{ client = client, query = ALL, reduce = print } end,
      "subscription and reduce belong together", 1, true)
    local without = appsync.client{ endpoint = running.endpoint, store = false }
    assert.error_matches(function() appsync.bind{ client = without, query = ALL } end, "store = false", 1, true)
  end)

  it("have mutations as functions", function()
    local update = appsync.mutation(client, UPDATE, { timeout = 10 })
    local data = assert(update({ input = { id = "t1", name = "by a function" } }))
    assert.equal("by a function", data.updateTodo.name)
    local told
    update({ input = { id = "t1", name = "n1" } }, { on_result = function(result) told = result end })
    wait_for(function() return told end, "the result")
    assert.error_matches(function() appsync.mutation(client, ALL) end, "the document is a query", 1, true)
  end)

  describe("of a watch:", function()
    it("further pages are put together by a function", function()
      local watch = client:watch(LIST, { limit = 2 })
      local s = watch:subscribe()
      local state = assert(s:next(10))
      assert.equal(2, #state.data.listTodos.items)
      local more = assert(watch:fetch_more({ nextToken = state.data.listTodos.nextToken }, function(previous, page)
        local items = appsync.array()
        for _, list in ipairs{ previous.listTodos.items, page.listTodos.items } do
          for _, item in ipairs(list) do items[#items + 1] = item end
        end
        return { listTodos = { items = items, nextToken = page.listTodos.nextToken } }
      end))
      assert.equal(2, #more.listTodos.items)
      local longer = assert(s:next(10))
      assert.equal(4, #longer.data.listTodos.items)
      assert.is_true(rawequal(state.data.listTodos.items[1], longer.data.listTodos.items[1]))
      local nothing, err = watch:fetch_more({ nextToken = "not a token" })
      assert.is_nil(nothing)
      assert.is_truthy(err)
      s:unsubscribe()
    end)

    it("further pages are put together by the client's merge", function()
      client:close(0)
      client = connect{ cache = { merge = { ["Query.listTodos"] = "connection" }, key_args = { ["Query.listTodos"] = {} } } }
      local watch = client:watch(LIST, { limit = 2 })
      local s = watch:subscribe()
      local state = assert(s:next(10))
      assert(watch:fetch_more{ nextToken = state.data.listTodos.nextToken })
      state = assert(s:next(10))
      assert.equal(4, #state.data.listTodos.items)
      assert(watch:fetch_more{ nextToken = state.data.listTodos.nextToken })
      state = assert(s:next(10))
      assert.equal("n1 n2 n3 n4 n5", names(state.data.listTodos.items))
      s:unsubscribe()
    end)

    it("a list follows subscriptions", function()
      assert(client:query(LIST, { limit = 50 }))
      local watch = client:watch(ALL)
      local s = watch:subscribe()
      assert(s:next(10))
      local more = {
        watch:subscribe_to_more(appsync.build_subscription{
          query = ON_CREATE, cache_update = { query = LIST, variables = { limit = 50 } },
        }),
        watch:subscribe_to_more(appsync.build_subscription{ query = ON_DELETE }),
      }
      for _, one in ipairs(more) do assert(one:ready(10)) end
      assert(other:mutate(CREATE, { input = { id = "t6", name = "n6" } }))
      assert.equal("n1 n2 n3 n4 n5 n6", names(assert(s:next(10)).data.listTodos.items))
      wait_for(function() return #client:read_query(LIST, { limit = 50 }).listTodos.items == 6 end, "the other query")
      assert(other:mutate(DELETE, { input = { id = "t3" } }))
      assert.equal("n1 n2 n4 n5 n6", names(assert(s:next(10)).data.listTodos.items))
      for _, one in ipairs(more) do one:unsubscribe() end
      s:unsubscribe()
    end)
  end)
end)
