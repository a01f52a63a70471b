-- Answers and events above 64 KB: their values are made in steps, so that no frame waits for all of them. How much a frame
-- makes is counted, with a clock that goes on by a microsecond for each value.
local appsync = require "appsync"
local clock = require "appsync.clock"
local collect = require "spec.support.collect"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local AUTH = { type = "API_KEY", api_key = "k" }
local N = 5000
local N_VALUES = 4 * N + 3
local QUERY = "query All { items { id name done } }"
local STEP, TURN = 200, 9 * 200 -- values: a step counts for eight of a turn's 64 events, the last may begin with one left

local methods = debug.getmetatable(assert(core.builder "1")).__index
local real_step, real_drop, real_now = methods.step, methods.drop, clock.now

local function items_text(n)
  local items = {}
  for i = 1, n or N do items[i] = ('{"id":"i%d","name":"name of %d","done":%s}'):format(i, i, tostring(i % 2 == 0)) end
  return "[" .. table.concat(items, ",") .. "]"
end

local function errors_text(n)
  local list = {}
  for i = 1, n do list[i] = ('{"message":"not %d","errorType":"Unauthorized","path":["items",%d,"name"]}'):format(i, i - 1) end
  return "[" .. table.concat(list, ",") .. "]"
end

local DATA = ('{"items":%s}'):format(items_text())
local ANSWER = ('{"data":%s}'):format(DATA)

