-- `appsync serve` for the people who develop with it: what it says, what it reloads, how it ends.
local appsync = require "appsync"
local core = require "appsync.core"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local wait_for = require "spec.support.wait"

local SCHEMA = [[
type Todo @model { id: ID! name: String! }
type Query { hello: String boom: String }
]]
local RESOLVERS = "return { Query = {\n  hello = function() return 'one' end,\n  boom = function(ctx)\n    return ctx.args.a.b\n  end,\n} }"

describe("appsync serve, while one develops", function()
  local made, handle, endpoint, client, heard

  local function start(arguments, environment)
    local command = environment and { "env", environment } or {}
    for _, word in ipairs({ "bin/appsync", "serve", made.path, "--api-key", "k" }) do command[#command + 1] = word end
    for _, word in ipairs(arguments or {}) do command[#command + 1] = word end
    local first
    first, handle = process.start(command)
    heard = 0
    endpoint = assert((first or ""):match("^READY (%S+)"), process.read(handle.log))
    client = appsync.client({ endpoint = endpoint, auth = { type = "API_KEY", api_key = "k" }, log = function() end })
  end

  -- Behind the line that tells the transformer.
  local function log_of(of)
    local text, n = process.read(of.log):gsub("^[^\n]*models follow Amplify's second transformer[^\n]*\n", "")
    assert.equal(1, n)
    return text
  end
  local function log() return log_of(handle) end

  -- Waits for a text on standard error, behind what was found before; gives what stands behind it.
  local function said(text)
    local at
    wait_for(function()
      at = select(2, log():find(text, heard + 1, true))
      return at ~= nil
    end, text, log)
    heard = at
    return log():sub(at + 1)
  end

  before_each(function()
    made = folder.make({ ["schema/a.graphql"] = SCHEMA, ["r.lua"] = RESOLVERS })
  end)

  after_each(function()
    if client then client:close(5) end
    client = nil
    process.stop_all()
    made.remove()
  end)

  it("reloads a folder's schema and the resolvers; a broken one is told in its place and not served", function()
    start({ "--resolvers", made.path .. "/r.lua" })
    appsync.assert(client:mutate('mutation { createTodo(input: {id: "1", name: "kept"}) { id } }'))
    local events = client:subscribe("subscription { onCreateTodo { name } }"):subscribe()
    assert.is_true(appsync.assert(events:ready(10)))

    made.write("schema/b.graphql", "type Fresh @model {\n  id: ID!\n  x: Nothing\n}\n")
    said("schema/b.graphql:3:6: type 'Nothing' is unknown\n    3 |   x: Nothing\n      |      ^\nnot reloaded")
    assert.equal("one", appsync.assert(client:query("{ hello }")).hello)

    made.write("schema/b.graphql", "type Fresh @model { id: ID! x: Int }\n")
    assert.matches("^[^\n]*, 1 subscription continues\n", said("reloaded " .. made.path))
    assert.equal("kept", appsync.assert(client:query('{ getTodo(id: "1") { name } listFreshes { items { x } } }')).getTodo.name)

    appsync.assert(client:mutate('mutation { createTodo(input: {name: "live"}) { id name } }'))
    assert.equal("live", appsync.assert(events:next(10)).onCreateTodo.name)

    made.write("r.new", (RESOLVERS:gsub("one", "two")))
    assert(os.rename(made.path .. "/r.new", made.path .. "/r.lua"))
    said("reloaded " .. made.path .. "/r.lua")
    assert.equal("two", appsync.assert(client:query("{ hello }")).hello)
  end)

  it("ends a subscription with an error when its field is gone", function()
    start()
    local events = client:subscribe("subscription { onCreateTodo { name } }"):subscribe()
    assert.is_true(appsync.assert(events:ready(10)))
    made.write("schema/a.graphql", "type Query { hello: String }")
    said("1 subscription ended")
    local event, err = events:next(10)
    assert.is_nil(event)
    assert.equal("graphql", err.kind)
  end)

  it("reloads the directives of one's own with the modules that they require", function()
    made.write("loud.lua", "return '!'")
    made.write("d.lua", [[
      local tail = require("loud")
      return { name = "loud", definition = "directive @loud on FIELD_DEFINITION", field = function(api, t, f)
        api:wrap(t.name, f.name, function(ctx, next) return next(ctx) .. tail end)
      end }
    ]])
    made.write("schema/a.graphql", (SCHEMA:gsub("hello: String", "hello: String @loud")))
    start({ "--resolvers", made.path .. "/r.lua", "--transform", made.path .. "/d.lua", "--trace" })
    assert.equal("one!", appsync.assert(client:query("{ hello }")).hello)
    assert.matches("^  %S+/d.lua:3  ", said("Query.hello"))
    made.write("loud.lua", "return '?'")
    said("reloaded " .. made.path .. "/loud.lua")
    assert.equal("one?", appsync.assert(client:query("{ hello }")).hello)
    made.write("loud.lua", "return setmetatable({}, { __concat = function() error('worn out') end })")
    said("reloaded " .. made.path .. "/loud.lua")
    client:query("{ hello }")
    assert.matches("^ %(%S+/loud.lua:1%)\n%s+stack traceback:\n.*%S+/d.lua:3: in", said("Query.hello: worn out"))
    made.write("loud.lua", "return '?'")
    said("reloaded " .. made.path .. "/loud.lua")
    made.write("d.lua", "return { name = 'loud' }")
    said("d.lua: 'definition' is missing")
    assert.equal("one?", appsync.assert(client:query("{ hello }")).hello)
  end)

  it("reads files once with --no-watch", function()
    start({ "--no-watch", "--resolvers", made.path .. "/r.lua" })
    made.write("r.lua", (RESOLVERS:gsub("one", "two")))
    -- Two servers that were told alike: the one that watches has reloaded, so the other would have.
    local other, quiet = { start = start }, { client = client, handle = handle }
    other.start({ "--resolvers", made.path .. "/r.lua" })
    made.write("r.lua", (RESOLVERS:gsub("one", "three")))
    said("reloaded")
    assert.equal("three", appsync.assert(client:query("{ hello }")).hello)
    assert.equal("one", appsync.assert(quiet.client:query("{ hello }")).hello)
    assert.equal("", log_of(quiet.handle))
    quiet.client:close(5)
  end)

  it("tells what a resolver threw, with its place and a traceback", function()
    start({ "--resolvers", made.path .. "/r.lua" })
    local _, err = client:query("{ boom }")
    assert.matches("attempt to index", err.message)
    local rest = said("Query.boom: attempt to index")
    assert.matches("%(" .. made.path:gsub("%p", "%%%0") .. "/r.lua:4%)\nstack traceback:\n%s+%S+r.lua:4: in", rest)
    assert.is_nil(rest:find("xpcall", 1, true))
  end)

  it("writes a request log: lines for people, JSON for machines, nothing unless asked for", function()
    for format, pattern in pairs({
      text = "^%d%d:%d%d:%d%d%.%d%d%d  POST 200  query  Q  {hello}  [%d.]+ ms  %d+ B  API_KEY\n$",
      json = '^{"at":[%d.]+,"kind":"request","method":"POST","path":"/graphql","status":200,"operation":"query","name":"Q",'
        .. '"fields":%["hello"%],"identity":"API_KEY","ms":[%d.]+,"bytes":%d+,"n_errors":0,"request_id":"[%x-]+"}\n$',
      none = "^$",
    }) do
      start({ "--log", format, "--resolvers", made.path .. "/r.lua" })
      appsync.assert(client:query("query Q { hello }"))
      client:close(5)
      client = nil
      process.stop(handle)
      assert.matches(pattern, log())
      if format == "json" then assert.is_table(core.decode(log())) end
    end
    start({ "--resolvers", made.path .. "/r.lua" })
    appsync.assert(client:query("{ hello }"))
    process.stop(handle)
    assert.equal("", log())
  end)

  it("says everything in JSON with --log json", function()
    start({ "--log", "json", "--trace", "--resolvers", made.path .. "/r.lua" })
    client:query("{ boom }")
    made.write("schema/a.graphql", "type Query { boom: Nothing }")
    said("not reloaded")
    local kinds = {}
    for line in log():gmatch("[^\n]+") do kinds[#kinds + 1] = assert(core.decode(line)).kind end
    assert.same({ "trace", "request", "message" }, kinds)
  end)

  it("traces resolvers with --trace, and some of them with --trace-field", function()
    start({ "--trace", "--resolvers", made.path .. "/r.lua" })
    client:query("{ hello boom }")
    local rest = said("trace  query  {hello boom}")
    assert.matches("\n  Query.hello  %S+/r.lua:2  [%d.]+ ms  %-> \"one\"\n  Query.boom  %S+/r.lua:3  [%d.]+ ms  failed\n", rest)
    client:close(5)
    process.stop(handle)
    start({ "--trace-field", "Query.boom", "--resolvers", made.path .. "/r.lua" })
    client:query("{ hello boom }")
    assert.is_nil(said("trace  query"):find("Query.hello", 1, true))
  end)

  it("begins with the records of --seed, beside those that the store has", function()
    made.write("seed.json", '{"Todo": [{"id": "1", "name": "one"}, {"id": "2", "name": "two"}]}')
    for _, name in ipairs({ "one", "changed" }) do
      start({ "--seed", made.path .. "/seed.json", "--store", made.path .. "/data.db" })
      assert.equal(name, appsync.assert(client:query('{ getTodo(id: "1") { name } }')).getTodo.name)
      appsync.assert(client:mutate('mutation { updateTodo(input: {id: "1", name: "changed"}) { id } }'))
      client:close(5)
      process.stop(handle)
    end
  end)

  local refused = {
    { "a record that is wrong", "--seed", "seed.json", '{"Todo": [{"id": "1"}]}', "seed.json: Todo[0].name: is missing\n" },
    { "a seed that is no JSON", "--seed", "seed.json", "{", "seed.json: " },
    { "resolvers without a field", "--resolvers", "x.lua", "return { Query = {\n  helo = function() end } }",
      "x.lua:2: resolvers: type 'Query' has no field 'helo', did you mean 'hello'?\n    2 |   helo = function() end } }\n" },
    { "a certificate that is none", "--tls", "x.pem", "no certificate", "x.pem" },
  }
  for _, row in ipairs(refused) do
    it("doesn't begin with " .. row[1] .. ", and says so with status 1", function()
      made.write(row[3], row[4])
      local given = made.path .. "/" .. row[3]
      if row[2] == "--tls" then given = given .. "," .. given end
      local pipe = assert(io.popen(("bin/appsync serve %s %s %s 2>&1; echo status=$?"):format(made.path, row[2], given)))
      local text = pipe:read("*a")
      pipe:close()
      assert.matches(row[5], text, 1, true)
      assert.matches("status=1\n$", text)
    end)
  end

  it("follows the transformer of the Amplify project that the schema stands in, and says so", function()
    made.write("amplify/backend/api/blog/schema.graphql", "type Category @model { id: ID! }")
    made.write("amplify/cli.json", '{"features": {"graphqltransformer": {"transformerversion": 1}}}')
    local function listed(words)
      local pipe = assert(io.popen(("bin/appsync serve %s/amplify/backend/api/blog %s --print-schema 2>&1"):format(made.path, words)))
      local text = pipe:read("*a")
      pipe:close()
      return text:match("note: models follow ([^\n]*)"), text:match("list%u%w+")
    end
    assert.same({ ('Amplify\'s first transformer: %s/amplify/cli.json has "transformerversion": 1'):format(made.path), "listCategorys" },
      { listed("") })
    assert.same({ "Amplify's second transformer: --transformer 2", "listCategories" }, { listed("--transformer 2") })
    local first
    first, handle = process.start({ "bin/appsync", "serve", made.path .. "/amplify/backend/api/blog", "--api-key", "k" })
    assert.matches("^READY", first)
    made.write("amplify/cli.json", '{"features": {"graphqltransformer": {"transformerversion": 2}}}')
    local function text() return process.read(handle.log) end
    wait_for(function() return text():find("reloaded " .. made.path .. "/amplify/cli.json", 1, true) ~= nil end, "reloaded", text)
  end)

  it("tells the transformer by the schema's directives", function()
    for text, line in pairs({
      ['type A @model @key(fields: ["id"]) { id: ID! }'] = "first transformer: the schema has @key",
      ["type A @model { id: ID! @primaryKey }"] = "second transformer: the schema has @primaryKey",
      ["type A @model { id: ID! }"] = "second transformer: no directive is specific to one; --transformer 1 selects the first",
    }) do
      made.write("one.graphql", text)
      local pipe = assert(io.popen(("bin/appsync serve %s/one.graphql --print-schema 2>&1 >/dev/null"):format(made.path)))
      assert.equal("note: models follow Amplify's " .. line .. "\n", pipe:read("*a"))
      pipe:close()
    end
    made.write("one.graphql", "type Query { a: Int }")
    local pipe = assert(io.popen(("bin/appsync serve %s/one.graphql --print-schema 2>&1 >/dev/null"):format(made.path)))
    assert.equal("", pipe:read("*a"))
    pipe:close()
  end)

  it("reads the keys again when their file changes, and keeps those from before when it is broken", function()
    made.write("auth.json", '{"apiKeys": ["first"]}')
    start({ "--auth", made.path .. "/auth.json", "--resolvers", made.path .. "/r.lua" })
    local function asks(key)
      local asking = appsync.client({ endpoint = endpoint, auth = { type = "API_KEY", api_key = key }, log = function() end })
      local data = asking:query("{ hello }")
      asking:close(5)
      return data ~= nil
    end
    assert.is_true(asks("first"))
    made.write("auth.json", '{"apiKeys": ["second"]}')
    said("reloaded " .. made.path .. "/auth.json\n")
    assert.is_false(asks("first"))
    assert.is_true(asks("second"))
    made.write("auth.json", "{")
    said("not reloaded: the previous keys and users stay in force\n")
    assert.is_true(asks("second"))
  end)

  it("notes which fields have no resolver, and which files beside the schema have no effect", function()
    made.write("resolvers/Query.hello.req.vtl", "{}")
    start()
    said("note: " .. made.path .. "/resolvers/Query.hello.req.vtl has no effect here")
    said("note: 2 Query fields have no resolver and are null: boom, hello\n")
  end)

  it("tells of --transform where a directive is unknown", function()
    made.write("schema/a.graphql", "type Query { hello: String @loud }")
    local pipe = assert(io.popen(("bin/appsync serve %s 2>&1"):format(made.path)))
    local text = pipe:read("*a")
    pipe:close()
    assert.matches("directive @loud is unknown", text, 1, true)
    assert.matches("To implement a directive of your own, use --transform FILE.lua", text, 1, true)
  end)

  it("says which schema it takes where there are two", function()
    made.write("schema.graphql", "type Query { other: Int } type Note @model { id: ID! }")
    start()
    assert.matches(("note: %s/schema.graphql takes precedence over the folder %s/schema\n"):format(made.path, made.path), process.read(handle.log), 1, true)
    assert.equal(appsync.null, appsync.assert(client:query("{ other }")).other)
  end)

  it("ends with status 0 on a signal while sockets are open, a request is half sent and a file is the store", function()
    local store = made.path .. "/data.db"
    local pipe = assert(io.popen(("sh -c 'echo $$; exec bin/appsync serve %s --resolvers %s/r.lua --api-key k --store %s' 2>&1; echo status=$?"):format(
      made.path, made.path, store)))
    local pid = pipe:read("*l")
    assert.matches("^note: models follow", pipe:read("*l"))
    local port = tonumber(pipe:read("*l"):match(":(%d+)/graphql"))
    client = appsync.client({ endpoint = ("http://127.0.0.1:%d/graphql"):format(port), auth = { type = "API_KEY", api_key = "k" },
      log = function() end })
    local events = client:subscribe("subscription { onCreateTodo { name } }"):subscribe()
    assert.is_true(appsync.assert(events:ready(10)))
    appsync.assert(client:mutate('mutation { createTodo(input: {id: "1", name: "kept"}) { id } }'))
    local half = require("socket").tcp()
    assert(half:connect("127.0.0.1", port))
    half:send("POST /graphql HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{")
    local began = core.now()
    os.execute("kill -TERM " .. pid)
    assert.equal("status=0", pipe:read("*l"))
    assert.is_true(core.now() - began < 5)
    pipe:close()
    half:close()
    client:close(5)
    start({ "--store", store })
    assert.equal("kept", appsync.assert(client:query('{ getTodo(id: "1") { name } }')).getTodo.name)
  end)
end)
