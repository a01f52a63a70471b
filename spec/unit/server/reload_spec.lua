local core = require("appsync.core")
local engine = require("appsync.server.engine")
local folder = require("spec.support.folder")
local program = require("appsync.server.program")
local reload = require("appsync.server.reload")
local subscribers = require("appsync.server.realtime.subscribers")

local SCHEMA = [[
type Todo @model { id: ID! name: String! }
type Query { hello: String }
type Mutation { say(text: String): String }
type Subscription { onSay: String @aws_subscribe(mutations: ["say"]) }
]]
local RESOLVERS = "return { Query = { hello = function() return 'one' end }, Mutation = { say = function(ctx) return ctx.args.text end } }"

describe("a program that changes", function()
  local made, served, reloaded, said, live, now, sent

  local connection = {
    deliver = function(_, subscriber, payload) sent[#sent + 1] = subscriber.id .. " " .. payload end,
    revoke = function(_, subscriber, errors)
      live:remove(subscriber)
      sent[#sent + 1] = subscriber.id .. " ended: " .. errors[1].message
    end,
  }

  before_each(function()
    made = folder.make({
      ["s.graphql"] = SCHEMA, ["r.lua"] = RESOLVERS, ["seed.json"] = '{"Todo": []}', ["transform.conf.json"] = '{"ResolverConfig": {}}',
    })
    said, now, sent = {}, 0, {}
    local p = program.new({
      schema = made.path .. "/s.graphql", resolvers = made.path .. "/r.lua", seeds = { made.path .. "/seed.json" },
    })
    p.current = assert(p:read())
    served = assert(engine.new({ schema_text = p.current.source.text, resolvers = p.current.resolvers }))
    live = subscribers.new(function() end)
    reloaded = reload.new({
      program = p, engine = served, subscribers = live, interval_s = 1,
      say = function(text) said[#said + 1] = text:gsub(made.path .. "/", "") end,
    })
  end)

  after_each(function()
    served:close()
    made.remove()
  end)

  -- Two looks: one sees the change, one that the files rest.
  local function pass()
    for _ = 1, 2 do
      now = now + 1
      reloaded:tick(now)
    end
    return table.concat(said)
  end

  local function run(query)
    local json, published = served:execute({ query = query })
    for _, item in ipairs(published) do live:offer(item) end
    return core.decode(json)
  end

  local function subscribe(id, query)
    local made_one = assert(served:subscribe({ query = query }))
    return live:add(connection, id, made_one)
  end

  it("is left alone while nothing changes, or when a file is only touched", function()
    assert.equal("", pass())
    made.write("s.graphql", SCHEMA)
    assert.equal("", pass())
  end)

  it("is served with its new schema, and keeps its data", function()
    run('mutation { createTodo(input: {id: "1", name: "kept"}) { id } }')
    made.write("s.graphql", SCHEMA:gsub("hello: String", "hello: String fresh: Int"))
    assert.equal("reloaded s.graphql\n", pass())
    assert.same({ fresh = core.null, getTodo = { name = "kept" } }, run('{ fresh getTodo(id: "1") { name } }').data)
  end)

  it("is served with its new resolvers", function()
    made.write("r.lua", (RESOLVERS:gsub("one", "two")))
    assert.equal("reloaded r.lua\n", pass())
    assert.equal("two", run("{ hello }").data.hello)
  end)

  it("is told which files have changed", function()
    made.write("r.lua", (RESOLVERS:gsub("one", "two")))
    made.write("s.graphql", SCHEMA .. "# more")
    assert.equal("reloaded r.lua, s.graphql\n", pass())
  end)

  it("waits until an editor has done its work", function()
    made.write("s.graphql", "")
    now = now + 1
    reloaded:tick(now)
    made.write("s.graphql", SCHEMA .. "# more")
    now = now + 1
    reloaded:tick(now)
    assert.equal("", table.concat(said))
    assert.equal("reloaded s.graphql\n", pass())
  end)

  it("is reloaded again when a file that is new to it changes while it is read", function()
    made.write("words.lua", "return 'early'")
    made.write("r.lua", "local words = require('words') return { Query = { hello = function() return words end } }")
    pass()
    local changing = reloaded.program
    local read = changing.read
    changing.read = function(self)
      local text, faults = read(self)
      made.write("s.graphql", SCHEMA .. "# last")
      made.write("words.lua", "return 'later'")
      self.read = nil
      return text, faults
    end
    made.write("s.graphql", SCHEMA .. "# more")
    said = {}
    assert.equal("reloaded s.graphql\n", pass())
    said = {}
    assert.equal("reloaded s.graphql, words.lua\n", pass())
    assert.equal("later", run("{ hello }").data.hello)
  end)

  it("is seen when an editor renames a new file over the old one", function()
    made.write("s.graphql.new", SCHEMA .. "# more")
    assert(os.rename(made.path .. "/s.graphql.new", made.path .. "/s.graphql"))
    assert.equal("reloaded s.graphql\n", pass())
  end)

  it("is served as before when the new schema is broken, until it is mended", function()
    made.write("s.graphql", "type Query {\n  hello: Nothing\n}")
    assert.equal("s.graphql:2:10: type 'Nothing' is unknown\n    2 |   hello: Nothing\n      |          ^\n"
      .. "not reloaded: what was served before is served on\n", pass())
    assert.equal("one", run("{ hello }").data.hello)
    said = {}
    made.write("s.graphql", SCHEMA)
    assert.equal("reloaded s.graphql\n", pass())
  end)

  it("is told what would help with a fault, as it is at the start", function()
    reloaded.hints = function(err) return "hint for " .. tostring(err.line) .. "\n" end
    made.write("s.graphql", "type Query {\n  hello: Nothing\n}")
    assert.matches("%^\nhint for 2\nnot reloaded", pass())
  end)

  it("is served as before when the schema is gone for a while", function()
    os.remove(made.path .. "/s.graphql")
    assert.matches("^s.graphql: No such file or directory\nnot reloaded", pass())
    assert.equal("one", run("{ hello }").data.hello)
    said = {}
    made.write("s.graphql", SCHEMA)
    assert.equal("reloaded s.graphql\n", pass())
  end)

  it("is served as before when the resolvers are broken, or don't fit", function()
    for text, message in pairs({
      ["return {\n  Query = = 1\n}"] = "^r.lua:2: unexpected symbol near '='\n    2 |   Query = = 1\n",
      ["return { Query = {\n nope = function() end } }"] = "^r.lua:2: resolvers: type 'Query' has no field 'nope'",
      ["return { authorizer = function() end }"] = "^r.lua: there is an authorizer now; to use it, start the server again\n",
    }) do
      said = {}
      made.write("r.lua", text)
      assert.matches(message, pass())
      assert.matches("not reloaded: what was served before is served on\n$", said[#said])
      assert.equal("one", run("{ hello }").data.hello)
    end
  end)

  it("keeps the subscriptions that the new schema has a place for, and ends the others with its reason", function()
    subscribe("a", "subscription { onSay }")
    subscribe("b", "subscription { onCreateTodo { name } }")
    subscribe("c", "subscription { onSay }")
    made.write("s.graphql", (SCHEMA:gsub("Todo", "Task")))
    assert.equal("reloaded s.graphql, 2 subscriptions go on, 1 subscription ended\n", pass())
    assert.equal(2, live.n)
    assert.matches("^b ended: .*FieldUndefined", sent[1])
    sent = {}
    run('mutation { say(text: "hi") }')
    assert.same({ 'a {"data":{"onSay":"hi"}}', 'c {"data":{"onSay":"hi"}}' }, sent)
  end)

  it("ends with its reason a subscription that a resolver now refuses", function()
    subscribe("a", "subscription { onSay }")
    made.write("r.lua", "return { Subscription = { onSay = function() error({ message = 'no more' }) end } }")
    assert.equal("reloaded r.lua, 1 subscription ended\n", pass())
    assert.same({ "a ended: no more" }, sent)
    assert.equal(0, live.n)
  end)

  it("adds the records of a seed that has changed, and only of that", function()
    made.write("seed.json", '{"Todo": [{"id": "1", "name": "one"}, {"id": "2", "name": "two"}, {"id": "3", "name": "three"}]}')
    assert.equal("reloaded seed.json, 3 records added\n", pass())
    run('mutation { deleteTodo(input: {id: "3"}) { id } }')
    said = {}
    made.write("s.graphql", SCHEMA .. "# more")
    assert.equal("reloaded s.graphql\n", pass())
    assert.equal(2, #run("{ listTodos { items { id } } }").data.listTodos.items)
    said = {}
    made.write("seed.json", '{"Todo": [{"id": "4"}]}')
    assert.equal("seed.json: Todo[0].name: is missing\nreloaded seed.json\n", pass())
  end)

  it("adds the records of a seed that has changed with a schema that was broken, once that is mended", function()
    made.write("s.graphql", "type Query {")
    made.write("seed.json", '{"Todo": [{"id": "1", "name": "one"}]}')
    assert.matches("not reloaded", pass())
    said = {}
    made.write("s.graphql", SCHEMA)
    assert.equal("reloaded s.graphql, 1 record added\n", pass())
    run('mutation { deleteTodo(input: {id: "1"}) { id } }')
    said = {}
    made.write("s.graphql", SCHEMA .. "# more")
    assert.equal("reloaded s.graphql\n", pass())
  end)

  it("has its versioned models told anew, too", function()
    local function is_versioned() return run('{ __type(name: "Todo") { fields { name } } }').data.__type.fields[5] ~= nil end
    assert.is_false(is_versioned())
    made.write("transform.conf.json", '{"ResolverConfig": {"project": {"ConflictHandler": "AUTOMERGE", "ConflictDetection": "VERSION"}}}')
    assert.equal("reloaded transform.conf.json\n", pass())
    assert.is_true(is_versioned())
    said = {}
    made.write("transform.conf.json", '{"ResolverConfig": {"project": {"ConflictHandler": "LAMBDA", "ConflictDetection": "VERSION", '
      .. '"LambdaConflictHandler": {"name": "mine"}}}}')
    assert.matches("'conflict_handlers.mine', which the resolvers file", pass(), 1, true)
    assert.matches("not reloaded", said[#said])
    said = {}
    made.write("r.lua", RESOLVERS:gsub("}$", ", conflict_handlers = { mine = function() end } }"))
    assert.equal("reloaded r.lua\n", pass())
  end)

  it("says when it wants to look again", function()
    assert.equal(1, reloaded:tick(100))
    assert.equal(0.5, reloaded:tick(100.5))
  end)
end)
