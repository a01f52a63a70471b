local core = require("appsync.core")
local iam_policy = require("appsync.server.auth.iam_policy")

local API = { region = "eu-west-1", account_id = "111122223333", api_id = "abc" }
local ARN = "arn:aws:appsync:eu-west-1:111122223333:apis/abc"

local function statement(effect, resource, action)
  return { Effect = effect, Action = action or "appsync:GraphQL", Resource = resource }
end

local function read(value)
  return assert(iam_policy.read(value, "policies", API))
end

describe("an IAM policy", function()
  local ALL, LIST = ARN .. "/*", ARN .. "/types/Query/fields/list*"
  -- what it is, its statements, what it says of Query.listPosts and of Mutation.createPost
  for _, row in ipairs({
    { "of nothing", {}, "none", "none" },
    { "that allows everything", { statement("Allow", "*") }, "allow", "allow" },
    { "that allows the API", { statement("Allow", ALL) }, "allow", "allow" },
    { "that allows a type", { statement("Allow", ARN .. "/types/Query/*") }, "allow", "none" },
    { "that allows a field", { statement("Allow", ARN .. "/types/Query/fields/listPosts") }, "allow", "none" },
    { "with a wildcard in a field", { statement("Allow", LIST) }, "allow", "none" },
    { "with wildcards in the ARN", { statement("Allow", "arn:aws:appsync:*:*:apis/*/types/Mutation/fields/createPos?") }, "none", "allow" },
    { "of several resources", { statement("Allow", { LIST, ARN .. "/types/Mutation/fields/createPost" }) }, "allow", "allow" },
    { "of another region", { statement("Allow", "arn:aws:appsync:us-east-1:*:apis/*") }, "none", "none" },
    { "of another account", { statement("Allow", "arn:aws:appsync:*:999999999999:apis/*") }, "none", "none" },
    { "of another API", { statement("Allow", "arn:aws:appsync:*:*:apis/other/*") }, "none", "none" },
    { "of the API without its fields", { statement("Allow", ARN) }, "none", "none" },
    { "of another partition", { statement("Allow", "arn:aws-cn:appsync:eu-west-1:111122223333:apis/abc/*") }, "allow", "allow" },
    { "of another action", { statement("Allow", "*", "appsync:GetType") }, "none", "none" },
    { "with names", { Id = "a", Statement = { { Sid = "b", Effect = "Allow", Action = "*", Resource = "*" } } }, "allow", "allow" },
    { "of all actions", { statement("Allow", "*", "*") }, "allow", "allow" },
    { "of all actions of the service", { statement("Allow", "*", { "s3:Get*", "appsync:*" }) }, "allow", "allow" },
    { "in another case", { statement("Allow", "*", "AppSync:graphql") }, "allow", "allow" },
    { "that denies what it allows", { statement("Allow", "*"), statement("Deny", LIST) }, "deny", "allow" },
    { "that denies first", { statement("Deny", LIST), statement("Allow", "*") }, "deny", "allow" },
    { "that only denies", { statement("Deny", LIST) }, "deny", "none" },
    { "with NotAction", { { Effect = "Allow", NotAction = "s3:*", Resource = "*" } }, "allow", "allow" },
    { "with a NotAction that is meant", { { Effect = "Allow", NotAction = "appsync:*", Resource = "*" } }, "none", "none" },
    { "with NotResource", { { Effect = "Allow", Action = "*", NotResource = LIST } }, "none", "allow" },
    { "as a document", { Version = "2012-10-17", Statement = { statement("Allow", ALL) } }, "allow", "allow" },
    { "as a document of one statement", { Version = "2012-10-17", Statement = statement("Allow", ALL) }, "allow", "allow" },
    { "as several documents", { { Statement = { statement("Allow", ALL) } }, { Statement = { statement("Deny", ALL) } } }, "deny", "deny" },
  }) do
    it(("%s says %s of a query and %s of a mutation"):format(row[1], row[3], row[4]), function()
      local policy = read(row[2])
      assert.equal(row[3], policy:decision("Query", "listPosts"))
      assert.equal(row[4], policy:decision("Mutation", "createPost"))
      assert.equal(row[3], policy:decision("Query", "listPosts"))
    end)
  end

  -- what its resource is, whether it lets anybody in at all
  for _, row in ipairs({
    { "*", true }, { ALL, true }, { ARN .. "/types/Mutation/fields/notThere", true }, { "arn:aws:appsync:*", true },
    { "arn:aws:appsync:*:*:apis/abc/types/Query/*", true }, { "arn:aws:appsync:*:*:apis/other/*", false },
    { "arn:aws:appsync:us-east-1:*:apis/*", false }, { "arn:aws:s3:::bucket", false },
  }) do
    it(("for %s %s"):format(row[1], row[2] and "lets its bearer in" or "turns its bearer away"), function()
      assert.equal(row[2], read({ statement("Allow", row[1]) }):allows_something())
    end)
  end

  it("that only denies turns its bearer away, as does one of another action and an empty one", function()
    assert.is_false(read({ statement("Deny", "*") }):allows_something())
    assert.is_false(read({ statement("Allow", "*", "s3:GetObject") }):allows_something())
    assert.is_false(read({}):allows_something())
    assert.is_true(read({ { Effect = "Allow", Action = "*", NotResource = "arn:aws:s3:::b" } }):allows_something())
  end)

  for _, row in ipairs({
    { 5, "policies must be a policy or a list of them" },
    { { 5 }, "policies[1] must be a policy or a list of them" },
    { { { Effect = "Allow" } }, "policies[1] needs either Action or NotAction" },
    { { { Effect = "Allow", Action = "*", NotAction = "*", Resource = "*" } }, "policies[1] needs either Action or NotAction" },
    { { { Effect = "Allow", Action = "*" } }, "policies[1] needs either Resource or NotResource" },
    { { { Effect = "allow", Action = "*", Resource = "*" } }, "policies[1].Effect must be Allow or Deny" },
    { { { Action = "*", Resource = "*" } }, "policies[1].Effect must be Allow or Deny" },
    { { { Effect = "Allow", Action = 5, Resource = "*" } }, "policies[1].Action must be a string or a list of them" },
    { { { Effect = "Allow", Action = { 5 }, Resource = "*" } }, "policies[1].Action[1] must be a string" },
    { { { Effect = "Allow", Action = {}, Resource = "*" } }, "policies[1].Action must be a string or a list of them" },
    { { { Effect = "Allow", Action = "*", NotResource = { "" } } }, "policies[1].NotResource[1] must be a string" },
    { { { Effect = "Allow", Action = "*", Resource = "*", Condition = {} } },
      "policies[1].Condition isn't supported; a statement may have Sid, Effect, Action, NotAction, Resource, NotResource" },
    { { Version = "2012-10-17", Statements = {} },
      "policies.Statements isn't supported; a statement may have Sid, Effect, Action, NotAction, Resource, NotResource", "Version" },
    { { Statement = {}, Extra = 1 }, "policies.Extra isn't supported; a policy may have Version, Id and Statement" },
    { { Statement = { 1 } }, "policies.Statement[1] must be a policy or a list of them" },
  }) do
    it(("%s is refused"):format(type(row[1]) == "table" and core.encode(row[1]) or tostring(row[1])), function()
      local policy, message = iam_policy.read(row[1], "policies", API)
      assert.is_nil(policy)
      if row[3] then
        assert.matches("isn't supported; a statement may", message, 1, true)
      else
        assert.equal(row[2], message)
      end
    end)
  end
end)
