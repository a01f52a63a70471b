local core = require("appsync.core")
local engine = require("appsync.server.engine")
local process = require("spec.support.process")
local store = require("appsync.server.data.store")
local tokens = require("appsync.server.data.token")
local word_pattern = require("appsync.server.search.word_pattern")

local SCHEMA = [[
enum Status { OPEN CLOSED }
type Post @model @searchable {
  id: ID!
  title: String
  views: Int
  rating: Float
  isDraft: Boolean
  status: Status
  tags: [String]
  at: AWSDateTime
  rank: String
}
]]

-- What Amplify's code generation writes for a search.
local DOCUMENT = [[query SearchPosts($filter: SearchablePostFilterInput, $sort: [SearchablePostSortInput], $limit: Int, $nextToken: String,
  $from: Int, $aggregates: [SearchablePostAggregationInput]) {
  searchPosts(filter: $filter, sort: $sort, limit: $limit, nextToken: $nextToken, from: $from, aggregates: $aggregates) {
    items { id title views rating isDraft status tags at createdAt updatedAt __typename }
    nextToken
    total
    aggregateItems {
      name
      result {
        ... on SearchableAggregateScalarResult { value }
        ... on SearchableAggregateBucketResult { buckets { key doc_count __typename } }
      }
      __typename
    }
    __typename
  }
}]]

