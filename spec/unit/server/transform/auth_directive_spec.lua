local load_schema = require "appsync.server.transform.load"
local print_schema = require "appsync.server.graphql.print_schema"

local ALL = { default = "AMAZON_COGNITO_USER_POOLS", additional = { "API_KEY", "AWS_IAM", "OPENID_CONNECT", "AWS_LAMBDA" } }

local function expand(text, modes)
  local s, models = load_schema(text, { modes = modes or ALL })
  assert(s, models and models.message)
  return models.by_name, models, s
end

local function refusal(text, modes)
  local s, err = load_schema(text, { modes = modes or ALL })
  assert.is_nil(s)
  return err.message
end

local function operations(rule)
  local list = {}
  for name in pairs(rule.operations) do list[#list + 1] = name end
  table.sort(list)
  return table.concat(list, " ")
end

local EVERYTHING = "create delete get list listen search sync update"

local function rules_of(text, modes)
  return expand(("type A @model @auth(rules: [%s]) { id: ID! owners: [String] group: String groups: [String!] }"):format(text), modes).A.rules
end

describe("A rule of @auth", function()
  for text, expected in pairs({
    ["{allow: owner}"] = "AMAZON_COGNITO_USER_POOLS userPools", ["{allow: owner, provider: oidc}"] = "OPENID_CONNECT oidc",
    ["{allow: private}"] = "AMAZON_COGNITO_USER_POOLS userPools", ["{allow: private, provider: iam}"] = "AWS_IAM identityPool",
    ["{allow: private, provider: identityPool}"] = "AWS_IAM identityPool", ["{allow: private, provider: oidc}"] = "OPENID_CONNECT oidc",
    ["{allow: public}"] = "API_KEY apiKey", ["{allow: public, provider: iam}"] = "AWS_IAM identityPool",
    ["{allow: custom}"] = "AWS_LAMBDA function", ['{allow: groups, groups: ["G"]}'] = "AMAZON_COGNITO_USER_POOLS userPools",
    ['{allow: groups, groups: ["G"], provider: oidc}'] = "OPENID_CONNECT oidc",
  }) do
    it("is for the mode of its provider: " .. text, function()
      local rule = rules_of(text)[1]
      assert.equal(expected, rule.mode .. " " .. rule.provider)
      assert.equal(EVERYTHING, operations(rule))
    end)
  end

  it("is for its operations; read is all that reads", function()
    assert.equal("get list listen search sync", operations(rules_of("{allow: owner, operations: [read]}")[1]))
    assert.equal("create get", operations(rules_of("{allow: owner, operations: [create, get]}")[1]))
    assert.equal("", operations(rules_of("{allow: owner, operations: []}")[1]))
  end)

  it("of owners says which field holds which claims", function()
    local rule = rules_of("{allow: owner}")[1]
    assert.same({ "owner", false, { "sub", "username" } }, { rule.owner_field, rule.owner_is_list, rule.identity_claims })
    rule = rules_of('{allow: owner, ownerField: "owners", identityClaim: "cognito:username"}')[1]
    assert.same({ "owners", true, { "cognito:username" } }, { rule.owner_field, rule.owner_is_list, rule.identity_claims })
  end)

  it("of owners takes whatever is text for their field", function()
    for _, type_text in ipairs({ "String", "ID!", "AWSEmail", "[AWSEmail!]" }) do
      assert.is_table(expand(("type A @model @auth(rules: [{allow: owner, ownerField: \"by\"}]) { id: ID! by: %s }"):format(type_text)))
    end
  end)

  it("of groups names them, or the field that does", function()
    local rule = rules_of('{allow: groups, groups: "Admin", groupClaim: "roles"}')[1]
    assert.same({ { "Admin" }, "roles" }, { rule.groups, rule.group_claim })
    rule = rules_of('{allow: groups, groupsField: "groups"}')[1]
    assert.same({ "groups", true, "cognito:groups" }, { rule.groups_field, rule.groups_is_list, rule.group_claim })
    assert.is_false(rules_of('{allow: groups, groupsField: "group"}')[1].groups_is_list)
  end)

  it("reads no more than its strategy has", function()
    local rule = rules_of('{allow: private, ownerField: "owners", groups: ["A"], identityClaim: "sub"}')[1]
    assert.same({}, { rule.owner_field, rule.groups, rule.identity_claims })
    rule = rules_of('{allow: groups, groups: ["A"], ownerField: "owners"}')[1]
    assert.same({ { "A" }, nil }, { rule.groups, rule.owner_field })
  end)

  it("takes an empty text for an absent one", function()
    local rule = rules_of('{allow: owner, ownerField: "", identityClaim: ""}')[1]
    assert.same({ "owner", { "sub", "username" } }, { rule.owner_field, rule.identity_claims })
    rule = rules_of('{allow: groups, groupsField: "group", groupClaim: ""}')[1]
    assert.same({ "group", "cognito:groups" }, { rule.groups_field, rule.group_claim })
  end)

  it("of the first version looks for groups in 'groups' where it names none", function()
    local rule = expand("type A @model @versioned @auth(rules: [{allow: groups}]) { id: ID! groups: [String] }").A.rules[1]
    assert.same({ "groups", true }, { rule.groups_field, rule.groups_is_list })
  end)

  it("tells by its arguments that a schema is the first version's", function()
    for name, argument in pairs({ identityField = 'identityField: "sub"', queries = "queries: [get]", mutations = "mutations: null" }) do
      local _, models = expand(("type A @model @auth(rules: [{allow: owner, %s}]) { id: ID! }"):format(argument))
      assert.same({ version = 1, sign = ("@auth's '%s'"):format(name) }, models.transformer)
    end
    local s, err = load_schema("type A @model @auth(rules: {allow: owner, queries: [get]}) { id: ID! }",
      { modes = ALL, transformer = { version = 2 } })
    assert.is_nil(s)
    assert.equal("@auth's 'queries' is of Amplify's first transformer, and this schema follows the second (line 1, column 43)",
      err.message)
  end)

  it("of the first version names queries and mutations, and leaves open what none speaks of", function()
    local m = expand([[type A @model @versioned @auth(rules: [{allow: owner, identityField: "sub", queries: [get], mutations: [create]}])
      { id: ID! }]]).A
    assert.equal("create get", operations(m.rules[1]))
    assert.same({ "sub" }, m.rules[1].identity_claims)
    assert.same({ "anyone", true }, { m.rules[2].allow, m.rules[2].is_implied })
    assert.equal("delete list listen search sync update", operations(m.rules[2]))
    m = expand("type A @model @versioned @auth(rules: [{allow: owner, queries: null}]) { id: ID! }",
      { default = "API_KEY", additional = { "AMAZON_COGNITO_USER_POOLS" } }).A
    assert.equal("create delete update", operations(m.rules[1]))
    assert.same({ "cognito:username" }, m.rules[1].identity_claims)
    assert.same({ "anyone", "get list listen search sync" }, { m.rules[2].allow, operations(m.rules[2]) })
    m = expand("type A @model @versioned @auth(rules: [{allow: owner}]) { id: ID! }").A
    assert.equal(1, #m.rules)
  end)

  it("may be for a field of a model, or of any other type", function()
    local by_name, models = expand([[type A @model @auth(rules: [{allow: private}, {allow: owner}]) { id: ID! secret: String @auth(rules: [{allow: owner}]) }
      type Query { q: B @auth(rules: [{allow: public}]) } type B { c: Int @auth(rules: [{allow: private}]) }]])
    assert.equal("owner", by_name.A.field_rules.secret[1].allow)
    assert.is_nil(by_name.A.field_rules.id)
    assert.equal("public", models.field_rules["Query.q"][1].allow)
    assert.equal("private", models.field_rules["B.c"][1].allow)
  end)

  it("of nobody leaves a model without rules; in a sandbox it is marked", function()
    local m = expand("type A @model { id: ID! }").A
    assert.is_nil(m.rules)
    assert.is_nil(m.is_sandbox)
    m = expand("input AMPLIFY { globalAuthRule: AuthRule = { allow: public } } type A @model { id: ID! } "
      .. "type B @model @auth(rules: [{allow: owner}]) { id: ID! }")
    assert.is_true(m.A.is_sandbox)
    assert.is_nil(m.B.is_sandbox)
  end)

  it("of a sandbox is all open, whatever else its switch says, and under both of its names", function()
    for _, switch in ipairs({ "globalAuthRule: AuthRule = { allow: public, operations: [read] }",
      "global_auth_rule: AuthorizationRule = { allow: public }", "engine: String globalAuthRule: AuthRule = { allow: public }" }) do
      assert.is_true(expand(("input AMPLIFY { %s } type A @model { id: ID! }"):format(switch)).A.is_sandbox)
    end
    assert.is_nil(expand('input AMPLIFY { engine: String = "mysql" } type A @model { id: ID! }').A.is_sandbox)
    for _, switch in ipairs({ "globalAuthRule: AuthRule = { allow: private }", "globalAuthRule: AuthRule",
      "globalAuthRule: AuthRule = { operations: [read], allow: public }", "globalAuthRule: Rule = { allow: public }" }) do
      assert.equal("input AMPLIFY: only 'globalAuthRule: AuthRule = { allow: public }' is accepted (line 1, column 1)",
        refusal(("input AMPLIFY { %s } type A @model { id: ID! }"):format(switch)))
    end
  end)

  it("tells who may do what with which field", function()
    local m = expand([[type A @model @auth(rules: [{allow: owner}, {allow: private, operations: [read]}]) { id: ID!
      secret: String @auth(rules: [{allow: owner, operations: [read]}]) }]]).A
    assert.same({ "AMAZON_COGNITO_USER_POOLS:owner owner:sub::username", "AMAZON_COGNITO_USER_POOLS:private" },
      { m.roles[1].name, m.roles[2].name })
    assert.is_true(m.roles[1].allowed.id.update)
    assert.is_nil(m.roles[1].allowed.secret.update)
    assert.is_true(m.roles[1].allowed.secret.get)
    assert.is_nil(m.roles[2].allowed.secret)
  end)

  it("is accepted for every mode where the modes of the API aren't known", function()
    assert.is_table(load_schema("type A @model @auth(rules: [{allow: custom}, {allow: owner, provider: oidc}]) { id: ID! }"))
  end)

  it("tells a fault once, though relations read the rules too", function()
    local _, err = load_schema([[type A @model @auth(rules: [{allow: custom}]) { id: ID! bs: [B] @manyToMany(relationName: "AB") }
      type B @model { id: ID! as: [A] @manyToMany(relationName: "AB") }]], { modes = { default = "API_KEY" } })
    assert.matches("allow: custom", err.message)
    assert.same({}, err.others)
  end)

  local NEEDS = "needs %s (%s), which this API has not enabled (line 1, column 29)"
  for _, row in ipairs({
    { "{allow: owner}", "@auth: 'allow: owner' with the provider 'userPools' " .. NEEDS:format("Cognito user pools", "AMAZON_COGNITO_USER_POOLS") },
    { "{allow: private, provider: oidc}", "@auth: 'allow: private' with the provider 'oidc' " .. NEEDS:format("OpenID Connect", "OPENID_CONNECT") },
    { "{allow: public, provider: iam}", "@auth: 'allow: public' with the provider 'identityPool' " .. NEEDS:format("IAM", "AWS_IAM") },
    { "{allow: custom}", "@auth: 'allow: custom' with the provider 'function' " .. NEEDS:format("a Lambda authorizer", "AWS_LAMBDA") },
    { "{allow: public}", "@auth: 'allow: public' with the provider 'apiKey' " .. NEEDS:format("API keys", "API_KEY"),
      { default = "AWS_LAMBDA" } },
  }) do
    it("needs its mode: " .. row[1], function()
      assert.equal(row[2], refusal("type A @model @auth(rules: [" .. row[1] .. "]) { id: ID! }", row[3] or { default = "API_KEY" }))
    end)
  end

  for _, row in ipairs({
    { "{allow: owner, provider: apiKey}", "@auth: 'allow: owner' cannot have the provider 'apiKey'; it is one of userPools, oidc" },
    { "{allow: public, provider: userPools}", "@auth: 'allow: public' cannot have the provider 'userPools'; it is one of apiKey, identityPool" },
    { "{allow: private, provider: apiKey}",
      "@auth: 'allow: private' cannot have the provider 'apiKey'; it is one of userPools, identityPool, oidc" },
    { "{allow: custom, provider: iam}", "@auth: 'allow: custom' cannot have the provider 'iam'; it is one of function" },
    { "{allow: groups}", "@auth: 'allow: groups' needs 'groups' or 'groupsField'" },
    { "{allow: groups, groups: []}", "@auth: 'groups' is empty, so nobody could be in them" },
    { '{allow: groups, groups: ["A"], groupsField: "group"}', "@auth: a rule has 'groups' or 'groupsField', not both" },
    { '{allow: groups, groups: ["A"], identityClaim: "x"}', "@auth: 'identityClaim' is for 'allow: owner', not for 'allow: groups'" },
    { '{allow: owner, groupClaim: "x"}', "@auth: 'groupClaim' is for 'allow: groups', not for 'allow: owner'" },
    { '{allow: owner, groups: ["A"]}', "@auth: 'groups' is for 'allow: groups', not for 'allow: owner'" },
    { '{allow: private, groups: []}', "@auth: 'groups' is for 'allow: groups', not for 'allow: private'" },
    { '{allow: public, provider: iam, groups: ["A"]}', "@auth: 'groups' is for 'allow: groups', not for 'allow: public'" },
    { '{allow: private, groups: ["A"], groupsField: "group"}', "@auth: a rule has 'groups' or 'groupsField', not both" },
    { "{allow: owner, operations: [read, list]}", "@auth has the operations 'read' and 'list': 'read' includes all of get, list, listen, search, sync" },
    { '{allow: owner, ownerField: "a b"}', "@auth's 'ownerField' 'a b' isn't the name of a field" },
    { "{allow: everyone}", "@auth's 'rules.allow' must be one of owner, groups, private, public, custom" },
    { "{provider: iam}", "@auth's 'rules' needs 'allow'" },
    { "5", "@auth's 'rules' must be an object or null" },
    { "{allow: owner}, {allow: owner, operations: [read]}",
      "@auth: two rules of 'A' are for the same callers: put their operations into one rule" },
    { '{allow: groups, groups: ["A", "B"]}, {allow: groups, groups: ["B"]}',
      "@auth: two rules of 'A' are for the same callers: put their operations into one rule" },
  }) do
    it("is refused: " .. row[1], function()
      local message = refusal("type A @model\n@auth(rules: [" .. row[1] .. "]) { id: ID! group: String n: Int }")
      assert.equal(row[2], (message:gsub(" %(line 2, column %d+%)$", "")))
      assert.matches("line 2", message)
    end)
  end

  for _, row in ipairs({
    { "type A @model @auth(rules: []) { id: ID! }", "@auth has no rules (line 1, column 28)" },
    { "type A @auth(rules: [{allow: owner}]) { a: Int }", "@auth on 'A' needs @model on the same type, or belongs on the fields (line 1, column 8)" },
    { "type A @model { id: ID! a: Int @auth(rules: [{allow: owner, operations: [list]}]) }",
      "@auth on a field cannot have the operation 'list': use 'read' (line 1, column 46)" },
    { "type Query { a: Int @auth(rules: [{allow: owner, operations: [read]}]) }",
      "@auth on 'Query.a' cannot have 'operations': only fields of models have operations (line 1, column 35)" },
    { "interface I { a: Int @auth(rules: [{allow: owner}]) } type Query { a: I }",
      "@auth is not allowed on the field 'a' of the interface 'I' (line 1, column 22)" },
    { "type A @model @auth(rules: [{allow: private}]) { id: ID! s: Int! @auth(rules: [{allow: owner}]) }",
      "'A.s' is required, but not everyone who may read the model may read the field: give it rules with 'read', make it "
        .. "nullable, or set the subscriptions' level to off or public (line 1, column 58)" },
    { "type A @model(subscriptions: null) @auth(rules: [{allow: private}]) { id: ID! s: Int! @auth(rules: [{allow: owner}]) }",
      "'A.s' is required, but not everyone who may read the model may read the field: give it rules with 'read', make it "
        .. "nullable, or set the subscriptions' level to off or public (line 1, column 79)" },
    { "type A @model @auth(rules: [{allow: private, provider: iam}]) { id: ID s: Int! t: Int @auth(rules: [{allow: public, provider: iam}]) }",
      "'A.s' is required, but not everyone who may read the model may read the field: give it rules with 'read', make it "
        .. "nullable, or set the subscriptions' level to off or public (line 1, column 72)" },
    { "type A @model @auth(rules: [{allow: private, operations: [get, list, listen]}]) { id: ID s: Int! t: Int @auth(rules: [{allow: owner}]) }",
      "'A.s' is required, but not everyone who may read the model may read the field: give it rules with 'read', make it "
        .. "nullable, or set the subscriptions' level to off or public (line 1, column 90)" },
    { "type A @model @versioned { id: ID! s: Int! @auth(rules: [{allow: owner}]) }",
      "'A.s' is required and has rules for reading: make it nullable, or set the subscriptions' level to off or public "
        .. "(line 1, column 36)" },
  }) do
    it("is refused: " .. row[1], function() assert.equal(row[2], refusal(row[1])) end)
  end

  it("of a required field that not everybody may read is accepted where no subscription could meet it", function()
    for _, level in ipairs({ "off", "public" }) do
      expand(("type A @model(subscriptions: {level: %s}) @auth(rules: [{allow: private}]) { id: ID! s: Int! @auth(rules: [{allow: owner}]) }")
        :format(level))
    end
    -- Whoever is signed in may read it, so owners may.
    expand("type A @model @auth(rules: [{allow: private}, {allow: owner}]) { id: ID! s: Int! @auth(rules: [{allow: private}]) }")
  end)

  it("of a schema with the default mode alone leaves no directives in it", function()
    local _, _, s = expand("type A @model @auth(rules: [{allow: owner}]) { id: ID! }", { default = "AMAZON_COGNITO_USER_POOLS" })
    assert.falsy(print_schema(s):find("@aws_cognito", 1, true))
  end)

  it("is told with the others that are wrong", function()
    local s, err = load_schema("type A @model @auth(rules: []) { id: ID! } type B @model @auth(rules: []) { id: ID! }")
    assert.is_nil(s)
    assert.equal(1, #err.others)
    assert.equal(71, err.others[1].column)
  end)
end)

describe("A default", function()
  local function defaults(fields)
    return expand("enum E { A B } type T @model { id: ID! " .. fields .. " }").T.defaults
  end

  it("has its field's type", function()
    assert.same({ s = "x", i = 5, f = 1.5, b = false, e = "B", d = "2024-01-01", t = 7, n = "5" }, defaults([[s: String @default(value: "x")
      i: Int! @default(value: "5") f: Float @default(value: "1.5") b: Boolean @default(value: "false") e: E @default(value: "B")
      d: AWSDate @default(value: "2024-01-01") t: AWSTimestamp @default(value: "7") n: ID @default(value: "5")]]))
    assert.equal("integer", math.type and math.type(defaults('i: Int @default(value: "5")').i) or "integer")
  end)

  it("is checked", function()
    for fields, message in pairs({
      ['i: Int @default(value: "x")'] = "@default of 'T.i': 'x' is not a valid Int (line 1, column 63)",
      ['i: Int @default(value: "1.5")'] = "@default of 'T.i': '1.5' is not a valid Int: ",
      ['b: Boolean @default(value: "yes")'] = "@default of 'T.b': 'yes' is not a valid Boolean (line 1, column 67)",
      ['e: E @default(value: "C")'] = "@default of 'T.e': 'C' is not a valid E: it is one of A, B",
      ['d: AWSDate @default(value: "today")'] = "@default of 'T.d': 'today' is not a valid AWSDate: ",
      ["s: String @default"] = "@default of 'T.s' needs a 'value'",
      ["s: String @default(value: null)"] = "@default of 'T.s' needs a 'value'",
      ["s: String @default(value: 5)"] = "@default's 'value' must be a string",
      ['s: [String] @default(value: "x")'] = "@default of 'T.s': only fields of scalars and enums have defaults",
      ['m: M @default(value: "x") } type M { a: Int'] = "@default of 'T.m': only fields of scalars and enums have defaults",
    }) do
      local found = refusal("enum E { A B } type T @model { id: ID! " .. fields .. " }")
      assert.equal(message, found:sub(1, #message), found)
    end
  end)
end)

describe("A version", function()
  it("is a field that is required, and an input", function()
    local m = expand("type A @model @versioned { id: ID! }").A
    assert.same({ field = "version", input = "expectedVersion" }, m.versioned)
    assert.is_true(m.field_by_name.version.is_required)
    m = expand('type A @model @versioned(versionField: "rev", versionInput: "known") { id: ID! rev: Int }').A
    assert.same({ field = "rev", input = "known" }, m.versioned)
    assert.is_true(m.field_by_name.rev.is_required)
  end)

  it("goes with what the second version has", function()
    local _, _, s = expand('type A @model @versioned { id: ID! name: String @index(name: "byName") version: Int! }')
    local sdl = print_schema(s)
    assert.truthy(sdl:find("input CreateAInput {\n  id: ID\n  name: String\n}", 1, true))
    assert.truthy(sdl:find("input UpdateAInput {\n  id: ID!\n  name: String\n  version: Int\n  expectedVersion: Int!\n}", 1, true))
    assert.truthy(sdl:find("input DeleteAInput {\n  id: ID!\n  expectedVersion: Int!\n}", 1, true))
    assert.truthy(sdl:find("onCreateA(filter: ModelSubscriptionAFilterInput): A", 1, true))
  end)

  it("is checked", function()
    assert.equal("the version field 'version' of model 'A' must be 'Int!' (line 1, column 36)",
      refusal("type A @model @versioned { id: ID! version: String }"))
    assert.equal("@versioned's input 'id' has the name of a field of model 'A' (line 1, column 15)",
      refusal('type A @model @versioned(versionInput: "id") { id: ID! }'))
    assert.equal("@versioned: 'a b' isn't the name of a field (line 1, column 15)",
      refusal('type A @model @versioned(versionField: "a b") { id: ID! }'))
  end)
end)

describe("S3Object", function()
  it("and its input are there where they are used", function()
    local _, _, s = expand("type A @model { id: ID! file: S3Object } type Query { put(file: S3ObjectInput!): Int }")
    local sdl = print_schema(s)
    assert.truthy(sdl:find("type S3Object {\n  bucket: String!\n  key: String!\n  region: String!\n}", 1, true))
    assert.truthy(sdl:find("input S3ObjectInput {\n  bucket: String!\n  key: String!\n  region: String!\n}", 1, true))
    assert.truthy(sdl:find("input CreateAInput {\n  id: ID\n  file: S3ObjectInput\n}", 1, true))
    _, _, s = expand("type A @model { id: ID! }")
    assert.is_nil(s.types.S3Object)
  end)

  it("may be declared", function()
    local _, _, s = expand([[type A @model { id: ID! file: S3Object } type S3Object { bucket: String! key: String! region: String! extra: Int }
      input S3ObjectInput { bucket: String! key: String! region: String! localUri: String }]])
    assert.truthy(s.types.S3Object.fields.extra)
    assert.truthy(s.types.S3ObjectInput.fields.localUri)
    assert.is_nil(s.types.S3ObjectInput.fields.extra)
  end)
end)

