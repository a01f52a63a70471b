-- The command line, `appsync serve`: what it prints, how it ends.
local appsync = require "appsync"
local process = require "spec.support.process"
local has = require("spec.support.text").has

local SCHEMA = "type Query { one: Int }"

-- Runs to the end: standard output, standard error, status.
local function run(words)
  local log = process.temporary ".err"
  local pipe = assert(io.popen(("timeout 20 bin/appsync %s 2>%s; echo status=$?"):format(words, log)))
  local text = pipe:read "*a"
  pipe:close()
  local out, status = text:match "^(.*)status=(%d+)\n$"
  return out, process.read(log), tonumber(status)
end

-- Starts a server: its first line, its number, and a function that signals and gives the status.
local function start(words)
  local pipe = assert(io.popen(("sh -c 'echo $$; exec bin/appsync %s' 2>/dev/null; echo status=$?"):format(words)))
  local pid = pipe:read "*l"
  local first = pipe:read "*l"
  local function stop(signal)
    os.execute(("kill -%s %s"):format(signal or "TERM", pid))
    local rest = pipe:read "*a"
    pipe:close()
    return tonumber(rest:match "status=(%d+)"), rest
  end
  return first, stop
end

describe("the contract of appsync serve:", function()
  local schema

  setup(function()
    schema = process.file(SCHEMA, ".graphql")
  end)
  teardown(function() process.stop_all() end)

  it("prints one READY line and ends with status 0 on SIGTERM", function()
    local first, stop = start("serve " .. schema .. " --api-key da2-mine")
    local port, again = first:match "^READY http://127%.0%.0%.1:(%d+)/graphql ws://127%.0%.0%.1:(%d+)/graphql/realtime api%-key=da2%-mine$"
    assert.equal(port, again)
    assert.is_true(tonumber(port) > 0)
    local client = appsync.client{ endpoint = "http://127.0.0.1:" .. port .. "/graphql", auth = { type = "API_KEY", api_key = "da2-mine" } }
    local data, err = client:query "{ one }"
    assert.is_nil(err)
    assert.equal(appsync.null, data.one)
    client:close(5)
    local status, rest = stop()
    assert.equal(0, status)
    assert.equal("status=0\n", rest)
  end)

  it("mock is the same; port 0 picks a free one each time; a port may be chosen", function()
    local first, stop_first = start("mock " .. schema .. " --port 0")
    local second, stop_second = start("serve " .. schema .. " --port 0 --host 127.0.0.1")
    local a, b = first:match ":(%d+)/graphql", second:match ":(%d+)/graphql"
    assert.not_equal(a, b)
    assert.equal(0, (stop_first()))
    local third, stop_third = start("serve " .. schema .. " --port " .. a)
    assert.equal(a, third:match ":(%d+)/graphql")
    local _, message, status = run("serve " .. schema .. " --port " .. a)
    assert.equal(1, status)
    has(message, a)
    assert.equal(0, (stop_second()))
    assert.equal(0, (stop_third()))
  end)

  it("makes a key when none is given, several may be given", function()
    local first, stop = start("serve " .. schema)
    assert.is_truthy(first:match " api%-key=da2%-%w+$")
    stop()
    first, stop = start("serve " .. schema .. " --api-key one --api-key two")
    has(first, "api-key=one")
    local client = appsync.client{ endpoint = first:match "http://%S+", auth = { type = "API_KEY", api_key = "two" } }
    assert.is_nil((select(2, client:query "{ one }")))
    client:close(5)
    stop()
  end)

  it("is served with --resolvers and --iam, the default mode by --auth-default", function()
    local resolvers = process.file("return { Query = { one = function() return 7 end } }", ".lua")
    local first, stop = start(("serve %s --resolvers %s --api-key k --iam AK:SK --auth-default AWS_IAM"):format(schema, resolvers))
    local client = appsync.client{
      endpoint = first:match "http://%S+", region = "us-east-1",
      auth = { type = "AWS_IAM", credentials = { access_key_id = "AK", secret_access_key = "SK" } },
    }
    local data, err = client:query "{ one }"
    assert.is_nil(err)
    assert.equal(7, data.one)
    client:close(5)
    assert.equal(0, (stop()))
  end)

  it("keeps its data in --store", function()
    local todo, store = process.temporary ".graphql", process.temporary ".db"
    process.write(todo, "type Todo @model { id: ID! name: String! }")
    for turn = 1, 2 do
      local first, stop = start(("serve %s --api-key k --store %s"):format(todo, store))
      local client = appsync.client{ endpoint = first:match "http://%S+", auth = { type = "API_KEY", api_key = "k" } }
      if turn == 1 then
        appsync.assert(client:mutate 'mutation { createTodo(input: {id: "1", name: "kept"}) { id } }')
      else
        assert.equal("kept", appsync.assert(client:query '{ getTodo(id: "1") { name } }').getTodo.name)
      end
      client:close(5)
      assert.equal(0, (stop()))
    end
    for _, suffix in ipairs{ "-wal", "-shm" } do os.remove(store .. suffix) end
  end)

  it("a refused schema is told with its place, status 1", function()
    local broken = process.temporary ".graphql"
    for text, place in pairs{
      ["type Query {\n  one: Int\n  two Int\n}"] = ":3:", ["type Query {\n  one: Nothing\n}"] = ":2:", ["type Query { one: Int"] = ":1:",
    } do
      process.write(broken, text)
      local out, message, status = run("serve " .. broken)
      assert.equal(1, status)
      assert.equal("", out)
      has(message, broken .. place)
    end
    local _, message, status = run "serve /nowhere.graphql"
    assert.equal(1, status)
    has(message, "/nowhere.graphql")
  end)

  it("wrong usage is status 2, with what was probably meant", function()
    for words, part in pairs{
      [""] = "Usage", ["serv x"] = "serve", ["serve"] = "SCHEMA", ["serve " .. schema .. " --prot 5"] = "--port",
      ["serve " .. schema .. " --port x"] = "--port", ["serve " .. schema .. " --port"] = "--port", ["serve a b"] = "b",
      ["serve " .. schema .. " --iam x"] = "ACCESS_KEY:SECRET", ["serve " .. schema .. " --tls x"] = "CERT,KEY",
      ["serve " .. schema .. " --auth-default NOPE"] = "NOPE", ["serve " .. schema .. " --port 70000"] = "65535",
      ["serve " .. schema .. " --conflict sometimes"] = "automerge", ["codegen x"] = "codegen", ["inspect"] = "STORE",
    } do
      local out, message, status = run(words)
      assert.equal(2, status, words)
      assert.equal("", out)
      has(message, part)
    end
  end)

  it("files that can't be used are status 1, by name", function()
    local broken = process.file("return {", ".lua")
    local model = process.file("type Todo @model { id: ID! }", ".graphql")
    for words, part in pairs{
      ["--resolvers /nowhere.lua"] = "/nowhere.lua", ["--resolvers " .. broken] = broken, ["--jwt-key /nowhere"] = "/nowhere",
      ["--tls /nowhere.crt,/nowhere.key"] = "/nowhere", ["--store /nowhere/x.db"] = "/nowhere/x.db",
    } do
      local out, message, status = run(("serve %s %s"):format(model, words))
      assert.equal(1, status, words)
      assert.equal("", out)
      has(message, part)
    end
  end)

  it("SIGTERM ends it with status 0 while clients are connected", function()
    local path = process.file("type Todo @model { id: ID! name: String! }", ".graphql")
    local first, stop = start("serve " .. path .. " --api-key k")
    local client = appsync.client{ endpoint = first:match "http://%S+", auth = { type = "API_KEY", api_key = "k" }, log = function() end }
    local s = client:subscribe("subscription { onCreateTodo { name } }"):subscribe()
    assert.is_true(appsync.assert(s:ready(10)))
    assert.equal(0, (stop()))
    client:close(5)
  end)

  it("--help tells, with status 0", function()
    for _, words in ipairs{ "--help", "serve --help", "mock --help", "serve -h" } do
      local out, _, status = run(words)
      assert.equal(0, status)
      has(out, "serve")
    end
    local out = run "serve --help"
    for _, option in ipairs{ "host", "port", "api-key", "iam", "jwt-key", "auth-default", "resolvers", "store", "conflict", "faults", "tls",
      "print-schema", "help" } do
      has(out, "--" .. option)
    end
  end)

  it("--print-schema prints the complete schema and ends with status 0", function()
    local models = process.file("type Todo @model { id: ID! name: String! }", ".graphql")
    local out, _, status = run("serve " .. models .. " --print-schema")
    assert.equal(0, status)
    for _, part in ipairs{ "type Todo", "input CreateTodoInput", "onCreateTodo" } do has(out, part) end
  end)
end)
