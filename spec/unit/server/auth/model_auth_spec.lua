-- The rules of @auth as a schema has them, through execution and subscriptions: every row is a test.
local core = require("appsync.core")
local ruled = require("spec.support.ruled")

local NULL, CALLERS = core.null, ruled.CALLERS
local make, run, outcome, no, user = ruled.make, ruled.run, ruled.outcome, ruled.no, ruled.user

local function note(rules)
  make(('type Note @model @auth(rules: [%s]) { id: ID! text: String owner: String editors: [String] team: String teams: [String] }'):format(rules))
  for i, fields in ipairs({ 'owner: "s1::bob", editors: ["s2::eve"], team: "Red", teams: ["Red", "Blue"]',
    'owner: "s2::eve", editors: ["s1::bob", "x"], team: "Green", teams: ["Green"]', 'text: "nobody\'s"' }) do
    assert.is_nil(run(nil, ('mutation { createNote(input: {id: "%d", %s}) { id } }'):format(i, fields)).errors)
  end
end

after_each(ruled.close)

describe("@auth on a field of a type that is no model", function()
  it("has no rules that ask a record", function()
    make([[
      type Query {
        shared: String @auth(rules: [{allow: public}, {allow: owner}])
        owned: String @auth(rules: [{allow: owner}])
        place: Place
      }
      type Place { owner: String groups: [String]
        address: String @auth(rules: [{allow: owner}, {allow: groups, groupsField: "groups"}, {allow: public}]) }
    ]], { Query = { shared = function() return "s" end, owned = function() return "o" end,
      place = function() return { owner = "bob", groups = { "Admin" }, address = "a" } end } })
    assert.equal("s", (outcome("key", "{ shared }")))
    assert.equal(no("shared", "Query"), (outcome("bob", "{ shared }")))
    assert.equal(no("owned", "Query"), (outcome("bob", "{ owned }")))
    for _, caller in ipairs({ "bob", "ada" }) do assert.equal(no("address", "Place"), (outcome(caller, "{ place { address } }"))) end
  end)
end)

