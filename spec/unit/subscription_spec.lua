local fake_core = require "spec.support.fake_core"

local drive = fake_core.drive
local DOCUMENT = "subscription S($owner: String) { onCreatePost(owner: $owner) { id } }"

describe("client subscriptions", function()
  local core, appsync, log, client

  before_each(function()
    core, appsync, log, client = fake_core.open_client("http://localhost/graphql")
  end)

  local function sub_id(i) return core.subscribed[i or #core.subscribed].id end

  local function emit(n, dropped, i)
    core.push("SUB_DATA", sub_id(i), { onCreatePost = { id = n } }, nil, dropped or 0)
  end

  local function consumed() return core.clients[1].consumed_total[sub_id()] or 0 end

  it("send nothing before subscribe", function()
    client:subscribe(DOCUMENT)
    assert.equal(0, #core.subscribed)
    assert.equal(0, core.n_runtimes)
  end)

  it("pass variables and options on", function()
    local variables = { owner = "me", other = 1 }
    local source = client:subscribe(DOCUMENT, variables, { buffer = 8, overflow = "drop_oldest", share = false })
    variables.owner = "changed"
    source:subscribe{}
    local call = core.subscribed[1].call
    assert.same({ { owner = "me" }, 8, "drop_oldest", false }, { call.variables, call.buffer, call.overflow, call.share })
  end)

  it("deliver data through operators to callbacks, with the states", function()
    local seen = {}
    client:subscribe(DOCUMENT):map(function(d) return d.onCreatePost.id end):subscribe{
      next = function(v) table.insert(seen, v) end,
      state = function(st) table.insert(seen, st) end,
    }
    core.push("SUB_STATE", sub_id(), "subscribed")
    emit(1)
    core.push("SUB_STATE", sub_id(), "reconnecting")
    core.push("SUB_STATE", sub_id(), "subscribed")
    emit(2)
    drive()
    assert.same({ "subscribed", 1, "reconnecting", "subscribed", 2 }, seen)
  end)

  it("end with an error that the core begins with, and drop the slot that was theirs", function()
    core.refusal = { kind = "system", message = "no thread" }
    local seen
    local s = client:subscribe(DOCUMENT, nil, { auth = { type = "AWS_LAMBDA", token = "t" } }):subscribe{
      error = function(err) seen = err end,
    }
    drive()
    assert.equal("system: no thread", tostring(seen))
    assert.equal(1, core.dropped_auths[core.auths[1].id])
    assert.is_nil((s:ready(1)))
  end)

  it("throw where the core takes it for misuse", function()
    core.refusal = { kind = "usage", message = "no" }
    assert.error_matches(function() client:subscribe(DOCUMENT):subscribe{} end, "client:subscribe: no$")
  end)

  it("ready waits for the acknowledgement", function()
    local s = client:subscribe(DOCUMENT):subscribe{}
    local ok, err = s:ready(1)
    assert.is_nil(ok)
    assert.equal("timeout", err.kind)
    core.push("SUB_STATE", sub_id(), "subscribed")
    assert.is_true(s:ready())
    assert.is_true(s:ready())
  end)

  it("ready and next that time out tell why it isn't served, as long as it isn't", function()
    local s = client:subscribe(DOCUMENT):subscribe()
    local _, err = s:ready(1)
    assert.equal('s:ready took longer than its timeout: the connection\'s state is "Disconnected"', err.message)
    assert.is_nil(err.cause)
    core.push("SUB_STATE", sub_id(), "delayed", { kind = "network", code = "dns", message = "no such host" }, 0)
    _, err = s:ready(1)
    assert.equal("timeout: s:ready took longer than its timeout: no such host", tostring(err))
    assert.equal("network: no such host", tostring(err.cause))
    assert.equal("dns", err.cause.code)
    core.push("SUB_STATE", sub_id(), "subscribed", nil, 0)
    _, err = s:next(1)
    assert.equal("timeout: s:next took longer than its timeout", tostring(err))
    assert.is_nil(err.cause)
    core.push("SUB_STATE", sub_id(), "reconnecting", { kind = "network", message = "lost" }, 0)
    _, err = s:next(1)
    assert.equal("lost", err.cause.message)
  end)

  it("tell why they aren't served to nobody's state callback but through connection:observe()", function()
    local seen = {}
    client:subscribe(DOCUMENT):subscribe{ state = function(st) table.insert(seen, st) end }
    core.push("SUB_STATE", sub_id(), "delayed", { kind = "network", message = "no such host" }, 0)
    drive()
    assert.same({}, seen)
  end)

  it("of which one isn't served tell why, also merged", function()
    local s = client:subscribe(DOCUMENT):merge(client:subscribe(DOCUMENT)):subscribe()
    core.push("SUB_STATE", sub_id(1), "subscribed", nil, 0)
    core.push("SUB_STATE", sub_id(2), "delayed", { kind = "network", message = "no such host" }, 0)
    assert.equal("no such host", select(2, s:ready(1)).cause.message)
    core.push("SUB_END", sub_id(2), { kind = "timeout", message = "stalled" }, nil, 0)
    local _, err = s:next(1)
    assert.equal("timeout: stalled", tostring(err)) -- its own error is left as it is
  end)

  it("count what a lost connection may have lost, behind the events before it", function()
    local s = client:subscribe(DOCUMENT):subscribe()
    emit(1)
    core.push("SUB_STATE", sub_id(), "reconnecting", { kind = "network", message = "lost" }, 1)
    assert.equal(1, s:next().onCreatePost.id)
    drive()
    assert.equal(1, s.dropped)
    core.push("SUB_STATE", sub_id(), "subscribed", nil, 1)
    emit(2, 1)
    assert.equal(2, s:next().onCreatePost.id)
    assert.equal(1, s.dropped)
  end)

  it("ready fails with the error that ended the subscription", function()
    local s = client:subscribe(DOCUMENT):subscribe{ error = function() end }
    core.push("SUB_END", sub_id(), { kind = "auth", message = "denied" }, nil, 0)
    local ok, err = s:ready()
    assert.is_nil(ok)
    assert.equal("auth", err.kind)
  end)

  it("ready of merged subscriptions waits for both", function()
    local s = client:subscribe(DOCUMENT):merge(client:subscribe(DOCUMENT)):subscribe{}
    core.push("SUB_STATE", sub_id(1), "subscribed")
    assert.equal("timeout", select(2, s:ready(1)).kind)
    core.push("SUB_STATE", sub_id(2), "subscribed")
    assert.is_true(s:ready())
  end)

  it("are pulled by next", function()
    local s = client:subscribe(DOCUMENT):subscribe()
    emit(1)
    emit(2)
    assert.equal(1, s:next().onCreatePost.id)
    assert.equal(2, s:next().onCreatePost.id)
  end)

  it("tell what was consumed in batches and when idle", function()
    local n = 0
    client:subscribe(DOCUMENT, nil, { buffer = 16 }):subscribe(function() n = n + 1 end)
    local told = {}
    core.clients[1].consumed = function(_, _, count) table.insert(told, count) end
    for i = 1, 10 do emit(i) end
    drive()
    assert.equal(10, n)
    assert.same({ 4, 4, 2 }, told)
  end)

  it("that are pulled count an event as consumed when it was taken, not before", function()
    local s = client:subscribe(DOCUMENT, nil, { buffer = 4 }):subscribe()
    for i = 1, 4 do emit(i) end
    drive()
    assert.is_true(consumed() <= 1)
    for _ = 1, 4 do s:next() end
    drive()
    assert.equal(4, consumed())
  end)

  it("that are pulled tell the core when everything was taken", function()
    local s = client:subscribe(DOCUMENT, nil, { buffer = 100 }):subscribe()
    emit(1)
    drive()
    assert.equal(0, consumed())
    s:next()
    drive()
    assert.equal(1, consumed())
  end)

  it("that are pulled tell at the end of a batch only what was taken", function()
    local s = client:subscribe(DOCUMENT, nil, { buffer = 8 }):subscribe()
    for i = 1, 2 do emit(i) end
    s:next()
    drive()
    assert.is_true(consumed() <= 1)
    s:next()
    drive()
    assert.equal(2, consumed())
  end)

  it("that are pulled leave a turn when its allowance is used up", function()
    local n = 0
    local s = client:subscribe(DOCUMENT, nil, { buffer = 1000 }):subscribe()
    appsync.spawn(function()
      while s:next() do n = n + 1 end
    end)
    for i = 1, 200 do emit(i) end
    appsync.update(0)
    assert.is_true(n <= 64)
    drive()
    assert.equal(200, n)
  end)

  it("tell soon what was consumed, also while others keep the core busy", function()
    local n, told_at = 0, nil
    client:subscribe(DOCUMENT, nil, { buffer = 10000 }):subscribe(function() end)
    local quiet = sub_id(1)
    client:subscribe(DOCUMENT, nil, { buffer = 10000 }):subscribe(function()
      n = n + 1
      if not told_at and core.clients[1].consumed_total[quiet] then told_at = n end
    end)
    emit(1, 0, 1)
    for i = 1, 64 * 20 do emit(i, 0, 2) end
    appsync.run(function()
      while n < 64 * 20 do appsync.sleep(0) end
    end)
    assert.is_number(told_at)
    assert.is_true(told_at <= 64 * 17)
  end)

  it("that wait in a callback count the event when the callback returns", function()
    client:subscribe(DOCUMENT, nil, { buffer = 1 }):subscribe(function() appsync.sleep(5) end)
    emit(1)
    drive()
    assert.equal(0, consumed())
    core.time = core.time + 5
    drive()
    assert.equal(1, consumed())
  end)

  it("give payload errors beside the data", function()
    local got = {}
    client:subscribe(DOCUMENT):subscribe(function(data, err) table.insert(got, { data, err }) end)
    core.push("SUB_DATA", sub_id(), { onCreatePost = { id = 1 } }, { kind = "graphql", message = "partly" }, 0)
    core.push("SUB_DATA", sub_id(), nil, { kind = "graphql", message = "wholly" }, 0)
    drive()
    assert.equal(1, got[1][1].onCreatePost.id)
    assert.equal("graphql: partly", tostring(got[1][2]))
    assert.same({ onCreatePost = appsync.null }, got[2][1]) -- an event is never nil
    assert.equal("wholly", got[2][2].message)
  end)

  it("give payload errors to next as the second result", function()
    local s = client:subscribe(DOCUMENT):map(function(d) return d.onCreatePost end):subscribe()
    core.push("SUB_DATA", sub_id(), { onCreatePost = { id = 1 } }, { kind = "graphql", message = "partly" }, 0)
    local event, err = s:next()
    assert.same({ id = 1 }, event)
    assert.equal("partly", err.message)
  end)

  it("end with the core's error, complete at its end and when the client closes", function()
    local seen = {}
    local function observe()
      client:subscribe(DOCUMENT):subscribe{
        error = function(err) table.insert(seen, err.kind) end,
        complete = function() table.insert(seen, "complete") end,
      }
    end
    observe()
    core.push("SUB_END", sub_id(), { kind = "network", message = "gone" }, nil, 0)
    drive()
    observe()
    core.push("SUB_END", sub_id(), nil, nil, 0)
    drive()
    observe()
    client:close()
    drive()
    assert.same({ "network", "complete", "complete" }, seen)
  end)

  it("that fail without an error callback are logged once to the client's log", function()
    client:subscribe(DOCUMENT):subscribe{}
    core.push("SUB_END", sub_id(), { kind = "network", message = "gone" }, nil, 0)
    drive()
    assert.same({ "error: a subscription failed: network: gone" }, log)
  end)

  it("are unsubscribed at the core once, and hear nothing after it", function()
    local n = 0
    local s = client:subscribe(DOCUMENT):subscribe(function() n = n + 1 end)
    emit(1)
    s:unsubscribe()
    s:unsubscribe()
    emit(2)
    drive()
    assert.equal(0, n)
    assert.equal(1, core.unsubscribed[sub_id()])
  end)

  it("are unsubscribed when an operator ends the stream", function()
    client:subscribe(DOCUMENT):take(1):subscribe{}
    emit(1)
    emit(2)
    drive()
    assert.equal(1, core.unsubscribed[sub_id()])
  end)

  it("are unsubscribed when a callback throws", function()
    client:subscribe(DOCUMENT):subscribe{ next = function() error("x") end, error = function() end }
    emit(1)
    drive()
    assert.equal(1, core.unsubscribed[sub_id()])
  end)

  it("that are pulled live as long as somebody waits, whoever else holds the handle", function()
    local event, is_ready
    appsync.spawn(function() is_ready = client:subscribe(DOCUMENT):subscribe():ready(10) end)
    appsync.spawn(function() event = client:subscribe(DOCUMENT):subscribe():next(10) end)
    drive()
    fake_core.collect()
    core.push("SUB_STATE", sub_id(1), "subscribed")
    emit(7, 0, 2)
    drive()
    assert.is_true(is_ready)
    assert.equal(7, event.onCreatePost.id)
  end)

  it("that are pulled are unsubscribed when their handle is collected", function()
    local function use() client:subscribe(DOCUMENT):subscribe() end
    coroutine.wrap(use)()
    fake_core.collect()
    assert.equal(1, core.unsubscribed[sub_id()])
    assert.is_nil(next(require("appsync.dispatch").expected))
  end)

  it("that ended leave nothing behind", function()
    local weak = setmetatable({}, { __mode = "k" })
    local function use()
      local s = client:subscribe(DOCUMENT):subscribe{ next = function() end }
      weak[s] = true
      weak[s.context] = true
      emit(1)
      drive()
      s:unsubscribe()
      drive()
    end
    coroutine.wrap(use)() -- its stack goes with it: LuaJIT still sees what lies above the top of this one
    fake_core.collect()
    assert.is_nil(next(weak))
  end)

  it("count what was dropped and tell the connection's observers", function()
    local told = {}
    client.connection:observe():subscribe(function(state, err) table.insert(told, { state, err.code, err.dropped }) end)
    local s = client:subscribe(DOCUMENT):subscribe()
    emit(1)
    emit(5, 3)
    emit(6, 3)
    emit(8, 4)
    drive()
    assert.equal(4, s.dropped)
    assert.same({ { "Disconnected", "events_dropped", 3 }, { "Disconnected", "events_dropped", 1 } }, told)
  end)

  it("with auth of the call use and drop their own slot", function()
    local s = client:subscribe(DOCUMENT, nil, { auth = { type = "AWS_LAMBDA", token = "t" } }):subscribe{}
    assert.equal(core.auths[1].id, core.subscribed[1].call.auth)
    s:unsubscribe()
    assert.equal(1, core.dropped_auths[core.auths[1].id])
    client:subscribe(DOCUMENT, nil, { auth = { type = "AWS_LAMBDA", token = "t" } }):subscribe{}
    core.push("SUB_END", sub_id(), nil, nil, 0)
    drive()
    assert.equal(1, core.dropped_auths[core.auths[2].id])
  end)

  it("with a mode that isn't configured end with kind auth", function()
    local _, err = client:subscribe(DOCUMENT, nil, { auth_mode = "AWS_IAM" }):next()
    assert.same({ "auth", "not_configured" }, { err.kind, err.code })
  end)

  it("hand table headers over and compute the others when the core asks", function()
    client:subscribe(DOCUMENT, nil, { headers = { a = "1" } }):subscribe{}
    assert.same({ a = "1" }, core.subscribed[1].call.headers)
    client:subscribe(DOCUMENT, { owner = "me" }, { headers = function(operation)
      appsync.sleep(1)
      return { b = operation.variables.owner }
    end }):subscribe{}
    assert.is_true(core.subscribed[2].call.dynamic_headers)
    core.push("HEADERS", sub_id())
    drive()
    core.time = core.time + 1
    drive()
    assert.same({ { sub = sub_id(), headers = { b = "me" } } }, core.answers)
    client:subscribe(DOCUMENT, nil, { headers = function() error("no", 0) end }):subscribe{}
    core.push("HEADERS", sub_id())
    drive()
    assert.matches("the headers function raised: no", core.answers[2].message)
  end)

  it("throw for variables that JSON can't hold", function()
    assert.error_matches(function() client:subscribe(DOCUMENT, { owner = print }):subscribe() end,
      "client:subscribe: variables.owner: a function")
  end)

  it("check their options", function()
    local function check(options) return function() client:subscribe(DOCUMENT, nil, options) end end
    assert.error_matches(check{ overflow = "x" }, 'overflow must be one of "pause", "drop_oldest", "error", got "x"')
    assert.error_matches(check{ buffer = 0 }, "buffer must be integer of at least 1")
    assert.error_matches(check{ catch_up = {} }, "catch_up: query is missing")
    assert.error_matches(check{ on_result = print }, 'unknown option "on_result"')
  end)
end)
