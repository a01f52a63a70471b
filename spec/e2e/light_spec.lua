-- make build LIGHT=1: a core without SQLite and libwebsockets.
local process = require "spec.support.process"
local program = require "spec.support.program"
local server = require "spec.support.server"

local LUA = os.getenv "APPSYNC_LUA"
local BUILD, VERSION = package.cpath:match "([^;]+)/lua(5%.%d)/%?%.so"
local FOLDER = BUILD .. "/light/lua" .. VERSION
local CORE = FOLDER .. "/appsync/core.so"

-- Of the full build there is the server, in a process of its own.
local function run(text) return program(text, ("env LUA_CPATH='%s/?.so'"):format(FOLDER)) end

describe("the light build", function()
  local service

  setup(function()
    local schema = "type Todo @model @auth(rules: [{ allow: public }, { allow: public, provider: iam }]) { id: ID! name: String! }"
    service = server.start { schema = schema }
  end)

  teardown(process.stop_all)

  local function client(options)
    return ([[
      local appsync = require "appsync"
      local function new(options)
        options.endpoint, options.region = "%s", "us-east-1"
        options.auth = options.auth or { type = "API_KEY", api_key = "%s" }
        return appsync.client(options)
      end
      local client = new { %s }
    ]]):format(service.endpoint, server.API_KEY, options or "")
  end

  it("links neither SQLite nor libwebsockets, and lacks nothing", function()
    local needed = process.output_of(("readelf -d '%s' | grep NEEDED"):format(CORE))
    assert.truthy(needed:find("libcurl", 1, true), needed)
    assert.falsy(needed:find("sqlite", 1, true), needed)
    assert.falsy(needed:find("websockets", 1, true), needed)
    assert.equal("", process.output_of(("nm -D --undefined-only '%s' | grep -E ' (aps|apl|Apl|sqlite3|lws)_'"):format(CORE)))
    assert.equal("", process.output_of((".ci/lint/symbols.sh '%s'"):format(CORE)))
  end)

  it("sends queries and mutations, signed ones too", function()
    local output, status = run(client() .. ([[
      local made = appsync.assert(client:mutate 'mutation { createTodo(input: {name: "a"}) { id name } }').createTodo
      local signing = new { auth = { type = "AWS_IAM", credentials = { access_key_id = "%s", secret_access_key = "%s" } } }
      local items = appsync.assert(signing:query "{ listTodos { items { id name } } }").listTodos.items
      print(made.name, #items, items[1].id == made.id)
      appsync.run(function()
        local one, two = appsync.spawn(client.query, client, "{ listTodos { items { id } } }"), nil
        two = client:query("{ listTodos { items { name } } }", nil, { fetch_policy = "cache-first" })
        print(#one:await().listTodos.items, two.listTodos.items[1].name)
      end)
      client:set_online(false)
      client:set_online(true)
      appsync.resumed()
      print(client:query("{ listTodos { items { id } } }", nil, { timeout = 10 }) ~= nil, client:stats().errors)
      print(client:close(1))
      print(select(2, client:query "{ listTodos { items { id } } }").kind)
    ]]):format(server.ACCESS_KEY_ID, server.SECRET_ACCESS_KEY))
    assert.equal("a\t1\ttrue\n1\ta\ntrue\t0\ntrue\nclosed\n", output)
    assert.equal(0, status)
  end)

  it("refuses what it lacks, and names the full build", function()
    local refused = {
      { "client:subscribe", 'client:subscribe "subscription { onCreateTodo { id } }"' },
      { "client:watch", 'client:watch "{ listTodos { items { id } } }"' },
      { "client:sync", 'client:sync { base_query = "{ listTodos { items { id } } }" }' },
      { "client:read_query", 'client:read_query "{ listTodos { items { id } } }"' },
      { "client.outbox:list", "client.outbox:list()" },
      { "client:mutate: queue = true", 'client:mutate("mutation { deleteTodo(input: {id: 1}) { id } }", nil, { queue = true })' },
      { "appsync.client: store", 'new { store = ":memory:" }' },
      { "appsync.client: outbox", "new { outbox = {} }" },
    }
    local text, expected = { client() }, {}
    for i, case in ipairs(refused) do
      text[#text + 1] = ("print(select(2, pcall(function() %s end)))"):format(case[2])
      expected[i] = case[1] .. ": not in the light build of appsync, which has no store, no cache and no subscriptions; the full "
        .. "build has them (make build without LIGHT=1)\n"
    end
    local output, status = run(table.concat(text, "\n"))
    assert.equal(table.concat(expected), (output:gsub("[^\n]-%.lua:%d+: ", "")))
    assert.equal(#refused, select(2, output:gsub("[^\n]-%.lua:%d+: ", ""))) -- each at the line of its caller
    assert.equal(0, status)
  end)

  it("is installed without the server", function()
    local root = process.temporary()
    local make = "env -u MAKEFLAGS -u MFLAGS make -s %s LIGHT=1 LUA=%s BUILD='%s' PREFIX=/usr DESTDIR='%s' 2>&1"
    assert.equal("", process.output_of(make:format("install", LUA, BUILD, root)))
    local files = process.output_of(("cd '%s' && find . -type f"):format(root))
    assert.truthy(files:find("./usr/share/lua/" .. VERSION .. "/appsync/init.lua", 1, true), files)
    assert.truthy(files:find("./usr/lib/lua/" .. VERSION .. "/appsync/core.so", 1, true), files)
    assert.falsy(files:find "/server/" or files:find "/cli/" or files:find "/bin/", files)
    local there = root .. "/usr/share/lua/" .. VERSION
    local paths = ("LUA_PATH='%s/?.lua;%s/?/init.lua' LUA_CPATH='%s/usr/lib/lua/%s/?.so'"):format(there, there, root, VERSION)
    assert.equal("true\n", program('print(require("appsync.core").is_light and require("appsync").sign ~= nil)', "env " .. paths))
    assert.equal("", process.output_of(make:format("uninstall", LUA, BUILD, root)))
    assert.equal("", process.output_of(("cd '%s' && find . -type f"):format(root)))
    os.execute(("rm -r '%s'"):format(root))
  end)
end)
