-- client:modify and merge functions with what an application keeps as data, such as AWSJSON, whatever that looks like.
local appsync = require "appsync"
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
