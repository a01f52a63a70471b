local moment = require("appsync.server.fault.moment")
local rule = require("appsync.server.fault.rule")
local rules = require("appsync.server.fault.rules")
local waiting = require("appsync.server.waiting")

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

describe("what holds for one request", function()
  it("doesn't hold for others while that one waits", function()
    local all, engine, finish, seen = rules.new(), {}, nil, {}
    all:add(assert(rule.parse('{"fault":{"error":{"message":"no"}}}', "test")))
    all:add(assert(rule.parse('{"fault":{"skew":{"s":60}}}', "test")))
    local strikes = all:take("request", { connection = 1, kind = "query", fields = { "me" } })
    local m = moment.new(function() return 1000 end)
    local function look() seen[#seen + 1] = m:now() .. (engine.inject and " fails" or "") end
    waiting.run(function()
      local answer = m:during(strikes, engine, function()
        look()
        local value = waiting.wait(function(done) finish = done end)
        look()
        return value
      end)
      seen[#seen + 1] = answer
      look()
    end)
    look()
    finish("answer")
    assert.same({ "1060 fails", "1000", "1060 fails", "answer", "1000" }, seen)
  end)
end)
