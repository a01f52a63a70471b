-- Generated operations as clients meet them: schema, engine, store.
local core = require("appsync.core")
local engine = require("appsync.server.engine")

local NULL = core.null

local SCHEMA = [[
type Blog @model { id: ID! name: String! posts: [Post] @hasMany(limit: 2) ranked: [Post] @hasMany(indexName: "byBlog", fields: ["id"]) }
type Post @model {
  id: ID! title: String! rating: Int status: Status tags: [String!] meta: Meta blog: Blog @belongsTo
  labels: [Label] @manyToMany(relationName: "PostLabels") ranked: ID @index(name: "byBlog", sortKeyFields: ["rating"]) }
type Label @model { id: ID! weight: Int posts: [Post] @manyToMany(relationName: "PostLabels")
  name: String @index(name: "byName", queryField: "labelsByName", sortKeyFields: ["weight"]) }
type Order @model { customer: ID! @primaryKey(sortKeyFields: ["year", "number"]) year: Int! number: String! total: Float lines: [Line] @hasMany }
type Line @model { id: ID! text: String @default(value: "none") order: Order @belongsTo }
type Project @model { id: ID! team: Team @hasOne }
type Team @model { id: ID! project: Project @belongsTo }
enum Status { DRAFT LIVE }
type Meta { author: String score: Float }
]]

