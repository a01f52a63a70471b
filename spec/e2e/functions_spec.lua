-- Fields with @function whose functions are processes: `appsync serve --function`, `--function-lines`.
local core = require("appsync.core")
local process = require("spec.support.process")
local server = require("spec.support.server")
local wait_for = require("spec.support.wait")
local ws_socket = require("spec.support.ws_socket")

local SCHEMA = [[
type Query {
  echo(text: String): Event @function(name: "echo-${env}")
  chain(n: Int!): Int @function(name: "plus") @function(name: "double")
  slow: String @function(name: "slow")
  gone: String @function(name: "gone")
  fast: String
  crash: String @function(name: "crash")
  shown: String @function(name: "shown")
  huge: String @function(name: "huge")
  missing: String @function(name: "missing")
  unbound: String @function(name: "unbound")
  pid: Int @function(name: "pid")
  chatty: String @function(name: "chatty")
  twice(n: Int!): Int @function(name: "twice")
}
type Event { typeName: String fieldName: String arguments: AWSJSON source: AWSJSON request: AWSJSON }
]]

local RESOLVERS = [[return { functions = { plus = function(event) return event.arguments.n + 1 end },
  Query = { fast = function() return "fast" end } }]]

-- Doubles what it is given; "pid" tells which process answers.
local LINES = [[
import json, os, sys
for line in sys.stdin:
    event = json.loads(line)
    if event["fieldName"] == "pid":
        print(os.getpid(), flush=True)
    else:
        print(json.dumps(event["prev"]["result"] * 2), flush=True)
]]

-- Says something before each answer; answers each event with two lines.
local CHATTY = 'while read -r line; do echo working; echo "\\"done\\""; done'
local TWICE = 'while read -r line; do n=${line#*\\"n\\":}; n=${n%%[,\\}]*}; printf "%s\\n%s\\n" $n $n; done'

