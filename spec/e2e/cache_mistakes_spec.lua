-- What can't be written into the cache is refused at once, by its name and with what is accepted.
local appsync = require "appsync"
local folder = require "spec.support.folder"

local made, client, logged

local function connect(options)
  options = options or {}
  options.endpoint = "http://127.0.0.1:1/graphql"
  options.auth = { type = "API_KEY", api_key = "k" }
  options.store = options.store or made.path .. "/a.db"
  options.log = function(_, message) logged[#logged + 1] = message end
  return assert(appsync.client(options))
end

local function refused(pattern, fn, ...)
  local ok, raised = pcall(fn, ...)
  assert.is_false(ok, pattern)
  assert.matches("cache_mistakes_spec.lua:%d+: ", raised)
  assert.equal(pattern, (raised:gsub("^%S+:%d+: ", "")))
end

local function modify(fn, field) return client:modify("ROOT_QUERY", field or "list", fn) end

describe("the cache refuses", function()
  before_each(function()
    made, logged = folder.make(), {}
    client = connect()
    client:write_query("{ n list { id } }", nil, { n = 1, list = appsync.array{ { __typename = "T", id = "1" } } })
  end)
  after_each(function()
    client:close(0)
    made.remove()
  end)

  it("data that lacks what one set of variables selects, whatever was written with others before", function()
    local query = "query Q($deep: Boolean!, $id: ID) { one(id: $id) { __typename id title @include(if: $deep) } }"
    local function write(id, deep, title)
      local data = { one = { __typename = "T", id = id, title = title } }
      return client:write_query(query, { deep = deep, id = id }, data)
    end
    local lacking = "client:write_query: data.one.title: the field is selected and missing; appsync.null stands for no value"
    for _ = 1, 3 do
      assert.is_true(write("1", false))
      assert.is_true(write("2", true, "b"))
      refused(lacking, write, "3", true)
      refused("client:write_query: data: an empty table is an object (appsync.array{} is an empty list) and lacks the field other",
        client.write_query, client, "{ other }", nil, {})
      assert.is_true(client:write_query("{ other }", nil, { other = 1 }))
    end
    local function read(id) return client:read_query(query, { deep = true, id = id }) end
    assert.equal("b", read("2").one.title)
    assert.is_nil(read "1")
    assert.is_nil(read "3")
  end)

  it("references that are none", function()
    local accepted = ' must be the key of a record, as in {__ref = "Todo:1"}, got '
    refused("client:modify: __ref" .. accepted .. "number 5", modify, function() return { __ref = 5 } end)
    refused("client:modify: __ref" .. accepted .. '""', modify, function() return { __ref = "" } end)
    refused("client:modify: __ref at [].of" .. accepted .. "boolean true", modify, function()
      return appsync.array{ { of = { __ref = true } } }
    end)
    refused("client:modify: __ref" .. accepted .. "boolean false", modify, function() return { __ref = false } end)
    refused("client:modify: __ref at []" .. accepted .. "number 5", modify, function(list) list[2] = { __ref = 5 } end)
    assert.same({ "1" }, { client:read_query("{ list { id } }").list[1].id, client:read_query("{ list { id } }").list[2] })
  end)

  it("DELETE in what is kept", function()
    local rest = " takes the whole field away: the function must return it alone, and no part of a field can be taken away so"
    refused("client:modify: details.DELETE at in.a" .. rest, modify, function(_, details)
      return { ["in"] = { a = details.DELETE } }
    end)
    refused("client:modify: details.DELETE at []" .. rest, modify, function(list, details) list[1] = details.DELETE end)
    assert.is_true(modify(function(_, details) return details.DELETE end))
    assert.is_nil((client:read_query("{ list { id } }")))
  end)

  it("what no transaction can have in it", function()
    for name, instead in pairs{
      clear = "call client:clear outside of it, or evict records", gc = "call client:gc outside of it",
      retain = "call client:retain outside of it",
    } do
      logged = {}
      client:mutate("mutation { n }", nil, {
        timeout = 0.01, optimistic_response = { n = 2 }, update = function(cache) cache[name](cache) end,
      })
      assert.matches("update raised: %S+cache_mistakes_spec.lua:%d+: cache:" .. name .. " can't be called in an update", logged[1])
      assert.is_truthy(logged[1]:find(instead .. "; accepted are read_query, write_query, read_fragment, write_fragment, "
        .. "modify, evict, identify;", 1, true))
    end
  end)

  it("to clear the cache while it is changed, and says where", function()
    client:mutate("mutation { n }", nil, { timeout = 0.01, optimistic_response = { n = 2 }, update = function() client:clear() end })
    assert.matches("update raised: %S+cache_mistakes_spec.lua:%d+: client:clear: the cache can't be cleared while it is changed", logged[1])
  end)

  it("responses that aren't what the mutation selects, and says where", function()
    local function mutate(response)
      return client:mutate("mutation { a { id } }", nil, { optimistic_response = response })
    end
    local empty = "an empty table is an object (appsync.array{} is an empty list) and lacks the field a"
    refused("client:mutate: optimistic_response: " .. empty, mutate, {})
    refused("client:mutate: optimistic_response: it must be an object", mutate, { 1 })
    refused("client:mutate: optimistic_response: a: a function can't be JSON", mutate, { a = print })
  end)

  it("what is written when it has been closed meanwhile", function()
    local function reopen()
      local other = connect{ reopen = true }
      other:read_query("{ n }")
      return other
    end
    local data, err = modify(function() client = reopen() return 5 end, "n")
    assert.same({ nil, "closed" }, { data, err.kind })
    assert(client:hydrated())
    refused("client:modify: add: the client is closed", modify, function(list)
      client = reopen()
      list:add{ __typename = "T", id = "2" }
    end)
    assert(client:hydrated())
    data, err = client:mutate("mutation { n }", nil, { optimistic_response = { n = 2 }, update = function(cache)
      client = reopen()
      local _, modify_err = cache:modify("ROOT_QUERY", "n", function() return 5 end)
      assert.equal("closed", modify_err.kind)
    end })
    assert.same({ nil, "closed" }, { data, err.kind })
    assert(client:hydrated())
    assert.equal(1, client:read_query("{ n }").n)
  end)

  it("keys that identify nothing, and a seed without a path", function()
    local function make(options)
      options.endpoint, options.store = "http://127.0.0.1:1/graphql", made.path .. "/b.db"
      return appsync.client(options)
    end
    for _, path in ipairs{ "a..b", ".", ".a", "a.", "a b", "1" } do
      refused(('appsync.client: keys.T[2]: must be a field or a path of fields, as in "author.name", got "%s"'):format(path),
        make, { keys = { T = { "id", path } } })
    end
    refused('appsync.client: keys.T: must be a list of fields, as {"id"}, or {} for a type without an identity', make,
      { keys = { T = { id = true } } })
    refused("appsync.client: seed: a path has at least one character", make, { seed = "" })
    make{ keys = { T = { "id", "author.name" }, U = {} } }:close(0)
  end)

  it("queries of build_subscription that are none, before any event", function()
    local function build(cache_update)
      return appsync.build_subscription{ query = "subscription { onCreateTodo { id } }", cache_update = cache_update }
    end
    local where = "appsync.build_subscription: cache_update"
    refused(where .. "[1] must be a query, or a table {query =, variables =}, got number 5", build, { 5 })
    refused(where .. "[2]: query is missing", build, { "{ a }", {} })
    refused(where .. "[1]: the document is a mutation; use client:mutate", build, { "mutation { a }" })
    refused(where .. ": variables must be table, got number 5", build, { query = "{ a }", variables = 5 })
    refused(where .. " must be a query, {query =, variables =} or a list of these, got a table without a query", build,
      { variables = {} })
    assert.equal("{ a }", build("{ a }").cache_update[1])
    assert.equal(2, #build{ "{ a }", { query = appsync.gql "query Q($n: Int) { b(n: $n) }", variables = { n = 1 } } }.cache_update)
  end)

  it("options that there aren't", function()
    refused('client:clear: unknown option "keep"; accepted are on_result, outbox, timeout', client.clear, client, { keep = true })
  end)
end)
