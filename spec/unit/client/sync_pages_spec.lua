local syncing = require "spec.support.syncing"

local GET = syncing.GET

describe("a page of a delta sync", function()
  local core, appsync, queue, s, sync

  -- A sync whose base query has these.
  local function start(base, over)
    syncing.open()
    core, appsync, queue = syncing.core, syncing.appsync, syncing.queue
    over = over or {}
    base.query = base.query or syncing.BASE
    over.base_query = over.base_query or base
    s, sync = syncing.start(over)
  end

  local function page(number, titles)
    local items = appsync.array()
    for i, title in ipairs(titles) do items[i] = { __typename = "Post", id = tostring(i), title = title } end
    return { number = number, part = "base", data = { listPosts = { items = items } } }
  end

  describe("that goes to an update function", function()
    it("is kept with what that has written", function()
      local seen = {}
      start{ variables = { blog = "b" }, update = function(cache, result)
        seen[#seen + 1] = result
        cache:write_query(GET, { id = "1" }, { getPost = { __typename = "Post", id = "1", title = "a" } })
      end }
      assert.is_true(sync.call.base.has_update)
      syncing.event("update", page(3, { "a" }))
      assert.same({ "begin false", "write", "settle 3" }, queue.trace)
      assert.same({ { data = page(3, { "a" }).data, optimistic = false } }, seen)
      assert.equal("the last one", sync.settled[3])
    end)

    it("is kept also where it raises, without what that has written", function()
      start{ update = function() error("no list", 0) end }
      syncing.event("update", page(3, {}))
      assert.same({ "begin false", "drop", "fail 3: update raised: no list" }, queue.trace)
      assert.same({ "error: client:sync: base_query (listPosts): update raised: no list; what it wrote is dropped, the page stands" }, syncing.told())
      syncing.event("update", page(4, {}))
      assert.equal("fail 4: update raised: no list", queue.trace[6])
      assert.equal("waiting", s:status().phase)
    end)

    it("may not wait in it", function()
      start{ update = function() appsync.sleep(1) end }
      syncing.event("update", page(3, {}))
      assert.matches("^fail 3: update raised: .*a call that waits isn't possible in a function that computes", queue.trace[3])
    end)

    it("is failed where nothing can be begun", function()
      start{ update = function() end }
      queue.begin_err = { kind = "storage", message = "locked" }
      syncing.event("update", page(3, {}))
      assert.same({ "begin false", "fail 3: locked" }, queue.trace)
    end)

    it("is failed where the core doesn't take what was written, until it takes that", function()
      start{ update = function() end }
      core.settle_err, core.fail_err = { kind = "system", message = "no memory" }, { kind = "system", message = "no memory" }
      syncing.event("update", page(3, {}))
      assert.same({ "begin false", "settle 3", "fail 3: no memory" }, queue.trace)
      assert.same({ "error: client:sync: what was written for a page isn't kept: no memory" }, syncing.told())
      syncing.drive(1.1)
      assert.equal("fail 3: no memory", queue.trace[4])
      syncing.drive(5)
      assert.is_nil(queue.trace[5])
    end)

    it("is answered to no more once the sync was stopped, also by the function", function()
      start{ update = function() s:unsubscribe() end }
      syncing.event("update", page(3, {}))
      assert.same({ "begin false", "drop" }, queue.trace)
    end)

    it("has the data as they are, null included", function()
      local data = 5
      start{ update = function(_, result) data = result.data end }
      syncing.event("update", { number = 3, part = "base", data = core.null })
      assert.is_nil(data)
      assert.equal("settle 3", queue.trace[2])
    end)

    it("is one of the delta query, or an event, likewise", function()
      local seen = {}
      local function part(name, query) return { query = query, update = function(_, result) seen[#seen + 1] = name .. result.data.a end } end
      start({}, { delta_query = part("delta", syncing.DELTA), subscription_query = part("event", syncing.SUBSCRIPTION) })
      core.push("SYNC", sync.id, { what = "update", number = 1, part = "delta", data = { a = 1 } })
      core.push("SYNC", sync.id, { what = "update", number = 2, part = "subscription", data = { a = 2 } })
      syncing.drive()
      assert.same({ "delta1", "event2" }, seen)
      assert.same({ "begin false", "settle 1", "begin false", "settle 2" }, queue.trace)
    end)
  end)

  it("that is large is made in steps, and what comes behind it waits", function()
    local seen, titles = {}, {}
    for i = 1, 3000 do titles[i] = ("title %d"):format(i) end
    start{ update = function(_, result) seen[#seen + 1] = #result.data.listPosts.items end }
    local large = page(1, titles)
    large.what = "update"
    syncing.large_event(large)
    core.push("SYNC", sync.id, { what = "state", phase = "delta" })
    core.push("SYNC", sync.id, { what = "update", number = 2, part = "base", data = page(2, { "a" }).data })
    appsync.update(0)
    assert.same({ {}, "waiting" }, { seen, s:status().phase })
    syncing.drive()
    assert.same({ { 3000, 1 }, "delta" }, { seen, s:status().phase })
    assert.same({ "begin false", "settle 1", "begin false", "settle 2" }, queue.trace)
  end)

  it("that is large is made no further once the sync was stopped", function()
    local n, titles = 0, {}
    for i = 1, 3000 do titles[i] = "a" end
    start{ update = function() n = n + 1 end }
    local large = page(1, titles)
    large.what = "update"
    syncing.large_event(large)
    syncing.large_event(large)
    appsync.update(0)
    s:unsubscribe()
    syncing.drive()
    assert.equal(0, n)
    assert.same({}, queue.trace)
  end)

  it("that Lua can't hold ends the sync", function()
    start{ update = function() end }
    core.push("SYNC", sync.id, (assert(syncing.broken_builder())))
    syncing.drive()
    assert.same({ "stopped", "protocol", 1 }, { s:status().phase, s:status().err.kind, sync.n_stops })
  end)

  it("whose answer raises is failed, and the next one is taken", function()
    start{ update = function() end }
    local settle = sync.settled
    sync.settled = nil -- the stand-in raises
    core.push("SYNC", sync.id, { what = "update", number = 1, part = "base", data = {} })
    core.push("SYNC", sync.id, { what = "update", number = 2, part = "nothing", data = {} })
    syncing.drive()
    sync.settled = settle
    syncing.event("update", page(3, {}))
    assert.same({ "begin false", "settle 1", "drop", "fail 1", "drop", "fail 2" }, {
      queue.trace[1], queue.trace[2], queue.trace[3], queue.trace[4]:sub(1, 6), queue.trace[5], queue.trace[6]:sub(1, 6),
    })
    assert.equal("settle 3", queue.trace[8])
  end)

  describe("with a function for the next one", function()
    local given

    local function start_with(fn, update)
      given = {}
      start{
        query = "query ($blog: ID, $offset: Int) { listPosts(blog: $blog, offset: $offset) { items { id title author { name } } } }",
        variables = { blog = "b" }, update = update,
        page = function(data, variables)
          given[#given + 1] = { data, variables }
          return fn(data, variables)
        end,
      }
      assert.is_true(sync.call.base.has_page)
    end

    it("has its variables over those of the query", function()
      start_with(function(_, variables) return { offset = (variables.offset or 0) + 10 } end)
      syncing.event("update", page(1, {}))
      assert.same({ blog = "b", offset = 10 }, sync.settled[1])
      local second = page(2, {})
      second.variables = { blog = "b", offset = 10 }
      syncing.event("update", second)
      assert.same({ blog = "b", offset = 20 }, sync.settled[2])
      assert.same({ page(1, {}).data, { blog = "b" } }, given[1])
      assert.same({ "settle 1", "settle 2" }, queue.trace)
    end)

    it("is the last one where it gives none", function()
      for _, nothing in ipairs{ function() end, function() return appsync.null end } do
        start_with(nothing)
        syncing.event("update", page(1, {}))
        assert.equal("the last one", sync.settled[1])
      end
    end)

    it("sees the data before update does", function()
      local n
      start_with(function(data) n = #data.listPosts.items end, function(_, result) result.data.listPosts.items = {} end)
      syncing.event("update", page(1, { "a", "b" }))
      assert.equal(2, n)
    end)

    it("is followed by the next one although update has raised", function()
      start_with(function() return { offset = 5 } end, function() error("no", 0) end)
      syncing.event("update", page(1, {}))
      assert.same({ "begin false", "drop", "settle 1" }, queue.trace)
      assert.same({ blog = "b", offset = 5 }, sync.settled[1])
    end)

    it("is the last that is asked for where that raises: the sync ends", function()
      start_with(function() error("no offset", 0) end, function() end)
      syncing.event("update", page(1, {}))
      assert.same({ {}, "stopped", 1 }, { queue.trace, s:status().phase, sync.n_stops })
      local err = s:status().err
      assert.same({ "usage", "page_raised", "no offset" }, { err.kind, err.code, err.raised })
      assert.same({ "error: client:sync: the sync has ended: base_query: page raised: no offset" }, syncing.told())
    end)

    it("is asked for without what update has written, until the core takes that", function()
      start_with(function() return { offset = 5 } end, function() end)
      core.settle_err = { kind = "system", message = "no memory" }
      syncing.event("update", page(1, {}))
      core.settle_err = nil
      syncing.drive(1.1)
      assert.same({ "begin false", "settle 1", "settle 1", "settle 1" }, queue.trace)
      assert.same({ blog = "b", offset = 5 }, sync.settled[1])
    end)

    it("is never known of one whose answer raises: the sync ends", function()
      start_with(function() return { offset = 5 } end, function() end)
      sync.settled = nil -- the stand-in raises
      syncing.event("update", page(1, {}))
      assert.same({ "begin false", "settle 1", "drop" }, queue.trace)
      assert.equal("stopped", s:status().phase)
    end)

    it("isn't known where that gives no variables of the query", function()
      for message, fn in pairs{
        ["page must return a table of variables, or nil after the last page, got number 5"] = function() return 5 end,
        ["page must return variables that the query declares; it has returned none of them"] = function() return { token = 1 } end,
        ['the operation declares no variable "ofset"; did you mean $offset?'] = function() return { ofset = 1 } end,
        ["page must return variables that can be JSON: "] = function() return { offset = print } end,
        ["page must return at most 65536 bytes of variables, which are kept with each page; got 65549"] = function()
          return { offset = ("x"):rep(65536) }
        end,
      } do
        start_with(fn)
        syncing.event("update", page(1, {}))
        assert.is_truthy(s:status().err.message:find(message, 1, true), s:status().err.message)
      end
    end)
  end)

  describe("whose records other queries show", function()
    local function records(number, ...)
      local list = {}
      for i, id in ipairs{ ... } do
        list[i] = { data = { __typename = "Post", id = id:match "%w+" }, deleted = id:find "-" ~= nil }
      end
      return { number = number, records = list }
    end

    local function start_with(fn, over)
      over = over or {}
      over.cache_updates = fn
      start({}, over)
      assert.is_true(sync.call.has_cache_updates)
    end

    it("is kept with references to them, or null for those that were deleted", function()
      start_with(function(record)
        if record.id == "3" then return nil end
        if record.id == "4" then return { GET, { query = "{ first { id } }" } } end
        return { query = appsync.gql(GET), variables = { id = record.id } }
      end)
      syncing.event("records", records(7, "1", "2-", "3", "4"))
      assert.same({
        "begin false", 'set ROOT_QUERY getPost({"id":"1"}) true Post:1', 'set ROOT_QUERY getPost({"id":"2"}) true null',
        "set ROOT_QUERY getPost false Post:4", "set ROOT_QUERY first false Post:4", "settle 7",
      }, queue.trace)
      assert.same({}, syncing.told())
    end)

    it("is kept likewise where it goes to other functions too", function()
      local function get(record) return { query = GET, variables = { id = record.id } } end
      local n = 0
      start({ update = function() n = n + 1 end, page = function() end }, { cache_updates = get })
      local event = page(1, { "a", "b" })
      event.data.listPosts.items[2].aws_ds = "DELETE"
      event.data.listPosts.items[3] = appsync.null
      syncing.event("update", event)
      assert.same({
        "begin false", 'set ROOT_QUERY getPost({"id":"1"}) true Post:1', 'set ROOT_QUERY getPost({"id":"2"}) true null', "settle 1",
      }, queue.trace)
      assert.equal(1, n)
      start({ update = function() error("no", 0) end }, { cache_updates = get })
      syncing.event("update", page(1, { "a" }))
      assert.same({ "begin false", "drop", "begin false", 'set ROOT_QUERY getPost({"id":"1"}) true Post:1', "settle 1" }, queue.trace)
      start({ page = function() end }, { cache_updates = get })
      syncing.event("update", page(1, { "a" }))
      assert.same({ "begin false", 'set ROOT_QUERY getPost({"id":"1"}) true Post:1', "settle 1" }, queue.trace)
      start({ page = function() end }, { cache_updates = get })
      queue.begin_err = { kind = "storage", message = "locked" }
      syncing.event("update", page(1, { "a" }))
      assert.same({ "begin false", "fail 1: locked" }, queue.trace)
    end)

    it("is kept likewise where it is a list, a record or nothing", function()
      local part = { query = syncing.SUBSCRIPTION, update = function() end }
      start({}, { subscription_query = part, cache_updates = function(record) return { query = GET, variables = { id = record.id } } end })
      for _, data in ipairs{
        { onDeltaPost = { id = "1", __typename = "Post", _deleted = true } }, { onDeltaPost = appsync.array{ { id = "2", __typename = "Post" } } },
        { onDeltaPost = appsync.null }, appsync.null,
      } do
        syncing.event("update", { number = 1, part = "subscription", data = data })
      end
      assert.same({
        "begin false", 'set ROOT_QUERY getPost({"id":"1"}) true null', "settle 1",
        "begin false", 'set ROOT_QUERY getPost({"id":"2"}) true Post:2', "settle 1", "begin false", "settle 1", "begin false", "settle 1",
      }, queue.trace)
    end)

    it("gets its type where the records don't have it", function()
      start_with(function() return GET end, { typename = "Post" })
      syncing.event("records", { number = 1, records = { { data = { id = "1" }, deleted = false } } })
      assert.equal("set ROOT_QUERY getPost false Post:1", queue.trace[2])
    end)

    it("needs nothing where none is shown", function()
      start_with(function() return appsync.null end)
      syncing.event("records", records(7, "1"))
      assert.same({ "settle 7" }, queue.trace)
    end)

    it("stands where the function fails, which is told once", function()
      local faults = {
        ["raised here"] = function() error("raised here", 0) end,
        ["cache_updates must return tables {query =, variables =}, got number 5"] = function() return { 5 } end,
        ["cache_updates: query is missing"] = function() return { { variables = {} } } end,
        ['cache_updates: unknown option "querry"; did you mean "query"?'] = function() return { querry = GET } end,
        ["cache_updates: the document is a subscription"] = function() return { query = syncing.SUBSCRIPTION } end,
        ["cache_updates: the query must select its field itself, not in a fragment"] = function() return "{ ...F } fragment F on Query { a { id } }" end,
        ['cache_updates: the operation declares no variable "ids"; did you mean $id?'] = function() return { query = GET, variables = { ids = 1 } } end,
      }
      for message, fn in pairs(faults) do
        start_with(function(record) if record.id == "2" then return GET end return fn() end)
        syncing.event("records", records(7, "1", "2", "3"))
        assert.same({ "begin false", "set ROOT_QUERY getPost false Post:2", "settle 7" }, queue.trace)
        assert.equal(1, #syncing.told())
        assert.is_truthy(syncing.told()[1]:find(message, 1, true), syncing.told()[1])
        assert.matches("^error: cache_updates of a sync failed: ", syncing.told()[1])
        assert.matches("; the record is kept, and queries that show it alone may not be up to date$", syncing.told()[1])
      end
    end)

    it("stands where the cache can't tell or take it, which is told once", function()
      start_with(function() return GET end)
      core.fields_err = { kind = "storage", message = "locked" }
      syncing.event("records", records(1, "1", "2"))
      assert.same({ { "settle 1" }, 1 }, { queue.trace, #syncing.told() })
      start_with(function() return GET end)
      core.has_no_fields = true
      syncing.event("records", records(1, "1", "2"))
      assert.matches("cache_updates: getPost selects no fields of the record", syncing.told()[1])
      start_with(function() return GET end)
      core.set_err = { kind = "storage", message = "full" }
      syncing.event("records", records(1, "1", "2"))
      assert.same({ "settle 1", 1 }, { queue.trace[4], #syncing.told() })
      start_with(function() return GET end)
      syncing.event("records", { number = 1, records = { { data = { __typename = "Post" }, deleted = false } } })
      assert.matches("a record has no identity", syncing.told()[1])
    end)

    it("is failed where nothing can be begun", function()
      start_with(function() return GET end)
      queue.begin_err = { kind = "storage", message = "locked" }
      syncing.event("records", records(7, "1"))
      assert.same({ "begin false", "fail 7: locked" }, queue.trace)
    end)

    it("lets others run between many of them, and begins after the last one", function()
      local ids, n, seen = {}, 0, {}
      for i = 1, 200 do ids[i] = tostring(i) end
      start_with(function() n = n + 1 return GET end)
      core.push("SYNC", sync.id, { what = "records", number = 1, records = records(1, (unpack or table.unpack)(ids)).records })
      while appsync.update(0) do seen[#seen + 1] = n end
      assert.is_true(seen[1] > 0 and seen[1] < 200)
      assert.equal(202, #queue.trace)
      start_with(function() n = n + 1 return GET end)
      core.push("SYNC", sync.id, { what = "records", number = 1, records = records(1, (unpack or table.unpack)(ids)).records })
      n = 0
      repeat appsync.update(0) until n > 0
      s:unsubscribe()
      syncing.drive()
      assert.same({}, queue.trace)
    end)
  end)
end)