describe("@auth", function()
  local EDITORS = '{allow: owner, ownerField: "editors"}'
  -- the rules, who, which of the three records are theirs to read, to change; nil: nothing is
  for _, row in ipairs({
    { "{allow: owner}", "bob", { "1" } }, { "{allow: owner}", "eve", { "2" } }, { "{allow: owner}", "ada", {} },
    { "{allow: owner}", "key" }, { "{allow: owner}", "guest" }, { "{allow: owner}", "lambda" },
    { EDITORS, "bob", { "2" } }, { EDITORS, "eve", { "1" } },
    { "{allow: owner}, " .. EDITORS, "bob", { "1", "2" } },
    { '{allow: owner, identityClaim: "username"}', "bob", {} },
    { '{allow: groups, groups: ["Admin"]}', "ada", { "1", "2", "3" } }, { '{allow: groups, groups: ["Admin"]}', "red" },
    { '{allow: groups, groups: ["Admin"]}', "bob" }, { '{allow: groups, groups: ["Admin"]}', "key" },
    { '{allow: groups, groupsField: "team"}', "red", { "1" } }, { '{allow: groups, groupsField: "team"}', "ada", {} },
    { '{allow: groups, groupsField: "team"}', "bob" },
    { '{allow: groups, groupsField: "teams"}', "red", { "1" } },
    { "{allow: private}", "bob", { "1", "2", "3" } }, { "{allow: private}", "key" }, { "{allow: private}", "member" },
    { "{allow: private, provider: iam}", "member", { "1", "2", "3" } }, { "{allow: private, provider: iam}", "guest" },
    { "{allow: private, provider: iam}", "bob" },
    { "{allow: public}", "key", { "1", "2", "3" } }, { "{allow: public}", "bob" },
    { "{allow: public, provider: iam}", "guest", { "1", "2", "3" } }, { "{allow: public, provider: iam}", "member" },
    { "{allow: custom}", "lambda", { "1", "2", "3" } }, { "{allow: custom}", "key" },
    { '{allow: owner}, {allow: groups, groups: ["Admin"]}', "ada", { "1", "2", "3" } },
    { '{allow: owner}, {allow: public}', "key", { "1", "2", "3" } },
  }) do
    local rules, caller, own = row[1], row[2], row[3]
    describe(("%s for %s"):format(rules, caller), function()
      local is_own = {}
      for _, id in ipairs(own or {}) do is_own[id] = true end
      before_each(function() note(rules) end)

      it("lists what is theirs", function()
        local value = outcome(caller, "{ listNotes { items { id } } }")
        if not own then
          assert.equal(no("listNotes", "Query"), value)
        else
          local ids = {}
          for i, item in ipairs(value.items) do ids[i] = item.id end
          assert.same(own, ids)
        end
      end)

      it("gets what is theirs, is refused what isn't, and null for what isn't there", function()
        for _, id in ipairs({ "1", "2", "3" }) do
          local value = outcome(caller, ('{ getNote(id: "%s") { id } }'):format(id))
          if is_own[id] then assert.same({ id = id }, value) else assert.equal(no("getNote", "Query"), value) end
        end
        assert.equal(own and NULL or no("getNote", "Query"), (outcome(caller, '{ getNote(id: "9") { id } }')))
      end)

      it("changes and deletes what is theirs alone", function()
        for _, id in ipairs({ "1", "2", "3" }) do
          for _, mutation in ipairs({ 'updateNote(input: {id: "%s", text: "new"})', 'deleteNote(input: {id: "%s"})' }) do
            local value = outcome(caller, ("mutation { %s { id } }"):format(mutation:format(id)))
            if is_own[id] then
              assert.same({ id = id }, value)
            else
              assert.equal(no(mutation:match("^%a+"), "Mutation"), value)
              assert.not_equal("new", run(nil, ('{ getNote(id: "%s") { text } }'):format(id)).data.getNote.text)
            end
          end
        end
      end)
    end)
  end

  it("gives a new record to who makes it, and shows the name alone", function()
    make("type Note @model @auth(rules: [{allow: owner}]) { id: ID! }")
    assert.same({ owner = "bob" }, (outcome("bob", 'mutation { createNote(input: {id: "1"}) { owner } }')))
    assert.same({ owner = "bob" }, (outcome("bob", '{ getNote(id: "1") { owner } }')))
    assert.same({ items = { { id = "1" } } }, (outcome("bob", '{ listNotes(filter: {owner: {eq: "s1::bob"}}) { items { id } } }')))
    assert.equal(no("getNote", "Query"), (outcome("eve", '{ getNote(id: "1") { owner } }')))
    assert.equal(no("createNote", "Mutation"), (outcome("key", 'mutation { createNote(input: {}) { id } }')))
  end)

  it("takes an owner from the input only when it is the caller", function()
    make("type Note @model @auth(rules: [{allow: owner}]) { id: ID! owner: String }")
    assert.same({ owner = "bob" }, (outcome("bob", 'mutation { createNote(input: {owner: "bob"}) { owner } }')))
    assert.equal(no("createNote", "Mutation"), (outcome("bob", 'mutation { createNote(input: {owner: "eve"}) { owner } }')))
  end)

  it("holds for what a relation leads to", function()
    make([[
      type Blog @model @auth(rules: [{allow: private}]) { id: ID! posts: [Post] @hasMany }
      type Post @model @auth(rules: [{allow: owner}]) { id: ID! blog: Blog @belongsTo }
    ]])
    run("bob", 'mutation { createBlog(input: {id: "b"}) { id } }')
    run("bob", 'mutation { createPost(input: {id: "1", blogPostsId: "b"}) { id } }')
    run("eve", 'mutation { createPost(input: {id: "2", blogPostsId: "b"}) { id } }')
    local query = '{ getBlog(id: "b") { posts { items { id } } } }'
    assert.same({ posts = { items = { { id = "1" } } } }, (outcome("bob", query)))
    assert.same({ posts = { items = { { id = "2" } } } }, (outcome("eve", query)))
    -- Every subscriber to the blog would be sent what only bob may see.
    assert.same({ id = "b", posts = { items = {} } },
      (outcome("bob", 'mutation { updateBlog(input: {id: "b"}) { id posts { items { id } } } }')))
    assert.same({ id = "1", blog = NULL }, (outcome("bob", 'mutation { updatePost(input: {id: "1"}) { id blog { id } } }')))
  end)

  it("holds for a field", function()
    make([[
      type Note @model @auth(rules: [{allow: private}]) { id: ID! secret: String @auth(rules: [{allow: groups, groups: ["Admin"]}]) }
    ]])
    assert.equal("Unauthorized on [secret]", (outcome("bob", 'mutation { createNote(input: {id: "1", secret: "s"}) { id } }')))
    assert.same({ secret = NULL }, (outcome("ada", 'mutation { createNote(input: {id: "1", secret: "s"}) { secret } }')))
    assert.same({ secret = "s" }, (outcome("ada", '{ getNote(id: "1") { secret } }')))
    local message, value = outcome("bob", '{ getNote(id: "1") { id secret } }')
    assert.equal(no("secret", "Note"), message)
    assert.same({ id = "1", secret = NULL }, value)
    assert.equal(no("deleteNote", "Mutation"), (outcome("bob", 'mutation { deleteNote(input: {id: "1"}) { id } }')))
  end)

  it("holds for a field of a type that is no model", function()
    make([[
      type Query { report: String @auth(rules: [{allow: groups, groups: ["Admin"]}, {allow: public}]) place: Place }
      type Place { name: String address: String @auth(rules: [{allow: groups, groups: ["Admin"]}]) }
      type Mutation { press: String @auth(rules: [{allow: private}]) }
    ]], { Query = { report = function() return "r" end, place = function() return { name = "n", address = "a" } end },
      Mutation = { press = function() return "p" end } })
    assert.equal("r", (outcome("ada", "{ report }")))
    assert.equal("r", (outcome("key", "{ report }")))
    assert.equal(no("report", "Query"), (outcome("bob", "{ report }")))
    assert.same({ name = "n", address = "a" }, (outcome("ada", "{ place { name address } }")))
    assert.equal(no("address", "Place"), (outcome("bob", "{ place { name address } }")))
    assert.equal("p", (outcome("bob", "mutation { press }")))
    assert.equal(no("press", "Mutation"), (outcome("key", "mutation { press }")))
  end)

  it("lets those to a resolver of one's own in place of a generated one whom some rule lets, and leaves the records to it", function()
    make([[type Note @model @auth(rules: [{allow: owner, operations: [read, create]}, {allow: public, operations: [read]}]) { id: ID! }
      type Query { other: Int } ]], {
      Query = { listNotes = function() return { items = { { id = "x" } } } end, other = function() return 1 end },
      Mutation = { createNote = function() return { id = "y" } end, deleteNote = function() return { id = "z" } end },
    })
    for _, caller in ipairs({ "bob", "key" }) do
      assert.same({ items = { { id = "x" } } }, (outcome(caller, "{ listNotes { items { id } } }")))
    end
    assert.equal(no("listNotes", "Query"), (outcome("guest", "{ listNotes { items { id } } }")))
    assert.same({ id = "y" }, (outcome("bob", "mutation { createNote(input: {}) { id } }")))
    assert.equal(no("createNote", "Mutation"), (outcome("key", "mutation { createNote(input: {}) { id } }")))
    assert.equal(no("deleteNote", "Mutation"), (outcome("bob", 'mutation { deleteNote(input: {id: "1"}) { id } }')))
    assert.same({ id = "z" }, (outcome(nil, 'mutation { deleteNote(input: {id: "1"}) { id } }')))
    assert.equal(1, (outcome("bob", "{ other }")))
  end)

  it("keeps members of other groups from such a resolver, in place of an index's query too", function()
    local function items() return { items = { { id = "x" } } } end
    make([[type Note @model @auth(rules: [{allow: groups, groups: ["Admin"]}]) { id: ID! team: String @index(queryField: "notesOfTeam") }]], {
      Query = { listNotes = items, notesOfTeam = items, getNote = function() return { id = "x" } end },
    })
    for query, name in pairs({ ["{ listNotes { items { id } } }"] = "listNotes", ['{ notesOfTeam(team: "a") { items { id } } }'] = "notesOfTeam",
      ['{ getNote(id: "1") { id } }'] = "getNote" }) do
      assert.equal(no(name, "Query"), (outcome("red", query)))
      assert.is_table((outcome("ada", query)))
    end
  end)

  it("closes models without it beside models with it, but in a sandbox to API keys", function()
    make("type Bare @model { id: ID! } type Note @model @auth(rules: [{allow: private}]) { id: ID! }")
    for _, caller in ipairs({ "bob", "key" }) do assert.equal(no("listBares", "Query"), (outcome(caller, "{ listBares { items { id } } }"))) end
    make([[input AMPLIFY { globalAuthRule: AuthRule = { allow: public } } type Bare @model { id: ID! }
      type Note @model @auth(rules: [{allow: private}]) { id: ID! }]])
    assert.same({ items = {} }, (outcome("key", "{ listBares { items { id } } }")))
    assert.equal(no("listBares", "Query"), (outcome("bob", "{ listBares { items { id } } }")))
  end)

  it("isn't needed where no model has it", function()
    make("type Bare @model { id: ID! }")
    for caller in pairs(CALLERS) do assert.same({ items = {} }, (outcome(caller, "{ listBares { items { id } } }"))) end
  end)
end)