describe("generated operations", function()
  local served

  before_each(function() served = assert(engine.new({ schema_text = SCHEMA, now = function() return 1795158179.158 end })) end)
  after_each(function() served:close() end)

  local function run(query, variables)
    return core.decode((served:execute({ query = query, variables = variables, request_id = "r-1" })))
  end

  local function data(query, variables)
    local answer = run(query, variables)
    assert.is_nil(answer.errors and core.encode(answer.errors))
    return answer.data
  end

  it("follow relations both ways", function()
    data([[mutation {
      createBlog(input: {id: "b", name: "x"}) { id }
      p1: createPost(input: {id: "p1", title: "one", rating: 3, ranked: "b", blogPostsId: "b"}) { id }
      p2: createPost(input: {id: "p2", title: "two", rating: 1, ranked: "b", blogPostsId: "b"}) { id }
      p3: createPost(input: {id: "p3", title: "three", blogPostsId: "b"}) { id blog { name } }
    }]])
    local blog = data([[{ getBlog(id: "b") {
      posts { items { id blog { name } } nextToken }
      all: posts(limit: 9, filter: {title: {ne: "one"}}) { items { id } }
      ranked(rating: {ge: 1}, sortDirection: DESC) { items { id } } } }]]).getBlog
    assert.same({ { id = "p1", blog = { name = "x" } }, { id = "p2", blog = { name = "x" } } }, blog.posts.items)
    assert.is_string(blog.posts.nextToken)
    assert.same({ { id = "p2" }, { id = "p3" } }, blog.all.items)
    assert.same({ { id = "p1" }, { id = "p2" } }, blog.ranked.items)
  end)

  it("go through the records of many to many, and through an index", function()
    data([[mutation {
      createPost(input: {id: "p", title: "one"}) { id }
      createLabel(input: {id: "l", name: "n", weight: 1}) { id }
      createPostLabels(input: {postId: "p", labelId: "l"}) { id }
    }]])
    assert.same({ labels = { items = { { label = { name = "n" } } } } },
      data('{ getPost(id: "p") { labels { items { label { name } } } } }').getPost)
    assert.same({ { posts = { items = { { post = { title = "one" } } } } } },
      data('{ labelsByName(name: "n", weight: {le: 4}, sortDirection: DESC) { items { posts { items { post { title } } } } } }')
        .labelsByName.items)
  end)

  it("have custom keys, defaults and relations over them", function()
    local made = data([[mutation {
      createOrder(input: {customer: "c", year: 2024, number: "A1", total: 1.5}) { total }
      createLine(input: {id: "l", orderLinesCustomer: "c", orderLinesYear: 2024, orderLinesNumber: "A1"}) { text order { total } }
    }]])
    assert.same({ text = "none", order = { total = 1.5 } }, made.createLine)
    assert.same({ items = { { total = 1.5, lines = { items = { { id = "l" } } } } } },
      data('{ listOrders(customer: "c", yearNumber: {beginsWith: {year: 2024}}) { items { total lines { items { id } } } } }').listOrders)
    assert.same({ total = 1.5 }, data('{ getOrder(customer: "c", year: 2024, number: "A1") { total } }').getOrder)
    assert.equal(2.5, data('mutation { updateOrder(input: {customer: "c", year: 2024, number: "A1", total: 2.5}) { total } }').updateOrder.total)
    assert.equal(2.5, data('mutation { deleteOrder(input: {customer: "c", year: 2024, number: "A1"}) { total } }').deleteOrder.total)
  end)

  it("have one to one", function()
    data('mutation { createTeam(input: {id: "t", teamProjectId: "p"}) { id } createProject(input: {id: "p", projectTeamId: "t"}) { id } }')
    assert.same({ team = { project = { id = "p" } } }, data('{ getProject(id: "p") { team { project { id } } } }').getProject)
    assert.equal(NULL, data('mutation { createProject(input: {id: "q"}) { team { id } } }').createProject.team)
  end)

  it("tell refusals as the service does", function()
    data('mutation { createPost(input: {id: "p", title: "one", rating: 3}) { id } }')
    local answer = run('mutation { updatePost(input: {id: "p", title: "x"}, condition: {rating: {gt: 5}}) { title n: rating } }')
    assert.same({ {
      path = { "updatePost" }, data = { title = "one", n = 3 }, errorType = "DynamoDB:ConditionalCheckFailedException",
      errorInfo = NULL, locations = { { line = 1, column = 12, sourceName = NULL } },
      message = "The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: r-1)",
    } }, answer.errors)
    assert.same({ updatePost = NULL }, answer.data)
    for query, expected in pairs({
      ["{ listOrders(sortDirection: DESC) { items { total } } }"] = "InvalidArgumentsError",
      ["{ listPosts(filter: {rating: {between: [1]}}) { items { id } } }"] = "Unrecognized Filter",
      ['{ listPosts(nextToken: "x") { items { id } } }'] = "DynamoDB:UserIllegalArgumentException",
      ["{ listPosts(limit: -1) { items { id } } }"] = "BadRequestException",
      ['{ getPost(id: "") { id } }'] = "DynamoDB:DynamoDbException",
    }) do
      local refused = run(query)
      assert.equal(expected, refused.errors[1].errorType, query)
      assert.equal(NULL, select(2, next(refused.data)))
    end
  end)

  it("have versions", function()
    local versioned = assert(engine.new({ schema_text = "type Post @model @versioned { id: ID! title: String version: Int! }" }))
    local function exchange(query) return core.decode((versioned:execute({ query = query }))) end
    assert.equal(1, exchange('mutation { createPost(input: {id: "p", title: "a"}) { version } }').data.createPost.version)
    local UPDATE = 'mutation { updatePost(input: {id: "p", title: "b", expectedVersion: 1}) { title version } }'
    assert.equal(2, exchange(UPDATE).data.updatePost.version)
    local err = exchange(UPDATE).errors[1]
    assert.equal("DynamoDB:ConditionalCheckFailedException", err.errorType)
    assert.same({ title = "b", version = 2 }, err.data)
    assert.equal("b", exchange('mutation { deletePost(input: {id: "p", expectedVersion: 2}) { title } }').data.deletePost.title)
    versioned:close()
  end)

  it("take a seed with relations' keys", function()
    local counts = assert(served:seed('{"Blog": [{"id": "b", "name": "x"}], "Post": [{"title": "t", "blogPostsId": "b"}]}', "s"))
    assert.equal(2, counts.created)
    assert.equal("t", data('{ getBlog(id: "b") { posts { items { title } } } }').getBlog.posts.items[1].title)
    local _, err = served:seed('{"Post": [{"title": "t", "blog": {"id": "b"}}]}', "s")
    assert.equal("s: Post[0].blog: is a relation to Blog and is not stored; give blogPostsId instead", err.message)
    _, err = served:seed('{"Blog": [{"id": "c", "name": "x", "posts": []}]}', "s")
    assert.equal("s: Blog[0].posts: is a relation to Post and is not stored; give blogPostsId instead", err.message)
  end)
end)
