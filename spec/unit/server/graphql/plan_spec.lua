-- What is planned once must give what planning anew would give: whatever differs from one request to the next.
local core = require("appsync.core")
local engine = require("appsync.server.engine")
local plan = require("appsync.server.graphql.plan")

local NULL = core.null

local SCHEMA = [[
type Query { todo(id: ID = "d", list: [Int], in: In): Todo node: Node secret: Int @aws_cognito_user_pools(cognito_groups: ["A"]) }
input In { a: Int = 1 }
interface Node { id: ID! next: Node }
type Todo implements Node { id: ID! a: Int b: Int next: Node }
type User implements Node { id: ID! c: Int next: Node }
]]

local seen, served

local function todo() return { __typename = "Todo", id = "t", a = 1, b = 2 } end

local function user() return { __typename = "User", id = "u", c = 3, next = todo() } end

local function run(query, variables, identity)
  return (served:execute({ query = query, variables = variables, identity = identity }))
end

describe("a document that is executed again", function()
  local flip

  before_each(function()
    seen, flip = {}, false
    served = assert(engine.new({ schema_text = SCHEMA, auth_modes = { default = "AMAZON_COGNITO_USER_POOLS" }, resolvers = { Query = {
      todo = function(ctx)
        seen[#seen + 1] = ctx.arguments
        for name in pairs(ctx.info) do ctx.info[name] = name == "selectionSetList" and ctx.info[name] or nil end
        seen.paths = table.concat(ctx.info.selectionSetList, " ")
        table.remove(ctx.info.selectionSetList)
        return todo()
      end,
      node = function()
        flip = not flip
        return flip and user() or todo()
      end,
      secret = function() return 1 end,
    } } }))
  end)

  it("takes @skip and @include of its own variables", function()
    local query = "query ($s: Boolean!, $i: Boolean = true) { todo { a @skip(if: $s) ...F @include(if: $i) } } fragment F on Todo { b }"
    local rows = { { true, nil, '{"b":2}' }, { false, nil, '{"a":1,"b":2}' }, { false, false, '{"a":1}' }, { true, false, "{}" },
      { true, true, '{"b":2}' } }
    for _ = 1, 2 do
      for _, row in ipairs(rows) do
        assert.equal('{"data":{"todo":' .. row[3] .. "}}", run(query, { s = row[1], i = row[2] }))
      end
    end
  end)

  it("keeps a bounded number of plans, however many conditions it has", function()
    local names, fields = {}, {}
    for i = 1, 5 do
      names[i], fields[i] = ("$v%d: Boolean!"):format(i), ("a%d: a @include(if: $v%d)"):format(i, i)
    end
    local query = ("query (%s) { todo { id %s } }"):format(table.concat(names, ", "), table.concat(fields, " "))
    for bits = 0, 31 do
      local variables, wanted = {}, '"id":"t"'
      for i = 1, 5 do
        variables["v" .. i] = math.floor(bits / 2 ^ (i - 1)) % 2 == 1
        if variables["v" .. i] then wanted = wanted .. (',"a%d":1'):format(i) end
      end
      assert.equal('{"data":{"todo":{' .. wanted .. "}}}", run(query, variables))
    end
    local n = 0
    for _, kept in pairs(served.young[query].plans) do
      for _ in pairs(kept.variants) do n = n + 1 end
    end
    assert.is_true(n >= 1 and n <= plan.max_variants)
  end)

  it("hands out arguments of its own each time", function()
    local query = "query ($id: ID, $l: [Int]) { todo(id: $id, list: $l, in: {}) { id } }"
    run(query, { id = "x", l = { 1 } })
    seen[1].id, seen[1]["in"].a, seen[1].list[1] = "changed", 9, 9
    run(query, { id = "y" })
    run(query, { id = NULL, l = { 2 } })
    assert.same({ id = "y", ["in"] = { a = 1 } }, seen[2])
    assert.same({ id = NULL, list = { 2 }, ["in"] = { a = 1 } }, seen[3])
    run("{ todo(list: [5]) { id } }")
    seen[4].list[1] = 6
    run("{ todo(list: [5]) { id } }")
    assert.same({ id = "d", list = { 5 } }, seen[5])
  end)

  it("hands out the selected paths anew, whatever a resolver did with the last ones", function()
    run("{ todo { id a } }")
    run("{ todo { id a } }")
    assert.equal("id a", seen.paths)
  end)

  it("takes the type that the value has this time", function()
    local query = "{ node { id ... on Todo { a } ... on User { c next { id } } } }"
    assert.equal('{"data":{"node":{"id":"u","c":3,"next":{"id":"t"}}}}', run(query))
    assert.equal('{"data":{"node":{"id":"t","a":1}}}', run(query))
    assert.equal('{"data":{"node":{"id":"u","c":3,"next":{"id":"t"}}}}', run(query))
  end)

  it("asks the gate for each identity", function()
    local mode = "AMAZON_COGNITO_USER_POOLS"
    for _ = 1, 2 do
      assert.equal('{"data":{"secret":1}}', run("{ secret }", nil, { mode = mode, groups = { "A" } }))
      assert.matches("Not Authorized", run("{ secret }", nil, { mode = mode, groups = { "B" } }))
      assert.matches("Not Authorized", run("{ secret }", nil, { mode = "API_KEY" }))
      assert.equal('{"data":{"secret":1}}', run("{ secret }"))
    end
  end)

  it("is planned no further than memory allows, and answered all the same", function()
    local max = plan.max_fields
    plan.max_fields = 2
    local query = "{ node { id ... on User { next { id ... on Todo { a b } } } } }"
    assert.equal('{"data":{"node":{"id":"u","next":{"id":"t","a":1,"b":2}}}}', run(query))
    assert.equal('{"data":{"node":{"id":"t"}}}', run(query))
    assert.equal('{"data":{"node":{"id":"u","next":{"id":"t","a":1,"b":2}}}}', run(query))
    for _, kept in pairs(served.young[query].plans) do assert.is_true(kept.variants[""].n_fields <= 2) end
    plan.max_fields = max
  end)

  it("may be executed by its own resolver", function()
    local depth = 0
    served = assert(engine.new({ schema_text = SCHEMA, resolvers = { Query = { todo = function(ctx)
      depth = depth + 1
      local inner = depth < 3 and run("{ todo(id: \"" .. depth .. "\") { id a } }") or "the end"
      return { id = ctx.arguments.id .. " < " .. inner, a = depth }
    end } } }))
    local text = core.decode(run("{ todo { id a } }")).data.todo.id
    text = text:match("^d < (.*)$")
    text = core.decode(text).data.todo.id:match("^1 < (.*)$")
    assert.equal("2 < the end", core.decode(text).data.todo.id)
  end)
end)
