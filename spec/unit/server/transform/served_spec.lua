-- What the transformation tells of a model is what its operations go by.
local core = require "appsync.core"
local engine = require "appsync.server.engine"

local served

local function serve(text)
  local n = 0
  local function next_id()
    n = n + 1
    return "id-" .. n
  end
  served = assert(engine.new({ schema_text = text, uuid = next_id, now = function() return 0 end }))
end

local function data(query)
  local answer = core.decode((served:execute({ query = query, request_id = "R" })))
  assert.is_nil(answer.errors and answer.errors[1].message)
  return answer.data
end

local function list(...)
  return { items = setmetatable({ ... }, core.array_mt) }
end

describe("A transformed schema serves", function()
  after_each(function() served:close() end)

  it("relations, both ways", function()
    serve([[type Blog @model { id: ID! posts: [Post] @hasMany }
      type Post @model { id: ID! title: String! blog: Blog @belongsTo cover: Cover @hasOne }
      type Cover @model { id: ID! post: Post @belongsTo }]])
    data('mutation { createBlog(input: {id: "b"}) { id } createPost(input: {id: "p", title: "t", blogPostsId: "b"}) { id } }')
    data('mutation { createCover(input: {id: "c", coverPostId: "p"}) { id } updatePost(input: {id: "p", postCoverId: "c"}) { id } }')
    assert.same({ posts = list({ title = "t", blog = { id = "b" }, cover = { post = { id = "p" } } }) },
      data('{ getBlog(id: "b") { posts { items { title blog { id } cover { post { id } } } } } }').getBlog)
  end)

  it("relations by references and by indexes", function()
    serve([[type A @model { id: ID! bs: [B] @hasMany(references: ["aID"]) cs: [C] @hasMany(indexName: "byA", fields: ["id"]) }
      type B @model { id: ID! aID: ID a: A @belongsTo(references: ["aID"]) }
      type C @model { id: ID! aID: ID @index(name: "byA", queryField: "csByA", sortKeyFields: ["at"]) at: String! }]])
    data([[mutation { createA(input: {id: "a"}) { id } createB(input: {id: "b", aID: "a"}) { id }
      c1: createC(input: {id: "c1", aID: "a", at: "1"}) { id } c2: createC(input: {id: "c2", aID: "a", at: "2"}) { id } }]])
    assert.same({ bs = list({ a = { id = "a" } }), cs = list({ id = "c2" }) },
      data('{ getA(id: "a") { bs { items { a { id } } } cs(at: {gt: "1"}) { items { id } } } }').getA)
    assert.same(list({ id = "c2" }, { id = "c1" }), data('{ csByA(aID: "a", sortDirection: DESC) { items { id } } }').csByA)
  end)

  it("models whose rules leave some of their operations open, and those that they lead to", function()
    serve([[type Club @model @auth(rules: [{allow: owner, operations: [create, update]}]) { id: ID! name: String
        members: [Member] @connection(keyName: "byClub", fields: ["id"]) }
      type Member @model @key(name: "byClub", fields: ["clubID"]) @auth(rules: [{allow: owner, operations: [delete]}]) {
        id: ID! clubID: ID! club: Club @connection(fields: ["clubID"]) }]])
    data('mutation { createClub(input: {id: "c", name: "n"}) { id } createMember(input: {id: "m", clubID: "c"}) { id } }')
    assert.same({ members = list({ club = { name = "n" } }) },
      data('{ getClub(id: "c") { members { items { club { name } } } } }').getClub)
  end)

  it("models whose names begin with a small letter", function()
    serve([[type order @model { id: ID! state: String @index(name: "byState", queryField: "ordersByState") lines: [order_line] @hasMany }
      type order_line @model { id: ID! order: order @belongsTo }]])
    data([[mutation ($input: CreateOrderInput = {id: "o", state: "new"}, $if: ModelOrderConditionInput) {
      createOrder(input: $input, condition: $if) { id } createOrder_line(input: {id: "l", orderLinesId: "o"}) { id } }]])
    assert.same(list({ id = "o", __typename = "order" }), data([[query ($filter: ModelOrderFilterInput = {state: {eq: "new"}}) {
      listOrders(filter: $filter) { items { id __typename } } }]]).listOrders)
    assert.same({ __typename = "ModelorderConnection", items = list({ lines = list({ order = { id = "o" } }) }).items },
      data([[query ($filter: ModelorderFilterInput = {state: {ne: "old"}}, $of: Modelorder_lineFilterInput) {
        ordersByState(state: "new", filter: $filter) { __typename items { lines(filter: $of) { items { order { id } } } } } }]]).ordersByState)
  end)

  it("lists of enum values that a query by an index is filtered by", function()
    serve([[enum Kind { A B }
      type Post @model(queries: {list: null}) { id: ID! kinds: [Kind!]! by: ID @index(name: "byBy", queryField: "postsBy") }]])
    data('mutation { createPost(input: {id: "p", by: "x", kinds: [A]}) { id } }')
    assert.same(list({ id = "p" }), data('{ postsBy(by: "x", filter: {kinds: {contains: A}}) { items { id } } }').postsBy)
  end)

  it("lists with an argument that their index knows nothing of", function()
    serve([[type Blog @model { id: ID! posts: [Post] @hasMany }
      type Post @model { id: ID! @primaryKey(sortKeyFields: ["title", "day"]) title: String! day: AWSDate! }]])
    data([[mutation { createBlog(input: {id: "b"}) { id }
      createPost(input: {id: "p", title: "t", day: "2020-01-02", blogPostsId: "b"}) { id } }]])
    assert.same(list({ id = "p" }), data('{ getBlog(id: "b") { posts(titleDay: {eq: {title: "other"}}) { items { id } } } }').getBlog.posts)
    assert.same(list({ id = "p" }),
      data('{ listPosts(id: "p", titleDay: {beginsWith: {title: "t", day: "2020-"}}) { items { id } } }').listPosts)
  end)

  it("many to many", function()
    serve([[type Post @model { id: ID! tags: [Tag] @manyToMany(relationName: "PostTags") }
      type Tag @model { name: String! @primaryKey posts: [Post] @manyToMany(relationName: "PostTags") }]])
    data([[mutation { createPost(input: {id: "p"}) { id } createTag(input: {name: "t"}) { name }
      createPostTags(input: {postId: "p", tagName: "t"}) { id } }]])
    assert.same({ tags = list({ tag = { posts = list({ post = { id = "p" } }) } }) },
      data('{ getPost(id: "p") { tags { items { tag { posts { items { post { id } } } } } } } }').getPost)
  end)

  it("composite keys", function()
    serve([[type Order @model { customer: ID! @primaryKey(sortKeyFields: ["year", "number"]) year: Int! number: String! total: Float }]])
    data([[mutation { a: createOrder(input: {customer: "c", year: 1, number: "x"}) { year }
      b: createOrder(input: {customer: "c", year: 2, number: "y"}) { year }
      updateOrder(input: {customer: "c", year: 1, number: "x", total: 5}) { total } }]])
    assert.equal(5, data('{ getOrder(customer: "c", year: 1, number: "x") { total } }').getOrder.total)
    assert.same(list({ year = 2 }),
      data('{ listOrders(customer: "c", yearNumber: {gt: {year: 1, number: "x"}}) { items { year } } }').listOrders)
  end)

  it("defaults", function()
    serve('enum E { A B } type T @model { id: ID! n: Int @default(value: "3") e: E @default(value: "B") }')
    assert.same({ n = 3, e = "B" }, data("mutation { createT(input: {}) { n e } }").createT)
  end)

  it("versions and connections of the first transformer", function()
    serve([[type Blog @model @versioned { id: ID! posts: [Post] @connection(name: "BlogPosts") }
      type Post @model { id: ID! blog: Blog @connection(name: "BlogPosts") notes: [Note] @connection first: Note @connection }
      type Note @model { id: ID! text: String }]])
    data([[mutation { createBlog(input: {id: "b"}) { version } n: createNote(input: {id: "n", text: "t"}) { id } }]])
    data([[mutation { createPost(input: {id: "p", postBlogId: "b", postFirstId: "n"}) { id }
      updateNote(input: {id: "n", postNotesId: "p"}) { id } }]])
    assert.same({ posts = list({ blog = { id = "b" }, notes = list({ text = "t" }), first = { text = "t" } }), version = 1 },
      data('{ getBlog(id: "b") { version posts { items { blog { id } notes { items { text } } first { text } } } } }').getBlog)
    local answer = core.decode((served:execute({ query = 'mutation { updateBlog(input: {id: "b", expectedVersion: 7}) { version } }' })))
    assert.equal("DynamoDB:ConditionalCheckFailedException", answer.errors[1].errorType)
  end)
end)
