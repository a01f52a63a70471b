local rule = require("appsync.server.fault.rule")
local rules_module = require("appsync.server.fault.rules")

local function rules_of(text)
  local rules = rules_module.new()
  rules:add(assert(rule.parse(text, "test")))
  return rules
end

local QUERY = { connection = 1, kind = "query", operation = "Get", fields = { "getTodo", "me" } }

local function hits(rules, n, occasion, site)
  local list = {}
  for i = 1, n do list[i] = rules:take(site or "request", occasion or QUERY) and "x" or "." end
  return table.concat(list)
end

describe("fault rules", function()
  it("strike what they match", function()
    for match, is_hit in pairs({
      ['"kind":"query"'] = true, ['"kind":"mutation"'] = false,
      ['"operation":"Get"'] = true, ['"operation":"G*"'] = true, ['"operation":"Ge"'] = false, ['"operation":"G.t"'] = false,
      ['"field":"me"'] = true, ['"field":"get*"'] = true, ['"field":"*Todo"'] = true, ['"field":"Todo"'] = false,
      ['"connection":1'] = true, ['"connection":2'] = false, ['"connection":{"from":2}'] = false, ['"connection":{"to":1}'] = true,
      ['"mutation":"x"'] = false, ['"on":"start"'] = false,
    }) do
      local rules = rules_of('{"match":{' .. match .. '},"fault":{"expire":true}}')
      assert.equal(is_hit and "x" or ".", hits(rules, 1), match)
    end
  end)

  it("count: the first ones, every n-th, after some, so many times", function()
    for match, wanted in pairs({
      ['"times":2'] = "xx....", ['"every":3'] = "..x..x", ['"after":2'] = "..xxxx", ['"after":1,"every":2'] = "..x.x.",
      ['"every":2,"times":1'] = ".x....", ['"after":2,"times":1'] = "..x...",
    }) do
      assert.equal(wanted, hits(rules_of('{"match":{' .. match .. '},"fault":{"drop":true}}'), 6), match)
    end
  end)

  it("count what they match only", function()
    local rules = rules_of('{"match":{"kind":"query","every":2},"fault":{"drop":true}}')
    assert.equal(".", hits(rules, 1))
    assert.equal("....", hits(rules, 4, { connection = 1, kind = "mutation" }))
    assert.equal("x", hits(rules, 1))
  end)

  it("strike at random by their own seed, about as often as they should", function()
    local text = '{"match":{"probability":0.25,"seed":42},"fault":{"drop":true}}'
    local one = hits(rules_of(text), 400)
    assert.equal(one, hits(rules_of(text), 400))
    local _, n = one:gsub("x", "")
    assert.is_true(n > 70 and n < 130, tostring(n))
    assert.not_equal(one, hits(rules_of((text:gsub("42", "43"))), 400))
    assert.equal("....", hits(rules_of('{"match":{"probability":0},"fault":{"drop":true}}'), 4))
    assert.equal("xxxx", hits(rules_of('{"match":{"probability":1},"fault":{"drop":true}}'), 4))
  end)

  it("are independent of each other's draws", function()
    local other = '{"match":{"probability":0.5,"seed":1},"fault":{"expire":true}}'
    local text = '{"match":{"probability":0.5,"seed":9},"fault":{"drop":true}}'
    local alone, beside = rules_of(text), rules_of("[" .. other .. "," .. text .. "]")
    for _ = 1, 50 do
      local a, b = alone:take("request", QUERY), beside:take("request", QUERY)
      assert.equal((a and a.drop) ~= nil, (b and b.drop) ~= nil)
    end
  end)

  it("strike together when their faults differ, and the first of one kind alone", function()
    local rules = rules_of('[{"name":"a","fault":{"delay":1}},{"name":"b","fault":{"delay":2}},{"name":"c","fault":{"drop":true}}]')
    local taken = rules:take("request", QUERY)
    assert.equal("a", taken.delay.name)
    assert.equal("c", taken.drop.name)
    assert.equal(0, rules:describe()[2].matched)
  end)

  it("give nothing where no rule acts", function()
    local rules = rules_of('{"fault":{"drop":true}}')
    assert.is_nil(rules:take("event", QUERY))
    assert.is_true(rules:acts_on("request"))
    assert.is_false(rules:acts_on("event"))
  end)

  it("get names that aren't taken", function()
    local rules = rules_of('[{"name":"rule-1","fault":{"drop":true}},{"fault":{"drop":true}}]')
    assert.equal("rule-2", rules:describe()[2].name)
    assert.is_true(rules:remove("rule-2"))
    assert.is_false(rules:remove("rule-2"))
  end)
end)
