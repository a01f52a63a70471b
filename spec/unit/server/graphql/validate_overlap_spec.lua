-- The rule OverlappingFieldsCanBeMerged: what it finds, against the pairs that the specification speaks of, and what it
-- costs. N=5000 SEED=7 for more random documents, or for that of a failure.
local core = require("appsync.core")
local load_schema = require("appsync.server.transform.load")
local validate = require("appsync.server.graphql.validate")

local N = tonumber(os.getenv("N")) or 400
local SEED = tonumber(os.getenv("SEED")) or os.time() % 100000

local SDL = [[
interface I { n: N i: I a: String! b(x: Int): String }
type N implements I { n: N i: I a: String! b(x: Int): String c: Int list: [N] }
type M implements I { n: N i: I a: String! b(x: Int): String c: String list: [N!] }
union U = N | M
type Query { n: N i: I u: U a: String b(x: Int): String }
]]
local schema = assert(load_schema(SDL))

local function faults_of(text)
  return validate.document(schema, assert(core.parse(text)))
end

-- The kinds of the errors, each once.
local function kinds_of(text)
  local kinds = {}
  for _, fault in ipairs(faults_of(text)) do kinds[fault.message:match("of type (%a+)")] = true end
  return kinds
end

local function repeated(n, make)
  local parts = {}
  for i = 1, n do parts[i] = type(make) == "string" and make or make(i) end
  return table.concat(parts, " ")
end

-- The specification's own words: each pair of fields, their sub-selections joined (section 5.3.2). Exponential.
local oracle = {}

