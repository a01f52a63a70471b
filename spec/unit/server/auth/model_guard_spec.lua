-- What each kind of rule lets each kind of caller do: every row is a test.
local core = require("appsync.core")
local model_guard = require("appsync.server.auth.model_guard")

local NULL = core.null
local COGNITO, OIDC, KEY, IAM, LAMBDA = "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "API_KEY", "AWS_IAM", "AWS_LAMBDA"

local function ops(text)
  local set = {}
  for name in (text or "create update delete get list sync listen search"):gmatch("%a+") do
    for _, op in ipairs(name == "read" and { "get", "list", "sync", "listen", "search" } or { name }) do set[op] = true end
  end
  return set
end

local RULES = {
  owner = function(o) return { allow = "owner", mode = COGNITO, operations = ops(o), owner_field = "owner",
    identity_claims = { "sub", "username" } } end,
  owners = function(o) return { allow = "owner", mode = COGNITO, operations = ops(o), owner_field = "owners", owner_is_list = true,
    identity_claims = { "sub", "username" } } end,
  oidc = function(o) return { allow = "owner", mode = OIDC, operations = ops(o), owner_field = "owner", identity_claims = { "sub" } } end,
  email = function(o) return { allow = "owner", mode = COGNITO, operations = ops(o), owner_field = "contact",
    identity_claims = { "email" } } end,
  groups = function(o) return { allow = "groups", mode = COGNITO, operations = ops(o), groups = { "Admin", "Root" },
    group_claim = "cognito:groups" } end,
  team = function(o) return { allow = "groups", mode = COGNITO, operations = ops(o), groups_field = "team",
    group_claim = "cognito:groups" } end,
  teams = function(o) return { allow = "groups", mode = COGNITO, operations = ops(o), groups_field = "teams", groups_is_list = true,
    group_claim = "cognito:groups" } end,
  roles = function(o) return { allow = "groups", mode = OIDC, operations = ops(o), groups = { "Admin" }, group_claim = "roles" } end,
  private = function(o) return { allow = "private", mode = COGNITO, operations = ops(o) } end,
  private_iam = function(o) return { allow = "private", mode = IAM, operations = ops(o) } end,
  public = function(o) return { allow = "public", mode = KEY, operations = ops(o) } end,
  public_iam = function(o) return { allow = "public", mode = IAM, operations = ops(o) } end,
  custom = function(o) return { allow = "custom", mode = LAMBDA, operations = ops(o) } end,
}

