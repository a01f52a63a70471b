local load_schema = require("appsync.server.transform.load")

local function expand(text)
  local s, models = load_schema(text)
  assert(s, models and models.message)
  return models.by_name
end

local function refusal(text)
  local s, err = load_schema(text)
  assert.is_nil(s)
  return err.message
end

-- What data needs of a relation.
local function relation(m, field)
  local found = assert(m.relation_by_field[field], field)
  return { kind = found.kind, model = found.model, index = found.index, own = table.concat(found.local_fields, " "),
    theirs = table.concat(found.remote_fields, " "), limit = found.limit }
end

local function index(m, name)
  for _, found in ipairs(m.indexes) do
    if found.name == name then return found end
  end
end

describe("A relation", function()
  it("to many puts a key into the other model, and an index for it", function()
    local by_name = expand("type Blog @model { id: ID! posts: [Post] @hasMany(limit: 7) } type Post @model { id: ID! }")
    assert.same({ kind = "hasMany", model = "Post", index = "gsi-Blog.posts", own = "id", theirs = "blogPostsId", limit = 7 },
      relation(by_name.Blog, "posts"))
    assert.same({ name = "gsi-Blog.posts", partition = "blogPostsId", sort = {}, is_implied = true },
      index(by_name.Post, "gsi-Blog.posts"))
    local key = by_name.Post.field_by_name.blogPostsId
    assert.is_true(key.is_stored and key.is_foreign)
    assert.is_false(key.is_declared)
    assert.is_false(by_name.Blog.field_by_name.posts.is_stored)
  end)

  it("to many of a composite key puts all of its fields there", function()
    local by_name = expand([[type Shop @model { country: ID! @primaryKey(sortKeyFields: ["city"]) city: String! items: [Item!]! @hasMany }
      type Item @model { id: ID! }]])
    assert.same({ kind = "hasMany", model = "Item", index = "gsi-Shop.items", own = "country city",
      theirs = "shopItemsCountry shopItemsCity", limit = 100 }, relation(by_name.Shop, "items"))
    assert.same({ "shopItemsCity" }, index(by_name.Item, "gsi-Shop.items").sort)
    assert.is_true(by_name.Item.field_by_name.shopItemsCity.is_required)
  end)

  it("to many uses an index that the schema names", function()
    local by_name = expand([[type Blog @model { id: ID! day: AWSDate
        posts: [Post] @hasMany(indexName: "byBlog", fields: ["id"]) of_day: [Post] @hasMany(indexName: "byBlog", fields: ["id", "day"]) }
      type Post @model { id: ID! blogID: ID! @index(name: "byBlog", sortKeyFields: ["day"]) day: AWSDate }]])
    assert.same({ kind = "hasMany", model = "Post", index = "byBlog", own = "id", theirs = "blogID", limit = 100 },
      relation(by_name.Blog, "posts"))
    assert.same({ "day" }, by_name.Blog.relation_by_field.posts.sort)
    assert.equal("day", by_name.Blog.relation_by_field.posts.sort_argument)
    assert.equal("id day", relation(by_name.Blog, "of_day").own)
    assert.equal("blogID day", relation(by_name.Blog, "of_day").theirs)
    assert.is_nil(by_name.Blog.relation_by_field.of_day.sort_argument)
    assert.equal(1, #by_name.Post.indexes)
  end)

  it("to one keeps the other's key, on both sides where both are one", function()
    local by_name = expand("type A @model { id: ID! b: B! @hasOne } type B @model { id: ID! a: A @belongsTo }")
    assert.same({ kind = "hasOne", model = "B", own = "aBId", theirs = "id", limit = 100 }, relation(by_name.A, "b"))
    assert.same({ kind = "belongsTo", model = "A", own = "bAId", theirs = "id", limit = 100 }, relation(by_name.B, "a"))
    assert.is_true(by_name.A.field_by_name.aBId.is_required)
    assert.is_true(by_name.A.relation_by_field.b.is_required)
  end)

  it("that belongs to one of many uses the key that the many have", function()
    local by_name = expand("type Blog @model { id: ID! posts: [Post] @hasMany } type Post @model { id: ID! blog: Blog @belongsTo }")
    assert.same({ kind = "belongsTo", model = "Blog", own = "blogPostsId", theirs = "id", limit = 100 },
      relation(by_name.Post, "blog"))
  end)

  it("may name the fields that hold the key", function()
    local by_name = expand([[type A @model { id: ID! bID: ID b: B @hasOne(fields: ["bID"]) } type B @model { id: ID! }]])
    assert.same({ kind = "hasOne", model = "B", own = "bID", theirs = "id", limit = 100 }, relation(by_name.A, "b"))
  end)

  it("may name references on both sides", function()
    local by_name = expand([[type A @model { id: ID! bs: [B] @hasMany(references: ["aID"]) c: C @hasOne(references: "aID") }
      type B @model { id: ID! aID: ID a: A @belongsTo(references: ["aID"], overrideIndexName: "mine") }
      type C @model { id: ID! aID: String! a: A @belongsTo(references: ["aID"]) }]])
    assert.same({ kind = "hasMany", model = "B", index = "mine", own = "id", theirs = "aID", limit = 100 }, relation(by_name.A, "bs"))
    assert.same({ kind = "hasOne", model = "C", index = "gsi-A.c", own = "id", theirs = "aID", limit = 100 }, relation(by_name.A, "c"))
    assert.same({ kind = "belongsTo", model = "A", own = "aID", theirs = "id", limit = 100 }, relation(by_name.B, "a"))
    assert.equal("aID", index(by_name.B, "mine").partition)
    assert.is_true(index(by_name.C, "gsi-A.c").is_implied)
  end)

  it("of many to many goes through a model of its own", function()
    local by_name = expand([[type Post @model { id: ID! tags: [Tag] @manyToMany(relationName: "postTags", limit: 3) }
      type Tag @model { name: String! @primaryKey(sortKeyFields: ["n"]) n: Int! posts: [Post] @manyToMany(relationName: "PostTags") }]])
    local join = by_name.PostTags
    assert.is_true(join.is_join)
    assert.equal("listPostTags", join.ops.list)
    assert.same({ kind = "hasMany", model = "PostTags", index = "byPost", own = "id", theirs = "postId", limit = 3 },
      relation(by_name.Post, "tags"))
    assert.same({ kind = "hasMany", model = "PostTags", index = "byTag", own = "name n", theirs = "tagName tagn", limit = 100 },
      relation(by_name.Tag, "posts"))
    assert.same({ kind = "hasOne", model = "Tag", own = "tagName tagn", theirs = "name n", limit = 100 }, relation(join, "tag"))
    assert.same({ kind = "hasOne", model = "Post", own = "postId", theirs = "id", limit = 100 }, relation(join, "post"))
    assert.is_true(join.relation_by_field.post.is_required)
    assert.same({ "byPost", "byTag" }, { join.indexes[1].name, join.indexes[2].name })
  end)

  it("joins the rules of both sides", function()
    local join = expand([[type A @model @auth(rules: [{allow: owner}]) { id: ID! bs: [B] @manyToMany(relationName: "AB") }
      type B @model @auth(rules: {allow: public, operations: read}) { id: ID! as: [A] @manyToMany(relationName: "AB") }]]).AB
    assert.same({ "owner", "public" }, { join.rules[1].allow, join.rules[2].allow })
  end)

  local B = " type B @model { id: ID! }"
  for _, row in ipairs({
    { "type A @model { b: B @hasOne } type B { n: Int }",
      "@hasOne of 'A.b' needs a model: type 'B' has no @model (line 1, column 17)" },
    { "type A @model { b: [B] @hasOne }" .. B, "@hasOne of 'A.b' cannot be a list: use @hasMany (line 1, column 24)" },
    { "type A @model { b: [B] @belongsTo }" .. B, "@belongsTo of 'A.b' cannot be a list: use @hasMany (line 1, column 24)" },
    { "type A @model { b: B @hasMany }" .. B, "@hasMany of 'A.b' must be a list: use @hasOne (line 1, column 22)" },
    { "type A @model { b: B @hasOne @belongsTo }" .. B, "'A.b' has two relations (line 1, column 30)" },
    { 'type A @model { b: B @hasOne(fields: ["x"]) }' .. B, "@hasOne's 'fields' names 'x', which model 'A' doesn't have (line 1, column 38)" },
    { 'type A @model { x: Int b: B @hasOne(fields: ["x"]) }' .. B,
      "@hasOne's 'fields': 'A.x' is of type Int, 'B.id' of type ID (line 1, column 45)" },
    { 'type A @model { x: B y: B @hasOne(fields: ["x"]) }' .. B,
      "@hasOne's 'fields' names 'A.x', which isn't a scalar or an enum (line 1, column 43)" },
    { 'type A @model { x: ID y: ID b: B @hasOne(fields: ["x", "y"]) }' .. B,
      "@hasOne's 'fields' must name as many fields as the key of 'B' has: id (line 1, column 50)" },
    { "type A @model { b: B @hasOne(fields: []) }" .. B, "@hasOne: the list of fields is empty (line 1, column 22)" },
    { 'type A @model { x: ID b: B @hasOne(fields: ["x"], references: ["x"]) }' .. B,
      "@hasOne takes 'fields' or 'references', not both (line 1, column 28)" },
    { 'type A @model { id: ID! b: [B] @hasMany(indexName: "none", fields: ["id"]) }' .. B,
      "@hasMany names the index 'none', which model 'B' doesn't have (line 1, column 52)" },
    { 'type A @model { id: ID! n: Int b: [C] @hasMany(indexName: "byA", fields: ["id", "n"]) } type C @model { a: ID @index(name: "byA") }',
      "@hasMany's 'fields' must name the partition field, or one field each for a (line 1, column 74)" },
    { 'type A @model { b: [B] @hasMany(indexName: "x", references: ["x"]) } type B @model { x: ID a: A @belongsTo(references: ["x"]) }',
      "@hasMany takes 'indexName' with 'fields', not with 'references' (line 1, column 44)" },
    { 'type A @model { b: [B] @hasMany(references: ["x"]) }' .. B,
      "@hasMany's 'references' names 'x', which model 'B' doesn't have (line 1, column 45)" },
    { 'type A @model { b: [B] @hasMany(references: ["id"]) }' .. B,
      "'A.b' needs its other side: a field of 'B' with @belongsTo(references: [\"id\"]) (line 1, column 24)" },
    { 'type A @model { b: [C]! @hasMany(references: ["a"]) } type C @model { a: ID c: A @belongsTo(references: ["a"]) }',
      "'A.b' must be nullable (without '!'), because its relation uses references (line 1, column 25)" },
    { 'type A @model { b: [C] @hasMany(references: ["a"]) } type C @model { a: Int c: A @belongsTo(references: ["a"]) }',
      "@hasMany's 'references': 'C.a' is of type Int, 'A.id' of type ID (line 1, column 45)" },
    { 'type A @model { x: ID b: B @belongsTo(overrideIndexName: "i", fields: ["x"]) }' .. B,
      "@belongsTo's 'overrideIndexName' needs 'references' (line 1, column 58)" },
    { "type A @model { b: B @belongsTo }" .. B,
      "'A.b' belongs to 'B', which has no @hasOne or @hasMany field of type 'A' (line 1, column 22)" },
    { 'type A @model { id: ID! b: [B] @manyToMany(relationName: "R") }' .. B,
      "relation 'R' must be used by exactly two @manyToMany fields, not by 1 (line 1, column 32)" },
    { 'type A @model { id: ID! b: B @manyToMany(relationName: "R") }' .. B, "@manyToMany of 'A.b' must be a list (line 1, column 30)" },
    { 'type A @model { id: ID! b: [M] @manyToMany(relationName: "R") } type M { n: Int }',
      "@manyToMany of 'A.b' needs a model: type 'M' has no @model (line 1, column 25)" },
    { 'type A @model { id: ID! b: [C] @manyToMany(relationName: "B") } type C @model { id: ID! a: [A] @manyToMany(relationName: "B") }'
      .. B, "relation 'B' generates a type of this name, but the schema already has one (line 1, column 32)" },
    { 'type A @model { id: ID! b: [B] @manyToMany(relationName: "R") } type B @model { id: ID! c: [B] @manyToMany(relationName: "R") }',
      "relation 'R': 'A.b' is of type 'B' and 'B.c' of type 'B'; each must be a list of the other's type (line 1, column 96)" },
    { 'type A @model { id: ID! b: [B] @manyToMany(relationName: "1") }' .. B,
      "@manyToMany's 'relationName' '1' isn't the name of a type (line 1, column 32)" },
    { "extend type A @key(fields: [\"id\"]) { n: Int } type A @model { id: ID! }",
      "directive @key belongs on the definition of 'A', not on its extension (line 1, column 15)" },
  }) do
    it("is refused: " .. row[1], function() assert.equal(row[2], refusal(row[1])) end)
  end
end)

describe("A connection of the first version", function()
  it("keeps the key where the single one is, hidden in inputs", function()
    local by_name = expand("type A @model { id: ID! b: B! @connection } type B @model { id: ID! }")
    assert.same({ kind = "hasOne", model = "B", own = "aBId", theirs = "id", limit = 100 }, relation(by_name.A, "b"))
    local key = by_name.A.field_by_name.aBId
    assert.is_true(key.is_hidden and key.is_required and key.is_stored)
  end)

  it("puts the key of a list into the other model", function()
    local by_name = expand("type A @model { id: ID! bs: [B] @connection(limit: 10) } type B @model { id: ID! }")
    assert.same({ kind = "hasMany", model = "B", index = "gsi-A.bs", own = "id", theirs = "aBsId", limit = 10 },
      relation(by_name.A, "bs"))
  end)

  it("has one key for both sides of a name", function()
    local by_name = expand([[type A @model { id: ID! bs: [B] @connection(name: "AB", sortField: "at") }
      type B @model { id: ID! at: String! a: A @connection(name: "AB", keyField: "mine", sortField: "at") }]])
    assert.same({ kind = "hasMany", model = "B", index = "gsi-AB", own = "id", theirs = "mine", limit = 100 }, relation(by_name.A, "bs"))
    assert.same({ "at" }, by_name.A.relation_by_field.bs.sort)
    assert.equal("at", by_name.A.relation_by_field.bs.sort_argument)
    assert.same({ kind = "belongsTo", model = "A", own = "mine", theirs = "id", limit = 100 }, relation(by_name.B, "a"))
  end)

  it("goes by fields and keys", function()
    local by_name = expand([[type A @model { id: ID! bs: [B] @connection(keyName: "byA", fields: ["id"]) }
      type B @model @key(name: "byA", fields: ["aID", "at"]) { id: ID! aID: ID! at: String! a: A @connection(fields: ["aID"]) }]])
    assert.same({ kind = "hasMany", model = "B", index = "byA", own = "id", theirs = "aID", limit = 100 }, relation(by_name.A, "bs"))
    assert.equal("at", by_name.A.relation_by_field.bs.sort_argument)
    assert.same({ kind = "belongsTo", model = "A", own = "aID", theirs = "id", limit = 100 }, relation(by_name.B, "a"))
  end)

  it("to one may find the other's sort field in a field of its own", function()
    local by_name = expand([[type A @model { id: ID! bSort: Int b: B @connection(sortField: "bSort") }
      type B @model @key(fields: ["id", "n"]) { id: ID! n: Int! }]])
    assert.equal("aBId bSort", relation(by_name.A, "b").own)
    assert.equal("id n", relation(by_name.A, "b").theirs)
  end)

  local B = " type B @model { id: ID! }"
  for _, row in ipairs({
    { "type A @model { b: B @connection } type B { n: Int }", "@connection of 'A.b' needs a model: type 'B' has no @model (line 1, column 17)" },
    { 'type A @model { b: B @connection(name: "AB") }' .. B, "connection 'AB' of 'A.b' has no other side in 'B' (line 1, column 22)" },
    { 'type A @model { b: [C] @connection(name: "AC") } type C @model { a: [A] @connection(name: "AC") }',
      "connection 'AC' has a list on both sides; join the two models by a third one (line 1, column 24)" },
    { 'type A @model { k: Int b: B @connection(keyField: "k") }' .. B,
      "@connection: the key field 'A.k' must be an ID or a String (line 1, column 51)" },
    { 'type A @model { b: B @connection(keyField: "a b") }' .. B,
      "@connection's 'keyField' 'a b' isn't the name of a field (line 1, column 44)" },
    { 'type A @model { b: [B] @connection(keyName: "x", fields: ["id"]) }' .. B,
      "@connection names the key 'x', which model 'B' doesn't have (line 1, column 45)" },
    { 'type A @model { b: B @connection(fields: ["x"]) }' .. B, "@connection's 'fields' names 'x', which model 'A' doesn't have (line 1, column 42)" },
    { 'type A @model { x: Int b: B @connection(fields: ["x"]) }' .. B,
      "@connection's 'fields': 'A.x' is of another type than 'B.id' (line 1, column 49)" },
    { 'type A @model { x: ID b: B @connection(fields: ["x", "x"]) }' .. B,
      "@connection's 'fields' must be one to 1 fields, for id (line 1, column 48)" },
    { 'type A @model { x: ID b: C @connection(keyName: "k", fields: ["x"]) } type C @model @key(name: "k", fields: ["id"]) { id: ID! }',
      "@connection of 'A.b' isn't a list, so it cannot have a 'keyName' (line 1, column 62)" },
    { 'type A @model { b: B @connection(sortField: "x") }' .. B,
      "@connection's 'sortField' 'x' must be a field of 'A', and the key of 'B' must have a sort field (line 1, column 45)" },
    { 'type A @model { b: [C] @connection(name: "AC") } type C @model { a: A @connection(name: "AC", sortField: "x") }',
      "connection 'AC': the 'sortField' 'x' isn't a field of 'C' (line 1, column 24)" },
    { 'type A @model { b: [C] @connection(name: "AC") } type C @model { x: Boolean a: A @connection(name: "AC", sortField: "x") }',
      "connection 'AC': the 'sortField' 'C.x' must be a scalar with an order (line 1, column 24)" },
    { 'type A @model { b: [C] @connection(name: "AC") } type C @model { x: [Int] a: A @connection(name: "AC", sortField: "x") }',
      "connection 'AC': the 'sortField' 'C.x' must be a scalar with an order (line 1, column 24)" },
  }) do
    it("is refused: " .. row[1], function() assert.equal(row[2], refusal(row[1])) end)
  end
end)
