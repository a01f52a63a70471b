local engine = require("appsync.server.engine")

local served

local function key(query, variables, identity)
  return assert(served:subscribe({ query = query, variables = variables, identity = identity })).render_key
end

local A = "subscription ($x: Boolean = true, $n: Int) { on(n: $n) { ...F } } fragment F on T { a @include(if: $x) }"

describe("the key of a rendering", function()
  before_each(function()
    served = assert(engine.new({ schema_text = [[type Query { q: Int } type T { n: Int a: Int } type Mutation { m: T }
      type Subscription { on(n: Int): T @aws_subscribe(mutations: ["m"]) }]] }))
  end)

  it("is one for the same operation, variables and rights", function()
    assert.equal(key(A, { x = true }, { mode = "API_KEY" }), key(A, { x = true }, { mode = "API_KEY" }))
  end)

  it("does not depend on variables that filter only", function()
    assert.equal(key(A, { x = true, n = 1 }), key(A, { x = true, n = 2 }))
  end)

  it("does not depend on who it is", function()
    assert.equal(key(A, nil, { mode = "AWS_LAMBDA", username = "a", sub = "1", claims = { exp = 1 } }),
      key(A, nil, { mode = "AWS_LAMBDA", username = "b", sub = "2", claims = { exp = 2 } }))
  end)

  it("tells operations apart", function()
    assert.are_not.equal(key("subscription { on { n } }"), key("subscription { on { a } }"))
  end)

  it("tells variables of @include apart, in fragments too", function()
    assert.are_not.equal(key(A, { x = true }), key(A, { x = false }))
  end)

  it("tells modes, groups and denied fields apart", function()
    local keys, seen = { { mode = "API_KEY" }, { mode = "AWS_LAMBDA" }, { mode = "API_KEY", groups = { "a" } },
      { mode = "API_KEY", denied_fields = { "T.n" } } }, {}
    for _, identity in ipairs(keys) do
      local text = key(A, nil, identity)
      assert.is_nil(seen[text])
      seen[text] = true
    end
  end)

  it("is shared with nobody when it can't be written", function()
    assert.are_not.equal(key(A, nil, { mode = "API_KEY", odd = function() end }), key(A, nil, { mode = "API_KEY", odd = function() end }))
  end)
end)
