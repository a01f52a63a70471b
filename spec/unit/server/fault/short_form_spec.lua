local short_form = require("appsync.server.fault.short_form")

local function parse(text)
  return assert(short_form.parse(text))[1]
end

describe("a fault rule in a word", function()
  it("names the fault, its parameters and what it matches", function()
    local rule = parse("refuse,status=503,type=ServiceUnavailable,kind=mutation,times=2,name=later")
    assert.equal("refuse", rule.kind)
    assert.same({ status = 503, type = "ServiceUnavailable" }, rule.parameters)
    assert.equal("mutation", rule.match.kind)
    assert.equal(2, rule.match.times)
    assert.equal("later", rule.name)
  end)

  it("gives the fault's usual parameter after the equals sign", function()
    assert.same({ ms = 200 }, parse("delay=200,field=createTodo").parameters)
    assert.same({ ms = 200, after_effect = true }, parse("delay=200,after_effect").parameters)
    assert.same({ how = "reset" }, parse("refuse=reset").parameters)
  end)

  it("may be the fault alone", function()
    assert.same({}, parse("expire").parameters)
  end)

  it("may be JSON", function()
    assert.equal("drop", parse(' {"fault": {"drop": true}}').kind)
    assert.equal(2, #short_form.parse('[{"fault": {"drop": true}}, {"fault": {"lose": true}}]'))
  end)

  it("is refused with what is accepted", function()
    for text, message in pairs({
      ["delay"] = "--fault delay: fault delay: must be an object of after_effect, max_ms, min_ms, ms",
      ["dely=3"] = '--fault dely=3: unknown fault "dely"; did you mean "delay"?',
      ["delay=3,feild=a"] = '--fault delay=3,feild=a: match: unknown key "feild"; did you mean "field"?',
      ["lose=3"] = "--fault lose=3: fault lose: must be true",
      [""] = '--fault : unknown fault ""; there are ',
      ["{"] = "--fault {: line 1, column 2: key missing",
    }) do
      local rules, told = short_form.parse(text)
      assert.is_nil(rules)
      assert.equal(message, told:sub(1, #message))
    end
  end)
end)
