-- What drives the library under nginx wakes when it has to, and tells the core of it no more often than that takes.
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = "type Query { echo(x: String): String }"
local RESOLVERS = "return { Query = { echo = function(ctx) return ctx.arguments.x end } }"

local HTTP = [[
  init_by_lua_block {
    appsync, core = require "appsync", require "appsync.core"
    client = appsync.client{ endpoint = "$ENDPOINT", auth = { type = "API_KEY", api_key = "$KEY" } }
    ECHO = "query Echo($x: String) { echo(x: $x) }"
  }
  init_worker_by_lua_block {
    io.stdout:write "READY\n"
    io.stdout:flush()
  }
  server {
    listen unix:$FOLDER/http;
    location = /ask { content_by_lua_block {
      assert(client:query(ECHO, { x = "first" }))
      local methods = debug.getmetatable(core.runtime()).__index
      local arm, n_arms, began = methods.arm, 0, core.now()
      function methods.arm(...)
        n_arms = n_arms + 1
        return arm(...)
      end
      for i = 1, 200 do assert(client:query(ECHO, { x = tostring(i) })) end
      methods.arm = arm
      ngx.print(n_arms, " ", core.now() - began)
    } }
    location = /timers { content_by_lua_block {
      assert(client:query(ECHO, { x = "first" }))
      local seconds, sema, timer = {}, require("ngx.semaphore").new(), require "appsync.timer"
      local methods = debug.getmetatable(core.runtime()).__index
      local arm = methods.arm
      -- The core counts whole milliseconds: one early is none that is lost.
      function methods.arm(runtime, after) return arm(runtime, math.max(0, after - 0.001)) end
      for i = 1, 60 do
        local began = core.now()
        timer.after(0.005 + i % 10 / 10000, function() sema:post(1) end)
        assert(sema:wait(10))
        seconds[i] = core.now() - began
      end
      table.sort(seconds)
      methods.arm = arm
      ngx.print(seconds[30])
    } }
  }
]]

describe("nginx's pump", function()
  local served, running

  setup(function() served = server.start{ schema = SCHEMA, resolvers = RESOLVERS } end)
  before_each(function()
    running = nginx.start((HTTP:gsub("%$(%u+)", { ENDPOINT = served.endpoint, KEY = server.API_KEY })))
  end)
  after_each(function() running:stop() end)
  teardown(process.stop_all)

  local function get(path)
    local status, body = running:ask(path)
    assert.equal(200, status, running:log())
    return body
  end

  it("tells the core when it wants to be woken now and then, not after each answer", function()
    local n, seconds = get("/ask"):match "^(%d+) (%S+)$"
    assert.is_true(tonumber(n) <= 5 + 5 * tonumber(seconds), n .. " times in " .. seconds .. " seconds")
  end)

  it("is woken for timers, half a second before it would look anyway", function()
    local middle = tonumber((get "/timers"))
    assert.is_true(middle < 0.25, tostring(middle))
  end)
end)
