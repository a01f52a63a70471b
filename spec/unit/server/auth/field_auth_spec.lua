-- Which identity may select which field: the directives, the modes of the API, policies, and what an authorizer denied.
local engine = require("appsync.server.engine")
local field_auth = require("appsync.server.auth.field_auth")
local iam_policy = require("appsync.server.auth.iam_policy")

local COGNITO = "AMAZON_COGNITO_USER_POOLS"
local API = { region = "r", account_id = "a", api_id = "i" }

local SCHEMA = [[
type Query {
  plain: Int
  key: Int @aws_api_key
  iam: Int @aws_iam
  oidc: Int @aws_oidc
  lambda: Int @aws_lambda
  pool: Int @aws_cognito_user_pools
  staff: Int @aws_cognito_user_pools(cognito_groups: ["Staff", "Root"])
  either: Int @aws_iam @aws_cognito_user_pools(cognito_groups: ["Staff"])
  anybody: Int @aws_cognito_user_pools(cognito_groups: [])
  old: Int @aws_auth(cognito_groups: ["Staff"])
  note: Note @aws_api_key @aws_iam
}
type Note @aws_iam { text: String secret: String @aws_api_key }
]]
local made = {}

local function served(text)
  made[text] = made[text] or assert(engine.new({ schema_text = text }))
  return made[text].schema
end

local function allows(identity, modes, path, text)
  local schema = served(text or SCHEMA)
  local type_name, field_name = path:match("(%a+)%.(%a+)")
  local type_ = schema.types[type_name]
  return field_auth.allows(identity, field_auth.modes(schema, modes), type_, type_.fields[field_name])
end

local function of(mode, more)
  local identity = { mode = mode }
  for name, value in pairs(more or {}) do identity[name] = value end
  return identity
end

local OTHER = of(COGNITO, { groups = { "Other", "staff" } })
local STAFF, VISITOR = of(COGNITO, { groups = { "Users", "Staff" } }), of(COGNITO)