describe("a search", function()
  local made

  local function make(schema, options)
    options = options or {}
    options.schema_text = schema
    made = assert(engine.new(options))
  end

  local function run(query, variables, identity)
    return assert(core.decode((made:execute({ query = query, variables = variables, identity = identity }))))
  end

  local function create(posts)
    for _, post in ipairs(posts) do
      local answer = run("mutation M($input: CreatePostInput!) { createPost(input: $input) { id } }", { input = post })
      assert.is_nil(answer.errors)
    end
  end

  local function search(arguments)
    local answer = run(DOCUMENT, arguments)
    if answer.errors then return answer.errors[1].errorType .. ": " .. answer.errors[1].message end
    return answer.data.searchPosts
  end

  local function ids(found)
    if type(found) == "string" then return found end
    local list = {}
    for i, item in ipairs(found.items) do list[i] = item.id end
    return table.concat(list, " ")
  end

  local function found(filter) return ids(search({ filter = filter, sort = { { field = "id", direction = "asc" } } })) end

  before_each(function()
    make(SCHEMA)
    create({
      { id = "1", title = "Hello World", views = 10, rating = 0.5, isDraft = true, status = "OPEN", tags = { "a", "b c" },
        at = "2024-01-01T00:00:00Z", rank = "word" },
      { id = "2", title = "hello there, world", views = 20, rating = 1.5, isDraft = false, status = "CLOSED", tags = { "b" },
        at = "2024-06-01T00:00:00Z" },
      { id = "3", title = "Good-bye foo_bar", views = 30, status = "OPEN", tags = setmetatable({}, core.array_mt) },
      { id = "4", title = "Über uns", views = 20, isDraft = true },
      { id = "5" },
    })
  end)

  after_each(function() made:close() end)

  local FILTERS = {
    { "match", { title = { match = "hello bye" } }, "1 2 3" }, { "match in any case", { title = { match = "WORLD" } }, "1 2" },
    { "match of letters beyond ASCII", { title = { match = "über" } }, "4" }, { "match that keeps accents", { title = { match = "uber" } }, "" },
    { "match of an underscore", { title = { match = "foo" } }, "" }, { "match of nothing", { title = { match = "-- !" } }, "" },
    { "match of what FTS5 would read", { title = { match = 'x" OR title : hello* NEAR(a b) ^y\0z' } }, "1 2" },
    { "matchPhrase", { title = { matchPhrase = "hello world" } }, "1" }, { "matchPhrase over a comma", { title = { matchPhrase = "there world" } }, "2" },
    { "matchPhrase of nothing", { title = { matchPhrase = "" } }, "" },
    { "matchPhrasePrefix", { title = { matchPhrasePrefix = "hello th" } }, "2" },
    { "multiMatch", { title = { multiMatch = "there uns" } }, "2 4" },
    { "match in a list", { tags = { match = "b" } }, "1 2" }, { "match of a field that FTS5 keeps for itself", { rank = { match = "word" } }, "1" },
    { "wildcard", { title = { wildcard = "H?ll*" } }, "1 2" }, { "wildcard of one word only", { title = { wildcard = "*o w*" } }, "" },
    { "regexp", { title = { regexp = "(good|uns)" } }, "3 4" }, { "regexp of a whole word", { title = { regexp = "goo" } }, "" },
    { "eq", { title = { eq = "Hello World" } }, "1" }, { "eq, which is exact", { title = { eq = "hello world" } }, "" },
    { "ne", { title = { ne = "Hello World" } }, "2 3 4 5" }, { "eq in a list", { tags = { eq = "b c" } }, "1" },
    { "numbers", { views = { gt = 10, lte = 20 } }, "2 4" }, { "gte and lt", { views = { gte = 20, lt = 30 } }, "2 4" },
    { "floats", { rating = { gt = 1 } }, "2" }, { "range", { views = { range = { 10, 20 } } }, "1 2 4" },
    { "range without an end", { views = { range = { 20 } } }, "2 3 4" },
    { "range of texts", { at = { range = { "2024-02-01", "2025" } } }, "2" }, { "booleans", { isDraft = { eq = true } }, "1 4" },
    { "ne of booleans", { isDraft = { ne = true } }, "2 3 5" }, { "enums", { status = { eq = "OPEN" } }, "1 3" },
    { "exists", { tags = { exists = true } }, "1 2" }, { "exists not", { title = { exists = false } }, "5" },
    { "several fields, which must all hold", { views = { eq = 20 }, title = { match = "hello" } }, "2" },
    { "several conditions of one field", { title = { match = "hello", ne = "Hello World" } }, "2" },
    { "and", { ["and"] = { { views = { eq = 20 } }, { title = { match = "uns" } } } }, "4" },
    { "or", { ["or"] = { { views = { eq = 10 } }, { title = { match = "bye" } } } }, "1 3" },
    { "not", { ["not"] = { title = { match = "hello" } } }, "3 4 5" }, { "nothing at all", {}, "1 2 3 4 5" },
    { "null, which is nothing", { title = core.null, views = { eq = core.null } }, "1 2 3 4 5" },
    { "no alternatives", { ["or"] = setmetatable({}, core.array_mt) }, "1 2 3 4 5" },
  }
  for _, row in ipairs(FILTERS) do
    it("finds by " .. row[1], function() assert.equal(row[3], found(row[2])) end)
  end

  it("follows what is written", function()
    assert.equal("1 2", found({ title = { match = "hello" } }))
    run('mutation { updatePost(input: { id: "1", title: "changed" }) { id } deletePost(input: { id: "2" }) { id } }')
    create({ { id = "6", title = "hello again" } })
    assert.equal("6", found({ title = { match = "hello" } }))
    assert.equal("1", found({ title = { match = "changed" } }))
  end)

  it("follows a reload that changes the fields", function()
    assert.equal("1", found({ rank = { match = "word" } }))
    assert(made:reload({ schema_text = SCHEMA:gsub("rank: String", "rank: String extra: String") }))
    create({ { id = "6", extra = "word" } })
    assert.equal("6", found({ extra = { match = "word" } }))
    assert(made:reload({ schema_text = SCHEMA }))
    assert.equal("1", found({ rank = { match = "word" } }))
  end)

  it("doesn't mix up models", function()
    make("type Post @model @searchable { title: String } type Note @model @searchable { title: String }")
    create({ { id = "p", title = "word" } })
    run('mutation { createNote(input: { title: "word other" }) { id } }')
    local data = run('{ searchPosts(filter: {title: {match: "word"}}) { total } searchNotes(filter: {title: {match: "other"}}) { total } }').data
    assert.same({ searchPosts = { total = 1 }, searchNotes = { total = 1 } }, data)
  end)

  it("finds in a file that was there before, which keeps nothing of the index", function()
    local path = process.temporary(".db")
    make(SCHEMA, { store = path })
    create({ { id = "1", title = "kept words" } })
    assert.equal("1", found({ title = { match = "words" } }))
    made:close()
    make(SCHEMA, { store = path })
    assert.equal("1", found({ title = { match = "words" } }))
    assert.same({}, made.store:values("SELECT name FROM main.sqlite_master WHERE name LIKE '%words%'"))
    made:close()
    process.stop_all()
    make(SCHEMA)
  end)

  it("finds no deleted record of a versioned model, and knows its versions", function()
    make(SCHEMA, { conflict = { handler = "AUTOMERGE" } })
    create({ { id = "1", title = "words" }, { id = "2", title = "words" } })
    run('mutation { updatePost(input: { id: "1", title: "words too", _version: 1 }) { id } deletePost(input: { id: "2", _version: 1 }) { _deleted } }')
    assert.equal("1", found({ title = { match = "words" } }))
    assert.equal(1, search({}).total)
    assert.equal("1", found({ _version = { eq = 2 } }))
    assert.equal("", found({ _version = { gt = 2 } }))
  end)

  it("is sorted by the key, the last first, unless it's asked for otherwise", function()
    assert.equal("5 4 3 2 1", ids(search({})))
    assert.equal("3 4 2 1 5", ids(search({ sort = { { field = "views" } } }))) -- without a value: last
    assert.equal("1 2 4 3 5", ids(search({ sort = { { field = "views", direction = "asc" }, { field = "id", direction = "asc" } } })))
    assert.equal("4 1 2 5 3", ids(search({ sort = { { field = "isDraft", direction = "desc" } } })))
    assert.equal("1 2 3 4 5", ids(search({ sort = { { direction = "asc" } } })))
    assert.equal("1 2 5 4 3", ids(search({ sort = { { field = "tags", direction = "desc" } } })))
  end)

  it("goes on behind a page, whatever the order", function()
    for _, sort in ipairs({ {}, { { field = "views", direction = "asc" } }, { { field = "views" }, { field = "id", direction = "asc" } },
      { { field = "rating" } }, { { field = "isDraft", direction = "asc" }, { field = "title" } } }) do
      local all = ids(search({ sort = sort }))
      for limit = 1, 3 do
        local pages, token = {}, nil
        repeat
          local page = search({ sort = sort, limit = limit, nextToken = token })
          assert.equal(5, page.total)
          if #page.items > 0 then pages[#pages + 1] = ids(page) end
          token = page.nextToken
        until token == core.null
        assert.equal(all, table.concat(pages, " "))
      end
    end
    assert.equal("3 2", ids(search({ from = 2, limit = 2 })))
    assert.same(core.null, search({ from = 5 }).nextToken)
    assert.equal("", ids(search({ limit = 0 })))
  end)

  it("refuses a token that isn't of it, and a window that is none", function()
    local token = search({ limit = 1 }).nextToken
    assert.matches("Invalid", search({ limit = 1, nextToken = token, sort = { { field = "views" } } }))
    assert.is_string(search({ nextToken = "nonsense" }))
    assert.is_string(search({ nextToken = tokens.encode("Query.searchPosts, id desc", { "n" }) }))
    assert.equal("BadRequestException: search: 'limit' and 'from' are not below 0", search({ limit = -1 }))
    assert.matches("Result window is too large, from %+ size must be less than or equal to: %[10000%] but was %[10001%]",
      search({ limit = 1, from = 10000 }))
  end)

  local function aggregate(kind, field)
    local result = search({ aggregates = { { name = "x", type = kind, field = field } } })
    if type(result) == "string" then return result end
    local value = result.aggregateItems[1].result
    if value == core.null then return "null" end
    if not value.buckets then return value.value end
    local parts = {}
    for i, bucket in ipairs(value.buckets) do parts[i] = bucket.key .. "=" .. bucket.doc_count end
    return table.concat(parts, " ")
  end

  it("aggregates", function()
    assert.equal("OPEN=2 CLOSED=1", aggregate("terms", "status"))
    assert.equal("a=1 b=1 b c=1", aggregate("terms", "tags"))
    assert.equal("20=2 10=1 30=1", aggregate("terms", "views"))
    assert.equal("1=2 0=1", aggregate("terms", "isDraft"))
    assert.equal("word=1", aggregate("terms", "rank"))
    assert.equal(20, aggregate("avg", "views"))
    assert.equal(10, aggregate("min", "views"))
    assert.equal(30, aggregate("max", "views"))
    assert.equal(2, aggregate("sum", "rating"))
    assert.equal(3, aggregate("cardinality", "views"))
    assert.equal(2, aggregate("cardinality", "status"))
    assert.equal("BadRequestException: Field [title] of type [keyword] is not supported for aggregation [avg]", aggregate("avg", "title"))
  end)

  it("aggregates what it has found, however few of it the page shows", function()
    local result = search({ filter = { title = { match = "hello" } }, limit = 1, aggregates = {
      { name = "n", type = "sum", field = "views" }, { name = "same", type = "max", field = "views" },
      { name = "same", type = "min", field = "views" } } })
    assert.equal(2, result.total)
    assert.same({ { "n", 30 }, { "same", 10 } }, { { result.aggregateItems[1].name, result.aggregateItems[1].result.value },
      { result.aggregateItems[2].name, result.aggregateItems[2].result.value } })
    result = search({ filter = { title = { match = "nothing" } }, aggregates = {
      { name = "t", type = "terms", field = "views" }, { name = "a", type = "avg", field = "views" } } })
    assert.same({ core.null, core.null }, { result.aggregateItems[1].result, result.aggregateItems[2].result })
    assert.same({}, search({}).aggregateItems)
  end)

  it("has limits", function()
    local many, deep = {}, { title = { match = "hello" } }
    for i = 1, 301 do many[i] = { views = { eq = i } } end
    assert.equal("BadRequestException: search: a filter has at most 300 conditions", found({ ["or"] = many }))
    for i = 1, 16 do deep = i % 2 == 0 and { ["not"] = deep } or { ["or"] = { deep, { ["and"] = { { views = { eq = 1 } } } } } } end
    assert.equal("BadRequestException: search: a filter nests at most 15 deep", found(deep))
    local sorts, aggregates = {}, {}
    for i = 1, 51 do
      sorts[i], aggregates[i] = { field = "views" }, { name = "n" .. i, type = "sum", field = "views" }
    end
    assert.equal("BadRequestException: search: at most 20 sorts, not 51", search({ sort = sorts }))
    assert.equal("BadRequestException: search: at most 50 aggregates, not 51", search({ aggregates = aggregates }))
    local words = "search: the texts of all conditions for words have at most 10000 bytes"
    assert.equal("BadRequestException: " .. words, found({ title = { match = ("x"):rep(10001) } }))
    assert.equal("BadRequestException: " .. words, found({ title = { match = ("x"):rep(5000), matchPhrase = ("x"):rep(5001) } }))
    assert.matches("a pattern has at most 1000 bytes", found({ title = { wildcard = ("*"):rep(1001) } }))
  end)

  it("has one budget for all of its patterns", function()
    local budget = word_pattern.budget
    finally(function() word_pattern.budget = budget end)
    word_pattern.budget = function() return { n_left = 1000 } end
    local many = {}
    for i = 1, 100 do many[i] = { title = { regexp = "he.*" .. i } } end
    assert.equal("1 2", found({ title = { regexp = "he.*" } }))
    assert.equal("BadRequestException: search: its patterns take too long for the words that there are", found({ ["or"] = many }))
  end)

  it("asks its filter once, whatever is made of what it finds", function()
    local opened = store.open(":memory:")
    local n_asked, values = 0, opened.values
    function opened.values(self, sql, ...)
      if sql:find("json_extract(items.json, '$.\"views\"') > ?", 1, true) then n_asked = n_asked + 1 end
      return values(self, sql, ...)
    end
    make(SCHEMA, { store = opened })
    create({ { id = "1", views = 1 }, { id = "2", views = 3 } })
    local result = search({ filter = { views = { gt = 1 } }, aggregates = { { name = "a", type = "sum", field = "views" },
      { name = "b", type = "terms", field = "views" } } })
    assert.same({ 1, 3, "2", 1 }, { result.total, result.aggregateItems[1].result.value, ids(result), n_asked })
  end)

  it("is right up to its limits", function()
    local many = {}
    for i = 1, 150 do many[i] = { views = { eq = i } } end
    assert.equal("1 2 3 4", found({ ["or"] = many }))
    many = {}
    for i = 1, 150 do many[i] = { views = { ne = 1000 + i } } end
    assert.equal("1 2 3 4 5", found({ ["and"] = many }))
    local deep = { title = { match = "hello" } }
    for i = 1, 14 do
      deep = i % 2 == 0 and { ["not"] = deep, views = { ne = 99 } } or { ["or"] = { deep, { views = { eq = 99 } } } }
    end
    assert.equal("3 4 5", found(deep))
  end)

  it("is what the first version of the transformer made of it", function()
    make([[type Post @model @searchable @key(fields: ["id", "n"]) { id: ID! n: Int! title: String }
      type Other @model @searchable(queries: { search: "findOthers" }) { id: ID! }]])
    create({ { id = "1", n = 1, title = "b" }, { id = "2", n = 1, title = "a" } })
    local data = run([[{ a: searchPosts(sort: { field: title, direction: asc }, filter: { title: { exists: true } }) { items { id } nextToken total }
      b: searchPosts(limit: 1) { items { id } } findOthers { total } }]]).data
    assert.equal("2 1", ids(data.a))
    assert.equal("2", ids(data.b))
    assert.equal(2, data.a.total)
    assert.equal(0, data.findOthers.total)
  end)

  describe("under rules of @auth", function()
    local function user(name, groups)
      return { mode = "AMAZON_COGNITO_USER_POOLS", username = name, sub = name, groups = groups,
        claims = { sub = name, username = name, ["cognito:groups"] = groups } }
    end
    local MODES = { default = "AMAZON_COGNITO_USER_POOLS", additional = { API_KEY = true } }

    it("shows to an owner and to a group what is theirs, in items, totals and aggregates", function()
      make([[type Post @model @searchable @auth(rules: [{ allow: owner }, { allow: groups, groupsField: "teams" },
        { allow: groups, groups: ["admin"] }]) { title: String teams: [String] n: Int }]], { auth_modes = MODES })
      local function add(who, title, n, teams)
        local answer = run("mutation M($input: CreatePostInput!) { createPost(input: $input) { id } }",
          { input = { title = title, n = n, teams = teams } }, user(who, { "admin" }))
        assert.is_nil(answer.errors)
      end
      local function add_own(who, title, n)
        assert.is_nil(run("mutation M($input: CreatePostInput!) { createPost(input: $input) { id } }",
          { input = { title = title, n = n } }, user(who)).errors)
      end
      add_own("ann", "of ann", 1)
      add_own("bob", "of bob", 2)
      add("root", "of the team", 4, { "blue" })
      local function seen(identity)
        local answer = run([[{ searchPosts(filter: { title: { match: "of" } }, aggregates: [{ name: "n", type: sum, field: n }]) { total items { title owner }
          aggregateItems { result { ... on SearchableAggregateScalarResult { value } } } } }]], nil, identity)
        if answer.errors then return answer.errors[1].errorType end
        local all = answer.data.searchPosts
        return #all.items .. " " .. all.total .. " " .. all.aggregateItems[1].result.value
      end
      assert.equal("1 1 1", seen(user("ann")))
      assert.equal("2 2 6", seen(user("bob", { "blue" })))
      assert.equal("3 3 7", seen(user("root", { "admin" })))
      assert.equal("0 0 0", seen(user("eve", { "red" })))
      assert.equal("Unauthorized", seen({ mode = "API_KEY" }))
    end)

    it("refuses what no rule allows, and aggregates of what may not be seen", function()
      make([[type Post @model @searchable @auth(rules: [{ allow: private, operations: [create, get, list] }, { allow: groups, groups: ["s"],
        operations: [search] }]) { title: String, owner: String, n: Int @auth(rules: [{ allow: groups, groups: ["n"] }])
        secret: Int @auth(rules: [{ allow: owner }]) }
        type Note @model @searchable @auth(rules: [{ allow: private, operations: [create, get, list] }]) { text: String }]], { auth_modes = MODES })
      run('mutation { createPost(input: { title: "a", secret: 5, owner: "ann" }) { id } }', nil, user("ann"))
      assert.equal("Unauthorized", run("{ searchNotes { total } }", nil, user("ann")).errors[1].errorType)
      assert.equal(1, run("{ searchPosts { total } }", nil, user("ann")).data.searchPosts.total) -- as the owner of a field
      assert.equal(0, run("{ searchPosts { total } }", nil, user("eve")).data.searchPosts.total)
      local function sum(identity, field)
        local answer = run(([[{ searchPosts(aggregates: [{ name: "s", type: sum, field: %s }]) { total aggregateItems { result {
          ... on SearchableAggregateScalarResult { value } } } } }]]):format(field or "secret"), nil, identity)
        return answer.errors and answer.errors[1].message or answer.data.searchPosts.aggregateItems[1].result.value
      end
      assert.equal(5, sum(user("ann", { "s" })))
      assert.equal(0, sum(user("eve", { "s" })))
      assert.equal("Unauthorized to run aggregation on field: n", sum(user("eve", { "s" }), "n"))
      assert.equal(0, sum(user("eve", { "s", "n" }), "n"))
    end)
  end)

  it("is refused where it means nothing", function()
    for schema, message in pairs({
      ["type A @searchable { id: ID! } type Query { a: A }"] = "directive @searchable is only for types with @model, and 'A' has none",
      ['type A @model @searchable(queries: { search: "a b" }) { id: ID! }'] = "@searchable's 'queries.search' must be a name or null",
    }) do
      local none, err = engine.new({ schema_text = schema })
      assert.is_nil(none)
      assert.is_truthy(err.message:find(message, 1, true), err.message)
    end
  end)
end)
