-- Merge functions of fields: what is kept of pages that come one after the other.
local appsync = require "appsync"
local pages = require "spec.support.pages"

local FEED = "query F($kind: String, $offset: Int, $limit: Int) { feed(kind: $kind, offset: $offset, limit: $limit) { slug lang title } }"
local BOOK = "query B($nextToken: String, $limit: Int) { book(nextToken: $nextToken, limit: $limit) { pages { slug lang title } nextToken } }"
local ALL = "query F($kind: String) { feed(kind: $kind) { slug } }"

-- Puts what comes at its offset.
local function by_offset(existing, incoming, details)
  local merged = {}
  for i, page in ipairs(existing or {}) do merged[i] = page end
  for i, page in ipairs(incoming) do merged[(details.args.offset or 0) + i] = page end
  return merged
end

-- Adds what isn't there yet.
local function without_doubles(existing, incoming)
  if not existing then return incoming end
  for _, page in ipairs(incoming.pages) do existing.pages:add(page) end
  existing.nextToken = incoming.nextToken
  return existing
end

local function slugs(list)
  local all = {}
  for i, page in ipairs(list) do all[i] = page.slug end
  return table.concat(all, " ")
end

describe("a merge function", function()
  setup(pages.start)
  after_each(pages.close)
  teardown(pages.finish)

  local function connect(merge, options)
    options = options or {}
    options.cache = { merge = merge, key_args = { ["Query.feed"] = { "kind" }, ["Query.book"] = {} } }
    return pages.connect(options)
  end

  local function feed(variables, client)
    local data = (client or pages.client):read_query(ALL, variables)
    return data and slugs(data.feed)
  end

  it("makes one list of pages by offset", function()
    local calls = {}
    local client = connect{ ["Query.feed"] = function(existing, incoming, details)
      calls[#calls + 1] = { existing and #existing, #incoming, details.args.offset, details.field_name, incoming[1] }
      return by_offset(existing, incoming, details)
    end }
    assert.equal("s1 s2", slugs(assert(client:query(FEED, { kind = "a", offset = 0, limit = 2 })).feed))
    assert.equal("s3 s4", slugs(assert(client:query(FEED, { kind = "a", offset = 2, limit = 2 }, { fetch_policy = "network-only" })).feed))
    assert.equal("s1 s2 s3 s4", feed{ kind = "a" })
    assert.is_nil(feed{ kind = "b" })
    assert.same({
      { nil, 2, 0, "feed", { __ref = "Page:s1/en" } }, { 2, 2, 2, "feed", { __ref = "Page:s3/en" } },
    }, calls)
    assert(client:query(FEED, { kind = "b", offset = 0, limit = 1 }))
    assert.equal("s1", feed{ kind = "b" })
    assert.same({}, pages.logged)
  end)

  it("makes one connection without doubles, and is found after a restart", function()
    local client, store = connect{ ["Query.book"] = without_doubles }
    assert(client:query(BOOK, { limit = 3 }))
    local data = assert(client:query(BOOK, { nextToken = "3", limit = 3 }, { fetch_policy = "network-only" }))
    assert.equal("s3 s4 s5", slugs(data.book.pages))
    local function check()
      data = pages.client:read_query(BOOK)
      assert.equal("s1 s2 s3 s4 s5", slugs(data.book.pages))
      assert.equal("5", data.book.nextToken)
    end
    check()
    pages.close()
    connect({ ["Query.book"] = without_doubles }, { store = store })
    check()
    assert(pages.client:query(BOOK, { nextToken = "5", limit = 2 }, { fetch_policy = "network-only" }))
    assert.equal("s1 s2 s3 s4 s5 s6", slugs(pages.client:read_query(BOOK).book.pages))
  end)

  it("merges what the application writes, and what fetch_more brings", function()
    local client = connect({ ["Query.feed"] = by_offset }, { keys = { Page = { "slug" } }, cacheOptions = nil })
    local function write(offset, ...)
      local list = appsync.array()
      for i, slug in ipairs{ ... } do list[i] = pages.page(slug, slug:upper()) end
      assert(client:write_query(FEED, { kind = "w", offset = offset }, { feed = list }))
    end
    write(0, "a", "b")
    write(2, "c")
    assert.equal("a b c", feed{ kind = "w" })
    write(1, "x")
    assert.equal("a x c", feed{ kind = "w" })
    local watch = client:watch(FEED, { kind = "m", offset = 0, limit = 2 })
    local s = watch:subscribe()
    assert.equal("s1 s2", slugs(assert(s:next(10)).data.feed))
    assert(watch:fetch_more({ kind = "m", offset = 2, limit = 1 }, function(_, more)
      assert.equal("s3", slugs(more.feed))
      return more
    end))
    s:unsubscribe()
    assert.same({}, pages.logged)
  end)

  it("merges fields of records, with and without something there", function()
    local client = connect{ ["Page.parts"] = function(existing, incoming)
      if existing == nil or existing == appsync.null then return incoming end
      for _, part in ipairs(incoming) do existing:add(part) end
      return existing
    end }
    local PARTS = "fragment F on Page { slug lang parts { id text } }"
    local function write(id)
      assert(client:write_fragment("Page:r/en", PARTS, { slug = "r", lang = "en",
        parts = appsync.array{ { __typename = "Part", id = id, text = "text " .. id } } }))
    end
    write "1"
    write "2"
    write "1"
    local texts = {}
    for i, part in ipairs(client:read_fragment("Page:r/en", PARTS).parts) do texts[i] = part.text end
    assert.same({ "text 1", "text 2" }, texts)
    assert(client:query(pages.PAGE, { slug = "r" }))
    assert.equal(3, #client:read_fragment("Page:r/en", PARTS).parts)
  end)

  it("doesn't see what is only hoped for", function()
    local seen
    local client = connect{ ["Query.feed"] = function(existing, incoming, details)
      seen = existing and #existing
      return by_offset(existing, incoming, details)
    end }
    assert(client:query(FEED, { kind = "o", offset = 0, limit = 2 }))
    local running = appsync.spawn(function()
      return client:mutate(pages.SET, { slug = "s9", title = "nine" }, {
        optimistic_response = { setPage = pages.page("s9", "hoped") },
        update = function(cache, result)
          if not result.optimistic then return end
          cache:modify("ROOT_QUERY", "feed", function(list) list:add(result.data.setPage) end)
        end,
      })
    end)
    appsync.sleep(0)
    assert(client:write_query(FEED, { kind = "o", offset = 2 }, { feed = appsync.array{ pages.page("z", "Z") } }))
    assert(running:await(10))
    assert.equal(2, seen)
    assert.equal("s1 s2 z", feed{ kind = "o" })
  end)

  it("is asked again where what is kept has changed meanwhile", function()
    local n = 0
    local client
    client = connect{ ["Query.feed"] = function(existing, incoming)
      n = n + 1
      if n == 2 then
        assert(client:modify("ROOT_QUERY", "feed", function(list) list:add "Page:mine/en" end))
      end
      if not existing then return incoming end
      for _, page in ipairs(incoming) do existing:add(page) end
      return existing
    end }
    assert(client:write_fragment("Page:mine/en", "fragment F on Page { slug lang title }", pages.page("mine", "Mine")))
    assert(client:query(FEED, { kind = "c", offset = 0, limit = 1 }))
    assert(client:query(FEED, { kind = "c", offset = 1, limit = 1 }, { fetch_policy = "network-only" }))
    assert.equal(3, n)
    assert.equal("s1 mine s2", feed{ kind = "c" })
  end)

  it("loses nothing of answers that come at once", function()
    local client = connect{ ["Query.feed"] = by_offset }
    assert(client:query(FEED, { kind = "t", offset = 0, limit = 2 }))
    local tasks = {}
    for i = 1, 6 do
      tasks[i] = appsync.spawn(function()
        return assert(client:query(FEED, { kind = "t", offset = 2, limit = i }, { fetch_policy = "network-only" }))
      end)
    end
    for i = 1, 6 do assert(tasks[i]:await(10)) end
    assert.equal("s1 s2 s3 s4 s5 s6 s7 s8", feed{ kind = "t" })
  end)

  it("gives lists that are empty, and null", function()
    local client = connect{
      ["Query.feed"] = function() return {} end,
      ["Query.book"] = function(_, incoming) return { __typename = incoming.__typename, pages = {}, nextToken = appsync.null } end,
    }
    assert(client:query(FEED, { kind = "e", offset = 0, limit = 2 }))
    assert.equal("", feed{ kind = "e" })
    assert(client:query(BOOK, { limit = 2 }))
    assert.same({}, client:read_query(BOOK).book.pages)
    client:close(0)
    client = connect{ ["Query.feed"] = function() return appsync.null end }
    assert(client:query(FEED, { kind = "e", offset = 0, limit = 2 }))
    assert.equal(appsync.null, client:read_query(ALL, { kind = "e" }).feed)
    assert.same({}, pages.logged)
  end)

  local WRONG = {
    { "raises", function() error("oh no", 0) end, "raised: oh no" },
    { "returns nothing", function() end, "must return the merged value, and returned nothing" },
    { "returns a function", function() return print end, "returned what no field can have: the result: a function can't be JSON" },
    { "returns a key for a reference", function(_, incoming) return { "Page:x", incoming[1] } end, "raised: " },
    { "waits", function() appsync.sleep(0.001) end, "raised: spec/e2e/field_merge_spec.lua:" },
    { "closes the client", function() pages.client:close() end, "raised: spec/e2e/field_merge_spec.lua:" },
  }
  for _, row in ipairs(WRONG) do
    it(("that %s is told once, and what comes replaces what was there"):format(row[1]), function()
      local client = connect{ ["Query.feed"] = row[2] }
      assert(client:query(FEED, { kind = "f", offset = 0, limit = 2 }))
      assert(client:query(FEED, { kind = "f", offset = 5, limit = 2 }, { fetch_policy = "network-only" }))
      assert.equal("s6 s7", feed{ kind = "f" })
      assert(client:write_query(FEED, { kind = "f", offset = 0 }, { feed = appsync.array{ pages.page("w", "W") } }))
      assert.equal("w", feed{ kind = "f" })
      assert.equal(1, #pages.logged)
      assert.is_truthy(pages.logged[1]:find("error: cache.merge.Query.feed " .. row[3], 1, true), pages.logged[1])
    end)
  end

  it("leaves nothing waiting when the client closes", function()
    local client = connect{ ["Query.feed"] = by_offset }
    local asking = appsync.spawn(function() return client:query(FEED, { kind = "z", offset = 0, limit = 200 }) end)
    appsync.sleep(0)
    assert(client:close(0))
    local _, err = asking:await(10)
    assert.is_true(err == nil or err.kind == "closed")
  end)
end)
