-- nginx under load: N requests of all kinds, of which some go away before they are answered, and N of two users who see nothing of
-- each other. N and SEED come from the environment.
local visitors = require "spec.support.visitors"
local faults = require "spec.support.faults"
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local N = tonumber(os.getenv "N") or 300
local SEED = tonumber(os.getenv "SEED") or 1
local BOUND = 20

local SCHEMA = [[
type Note { id: ID! text: String }
type Query { echo(x: String): String me: String mine(x: String): String }
type Mutation { note(id: ID, text: String): Note }
type Subscription { onNote: Note @aws_subscribe(mutations: ["note"]) }
]]
local RESOLVERS = [[
local function user(ctx) return ctx.request.headers["x-user"] end
return {
  Query = {
    echo = function(ctx) return ctx.arguments.x end,
    me = user,
    mine = function(ctx) return user(ctx) .. " " .. ctx.arguments.x end,
  },
  Mutation = { note = function(ctx) return { id = ctx.arguments.id or "1", text = ctx.arguments.text } end },
}
]]

local HTTP = [[
  lua_check_client_abort on;
  lua_http10_buffering off;
  init_by_lua_block {
    appsync = require "appsync"
    local auth = { type = "API_KEY", api_key = "$KEY" }
    client = appsync.client{ endpoint = "$ENDPOINT", auth = auth }
    caching = appsync.client{ endpoint = "$ENDPOINT", auth = auth, store = ":memory:" }
    ECHO = "query Echo($x: String) { echo(x: $x) }"
    NOTE = "mutation Add($text: String) { note(text: $text) { id text } }"
    ON_NOTE = "subscription { onNote { id text } }"
    MINE = "query Mine($x: String) { me mine(x: $x) }"
    function echo(x) return appsync.assert(client:query(ECHO, { x = x })).echo end
    function add(text) appsync.assert(client:mutate(NOTE, { text = text })) end
    function of_user(name) return caching:with{ headers = { ["x-user"] = name }, identity = name } end
  }
  init_worker_by_lua_block {
    io.stdout:write "READY\n"
    io.stdout:flush()
  }
  server {
    listen unix:$FOLDER/http;
    location = /expected { content_by_lua_block {
      local n = 0
      for _ in pairs(require("appsync.dispatch").expected) do n = n + 1 end
      ngx.print(n)
    } }
    location = /worker { content_by_lua_block { ngx.print(ngx.worker.pid()) } }
    location = /kib { content_by_lua_block {
      collectgarbage()
      collectgarbage()
      ngx.print(math.floor(collectgarbage "count"))
    } }
    $LOCATIONS
  }
]]

-- By path: what its handler does, and what it answers to x.
local PATHS = {
  { "echo", [[ngx.print(echo(ngx.var.arg_x))]], function(x) return x end },
  { "tasks", [[
    ngx.ctx.x = ngx.var.arg_x
    local tasks, list = {}, {}
    for i = 1, 3 do
      tasks[i] = appsync.spawn(function()
        ngx.sleep(0.001 * math.random(3))
        return echo(ngx.ctx.x .. i)
      end)
    end
    for i = 1, 3 do list[i] = tasks[i]:await() end
    ngx.print(table.concat(list, " "))]], function(x) return ("%s1 %s2 %s3"):format(x, x, x) end },
  { "on_result", [[client:query(ECHO, { x = ngx.var.arg_x }, { on_result = function(data) ngx.print(data.echo) end })]],
    function(x) return x end },
  { "pull", [[
    local s = client:subscribe(ON_NOTE):subscribe()
    appsync.assert(s:ready(15))
    local x = ngx.var.arg_x
    add(x)
    repeat local note = appsync.assert(s:next(15)).onNote until note.text == x
    ngx.print(x)]], function(x) return x end },
  { "callbacks", [[
    local x, is_there = ngx.var.arg_x, false
    local s = client:subscribe(ON_NOTE):filter(function(data) return data.onNote.text == x end):subscribe{ next = function(data)
      ngx.sleep(0.001)
      ngx.print(data.onNote.text)
      is_there = true
    end }
    appsync.assert(s:ready(15))
    add(x)
    while not is_there do ngx.sleep(0.001) end]], function(x) return x end },
  { "failing", [[
    local x = ngx.var.arg_x
    local _, err = appsync.spawn(function() error(x, 0) end):await()
    ngx.print(err.raised)]], function(x) return x end },
  { "hang", [[
    ngx.say "hangs"
    ngx.flush(true)
    local s = client:subscribe(ON_NOTE):filter(function() return false end):subscribe()
    s:next()]] },
}