describe("a subscription under @auth", function()
  local function subscribe(caller, arguments)
    return ruled.engine():subscribe({ query = ("subscription { onCreateNote%s { id } }"):format(arguments or ""), identity = CALLERS[caller] })
  end

  local function hears(subscription, owner, team)
    return subscription:match({ field = "createNote", value = { id = "1", owner = owner, team = team } }) ~= nil
  end

  local REFUSED = no("onCreateNote", "Subscription")
  -- the rules, who, the arguments; whether bob's note of team Red, eve's of team Green and nobody's are heard, or the refusal
  for _, row in ipairs({
    { "{allow: owner}", "bob", nil, { true, false, false } }, { "{allow: owner}", "eve", nil, { false, true, false } },
    { "{allow: owner}", "bob", '(owner: "bob")', { true, false, false } }, { "{allow: owner}", "bob", '(owner: "eve")', REFUSED },
    { "{allow: owner}", "bob", '(owner: "s1")', { false, false, false } }, { "{allow: owner}", "key", nil, REFUSED },
    { "{allow: owner}", "bob", '(filter: {team: {eq: "Red"}})', { true, false, false } },
    { "{allow: owner}", "bob", '(filter: {team: {eq: "Green"}})', { false, false, false } },
    { '{allow: groups, groups: ["Admin"]}', "ada", nil, { true, true, true } }, { '{allow: groups, groups: ["Admin"]}', "bob", nil, REFUSED },
    { '{allow: groups, groupsField: "team"}', "red", nil, { true, false, false } },
    { '{allow: groups, groupsField: "team"}', "bob", nil, REFUSED },
    { '{allow: owner}, {allow: groups, groups: ["Admin"]}', "ada", nil, { true, true, true } },
    { '{allow: owner}, {allow: groups, groups: ["Admin"]}', "bob", nil, { true, false, false } },
    { "{allow: private}", "bob", nil, { true, true, true } }, { "{allow: private}", "key", nil, REFUSED },
    { "{allow: public}", "key", nil, { true, true, true } }, { "{allow: owner, operations: [create, get]}", "bob", nil, REFUSED },
  }) do
    local rules, caller, arguments, expected = row[1], row[2], row[3], row[4]
    it(("by %s for %s%s"):format(rules, caller, arguments or ""), function()
      make(("type Note @model @auth(rules: [%s]) { id: ID! team: String }"):format(rules))
      local subscription, errors = subscribe(caller, arguments)
      if expected == REFUSED then
        assert.is_nil(subscription)
        assert.equal(REFUSED, errors[1].message)
        assert.equal("Unauthorized", errors[1].errorType)
      else
        assert.is_nil(errors)
        assert.same(expected, { hears(subscription, "bob", "Red"), hears(subscription, "eve", "Green"), hears(subscription) })
      end
    end)
  end

  it("is for callers of as many groups as the service's filters take", function()
    local function subscribe_with(n)
      local groups = {}
      for i = 1, n do groups[i] = "g" .. i end
      return ruled.engine():subscribe({ query = "subscription { onCreateNote { id } }", identity = user("s9", "many", groups) })
    end
    make('type Note @model @auth(rules: [{allow: groups, groupsField: "team"}]) { id: ID! team: String }')
    assert.is_true(hears(assert(subscribe_with(5)), nil, "g5"))
    assert.is_nil((subscribe_with(6)))
    make('type Note @model @auth(rules: [{allow: groups, groupsField: "teams"}]) { id: ID! teams: [String] }')
    local subscription = assert(subscribe_with(20))
    assert.is_truthy(subscription:match({ field = "createNote", value = { id = "1", teams = { "x", "g20" } } }))
    assert.is_nil(subscription:match({ field = "createNote", value = { id = "1", teams = { "x" } } }))
    assert.is_nil((subscribe_with(21)))
  end)

  it("hears what was made, by the owner's name", function()
    make("type Note @model @auth(rules: [{allow: owner}]) { id: ID! }")
    local of_bob, of_eve = assert(subscribe("bob")), assert(subscribe("eve"))
    local _, published = ruled.engine():execute({ query = 'mutation { createNote(input: {id: "1"}) { id owner } }', identity = CALLERS.bob })
    assert.equal('{"data":{"onCreateNote":{"id":"1"}}}', (of_bob:match(published[1])))
    assert.is_nil(of_eve:match(published[1]))
    _, published = ruled.engine():execute({ query = 'mutation { createNote(input: {id: "2"}) { id } }', identity = CALLERS.bob })
    assert.is_nil(of_bob:match(published[1])) -- the mutation didn't select the owner
  end)

  it("of the level public is for the default mode, and not asked about", function()
    make("type Note @model(subscriptions: {level: public}) @auth(rules: [{allow: owner}]) { id: ID! team: String }")
    assert.is_table((subscribe("eve")))
    assert.is_nil((subscribe("key")))
  end)

  it("of a field of one's own with rules is asked about", function()
    make([[
      type Query { a: Int } type Mutation { say: String }
      type Subscription { said: String @aws_subscribe(mutations: ["say"]) @auth(rules: [{allow: groups, groups: ["Admin"]}]) }
    ]])
    local query = "subscription { said }"
    assert.is_table((ruled.engine():subscribe({ query = query, identity = CALLERS.ada })))
    local _, errors = ruled.engine():subscribe({ query = query, identity = CALLERS.bob })
    assert.equal(no("said", "Subscription"), errors[1].message)
  end)
end)

