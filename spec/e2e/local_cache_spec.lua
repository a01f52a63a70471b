-- What an application writes into its cache by itself, and reads there at once.
local appsync = require "appsync"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = [[
type Post @model { id: ID! title: String! likes: Int tags: [String!] comments: [Comment] @hasMany }
type Comment @model { id: ID! text: String! }
]]
local POST = "fragment PostFields on Post { id title likes }"
local LIST = "query L($limit: Int) { listPosts(limit: $limit) { items { id title } nextToken } }"
local ALL = "{ all { id title } first { id } }"

describe("a client's cache", function()
  local running, made, client, n_files

  local function open(options)
    n_files = n_files + 1
    options = options or {}
    options.endpoint, options.auth = running.endpoint, { type = "API_KEY", api_key = server.API_KEY }
    options.store = options.store or ("%s/%d.db"):format(made.path, n_files)
    client = assert(appsync.client(options))
    return client, options.store
  end

  setup(function()
    n_files = 0
    running = server.start{ schema = SCHEMA }
    made = folder.make()
  end)
  teardown(function()
    process.stop_all()
    made.remove()
  end)
  before_each(function() open() end)
  after_each(function() client:close() end)

  local function post(id, title) return { id = id, title = title, __typename = "Post" } end

  local function write_all(...)
    assert(client:write_query(ALL, nil, { all = appsync.array{ ... }, first = appsync.null }))
  end

  local function titles(items)
    local list = {}
    for i, item in ipairs(items) do list[i] = item.title end
    return table.concat(list, " ")
  end

  -- A client that is opened next finds what the core has committed; the answer says that the store is open again.
  local function reopen(options)
    client:close()
    options = options or {}
    options.store = ("%s/%d.db"):format(made.path, n_files)
    n_files = n_files - 1
    open(options)
    client:read_query("{ a }")
    assert(client:query("{ __typename }", nil, { fetch_policy = "no-cache" }))
  end

  describe("write_query", function()
    it("is read at once, by other operations too, and in the next process", function()
      assert.is_true(client:write_query(ALL, nil, {
        all = appsync.array{ post("1", "a"), post("2", "b") }, first = { id = "1", __typename = "Post" },
      }))
      assert.same({ first = { title = "a", __typename = "Post" } }, client:read_query("{ first { title } }"))
      assert.is_true(client:write_query{
        query = "query Q($n: Int) { top(n: $n) { id title } }", variables = { n = 2 }, data = { top = post("2", "new") },
      })
      local function check()
        assert.equal("a new", titles(client:read_query("{ all { title } }").all))
        assert.equal("new", client:read_query("query Q($n: Int) { top(n: $n) { title } }", { n = 2 }).top.title)
        local data, rest = client:read_query("{ all { likes } }")
        assert.is_nil(data)
        assert.same({ partial = true, missing = { "all.0.likes", "all.1.likes" },
          data = { all = { { __typename = "Post" }, { __typename = "Post" } } } }, rest)
      end
      check()
      reopen()
      check()
    end)

    it("gives the caller what is read, to keep", function()
      write_all(post("1", "a"))
      local data = client:read_query("{ all { id title } }")
      data.all[1].title = "changed"
      data.all[2] = "more"
      assert.equal("a", titles(client:read_query("{ all { title } }").all))
    end)

    it("takes what was read", function()
      write_all(post("1", "a"))
      local data = client:read_query(ALL)
      data.all[1].title = "b"
      assert.is_true(client:write_query(ALL, nil, data))
      assert.equal("b", titles(client:read_query(ALL).all))
    end)

    it("refuses data of another shape, with the path", function()
      local function refusal(data, text) assert.error_matches(function() client:write_query(ALL, nil, data) end, text, 1, true) end
      refusal({ all = appsync.array{ { id = "1", __typename = "Post" } }, first = appsync.null },
        "client:write_query: data.all[1].title: the field is selected and missing; appsync.null stands for no value")
      refusal({ all = appsync.array{ { id = "1", title = "a" } }, first = appsync.null },
        "client:write_query: data.all[1]: it has an id but no __typename, which tells the record that it is")
      refusal({ all = 7, first = appsync.null }, "client:write_query: data.all: fields of it are selected, so it must be an object, "
        .. "a list of them or appsync.null, got a number")
      refusal({ all = {}, first = appsync.null }, "client:write_query: data.all: an empty table is an object (appsync.array{} is an "
        .. "empty list) and lacks the field id")
      refusal({ all = appsync.array{}, first = print }, "client:write_query: data.first: a function can't be JSON")
      refusal({ all = appsync.array{} }, "client:write_query: data.first: the field is selected and missing")
      refusal(nil, "client:write_query: data must be a table, got nothing")
      assert.error_matches(function() client:write_query("mutation M { a }", nil, { a = 1 }) end, "is a mutation; use client:mutate")
      assert.is_nil((client:read_query(ALL)))
    end)
  end)

  describe("fragments", function()
    it("are written and read at a record, whatever its key is given as", function()
      assert.is_true(client:write_fragment("Post:1", POST, { id = "1", title = "a", likes = 1 }))
      assert.is_true(client:write_fragment({ __typename = "Post", id = 2 }, POST, { id = "2", title = "b", likes = 2 }))
      assert.is_true(client:write_fragment({ __ref = "Post:1" }, "fragment F on Post { likes }", { likes = 5 }))
      assert.same({ id = "1", title = "a", likes = 5, __typename = "Post" }, client:read_fragment("Post:1", POST))
      assert.same({ title = "b", __typename = "Post" }, client:read_fragment({ __typename = "Post", id = "2", title = "x" },
        appsync.gql "fragment F on Post { title }"))
      local data, rest = client:read_fragment("Post:1", "fragment F on Post { title tags }")
      assert.is_nil(data)
      assert.same({ partial = true, missing = { "tags" }, data = { title = "a", __typename = "Post" } }, rest)
      assert.is_nil((client:read_fragment("Post:9", POST)))
      reopen()
      assert.equal(5, client:read_fragment("Post:1", POST).likes)
    end)

    it("may include others, and have variables", function()
      local text = [[
        fragment Whole on Post { ...Head score(of: $user) }
        fragment Head on Post { id title }
      ]]
      assert.is_true(client:write_fragment("Post:1", text, { id = "1", title = "a", score = 7 }, { user = "ann" }))
      assert.equal(7, client:read_fragment("Post:1", text, { user = "ann" }).score)
      assert.is_nil((client:read_fragment("Post:1", text, { user = "ben" })))
      assert.equal(7, client:read_fragment("Post:1", 'fragment F on Post { s: score(of: "ann") }').s)
    end)

    it("can be of the root", function()
      assert.is_true(client:write_fragment("ROOT_QUERY", "fragment F on Query { hello }", { hello = "world" }))
      assert.same({ hello = "world" }, client:read_query("{ hello }"))
      assert.equal("world", client:read_fragment("ROOT_QUERY", "fragment F on Query { hello }").hello)
    end)

    it("are refused when they aren't one", function()
      local function refusal(text, ...)
        local args = { n = select("#", ...), ... }
        assert.error_matches(function() client:read_fragment((table.unpack or unpack)(args, 1, args.n)) end, text, 1, true) -- luacheck: ignore
      end
      refusal("client:read_fragment: the document must be a fragment, with the fragments that it includes; this one has an operation",
        "Post:1", "{ a }")
      refusal("client:read_fragment: the document must be one fragment, with the fragments that it includes; it has several: A, B",
        "Post:1", "fragment A on Post { a } fragment B on Post { b }")
      refusal("client:read_fragment: the fragment must be text or what appsync.gql returns, got nothing", "Post:1")
      refusal('client:read_fragment: the key must be text such as "Todo:1", or a table with __typename and the fields that identify '
        .. "it, got a table that has no identity", { id = 1 }, POST)
      refusal("got number 7", 7, POST)
      refusal("got nothing", nil, POST)
      refusal("client:read_fragment: variables must be a table, got number 7", "Post:1", POST, 7)
    end)
  end)

  describe("modify", function()
    before_each(function()
      assert(client:write_fragment("Post:1", "fragment F on Post { id title likes tags author { id } at { x y } }", {
        id = "1", title = "a", likes = 1, tags = appsync.array{ "x" }, author = { id = "u", __typename = "User" },
        at = { x = 1, y = 2 },
      }))
      assert(client:write_query("query Q($n: Int) { listPosts(n: $n) { items { id title } nextToken } all { id title } first { id } }",
        { n = 1 }, {
          listPosts = { items = appsync.array{ post("1", "a"), post("2", "b") }, nextToken = "t" },
          all = appsync.array{ post("1", "a"), post("2", "b") }, first = post("1", "a"),
        }))
    end)

    local function all() return titles(client:read_query("{ all { title } }").all) end

    it("gives a field's value and sets what comes back", function()
      assert.is_true(client:modify("Post:1", "likes", function(likes, details)
        assert.equal("Post:1", details.key)
        assert.equal("likes", details.field)
        return likes + 1
      end))
      assert.equal(2, client:read_fragment("Post:1", POST).likes)
      assert.is_true(client:modify({ __typename = "Post", id = 1 }, "tags", function(tags)
        assert.same({ "x" }, tags)
        return appsync.array{ "x", "y" }
      end))
      assert.same({ "x", "y" }, client:read_fragment("Post:1", "fragment F on Post { tags }").tags)
      assert.is_true(client:modify("Post:1", "title", function() return appsync.null end))
      assert.equal(appsync.null, client:read_fragment("Post:1", POST).title)
      assert.is_true(client:modify("Post:1", "title", function() end))
      assert.equal(appsync.null, client:read_fragment("Post:1", POST).title)
    end)

    it("isn't called for what isn't there", function()
      assert.is_false(client:modify("Post:9", "title", error))
      assert.is_false(client:modify("Post:1", "nothing", error))
    end)

    it("gives references, and takes them or records for them", function()
      local fragment = "fragment F on Post { author { id } }"
      client:modify("Post:1", "author", function(author)
        assert.same({ __ref = "User:u" }, author)
        return { __ref = "User:v" }
      end)
      assert.is_nil((client:read_fragment("Post:1", fragment)))
      client:write_fragment("User:v", "fragment F on User { id }", { id = "v" })
      assert.equal("v", client:read_fragment("Post:1", fragment).author.id)
      client:modify("Post:1", "author", function() return { __typename = "User", id = "u", name = "only the reference is kept" } end)
      assert.equal("u", client:read_fragment("Post:1", fragment).author.id)
      assert.is_nil((client:read_fragment("User:u", "fragment F on User { name }")))
    end)

    it("gives lists of records with add, remove and contains", function()
      client:write_fragment("Post:3", POST, { id = "3", title = "c", likes = 0 })
      client:write_fragment("Post:4", POST, { id = "4", title = "d", likes = 0 })
      client:modify("ROOT_QUERY", "all", function(list)
        assert.equal(2, #list)
        assert.same({ __ref = "Post:1" }, list[1])
        assert.is_true(list:contains("Post:2"))
        assert.is_false(list:contains{ __ref = "Post:3" })
        assert.is_true(list:add("Post:3", "start"))
        assert.is_false(list:add("Post:3"))
        assert.is_true(list:add({ __typename = "Post", id = 4 }, 3))
        assert.is_true(list:remove(list[4]))
        assert.is_false(list:remove("Post:9"))
      end)
      assert.equal("c a d", all())
      reopen()
      assert.equal("c a d", all())
    end)

    it("takes lists that were changed in any way", function()
      client:write_fragment("Post:3", POST, { id = "3", title = "c", likes = 0 })
      client:modify("ROOT_QUERY", "all", function(list)
        list[#list + 1] = { __ref = "Post:3" }
        table.remove(list, 1)
        return list
      end)
      assert.equal("b c", all())
      client:modify("ROOT_QUERY", "all", function(list) list[1], list[2] = list[2], list[1] end)
      assert.equal("c b", all())
      client:modify("ROOT_QUERY", "all", function(list) return appsync.array{ post("1"), appsync.null, list[2] } end)
      local items = client:read_query("{ all { title } }").all
      assert.same({ "a", appsync.null, "b" }, { items[1].title, items[2], items[3].title })
      client:modify("ROOT_QUERY", "all", function(list)
        assert.equal(appsync.null, list[2])
        table.remove(list, 2)
        list:add("Post:3")
      end)
      assert.equal("a b c", all())
      client:modify("ROOT_QUERY", "all", function() return appsync.array{} end)
      assert.equal("", all())
    end)

    it("gives connections as tables whose items are such a list", function()
      client:write_fragment("Post:3", POST, { id = "3", title = "c", likes = 0 })
      local function list() return client:read_query("{ listPosts(n: 1) { items { title } nextToken } }").listPosts end
      client:modify("ROOT_QUERY", 'listPosts({"n":1})', function(connection)
        assert.equal("t", connection.nextToken)
        connection.items:add("Post:3", "start")
        connection.nextToken = "not returned"
      end)
      assert.equal("c a b", titles(list().items))
      assert.equal("t", list().nextToken)
      client:modify("ROOT_QUERY", "listPosts", function(connection, details)
        assert.equal('listPosts({"n":1})', details.field)
        connection.items:remove("Post:1")
        connection.nextToken = appsync.null
        return connection
      end)
      assert.equal("c b", titles(list().items))
      assert.equal(appsync.null, list().nextToken)
    end)

    it("means all that have a name, or one with its arguments", function()
      assert(client:write_query('{ s(n: 1) t: s(n: 2) u: s }', nil, { s = 1, t = 2, u = 3 }))
      local called = {}
      client:modify("ROOT_QUERY", "s", function(value, details)
        called[#called + 1] = details.field
        return value * 10
      end)
      table.sort(called)
      assert.same({ "s", 's({"n":1})', 's({"n":2})' }, called)
      client:modify("ROOT_QUERY", 's({"n":2})', function(value) return value + 1 end)
      assert.same({ s = 10, t = 21, u = 30 }, client:read_query('{ s(n: 1) t: s(n: 2) u: s }'))
      client:modify("ROOT_QUERY", "s", function(_, details) return details.field == "s" and details.DELETE or nil end)
      local _, rest = client:read_query('{ s(n: 1) t: s(n: 2) u: s }')
      assert.same({ "u" }, rest.missing)
    end)

    it("replaces embedded objects as a whole", function()
      local fragment = "fragment F on Post { at { x y } }"
      client:modify("Post:1", "at", function(at) return { x = at.x + 1, y = at.y } end)
      assert.same({ x = 2, y = 2 }, client:read_fragment("Post:1", fragment).at)
      client:modify("Post:1", "at", function(at) at.y = nil return at end)
      local _, rest = client:read_fragment("Post:1", fragment)
      assert.same({ "at.y" }, rest.missing)
    end)

    it("does nothing where the function raises, which its caller hears of", function()
      local ok, err = pcall(client.modify, client, "ROOT_QUERY", "all", function(list)
        list:remove("Post:1")
        error("no", 0)
      end)
      assert.is_false(ok)
      assert.equal("no", err)
      assert.equal("a b", all())
      assert.error_matches(function()
        client:modify("Post:1", "likes", function() appsync.sleep(0) end)
      end, "a call that waits isn't possible in a function that computes (client:modify)", 1, true)
      appsync.sleep(0)
      local co = coroutine.create(function() client:modify("Post:1", "likes", function() coroutine.yield() end) end)
      ok, err = coroutine.resume(co)
      assert.is_false(ok) -- else the rest of the program would run within the function
      assert.matches("client:modify: it yielded; a function that computes can't be suspended", err, 1, true)
      appsync.sleep(0)
      assert.error_matches(function() client:modify("Post:1", "likes", function() return print end) end,
        "client:modify: value: a function can't be JSON", 1, true)
      assert.error_matches(function() client:modify("Post:1", "likes", function() return { a = { print } } end) end,
        "client:modify: value.a[1]: a function can't be JSON", 1, true)
      assert.error_matches(function()
        client:modify("ROOT_QUERY", "all", function(list) list:add({ id = 1 }) end)
      end, 'client:modify: add: the record must be text such as "Todo:1", or a table with __typename', 1, true)
      assert.error_matches(function()
        client:modify("ROOT_QUERY", "all", function(list) list:add("Post:3", "middle") end)
      end, 'add: the place must be "start", "end" or a number from 1, got "middle"', 1, true)
      assert.error_matches(function() client:modify("ROOT_QUERY", "all", function(list) list[1] = "Post:3" end) end,
        'client:modify: a list of records has "Post:3" in it; list:add(key) adds a reference', 1, true)
      assert.error_matches(function()
        client:modify("ROOT_QUERY", "all", function(list) return { list[1], "Post:3" } end)
      end, 'client:modify: a list of records has "Post:3" in it; {__ref = key} is a reference', 1, true)
      assert.error_matches(function() client:modify("ROOT_QUERY", "all", function(list) list.x = 1 end) end,
        'client:modify: a list of records has "x" as a key', 1, true)
      assert.error_matches(function() client:modify("ROOT_QUERY", "all", function(list) list[9] = list[1] end) end,
        "client:modify: a list of records has holes", 1, true)
      assert.error_matches(function() client:modify("Post:1", "likes") end, "client:modify: fn must be a function, got nothing", 1, true)
      assert.error_matches(function() client:modify("Post:1", 5, print) end, "client:modify: field must be a name, got number 5", 1, true)
      assert.equal("a b", all())
    end)
  end)

  it("evicts records and fields", function()
    write_all(post("1", "a"), post("2", "b"))
    assert.is_true(client:evict("Post:1"))
    assert.equal("b", titles(client:read_query("{ all { title } }").all))
    assert.is_true(client:evict({ __typename = "Post", id = "2" }, "title"))
    assert.is_nil((client:read_query("{ all { title } }")))
    assert.is_true(client:evict("ROOT_QUERY", "all"))
    assert.is_true(client:evict("Post:nothing"))
    reopen()
    assert.is_nil((client:read_query("{ all { id } }")))
    assert.error_matches(function() client:evict("ROOT_QUERY", 7) end, "client:evict: field must be a name, got number 7", 1, true)
  end)

  it("tells the key of a record", function()
    client:close()
    open{ keys = { Book = { "isbn" }, Seat = { "row", "place.id" }, Style = {} } }
    assert.equal("Post:1", client:identify{ __typename = "Post", id = "1" })
    assert.equal("Post:1", client:identify{ __typename = "Post", id = 1 })
    assert.equal("Post:x", client:identify{ __typename = "Post", _id = "x" })
    assert.equal("Book:5", client:identify{ __typename = "Book", isbn = "5", id = 9 })
    assert.equal('Seat:{"row":2,"place.id":"p"}', client:identify{ __typename = "Seat", row = 2, place = { id = "p" } })
    assert.equal("Post:9", client:identify{ __ref = "Post:9" })
    assert.is_nil(client:identify{ __typename = "Style", id = 1 })
    assert.is_nil(client:identify{ __typename = "Seat", row = 2, place = 7 })
    assert.is_nil(client:identify{ id = 1 })
    assert.is_nil(client:identify{ __typename = "Post", id = appsync.null })
    assert.error_matches(function() client:identify("Post:1") end, "client:identify: object must be a table", 1, true)
  end)

  it("goes with what the network brings", function()
    assert(client:mutate('mutation M { createPost(input: { id: "n1", title: "theirs" }) { id } }'))
    assert(client:query(LIST))
    client:modify("Post:n1", "title", function() return "own" end)
    client:modify("ROOT_QUERY", "listPosts", function(connection) connection.items:add("Post:n2") end)
    client:write_fragment("Post:n2", "fragment F on Post { id title }", { id = "n2", title = "second" })
    local data, _, info = client:query(LIST)
    assert.equal("cache", info.source)
    assert.equal("own second", titles(data.listPosts.items))
    data = assert(client:query(LIST, nil, { fetch_policy = "network-only" }))
    assert.equal("theirs", titles(data.listPosts.items))
    assert.equal("theirs", titles(client:read_query(LIST).listPosts.items))
    assert.equal("second", client:read_fragment("Post:n2", "fragment F on Post { title }").title)
  end)

  it("is one for each identity", function()
    local ann, ben = client:with{ identity = "ann" }, client:with{ identity = "ben" }
    ann:write_fragment("Post:1", POST, { id = "1", title = "ann's", likes = 1 })
    assert.equal("ann's", client:with{ identity = "ann" }:read_fragment("Post:1", POST).title)
    for _, other in ipairs{ ben, client } do assert.is_nil((other:read_fragment("Post:1", POST))) end
    assert.error_matches(function() client:with{}:evict("Post:1") end, "client:evict: a client made by client:with has a cache only with an identity", 1, true)
  end)

  it("isn't there for a client without a store, nor for one that is closed", function()
    local without = appsync.client{ endpoint = running.endpoint, store = false }
    for _, name in ipairs{ "read_query", "write_query", "read_fragment", "write_fragment", "modify", "evict", "identify" } do
      assert.error_matches(function() without[name](without, "Post:1", POST, {}) end,
        ("client:%s: this client was made with store = false and keeps nothing"):format(name), 1, true)
      assert.error_matches(function() client[name]("Post:1") end, ("client:%s: call it with a colon"):format(name), 1, true)
    end
    client:close()
    assert.equal("closed", select(2, client:read_query(ALL)).kind)
    assert.equal("closed", select(2, client:write_fragment("Post:1", POST, {})).kind)
  end)

  it("keeps what a program has written that ends right after it", function()
    for i, ending in ipairs{ "", "os.exit(0)", "client:close(0)" } do
      local path = ("%s/ends%d.db"):format(made.path, i)
      local script = process.file(([[
        local appsync = require "appsync"
        local client = appsync.client{ endpoint = "http://localhost:1/graphql", store = %q }
        assert(client:write_fragment("Post:1", "fragment F on Post { title }", { title = "written" }))
        %s
      ]]):format(path, ending), ".lua")
      local pipe = assert(io.popen(("%s %s 2>&1"):format(os.getenv "APPSYNC_LUA", script)))
      assert.equal("", pipe:read "*a")
      pipe:close()
      client:close()
      open{ store = path }
      client:read_query("{ a }")
      assert(client:query("{ __typename }", nil, { fetch_policy = "no-cache" }))
      assert.equal("written", (client:read_fragment("Post:1", "fragment F on Post { title }") or {}).title, ending)
    end
  end)

  it("writes much in one go, and reads it meanwhile", function()
    local n = 2000
    for i = 1, n do assert(client:write_fragment("Post:" .. i, POST, { id = tostring(i), title = "t" .. i, likes = i })) end
    local items = {}
    for i = 1, n do items[i] = post(tostring(i), "t" .. i) end
    assert(client:write_query(ALL, nil, { all = items, first = appsync.null }))
    for i = 1, n, 97 do
      client:modify("ROOT_QUERY", "all", function(list) list:remove("Post:" .. i) end)
      assert.equal(i, client:read_fragment("Post:" .. i, POST).likes)
    end
    local left = #client:read_query("{ all { id } }").all
    assert.equal(n - math.floor((n - 1) / 97) - 1, left)
    reopen()
    assert.equal(left, #client:read_query("{ all { id } }").all)
    assert.equal(0, client:stats().store_failures)
  end)
end)
