-- The rules by which the cache of the AWS AppSync SDK (apollo-cache-inmemory 1.x) keeps and finds what comes, one case each:
-- https://github.com/apollographql/apollo-client/tree/v2.6.10 , apollo-cache-inmemory's writeToStore.ts, readFromStore.ts,
-- and getStoreKeyName of apollo-utilities.
local appsync = require "appsync"

local NULL, array = appsync.null, appsync.array

local function post(id, title) return { __typename = "Post", id = id, title = title } end

-- What is written, then what is read: data, or the paths that are missing.
local RULES = {
  { "an object is told by its type and `id`, whatever field it stands in",
    write = { "{ a { id title } }", { a = post("1", "x") } },
    read = { "{ a { title } }", { a = { __typename = "Post", title = "x" } } }, key = "Post:1" },
  { "without `id` by its type and `_id`",
    write = { "{ a { _id title } }", { a = { __typename = "Post", _id = "m", title = "x" } } },
    read = { "{ a { title } }", { a = { __typename = "Post", title = "x" } } }, key = "Post:m" },
  { "a number is an identity, too",
    write = { "{ a { id title } }", { a = { __typename = "Post", id = 7, title = "x" } } },
    read = { "{ a { title } }", { a = { __typename = "Post", title = "x" } } }, key = "Post:7" },
  { "an object with neither stays with the one that it is a part of",
    write = { "{ a { id meta { n } } }", { a = { __typename = "Post", id = "1", meta = { __typename = "Meta", n = 1 } } } },
    read = { "{ a { meta { n } } }", { a = { __typename = "Post", meta = { __typename = "Meta", n = 1 } } } },
    fields = { "Post:1", "meta" } },
  { "one that has no type has no identity",
    write = { "{ a { title } }", { a = { title = "x" } } },
    read = { "{ a { title } }", { a = { title = "x" } } }, fields = { "ROOT_QUERY", "a" } },
  { "two fields that refer to one object share it",
    write = { "{ a { id title } b { id } }", { a = post("1", "x"), b = { __typename = "Post", id = "1" } } },
    read = { "{ b { title } }", { b = { __typename = "Post", title = "x" } } } },
  { "an id that two types have names two objects",
    write = { "{ a { id title } b { id title } }",
      { a = post("1", "x"), b = { __typename = "Page", id = "1", title = "y" } } },
    read = { "{ a { title } b { title } }",
      { a = { __typename = "Post", title = "x" }, b = { __typename = "Page", title = "y" } } } },
  { "queries begin at ROOT_QUERY", write = { "{ a }", { a = 1 } }, read = { "{ a }", { a = 1 } },
    fields = { "ROOT_QUERY", "a" } },
  { "__typename is read of every object, asked for or not",
    write = { "{ a { b { n } } }", { a = { __typename = "A", b = { __typename = "B", n = 1 } } } },
    read = { "{ a { b { n } } }", { a = { __typename = "A", b = { __typename = "B", n = 1 } } } } },
  { "an object that nothing is selected of is a value",
    write = { "{ json }", { json = { a = array{ 1, { b = NULL } } } } },
    read = { "{ json }", { json = { a = array{ 1, { b = NULL } } } } } },
  { "such a value is replaced, not merged",
    write = { "{ json }", { json = { a = 1 } }, "{ json }", { json = { b = 2 } } },
    read = { "{ json }", { json = { b = 2 } } } },
  { "a list has objects, nulls and lists",
    write = { "{ l { id title } }", { l = array{ post("1", "x"), NULL, array{ post("2", "y") } } } },
    read = { "{ l { title } }", { l = array{ { __typename = "Post", title = "x" }, NULL,
      array{ { __typename = "Post", title = "y" } } } } } },
  { "a list is replaced",
    write = { "{ l { id title } }", { l = array{ post("1", "x"), post("2", "y") } }, "{ l { id } }",
      { l = array{ { __typename = "Post", id = "2" } } } },
    read = { "{ l { title } }", { l = array{ { __typename = "Post", title = "y" } } } } },
  { "a field is told by its name, not by its alias",
    write = { "{ x: a }", { x = 1 } }, read = { "{ y: a }", { y = 1 } }, fields = { "ROOT_QUERY", "a" } },
  { "and by its arguments, keys sorted, without spaces",
    write = { "{ l(b: 1, a: {d: 2, c: [3]}) }", { l = 1 } }, read = { "{ l(a: {c: [3], d: 2}, b: 1) }", { l = 1 } },
    fields = { "ROOT_QUERY", 'l({"a":{"c":[3],"d":2},"b":1})' } },
  { "which are the values of variables",
    write = { "query Q($n: Int) { l(limit: $n) }", { l = 1 }, variables = { n = 10 } },
    read = { "{ l(limit: 10) }", { l = 1 } }, fields = { "ROOT_QUERY", 'l({"limit":10})' } },
  { "an unset variable is left out",
    write = { "query Q($n: Int, $t: String) { l(limit: $n, token: $t) }", { l = 1 }, variables = { n = 10 } },
    read = { "{ l(limit: 10) }", { l = 1 } } },
  { "a null isn't",
    write = { "query Q($n: Int, $t: String) { l(limit: $n, token: $t) }", { l = 1 }, variables = { n = 10, t = NULL } },
    read = { "{ l(limit: 10) }", missing = { "l" } }, fields = { "ROOT_QUERY", 'l({"limit":10,"token":null})' } },
  { "other arguments are another field",
    write = { "{ l(limit: 10) }", { l = 1 } }, read = { "{ l(limit: 11) }", missing = { "l" } } },
  { "@connection gives the key",
    write = { '{ l(limit: 10) @connection(key: "k") }', { l = 1 } },
    read = { '{ l(limit: 99) @connection(key: "k") }', { l = 1 } }, fields = { "ROOT_QUERY", "k" } },
  { "with the arguments that its filter names, sorted",
    write = { '{ l(b: 2, a: 1, c: 3) @connection(key: "k", filter: ["b", "a"]) }', { l = 1 } },
    read = { '{ l(c: 9, a: 1, b: 2) @connection(key: "k", filter: ["a", "b"]) }', { l = 1 } },
    fields = { "ROOT_QUERY", 'k({"a":1,"b":2})' } },
  { "other directives belong to it",
    write = { "{ a @upper(all: true) }", { a = "X" } }, read = { "{ a }", missing = { "a" } },
    fields = { "ROOT_QUERY", 'a@upper({"all":true})' } },
  { "include, skip, client, rest and export don't",
    write = { "{ a @include(if: true) @skip(if: false) @client @rest(x: 1) @export(as: \"y\") }", { a = 1 } },
    read = { "{ a }", { a = 1 } } },
  { "an object is merged field by field",
    write = { "{ a { id title } }", { a = post("1", "x") }, "{ b { id likes } }",
      { b = { __typename = "Post", id = "1", likes = 2 } } },
    read = { "{ a { title likes } }", { a = { __typename = "Post", title = "x", likes = 2 } } } },
  { "the later value of a field holds",
    write = { "{ a { id title } }", { a = post("1", "x") }, "{ b { id title } }", { b = post("1", "y") } },
    read = { "{ a { title } }", { a = { __typename = "Post", title = "y" } } } },
  { "a null is a value",
    write = { "{ a { id title } }", { a = post("1", "x") }, "{ a { id title } }", { a = post("1", NULL) } },
    read = { "{ a { title } }", { a = { __typename = "Post", title = NULL } } } },
  { "what an object without identity knew goes to the one with an identity that takes its place",
    write = { "{ a { title } }", { a = { __typename = "Post", title = "x" } }, "{ a { id } }",
      { a = { __typename = "Post", id = "1" } } },
    read = { "{ a { id title } }", { a = post("1", "x") } }, key = "Post:1" },
  { "a read of which any field is missing has no data, but says what",
    write = { "{ a { id title } }", { a = post("1", "x") } },
    read = { "{ a { title likes author { name } } }", missing = { "a.likes", "a.author" } } },
}

describe("a cache by the rules of the AWS AppSync SDK", function()
  local client

  before_each(function()
    client = assert(appsync.client{ endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "k" },
      store = ":memory:" })
  end)
  after_each(function() client:close(0) end)

  local function write(rule)
    for i = 1, #rule.write, 2 do
      assert.is_true(client:write_query(rule.write[i], rule.write.variables, rule.write[i + 1]))
    end
  end

  -- The names, with their arguments, of the fields that a record has by this name.
  local function fields_of(key, name)
    local found = {}
    assert.is_true(client:modify(key, name, function(_, details) found[#found + 1] = details.field end))
    return found
  end

  for _, rule in ipairs(RULES) do
    it(rule[1], function()
      write(rule)
      local key, fields, read = rule.key, rule.fields, rule.read
      if key then assert.same({ __typename = "Post" }, client:read_fragment(key, "fragment F on Post { __typename }")) end
      if fields then assert.same({ fields[2] }, fields_of(fields[1], fields[2])) end
      if not read then return end
      local data, rest = client:read_query(read[1])
      assert.same(read[2], data)
      if read.missing then assert.same(read.missing, rest.missing) end
    end)
  end
end)
