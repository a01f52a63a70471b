local moment = require("appsync.server.fault.moment")
local rule = require("appsync.server.fault.rule")
local rules = require("appsync.server.fault.rules")

-- Of these root fields and nested ones, those that fail under a rule.
local function failing(text)
  local all, engine, failed = rules.new(), {}, {}
  all:add(assert(rule.parse(text, "test")))
  local strikes = all:take("request", { connection = 1, kind = "mutation", fields = { "createTodo", "createPost", "me" } })
  moment.new(function() return 0 end):during(strikes, engine, function()
    for _, name in ipairs({ "createTodo", "createPost", "me" }) do
      if engine.inject("Mutation", name, true) then failed[#failed + 1] = name end
    end
    if engine.inject("Todo", "me", false) then failed[#failed + 1] = "Todo.me" end
  end)
  assert.is_nil(engine.inject)
  return failed
end

describe("the fault `error`", function()
  it("is of the root fields that its rule matches", function()
    assert.same({ "createTodo", "createPost", "me" }, failing('{"fault":{"error":{"message":"no"}}}'))
    assert.same({ "createTodo", "createPost" }, failing('{"match":{"field":"create*"},"fault":{"error":{"message":"no"}}}'))
    assert.same({ "me" }, failing('{"match":{"field":"me"},"fault":{"error":{"message":"no"}}}'))
  end)

  it("is of the field that it names", function()
    assert.same({ "Todo.me" }, failing('{"fault":{"error":{"message":"no","field":"Todo.me"}}}'))
    assert.same({ "me" }, failing('{"fault":{"error":{"message":"no","field":"me"}}}'))
  end)
end)
