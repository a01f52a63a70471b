-- Variables of a call: what is sent of them, and what is told of the others.
local appsync = require "appsync"
local document = require "appsync.document"
local misuse = require "spec.support.misuse"
local opts = require "appsync.opts"
local variables = require "appsync.client.variables"

local OPTIONS = opts.schema{ timeout = { "number" }, fetch_policy = { "string" } }.names

local function operation_of(head)
  local _, operation = document.pick(head .. " { a }", head:match("^%a+"), nil, "here")
  return operation
end

local function declared(head, given)
  return variables.declared(given, operation_of(head), OPTIONS, "here")
end

-- What is sent, as JSON.
local function sent(head, given)
  local some = declared(head, given)
  return some and appsync.encode(some)
end

local function refused(head, given)
  return (misuse.raised(declared, head, given):gsub("^.-: here: ", ""))
end

describe("the variables of a call", function()
  it("are those that the operation declares", function()
    assert.equal('{"a":1}', sent("query Q($a: Int)", { a = 1, extra = 2 }))
    assert.is_nil(sent("query Q($a: Int)", nil))
    assert.is_nil(sent("query Q", { extra = 2 }))
    assert.same({ { a = 1 }, { "extra", "other" } }, { declared("query Q($a: Int)", { a = 1, other = 3, extra = 2 }) })
  end)

  describe("that are declared as lists", function()
    for type_, texts in pairs{
      ["[ID!]!"] = { "[]", '["x"]' }, ["[ID]"] = { "[]", '["x"]' }, ["[TodoInput!]"] = { "[]", '["x"]' }, ["[[Int]]!"] = { "[]", '["x"]' },
      ID = { "{}", '["x"]' }, TodoInput = { "{}", '["x"]' }, ["AWSJSON!"] = { "{}", '["x"]' },
    } do
      it("are written as lists, empty ones too: " .. type_, function()
        local head = "query Q($v: " .. type_ .. ")"
        local given = { v = {} }
        assert.equal('{"v":' .. texts[1] .. "}", sent(head, given))
        assert.is_nil(getmetatable(given.v))
        assert.equal('{"v":' .. texts[2] .. "}", sent(head, { v = { "x" } }))
        assert.equal('{"v":[]}', sent(head, { v = appsync.array{} }))
        assert.equal('{"v":null}', sent(head, { v = appsync.null }))
      end)
    end

    it("have lists in them as deep as the type says, and objects below", function()
      assert.equal('{"v":[[],[[]],{"a":{}}]}', sent("query Q($v: [[[Int]]])", { v = { {}, { {} }, { a = {} } } }))
      assert.equal('{"v":[[],[1]]}', sent("query Q($v: [[Int!]!]!)", { v = { {}, { 1 } } }))
      assert.equal('{"v":[{},[1]]}', sent("query Q($v: [JSON])", { v = { {}, { 1 } } }))
      assert.equal('{"v":{"tags":{}}}', sent("query Q($v: [In!])", { v = { tags = {} } }))
    end)

    it("leave the given tables as they are", function()
      local inner = {}
      local given = { v = { inner, { 1 } } }
      assert.equal('{"v":[[],[1]]}', sent("query Q($v: [[Int]])", given))
      assert.equal(inner, given.v[1])
      assert.is_nil(getmetatable(inner))
      assert.is_nil(getmetatable(given.v))
    end)
  end)

  describe("throw for a misspelled name:", function()
    for _, row in ipairs{
      { "($postId: ID)", "postid", "postId" }, { "($postId: ID)", "post_id", "postId" }, { "($post_id: ID!)", "PostID", "post_id" },
      { "($id: ID!)", "$id", "id" }, { "($id: ID)", "ID", "id" }, { "($ids: [ID!]!)", "id", "ids" }, { "($id: ID!)", "ids", "id" },
      { "($name: String)", "naem", "name" }, { "($name: String)", "nmae", "name" }, { "($title: String)", "titel", "title" },
      { "($description: String)", "descripton", "description" }, { "($nextToken: String)", "nextTokn", "nextToken" },
      { "($input: In!)", "inptu", "input" }, { "($filter: F, $limit: Int)", "limits", "limit" },
    } do
      it(row[2], function()
        local message = refused("query Q" .. row[1], { [row[2]] = "x" })
        assert.equal(('the operation declares no variable "%s"; did you mean $%s?'):format(row[2], row[3]), message)
      end)
    end
  end)

  describe("don't throw where nothing is misspelled:", function()
    for _, row in ipairs{
      { "($postId: ID)", { postId = 1, postid = 2 } }, { "($a: Int)", { b = 1 } }, { "($a: Int!)", { b = 1 } }, { "($id: ID)", { ids = 1 } },
      { "($id: ID!)", { no = 1 } }, { "($name1: String)", { name2 = 1 } }, { "($filter: F)", { limit = 1 } }, { "($owner: String)", { other = 1 } },
      { "", { id = 1, variable = {}, input = { id = 1 } } }, { "($id: ID)", { input = { id = 1 } } }, { "($id: ID!)", { id = 1, input = { id = 1 } } },
      { "($limit: Int)", { [1] = 5, [true] = 6 } },
    } do
      it(row[1] .. " " .. tostring(next(row[2])), function()
        assert.has_no.errors(function() declared("query Q" .. row[1], row[2]) end)
      end)
    end
  end)

  it("throw for a table that holds them", function()
    for kind, key in pairs{ query = "query", mutation = "mutation", subscription = "query" } do
      assert.equal("the operation declares no variable $variables; the argument is the table of variables itself, or the call "
        .. "takes one table {" .. key .. " =, variables =}", refused(kind .. " Q($id: ID)", { variables = { id = 1 } }))
    end
    assert.truthy(refused("query Q", { variables = {} }))
    for _, name in ipairs{ "input", "data", "params" } do
      assert.equal(('the operation declares no variable "%s", but $id, which is inside it; give that one by itself'):format(name),
        refused("mutation M($id: ID!, $title: String)", { [name] = { id = 1, title = "x" } }))
    end
    assert.equal('{"variables":{"id":1}}', sent("query Q($variables: AWSJSON, $id: ID)", { variables = { id = 1 } }))
  end)

  it("throw for an option's name before anything else", function()
    assert.matches("$timeout; timeout is an option", refused("query Q($timeouts: Int!)", { timeout = 1 }), 1, true)
  end)

  it("that aren't sent are told once for an operation, at the level debug", function()
    local lines = {}
    local function tell(plan) variables.tell(plan, function(level, message) lines[#lines + 1] = level .. " " .. message end) end
    local operation = operation_of "query Told"
    tell { operation = operation, where = "client:query" }
    for _ = 1, 3 do tell { operation = operation, where = "client:query", undeclared = { "b\n", "c" } } end
    tell { operation = operation, where = "client:query", undeclared = { "c", "d" } }
    assert.same({
      [[debug client:query: the operation declares no variable "b\n", "c"; it isn't sent]],
      [[debug client:query: the operation declares no variable "d"; it isn't sent]],
    }, lines)
    for i = 1, 40 do tell { operation = operation, where = "client:query", undeclared = { "e" .. i } } end
    assert.equal(2 + 13, #lines)
  end)
end)

describe("a client", function()
  local client, lines

  before_each(function()
    lines = {}
    client = appsync.client { endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" },
      log = function(level, message) lines[#lines + 1] = level .. " " .. message end }
  end)

  after_each(function() assert.is_true(client:close(5)) end)

  it("throws at the line of a call with a misspelled variable, whatever the call", function()
    assert.matches("client:query: .* did you mean %$id%?", misuse.raised_there(function()
      local _ = client:query("query Q($id: ID!) { a }", { Id = 1 })
    end))
    assert.matches("client:mutate: .* did you mean %$id%?", misuse.raised_there(function()
      local _ = client:mutate { mutation = "mutation M($id: ID!) { a }", variables = { Id = 1 } }
    end))
    assert.matches("client:subscribe: .* did you mean %$id%?", misuse.raised_there(function()
      local _ = client:subscribe("subscription S($id: ID!) { a }", { Id = 1 })
    end))
  end)

  it("tells its log of a variable that isn't sent", function()
    client:subscribe("subscription Extra { a }", { extra = 1 })
    assert.same({ [[debug client:subscribe: the operation declares no variable "extra"; it isn't sent]] }, lines)
  end)
end)