local USER = [[
  location = /user { content_by_lua_block {
    local data = appsync.assert(of_user(ngx.var.arg_name):query(MINE, { x = ngx.var.arg_x }))
    ngx.print(data.me, "|", data.mine)
  } }
]]

local function locations()
  local list = { USER }
  for _, path in ipairs(PATHS) do
    list[#list + 1] = ("location = /%s { content_by_lua_block {\n%s\n} }"):format(path[1], path[2])
  end
  return table.concat(list, "\n")
end

describe("nginx under load", function()
  local faulty, running

  setup(function() faulty = faults.start{ schema = SCHEMA, resolvers = RESOLVERS } end)
  teardown(process.stop_all)

  before_each(function()
    math.randomseed(SEED)
    local values = { LOCATIONS = locations(), ENDPOINT = faulty.endpoint, KEY = server.API_KEY }
    running = nginx.start((HTTP:gsub("%$(%u+)", function(name) return values[name] end)))
  end)

  after_each(function()
    local log = running:stop()
    for _, words in ipairs{ "exited on signal", "[alert]", "[emerg]", "[crit]", "[error]" } do
      local at = log:find(words, 1, true)
      assert.is_nil(at, at and log:sub(at, at + 500))
    end
  end)

  local function number_of(path)
    local _, body = running:get(path)
    return tonumber(body)
  end

  it("requests of all kinds have their answers, and those that go away leave nothing", function()
    running:get "/pull?x=0"
    local worker, before = number_of "/worker", number_of "/expected"
    local function play(n)
      local left = n
      return visitors.play(running.path .. "/http", 16, function()
        if left == 0 then return nil end
        left = left - 1
        local path, x = PATHS[math.random(#PATHS)], "x" .. left
        local expected = path[3] and path[3](x)
        return {
          target = ("/%s?x=%s"):format(path[1], x), is_aborted = not expected or math.random(5) == 1, waits = not expected,
          check = function(status, body)
            assert.equal(200, status, path[1])
            assert.equal(expected, body, path[1] .. running:log())
          end,
        }
      end)
    end
    local n_answered, n_aborted = play(N)
    assert.equal(N, n_answered + n_aborted)
    assert.is_true(n_aborted > N / 10)
    wait_for(function() return number_of "/expected" <= before end, BOUND)
    local kib = number_of "/kib"
    play(N)
    wait_for(function() return number_of "/expected" <= before end, BOUND)
    assert.is_true(number_of "/kib" < kib + 512, ("%d KiB after %d requests, %d after as many more"):format(kib, N, number_of "/kib"))
    assert.equal(worker, number_of "/worker")
  end)

  it("a reload beside requests loses none of them", function()
    local left, every = N, math.max(100, math.floor(N / 150))
    visitors.play(running.path .. "/http", 8, function()
      if left == 0 then return nil end
      left = left - 1
      if left % every == 0 and left > 0 then running:reload() end -- none is under way when nginx is ended
      local path, x = PATHS[math.random(#PATHS - 1)], "x" .. left
      return {
        target = ("/%s?x=%s"):format(path[1], x),
        check = function(status, body)
          assert.equal(200, status, path[1])
          assert.equal(path[3](x), body, path[1] .. running:log())
        end,
      }
    end)
    wait_for(function()
      local _, n_started = running:log():gsub("start worker process %d", "")
      local _, n_exited = running:log():gsub("worker process %d+ exited with code 0", "")
      return n_started > 1 and n_exited == n_started - 1
    end, BOUND)
    assert.is_nil(running:log():find("exited with code [^0]"))
  end)

  it("two users see nothing of each other, and what each has seen is in the cache", function()
    faulty.reset()
    local left = N
    visitors.play(running.path .. "/http", 16, function()
      if left == 0 then return nil end
      left = left - 1
      local name, x = math.random(2) == 1 and "ann" or "bob", tostring(math.random(20))
      return {
        target = ("/user?name=%s&x=%s"):format(name, x),
        check = function(status, body)
          assert.equal(200, status)
          assert.equal(("%s|%s %s"):format(name, name, x), body)
        end,
      }
    end)
    local n_asked = #faulty.log "?on=request"
    assert.is_true(n_asked >= 2 and n_asked <= 2 * 20 * 16, n_asked .. " requests to the server")
  end)
end)
