-- What becomes of an identity's outbox when it signs out, when its cache is cleared, and when another one adopts it.
local appsync = require "appsync"
local effects = require "spec.support.effects"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local wait_for = require "spec.support.wait"

local CREATE = "mutation C($input: CreateTodoInput!) { createTodo(input: $input) { id name } }"
local ADD = "mutation A($opId: ID!) { add(opId: $opId, counter: \"c\", n: 1) { total } }"
local SECRET = "the-secret-of-the-guest"

describe("the outbox of an identity", function()
  local served, made, client, path

  setup(function() served, made = effects.start(), folder.make() end)

  teardown(function()
    served.stop()
    made.remove()
    process.stop_all()
  end)

  local function open()
    client = assert(appsync.client{
      endpoint = served.endpoint, auth = { type = "API_KEY", api_key = effects.API_KEY }, store = path,
    })
    return client
  end

  local n_stores = 0

  before_each(function()
    n_stores = n_stores + 1
    path = ("%s/%d.db"):format(made.path, n_stores)
    open()
  end)

  after_each(function() client:close(0) end)

  local function is_in_store(text)
    for _, ending in ipairs{ "", "-wal" } do
      local file = io.open(path .. ending, "rb")
      local bytes = file and file:read "*a" or ""
      if file then file:close() end
      if bytes:find(text, 1, true) then return true end
    end
    return false
  end

  -- Queued with a layer, an id that the application has made, and long variables; one of them is a dead letter.
  local function queue_secrets(of)
    client:set_online(false)
    for i = 1, 5 do
      local _, err, info = of:mutate(CREATE, { input = { id = SECRET .. i, name = SECRET .. ("y"):rep(i * 2000), opId = SECRET .. i } },
        { optimistic_response = { createTodo = { __typename = "Todo", id = SECRET .. i, name = SECRET } } })
      assert(not err and info.queued)
    end
  end

  it("is nowhere after sign_out{outbox = \"wipe\"}, not even in the log", function()
    local ann = client:with{ identity = "ann@example.com" }
    client:set_online(true)
    served.fault("error", { field = "createTodo", times = 1 })
    local _, err = ann:mutate(CREATE, { input = { id = SECRET .. "d", name = SECRET, opId = SECRET .. "d" } })
    assert.equal(1, #ann.outbox:dead_letters(), tostring(err))
    assert(ann:mutate(CREATE, { input = { id = SECRET .. "s", name = SECRET, opId = SECRET .. "s" } }))
    queue_secrets(ann)
    assert.is_true(is_in_store(SECRET))
    assert.is_true(ann:sign_out{ outbox = "wipe", timeout = 10 })
    assert.is_false(is_in_store(SECRET))
    assert.is_false(is_in_store "ann@example.com")
    assert.equal(0, ann.outbox:size())
    assert.same({}, ann.outbox:results())
    client:set_online(true)
    local added = ann:mutate(ADD, { opId = "after" .. n_stores })
    assert.is_table(added)
    for i = 1, 5 do assert.equal(0, served.count(SECRET .. i)) end
  end)

  it("that is wiped ends the calls that wait for it", function()
    local ann = client:with{ identity = "ann" }
    served.fault("late_answer", { field = "add", times = 1, ms = 3000 })
    local call = {}
    local task = appsync.spawn(function()
      call.data, call.err, call.info = ann:mutate(ADD, { opId = "slow" .. n_stores })
    end)
    while ann.outbox:size() ~= 1 do appsync.sleep(0.01) end
    assert.is_true(ann:sign_out{ outbox = "wipe", timeout = 10 })
    task:await(5)
    assert.equal("cancelled", call.err.kind)
    assert.is_nil(call.err.queued)
    served.calm()
  end)

  it("stays after sign_out{outbox = \"keep\"} and after clear, and is sent", function()
    local ann = client:with{ identity = "ann" }
    queue_secrets(ann)
    assert.is_true(ann:sign_out{ outbox = "keep", timeout = 10 })
    assert.equal(5, ann.outbox:size())
    ann:clear()
    assert.equal(5, ann.outbox:size())
    client:set_online(true)
    assert.is_true(ann.outbox:drain(10))
    for i = 1, 5 do assert.equal(1, served.count(SECRET .. i)) end
    assert.equal(5, #ann.outbox:results())
    for _, result in ipairs(ann.outbox:results()) do assert.is_nil(result.err) end
  end)

  it("is adopted with the cache, and sent by the new identity", function()
    local guest = client:with{ identity = "guest" }
    client:set_online(false)
    for i = 1, 3 do
      local id = ("adopted%d-%d"):format(n_stores, i)
      guest:mutate(CREATE, { input = { id = id, name = "n" .. i, opId = id } },
        { optimistic_response = { createTodo = { __typename = "Todo", id = id, name = "n" .. i } } })
    end
    guest:write_query("{ counter(id: \"x\") { total } }", nil, { counter = { __typename = "Counter", id = "x", total = 4 } })
    client:close(5)
    open()
    local ann = client:with{ identity = "ann" }
    client:set_online(false)
    assert.equal(3, appsync.assert(ann:adopt{ from = "guest", timeout = 10 }))
    assert.equal(3, ann.outbox:size())
    assert.equal(4, ann:read_query("{ counter(id: \"x\") { total } }").counter.total)
    client:set_online(true)
    assert.is_true(ann.outbox:drain(10))
    for i = 1, 3 do assert.equal(1, served.count(("adopted%d-%d"):format(n_stores, i))) end
    assert.equal(0, client:with{ identity = "guest" }.outbox:size())
  end)

  it("is adopted with the cache also while the guest is watched, who has nothing then and goes on", function()
    local guest, ann = client:with{ identity = "guest" }, client:with{ identity = "ann" }
    client:set_online(false)
    local id = ("adopted%d"):format(n_stores)
    guest:mutate(CREATE, { input = { id = id, name = "n", opId = id } },
      { optimistic_response = { createTodo = { __typename = "Todo", id = id, name = "n" } } })
    local COUNTER, NAME = "{ counter(id: \"x\") { total } }", "fragment F on Todo { name }"
    guest:write_query(COUNTER, nil, { counter = { __typename = "Counter", id = "x", total = 4 } })
    local shown
    local s = guest:watch(COUNTER, nil, { fetch_policy = "cache-only" }):subscribe{ next = function(state)
      local counter = state.data and state.data.counter
      shown = counter and counter.total or "nothing"
    end }
    wait_for(function() return shown == 4 end, "the guest's counter")
    assert.equal(1, appsync.assert(ann:adopt{ from = "guest", timeout = 10 }))
    assert.equal(4, ann:read_query(COUNTER).counter.total)
    assert.equal("n", ann:read_fragment("Todo:" .. id, NAME).name)
    assert.is_nil(guest:read_query(COUNTER))
    assert.is_nil(guest:read_fragment("Todo:" .. id, NAME))
    wait_for(function() return shown == "nothing" end, "the guest's empty cache")
    guest:write_query(COUNTER, nil, { counter = { __typename = "Counter", id = "x", total = 5 } })
    wait_for(function() return shown == 5 end, "the guest's own counter")
    assert.equal(4, ann:read_query(COUNTER).counter.total)
    s:unsubscribe()
    client:set_online(true)
    assert.is_true(ann.outbox:drain(10))
    assert.equal(1, served.count(id))
    assert.equal("n", ann:read_fragment("Todo:" .. id, NAME).name)
  end)
end)
