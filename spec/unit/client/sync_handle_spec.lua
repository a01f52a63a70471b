local misuse = require "spec.support.misuse"
local syncing = require "spec.support.syncing"

describe("a delta sync", function()
  local core, appsync, client, s, sync

  local function open(options)
    client = syncing.open(options)
    core, appsync = syncing.core, syncing.appsync
    s, sync = syncing.start()
  end

  before_each(function() open() end)

  local function is_waiting(call) return call.task:status() == "running" end

  -- A waiting call in a task, up to its first wait.
  local function begin(method, ...)
    local call, argument = {}, ...
    call.task = appsync.spawn(function() call.ok, call.err = s[method](s, argument) end)
    syncing.drive()
    return call
  end

  it("begins at once, and says so before the core does", function()
    assert.equal(1, #core.syncs)
    assert.same({
      phase = "waiting", records = 0, pages = 0, bytes = 0, attempts = 0, truncated = false, quarantined = {}, ordered = false,
      delta_window = 1800, network_time = 0, local_time = 0,
    }, s:status())
    assert.equal("appsync.sync (listPosts listPostsDelta onDeltaPost, waiting)", tostring(s))
  end)

  it("has the core's last word as its status", function()
    syncing.state("base", {
      records = 3, pages = 2, bytes = 100, estimate = 9, last_sync = 5, next_base = 6, attempts = 1, truncated = true, delta_window = 60,
      network_time = 0.5, local_time = 0.25,
    }, { kind = "network", message = "refused" })
    local status = s:status()
    assert.equal("network: refused", tostring(status.err))
    status.err = nil
    assert.same({
      phase = "base", records = 3, pages = 2, bytes = 100, estimate = 9, last_sync = 5, next_base = 6, attempts = 1, truncated = true,
      quarantined = {}, ordered = true, delta_window = 60, network_time = 0.5, local_time = 0.25,
    }, status)
    status.phase = "mine"
    assert.equal("base", s:status().phase)
  end)

  it("ignores what it doesn't know", function()
    syncing.event "weather"
    assert.equal("waiting", s:status().phase)
  end)

  describe("is ready", function()
    it("once a pass was complete", function()
      local call = begin "ready"
      syncing.state "base"
      assert.is_true(is_waiting(call))
      syncing.state("live", { is_whole = true })
      assert.same({ true }, { call.ok, call.err })
      assert.same({ true }, { s:ready(0) })
      assert.same({ true }, { s:ready() })
    end)

    it("or not: then a time-out says why", function()
      local _, err = s:ready(0)
      assert.same({ "timeout", 's:ready took longer than its timeout: its phase is "waiting"' }, { err.kind, err.message })
      local call = begin("ready", 5)
      syncing.state("waiting", { attempts = 2 }, { kind = "auth", message = "no token" })
      syncing.drive(6)
      assert.same({ "timeout", "s:ready took longer than its timeout: no token" }, { call.err.kind, call.err.message })
      assert.equal("auth", call.err.cause.kind)
    end)

    it("by on_result too", function()
      local got
      s:ready{ timeout = 5, on_result = function(...) got = { ... } end }
      syncing.state("live", { is_whole = true })
      assert.same({ true }, got)
    end)

    it("never, when it ends before", function()
      local call = begin "ready"
      syncing.event("end", nil, { kind = "graphql", message = "no such field" })
      assert.equal("graphql: no such field", tostring(call.err))
      assert.equal("graphql: no such field", tostring(select(2, s:ready(1))))
      open()
      call = begin "ready"
      s:unsubscribe()
      syncing.drive()
      assert.same({ "closed", "the sync was stopped" }, { call.err.kind, call.err.message })
    end)

    it("or not, where a wait is cancelled", function()
      local call = begin "ready"
      call.task:cancel()
      syncing.state("live", { is_whole = true })
      assert.equal("cancelled", call.task:status())
    end)
  end)

  describe("stops", function()
    it("when it is unsubscribed, once", function()
      syncing.state("live", { is_whole = true }, { kind = "network", message = "gone" })
      s:unsubscribe()
      s:unsubscribe()
      assert.equal(1, sync.n_stops)
      assert.same({ "stopped" }, { s:status().phase, s:status().err })
      assert.equal("appsync.sync (listPosts listPostsDelta onDeltaPost, stopped)", tostring(s))
      assert.same({}, syncing.told())
    end)

    it("when the core ends it, with an error that is logged", function()
      syncing.event("end", nil, { kind = "graphql", message = "no such field", errors = { { errorType = "Bad" } } })
      assert.same({ "stopped", "Bad" }, { s:status().phase, s:status().err.error_type })
      assert.same({ "error: client:sync: the sync has ended: no such field" }, syncing.told())
      assert.equal(1, sync.n_stops)
      s:unsubscribe()
      assert.equal(1, sync.n_stops)
    end)

    it("when its client closes", function()
      local call = begin "ready"
      appsync.run(function() client:close(0) end)
      assert.same({ "closed", "the client is closed" }, { call.err.kind, call.err.message })
      assert.same({ "stopped", "closed" }, { s:status().phase, s:status().err.kind })
      assert.equal(1, sync.n_stops)
      assert.same({}, syncing.told())
    end)

    it("when the core says that the client is closed, without a word in the log", function()
      syncing.event("end", nil, { kind = "closed", message = "the client is closed" })
      assert.equal("stopped", s:status().phase)
      assert.same({}, syncing.told())
    end)

    if _VERSION == "Lua 5.4" then
      it("when its variable goes out of scope", function()
        assert(load([[local s <close> = ...]]))(s)
        assert.equal(1, sync.n_stops)
      end)
    end
  end)

  it("goes on although nobody keeps it", function()
    local collected = setmetatable({ s }, { __mode = "v" })
    local n
    s:observe():subscribe(function(status) n = status.records end)
    s = nil
    for _ = 1, 3 do collectgarbage() end
    assert.is_nil(collected[1])
    assert.equal(0, sync.n_stops)
    syncing.state("base", { records = 7 })
    assert.equal(7, n)
  end)

  it("that can't be begun is over", function()
    core.sync_err = { kind = "system", message = "no memory" }
    s = syncing.start()
    assert.same({ "stopped", "no memory" }, { s:status().phase, s:status().err.message })
    assert.same({ "error: client:sync: the sync has ended: no memory" }, syncing.told())
    s:unsubscribe()
    assert.equal("no memory", select(2, s:ready(1)).message)
    assert.equal("no memory", select(2, s:more(1)).message)
  end)

  it("throws for what the core says is the caller's doing", function()
    core.sync_err = { kind = "usage", message = "variables.a: a function can't be JSON" }
    local raised = misuse.raised_there(function() client:sync{ base_query = syncing.BASE } end)
    assert.equal("client:sync: variables.a: a function can't be JSON", raised:match ": (.*)$")
  end)

  it("that has no credentials is over", function()
    s = syncing.start{ auth_mode = "AWS_LAMBDA" }
    assert.same({ "auth", "not_configured" }, { s:status().err.kind, s:status().err.code })
  end)

  it("of a client that has closed is over, without a word in the log", function()
    appsync.run(function() client:close(0) end)
    s = syncing.start()
    assert.same({ "stopped", "closed" }, { s:status().phase, s:status().err.kind })
    assert.same({}, syncing.told())
  end)

  describe("is observed", function()
    local function phases_of(observable)
      local phases = {}
      observable:subscribe{
        next = function(status) phases[#phases + 1] = status.phase end, complete = function() phases[#phases + 1] = "complete" end,
      }
      syncing.drive()
      return phases
    end

    it("from the present state to its end", function()
      syncing.state "subscribing"
      local phases = phases_of(s:observe())
      syncing.state "base"
      syncing.event("end", nil, { kind = "graphql", message = "no" })
      assert.same({ "subscribing", "base", "stopped", "complete" }, phases)
      assert.same({ "stopped", "complete" }, phases_of(s:observe()))
    end)

    it("to an end that is told once, with what the service said", function()
      local errs = {}
      s:observe():subscribe(function(status) errs[#errs + 1] = status.err and status.err.error_type or status.phase end)
      syncing.drive()
      syncing.state("stopped", nil, { kind = "graphql", message = "no" })
      syncing.event("end", nil, { kind = "graphql", message = "no", errors = { { errorType = "Bad" } } })
      assert.same({ "waiting", "Bad" }, errs)
    end)

    it("by one that doesn't pull, which then gets the first ones and the newest", function()
      local states = s:observe():subscribe()
      syncing.drive()
      for i = 1, 500 do syncing.state("base", { records = i }) end
      syncing.event "end"
      local seen = {}
      appsync.run(function()
        repeat
          local status = states:next()
          seen[#seen + 1] = status
        until not status
      end)
      assert.is_true(#seen <= 66, #seen)
      assert.same({ 1, "stopped" }, { seen[2].records, seen[#seen].phase })
    end)

    it("until that is unsubscribed", function()
      local states = s:observe():subscribe()
      assert.equal("waiting", appsync.run(states.next, states).phase)
      states:unsubscribe()
      syncing.state "base"
      assert.is_nil(appsync.run(states.next, states))
    end)
  end)

  describe("goes on beyond max_records", function()
    it("where that has held back something", function()
      local ok, err = s:more(5)
      assert.same({ "usage", "not_truncated" }, { err.kind, err.code })
      assert.is_nil(ok)
      assert.equal("s:more: the sync isn't truncated: max_records has held back nothing", err.message)
      syncing.state("live", { truncated = true })
      assert.same({ true }, { s:more(5) })
      assert.same({ 5 }, sync.more)
    end)

    it("also while more is under way", function()
      syncing.state("base", { truncated = false, is_limited = true })
      assert.same({ true }, { s:more(2) })
      assert.same({ 2 }, sync.more)
    end)

    it("by a number of records", function()
      for given, shown in pairs{ [0] = "number 0", [1.5] = "number 1.5", x = '"x"' } do
        assert.equal("s:more: n must be a number of records of at least 1, got " .. shown, misuse.raised_there(function() s:more(given) end):match ": (.*)$")
      end
    end)

    it("unless it is over", function()
      syncing.state("live", { truncated = true })
      s:unsubscribe()
      assert.equal("closed", select(2, s:more(5)).kind)
    end)
  end)

  it("throws where it isn't called with a colon", function()
    for _, name in ipairs{ "ready", "unsubscribe", "status", "observe", "more" } do
      assert.equal(("s:%s: call it with a colon, as in s:%s(…)"):format(name, name), misuse.raised_there(function() s[name]() end):match ": (.*)$")
    end
  end)

  describe("has records that couldn't be taken", function()
    local BAD = { { key = "Post:1", reason = "no", seen = 5 } }

    it("in its status, asked for when there are some", function()
      core.quarantined = BAD
      local seen = {}
      s:observe():subscribe(function(status) seen[#seen + 1] = #status.quarantined end)
      syncing.state("base", { quarantined = 1 })
      syncing.drive()
      assert.same(BAD, s:status().quarantined)
      assert.same({ "quarantined" }, sync.asked)
      assert.same({ 0, 0, 1 }, seen)
      syncing.state("base")
      assert.same({}, s:status().quarantined)
      assert.equal(1, #sync.asked)
    end)

    it("before it is ready", function()
      core.quarantined = BAD
      local n
      local call = appsync.spawn(function()
        s:ready()
        n = #s:status().quarantined
      end)
      syncing.state("live", { is_whole = true, quarantined = 1 })
      syncing.drive()
      assert.same({ "done", 1 }, { call:status(), n })
    end)

    it("or is ready without knowing them, where the core can't tell", function()
      core.ask_err = { kind = "system", message = "no memory" }
      syncing.state("live", { is_whole = true, quarantined = 1 })
      syncing.drive()
      assert.same({ true }, { s:ready(0) })
    end)

    it("asked for once more where others have come meanwhile, and not more often", function()
      core.quarantined = BAD
      core.push("SYNC", sync.id, { what = "state", phase = "base", quarantined = 1 })
      core.push("SYNC", sync.id, { what = "state", phase = "base", quarantined = 2 })
      core.push("SYNC", sync.id, { what = "state", phase = "base", quarantined = 3 })
      for _ = 1, 5 do syncing.drive() end
      assert.is_true(#sync.asked <= 2)
      assert.same(BAD, s:status().quarantined)
    end)

    it("that are asked for again with the next state where the core couldn't tell", function()
      core.ask_err = { kind = "system", message = "no memory" }
      syncing.state("base", { quarantined = 1 })
      assert.same({}, s:status().quarantined)
      core.ask_err, core.quarantined = nil, BAD
      syncing.state("base", { quarantined = 1 })
      syncing.drive()
      assert.same(BAD, s:status().quarantined)
    end)
  end)
end)
