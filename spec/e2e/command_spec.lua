local ws_socket = require("spec.support.ws_socket")

local SCHEMA = "type Todo @model { id: ID! name: String! priority: Int }"

describe("the command appsync", function()
  local schema_file

  setup(function()
    schema_file = os.tmpname()
    local file = assert(io.open(schema_file, "w"))
    file:write(SCHEMA)
    file:close()
  end)

  teardown(function()
    os.remove(schema_file)
  end)

  --- Runs to the end: the whole output and the status.
  local function run(words)
    local pipe = assert(io.popen(("bin/appsync %s 2>&1; echo status=$?"):format(words)))
    local text = pipe:read("*a")
    pipe:close()
    return text:gsub("status=%d+\n$", ""), tonumber(text:match("status=(%d+)\n$"))
  end

  for _, signal in ipairs({ "TERM", "INT" }) do
    it("prints READY, serves, and ends with status 0 on SIG" .. signal, function()
      local pipe = assert(io.popen(
        ("sh -c 'echo $$; exec bin/appsync serve %s --api-key da2-test'; echo status=$?"):format(schema_file)
      ))
      local pid = pipe:read("*l")
      local ready = pipe:read("*l")
      local port = ready:match(
        "^READY http://127%.0%.0%.1:(%d+)/graphql ws://127%.0%.0%.1:%d+/graphql/realtime api%-key=da2%-test$"
      )
      assert.is_string(port, ready)
      local client = ws_socket.tcp(tonumber(port), function() end)
      local response = client:request({
        headers = { ["x-api-key"] = "da2-test" },
        body = '{"query":"{ listTodos { items { id } } }"}',
      })
      assert.equal('{"data":{"listTodos":{"items":[]}}}', response.body)
      os.execute(("kill -%s %s"):format(signal, pid))
      assert.equal("status=0", pipe:read("*l"))
      pipe:close()
      client:close()
    end)
  end

  it("ends on a second signal when a resolver doesn't return", function()
    local resolvers = os.tmpname()
    local file = assert(io.open(resolvers, "w"))
    file:write('return { Query = { getTodo = function() io.stdout:write("busy\\n") io.stdout:flush() while true do end end } }')
    file:close()
    local pipe = assert(io.popen(("sh -c 'echo $$; exec bin/appsync serve %s --api-key k --resolvers %s'; echo status=$?"):format(
      schema_file, resolvers)))
    local pid = pipe:read("*l")
    local client = ws_socket.tcp(tonumber(pipe:read("*l"):match(":(%d+)/graphql")), function() end)
    client:send("POST /graphql HTTP/1.1\r\nHost: localhost\r\nx-api-key: k\r\nContent-Length: 35\r\n\r\n"
      .. '{"query":"{ getTodo(id: 1) {id} }"}')
    assert.equal("busy", pipe:read("*l"))
    local n = 0
    repeat
      n = n + 1
      local is_there = os.execute(("kill -TERM %s 2>/dev/null && sleep 0.05"):format(pid))
    until not (is_there == true or is_there == 0) or n > 100
    assert.is_true(n > 2 and n <= 100, n)
    assert.equal("status=143", pipe:read("*l"))
    pipe:close()
    client:close()
    os.remove(resolvers)
  end)

  it("makes an API key where no authorization was given", function()
    local pipe = assert(io.popen(("sh -c 'echo $$; exec bin/appsync mock %s'"):format(schema_file)))
    local pid = pipe:read("*l")
    assert.matches(" api%-key=da2%-%w+$", pipe:read("*l"))
    os.execute("kill " .. pid)
    pipe:close()
  end)

  it("prints the complete schema", function()
    local text, status = run("serve " .. schema_file .. " --print-schema")
    assert.equal(0, status)
    assert.matches("createTodo%(", text)
  end)

  it("prints a schema without listening, and without the store", function()
    local pipe = assert(io.popen(("sh -c 'echo $$; exec bin/appsync serve %s'"):format(schema_file)))
    local pid = pipe:read("*l")
    local port = pipe:read("*l"):match(":(%d+)/graphql")
    local text, status = run(("serve %s --print-schema --port %s --store /nowhere/x.db"):format(schema_file, port))
    os.execute("kill " .. pid)
    pipe:close()
    assert.matches("createTodo%(", text)
    assert.equal(0, status)
  end)

  it("prints a schema with rules without being told of modes, and is told of those that it lacks", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write("type A @model @auth(rules: [{allow: owner}, {allow: public}]) { id: ID! }")
    file:close()
    local printed, status = run("serve " .. path .. " --print-schema")
    local refused, refused_status = run("serve " .. path .. " --print-schema --api-key k")
    os.remove(path)
    assert.equal(0, status)
    assert.matches("type A @aws_api_key @aws_cognito_user_pools {", printed)
    assert.equal(1, refused_status)
    assert.matches(":1:29: @auth: 'allow: owner' with the provider 'userPools' needs Cognito user pools", refused)
    assert.matches("\nAMAZON_COGNITO_USER_POOLS is enabled by %-%-jwt%-key FILE, or userPools in %-%-auth FILE.json%.\n$", refused)
  end)

  it("names file, line and column of a mistake in the schema, with status 1", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write("type Query {\n  a: Nothing\n}")
    file:close()
    local text, status = run("serve " .. path)
    os.remove(path)
    assert.equal(1, status)
    assert.matches(path:gsub("%p", "%%%0") .. ":2:%d+: ", text)
  end)

  local usages = {
    { "", "Usage: appsync COMMAND", 2 },
    { "--help", "Usage: appsync COMMAND", 0 },
    { "serve --help", "Usage: appsync serve SCHEMA", 0 },
    { "srve x", 'there is no command "srve"%. Did you mean serve%?', 2 },
    { "codegen x", 'there is no command "codegen"%. Commands: serve', 2 },
    { "serve", "SCHEMA is missing", 2 },
    { "serve x --prot 1", "unknown option %-%-prot; did you mean %-%-port%?", 2 },
    { "serve x --faults /nonexistent.json", "/nonexistent%.json", 1 },
    { "serve x --conflict sometimes", '%-%-conflict expects one of automerge, optimistic, lambda, none, not "sometimes"', 2 },
    { "serve x --base-ttl -1", "%-%-base%-ttl expects an integer between 0 and 2147483647", 2 },
    { "serve x --delta-ttl soon", "%-%-delta%-ttl expects an integer between 0 and 2147483647", 2 },
    { "serve x --models /nonexistent.json", "/nonexistent%.json: No such file", 1 },
    { "serve x --iam nocolon", "%-%-iam expects ACCESS_KEY:SECRET", 2 },
    { "serve x --trace-field list", '%-%-trace%-field expects TYPE%.FIELD, as in Query%.listTodos, not "list"', 2 },
    { "serve x --log xml", '%-%-log expects one of text, json, none, not "xml"', 2 },
    { "serve x --watch", "unknown option %-%-watch; did you mean %-%-no%-watch%?", 2 },
    { "serve x --seed", "%-%-seed needs a value: FILE%.json", 2 },
    { "serve x --tls one", "%-%-tls expects two files", 2 },
    { "serve x --auth-default nope", 'there is no mode "nope"', 2 },
    { "serve /nonexistent.graphql", "/nonexistent%.graphql: No such file", 1 },
    { "serve x --seed /nonexistent.json", "x: No such file or directory\n/nonexistent%.json: No such file", 1 },
    { "serve x --transform /nonexistent.lua", "/nonexistent%.lua", 1 },
    { "serve spec/unit/cli", "spec/unit/cli: there is no %*%.graphql file in this folder", 1 },
    { "serve x --jwt-key /nonexistent.pem", "/nonexistent%.pem", 1 },
    { "serve x --resolvers /nonexistent.lua", "/nonexistent%.lua", 1 },
  }
  for _, usage in ipairs(usages) do
    it("answers `appsync " .. usage[1] .. "` with status " .. usage[3], function()
      local text, status = run(usage[1])
      assert.matches(usage[2], text)
      assert.equal(usage[3], status)
    end)
  end

  it("refuses a default mode that isn't enabled", function()
    local text, status = run("serve " .. schema_file .. " --api-key k --auth-default iam")
    assert.equal(1, status)
    assert.matches("the default authorization mode AWS_IAM isn't enabled", text)
  end)
end)
