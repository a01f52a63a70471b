-- Events of models with rules of @auth, from the mutation of one user to the subscription of another.
local engine = require("appsync.server.engine")

local served

local function serve(text)
  served = assert(engine.new({ schema_text = text, auth_modes = { default = "AMAZON_COGNITO_USER_POOLS", additional = { "API_KEY" } } }))
end

local function user(name, groups)
  return { mode = "AMAZON_COGNITO_USER_POOLS", sub = "sub-" .. name, username = name, groups = groups,
    claims = { sub = "sub-" .. name, username = name, ["cognito:groups"] = groups } }
end

local function subscribe(query, identity, variables)
  return served:subscribe({ query = "subscription " .. query, identity = identity, variables = variables })
end

--- What a subscription gets of a mutation: the payloads.
local function events(s, mutation, identity)
  local json, published = served:execute({ query = "mutation " .. mutation, identity = identity })
  assert.is_nil(json:match('"errors"'), json)
  local payloads = {}
  for _, item in ipairs(published) do payloads[#payloads + 1] = s:match(item) end
  return payloads
end

local OWNED = "type Post @model @auth(rules: [{allow: owner}]) { title: String! n: Int }"
local BOB, EVE = user("bob"), user("eve")
local CREATE = '{ createPost(input: {title: "t", n: 1}) { id title n owner } }'

describe("events of records whose owner is told by several rules", function()
  local OIDC = "OPENID_CONNECT"

  local function serve_by(rules, fields)
    served = assert(engine.new({
      schema_text = ("type Post @model @auth(rules: [%s]) { title: String! n: Int %s }"):format(rules, fields or ""),
      auth_modes = { default = "AMAZON_COGNITO_USER_POOLS", additional = { OIDC } } }))
  end

  local function partner(claims) return { mode = OIDC, sub = claims.sub, claims = claims } end

  it("reach each by the provider and the claim of the own rule, with one argument for all", function()
    for _, rules in ipairs({ '{allow: owner, provider: oidc, identityClaim: "sub"}, {allow: owner}',
      '{allow: owner}, {allow: owner, provider: oidc, identityClaim: "sub"}' }) do
      serve_by(rules)
      local ann, eve = partner({ sub = "ann", username = "bob" }), partner({ sub = "bob2" })
      for identity, name in pairs({ [BOB] = "bob", [ann] = "ann" }) do
        local all = assert(subscribe("{ onCreatePost { title } }", identity))
        local own = assert(subscribe(('{ onCreatePost(owner: "%s") { title } }'):format(name), identity))
        for _, other in ipairs({ BOB, ann, eve, EVE }) do
          assert.equal(other == identity and 1 or 0, #events(all, CREATE, other))
          assert.equal(other == identity and 1 or 0, #events(own, CREATE, other))
        end
      end
      assert.is_nil((subscribe('{ onCreatePost(owner: "bob") { title } }', ann)))
      assert.is_nil((subscribe('{ onCreatePost(owner: "ann") { title } }', BOB)))
    end
  end)

  it("reach a caller by any claim that one of the rules names", function()
    serve_by('{allow: owner, provider: oidc, identityClaim: "sub"}, {allow: owner, provider: oidc, identityClaim: "email"}', "owner: String")
    local ann = partner({ sub = "ann", email = "a@x.example" })
    for _, name in ipairs({ "ann", "a@x.example" }) do
      local s = assert(subscribe(('{ onCreatePost(owner: "%s") { title } }'):format(name), ann))
      for _, owner in ipairs({ "ann", "a@x.example" }) do
        local create = ('{ createPost(input: {title: "t", owner: "%s"}) { title owner } }'):format(owner)
        assert.equal(owner == name and 1 or 0, #events(s, create, ann))
      end
    end
    assert.is_nil((subscribe('{ onCreatePost(owner: "eve") { title } }', ann)))
  end)
end)

describe("events of records that have owners", function()
  before_each(function() serve(OWNED) end)

  it("reach their owner, who sees himself by his name", function()
    local s = assert(subscribe("{ onCreatePost { title owner } }", BOB))
    assert.same({ '{"data":{"onCreatePost":{"title":"t","owner":"bob"}}}' }, events(s, CREATE, BOB))
    assert.same({}, events(s, CREATE, EVE))
  end)

  it("reach who names himself as the owner", function()
    local s = assert(subscribe('{ onCreatePost(owner: "bob") { title } }', BOB))
    assert.equal(1, #events(s, CREATE, BOB))
    assert.same({}, events(s, CREATE, EVE))
  end)

  it("are refused to who names somebody else", function()
    local s, errors = subscribe('{ onCreatePost(owner: "eve") { title } }', BOB)
    assert.is_nil(s)
    assert.equal("Not Authorized to access onCreatePost on type Subscription", errors[1].message)
    assert.equal("Unauthorized", errors[1].errorType)
  end)

  it("are refused to who is nobody", function()
    local s, errors = subscribe("{ onCreatePost { title } }", { mode = "API_KEY" })
    assert.is_nil(s)
    assert.equal("Not Authorized to access onCreatePost on type Subscription", errors[1].message)
  end)

  it("reach nobody when the mutation does not select the owner", function()
    local s = assert(subscribe("{ onCreatePost { title } }", BOB))
    assert.same({}, events(s, '{ createPost(input: {title: "t"}) { id title } }', BOB))
    assert.equal("owner", s:lacks({ id = "1", title = "t" }))
  end)

  it("pass the client's filter and the owner's", function()
    local s = assert(subscribe('($f: ModelSubscriptionPostFilterInput) { onCreatePost(filter: $f) { title } }', BOB,
      { f = { ["or"] = { { n = { gt = 5 } }, { title = { beginsWith = "t" } } } } }))
    assert.equal(1, #events(s, CREATE, BOB))
    assert.same({}, events(s, CREATE, EVE))
    assert.same({}, events(s, '{ createPost(input: {title: "x", n: 1}) { id title n owner } }', BOB))
  end)

  it("pass the client's filter when the owner is named, too", function()
    local s = assert(subscribe('{ onCreatePost(owner: "bob", filter: {n: {gt: 5}}) { title } }', BOB))
    assert.same({}, events(s, CREATE, BOB))
    assert.same({}, events(s, '{ createPost(input: {title: "x", n: 9}) { id n owner } }', EVE))
    assert.equal(1, #events(s, '{ createPost(input: {title: "x", n: 9}) { id n owner } }', BOB))
  end)
end)

describe("an event reaches those who find its record in a list, and nobody else:", function()
  local function identity(sub, name, more)
    local claims = { sub = sub, username = name }
    for claim, value in pairs(more or {}) do claims[claim] = value end
    return { mode = "AMAZON_COGNITO_USER_POOLS", sub = sub, username = name, claims = claims }
  end

  local DECLARED = "type Post @model @auth(rules: [{allow: owner}]) { id: ID! title: String! owner: String }"
  local CALLERS = {
    bob = identity("s1", "bob"), bob_by_id_token = identity("s1", nil, { ["cognito:username"] = "bob" }),
    other_bob = identity("s2", "bob"), bob_of_another_issuer = identity("s3", "bob", { iss = "https://other" }),
    eve = identity("s4", "eve"), sub_as_name = identity("s5", "s1"), whole_as_name = identity("s6", "s1::bob"),
    half_as_sub = identity("s1::x", "bob"), bob_with_a_tail = identity("s1", "x::bob"),
    mail = identity("s7", "ann", { email = "bob@example.org" }),
  }
  local OWNERS = { "s1::bob", "s2::bob", "s3::bob", "s1", "bob", "eve", "s4::eve", "s1::x::bob", "x::bob", "s6::s1::bob",
    "bob@example.org", "s1::bob@example.org" }

  local function ask(query, variables, caller)
    local json, published = served:execute({ query = query, variables = variables, identity = caller })
    assert.is_nil(json:match('"errors"'), json)
    return json, published
  end

  -- Who lists a record with such an owner, and who hears of its three mutations.
  local function compare(owner, field, arguments)
    local lists, hears = {}, {}
    local subscribed = {}
    for name, caller in pairs(CALLERS) do
      subscribed[name] = {}
      for _, event in ipairs({ "Create", "Update", "Delete" }) do
        local s = subscribe(("{ on%sPost%s { title } }"):format(event, arguments and arguments(caller) or ""), caller)
        subscribed[name][#subscribed[name] + 1] = s
      end
    end
    local function mutate(query, variables)
      local _, published = ask(query, variables, nil)
      for name, list in pairs(subscribed) do
        for _, s in ipairs(list) do
          for _, item in ipairs(published) do
            if s:match(item) then hears[name] = (hears[name] or 0) + 1 end
          end
        end
      end
    end
    local selection = "{ id title " .. field .. " }"
    mutate("mutation($i: CreatePostInput!) { createPost(input: $i) " .. selection .. " }", { i = { id = "1", title = "t", [field] = owner } })
    for name, caller in pairs(CALLERS) do
      local json = served:execute({ query = "{ listPosts { items { id } } }", identity = caller })
      lists[name] = json:find('"id":"1"', 1, true) and 3 or nil
    end
    mutate('mutation { updatePost(input: {id: "1", title: "u"}) ' .. selection .. " }")
    mutate('mutation { deletePost(input: {id: "1"}) ' .. selection .. " }")
    return lists, hears
  end

  for name, row in pairs({
    ["of the default claims"] = { "{allow: owner}", "owner" },
    ["of a list of owners"] = { '{allow: owner, ownerField: "owners"}', "owners", true },
    ["of the name alone"] = { '{allow: owner, identityClaim: "username"}', "owner" },
    ["of the mail address"] = { '{allow: owner, identityClaim: "email"}', "owner" },
    ["of two other claims"] = { '{allow: owner, identityClaim: "sub::email"}', "owner" },
    ["of either of two fields"] = { '{allow: owner}, {allow: owner, ownerField: "editor"}', "editor" },
  }) do
    it("owners " .. name, function()
      serve(("type Post @model @auth(rules: [%s]) { id: ID! title: String! owner: String owners: [String] editor: String }"):format(row[1]))
      local n = 0
      for _, owner in ipairs(OWNERS) do
        local lists, hears = compare(row[3] and { "nobody", owner } or owner, row[2])
        assert.same(lists, hears, owner)
        for _ in pairs(lists) do n = n + 1 end
      end
      assert.is_true(n > 0)
    end)
  end

  it("a user has no more of others who share the name", function()
    serve(DECLARED)
    local lists, hears = compare("s1::bob", "owner")
    assert.same({ bob = 3, bob_by_id_token = 3 }, hears)
    assert.same(hears, lists)
  end)

  it("also who names the owner, and is that owner", function()
    serve(DECLARED)
    local _, hears = compare("s1::bob", "owner", function(caller)
      return ('(owner: "%s")'):format(caller.username or "bob")
    end)
    assert.same({ bob = 3, bob_by_id_token = 3 }, hears)
  end)

  it("after a record was given away its new owner alone", function()
    serve(DECLARED)
    local function heard_by(caller, item)
      return assert(subscribe("{ onUpdatePost { title } }", CALLERS[caller])):match(item) ~= nil
    end
    ask('mutation { createPost(input: {id: "1", title: "t"}) { id owner } }', nil, CALLERS.bob)
    local _, published = ask('mutation { updatePost(input: {id: "1", owner: "s2::bob"}) { id title owner } }', nil, CALLERS.bob)
    assert.is_true(heard_by("other_bob", published[1]))
    assert.is_false(heard_by("bob", published[1]))
  end)

  it("also where the mutation is one's own resolver's", function()
    served = assert(engine.new({
      schema_text = OWNED, auth_modes = { default = "AMAZON_COGNITO_USER_POOLS" },
      resolvers = { Mutation = { createPost = function(ctx)
        return { id = "1", title = "t", owner = ctx.args.input.title, createdAt = "2024-01-01T00:00:00Z", updatedAt = "2024-01-01T00:00:00Z" }
      end } },
    }))
    for owner, expected in pairs({ ["s1::bob"] = 1, ["s2::bob"] = 0, bob = 1, eve = 0 }) do
      local s = assert(subscribe("{ onCreatePost { title } }", CALLERS.bob))
      local create = ('{ createPost(input: {title: "%s"}) { id title owner } }'):format(owner)
      assert.equal(expected, #events(s, create, CALLERS.eve), owner)
    end
  end)
end)

describe("events of records that belong to groups", function()
  it("reach everybody in a static group", function()
    serve('type Post @model @auth(rules: [{allow: groups, groups: ["Admins"]}, {allow: owner}]) { title: String! n: Int }')
    local s = assert(subscribe("{ onCreatePost { title } }", user("ann", { "Admins" })))
    assert.equal(1, #events(s, CREATE, EVE))
    assert.same({}, events(assert(subscribe("{ onCreatePost { title } }", BOB)), CREATE, EVE))
  end)

  it("reach the members of the group in the record's field", function()
    serve('type Post @model @auth(rules: [{allow: groups, groupsField: "team"}, {allow: private, operations: [create]}]) { title: String! team: String }')
    local s = assert(subscribe("{ onCreatePost { title } }", user("ann", { "a", "b" })))
    local function create(team) return ('{ createPost(input: {title: "t", team: "%s"}) { title team } }'):format(team) end
    assert.equal(1, #events(s, create("b"), EVE))
    assert.same({}, events(s, create("c"), EVE))
    local refused, errors = subscribe("{ onCreatePost { title } }", user("zoe"))
    assert.is_nil(refused)
    assert.equal("Unauthorized", errors[1].errorType)
  end)

  it("are refused to a member of more groups than a filter holds, as on the service", function()
    serve('type Post @model @auth(rules: [{allow: groups, groupsField: "team"}]) { title: String! team: String }')
    local s, errors = subscribe("{ onCreatePost { title } }", user("ann", { "a", "b", "c", "d", "e", "f" }))
    assert.is_nil(s)
    assert.equal("the operator 'in' on 'team' of a subscription filter takes a list of 1 to 5 numbers or strings", errors[1].message)
  end)
end)

describe("the subscriptions of a model", function()
  it("need nobody when their level is public", function()
    serve("type Post @model(subscriptions: {level: public}) @auth(rules: [{allow: owner}]) { title: String! n: Int }")
    local s = assert(subscribe("{ onCreatePost { title } }", EVE))
    assert.equal(1, #events(s, CREATE, BOB))
  end)

  it("are not there when their level is off", function()
    serve("type Post @model(subscriptions: {level: off}) @auth(rules: [{allow: owner}]) { title: String! n: Int }")
    assert.is_nil(served.schema.subscription)
  end)

  it("get relations as far as the mutation selected them", function()
    serve([[type Blog @model @auth(rules: [{allow: private}]) { name: String! posts: [Post] @hasMany }
      type Post @model @auth(rules: [{allow: private}]) { title: String! blog: Blog @belongsTo }]])
    local json = served:execute({ query = 'mutation { createBlog(input: {id: "b", name: "B"}) { id } }', identity = BOB })
    assert.is_nil(json:match('"errors"'), json)
    local s = assert(subscribe("{ onCreatePost { title blog { name posts { items { title } } } } }", EVE))
    local field = served.schema.types.CreatePostInput.fields.blogPostsId and "blogPostsId" or "postBlogId"
    local function create(selection) return ('{ createPost(input: {id: "p", title: "t", %s: "b"}) { %s } }'):format(field, selection) end
    assert.same({ '{"data":{"onCreatePost":{"title":"t","blog":{"name":"B","posts":{"items":[{"title":"t"}]}}}}}' },
      events(s, create("title blog { name posts { items { title } } }"), BOB))
    served:execute({ query = 'mutation { deletePost(input: {id: "p"}) { id } }', identity = BOB })
    assert.same({ '{"data":{"onCreatePost":{"title":"t","blog":null}}}' }, events(s, create("title"), BOB))
  end)

  it("get no field that has rules of its own", function()
    serve([[type Post @model @auth(rules: [{allow: private}]) {
      title: String! secret: String @auth(rules: [{allow: groups, groups: ["Admins"]}]) }]])
    local ann = user("ann", { "Admins" })
    local s = assert(subscribe("{ onCreatePost { title secret } }", ann))
    assert.same({ '{"data":{"onCreatePost":{"title":"t","secret":null}}}' },
      events(s, '{ createPost(input: {title: "t", secret: "x"}) { title secret } }', ann))
  end)

  it("get nothing of a related model that not everybody may read", function()
    serve([[type Blog @model @auth(rules: [{allow: private}]) { name: String! posts: [Post] @hasMany }
      type Post @model @auth(rules: [{allow: private, operations: [create]}, {allow: owner}]) { title: String! blog: Blog @belongsTo }]])
    served:execute({ query = 'mutation { createBlog(input: {id: "b", name: "B"}) { id } }', identity = BOB })
    local s = assert(subscribe("{ onUpdateBlog { name posts { items { title } } } }", EVE))
    assert.same({ '{"data":{"onUpdateBlog":{"name":"C","posts":{"items":[]}}}}' },
      events(s, '{ updateBlog(input: {id: "b", name: "C"}) { name posts { items { title } } } }', BOB))
  end)
end)