-- "owner(read update) groups": two rules, the first for these operations, the second for all.
local function rules_of(text)
  local list = {}
  local joined = text:gsub("%b()", function(part) return (part:gsub(" ", ",")) end)
  for word in joined:gmatch("%S+") do
    list[#list + 1] = RULES[word:match("^[%a_]+")](word:match("%((.*)%)"))
  end
  return list
end

local function claims(more)
  local all = { sub = "s1", username = "bob", email = "bob@example.org" }
  for name, value in pairs(more or {}) do all[name] = value end
  return all
end

local CALLERS = {
  bob = { mode = COGNITO, claims = claims() },
  bob_by_id_token = { mode = COGNITO, claims = { sub = "s1", ["cognito:username"] = "bob" } },
  eve = { mode = COGNITO, claims = { sub = "s2", username = "eve" } },
  admin = { mode = COGNITO, claims = { sub = "s3", username = "ada", ["cognito:groups"] = { "Users", "Admin" } } },
  half = { mode = COGNITO, claims = { sub = "s1" } }, -- of the two claims that make an owner
  nameless = { mode = COGNITO, claims = { sub = {}, username = "" } },
  numbered = { mode = COGNITO, claims = { sub = 17, username = "bob" } },
  red = { mode = COGNITO, claims = { sub = "s4", username = "red", ["cognito:groups"] = { "Red", "Blue" } } },
  oidc_bob = { mode = OIDC, claims = { sub = "s1" } },
  oidc_admin = { mode = OIDC, claims = { sub = "s3", roles = '["Admin"]' } },
  oidc_one_role = { mode = OIDC, claims = { sub = "s3", roles = "Admin" } },
  key = { mode = KEY },
  signed_in = { mode = IAM, iam = { cognito = { type = "authenticated" } } },
  guest = { mode = IAM, iam = { cognito = { type = "unauthenticated" } } },
  machine = { mode = IAM, iam = {} },
  root = { mode = IAM, iam = { is_admin = true } },
  lambda = { mode = LAMBDA },
}

local FIELDS = {}
for _, name in ipairs({ "id", "text", "owner", "owners", "contact", "team", "teams", "secret" }) do
  FIELDS[#FIELDS + 1] = { name = name, is_required = name == "id" }
end

local function model(rules, more)
  local m = { name = "Note", rules = type(rules) == "string" and rules_of(rules) or rules, field_rules = {}, level = "on",
    fields = FIELDS, field_by_name = {}, key = { partition = "id" }, relations = {} }
  for _, field in ipairs(FIELDS) do m.field_by_name[field.name] = field end
  for name, value in pairs(more or {}) do m[name] = value end
  return m
end

local function context(caller, field, type_name, source)
  return { caller = caller and (CALLERS[caller] or error(caller)), source = source,
    info = { fieldName = field or "it", parentTypeName = type_name or "Query" } }
end

-- "ok", or the message of the refusal.
local function outcome(fn, ...)
  local ok, thrown = pcall(fn, ...)
  if ok then return "ok", thrown end
  assert.equal("Unauthorized", thrown.type)
  return thrown.message
end

local NO = "Not Authorized to access it on type Query"

describe("rules of a model:", function()
  -- rules, caller, the filter of get, list and sync: true for all records, false for a refusal
  local ANY_BOB = { { owner = { eq = "s1::bob" } }, { owner = { eq = "s1" } }, { owner = { eq = "bob" } } }
  for _, row in ipairs({
    { "owner", "bob", ANY_BOB },
    { "owner", "bob_by_id_token", ANY_BOB },
    { "owner", "nameless", false }, { "owner", "numbered", { { owner = { eq = "17::bob" } }, { owner = { eq = "17" } }, { owner = { eq = "bob" } } } },
    { "owner", "key", false }, { "owner", "oidc_bob", false }, { "owner", "signed_in", false }, { "owner", "lambda", false },
    { "owners", "eve", { { owners = { contains = "s2::eve" } }, { owners = { contains = "s2" } }, { owners = { contains = "eve" } } } },
    { "oidc", "oidc_bob", { { owner = { eq = "s1" } } } }, { "oidc", "bob", false },
    { "email", "bob", { { contact = { eq = "bob@example.org" } } } }, { "email", "eve", false },
    { "groups", "admin", true }, { "groups", "red", false }, { "groups", "bob", false }, { "groups", "key", false },
    { "team", "red", { { team = { ["in"] = { "Red", "Blue" } } } } }, { "team", "bob", false },
    { "teams", "red", { { teams = { contains = "Red" } }, { teams = { contains = "Blue" } } } }, { "teams", "eve", false },
    { "roles", "oidc_admin", true }, { "roles", "oidc_one_role", true }, { "roles", "oidc_bob", false }, { "roles", "admin", false },
    { "private", "bob", true }, { "private", "oidc_bob", false }, { "private", "key", false },
    { "private_iam", "signed_in", true }, { "private_iam", "guest", false }, { "private_iam", "machine", true },
    { "private_iam", "bob", false },
    { "public", "key", true }, { "public", "bob", false }, { "public", "lambda", false },
    { "public_iam", "guest", true }, { "public_iam", "signed_in", false }, { "public_iam", "machine", true },
    { "public_iam", "key", false },
    { "custom", "lambda", true }, { "custom", "key", false },
    { "owner public", "key", true }, { "owner groups", "admin", true }, { "owner groups", "bob", ANY_BOB },
    { "owner(create) public(read)", "bob", false }, { "owner(read) private(create)", "bob", ANY_BOB },
    { "owner", "root", true }, { "owner", nil, true },
  }) do
    local rules, caller, expected = row[1], row[2], row[3]
    for _, op in ipairs({ "get", "list", "sync" }) do
      local word = expected == true and "everything" or expected and "what is theirs" or "nothing"
      it(("%s lets %s %s %s"):format(rules, tostring(caller), op, word), function()
        local m = model(rules)
        local guard = model_guard.new({ m })
        local result, filter = outcome(guard.read, guard, m, op, context(caller))
        if not expected then
          assert.equal(NO, result)
        else
          assert.equal("ok", result)
          assert.same(expected ~= true and { ["or"] = expected } or nil, filter)
        end
      end)
    end
  end
end)

describe("a caller who creates a record", function()
  -- rules, caller, input, "ok" or the message, owners in the record afterwards
  for _, row in ipairs({
    { "owner", "bob", {}, "ok", { owner = "s1::bob" } },
    { "owner", "bob", { owner = "s1::bob" }, "ok", { owner = "s1::bob" } },
    { "owner", "bob", { owner = "s1" }, "ok", { owner = "s1" } },
    { "owner", "bob", { owner = "bob" }, "ok", { owner = "bob" } },
    { "owner", "bob", { owner = "eve" }, NO },
    { "owner", "bob", { owner = NULL }, NO },
    { "owner", "key", {}, NO }, { "owner", "oidc_bob", {}, NO },
    { "owners", "bob", {}, "ok", { owners = { "s1::bob" } } },
    { "owners", "bob", { owners = { "eve", "bob" } }, "ok", { owners = { "eve", "bob" } } },
    { "owners", "bob", { owners = { "eve" } }, NO }, { "owners", "bob", { owners = {} }, NO },
    { "oidc", "oidc_bob", {}, "ok", { owner = "s1" } },
    { "email", "bob", {}, "ok", { contact = "bob@example.org" } }, { "email", "eve", {}, NO },
    { "owner email", "bob", {}, "ok", { owner = "s1::bob", contact = "bob@example.org" } },
    { "groups", "admin", {}, "ok", {} }, { "groups", "red", {}, NO },
    { "owner groups", "admin", {}, "ok", { owner = "s3::ada" } },
    { "owner groups", "admin", { owner = "eve" }, "ok", { owner = "eve" } },
    { "owner private", "bob", {}, "ok", {} }, { "owner public", "key", {}, "ok", {} },
    { "owner private(read)", "bob", {}, "ok", { owner = "s1::bob" } },
    { "team", "red", { team = "Blue" }, "ok", {} }, { "team", "red", { team = "Green" }, NO }, { "team", "red", {}, NO },
    { "teams", "red", { teams = { "Green", "Red" } }, "ok", {} }, { "teams", "red", { teams = { "Green" } }, NO },
    { "private", "eve", {}, "ok", {} }, { "private", "key", {}, NO }, { "public", "key", {}, "ok", {} }, { "public", "eve", {}, NO },
    { "private_iam", "signed_in", {}, "ok", {} }, { "private_iam", "guest", {}, NO }, { "public_iam", "guest", {}, "ok", {} },
    { "custom", "lambda", {}, "ok", {} }, { "custom", "bob", {}, NO },
    { "owner(read update delete)", "bob", {}, NO }, { "private(read)", "bob", {}, NO },
    { "owner", "root", {}, "ok", {} }, { "owner", nil, {}, "ok", {} },
  }) do
    local rules, caller, input, expected, owners = row[1], row[2], row[3], row[4], row[5]
    it(("by %s as %s with %s: %s"):format(rules, tostring(caller), core.encode(input), expected), function()
      local m, given = model(rules), { text = "t" }
      for name, value in pairs(input) do given[name] = value end
      local guard = model_guard.new({ m })
      assert.equal(expected, (outcome(guard.create, guard, m, context(caller), given)))
      for _, name in ipairs(expected == "ok" and { "owner", "owners", "contact" } or {}) do assert.same(owners[name], given[name]) end
    end)
  end
end)

describe("a caller who has a record", function()
  -- rules, caller, the stored record; may update, may delete
  for _, row in ipairs({
    { "owner", "bob", { owner = "s1::bob" }, true, true }, { "owner", "bob", { owner = "s1" }, true, true },
    { "owner", "bob", { owner = "bob" }, true, true }, { "owner", "bob", { owner = "s2::eve" }, false, false },
    { "owner", "bob", {}, false, false }, { "owner", "bob", { owner = NULL }, false, false }, { "owner", "bob", nil, false, false },
    { "owner", "key", { owner = "bob" }, false, false }, { "owner", "oidc_bob", { owner = "s1" }, false, false },
    { "owner(read update)", "bob", { owner = "bob" }, true, false }, { "owner(read delete)", "bob", { owner = "bob" }, false, true },
    { "owners", "bob", { owners = { "s2::eve", "s1::bob" } }, true, true }, { "owners", "bob", { owners = { "eve" } }, false, false },
    { "groups", "admin", {}, true, true }, { "groups", "bob", {}, false, false },
    { "team", "red", { team = "Red" }, true, true }, { "team", "red", { team = "Green" }, false, false },
    { "teams", "red", { teams = { "Blue" } }, true, true }, { "teams", "red", {}, false, false },
    { "private", "bob", {}, true, true }, { "private", "key", {}, false, false }, { "public", "key", {}, true, true },
    { "private_iam", "signed_in", {}, true, true }, { "private_iam", "guest", {}, false, false },
    { "public_iam", "guest", {}, true, true }, { "custom", "lambda", {}, true, true }, { "custom", "key", {}, false, false },
    { "owner private(read)", "eve", { owner = "bob" }, false, false },
    { "owner groups(delete)", "admin", { owner = "bob" }, false, true },
    { "owner", "root", { owner = "bob" }, true, true }, { "owner", nil, { owner = "bob" }, true, true },
  }) do
    local rules, caller, item, updates, deletes = row[1], row[2], row[3], row[4], row[5]
    local name = ("%s as %s, stored %s"):format(rules, tostring(caller), item and core.encode(item) or "nothing")
    it(("%s update it by %s"):format(updates and "may" or "may not", name), function()
      local m = model(rules)
      local guard = model_guard.new({ m })
      assert.equal(updates and "ok" or NO, (outcome(guard.update, guard, m, context(caller), item, { id = "1", text = "t" })))
    end)
    it(("%s delete it by %s"):format(deletes and "may" or "may not", name), function()
      local m = model(rules)
      local guard = model_guard.new({ m })
      assert.equal(deletes and "ok" or NO, (outcome(guard.delete, guard, m, context(caller), item)))
    end)
  end

  it("nulls a field only with the right to delete", function()
    local m = model("owner(read update)")
    local guard = model_guard.new({ m })
    local item = { owner = "bob" }
    assert.equal("Unauthorized on [text]", (outcome(guard.update, guard, m, context("bob"), item, { id = "1", text = NULL })))
    m = model("owner(read update delete)")
    assert.equal("ok", (outcome(guard.update, guard, m, context("bob"), item, { id = "1", text = NULL })))
  end)

  it("may give it away", function()
    local m = model("owner")
    local guard = model_guard.new({ m })
    assert.equal("ok", (outcome(guard.update, guard, m, context("bob"), { owner = "bob" }, { id = "1", owner = "eve" })))
  end)
end)

it("a caller whose token lacks one of an owner's claims owns nothing, and makes nothing", function()
  local m, ctx = model("owner"), context("half", "note")
  local guard = model_guard.new({ m })
  assert.matches("^Not Authorized", (outcome(guard.read, guard, m, "list", ctx)))
  assert.matches("^Not Authorized", (outcome(guard.create, guard, m, ctx, { text = "a" })))
  assert.matches("^Not Authorized", (outcome(guard.delete, guard, m, ctx, { owner = "s1" })))
end)

describe("a caller who subscribes", function()
  local REFUSED = "Not Authorized to access onCreateNote on type Subscription"
  -- rules, caller, arguments, "ok" or the message, the filter
  for _, row in ipairs({
    { "owner", "bob", {}, "ok", { { owner = { eq = "bob" } } } },
    { "owner", "bob", { owner = NULL }, "ok", { { owner = { eq = "bob" } } } },
    { "owner", "bob", { owner = "bob" }, "ok" }, { "owner", "bob", { owner = "s1" }, "ok" },
    { "owner", "bob", { owner = "s1::bob" }, "ok" }, { "owner", "bob", { owner = "eve" }, REFUSED },
    { "owner", "key", {}, REFUSED }, { "owner", "oidc_bob", {}, REFUSED },
    { "owners", "bob", {}, "ok", { { owners = { contains = "bob" } } } },
    { "oidc", "oidc_bob", {}, "ok", { { owner = { eq = "s1" } } } },
    { "groups", "admin", {}, "ok" }, { "groups", "bob", {}, REFUSED }, { "private", "bob", { owner = "eve" }, "ok" },
    { "owner groups", "admin", {}, "ok" }, { "owner private", "eve", { owner = "bob" }, "ok" },
    { "team", "red", {}, "ok", { { team = { ["in"] = { "Red", "Blue" } } } } }, { "team", "bob", {}, REFUSED },
    { "teams", "red", {}, "ok", { { teams = { containsAny = { "Red", "Blue" } } } } }, { "teams", "bob", {}, REFUSED },
    { "owner team", "red", {}, "ok", { { owner = { eq = "red" } }, { team = { ["in"] = { "Red", "Blue" } } } } },
    { "owner team", "red", { owner = "red" }, "ok" },
    { "owner team", "red", { owner = "eve" }, REFUSED }, { "owner team", "half", { owner = "s1" }, REFUSED },
    { "owner", "half", {}, REFUSED }, { "owner", "half", { owner = "s1" }, REFUSED }, { "owner private", "half", { owner = "x" }, "ok" },
    { "public", "key", {}, "ok" }, { "public", "bob", {}, REFUSED }, { "private_iam", "signed_in", {}, "ok" },
    { "private_iam", "guest", {}, REFUSED }, { "custom", "lambda", {}, "ok" },
    { "owner(get list)", "bob", {}, REFUSED }, { "owner(listen)", "bob", {}, "ok", { { owner = { eq = "bob" } } } },
    { "owner", "root", {}, "ok" }, { "owner", nil, {}, "ok" },
  }) do
    local rules, caller, args, expected, filter = row[1], row[2], row[3], row[4], row[5]
    it(("by %s as %s with %s: %s%s"):format(rules, tostring(caller), core.encode(args), expected, filter and ", filtered" or ""), function()
      local m = model(rules)
      local guard = model_guard.new({ m })
      local event = { name = "onCreateNote", mutation = "createNote", op = "create" }
      local result, got = outcome(guard.subscribe, guard, m, event, context(caller, "onCreateNote", "Subscription"), args)
      assert.equal(expected, result)
      if expected == "ok" then assert.same(filter and { ["or"] = filter } or nil, got) end
    end)
  end

  it("hears everything where the level is public", function()
    local m = model("owner", { level = "public" })
    local guard = model_guard.new({ m })
    assert.equal("ok", (outcome(guard.subscribe, guard, m, { name = "onCreateNote" }, context("key", "onCreateNote"), {})))
  end)
end)

describe("a field with rules of its own", function()
  local function noted(field_rules, rules, more)
    local m = model(rules or "owner private(read)", more)
    for name, text in pairs(field_rules) do m.field_rules[name] = rules_of(text) end
    return m, model_guard.new({ m })
  end

  local function read(caller, field, source, more, rules)
    local _, guard = noted({ secret = "owner groups" }, rules, more)
    return outcome(guard.field, guard, "Note", field, context(caller, field, "Note", source))
  end

  local DENIED = "Not Authorized to access secret on type Note"

  it("is read by those of its rules", function()
    assert.equal("ok", (read("bob", "secret", { owner = "s1::bob" })))
    assert.equal("ok", (read("admin", "secret", { owner = "s1::bob" })))
    assert.equal(DENIED, (read("eve", "secret", { owner = "s1::bob" })))
    assert.equal(DENIED, (read("key", "secret", {})))
    assert.same({ "ok", false }, { read("root", "secret", { __operation = "Mutation" }) })
    assert.same({ "ok", false }, { read(nil, "secret", { __operation = "Mutation" }) })
  end)

  it("isn't read by those who may only write it", function()
    local _, guard = noted({ secret = "private(create update delete)" })
    assert.equal(DENIED, (outcome(guard.field, guard, "Note", "secret", context("bob", "secret", "Note", {}))))
  end)

  it("leaves the other fields to the model's rules", function()
    assert.equal("ok", (read("eve", "text", { owner = "s1::bob" })))
    assert.equal("Not Authorized to access text on type Note", (read("key", "text", {})))
  end)

  it("is asked for on its model only", function()
    local _, guard = noted({ secret = "groups" })
    assert.is_true(guard:has_field("Note", "secret"))
    assert.is_true(guard:has_field("Note", "text"))
    assert.is_false(guard:has_field("Note", "__typename"))
    assert.is_false(guard:has_field("Other", "secret"))
    _, guard = noted({})
    assert.is_false(guard:has_field("Note", "secret"))
  end)

  it("is null without an error in a mutation's result, unless it is required or nobody subscribes", function()
    local result = { owner = "s1::bob", __operation = "Mutation" }
    assert.same({ "ok", true }, { read("bob", "secret", result) })
    assert.same({ "ok", false }, { read("bob", "text", result) })
    assert.same({ "ok", false }, { read("bob", "secret", { owner = "bob" }) })
    assert.equal(DENIED, (read("eve", "secret", result))) -- who may not read it is told so here, too
    for _, level in ipairs({ "off", "public" }) do assert.same({ "ok", false }, { read("bob", "secret", result, { level = level }) }) end
    assert.same({ "ok", false }, { read("bob", "secret", result, { field_by_name = { secret = { is_required = true } } }) })
  end)

  it("opens the records to those who may read it alone", function()
    local m, guard = noted({ secret = "public(read)" }, "owner")
    assert.same({ "ok" }, { outcome(guard.read, guard, m, "list", context("key")) })
    assert.equal("ok", (outcome(guard.field, guard, m, "secret", context("key", "secret", "Note", {}))))
    assert.equal("Not Authorized to access text on type Note",
      (outcome(guard.field, guard, m, "text", context("key", "text", "Note", {}))))
  end)

  it("takes no value from others", function()
    local m, guard = noted({ secret = "groups" }, "private")
    local function create(caller, input) return (outcome(guard.create, guard, m, context(caller), input)) end
    assert.equal("Unauthorized on [secret]", create("bob", { text = "t", secret = "s" }))
    assert.equal("ok", create("bob", { text = "t" }))
    assert.equal("ok", create("admin", { text = "t", secret = "s" }))
    local function update(caller, input) return (outcome(guard.update, guard, m, context(caller), {}, input)) end
    assert.equal("Unauthorized on [secret]", update("bob", { id = "1", secret = "s" }))
    assert.equal("Unauthorized on [secret]", update("bob", { id = "1", secret = NULL }))
    assert.equal("ok", update("admin", { id = "1", secret = "s" }))
    assert.equal("ok", update("bob", { id = "1", text = "s" }))
  end)

  it("names all that were refused, in order", function()
    local m, guard = noted({ secret = "groups", text = "groups" }, "private")
    assert.equal("Unauthorized on [secret, text]",
      (outcome(guard.create, guard, m, context("bob"), { text = "t", secret = "s", team = "x" })))
  end)

  it("lets those write it alone who may", function()
    local m, guard = noted({ text = "public" }, "owner")
    assert.equal("ok", (outcome(guard.create, guard, m, context("key"), { text = "t" })))
    assert.equal("Unauthorized on [team]", (outcome(guard.create, guard, m, context("key"), { text = "t", team = "x" })))
    assert.equal(NO, (outcome(guard.create, guard, m, context("guest"), { text = "t" })))
    assert.equal("ok", (outcome(guard.update, guard, m, context("key"), { owner = "bob" }, { id = "1", text = "t" })))
    m.key = { partition = "id", sort = { "team", "contact" } }
    local input = { id = "1", team = "a", contact = "b", text = "t" }
    assert.equal("ok", (outcome(guard.update, guard, m, context("key"), { owner = "bob" }, input)))
  end)

  it("keeps a record from being deleted by those who may not delete it", function()
    local m, guard = noted({ secret = "groups" }, "private")
    assert.equal(NO, (outcome(guard.delete, guard, m, context("bob"), {})))
    assert.equal("ok", (outcome(guard.delete, guard, m, context("admin"), {})))
  end)
end)

describe("a field of a type that is no model", function()
  local models = { field_rules = { ["Query.report"] = rules_of("groups"), ["Place.address"] = rules_of("private(create)") } }
  local guard = model_guard.new(models)

  it("without rules is everybody's", function()
    assert.same({ "ok", false }, { outcome(guard.field, guard, "Query", "other", context("key", "other")) })
  end)

  it("is for those of its rules, whatever their operations", function()
    assert.is_true(guard:has_field("Query", "report"))
    assert.is_false(guard:has_field("Query", "other"))
    assert.equal("ok", (outcome(guard.field, guard, "Query", "report", context("admin", "report"))))
    assert.equal("Not Authorized to access report on type Query",
      (outcome(guard.field, guard, "Query", "report", context("bob", "report"))))
    assert.equal("ok", (outcome(guard.field, guard, "Place", "address", context("bob", "address", "Place", {}))))
    assert.equal("Not Authorized to access address on type Place",
      (outcome(guard.field, guard, "Place", "address", context("key", "address", "Place", {}))))
  end)
end)

describe("a schema without a rule", function()
  it("has no guard", function()
    assert.is_nil(model_guard.of({ model(nil) }))
    assert.is_table(model_guard.of({ model(nil), model("owner") }))
    assert.is_table(model_guard.of({ field_rules = { ["Query.a"] = {} } }))
  end)

  it("closes a model without rules beside one with, but to an API key in sandbox mode", function()
    local bare, sandbox = model(nil), model(nil, { name = "Sand", is_sandbox = true })
    local guard = model_guard.new({ bare, sandbox, model("owner", { name = "Owned" }) })
    for _, caller in ipairs({ "key", "bob", "machine" }) do
      assert.equal(NO, (outcome(guard.read, guard, bare, "get", context(caller))))
      assert.equal(NO, (outcome(guard.create, guard, bare, context(caller), {})))
      assert.equal(caller == "key" and "ok" or NO, (outcome(guard.read, guard, sandbox, "get", context(caller))))
    end
    assert.equal("ok", (outcome(guard.read, guard, bare, "get", context(nil))))
    assert.equal("ok", (outcome(guard.read, guard, bare, "get", context("root"))))
  end)
end)

describe("a model that the first version left open", function()
  it("is open beside models with rules, but for fields with rules", function()
    local m = model(nil, { is_unprotected = true })
    local guard = model_guard.new({ m, model("owner", { name = "Owned" }) })
    assert.same({ "ok" }, { outcome(guard.read, guard, m, "list", context("key")) })
    assert.equal("ok", (outcome(guard.create, guard, m, context("bob"), { text = "t" })))
    assert.equal("ok", (outcome(guard.delete, guard, m, context("bob"), {})))
    m.field_rules.secret = rules_of("groups")
    assert.equal("Unauthorized on [secret]", (outcome(guard.create, guard, m, context("bob"), { secret = "t" })))
    assert.equal("ok", (outcome(guard.update, guard, m, context("key"), {}, { id = "1", text = "t" })))
    assert.equal("ok", (outcome(guard.field, guard, "Note", "text", context("key", "text", "Note", {}))))
    assert.equal("Not Authorized to access secret on type Note",
      (outcome(guard.field, guard, "Note", "secret", context("key", "secret", "Note", {}))))
  end)
end)

describe("an owner", function()
  it("is shown by the last part", function()
    local m = model("owner owners")
    local guard = model_guard.new({ m })
    assert.equal("bob", guard:shown(m, "owner", "s1::bob"))
    assert.equal("bob", guard:shown(m, "owner", "bob"))
    assert.same({ "bob", "eve" }, guard:shown(m, "owners", { "s1::bob", "eve" }))
    assert.equal("a::b", guard:shown(m, "text", "a::b"))
    assert.equal(NULL, guard:shown(m, "owner", NULL))
    assert.is_nil(guard:shown(m, "owner", nil))
  end)
end)
