-- `result = "json"`: a query's data as JSON text, by each policy: the text of what would be in the table otherwise.
local appsync = require "appsync"
local kept = require "spec.support.kept"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local LIST, GET = kept.LIST, kept.GET
local ONLINE = { "cache-first", "cache-and-network", "network-only", "no-cache" }

describe("a result as JSON text", function()
  local client

  setup(function()
    kept.begin()
    kept.create("1", "one")
  end)
  teardown(kept.finish)
  before_each(function() client = kept.client{ store = ":memory:" } end)
  after_each(kept.close_all)

  local function text_of(document, variables, options)
    local with = { result = "json" }
    for name, value in pairs(options or {}) do with[name] = value end
    return client:query(document, variables, with)
  end

  -- The order of keys is nobody's business.
  local function assert_is(data, text)
    assert.equal("string", type(text))
    assert.same(data, appsync.decode(text))
  end

  for _, policy in ipairs(ONLINE) do
    it("has what a table has, from the network and again: " .. policy, function()
      local options = { fetch_policy = policy }
      for i = 1, 4 do
        local text, err, info = text_of(LIST, nil, options)
        assert.is_nil(err)
        assert.equal(policy == "cache-first" and i > 1 and "cache" or "network", info.source)
        assert_is(client:query(LIST, nil, options), text)
      end
    end)
  end

  it("is a table for \"table\", and what the policy of the client says without one of its own", function()
    local data = assert(client:query(LIST, nil, { result = "table" }))
    assert.equal("one", kept.names(data))
    for _ = 1, 5 do
      local text, _, info = client:query(LIST, nil, { result = "json" })
      assert_is(data, text)
      assert.same({ source = "cache" }, info)
      assert_is(data, (client:query{ query = LIST, result = "json" }))
      assert.same(data, client:query(LIST))
    end
    local counts = client:stats()
    assert.equal(1, counts.requests)
    local other = kept.client{ store = ":memory:", fetch_policy = { query = "network-only" } }
    assert.equal("network", select(3, other:query(LIST, nil, { result = "json" })).source)
    assert.equal("network", select(3, other:query(LIST, nil, { result = "json" })).source)
  end)

  it("follows what changes", function()
    local function name() return appsync.decode((text_of(GET, { id = "1" }))).getTodo.name end
    for _ = 1, 4 do assert.equal("one", name()) end
    for i = 1, 3 do
      client:modify("Todo:1", "name", function() return "name " .. i end)
      for _ = 1, 4 do assert.equal("name " .. i, name()) end
    end
    assert(client:query(GET, { id = "1" }, { fetch_policy = "network-only" }))
    for _ = 1, 4 do assert.equal("one", name()) end
    client:evict "Todo:1"
    assert.equal("network", select(3, text_of(GET, { id = "1" })).source)
  end)

  it("is given to on_result, each time with \"cache-and-network\"", function()
    local data, seen = assert(client:query(LIST)), {}
    local task = text_of(LIST, nil, { fetch_policy = "cache-and-network",
      on_result = function(text, err, info) seen[#seen + 1] = { text, err, info.source } end })
    assert(task:await(10))
    assert.same({ "cache", "network" }, { seen[1][3], seen[2][3] })
    for _, one in ipairs(seen) do
      assert_is(data, one[1])
      assert.is_nil(one[2])
    end
  end)

  it("\"cache-only\" says what is missing", function()
    local text, err = text_of(LIST, nil, { fetch_policy = "cache-only" })
    assert.is_nil(text)
    assert.same({ "listTodos" }, err.missing)
    local data = assert(client:query(LIST))
    assert_is(data, (text_of(LIST, nil, { fetch_policy = "cache-only" })))
    client:evict("Todo:1", "name")
    text, err = text_of(LIST, nil, { fetch_policy = "cache-only" })
    assert.is_nil(text)
    assert.same({ "listTodos.items.0.name" }, err.missing)
  end)

  it("comes from the cache when there is no network", function()
    local data = assert(client:query(LIST))
    client:set_online(false)
    for _, policy in ipairs{ "network-only", "cache-and-network" } do
      local text, err, info = text_of(LIST, nil, { fetch_policy = policy })
      assert.is_nil(err)
      assert.equal("cache", info.source)
      assert_is(data, text)
    end
  end)

  it("is text beside an error where data is partial, and err.data is a table", function()
    for _, policy in ipairs(ONLINE) do
      local data, err = text_of("{ slow(n: 7) broken { id fine bad } }", nil, { fetch_policy = policy })
      assert.equal("graphql", err.kind)
      assert.equal(7, err.data.slow)
      assert_is(err.data, data)
      data, err = text_of("{ broken { id fine bad } }", nil, { fetch_policy = policy, error_policy = "none" })
      assert.is_nil(data)
      assert.equal(1, err.data.broken.fine)
    end
    local data, err = text_of("{ nothing }", nil, { fetch_policy = "no-cache" })
    assert.is_nil(data)
    assert.equal("graphql", err.kind)
    assert.is_nil(err.data)
  end)

  it("throws for another word", function()
    assert.has_error(function() client:query(LIST, nil, { result = "text" }) end)
    assert.has_error(function() client:mutate(kept.CREATE, { name = "x" }, { result = "json" }) end)
  end)

  describe("of a service that writes as it likes:", function()
    local other
    local BIG = "123456789012345678901234567890"
    local DATA = '{"one": {"id":"1","__typename":"T","n":[5.0,9007199254740993,' .. BIG
      .. ',1e2,0.10,true,false,null],"none":[],"object":{},"json":{"k" : [1.0, {}]},"s":"\\u00e9\\/\\ud83d"}}'
    local QUERY = "{ one { id n none object json s } }"
    local EXPECTED = {
      id = '"1"', n = "[5,9007199254740993," .. BIG .. ",100,0.1,true,false,null]", none = "[]", object = "{}",
      json = '{"k":[1,{}]}', s = '"é/\239\191\189"',
    }

    after_each(process.stop_all)

    local function open(answers, options)
      local steps = {}
      for _, data in ipairs(answers) do
        steps[#steps + 1] = { "request" }
        steps[#steps + 1] = { "http", 200, { ["Content-Type"] = "application/json" }, data }
      end
      other = peer.start{ connections = { steps } }
      options = options or {}
      options.endpoint, options.auth, options.store = other.url, { type = "NONE" }, options.store or ":memory:"
      client = kept.client(options)
    end

    local function assert_all(text)
      for name, json in pairs(EXPECTED) do
        assert.is_truthy(text:find('"' .. name .. '":' .. json, 1, true), name .. ": " .. text)
      end
    end

    for _, mode in ipairs{ "rounded", "string" } do
      it("integers are exact, other numbers and strings as appsync.encode writes them; integers " .. mode, function()
        open({ '{"data":' .. DATA .. "}" }, { big_integers = mode == "string" and mode or nil })
        for i = 1, 4 do
          local text, _, info = text_of(QUERY)
          assert.equal(i == 1 and "network" or "cache", info.source)
          assert_all(text)
        end
      end)
    end

    it("err.data has integers as the client's tables have them", function()
      open({ '{"data":' .. DATA .. ',"errors":[{"message":"no"}]}' }, { big_integers = "string" })
      local text, err = text_of(QUERY, nil, { fetch_policy = "network-only" })
      assert_all(text)
      assert.equal(BIG, err.data.one.n[3])
    end)

    it("what is large is whole, from the network and from the cache", function()
      local items = {}
      for i = 1, 3000 do items[i] = ('{"id":"i%d","name":"name of %d","n":%s,"__typename":"T"}'):format(i, i, BIG) end
      open{ '{"data":{"items":[' .. table.concat(items, ",") .. ']}}' }
      for i = 1, 2 do
        local text, _, info = text_of "{ items { id name n } }"
        assert.equal(i == 1 and "network" or "cache", info.source)
        assert.equal(3000, select(2, text:gsub('"n":' .. BIG, "")))
        assert.equal("i3000", appsync.decode(text).items[3000].id)
      end
    end)

    it("without data there is none", function()
      open{ '{"data":null,"errors":[{"message":"no"}]}', '{"data":{"one":null},"errors":[{"message":"no","path":["one"]}]}' }
      local data, err = text_of(QUERY)
      assert.is_nil(data)
      assert.is_nil(err.data)
      data, err = text_of(QUERY)
      assert.is_nil(data)
      assert.equal(appsync.null, err.data.one)
    end)
  end)
end)