describe("what is too large for a frame", function()
  local client, made, held, dropped

  setup(function()
    methods.step = function(builder, max, ...)
      made = made + max
      held[builder] = true
      return real_step(builder, max, ...)
    end
    methods.drop = function(builder)
      dropped = dropped + 1
      return real_drop(builder)
    end
  end)

  before_each(function() made, held, dropped = 0, setmetatable({}, { __mode = "k" }), 0 end)

  after_each(function()
    clock.now = real_now
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  teardown(function() methods.step, methods.drop = real_step, real_drop end)

  local function connect(body, status, options)
    local steps = {}
    for _ = 1, 4 do
      steps[#steps + 1] = { "request" }
      steps[#steps + 1] = { "http", status or 200, {}, body }
    end
    options = options or {}
    options.endpoint, options.auth = peer.start{ connections = { steps }, ["repeat"] = true }.url, AUTH
    client = appsync.client(options)
    return client
  end

  -- Frames until it is done: how much each has made, if it has made anything.
  local function frames(task, ...)
    local counts = {}
    while task:status() == "running" do
      local before = made
      appsync.update(...)
      if made > before then counts[#counts + 1] = made - before end
    end
    return counts
  end

  local function check(counts, most, n_values, n_parts)
    assert.is_true(#counts > 0, "nothing was made in steps")
    local sum = 0
    for _, n in ipairs(counts) do
      assert.is_true(n <= most, n .. " values in a frame")
      sum = sum + n
    end
    assert.is_true(sum >= (n_values or N_VALUES) and sum <= (n_values or N_VALUES) + (n_parts or 1) * STEP, sum .. " values")
  end

  for name, call in pairs{
    ["a query"] = function() return client:query(QUERY) end,
    ["a mutation"] = function() return client:mutate("mutation M { items { id name done } }") end,
    ["a query of a client with a store"] = function() return client:query(QUERY, nil, { fetch_policy = "network-only" }) end,
  } do
    it("comes in many frames: the answer of " .. name, function()
      connect(ANSWER, nil, name:find "store" and { store = ":memory:" } or nil)
      local data, err
      local task = appsync.spawn(function() data, err = call() end)
      check(frames(task, 0), TURN)
      assert.is_nil(err)
      assert.same(core.decode(DATA), data)
    end)
  end

  it("comes in many frames with on_result, which is called once", function()
    connect(ANSWER)
    local n, got = 0, nil
    local task = client:query(QUERY, nil, { on_result = function(data) n, got = n + 1, data end })
    check(frames(task, 0), TURN)
    assert.equal(1, n)
    assert.equal(N, #got.items)
  end)

  it("takes of a frame what its budget gives, as in a game's loop", function()
    connect(ANSWER)
    clock.now = function() return real_now() * 1e-6 + made * 1e-6 end
    local data
    local task = appsync.spawn(function() data = client:query(QUERY) end)
    local counts = {}
    local function love_update() -- love.update(dt)
      local before = made
      appsync.update()
      if made > before then counts[#counts + 1] = made - before end
    end
    while task:status() == "running" do love_update() end
    check(counts, 1000 + STEP)
    assert.is_true(#counts > N_VALUES / (1000 + STEP) - 1)
    assert.equal(N, #data.items)
  end)

  it("lets other tasks run between its steps, also where its caller can't be suspended", function()
    connect(ANSWER)
    local n_turns, is_done = 0, false
    local function count()
      while not is_done do
        n_turns = n_turns + (made > 0 and 1 or 0)
        appsync.sleep(0)
      end
    end
    appsync.spawn(count)
    assert.equal(N, #client:query(QUERY).items) -- outside of a task
    assert.is_true(n_turns > 5, n_turns .. " turns")
    n_turns, made = 0, 0
    local generator = coroutine.wrap(function() return #client:query(QUERY).items end)
    assert.equal(N, generator())
    assert.is_true(n_turns > 5, n_turns .. " turns")
    n_turns, made = 0, 0
    local wrapped = appsync.wrap(function() return #client:query(QUERY).items end)
    assert.equal(N, wrapped())
    assert.is_true(n_turns > 5, n_turns .. " turns")
    n_turns, made = 0, 0
    local ok, n
    appsync.run(function()
      ok, n = appsync.pcall(function() return #client:query(QUERY).items end)
      is_done = true
    end)
    assert.same({ true, N }, { ok, n })
    assert.is_true(n_turns > 5, n_turns .. " turns")
  end)

  it("has its errors, partial data and extensions as ever", function()
    local list = errors_text(2000)
    connect(('{"data":%s,"errors":%s,"extensions":{"tags":%s}}'):format(DATA, list, items_text()))
    local data, err, info
    local task = appsync.spawn(function() data, err, info = client:query(QUERY) end)
    check(frames(task, 0), TURN, 2 * N_VALUES + 2000 * 7, 3)
    assert.same(core.decode(DATA), data)
    assert.equal(data, err.data)
    assert.equal("auth", err.kind)
    assert.equal("Unauthorized", err.error_type)
    assert.same(core.decode(list), err.errors)
    assert.equal(200, err.status)
    assert.equal(200, err.response.status)
    assert.same(core.decode(items_text()), info.extensions.tags)
    assert.equal("network", info.source)
    client:close(0)
    connect(('{"data":%s,"errors":%s}'):format(DATA, errors_text(1)), nil, { error_policy = "none" })
    data, err = client:query(QUERY)
    assert.is_nil(data)
    assert.equal(N, #err.data.items)
    client:close(0)
    connect(('{"data":{"items":null},"errors":%s}'):format(errors_text(2000)), 401)
    data, err = client:query(QUERY)
    assert.is_nil(data)
    assert.equal(2000, #err.errors)
    assert.equal(401, err.status)
  end)

  it("is an error of the protocol where it is nested too deep", function()
    connect(('{"data":{"items":%s,"deep":%s%s}}'):format(items_text(), ("["):rep(127), ("]"):rep(127)))
    local data, err, info = client:query(QUERY)
    assert.is_nil(data)
    assert.equal("protocol", err.kind)
    assert.matches("nested deeper than 128 levels", err.message)
    assert.equal("network", info.source)
  end)

  it("is there although its client was closed meanwhile", function()
    connect(ANSWER)
    local data, err
    local task = appsync.spawn(function() data, err = client:query(QUERY) end)
    while made == 0 do appsync.update(0) end
    local closing = appsync.spawn(function() return client:close(0) end)
    local n_frames = 0
    while closing:status() == "running" do
      appsync.update(0)
      n_frames = n_frames + 1
    end
    client = nil
    collect()
    while task:status() == "running" do appsync.update(0) end
    assert.is_nil(err)
    assert.same(core.decode(DATA), data)
  end)

  it("ends with the task that is cancelled, and lets go of its text", function()
    connect(ANSWER)
    local data, err
    local task = appsync.spawn(function() data, err = client:query(QUERY) end)
    while made == 0 do appsync.update(0) end
    assert.equal(0, dropped)
    assert.is_true(task:cancel())
    for _ = 1, 3 do appsync.update(0) end
    assert.is_nil(data)
    assert.equal("cancelled", err.kind)
    assert.equal(1, dropped)
    assert.is_true(made <= 2 * TURN)
    local builder = next(held)
    assert.matches("is over", select(2, pcall(builder.step, builder, 1, {})))
  end)

  it("is let go of where nobody waits for it any more", function()
    connect(ANSWER)
    local dispatch = require "appsync.dispatch"
    local task = appsync.spawn(function() return client:query(QUERY) end)
    while not next(dispatch.expected) do appsync.update(0) end
    local id, wait = next(dispatch.expected)
    dispatch.forget(id, wait)
    while dropped == 0 do appsync.update(0) end
    assert.equal(0, made)
    task:cancel()
  end)

  it("is made anew where Lua throws once, and is an error of the system where it does twice", function()
    connect(('{"data":%s,"extensions":%s}'):format(DATA, DATA))
    local n_throws, counted = 1, methods.step
    methods.step = function(builder, ...)
      local is_done, value = counted(builder, ...)
      if made > 2 * TURN and n_throws > 0 then
        n_throws = n_throws - 1
        error "not enough memory"
      end
      return is_done, value
    end
    local data, err = client:query(QUERY)
    assert.is_nil(err)
    assert.same(core.decode(DATA), data)
    assert.equal(0, dropped)
    n_throws = 2
    local info
    data, err, info = client:query(QUERY)
    methods.step = counted
    assert.is_nil(data)
    assert.is_nil(info.extensions) -- what makes it was dropped
    assert.same({ "system", "out_of_memory" }, { err.kind, err.code })
    assert.equal(2, dropped)
  end)

  it("is not more text in one poll than one value's bound, whatever comes at once", function()
    local small = ('{"data":{"items":%s}}'):format(items_text(1000)) -- each below the bound
    assert.is_true(#small < 65536 and #small > 40000)
    connect(small)
    local dispatch = require "appsync.dispatch"
    local deliver = dispatch.deliver[core.event.RESULT]
    local n_results = 0
    dispatch.deliver[core.event.RESULT] = function(...)
      n_results = n_results + 1
      return deliver(...)
    end
    local tasks = {}
    for i = 1, 12 do tasks[i] = appsync.spawn(function() return client:query("{ items { id } }", nil, { headers = { a = tostring(i) } }) end) end
    while (client:stats().bytes_received or 0) < 12 * #small do appsync.update(0) end
    local most = 0
    for _, task in ipairs(tasks) do
      while task:status() == "running" do
        n_results = 0
        appsync.update(0)
        most = math.max(most, n_results)
      end
    end
    dispatch.deliver[core.event.RESULT] = deliver
    assert.is_true(most <= 2, most .. " at once")
  end)

  local function subscribe(payloads, options)
    local steps = { peer.handshake() }
    steps[#steps + 1] = { "ws_start" }
    steps[#steps + 1] = { "ws_send", '{"type":"start_ack","id":"%ID%"}' }
    for _, payload in ipairs(payloads) do
      steps[#steps + 1] = { "ws_send", ('{"type":"data","id":"%%ID%%","payload":%s}'):format(payload) }
    end
    steps[#steps + 1] = { "wait" }
    client = appsync.client{ endpoint = peer.start{ connections = { steps } }.url, auth = AUTH }
    return client:subscribe("subscription { items { id name } }", nil, options)
  end

  local function numbered(n, count)
    return ('{"data":{"items":%s,"n":%d}}'):format(items_text(count), n)
  end

  it("comes in many frames, in order: events of a subscription", function()
    local seen = {}
    local s = subscribe{ numbered(1), numbered(2, 1), numbered(3), numbered(4, 2) }:subscribe{
      next = function(data) seen[#seen + 1] = { data.n, #data.items } end,
    }
    local ends_at = os.time() + 30
    while #seen < 4 do
      assert.is_true(os.time() < ends_at)
      local before = made
      appsync.update(0)
      assert.is_true(made - before <= TURN, made - before)
    end
    assert.is_true(made > 2 * 4 * N)
    assert.same({ { 1, N }, { 2, 1 }, { 3, N }, { 4, 2 } }, seen)
    s:unsubscribe()
  end)

  it("comes in order to those who pull: two at once, and one in each frame", function()
    local s = subscribe{ numbered(1, 1), numbered(2), numbered(3, 1), numbered(4), numbered(5, 1), numbered(6, 1) }:subscribe()
    local seen = {}
    local function pull(n)
      for _ = 1, n do
        local event = assert(s:next(10))
        seen[#seen + 1] = event.n
      end
    end
    local first, second = appsync.spawn(pull, 2), appsync.spawn(pull, 2)
    while first:status() == "running" or second:status() == "running" do
      local before = made
      appsync.update(0)
      assert.is_true(made - before <= TURN, made - before)
    end
    table.sort(seen)
    assert.same({ 1, 2, 3, 4 }, seen)
    while #seen < 6 do
      local event = s:next(0)
      if event then seen[#seen + 1] = event.n end
      appsync.update(0)
    end
    assert.same({ 1, 2, 3, 4, 5, 6 }, seen)
    s:unsubscribe()
  end)

  it("has its errors beside partial data, or all fields null: an event", function()
    local list = errors_text(2000)
    local s = subscribe{
      ('{"data":{"items":%s},"errors":%s}'):format(items_text(), list), ('{"errors":%s,"data":null}'):format(list),
      ('{"data":{"items":%s},"errors":null}'):format(items_text()), ('{"data":{"items":null},"errors":%s}'):format(list),
    }:subscribe()
    local data, err = s:next(10)
    assert.equal(N, #data.items)
    assert.equal(data, err.data)
    assert.same(core.decode(list), err.errors)
    assert.equal("Unauthorized", err.error_type)
    data, err = s:next(10)
    assert.same({ items = appsync.null }, data)
    assert.is_nil(err.data)
    assert.equal(2000, #err.errors)
    data, err = s:next(10)
    assert.is_nil(err)
    assert.equal(N, #data.items)
    data, err = s:next(10)
    assert.same({ items = appsync.null }, data)
    assert.same({ items = appsync.null }, err.data)
    s:unsubscribe()
  end)

  it("ends with its subscription: nobody is called after that", function()
    local n_calls = 0
    local s = subscribe{ numbered(1), numbered(2) }:subscribe{ next = function() n_calls = n_calls + 1 end }
    while made == 0 do appsync.update(0) end
    s:unsubscribe()
    for _ = 1, 5 do appsync.update(0) end
    assert.equal(0, n_calls)
    assert.is_true(made <= 2 * TURN)
    assert.is_true(dropped >= 1)
  end)

  it("holds no memory of what was made, cancelled or let go of", function()
    local status = io.open "/proc/self/status"
    if not status then return pending "this system doesn't tell what a process holds" end
    status:close()
    local function kib()
      local file = assert(io.open "/proc/self/status")
      local n = tonumber(file:read("*a"):match "VmRSS:%s*(%d+)")
      file:close()
      return n
    end
    connect(('{"data":{"items":%s,"text":"%s"}}'):format(items_text(), ("x"):rep(3 * 1024 * 1024)))
    local before
    for i = 1, 24 do
      made = 0
      local task = appsync.spawn(function() return client:query(QUERY) end)
      while made == 0 do appsync.update(0) end
      if i % 2 == 0 then task:cancel() end
      while task:status() == "running" do appsync.update(0) end
      for _ = 1, 3 do appsync.update(0) end
      task = nil -- luacheck: ignore
      collect()
      if i == 6 then before = kib() end
    end
    local allowed = tonumber(os.getenv "ALLOWED_KIB") or 20 * 1024
    assert.is_true(kib() - before < allowed, ("%d KiB before, %d after"):format(before, kib()))
  end)

  it("is compared in steps with what a watch without a cache has shown, which stays the same table", function()
    connect(ANSWER, nil, { store = false })
    local states = {}
    local watch = client:watch(QUERY, nil, { fetch_policy = "no-cache" })
    local s = watch:subscribe(function(state) states[#states + 1] = state end)
    while not states[1] do appsync.update(0) end
    local task, n_frames = appsync.spawn(function() return watch:refetch() end), 0
    made = 0
    while task:status() == "running" do
      appsync.update(0)
      if made > 0 then n_frames = n_frames + 1 end
    end
    assert.is_true(n_frames >= 2 * N_VALUES / TURN - 1, n_frames .. " frames") -- those of making it, and those of comparing
    assert.is_true(rawequal(states[1].data, states[#states].data))
    s:unsubscribe()
  end)
end)
