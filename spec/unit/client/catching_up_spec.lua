-- client:subscribe with catch_up on the stand-in for the core.
local real = require "appsync.core"
local fake_core = require "spec.support.fake_core"
local raised_there = require("spec.support.misuse").raised_there

local DOCUMENT = "subscription S($owner: String) { onCreatePost(owner: $owner) { id title updatedAt } }"
local MISSED = "query M($lastSync: AWSTimestamp, $limit: Int, $nextToken: String) "
  .. "{ listMissed(lastSync: $lastSync, limit: $limit, nextToken: $nextToken) { items { id title updatedAt } nextToken } }"

local drive = fake_core.drive

describe("a subscription with catch_up", function()
  local core, log, client, seen

  before_each(function()
    core, log = fake_core.install(), {}
    core.document, core.parse = real.document, real.parse
    client = require("appsync").client{
      endpoint = "http://localhost/graphql", auth = { type = "API_KEY", api_key = "da2-secret" },
      keys = { Part = { "blog", "slug" } }, log = function(level, message) table.insert(log, level .. ": " .. message) end,
    }
    seen = {}
  end)

  local function source(catch_up, options)
    options = options or {}
    options.catch_up = catch_up or { query = MISSED }
    return client:subscribe(DOCUMENT, { owner = "me" }, options)
  end

  local function note(kind) return function(value, err) table.insert(seen, { kind, value, err }) end end

  local function subscribe(catch_up, options)
    return source(catch_up, options):subscribe{
      next = note "next", error = note "error", complete = note "complete", state = note "state",
    }
  end

  local function newest() return core.catching_up[#core.catching_up] end

  local function push(what, fields, err)
    local event = { what = what }
    for name, value in pairs(fields or {}) do event[name] = value end
    core.push("SYNC", newest().id, event, err)
  end

  local function phase(name, err) push("state", { phase = name }, err) end
  local function event(id, version, title) push("event", { data = { onCreatePost = { id = id, updatedAt = version, title = title } } }) end
  local function page(number, ...) push("page", { number = number, records = { ... } }) end

  local function kinds()
    drive()
    drive()
    local texts = {}
    for i, one in ipairs(seen) do
      local post = one[1] == "next" and one[2].onCreatePost
      texts[i] = post and ("%s %s"):format(post.id, tostring(post.updatedAt)) or one[1] == "state" and one[2] or one[1]
    end
    return table.concat(texts, ", ")
  end

  local function refused(message, catch_up, options, document)
    options = options or {}
    options.catch_up = catch_up
    local raised = raised_there(function() client:subscribe(document or DOCUMENT, nil, options) end)
    assert.equal(message, raised:match "^[^:]*:%d+: (.*)$" or raised)
  end

  it("is given to the core", function()
    subscribe({ query = MISSED, variables = { lastSync = 1, limit = 20 }, poll = 5, last_sync_unit = "milliseconds" },
      { buffer = 7, buffer_bytes = 100, headers = { ["x-a"] = 1 } })
    local call = newest().call
    assert.same({ owner = "me" }, call.subscription.variables)
    assert.same({ limit = 20 }, call.delta.variables)
    assert.same({ "limit", "nextToken", false }, { call.delta.limit_variable, call.delta.token_variable, call.delta.has_update })
    assert.same({ 7, 100, 5, 20, "ms" }, { call.buffer, call.buffer_bytes, call.poll, call.page_size, call.last_sync_unit })
    assert.same({ ["x-a"] = "1" }, call.headers)
    assert.is_false(call.asks_headers)
    assert.equal(0, #core.subscribed)
    subscribe()
    call = newest().call
    assert.same({ 30, 1000 }, { call.poll, call.page_size })
    assert.is_nil(call.last_sync_unit)
  end)

  it("must be one that can work", function()
    local function text(rest) return "client:subscribe: " .. rest end
    refused(text "catch_up: query is missing; give the document of a query", {})
    refused(text "catch_up: the document has a syntax error at line 1, column 2: expected Name, found end of text", { query = "{" })
    refused(text 'catch_up: unknown option "querry"; did you mean "query"?', { querry = MISSED })
    refused(text 'overflow = "error" isn\'t possible beside catch_up: what there is no room for is fetched by its query',
      { query = MISSED }, { overflow = "error" })
    refused(text "share = true isn't possible beside catch_up", { query = MISSED }, { share = true })
    refused(text "catch_up: without map, the query and the subscription must select one field at their roots each, got 2 and 1",
      { query = "{ a { id } b { id } }" })
    refused(text "catch_up: the query declares $lastSync and doesn't use it; pass it on, as in posts(lastSync: $lastSync)",
      { query = "query ($lastSync: AWSTimestamp) { posts { id } }", map = function() end })
    refused(text "catch_up: count selects no fields of the records; give map", { query = "{ count }" })
    refused(text 'catch_up: version_field is "rev", which the subscription doesn\'t select under this name',
      { query = MISSED, version_field = "rev" })
    source({ query = "{ a { id } b { id } }", map = function() end }, { overflow = "pause", share = false })
  end)

  it("emits pages by record and events, in order, and tells the core what was handled", function()
    subscribe()
    phase "subscribing"
    phase "live"
    event("a", "2024-01-01T00:00:01Z")
    phase "subscribing"
    page(3, { id = "b", updatedAt = "2024-01-01T00:00:02Z" }, { id = "c", updatedAt = "2024-01-01T00:00:03Z" })
    page(4, { id = "d", updatedAt = "2024-01-01T00:00:04Z" })
    event("e", "2024-01-01T00:00:05Z")
    phase "live"
    assert.equal("subscribed, a 2024-01-01T00:00:01Z, reconnecting, b 2024-01-01T00:00:02Z, c 2024-01-01T00:00:03Z, "
      .. "d 2024-01-01T00:00:04Z, e 2024-01-01T00:00:05Z, subscribed", kinds())
    assert.same({ { 3, 4 }, 2 }, { newest().settled, newest().n_events })
  end)

  it("says that it polls, and is ready then", function()
    local s = subscribe()
    phase("subscribing", { kind = "network", message = "no socket" })
    drive()
    local ok, err = s:ready(0)
    assert.is_nil(ok)
    assert.truthy(err.message:find("no socket", 1, true))
    phase "delta"
    page(1)
    phase "polling"
    phase "delta"
    page(2, { id = "a", updatedAt = "1" })
    phase "polling"
    phase "live"
    assert.equal("polling, a 1, subscribed", kinds())
    assert.is_true(s:ready(0))
  end)

  it("emits no state of a record while it catches up that isn't newer than one that it has emitted", function()
    subscribe()
    phase "live"
    event("a", "2024-01-01T00:00:05Z", "first")
    phase "subscribing"
    page(1, { id = "a", updatedAt = "2024-01-01T00:00:05.000Z", title = "second" }, { id = "b", updatedAt = "2024-01-01T00:00:09.5Z" })
    event("a", "2024-01-01T00:00:04Z")
    event("b", "2024-01-01T00:00:09.50Z")
    event("b", "2024-01-01T00:00:09.25Z")
    event("b", "2024-01-01T00:00:10Z")
    event("c", "no time")
    event("c", "no time at all")
    phase "live"
    event("b", "2024-01-01T00:00:10Z") -- on its way for long
    drive()
    drive(5)
    event("b", "2024-01-01T00:00:01Z")
    -- Of one second there may be two states; what says the same is known.
    assert.equal("subscribed, a 2024-01-01T00:00:05Z, reconnecting, a 2024-01-01T00:00:05.000Z, b 2024-01-01T00:00:09.5Z, "
      .. "b 2024-01-01T00:00:09.50Z, b 2024-01-01T00:00:10Z, c no time, c no time at all, subscribed, b 2024-01-01T00:00:01Z", kinds())
    assert.equal(9, newest().n_events)
  end)

  describe("goes by versions", function()
    local version_memory = require "appsync.client.version_memory"

    local function memory(field) return version_memory.new("r", field, { Part = { "blog", "slug" } }) end

    it("that count, by which two states of one number are the same", function()
      local m = memory "_version"
      assert.is_false(m:knows{ r = { id = 1, _version = 2 } })
      m:note{ r = { id = 1, _version = 2, a = 1 } }
      assert.is_true(m:knows{ r = { id = 1, _version = 2, a = 2 } })
      assert.is_true(m:knows{ r = { id = 1, _version = 1 } })
      assert.is_false(m:knows{ r = { id = 1, _version = 3 } })
      assert.is_false(m:knows{ r = { id = "1", _version = 1 } })
      assert.is_false(m:knows{ r = { id = 1 } })
      assert.is_false(m:knows{ r = { _version = 1 } })
      assert.is_false(m:knows{})
    end)

    it("that are times, by which two states of one time may differ", function()
      local m = memory "_lastChangedAt"
      m:note{ r = { id = 1, _lastChangedAt = 5, tags = { "a" } } }
      assert.is_true(m:knows{ r = { id = 1, _lastChangedAt = 5, tags = { "a" } } })
      assert.is_false(m:knows{ r = { id = 1, _lastChangedAt = 5, tags = { "a", "b" } } })
      assert.is_true(m:knows{ r = { id = 1, _lastChangedAt = 4 } })
    end)

    it("of the newest state, and of records that several fields identify", function()
      local m = memory "version"
      m:note{ r = { __typename = "Part", blog = "x", slug = "y", version = 5 } }
      m:note{ r = { __typename = "Part", blog = "x", slug = "y", version = 3 } }
      assert.is_true(m:knows{ r = { __typename = "Part", blog = "x", slug = "y", version = 4 } })
      assert.is_false(m:knows{ r = { __typename = "Part", blog = "x", slug = "z", version = 4 } })
      assert.is_false(m:knows{ r = { __typename = "Part", blog = "x", version = 4 } })
    end)

    it("of the last records only", function()
      local m = memory "version"
      for i = 1, 5000 do m:note{ r = { id = i, version = 1 } } end
      assert.is_false(m:knows{ r = { id = 1, version = 1 } })
      assert.is_true(m:knows{ r = { id = 5000, version = 1 } })
      assert.is_true(m:knows{ r = { id = 3000, version = 1 } })
    end)
  end)

  it("delivers errors beside events, and never takes such an event for a known one", function()
    subscribe()
    phase "live"
    push("event", { data = { onCreatePost = { id = "a", updatedAt = "2" } } }, { kind = "graphql", message = "half of it" })
    push("event", {}, { kind = "graphql", message = "none of it" })
    phase "subscribing"
    push("page", { number = 1, records = { { id = "a", updatedAt = "2" } } }, { kind = "graphql", message = "a bad one" })
    push("page", { number = 2, records = {} }, { kind = "graphql", message = "all bad" })
    drive()
    assert.equal("half of it", seen[2][3].message)
    assert.same({ "none of it", core.null }, { seen[3][3].message, seen[3][2].onCreatePost })
    assert.equal("a bad one", seen[5][3].message)
    assert.equal("warn: client:subscribe: catch_up: the query's answer has errors: all bad", log[#log])
  end)

  describe("with map", function()
    local function page_of(map)
      local s = subscribe{ query = MISSED, map = map }
      assert.is_true(newest().call.delta.has_update)
      phase "live"
      push("page", { number = 1, data = { listMissed = { items = { 1, 2 } } } })
      kinds()
      return s
    end

    it("emits the events that it returns", function()
      page_of(function(data)
        local events = {}
        for i, n in ipairs(data.listMissed.items) do events[i] = { onCreatePost = { id = n } } end
        return events
      end)
      assert.equal("subscribed, 1 nil, 2 nil", kinds())
      assert.same({ 1 }, newest().settled)
    end)

    it("emits nothing for nil or an empty list", function()
      page_of(function() end)
      page_of(function() return {} end)
      assert.equal("subscribed, subscribed", kinds())
      assert.same({ 1 }, newest().settled)
    end)

    local function ends_with(map, message)
      local s = page_of(map)
      assert.equal("subscribed, error", kinds())
      assert.truthy(s.err.message:find(message, 1, true), s.err.message)
      assert.equal(1, newest().n_stops)
    end

    it("ends with what it raises", function() ends_with(function() error "not today" end, "not today") end)

    it("ends with what isn't a list of events", function()
      ends_with(function() return { onCreatePost = {} } end, "catch_up: map must return a list of events, or nil, got a table")
    end)

    it("ends with an event that is none", function()
      ends_with(function() return { { onCreatePost = {} }, "b" } end, 'number 2 is "b"')
    end)
  end)

  it("gives headers for each of both", function()
    local asked = {}
    subscribe(nil, { headers = function(operation)
      asked[#asked + 1] = operation.kind .. " " .. operation.name
      if operation.kind == "query" then error "no header" end
      return { ["x-a"] = "1" }
    end })
    assert.is_true(newest().call.asks_headers)
    push("headers", { number = 1, part = "subscription" })
    push("headers", { number = 2, part = "delta" })
    drive()
    drive()
    assert.same({ "subscription S", "query M" }, asked)
    assert.same({ ["x-a"] = "1" }, newest().headers[1])
    assert.truthy(newest().headers[2]:find("no header", 1, true))
  end)

  it("waits for whoever pulls", function()
    local s = source():subscribe()
    phase "live"
    page(1, { id = "a" }, { id = "b" })
    event("c", "1")
    drive()
    drive()
    assert.same({ {}, 0 }, { newest().settled, newest().n_events })
    assert.equal("a", s:next(0).onCreatePost.id)
    assert.same({}, newest().settled)
    assert.equal("b", s:next(0).onCreatePost.id)
    drive()
    assert.same({ { 1 }, 0 }, { newest().settled, newest().n_events })
    assert.equal("c", s:next(0).onCreatePost.id)
    drive()
    drive()
    assert.equal(1, newest().n_events)
  end)

  it("ends with an error, or completes, and then the core has nothing of it", function()
    local s = subscribe()
    phase "live"
    core.push("SYNC", newest().id, { what = "end" }, { kind = "graphql", message = "not you" })
    assert.equal("subscribed, error", kinds())
    assert.equal("not you", s.err.message)
    assert.equal(1, newest().n_stops)
    subscribe()
    core.push("SYNC", newest().id, { what = "end" })
    assert.equal("subscribed, error, complete", kinds())
    assert.equal(1, newest().n_stops)
  end)

  it("is silent once it is unsubscribed, also in the middle of a page", function()
    local s
    s = source():subscribe(function(data)
      seen[#seen + 1] = { "next", data }
      s:unsubscribe()
    end)
    phase "live"
    page(1, { id = "a" }, { id = "b" })
    event("c")
    assert.equal("a nil", kinds())
    assert.equal(1, newest().n_stops)
    assert.same({}, newest().settled)
  end)

  it("is refused by a core that can't begin it", function()
    core.refusal = { kind = "system", message = "no more of it" }
    local s = subscribe()
    drive()
    assert.equal("no more of it", s.err.message)
  end)

  it("makes large events in steps, in their order", function()
    subscribe()
    phase "live"
    local text = real.encode{ what = "page", number = 1, records = { { id = "a", title = ("x"):rep(100) } } }
    core.push("SYNC", newest().id, (assert(real.builder(text))))
    event("b", "1")
    assert.equal("subscribed, a nil, b 1", kinds())
    core.push("SYNC", newest().id, real.builder "[1,")
    assert.equal("subscribed, a nil, b 1, error", kinds())
  end)
end)
