-- The rules of @auth as the transformer's first version asked them, and in projects with older flags.
local core = require("appsync.core")
local ruled = require("spec.support.ruled")

local NULL = core.null
local make, run, outcome, no = ruled.make, ruled.run, ruled.outcome, ruled.no

after_each(ruled.close)

describe("@auth of the first version", function()
  local function post(rules, fields)
    make(([[type Post @model @key(fields: ["id"]) @auth(rules: [%s]) { id: ID! title: String owner: String %s }]]):format(rules, fields))
    assert.is_nil(run(nil, 'mutation { createPost(input: {id: "1", title: "t", owner: "bob"}) { id } }').errors)
  end

  it("leaves what it doesn't speak of to the modes that directives name", function()
    post("{allow: public, operations: [create]}, {allow: owner, operations: [delete]}", "secret: String @auth(rules: [{allow: owner, operations: [read]}])")
    local made = run("key", 'mutation { createPost(input: {id: "2", title: "u"}) { id title } }')
    assert.same({ createPost = { id = "2", title = "u" } }, made.data)
    assert.is_nil(made.errors)
    assert.same({ title = "t" }, (outcome("bob", '{ getPost(id: "1") { title } }')))
    assert.equal(no("getPost", "Query"), (outcome("key", '{ getPost(id: "1") { title } }')))
  end)

  it("asks nothing of fields that have no rules", function()
    post("{allow: owner, operations: [create, update, delete]}", "secret: String @auth(rules: [{allow: owner, operations: [read]}])")
    assert.same({ id = "2", title = "u", secret = NULL },
      (outcome("eve", 'mutation { createPost(input: {id: "2", title: "u", secret: "s"}) { id title secret } }')))
    assert.same({ title = "u", secret = "s" }, (outcome("eve", '{ getPost(id: "2") { title secret } }')))
    assert.same({ no("secret", "Post"), { title = "u", secret = NULL } }, { outcome("bob", '{ getPost(id: "2") { title secret } }') })
  end)

  it("asks a field's rules beside the model's, of what they speak of", function()
    post("{allow: owner}, {allow: groups, groups: [\"Admin\"]}", [[stars: Int @auth(rules: [{allow: groups, groups: ["Admin"], operations: [update]}])
      draft: Int @auth(rules: [{allow: private, operations: [update]}])]])
    assert.equal("Unauthorized on [stars]", (outcome("bob", 'mutation { updatePost(input: {id: "1", stars: 1}) { id } }')))
    assert.same({ id = "1" }, (outcome("ada", 'mutation { updatePost(input: {id: "1", stars: 1}) { id } }')))
    assert.same({ stars = 2 }, (outcome("bob", 'mutation { createPost(input: {id: "2", stars: 2}) { stars } }')))
    assert.equal(no("updatePost", "Mutation"), (outcome("eve", 'mutation { updatePost(input: {id: "1", draft: 1}) { id } }')))
    assert.same({ id = "1" }, (outcome("bob", 'mutation { deletePost(input: {id: "1"}) { id } }')))
  end)

  it("deletes a value by the right to update, where its field has no rules", function()
    post("{allow: owner, operations: [update]}", "note: Int @auth(rules: [{allow: owner, operations: [update]}])")
    assert.same({ title = NULL }, (outcome("bob", 'mutation { updatePost(input: {id: "1", title: null}) { title } }')))
    assert.equal("Unauthorized on [note]", (outcome("bob", 'mutation { updatePost(input: {id: "1", note: null}) { id } }')))
  end)

  it("asks for fixed groups alone, for a field of a type that is no model", function()
    local one = function() return "v" end
    make([[type Post @model @key(fields: ["id"]) { id: ID! }
      type Query {
        owned: String @auth(rules: [{allow: public}, {allow: owner}])
        admins: String @auth(rules: [{allow: public}, {allow: owner}, {allow: groups, groups: ["Admin"]}])
      }]], { Query = { owned = one, admins = one } })
    for _, caller in ipairs({ "bob", "ada", "key" }) do assert.equal("v", (outcome(caller, "{ owned }"))) end
    for _, caller in ipairs({ "ada", "key" }) do assert.equal("v", (outcome(caller, "{ admins }"))) end
    assert.equal(no("admins", "Query"), (outcome("bob", "{ admins }")))
    assert.equal(no("owned", "Query"), (outcome("member", "{ owned }")))
  end)
end)

describe("@auth in a project with older flags", function()
  local NOTE = 'type Note @model @auth(rules: [{allow: owner}, {allow: groups, groups: ["Admin"]}]) { id: ID! owner: String }'
  local CREATE = 'mutation { createNote(input: {id: "1"}) { owner } }'

  local function stored(caller, flags)
    make(NOTE, nil, flags)
    local shown = outcome(caller, CREATE)
    return shown.owner, #run("bob", '{ listNotes(filter: {owner: {eq: "bob"}}) { items { id } } }').data.listNotes.items
  end

  it("keeps the name of an owner alone", function()
    assert.same({ "bob", 0 }, { stored("bob") })
    assert.same({ "bob", 1 }, { stored("bob", { usesubusernamefordefaultidentityclaim = false }) })
  end)

  it("leaves without an owner what members of a static group make", function()
    assert.equal("ada", (stored("ada")))
    assert.equal(NULL, (stored("ada", { populateownerfieldforstaticgroupauth = false })))
    assert.equal("bob", (stored("bob", { populateownerfieldforstaticgroupauth = false })))
  end)
end)
