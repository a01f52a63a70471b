-- What the rules put around the generated resolvers.
local core = require("appsync.core")
local guarded_fields = require("appsync.server.auth.guarded_fields")
local model_guard = require("appsync.server.auth.model_guard")

local NULL = core.null
local ALL = { create = true, update = true, delete = true, get = true, list = true, sync = true, listen = true, search = true }

local function owner(field)
  return { allow = "owner", mode = "AMAZON_COGNITO_USER_POOLS", operations = ALL, owner_field = field or "owner",
    identity_claims = { "sub", "username" } }
end
local function group(name)
  return { allow = "groups", mode = "AMAZON_COGNITO_USER_POOLS", operations = ALL, groups = { name } }
end

local function model(name, rules, more)
  local m = { name = name, rules = rules, field_rules = {}, level = "on", fields = {}, field_by_name = {}, relations = {},
    ops = { create = "create" .. name, update = "update" .. name, delete = "delete" .. name }, key = { partition = "id" } }
  for _, field in ipairs({ "id", "owner", "text" }) do
    m.fields[#m.fields + 1] = { name = field }
    m.field_by_name[field] = m.fields[#m.fields]
  end
  for key, value in pairs(more or {}) do m[key] = value end
  return m
end

local POSTS = { field = "posts", kind = "hasMany", model = "Post" }
local BLOG = { field = "blog", kind = "belongsTo", model = "Blog" }

local function attach(models)
  local stored = { id = "1", owner = "s::bob" }
  local generated = { Mutation = {}, Blog = { posts = function() return { items = { 1 } } end },
    Post = { blog = function() return { id = "b" } end } }
  for _, m in ipairs(models) do
    for _, name in pairs(m.ops) do generated.Mutation[name] = function() return stored end end
  end
  guarded_fields.attach(generated, models, model_guard.new(models), { mutation = { name = "Mutation" } })
  return generated, stored
end

describe("an owner's field", function()
  it("shows the last part of what is stored", function()
    local generated = attach({ model("Blog", { owner() }) })
    assert.equal("bob", generated.Blog.owner({ source = { owner = "s::bob" } }))
    assert.is_nil(generated.Blog.owner({ source = {} }))
    assert.is_nil(generated.Blog.text)
  end)

  it("is one of the rules of a field, too", function()
    local generated = attach({ model("Blog", { group("A") }, { field_rules = { text = { owner() } } }) })
    assert.equal("bob", generated.Blog.owner({ source = { owner = "s::bob" } }))
  end)
end)

describe("the result of a mutation", function()
  local IN_MUTATION, ELSEWHERE = { source = { __operation = "Mutation" } }, { source = {} }

  it("is marked where something depends on it, and what is stored isn't touched", function()
    local generated, stored = attach({ model("Blog", { owner() }, { relations = { POSTS } }), model("Post", { group("A") }) })
    local marked = generated.Mutation.createBlog({})
    assert.equal("Mutation", marked.__operation)
    assert.equal("1", marked.id)
    assert.is_nil(stored.__operation)
    assert.is_nil(generated.Mutation.createPost({}).__operation)
    generated = attach({ model("Blog", { owner() }, { field_rules = { text = { group("A") } } }) })
    assert.equal("Mutation", generated.Mutation.deleteBlog({}).__operation)
  end)

  it("is marked as far as something below depends on it", function()
    local post = model("Post", { owner() }, { field_rules = { text = { group("A") } }, relations = { BLOG } })
    local item = { id = "p" }
    local generated = { Mutation = { createBlog = function() return {} end }, Post = { blog = function() return item end },
      Blog = { posts = function() return { items = { item }, nextToken = "t" } end } }
    local models = { model("Blog", { owner() }, { relations = { POSTS } }), post }
    guarded_fields.attach(generated, models, model_guard.new(models), { mutation = { name = "Mutation" } })
    assert.equal("Mutation", generated.Mutation.createBlog({}).__operation)
    assert.same({ items = { { id = "p", __operation = "Mutation" } }, nextToken = "t" }, generated.Blog.posts(IN_MUTATION))
    assert.same({ items = { { id = "p" } }, nextToken = "t" }, generated.Blog.posts(ELSEWHERE))
    assert.same({ id = "p", __operation = "Mutation" }, generated.Post.blog(IN_MUTATION))
    assert.equal(item, generated.Post.blog(ELSEWHERE))
    assert.is_nil(item.__operation)
  end)

  it("has no relations to models that others may read", function()
    local generated = attach({ model("Blog", { owner() }, { relations = { POSTS } }),
      model("Post", { group("A") }, { relations = { BLOG } }) })
    assert.same({ items = {}, nextToken = NULL }, generated.Blog.posts(IN_MUTATION))
    assert.same({ items = { 1 } }, generated.Blog.posts(ELSEWHERE))
    assert.equal(NULL, generated.Post.blog(IN_MUTATION))
    assert.same({ id = "b" }, generated.Post.blog(ELSEWHERE))
  end)

  it("has relations to models of the same readers", function()
    local more = group("A")
    more.operations = { create = true }
    local generated = attach({ model("Blog", { owner(), more }, { relations = { POSTS } }), model("Post", { owner() }) })
    assert.same({ items = { 1 } }, generated.Blog.posts(IN_MUTATION))
  end)

  it("has relations that must be there", function()
    local generated = attach({ model("Post", { owner() },
      { relations = { { field = "blog", kind = "belongsTo", model = "Blog", is_required = true } } }), model("Blog", { group("A") }) })
    assert.same({ id = "b" }, generated.Post.blog(IN_MUTATION))
  end)

  it("has no relation whose field has rules of its own", function()
    local blog = model("Blog", { owner() }, { relations = { POSTS }, field_rules = { posts = { group("A") } } })
    local generated = attach({ blog, model("Post", { owner() }) })
    assert.same({ items = {}, nextToken = NULL }, generated.Blog.posts(IN_MUTATION))
  end)

  it("has its relations where subscriptions are public", function()
    local generated = attach({ model("Blog", { owner() }, { relations = { POSTS }, level = "public" }), model("Post", { group("A") }) })
    assert.same({ items = { 1 } }, generated.Blog.posts(IN_MUTATION))
  end)
end)

describe("a relation", function()
  local function with(rule, changes)
    for name, value in pairs(changes or {}) do rule[name] = value end
    return { rule }
  end

  -- rules of one model, rules of the other, whether they differ
  for i, row in ipairs({
    { with(owner()), with(owner()), false }, { with(owner()), with(owner("author")), true },
    { with(owner(), { owner_field = false }), with(owner()), false },
    { with(owner()), with(owner(), { identity_claims = { "sub" } }), true },
    { with(owner()), with(owner(), { mode = "OPENID_CONNECT" }), true }, { with(owner()), with(group("A")), true },
    { with(group("A")), with(group("A")), false }, { with(group("A")), with(group("B")), true },
    { with(group("A")), with(group("A"), { groups = { "A", "B" } }), true },
    { with(group("A")), with(group("A"), { group_claim = "roles" }), true },
    { with(group(), { groups_field = "team" }), with(group(), { groups_field = "team" }), false },
    { with(group(), { groups_field = "team" }), with(group(), { groups_field = "crew" }), true },
    { { owner(), group("A") }, { group("A"), owner() }, false }, { { owner(), owner() }, { owner() }, false },
    { { owner(), group("A") }, { owner() }, true }, { nil, nil, false }, { nil, { owner() }, true },
  }) do
    it(("is empty only where readers differ (%d)"):format(i), function()
      assert.equal(row[3], guarded_fields.is_redacted(model("Blog", row[1]), model("Post", row[2]), POSTS))
    end)
  end

  it("of a model without mutations is left as it is", function()
    local blog = model("Blog", { owner() }, { relations = { POSTS }, ops = {} })
    local generated = attach({ blog, model("Post", { group("A") }) })
    assert.is_nil(generated.Mutation.createBlog)
  end)
end)

describe("a guard of another kind", function()
  it("changes nothing", function()
    local generated = {}
    guarded_fields.attach(generated, { model("Blog", { owner() }) }, { field = function() end }, {})
    assert.same({}, generated)
  end)
end)