describe("a field", function()
  local KEY_FIRST = { default = "API_KEY", additional = { "AWS_IAM", COGNITO } }
  -- the field, and for API key, IAM, OIDC, Lambda, a visitor and one of the staff whether they may
  for _, row in ipairs({
    { "Query.plain", 1, 0, 0, 0, 0, 0 }, { "Query.key", 1, 0, 0, 0, 0, 0 }, { "Query.iam", 0, 1, 0, 0, 0, 0 },
    { "Query.oidc", 0, 0, 1, 0, 0, 0 }, { "Query.lambda", 0, 0, 0, 1, 0, 0 }, { "Query.pool", 0, 0, 0, 0, 1, 1 },
    { "Query.staff", 0, 0, 0, 0, 0, 1 }, { "Query.either", 0, 1, 0, 0, 0, 1 }, { "Query.note", 1, 1, 0, 0, 0, 0 },
    { "Note.text", 0, 1, 0, 0, 0, 0 }, { "Note.secret", 1, 0, 0, 0, 0, 0 }, { "Query.old", 1, 0, 0, 0, 0, 0 },
  }) do
    for i, identity in ipairs({ of("API_KEY"), of("AWS_IAM"), of("OPENID_CONNECT"), of("AWS_LAMBDA"), VISITOR, STAFF }) do
      it(("%s is %s to %s%s"):format(row[1], row[i + 1] == 1 and "open" or "closed", identity.mode, identity.groups and " (staff)" or ""),
        function() assert.equal(row[i + 1] == 1, allows(identity, KEY_FIRST, row[1])) end)
    end
  end

  it("for groups is closed to other groups, and for no group in particular open to all", function()
    assert.is_false(allows(OTHER, KEY_FIRST, "Query.staff"))
    assert.is_false(allows(OTHER, KEY_FIRST, "Query.either"))
    assert.is_true(allows(OTHER, KEY_FIRST, "Query.anybody"))
    assert.is_true(allows(VISITOR, KEY_FIRST, "Query.anybody"))
    assert.is_true(allows(VISITOR, KEY_FIRST, "Query.pool"))
    assert.is_false(allows(OTHER, { default = COGNITO }, "Query.old"))
  end)

  it("without a directive is the default mode's, whichever that is", function()
    assert.is_true(allows(of("AWS_IAM"), { default = "AWS_IAM", additional = { "API_KEY" } }, "Query.plain"))
    assert.is_false(allows(of("API_KEY"), { default = "AWS_IAM", additional = { "API_KEY" } }, "Query.plain"))
  end)

  it("is open to whoever needs no permission", function()
    assert.is_true(allows(nil, KEY_FIRST, "Query.staff"))
    assert.is_true(allows({}, KEY_FIRST, "Query.staff"))
  end)

  it("with @aws_auth looks at groups where user pools are the only mode, and only there", function()
    assert.is_true(allows(STAFF, { default = COGNITO }, "Query.old"))
    assert.is_false(allows(VISITOR, { default = COGNITO }, "Query.old"))
    assert.is_true(allows(VISITOR, { default = COGNITO, additional = { "API_KEY" } }, "Query.old"))
    assert.is_true(allows(of("API_KEY"), { default = "API_KEY" }, "Query.old"))
  end)

  it("is closed by a user pool's default action, unless a directive opens it", function()
    local modes = { default = COGNITO, denies_by_default = true, is_strict = true }
    assert.is_false(allows(STAFF, modes, "Query.plain"))
    assert.is_true(allows(STAFF, modes, "Query.old"))
    assert.is_true(allows(STAFF, modes, "Query.pool"))
    assert.is_true(allows(STAFF, { default = COGNITO, denies_by_default = true, additional = { "API_KEY" } }, "Query.plain"))
  end)

  it("of a schema that names no mode is open to all, unless the modes are described in full or rules hold", function()
    local text = "type Query { a: Int }"
    assert.is_true(allows(of("AWS_IAM"), KEY_FIRST, "Query.a", text))
    assert.is_false(allows(of("AWS_IAM"), { default = "API_KEY", additional = { "AWS_IAM" }, is_strict = true }, "Query.a", text))
    assert.is_true(field_auth.modes(served(text), KEY_FIRST).is_open)
    for _, said in ipairs({ "type Query { a: Int @aws_iam }", "type Query { a: N } type N @aws_iam { b: Int }",
      'type Query { a: Int @aws_auth(cognito_groups: ["A"]) }' }) do
      assert.is_false(field_auth.modes(served(said), KEY_FIRST).is_open)
    end
    assert.is_true(field_auth.modes(served('type Query { a: Int @deprecated } enum E { A } input I { a: Int }'), KEY_FIRST).is_open)
    assert.is_false(field_auth.modes(served(text), KEY_FIRST, true).is_open)
  end)

  it("of introspection is open to all", function()
    local schema = served(SCHEMA)
    local modes = field_auth.modes(schema, KEY_FIRST)
    for _, identity in ipairs({ of("API_KEY"), of("AWS_IAM"), VISITOR }) do
      assert.is_true(field_auth.allows(identity, modes, schema.types.__Schema, schema.types.__Schema.fields.types))
    end
  end)

  it("that an authorizer denied is closed, by its name or its ARN", function()
    for _, name in ipairs({ "Query.lambda", "arn:aws:appsync:r:a:apis/i/types/Query/fields/lambda" }) do
      assert.is_false(allows(of("AWS_LAMBDA", { denied_fields = { "Query.other", name } }), KEY_FIRST, "Query.lambda"))
    end
    assert.is_true(allows(of("AWS_LAMBDA", { denied_fields = { "Mutation.lambda", "Query.lambdas", "Query", 5 } }), KEY_FIRST, "Query.lambda"))
  end)

  describe("under a policy", function()
    local function with(...)
      return of("AWS_IAM", { policy = assert(iam_policy.read({ ... }, "policies", API)) })
    end
    local function statement(effect, what)
      return { Effect = effect, Action = "appsync:GraphQL", Resource = "arn:aws:appsync:r:a:apis/i/types/" .. what }
    end

    it("must be allowed where an operation begins", function()
      assert.is_true(allows(with(statement("Allow", "Query/fields/iam")), KEY_FIRST, "Query.iam"))
      assert.is_false(allows(with(statement("Allow", "Query/fields/other")), KEY_FIRST, "Query.iam"))
      assert.is_false(allows(with(statement("Allow", "*"), statement("Deny", "Query/fields/iam")), KEY_FIRST, "Query.iam"))
    end)

    it("must not be denied below that", function()
      assert.is_true(allows(with(statement("Allow", "Query/fields/note")), KEY_FIRST, "Note.text"))
      assert.is_false(allows(with(statement("Allow", "*"), statement("Deny", "Note/fields/text")), KEY_FIRST, "Note.text"))
    end)

    it("isn't opened to a mode that it isn't for", function()
      assert.is_false(allows(with(statement("Allow", "*")), KEY_FIRST, "Query.key"))
    end)

    it("holds where the schema names no mode, and for root types of another name", function()
      local text = "schema { query: Root } type Root { a: Int }"
      assert.is_false(allows(with(statement("Allow", "Root/fields/b")), KEY_FIRST, "Root.a", text))
      assert.is_true(allows(with(statement("Allow", "Root/*")), KEY_FIRST, "Root.a", text))
    end)
  end)

  it("that is denied is told so", function()
    assert.same({ message = "Not Authorized to access a on type T", type = "Unauthorized" }, field_auth.refusal("T", "a"))
  end)
end)
