-- data_id_from_object: a function of the application tells which record an object is, wherever the object comes from.
local appsync = require "appsync"
local core = require "appsync.core"
local pages = require "spec.support.pages"

local PAGE, SHELF, SET, ON_SET = pages.PAGE, pages.SHELF, pages.SET, pages.ON_SET
local key_of, page, title = pages.key_of, pages.page, pages.title

local function asked(calls)
  local names = {}
  for i, object in ipairs(calls) do names[i] = object.__typename end
  table.sort(names)
  return table.concat(names, " ")
end

describe("data_id_from_object", function()
  setup(pages.start)
  after_each(pages.close)
  teardown(pages.finish)

  it("gets what came, and names the records of a query that is read when the call returns", function()
    local calls = {}
    local client = pages.connect{ data_id_from_object = function(object)
      calls[#calls + 1] = object
      return key_of(object)
    end }
    local data = assert(client:query(PAGE, { slug = "s1" }))
    assert.equal("Author Page Part", asked(calls))
    for _, object in ipairs(calls) do
      if object.__typename == "Page" then assert.same(data.page, object) end
    end
    assert.equal("page s1", title "s1")
    assert.equal("part", client:read_fragment("Part:ps1", "fragment F on Part { text }").text)
    assert.is_nil((client:read_fragment("Author:Ann", "fragment F on Author { name }")))
    assert.equal("cache", select(3, client:query(PAGE, { slug = "s1" })).source)
    assert.same(data, client:read_query(PAGE, { slug = "s1" }))
  end)

  it("may begin a key with anything: a fragment tells its type", function()
    local client = pages.connect{ data_id_from_object = function(object)
      return object.__typename == "Page" and "urn:page:" .. object.slug or nil
    end }
    assert(client:write_fragment("urn:page:u", "fragment F on Page { slug title }", { slug = "u", title = "U" }))
    local read = client:read_fragment("urn:page:u", "fragment F on Page { __typename slug title }")
    assert.same({ __typename = "Page", slug = "u", title = "U" }, read)
    assert(client:query(PAGE, { slug = "u" }))
    assert.equal("page u", client:read_fragment("urn:page:u", pages.TITLE).title)
  end)

  it("isn't asked for types that have keys, nor for what has no cache", function()
    local calls = {}
    local client = pages.connect{ keys = { Page = { "slug" }, Author = {} }, data_id_from_object = function(object)
      calls[#calls + 1] = object
      return key_of(object)
    end }
    assert(client:query(PAGE, { slug = "s1" }))
    assert.equal("Part", asked(calls))
    assert.equal("page s1", client:read_fragment("Page:s1", pages.TITLE).title)
    assert.equal("Page:s9", client:identify(page("s9", "x")))
    assert.equal("Part", asked(calls))
    assert(client:query(PAGE, { slug = "s2" }, { fetch_policy = "no-cache" }))
    assert.equal("Part", asked(calls))
  end)

  it("names the records of mutations, and of subscriptions before their events are told", function()
    local client = pages.connect()
    assert(client:query(PAGE, { slug = "m1" }))
    assert(client:mutate(SET, { slug = "m1", title = "changed" }))
    assert.equal("changed", title "m1")
    local s = client:subscribe(ON_SET):subscribe()
    assert(s:ready(10))
    local other = pages.client
    assert(other:mutate(SET, { slug = "m1", title = "again" }, { fetch_policy = "no-cache" }))
    assert.equal("again", assert(s:next(10)).onSetPage.title)
    assert.equal("again", title "m1")
    for i = 1, 50 do assert(client:mutate(SET, { slug = "m1", title = "t" .. i }, { fetch_policy = "no-cache" })) end
    for i = 1, 50 do
      assert.equal("t" .. i, assert(s:next(10)).onSetPage.title)
    end
    assert.equal("t50", title "m1")
    s:unsubscribe()
  end)

  it("tells a watch what other answers change", function()
    local client = pages.connect()
    local s = client:watch(PAGE, { slug = "w1" }):subscribe()
    assert.equal("page w1", assert(s:next(10)).data.page.title)
    assert(client:mutate(SET, { slug = "w1", title = "new" }))
    local state
    repeat state = assert(s:next(10)) until state.data.page.title == "new"
    s:unsubscribe()
  end)

  it("names what the application writes, and what it hopes for", function()
    local client = pages.connect()
    assert(client:write_query(SHELF, { n = 2 }, { shelf = { __typename = "Shelf",
      pages = appsync.array{ page("a", "A"), page("b", "B") } } }))
    assert.same({ "A", "B" }, { title "a", title "b" })
    assert.equal("Page:c/en", client:identify(page("c", "C")))
    assert.is_nil(client:identify{ __typename = "Author", name = "Ann" })
    assert.equal("Page:a/en", client:identify{ __ref = "Page:a/en" })
    assert(client:write_fragment(page("c", "C"), "fragment F on Page { slug lang title }", page("c", "C")))
    assert.equal("C", title "c")
    assert(client:modify("ROOT_QUERY", "shelf", function(shelf)
      shelf.pages:add(page("c", "C"))
      assert.is_true(shelf.pages:contains(page("a", "A")))
      shelf.pages:remove(page("a", "A"))
    end))
    local titles = {}
    for i, item in ipairs(client:read_query(SHELF, { n = 2 }).shelf.pages) do titles[i] = item.title end
    assert.same({ "B", "C" }, titles)
    local seen
    assert(client:mutate(SET, { slug = "b", title = "real" }, {
      optimistic_response = { setPage = page("b", "hoped") },
      update = function(cache, result)
        if result.optimistic then seen = cache:read_fragment("Page:b/en", pages.TITLE).title end
      end,
    }))
    assert.equal("hoped", seen)
    assert.equal("real", title "b")
    assert(client:evict(page("b", "")))
    assert.is_nil(title "b")
  end)

  it("is asked again after a restart about nothing that is kept", function()
    local client, store = pages.connect()
    assert(client:query(SHELF, { n = 3 }))
    assert(client:write_fragment("Page:own/en", pages.TITLE, { title = "own" }))
    pages.close()
    local n = 0
    pages.connect{ store = store, data_id_from_object = function() n = n + 1 end }
    assert.same({ "page s2", "own" }, { title "s2", title "own" })
    assert.equal("cache", select(3, pages.client:query(SHELF, { n = 3 })).source)
    assert.equal(0, n)
  end)

  it("may give any text as a key, and nil or null for none", function()
    local client = pages.connect{ data_id_from_object = function(object)
      if object.__typename == "Page" then return "käse " .. object.slug end
      return appsync.null
    end }
    assert(client:query(PAGE, { slug = "k1" }))
    assert.equal("page k1", client:read_fragment("käse k1", pages.TITLE).title)
    assert.is_nil((client:read_fragment("Part:pk1", "fragment F on Part { text }")))
    assert.equal("part", client:read_query(PAGE, { slug = "k1" }).page.parts[1].text)
    assert.same({}, pages.logged)
  end)

  local WRONG = {
    { "raises", function() error("oh no", 0) end, "raised for a Page: oh no" },
    { "returns a number", function() return 5 end, [[must return a key such as "Post:1", or nil for none; for a Page it returned number 5]] },
    { "returns an empty string", function() return "" end, [[must return a key such as "Post:1", or nil for none; for a Page it returned an empty string]] },
    { "returns false", function() return false end, [[must return a key such as "Post:1", or nil for none; for a Page it returned boolean false]] },
    { "returns what isn't UTF-8", function() return "\255" end, "returned a key for a Page that isn't UTF-8 text" },
    { "returns a zero byte", function() return "a\0b" end, "returned a key for a Page that isn't UTF-8 text" },
    { "waits", function() appsync.sleep(0.001) end, "raised for a Page: spec/e2e/record_identity_spec.lua:" },
    { "yields", function() coroutine.yield() end, "raised for a Page: data_id_from_object: it yielded; a function that computes can't be suspended" },
    { "closes the client", function() pages.client:close() end, "raised for a Page: spec/e2e/record_identity_spec.lua:" },
  }
  for _, row in ipairs(WRONG) do
    it(("that %s is told once, and ids identify"):format(row[1]), function()
      local client = pages.connect{ data_id_from_object = row[2] }
      local data = assert(client:query(PAGE, { slug = "e1" }))
      assert.equal("part", data.page.parts[1].text)
      assert.equal("part", client:read_fragment("Part:pe1", "fragment F on Part { text }").text)
      assert(client:query(SHELF, { n = 2 }))
      assert(client:write_query(SHELF, { n = 1 }, { shelf = { __typename = "Shelf", pages = appsync.array{ page("x", "X") } } }))
      if row[1] ~= "returns what isn't UTF-8" and row[1] ~= "returns a zero byte" then
        assert.equal("Part:1", client:identify{ __typename = "Part", id = "1" })
      end
      assert.equal(1, #pages.logged)
      assert.is_truthy(pages.logged[1]:find("error: data_id_from_object " .. row[3], 1, true), pages.logged[1])
      assert.equal("X", client:read_query(SHELF, { n = 1 }).shelf.pages[1].title)
    end)
  end

  it("is of those whose answer waits for it in the order in which they came", function()
    local order = {}
    local client = pages.connect{ data_id_from_object = function(object)
      if object.__typename == "Page" then order[#order + 1] = object.title end
      return key_of(object)
    end }
    local tasks = {}
    for i = 1, 8 do
      tasks[i] = appsync.spawn(function() return assert(client:mutate(SET, { slug = "o1", title = "o" .. i })) end)
    end
    local last
    for i = 1, 8 do assert(tasks[i]:await(10)) end
    last = order[#order]
    assert.equal(last, title "o1")
    local mine = appsync.spawn(function() return client:query(PAGE, { slug = "o2" }) end)
    local yours = appsync.spawn(function() return client:query(SHELF, { n = 4 }) end)
    assert.equal("page o2", assert(mine:await(10)).page.title)
    assert.equal(4, #assert(yours:await(10)).shelf.pages)
    assert.same({ "page o2", "page s4" }, { title "o2", title "s4" })
  end)

  it("works through a large response in many frames", function()
    local N, n_calls = 10000, 0
    local client = pages.connect{ store = ":memory:", data_id_from_object = function(object)
      n_calls = n_calls + 1
      return key_of(object)
    end }
    local is_over, n_frames, most = false, 0, 0
    local asking = appsync.spawn(function()
      local data = client:query(SHELF, { n = N }, { timeout = 60 })
      is_over = true
      return data
    end)
    local give_up = core.now() + 60
    while not is_over and core.now() < give_up do
      local before = n_calls
      appsync.update(0)
      if n_calls > before then n_frames = n_frames + 1 end
      most = math.max(most, n_calls - before)
    end
    assert.equal(N, #asking:await(1).shelf.pages)
    assert.equal(N + 1, n_calls)
    assert.is_true(most <= 64, most .. " calls in one frame")
    assert.is_true(n_frames >= N / 64)
    assert.equal("page s10000", title "s10000")
  end)

  it("answers nobody who has left, and keeps what has come", function()
    local client = pages.connect()
    local asking = appsync.spawn(function() return client:query(PAGE, { slug = "l1" }) end)
    local began = appsync.spawn(function() return client:query(PAGE, { slug = "l1" }) end)
    appsync.sleep(0)
    asking:cancel()
    assert.equal("page l1", assert(began:await(10)).page.title)
    assert.equal("page l1", title "l1")
  end)

  it("leaves nothing waiting when the client closes, is cleared or signs out", function()
    local client
    client = pages.connect{ data_id_from_object = key_of }
    local asking = appsync.spawn(function() return client:query(SHELF, { n = 200 }) end)
    appsync.sleep(0)
    assert(client:close(0))
    local _, err = asking:await(10)
    assert.is_true(err == nil or err.kind == "closed")

    client = pages.connect()
    local is_cleared = false
    client:close(0)
    client = pages.connect{ data_id_from_object = function(object)
      if not is_cleared then
        is_cleared = true
        client:clear()
      end
      return key_of(object)
    end }
    assert.equal("page c1", assert(client:query(PAGE, { slug = "c1" })).page.title)
    assert.is_true(is_cleared)
    assert.is_nil(title "c1")
    assert(client:query(PAGE, { slug = "c2" }))
    assert.equal("page c2", title "c2")
    assert(client:sign_out())
    assert.is_nil(title "c2")
  end)

  it("is each identity's own: two parts of a store don't wait for each other's records", function()
    local client = pages.connect()
    local ann, bob = client:with{ identity = "ann" }, client:with{ identity = "bob" }
    local one = appsync.spawn(function() return ann:query(PAGE, { slug = "i1" }) end)
    local two = appsync.spawn(function() return bob:query(PAGE, { slug = "i2" }) end)
    assert(one:await(10))
    assert(two:await(10))
    assert.equal("page i1", ann:read_fragment("Page:i1/en", pages.TITLE).title)
    assert.is_nil((ann:read_fragment("Page:i2/en", pages.TITLE)))
    assert.equal("page i2", bob:read_fragment("Page:i2/en", pages.TITLE).title)
  end)

  it("has the legacy spellings, and one place", function()
    local client = pages.connect{ cacheOptions = { dataIdFromObject = key_of } }
    assert(client:query(PAGE, { slug = "y1" }))
    assert.equal("page y1", title "y1")
    client:close(0)
    client = pages.connect{ dataIdFromObject = key_of }
    assert.equal("Page:y/en", client:identify(page("y", "")))
    client:close(0)
    local function message_of(options)
      options.endpoint, options.store = pages.running.endpoint, ":memory:"
      local ok, raised = pcall(appsync.client, options)
      assert.is_false(ok)
      return raised
    end
    assert.is_truthy(message_of{ data_id_from_object = key_of, cacheOptions = { dataIdFromObject = key_of } }
      :find("are the same option; give one of them", 1, true))
    assert.is_truthy(message_of{ data_id_from_object = key_of, cache = { lookups = { ["Query.page"] = "Page" } } }
      :find("cache.lookups.Query.page needs keys.Page beside data_id_from_object", 1, true))
    assert.is_truthy(message_of{ data_id_from_object = "id" }:find("data_id_from_object must be", 1, true))
  end)
end)
