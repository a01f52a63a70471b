-- What is read of a cache again and again: values as the service would have sent them, whatever was read before.
local appsync = require "appsync"

local VALUES = [==[{"all":[
  {"id":"1","__typename":"T","int":7,"big":9007199254740993,"half":0.5,"whole":3.0,
   "minus":-0.0,"exact":1.10000000000000008882,"yes":true,"no":false,"none":null,"text":"a\"\\\n\u00e4\ud83d\ude00\u0000b",
   "empty":"","long":"LONG","json":{"a":[1,{"b":[]},null,{}],"c":"x"},"list":[[1,2],[],["y",null]],"few":[]},
  {"id":"2","__typename":"T","int":-9223372036854775808,"big":9223372036854775807,"half":1e-7,"whole":1e17,
   "minus":1,"exact":0.1,"yes":null,"no":null,"none":[],"text":"","empty":"\ud800","long":null,"json":[{}],"list":null,"few":[1]}
]}]==]

local FIELDS = "id int big half whole minus exact yes no none text empty long json list few"
local ALL = "{ all { " .. FIELDS .. " __typename } }"
local ONE = "query One($id: ID, $tags: [String], $more: Boolean) { one(id: $id, tags: $tags) { id __typename int @include(if: $more) } }"

describe("a reading", function()
  local client

  local function open(options)
    options = options or {}
    options.endpoint, options.auth = "http://127.0.0.1:9/graphql", { type = "API_KEY", api_key = "k" }
    options.store = ":memory:"
    client = assert(appsync.client(options))
  end

  after_each(function() client:close() end)

  for _, mode in ipairs{ "rounded", "string" } do
    it("gives values of all kinds, integers " .. mode, function()
      open{ big_integers = mode ~= "rounded" and mode or nil }
      local text = VALUES:gsub("LONG", ("long text, "):rep(100))
      local given = appsync.decode(text)
      local document = appsync.gql(ALL)
      assert(client:write_query(document, nil, given))
      for _ = 1, 3 do
        local data = client:read_query(document)
        assert.same(given.all[1].json, data.all[1].json)
        assert.equal(given.all[1].text, data.all[1].text)
        assert.equal(given.all[1].long, data.all[1].long)
        assert.equal(0.5, data.all[1].half)
        assert.equal(1e-7, data.all[2].half)
        assert.equal(appsync.null, data.all[1].none)
        assert.equal("[]", appsync.encode(data.all[1].few))
        assert.equal("[[1,2],[],[\"y\",null]]", appsync.encode(data.all[1].list))
        assert.equal("3", appsync.encode(data.all[1].whole))
        if math.type then
          assert.equal("integer", math.type(data.all[1].int))
          assert.equal("float", math.type(data.all[1].whole))
        end
        assert.same(data, client:read_query(document))
        assert.are_not.equal(data, client:read_query(document))
      end
    end)
  end

  it("follows its variables, and refuses wrong ones as a first read does", function()
    open()
    local document = appsync.gql(ONE)
    local function write(variables, id)
      assert(client:write_query(document, variables, { one = { id = id, __typename = "T", int = 1 } }))
    end
    local function read(variables)
      local data = client:read_query(document, variables)
      return data and data.one.id
    end
    write({ id = "a", more = false }, "1")
    write({ id = "b", tags = { "x" }, more = false }, "2")
    write({ id = "b", tags = {}, more = false }, "3")
    write({ id = "c", more = true }, "4")
    for _ = 1, 3 do
      assert.equal("1", read{ id = "a", more = false })
      assert.equal("2", read{ id = "b", tags = { "x" }, more = false })
      assert.equal("3", read{ id = "b", tags = {}, more = false })
      assert.is_nil(read{ id = "b" })
      assert.equal("4", read{ id = "c", more = true })
      assert.equal(1, client:read_query(document, { id = "c", more = true }).one.int)
      assert.is_nil(client:read_query(document, { id = "c", more = false }).one.int)
      assert.has_error(function() read{ iD = "a" } end,
        "client:read_query: the operation declares no variable \"iD\"; did you mean $id?")
      assert.has_error(function() client:read_query(document, 7) end)
      assert.has_error(function() read{ id = print } end)
      assert.has_error(function() read{ id = "\255" } end)
    end
  end)

  it("sees at once what is written, and what comes with a name that it didn't know", function()
    open()
    local document, fragment = appsync.gql "{ a { id t } }", appsync.gql "fragment F on T { id t }"
    assert.is_nil((client:read_query(document)))
    for i = 1, 5 do
      assert(client:write_query(document, nil, { a = { id = "1", t = i, __typename = "T" } }))
      assert.equal(i, client:read_query(document).a.t)
      assert.equal(i, client:read_fragment("T:1", fragment).t)
      assert(client:modify("T:1", "t", function(value) return value + 0.5 end))
      assert.equal(i + 0.5, client:read_query(document).a.t)
      assert.equal(i + 0.5, client:read_fragment("T:1", fragment).t)
    end
    client:evict("T:1")
    assert.is_nil((client:read_query(document)))
    local data, rest = client:read_fragment("T:1", fragment)
    assert.is_nil(data)
    assert.same({ "id", "t" }, rest.missing)
  end)

  it("may be read by a finalizer while its values are made", function()
    open()
    local document, n_read, items = appsync.gql "{ all { id t } }", 0, appsync.array{}
    for i = 1, 2000 do items[i] = { id = tostring(i), t = ("text %d "):format(i):rep(10), __typename = "T" } end
    assert(client:write_query(document, nil, { all = items }))
    local function leave_garbage()
      if newproxy then
        getmetatable(newproxy(true)).__gc = function() n_read = n_read + #client:read_query(document).all end
      else
        setmetatable({}, { __gc = function() n_read = n_read + #client:read_query(document).all end })
      end
    end
    client:read_query(document)
    for _ = 1, 20 do
      leave_garbage()
      local data = client:read_query(document)
      assert.equal(2000, #data.all)
      assert.equal(items[1999].t, data.all[1999].t)
    end
    collectgarbage()
    assert.is_true(n_read > 0)
  end)

  -- A large view is made in steps, which end in the middle of what a service's own scalar has.
  for _, n in ipairs{ 3, 3000 } do
    it(("shares with a watch's views what is the same, with %d items"):format(n), function()
      open()
      local document, states, items = appsync.gql "{ all { id t json } }", {}, appsync.array{}
      for i = 1, n do
        local json = { a = { i, { b = appsync.array{} } }, c = { d = { tostring(i) } } }
        items[i] = { id = tostring(i), t = i, json = json, __typename = "T" }
      end
      local function write() assert(client:write_query(document, nil, { all = items })) end
      write()
      appsync.run(function()
        local sub = client:watch(document, nil, { fetch_policy = "cache-only" }):subscribe(function(state)
          states[#states + 1] = state
        end)
        local function await(n_states)
          while #states < n_states do appsync.sleep(0.001) end
        end
        await(1)
        items[2].t = 0.25
        write()
        await(2)
        items[2].json.a[2].b[1] = "new"
        write()
        await(3)
        sub:unsubscribe()
      end)
      local first, second, third = states[1].data.all, states[2].data.all, states[3].data.all
      assert.same(items[1].json, first[1].json)
      assert.same(items[n].json, first[n].json)
      assert.equal("[]", appsync.encode(first[2].json.a[2].b))
      assert.equal(first[1], second[1])
      assert.equal(first[n], third[n])
      assert.are_not.equal(first[2], second[2])
      assert.equal(0.25, second[2].t)
      assert.equal(first[2].json, second[2].json)
      assert.are_not.equal(second[2].json, third[2].json)
      assert.equal(second[2].json.c, third[2].json.c)
      assert.equal("new", third[2].json.a[2].b[1])
    end)
  end

  it("is made anew when others have come in between, and keeps no memory for those that nobody reads", function()
    open()
    local document, fragment = appsync.gql "{ a { id t } }", appsync.gql "fragment F on T { id t }"
    assert(client:write_query(document, nil, { a = { id = "1", t = 2, __typename = "T" } }))
    local function resident_kb()
      local status = assert(io.open "/proc/self/status")
      local kb = status:read "*a":match "VmRSS:%s+(%d+)"
      status:close()
      return tonumber(kb)
    end
    local function read_others(first, last)
      for i = first, last do
        assert.equal(2, client:read_query(("{ a { id t x%d: t } }"):format(i)).a["x" .. i])
        if i % 50 == 0 then
          assert.equal(2, client:read_query(document).a.t)
          assert.equal(2, client:read_fragment("T:1", fragment).t)
        end
      end
    end
    read_others(1, 3000)
    local before = resident_kb()
    read_others(3001, 12000)
    if not os.getenv "ALLOWED_KIB" then assert.is_true(resident_kb() - before < 30000) end
  end)

  it("ends with its client", function()
    open()
    local document = appsync.gql "{ a }"
    assert(client:write_query(document, nil, { a = 1 }))
    assert.equal(1, client:read_query(document).a)
    client:close()
    local data, err = client:read_query(document)
    assert.is_nil(data)
    assert.equal("closed", err.kind)
  end)

  it("is of one identity", function()
    open()
    local document = appsync.gql "{ a }"
    local ann, ben = client:with{ identity = "ann" }, client:with{ identity = "ben" }
    assert(ann:write_query(document, nil, { a = 1 }))
    assert(ben:write_query(document, nil, { a = 2 }))
    for _ = 1, 2 do
      assert.equal(1, ann:read_query(document).a)
      assert.equal(2, ben:read_query(document).a)
      assert.is_nil((client:read_query(document)))
    end
  end)
end)