function oracle.collect(fragments, parent, selections, out, visited)
  for _, node in ipairs(selections) do
    if node.kind == "Field" then
      local definition = node.name == "__typename" and { type = schema.typename_type } or parent.fields[node.name]
      out[#out + 1] = { key = node.alias or node.name, node = node, parent = parent, type = definition.type }
    elseif node.kind == "InlineFragment" then
      oracle.collect(fragments, schema.types[node.typeCondition or parent.name], node.selectionSet, out, visited)
    elseif not visited[node.name] then
      visited[node.name] = true
      local fragment = fragments[node.name]
      oracle.collect(fragments, schema.types[fragment.typeCondition], fragment.selectionSet, out, visited)
    end
  end
  return out
end

local function named(ref)
  while ref.of do ref = ref.of end
  return ref
end

local function joined(fragments, a, b)
  local out, visited = {}, {}
  for _, field in ipairs({ a, b }) do
    oracle.collect(fragments, named(field.type), field.node.selectionSet or {}, out, visited)
  end
  return out
end

local function same_shape(a, b)
  while a.of or b.of do
    if a.kind ~= b.kind then return false end
    a, b = a.of, b.of
  end
  return a == b or (a.kind ~= "SCALAR" and b.kind ~= "SCALAR")
end

local function each_pair(fields, test)
  for i = 2, #fields do
    for j = 1, i - 1 do
      if fields[i].key == fields[j].key and not test(fields[j], fields[i]) then return false end
    end
  end
  return true
end

function oracle.have_shape(fragments, fields)
  return each_pair(fields, function(a, b)
    return same_shape(a.type, b.type) and oracle.have_shape(fragments, joined(fragments, a, b))
  end)
end

local function argument(node)
  return node.arguments[1] and node.arguments[1].value.value
end

function oracle.can_merge(fragments, fields)
  return each_pair(fields, function(a, b)
    local is_exclusive = a.parent ~= b.parent and a.parent.kind == "OBJECT" and b.parent.kind == "OBJECT"
    if is_exclusive then return true end
    return a.node.name == b.node.name and argument(a.node) == argument(b.node)
      and oracle.can_merge(fragments, joined(fragments, a, b))
  end)
end

-- The rule is asked of each selection set.
function oracle.holds(fragments, parent, selections)
  local fields = oracle.collect(fragments, parent, selections, {}, {})
  local holds = oracle.can_merge(fragments, fields) and oracle.have_shape(fragments, fields)
  for _, field in ipairs(fields) do
    local inner = field.node.selectionSet
    holds = holds and (not inner or oracle.holds(fragments, named(field.type), inner))
  end
  return holds
end

function oracle.is_valid(document)
  local fragments = {}
  for _, node in ipairs(document.definitions) do
    if node.kind == "FragmentDefinition" then fragments[node.name] = node end
  end
  return oracle.holds(fragments, schema.query, document.definitions[1].selectionSet)
end

-- Random documents of few keys, so that many fields meet.
local state

local function random(n)
  state = (state * 16807) % 2147483647
  return state % n + 1
end

local function pick(list) return list[random(#list)] end

local CONDITIONS = { Query = { "Query" }, N = { "N", "I", "U" }, M = { "M", "I", "U" }, I = { "N", "M", "I", "U" }, U = { "N", "M", "I" } }
local LEAVES = { Query = { "a", "b", "b(x: 1)", "b(x: 2)" }, N = { "a", "b", "b(x: 1)", "c" }, M = { "a", "b", "b(x: 1)", "c" },
  I = { "a", "b", "b(x: 1)" }, U = { "__typename" } }
local INNER = { Query = { { "n", "N" }, { "i", "I" }, { "u", "U" } }, N = { { "n", "N" }, { "i", "I" }, { "list", "N" } },
  M = { { "n", "N" }, { "i", "I" }, { "list", "N" } }, I = { { "n", "N" }, { "i", "I" } }, U = {} }

local selection

local function alias()
  return random(3) == 1 and pick({ "k: ", "l: " }) or ""
end

local function part(type_name, depth, fragments)
  local kind = depth == 0 and 1 or random(6)
  if kind <= 2 then return alias() .. pick(LEAVES[type_name]) end
  if kind == 3 then
    local on = pick(CONDITIONS[type_name])
    return ("... on %s %s"):format(on, selection(on, depth - 1, fragments))
  elseif kind == 4 then
    local on, at = pick(CONDITIONS[type_name]), #fragments + 1
    fragments[at] = ""
    fragments[at] = ("fragment F%d on %s %s"):format(at, on, selection(on, depth - 1, fragments))
    return ("...F%d"):format(at)
  end
  local inner = INNER[type_name]
  if not inner[1] then return "__typename" end
  local field = pick(inner)
  return ("%s%s %s"):format(alias(), field[1], selection(field[2], depth - 1, fragments))
end

function selection(type_name, depth, fragments)
  return "{ " .. repeated(1 + random(3), function() return part(type_name, depth, fragments) end) .. " }"
end

it("fields are merged as the specification's pairs say, in random documents", function()
  local n_valid = 0
  for i = 1, N do
    state = SEED * 1000 + i
    for _ = 1, 5 do random(2) end
    local fragments = {}
    local text = selection("Query", 3, fragments) .. " " .. table.concat(fragments, " ")
    local is_valid = oracle.is_valid(assert(core.parse(text)))
    local faults = faults_of(text)
    for _, fault in ipairs(faults) do assert.matches("FieldsConflict", fault.message) end
    assert.equal(is_valid, #faults == 0, ("SEED=%d, document %d: %s"):format(SEED, i, text))
    n_valid = n_valid + (is_valid and 1 or 0)
  end
  assert.is_true(n_valid > 0 and n_valid < N)
end)

describe("a conflict is found", function()
  for name, text in pairs({
    ["behind many fields that are alike"] = "{ " .. repeated(40, "a") .. " a: b }",
    ["between two in the middle of many"] = "{ " .. repeated(20, function(i) return "k: n { l: " .. (i == 7 and "c" or "a") .. " }" end) .. " }",
    ["below fragments that are spread twice"] = "{ n { ...F n { k: c } } } fragment F on N { n { k: a } ...G } fragment G on N { n { k: a } }",
    ["in a shape, where the types exclude each other"] = "{ u { ... on N { k: c } ... on M { k: c } } }",
    ["below an interface and below one of its types"] = "{ i { n { k: a } ... on N { n { k: c } } } }",
    ["deep in types that exclude each other"] = "{ u { ... on N { k: list { a } } ... on M { k: list { a } } } }",
    ["in the second operation"] = "query A { n { a } } query B { n { k: a k: c } }",
    ["in what a second operation joins"] = "query A { n { ...F } } query B { n { ...F k: c } } fragment F on N { k: a }",
  }) do
    it(name, function()
      assert.same({ FieldsConflict = true }, kinds_of(text))
    end)
  end

  it("and named once, with both places", function()
    local faults = faults_of("{ n { k: a } n { k: a }\n n { k: c } n { k: c } }")
    assert.equal(2, #faults)
    assert.equal("Validation error of type FieldsConflict: k: a and c are different fields", faults[1].message)
    assert.same({ 1, 7 }, { faults[1].locs[1].line, faults[1].locs[1].column })
    assert.same({ 2, 6 }, { faults[1].locs[2].line, faults[1].locs[2].column })
  end)
end)

describe("a document that is made to be slow", function()
  local function doubled(inner)
    return function(n)
      return "{ n { ...F1 } } " .. repeated(n, function(i) return ("fragment F%d on N { %s }"):format(i, (inner:gsub("X", "F" .. i + 1))) end)
        .. (" fragment F%d on N { a }"):format(n + 1)
    end
  end
  -- Cheap ones stay valid; the others are refused for what they cost. Those of graphql-js's own tests and benchmarks among
  -- them: repeated fields, fragments that meet again and again.
  local ROWS = {
    { "repeated fields", function(n) return "{ " .. repeated(n * 8, "a") .. " }" end },
    { "repeated fields with selections", function(n) return "{ " .. repeated(n * 3, "n { n { a } }") .. " }" end },
    { "fragments that double", doubled("n { ...X } n { ...X }") },
    { "fragments that double twice", doubled("n { ...X ...X } n { ...X ...X }") },
    { "fragments that double under two names", doubled("k: n { ...X } l: n { ...X }") },
    { "a chain of fragments", doubled("n { ...X }") },
    { "a chain of fragments side by side", doubled("...X a") },
    { "arguments that are compared", function(n) return "{ " .. repeated(n * 2, "b(x: 1)") .. " }" end },
    { "fragments that are all spread together", function(n)
      return "{ n { " .. repeated(n, function(i) return "...F" .. i end) .. " } } " .. doubled("n { a ...X }")(n):sub(16)
    end, "MaximumComplexity" },
    { "operations that share fragments", function(n)
      return repeated(n, function(i) return ("query Q%d { ...F }"):format(i) end) .. " fragment F on Query { "
        .. repeated(n, function(i) return ("k%d: a"):format(i) end) .. " }"
    end, "MaximumComplexity" },
    { "operations that share directives", function(n)
      return repeated(n, function(i) return ("query Q%d { ...F }"):format(i) end) .. " fragment F on Query { "
        .. repeated(n, "n { a @skip(if: false) @include(if: true) }") .. " }"
    end, "MaximumComplexity" },
    { "interfaces with many types below each other", function(n)
      return "{ i { " .. repeated(n / 2, "...F") .. repeated(n / 4, " ... on N { i { a } } ... on M { i { a } }") .. " } } fragment F on I { a }"
    end },
  }
  for _, row in ipairs(ROWS) do
    it("costs little: " .. row[1], function()
      local started = os.clock()
      local kinds = kinds_of(row[2](600))
      assert.same(row[3] and { [row[3]] = true } or {}, kinds)
      assert.is_true(os.clock() - started < 20)
    end)
  end

  it("costs little when each path through its fragments meets other fields", function()
    local levels = 16
    local text = "{ n { ...S1 } } " .. repeated(levels, function(i)
      return ("fragment S%d on N { k: n { ...S%d ...C%d } l: n { ...S%d } } "):format(i, i + 1, i * 100, i + 1)
        .. repeated(levels, function(j) return ("fragment C%d on N { k: n { a ...C%d } l: n { a ...C%d } }"):format(
          i * 100 + j - 1, i * 100 + j, i * 100 + j) end)
        .. (" fragment C%d on N { a }"):format(i * 100 + levels)
    end) .. (" fragment S%d on N { a }"):format(levels + 1)
    local started = os.clock()
    assert.same({ MaximumComplexity = true }, kinds_of(text))
    assert.is_true(os.clock() - started < 20)
  end)
end)
