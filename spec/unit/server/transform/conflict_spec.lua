local core = require("appsync.core")
local engine = require("appsync.server.engine")
local load_schema = require("appsync.server.transform.load")
local model_guard = require("appsync.server.auth.model_guard")
local print_schema = require("appsync.server.graphql.print_schema")

local SCHEMA = [[
type Post @model { id: ID! title: String! comments: [Comment] @hasMany }
type Comment @model { id: ID! content: String post: Post @belongsTo }
]]

describe("Conflict detection", function()
  local function load(conflict, schema)
    local s, models = load_schema(schema or SCHEMA, { conflict = conflict })
    return s, models, s and print_schema(s)
  end

  local function refused(conflict, schema)
    local s, err = load(conflict, schema)
    assert.is_nil(s)
    return err
  end

  it("is off unless it's asked for", function()
    local s, models, sdl = load(nil)
    assert.truthy(s)
    assert.is_nil(models.by_name.Post.conflict)
    assert.is_nil(models.by_name.Post.ops.sync)
    assert.is_nil(sdl:find("_version", 1, true))
  end)

  it("gives every model a handler, with Amplify's lives", function()
    local _, models = load({ handler = "AUTOMERGE" })
    local conflict = { handler = "AUTOMERGE", base_ttl_s = 2592000, delta_ttl_s = 1800 }
    assert.same(conflict, models.by_name.Post.conflict)
    assert.same(conflict, models.by_name.Comment.conflict)
    assert.equal("syncPosts", models.by_name.Post.ops.sync)
  end)

  it("takes lives of one's own", function()
    local _, models = load({ handler = "AUTOMERGE", base_ttl_s = 0, delta_ttl_s = 7 })
    assert.same({ handler = "AUTOMERGE", base_ttl_s = 0, delta_ttl_s = 7 }, models.by_name.Post.conflict)
  end)

  it("is told model by model", function()
    local _, models, sdl = load({ models = { Post = { handler = "OPTIMISTIC_CONCURRENCY" } } })
    assert.equal("OPTIMISTIC_CONCURRENCY", models.by_name.Post.conflict.handler)
    assert.is_nil(models.by_name.Comment.conflict)
    assert.truthy(sdl:find("syncPosts(", 1, true))
    assert.is_nil(sdl:find("syncComments(", 1, true))
  end)

  it("has a model's own word stand for what is said of all", function()
    local _, models = load({ handler = "AUTOMERGE", models = { Post = { handler = "NONE" }, Comment = { handler = "LAMBDA", resolver = "merge" } } })
    assert.is_nil(models.by_name.Post.conflict)
    assert.equal("LAMBDA", models.by_name.Comment.conflict.handler)
    assert.equal("merge", models.by_name.Comment.conflict.resolver)
  end)

  it("has a handler of one's own that is the default one unless it's named", function()
    local _, models = load({ handler = "LAMBDA" })
    assert.equal("default", models.by_name.Post.conflict.resolver)
  end)

  it("has no sync query where a model has no queries at all", function()
    local _, models, sdl = load({ handler = "AUTOMERGE" }, "type Post @model(queries: null) { id: ID! } type Query { a: Int }")
    assert.is_nil(models.by_name.Post.ops.sync)
    assert.is_nil(sdl:find("sync", 1, true))
  end)

  it("refuses what it can't carry out", function()
    assert.matches('unknown model "Pst"; did you mean "Post"?', refused({ models = { Pst = { handler = "LAMBDA" } }, models_path = "m.json" }).message, 1, true)
    assert.equal("m.json", refused({ models = { Pst = { handler = "LAMBDA" } }, models_path = "m.json" }).path)
    local three = '"AUTOMERGE", "OPTIMISTIC_CONCURRENCY", "LAMBDA"'
    for message, conflict in pairs({
      ['conflict: "handler" must be one of ' .. three] = { handler = "automerge" },
      ['conflict.models.Post: "handler" must be one of ' .. three .. ', "NONE"'] = { models = { Post = { handler = "X" } } },
      ['conflict.models.Post: "handler" is missing'] = { models = { Post = {} } },
      ["conflict.models.Post must be an object"] = { models = { Post = "AUTOMERGE" } },
      ['conflict: unknown key "handlr"; did you mean "handler"?'] = { handlr = "AUTOMERGE" },
      ['conflict: "base_ttl_s" must be a number of at least 0'] = { handler = "LAMBDA", base_ttl_s = -1 },
      ['conflict: "delta_ttl_s" must be a number of at least 0'] = { handler = "LAMBDA", delta_ttl_s = "1" },
    }) do
      assert.equal(message, refused(conflict).message)
    end
  end)

  it("passes over names that are no models where their entries are lenient", function()
    local s, models = load({ handler = "AUTOMERGE", models = { Gone = { handler = "LAMBDA", is_lenient = true } } })
    assert.truthy(s)
    assert.equal("AUTOMERGE", models.by_name.Post.conflict.handler)
  end)

  it("refuses a field of the same name, at its place", function()
    local schema = "type Post @model {\n  id: ID!\n  _deleted: Boolean\n}"
    assert.truthy(load(nil, schema))
    local err = refused({ handler = "AUTOMERGE" }, schema)
    assert.matches("'Post._deleted' has the name of a field that conflict detection adds", err.message, 1, true)
    assert.equal(3, err.line)
  end)

  it("wants a conflict handler of one's own to be there", function()
    local _, err = engine.new({ schema_text = SCHEMA, conflict = { handler = "LAMBDA" }, conflict_handlers = { defualt = print } })
    assert.matches("'conflict_handlers.default', which the resolvers file (--resolvers) doesn't have, did you mean 'defualt'?", err.message, 1, true)
    local served = assert(engine.new({ schema_text = SCHEMA, conflict = { handler = "LAMBDA" }, conflict_handlers = { default = print } }))
    served:close()
  end)

  it("lets fields of versions pass where only fields have rules", function()
    local served = assert(engine.new({
      schema_text = "type Post @model { id: ID! @auth(rules: [{allow: public}]) title: String @auth(rules: [{allow: public}]) }",
      conflict = { handler = "AUTOMERGE" }, uuid = core.uuid, auth_modes = { default = "API_KEY" },
    }))
    local answer = served:execute({ query = 'mutation { createPost(input: { id: "1", title: "a", _version: 1 }) { id } }', identity = { mode = "API_KEY" } })
    served:close()
    assert.equal('{"data":{"createPost":{"id":"1"}}}', answer)
  end)

  it("has nobody asked for fields of versions and times, which come with the record", function()
    local _, models = load({ handler = "AUTOMERGE" },
      "type Post @model { id: ID! @auth(rules: [{allow: public}]) title: String @auth(rules: [{allow: public}]) }")
    local guard = model_guard.new(models)
    assert.is_true(guard:has_field("Post", "title"))
    for _, name in ipairs({ "_version", "_deleted", "_lastChangedAt", "createdAt", "updatedAt" }) do
      assert.is_false(guard:has_field("Post", name))
    end
  end)
end)