describe("functions that are processes", function()
  local served, marker, other_marker

  local function command(...) return table.concat({ ... }, " ") end

  setup(function()
    marker, other_marker = process.temporary(".fifo"), process.temporary(".fifo")
    assert(os.execute("mkfifo " .. marker .. " " .. other_marker))
    local function reader(path) return "sh -c 'read -r line < " .. path .. "; echo \"\\\"$line\\\"\"'" end
    local lines = process.file(LINES, ".py")
    served = server.start({ schema = SCHEMA, resolvers = RESOLVERS, arguments = {
      "--function", "echo=cat",
      "--function-lines", command("double=" .. process.PYTHON, lines),
      "--function-lines", command("pid=" .. process.PYTHON, lines),
      "--function", "slow=" .. reader(marker), "--function", "gone=" .. reader(other_marker),
      "--function", "crash=sh -c 'exit 3'",
      "--function", [[shown=sh -c 'echo "{\"errorMessage\":\"said why\",\"errorType\":\"Error\"}"; exit 1']],
      "--function", "huge=yes",
      "--function-lines", "chatty=sh " .. process.file(CHATTY, ".sh"), "--function-lines", "twice=sh " .. process.file(TWICE, ".sh"),
      "--function", "missing=there-is-no-such-program",
      "--function-timeout", "20",
    } })
  end)

  teardown(function() process.stop_all() end)

  local function curl(query, background)
    local body = process.file(core.encode({ query = query }), ".json")
    local out = process.temporary(".out")
    local line = ("curl -s -H 'x-api-key: %s' %s -d @%s > %s"):format(server.API_KEY, served.endpoint, body, out)
    assert(os.execute(line .. (background and " &" or "")))
    return function() return core.decode(process.read(out)) end
  end

  local function ask(query) return assert(curl(query)()) end

  local function error_of(query) return ask(query).errors[1] end

  it("are given the event and answer with JSON", function()
    local echo = ask('{ echo(text: "hi \\"$(x)") { typeName fieldName arguments source request } }').data.echo
    assert.equal("Query", echo.typeName)
    assert.equal("echo", echo.fieldName)
    assert.same({ text = 'hi "$(x)' }, core.decode(echo.arguments))
    assert.equal(server.API_KEY, core.decode(echo.request).headers["x-api-key"])
  end)

  it("stand in a chain with Lua functions", function()
    assert.same({ a = 4, b = 22 }, ask("{ a: chain(n: 1) b: chain(n: 10) }").data)
  end)

  it("don't keep others waiting", function()
    local slow = curl("{ slow }", true)
    for _ = 1, 3 do assert.same({ data = { fast = "fast" } }, ask("{ fast }")) end
    assert.equal("Query", ask("{ echo { typeName } }").data.echo.typeName)
    assert.is_nil(slow())
    process.write(marker, "at last\n")
    assert.same({ data = { slow = "at last" } }, wait_for(slow, "the slow answer"))
  end)

  it("fail with what the service says of it", function()
    local rows = {
      { "crash", "^RequestId: %S+ Error: Runtime exited with error: exit status 3$" }, { "shown", "^said why$" },
      { "huge", "^Response payload size exceeded" },
      { "missing", "^can't run 'there%-is%-no%-such%-program': No such file or directory$" },
    }
    for _, row in ipairs(rows) do
      local err = error_of("{ " .. row[1] .. " }")
      assert.equal("Lambda:Unhandled", err.errorType)
      assert.matches(row[2], err.message)
      assert.same({ row[1] }, err.path)
    end
    assert.equal("Lambda:ResourceNotFoundException", error_of("{ unbound }").errorType)
    assert.matches("note: @function: nothing is bound to 'unbound'", served.log(), 1, true)
  end)

  it("go on running, and start again when they have died", function()
    local first = ask("{ pid }").data.pid
    assert.equal(first, ask("{ pid }").data.pid)
    os.execute("kill -KILL " .. first)
    local second
    wait_for(function()
      local found = ask("{ pid }").data
      second = type(found) == "table" and found.pid ~= core.null and found.pid
      return second and second ~= first
    end, "another process")
    assert.equal(second, ask("{ pid }").data.pid)
  end)

  it("never answer one event with what they wrote for another", function()
    for _ = 1, 3 do assert.matches("the function's answer is not JSON", error_of("{ chatty }").message) end
    local query, expected = {}, {}
    for i = 1, 30 do
      query[i], expected["f" .. i] = ("f%d: twice(n: %d)"):format(i, i), i
    end
    assert.same(expected, ask("{ " .. table.concat(query, " ") .. " }").data)
    assert.matches("a function wrote a line while no event was pending, and is started again: sh", served.log(), 1, true)
  end)

  it("answer queries over graphql-transport-ws in the order that they are done", function()
    local socket = ws_socket.tcp(tonumber(served.endpoint:match(":(%d+)/")), function() end)
    assert.equal(101, socket:handshake("/graphql", { ["Sec-WebSocket-Protocol"] = "graphql-transport-ws" }).status)
    local function send(message) socket:send_text(core.encode(message)) end
    local function receive() return core.decode(socket:frame().payload) end
    send({ type = "connection_init", payload = { headers = { ["x-api-key"] = server.API_KEY } } })
    assert.equal("connection_ack", receive().type)
    local function subscribe(id, query)
      socket:send_text(core.encode({ type = "subscribe", id = id, payload = { query = query } }))
    end
    subscribe("gone", "{ gone }")
    send({ type = "complete", id = "gone" })
    subscribe("slow", "{ slow }")
    subscribe("fast", "{ fast }")
    local function received()
      local message = receive()
      return message.type .. " " .. message.id .. " " .. tostring(message.payload and core.encode(message.payload) or "")
    end
    assert.equal('next fast {"data":{"fast":"fast"}}', received())
    assert.equal("complete fast ", received())
    process.write(other_marker, "nobody waits for it\n")
    process.write(marker, "line\n")
    assert.equal('next slow {"data":{"slow":"line"}}', received())
    assert.equal("complete slow ", received())
    socket:close()
  end)

  it("are killed when they take too long, and when the server ends", function()
    local pid_file = process.temporary(".pid")
    local schema = 'type Query { late: Int @function(name: "late") long: Int @function(name: "long") }'
    local function start(timeout)
      return server.start({ schema = schema, arguments = {
        "--function", ("late=sh -c 'echo $$ > %s; exec sleep 1000'"):format(pid_file),
        "--function-lines", ("long=sh -c 'echo $$ > %s; exec sleep 1000'"):format(pid_file), "--function-timeout", timeout,
      } })
    end
    local function is_alive() return (process.read(pid_file):match("%d+") and os.execute("kill -0 " .. process.read(pid_file):match("%d+") .. " 2>/dev/null")) end
    local function alive()
      local result = is_alive()
      return result == true or result == 0
    end
    local main = served
    served = start("0.2")
    for _, field in ipairs({ "late", "long" }) do
      local err = error_of("{ " .. field .. " }")
      assert.equal("Lambda:Unhandled", err.errorType)
      assert.matches("Task timed out after 0.20 seconds$", err.message)
      wait_for(function() return not alive() end, "the end of the process")
    end
    served.stop()
    served = start("600")
    for _, field in ipairs({ "late", "long" }) do
      process.write(pid_file, "")
      curl("{ " .. field .. " }", true)
      wait_for(alive, "the process")
    end
    served.stop()
    assert.is_false(alive())
    served = main
  end)

  it("are refused with a command that is none", function()
    for _, row in ipairs({
      { "--function", "echo", '--function expects NAME=COMMAND, not "echo"' }, { "--function", "a='b", "--function a: the quote ' is not closed" },
      { "--function-lines", "=x", '--function-lines expects NAME=COMMAND, not "=x"' },
    }) do
      local pipe = io.popen(("timeout 20 bin/appsync serve x.graphql %s \"%s\" 2>&1; echo $?"):format(row[1], row[2]))
      local text = pipe:read("*a")
      pipe:close()
      assert.equal("appsync serve: " .. row[3] .. "\n2\n", text)
    end
    local pipe = io.popen("timeout 20 bin/appsync serve x.graphql --function a=b --function-lines a=c 2>&1; echo $?")
    assert.equal("appsync serve: --function-lines: 'a' is bound twice\n2\n", pipe:read("*a"))
    pipe:close()
  end)
end)