describe("the result of a mutation", function()
  it("has no field with rules of its own, however deep: subscribers with other rights are sent it", function()
    make([[
      type Blog @model @auth(rules: [{allow: private}]) { id: ID! posts: [Post] @hasMany }
      type Post @model @auth(rules: [{allow: private}]) {
        id: ID! blog: Blog @belongsTo comments: [Comment] @hasMany
        secret: String @auth(rules: [{allow: groups, groups: ["Admin"]}])
      }
      type Comment @model @auth(rules: [{allow: private}]) { id: ID! post: Post @belongsTo }
    ]])
    run("ada", 'mutation { createBlog(input: {id: "b"}) { id } createPost(input: {id: "p", blogPostsId: "b", secret: "s"}) { id } }')
    local fields = "{ post { id secret blog { posts { items { id secret } nextToken } } } }"
    local function tree(secret)
      return { post = { id = "p", secret = secret, blog = { posts = { items = { { id = "p", secret = secret } }, nextToken = NULL } } } }
    end
    assert.same({ createComment = tree(NULL) },
      run("ada", 'mutation { createComment(input: {id: "c", postCommentsId: "p"}) ' .. fields .. " }").data)
    assert.same({ getComment = tree("s") }, run("ada", '{ getComment(id: "c") ' .. fields .. " }").data)
  end)
end)
