local appsync = require "appsync"
local core = require "appsync.core"
local description = require "appsync.models.description"
local instance = require "appsync.models.instance"
local predicate = require "appsync.models.predicate"

local SDL = [[
enum Status { DRAFT LIVE }
type Meta { author: String! score: Float }
type Blog @model { name: String posts: [Post] @hasMany }
type Post @model { title: String! n: Int status: Status tags: [String!] meta: Meta blog: Blog @belongsTo
  at: AWSDateTime on: AWSDate time: AWSTime stamp: AWSTimestamp url: AWSURL email: AWSEmail phone: AWSPhone ip: AWSIPAddress
  json: AWSJSON float: Float done: Boolean }
type Order @model { customer: ID! @primaryKey(sortKeyFields: ["number"]) number: Int! }
]]

local function text_of(path) return assert(io.open(path)):read("*a") end

describe("models", function()
  local set = assert(appsync.models(SDL))

  for _, name in ipairs{ "first", "models", "relations", "owners", "modes", "pages" } do
    it("are the same from SDL, schema.js and its JSON: " .. name, function()
      local json = text_of("spec/interop/datastore/" .. name .. ".json")
      local by_sdl = description.of(assert(appsync.models("spec/interop/datastore/" .. name .. ".graphql")))
      assert.same(description.of(assert(appsync.models(json))), by_sdl)
      assert.same(description.of(assert(appsync.models("export const schema = " .. json .. ";"))), by_sdl)
      local outputs = core.encode{ version = "1", data = { model_introspection = core.decode(json) } }
      assert.same(description.of(assert(appsync.models(outputs))), by_sdl)
    end)
  end

  local SCALARS = {
    n = { { 1, -2147483648 }, { 2147483648, 1.5, "1" } }, float = { { 1.5, 1 }, { 0 / 0, 1 / 0, "1" } },
    done = { { true, false }, { 1, "true" } }, title = { { "x", "" }, { 1, "\255" } },
    on = { { "2024-02-29", "2024-02-29Z" }, { "2023-02-29", 1 } }, time = { { "12:30", "12:30:24.5Z" }, { "24:00" } },
    at = { { "2024-02-29T12:30:00Z" }, { "2024-02-29T12:30:00" } }, stamp = { { 0, -1 }, { 1.5 } },
    url = { { "https://example.com/" }, { "example" } }, email = { { "a@b.c" }, { "a" } },
    phone = { { "+1 206 555 0100" }, { "x" } }, ip = { { "192.0.2.1", "::1/64" }, { "1.2.3" } },
    json = { { '{"a":1}', { a = 1 } }, { "{" } }, status = { { "LIVE" }, { "LIV" } },
    tags = { { {}, { "a" } }, { "a", { 1 }, { appsync.null }, { [2] = "a" } } },
    meta = { { { author = "a" } }, { {}, { author = "a", x = 1 } } },
  }
  for name, cases in pairs(SCALARS) do
    it("accept and refuse values: " .. name, function()
      for i = 1, 2 do
        for _, value in ipairs(cases[i]) do
          local made, err = set.Post:try{ title = name ~= "title" and "t" or nil, [name] = value }
          assert.equal(i == 1, made ~= nil, name .. " " .. tostring(value) .. " " .. tostring(err))
          if err then assert.equal("validation", err.code) end
        end
      end
    end)
  end

  it("name what is wrong", function()
    assert.error_matches(function() set.Post{} end, "Post.title: is required")
    assert.error_matches(function() set.Post{ titel = "x" } end, 'did you mean "title"')
    assert.error_matches(function() set.Post{ title = "x", createdAt = "2024-02-29T12:30:00Z" } end, "read%-only")
    assert.error_matches(function() return set.Pots end, 'did you mean "Post"')
    local none, err = appsync.models("none.graphql")
    assert.is_nil(none)
    assert.matches("none.graphql", err.message)
    assert.matches("line 1", select(2, appsync.models("type A @model { b: [B] @hasMany }")).message)
  end)

  it("take a relation's key from an instance", function()
    local blog = set.Blog{ name = "b" }
    local post = set.Post{ title = "t", blog = blog }
    assert.equal(blog.id, post.blogPostsId)
    assert.is_nil(post:copy{ blog = appsync.null }.blogPostsId)
    assert.error_matches(function() set.Post{ title = "t", blog = { id = "1" } } end, "instance of Blog")
  end)

  it("copy, and notice a change in place", function()
    local post = instance.adopt(set.Post, { id = "1", title = "t", tags = { "a" }, _version = 2 })
    local copy = post:copy(function(draft) draft.tags[2] = "b" draft.title = "u" end)
    assert.same({ "tags", "title" }, instance.changes(copy))
    assert.equal(2, copy._version)
    assert.same({ "a" }, post.tags)
    assert.is_true(instance.check(post))
    post.tags[1] = "z"
    assert.matches("tags", select(2, instance.check(post)).message)
    assert.error_matches(function() post:copy{ id = "2" } end, "key field")
    assert.error_matches(function() post.titel = 1 end, 'did you mean "title"')
    assert.is_nil(instance.changes(set.Post{ title = "t" }))
  end)

  it("give one tree for a function and a table", function()
    local by_function = predicate.tree(set.Post, function(p)
      return p.blog.name:eq("x"):and_(p.n:between(1, 3), p.title:in_({ "a" }):not_())
    end)
    assert.same(by_function, predicate.tree(set.Post, { ["and"] = { { blog = { name = { eq = "x" } } },
      { n = { between = { 1, 3 } } }, { ["not"] = { title = { ["in"] = { "a" } } } } } }))
    assert.is_true(predicate.matches(by_function, { n = 3, title = "b" }, function() return { { name = "x" } } end))
    assert.is_false(predicate.matches(by_function, { n = 4, title = "b" }, function() return { { name = "x" } } end))
  end)

  it("give filters as DataStore does", function()
    local tree = predicate.tree(set.Post, { n = { gt = 3 } })
    assert.same({ ["and"] = { { n = { gt = 3 } } } }, predicate.filter(tree))
    assert.same({}, predicate.condition(predicate.tree(set.Post, { id = { eq = "1" } }), { "id" }))
    assert.is_nil((predicate.filter(predicate.tree(set.Post, { blog = { name = { eq = "x" } } }))))
  end)

  -- Operator, operand, high operand or nil, then values of `n` that match and values that don't. false: null.
  local BY_NUMBER = {
    { "eq", 3, nil, { 3 }, { 2, false } }, { "ne", 3, nil, { 2, false }, { 3 } }, { "gt", 3, nil, { 4 }, { 3, false } },
    { "ge", 3, nil, { 3, 4 }, { 2, false } }, { "lt", 3, nil, { 2 }, { 3, false } }, { "le", 3, nil, { 3, 2 }, { 4, false } },
    { "between", 2, 4, { 2, 3, 4 }, { 1, 5, false } }, { "in", { 1, 3 }, nil, { 1, 3 }, { 2, false } },
    { "in", {}, nil, {}, { 1, false } }, { "in", { appsync.null }, nil, { false }, { 1 } },
    { "not_in", { 1, 3 }, nil, { 2, false }, { 1, 3 } }, { "not_in", {}, nil, { 1, false }, {} },
    { "eq", appsync.null, nil, { false }, { 0 } }, { "ne", appsync.null, nil, { 0 }, { false } },
  }
  local BY_TEXT = {
    { "begins_with", "ab", nil, { "ab", "abc" }, { "a", "xab", "AB", false } },
    { "contains", "b.", nil, { "ab.c", "b." }, { "abc", false } }, { "not_contains", "b", nil, { "a", false }, { "ab" } },
    { "gt", "a", nil, { "b", "aa", "\195\164" }, { "a", "Z", false } }, { "lt", "a", nil, { "Z", "" }, { "a", "b", false } },
  }
  local BY_LIST = {
    { "contains", "b", nil, { { "a", "b" } }, { { "ab" }, {}, false } },
    { "not_contains", "b", nil, { { "ab" }, {}, false }, { { "b" } } },
  }

  for field, rows in pairs{ n = BY_NUMBER, title = BY_TEXT, tags = BY_LIST } do
    it("match by each operator, of " .. field, function()
      for _, row in ipairs(rows) do
        local operand = row[3] == nil and row[2] or { row[2], row[3] }
        local tree = predicate.tree(set.Post, { [field] = { [row[1]] = operand } })
        for i = 4, 5 do
          for _, value in ipairs(row[i]) do
            local what = ("%s of %s"):format(row[1], tostring(value))
            local fields = { [field] = value or nil }
            assert.equal(i == 4, predicate.matches(tree, fields), what)
            assert.equal(i == 5, predicate.matches({ "not", tree }, fields), what)
          end
        end
      end
    end)
  end

  it("have no filter for what the service would take for everything", function()
    assert.error_matches(function() predicate.tree(set.Post, { ["or"] = {} }) end, "at least one condition")
    local none, why = predicate.filter(predicate.tree(set.Post, { title = { ["in"] = {} } }))
    assert.is_nil(none)
    assert.matches("empty list of 'title'", why)
    assert.same({}, predicate.filter(predicate.tree(set.Post, {})))
    assert.same({}, predicate.filter(predicate.tree(set.Post, appsync.ALL)))
  end)
end)
