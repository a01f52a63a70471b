-- client:modify and merge functions with what an application keeps as data, such as AWSJSON, whatever that looks like.
local appsync = require "appsync"
local unpack = table.unpack or unpack -- luacheck: ignore 113
local record = { __typename = "Post", id = "1", title = "a" }

describe("client:modify", function()
  local client

  local function open(options)
    options = options or {}
    options.endpoint, options.auth, options.store = "http://127.0.0.1:1/graphql", { type = "NONE" }, ":memory:"
    client = assert(appsync.client(options))
    assert(client:write_query("{ one { id title } at { x y } }", nil, { one = record, at = { x = 1, y = appsync.null } }))
  end

  after_each(function() client:close(0) end)

  local LOOKALIKES = {
    { __ref = "Post:1" }, { __ref = "Post:1", more = { __ref = "Post:2" } }, { __ref = 5 }, { __typename = "Post", id = "1" },
    { of = { __ref = "Post:1" } }, appsync.array{ { __ref = "Post:1" } }, { list = appsync.array{ { __typename = "Post", id = "1" } } },
    { __list = appsync.array{ 1 } }, { __list = 1, __json = 2 }, { __json = {} }, { __edits = { { "-", "a" } } }, { __fields = { a = 1 } },
  }

  local function read() return client:read_query("{ data }").data end

  it("gives back data that looks like a reference, a record or anything else as the data that it is", function()
    for _, data in ipairs(LOOKALIKES) do
      open()
      local text = appsync.encode(data)
      assert(client:write_query("{ data }", nil, { data = data }))
      client:modify("ROOT_QUERY", "data", function(shown)
        assert.same(data, shown)
        return shown
      end)
      assert.same(data, read(), text)
      client:modify("ROOT_QUERY", "data", function(shown) return appsync.copy(shown) end)
      assert.same(data, read(), text)
      client:modify("ROOT_QUERY", "data", function(shown)
        shown.added = data[1] == nil and 1 or nil
        return shown
      end)
      local expected = appsync.copy(data)
      expected.added = data[1] == nil and 1 or nil
      assert.same(expected, read(), text)
      assert.equal("a", client:read_query("{ one { title } }").one.title)
      client:close(0)
    end
    open()
  end)

  it("gives back such data in an embedded object beside references", function()
    open()
    local document = "{ box { name data post { id title } } }"
    for _, data in ipairs(LOOKALIKES) do
      assert(client:write_query(document, nil, { box = { __typename = "Box", name = "b", data = data, post = record } }))
      client:modify("ROOT_QUERY", "box", function(box)
        assert.same({ __ref = "Post:1" }, box.post)
        box.name = "other"
        return box
      end)
      local box = client:read_query(document).box
      assert.same({ "other", data, "a" }, { box.name, box.data, box.post.title })
      client:modify("ROOT_QUERY", "box", function(given)
        return { __typename = "Box", name = "new", data = appsync.copy(given.data), post = { __ref = "Post:1" } }
      end)
      box = client:read_query(document).box
      assert.same({ "new", data, "a" }, { box.name, box.data, box.post.title })
    end
  end)

  it("takes for data what the function puts into data", function()
    open()
    local document = "{ data box { data } }"
    for _, data in ipairs{ { a = 1 }, { list = appsync.array{ 1, "a" } }, appsync.array{ { a = 1 } }, appsync.array{ "a" }, { inner = record } } do
      for _, added in ipairs{ { __ref = "Post:1" }, { __ref = 5 }, record, appsync.array{ { __ref = "Post:1" } }, { __list = 1 } } do
        local function add(to)
          local at = to.list or to.inner or to
          at[at[1] ~= nil and #at + 1 or "added"] = appsync.copy(added)
          return to
        end
        local expected = add(appsync.copy(data))
        assert(client:write_query(document, nil, { data = data, box = { data = data } }))
        client:modify("ROOT_QUERY", "data", add)
        client:modify("ROOT_QUERY", "box", function(box)
          add(box.data)
          return box
        end)
        local now = client:read_query(document)
        assert.same({ expected, expected }, { now.data, now.box.data }, appsync.encode(expected))
      end
    end
  end)

  it("takes data that gets a __typename for data", function()
    open()
    assert(client:write_query("{ data box { data } }", nil, { data = { a = 1 }, box = { data = { a = 1 } } }))
    client:modify("ROOT_QUERY", "data", function(data)
      data.__typename = "Post"
      return data
    end)
    client:modify("ROOT_QUERY", "box", function(box) return { data = { a = box.data.a, __typename = "Post" } } end)
    local expected = { a = 1, __typename = "Post" }
    assert.same({ data = expected, box = { data = expected } }, client:read_query("{ data box { data } }"))
  end)

  it("tells data from references in each item of a list of objects", function()
    open()
    local document = "{ boxes { data post { title } ... on Other { data { title } } } }"
    assert(client:write_query("{ boxes { data } }", nil, { boxes = appsync.array{ { data = { __ref = "Post:1" } }, { data = appsync.null } } }))
    client:modify("ROOT_QUERY", "boxes", function(boxes)
      return appsync.array{ { data = { __ref = boxes[1].data.__ref } }, { data = appsync.null, post = { __ref = "Post:1" } } }
    end)
    local boxes = client:read_query("{ boxes { data } }").boxes
    assert.same({ { __ref = "Post:1" }, appsync.null }, { boxes[1].data, boxes[2].data })
    assert(client:write_query(document, nil, { boxes = appsync.array{
      { __typename = "Box", data = { __ref = "Post:9" }, post = appsync.null }, { __typename = "Other", data = record, post = appsync.null },
    } }))
    client:modify("ROOT_QUERY", "boxes", function(all)
      all[1], all[2] = { __typename = "Box", data = { __ref = "Post:9" }, post = { __ref = "Post:1" } },
        { __typename = "Other", data = all[2].data, post = { __ref = "Post:1" } }
      return all
    end)
    boxes = client:read_query(document).boxes
    assert.same({ { __ref = "Post:9" }, "a", "a" }, { boxes[1].data, boxes[1].post.title, boxes[2].data.title })
  end)

  it("tells references in a list from data in the same field of an object of another type", function()
    open{ cache = { possible_types = { Some = { "Page", "Draft" } }, merge = { ["Query.some"] = function(_, incoming) return incoming end } } }
    local document = "{ some { ... on Page { posts { id title } } ... on Draft { raw: posts } } }"
    local some = appsync.array{
      { __typename = "Page", posts = appsync.array{ record } }, { __typename = "Draft", raw = appsync.array{ { __typename = "Post", id = "1" } } },
    }
    local function check()
      local now = client:read_query(document).some
      assert.same({ "a", nil }, { now[1].posts[1].title, now[1].posts[2] })
      assert.same({ { __typename = "Post", id = "1" } }, now[2].raw)
    end
    assert(client:write_query(document, nil, { some = some }))
    check()
    client:modify("ROOT_QUERY", "some", function(all)
      return appsync.array{ { __typename = "Page", posts = appsync.array{ all[1].posts[1] } }, all[2] }
    end)
    check()
    client:modify("ROOT_QUERY", "some", function(all)
      local posts = all[1].posts
      posts[1] = { __ref = "Post:1" }
      return appsync.array{ { __typename = "Other", posts = posts }, all[2], { __typename = "Page", posts = posts } }
    end)
    local now = client:read_query("{ some { ... on Other { posts { title } } ... on Page { posts { title } } } }").some
    assert.same({ "a", "a" }, { now[1].posts[1].title, now[3].posts[1].title })
  end)

  it("keeps the lists in a list of embedded objects with their objects, wherever these go", function()
    open()
    local document = "{ boxes { n posts { id } } }"
    local function posts(text)
      local list = appsync.array{}
      for id in text:gmatch "%d" do list[#list + 1] = { __typename = "Post", id = id } end
      return list
    end
    local function read_boxes()
      local texts = {}
      for i, box in ipairs(client:read_query(document).boxes) do
        texts[i] = box.n .. ":"
        for _, post in ipairs(box.posts) do texts[i] = texts[i] .. post.id end
      end
      return table.concat(texts, " ")
    end
    local CHANGES = {
      ["2:3 1:12"] = function(boxes) boxes[1], boxes[2] = boxes[2], boxes[1] end,
      ["2:3"] = function(boxes) table.remove(boxes, 1) end,
      ["1:12 2:3 3:12"] = function(boxes) boxes[3] = { n = 3, posts = boxes[1].posts } end,
      ["1:3 2:3"] = function(boxes) boxes[1].posts = boxes[2].posts end,
      ["1:123 2:3"] = function(boxes) boxes[1].posts:add{ __ref = "Post:3" } end,
      ["1:2 2:3"] = function(boxes) boxes[1].posts:remove{ __ref = "Post:1" } end,
    }
    for expected, change in pairs(CHANGES) do
      for _, returns in ipairs{ "nothing", "the list", "a new list" } do
        local boxes = appsync.array{ { n = 1, posts = posts "12" }, { n = 2, posts = posts "3" } }
        assert(client:write_query(document, nil, { boxes = boxes }))
        client:modify("ROOT_QUERY", "boxes", function(all)
          change(all)
          return returns == "the list" and all or returns == "a new list" and appsync.array{ unpack(all) } or nil
        end)
        assert.equal(expected, read_boxes(), returns)
      end
    end
  end)

  it("takes a list that was another field's for what is in it", function()
    open()
    local one, two = appsync.array{ { id = "1", __typename = "Post" } }, appsync.array{ { id = "2", __typename = "Post" } }
    local document = "{ box { a { id } b { id } } c { id } d { id } }"
    assert(client:write_query(document, nil, { box = { a = one, b = two }, c = one, d = two }))
    client:modify("ROOT_QUERY", "box", function(box) box.a, box.b = box.b, box.a end)
    local kept
    client:modify("ROOT_QUERY", "c", function(list) kept = list end)
    client:modify("ROOT_QUERY", "d", function() return kept end)
    local data = client:read_query(document)
    assert.same({ "2", "1", "1", "1" }, { data.box.a[1].id, data.box.b[1].id, data.c[1].id, data.d[1].id })
  end)

  it("takes a reference that the function makes for one, also where data was that doesn't look like any", function()
    open()
    assert(client:write_query("{ list }", nil, { list = appsync.array{} }))
    client:modify("ROOT_QUERY", "list", function() return appsync.array{ { __ref = "Post:1" } } end)
    assert.equal("a", client:read_query("{ list { title } }").list[1].title)
  end)

  it("refuses fields of an embedded object whose names are GraphQL's own, and says which", function()
    open()
    for _, name in ipairs{ "__list", "__json", "__edits", "__fields", "__own" } do
      for _, value in ipairs{ 1, appsync.array{ 1 }, { a = 1 }, appsync.array{ { __ref = "Post:1" } } } do
        for _, rest in ipairs{ {}, { x = 1 }, { post = { __ref = "Post:1" } }, { __typename = "At" } } do
          local given = appsync.copy(rest)
          given[name] = value
          local ok, raised = pcall(client.modify, client, "ROOT_QUERY", "at", function() return given end)
          assert.is_false(ok)
          assert.matches("^%S*modify_data_spec.lua:%d+: client:modify: an embedded object has a field \"" .. name
            .. "\": names that begin with two underscores are GraphQL's own, and of these only __typename is accepted$", raised)
        end
      end
    end
    assert.same({ x = 1, y = appsync.null }, client:read_query("{ at { x y } }").at)
  end)

  it("shows an object of which a document has asked for such a name all the same", function()
    open()
    assert(client:write_query("{ odd { __list __json x } }", nil, { odd = { __list = 1, __json = { 1 }, x = 2 } }))
    client:modify("ROOT_QUERY", "odd", function(odd)
      assert.same({ 1, { 1 }, 2 }, { odd.__list, odd.__json, odd.x })
      return { x = 3 }
    end)
    assert.equal(3, client:read_query("{ odd { x } }").odd.x)
  end)

  it("keeps such data of a merge function, and what comes where it returns such a name", function()
    local log = {}
    open{
      cache = { merge = {
        ["Query.data"] = function(_, incoming) return incoming end,
        ["Query.box"] = function() return { __list = 1, name = "b" } end,
      } },
      log = function(_, message) log[#log + 1] = message end,
    }
    for _ = 1, 2 do
      for _, data in ipairs(LOOKALIKES) do
        assert(client:write_query("{ data }", nil, { data = data }))
        assert.same(data, read())
      end
    end
    assert.same({}, log)
    for _, name in ipairs{ "first", "second" } do
      assert(client:write_query("{ box { name } }", nil, { box = { name = name } }))
      assert.equal(name, client:read_query("{ box { name } }").box.name)
    end
    assert.equal(1, #log)
    assert.matches("cache.merge.Query.box raised: .*an embedded object has a field \"__list\"", log[1])
  end)
end)
