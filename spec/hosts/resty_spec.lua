-- nginx with clients of ours in its handlers: a real nginx, a real server, nobody blocks the worker.
local core = require "appsync.core"
local faults = require "spec.support.faults"
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local wait_for = require "spec.support.wait"

local BOUND = 20

local SCHEMA = [[
type Note { id: ID! text: String }
type Query { echo(x: String): String slow: String }
type Mutation { note(id: ID, text: String): Note }
type Subscription { onNote: Note @aws_subscribe(mutations: ["note"]) }
]]
local RESOLVERS = [[
return {
  Query = { echo = function(ctx) return ctx.arguments.x end, slow = function() return "slow" end },
  Mutation = { note = function(ctx) return { id = ctx.arguments.id or "1", text = ctx.arguments.text } end },
}
]]

local HTTP = [[
  lua_check_client_abort on;
  init_by_lua_block {
    appsync = require "appsync"
    ECHO, SLOW = "query Echo($x: String) { echo(x: $x) }", "{ slow }"
    NOTE = "mutation Add($text: String) { note(text: $text) { id text } }"
    ON_NOTE = "subscription { onNote { id text } }"
    client = appsync.client{ endpoint = "$ENDPOINT", auth = { type = "API_KEY", api_key = "$KEY" } }
    function echo(x) return appsync.assert(client:query(ECHO, { x = x })).echo end
    in_init = { pcall(client.query, client, ECHO) }
  }
  init_worker_by_lua_block {
    $INIT_WORKER
    io.stdout:write "READY\n"
    io.stdout:flush()
  }
  server {
    listen unix:$FOLDER/http;
    location = /expected {
      content_by_lua_block {
        local n = 0
        for _ in pairs(require("appsync.dispatch").expected) do n = n + 1 end
        ngx.print(n)
      }
    }
    location = /worker { content_by_lua_block { ngx.print(ngx.worker.pid()) } }
    $LOCATIONS
  }
]]

-- By path: what its handlers do.
local CONTENT = {
  echo = [[ngx.print(echo(ngx.var.arg_x))]],
  slow = [[ngx.print(appsync.assert(client:query(SLOW)).slow)]],
  in_init = [[ngx.print(tostring(in_init[1]), " ", tostring(in_init[2]))]],
  tasks = [[
    ngx.ctx.name = "ctx"
    local tasks = {}
    for i = 1, 5 do
      tasks[i] = appsync.spawn(function()
        ngx.sleep(0.002 * (6 - i))
        local x = echo(ngx.ctx.name .. i)
        ngx.say(x)
        return i
      end)
    end
    ngx.say("first")
    local sum = 0
    for i = 1, 5 do sum = sum + tasks[i]:await() end
    ngx.say(sum)]],
  on_result = [[
    client:query(ECHO, { x = "later" }, { on_result = function(data) ngx.say(data.echo, " ", ngx.var.uri) end })
    ngx.say "first"]],
  pull = [[
    local s = client:subscribe(ON_NOTE):subscribe()
    appsync.assert(s:ready(5))
    for i = 1, 3 do appsync.assert(client:mutate(NOTE, { text = "n" .. i })) end
    for _ = 1, 3 do ngx.say(s:next(5).onNote.text) end
    ngx.say(tostring(select(2, s:next(0))))]],
  operators = [[
    local s = client:subscribe(ON_NOTE):map(function(d) return d.onNote.text end):filter(function(t) return t ~= "n2" end):subscribe()
    appsync.assert(s:ready(5))
    for i = 1, 3 do appsync.assert(client:mutate(NOTE, { text = "n" .. i })) end
    for _ = 1, 2 do ngx.say((s:next(5))) end]],
  raising_operator = [[
    local subject = appsync.subject()
    local s = subject:map(function() error("no such thing", 0) end):subscribe()
    subject:next(1)
    local value, err = s:next(5)
    ngx.print(tostring(value), " ", err.message)]],
  callbacks = [[
    local n = 0
    local s = client:subscribe(ON_NOTE):subscribe{ next = function(data)
      ngx.sleep(0.001)
      ngx.say(data.onNote.text, " ", ngx.var.uri)
      n = n + 1
    end }
    appsync.assert(s:ready(5))
    for i = 1, 3 do appsync.assert(client:mutate(NOTE, { text = "n" .. i })) end
    while n < 3 do ngx.sleep(0.001) end]],
  hang = [[
    local s = client:subscribe(ON_NOTE):subscribe()
    appsync.assert(s:ready(5))
    ngx.say "ready"
    ngx.flush(true)
    s:next()]],
  failing = [[
    local task = appsync.spawn(function() error("boom", 0) end)
    local _, err = task:await()
    ngx.print(err.raised)]],
  cancelled = [[
    local task = appsync.spawn(function() return client:query(SLOW) end)
    ngx.sleep(0.01)
    task:cancel()
    ngx.print(tostring(select(2, task:await())), " ", task:status())]],
  timeout = [[ngx.print(select(2, client:query(SLOW, nil, { timeout = 0.05 })).kind)]],
  inside_c = [[ngx.print(tostring(select(2, pcall(table.sort, { 1, 2, 3 }, function() client:query(ECHO) end))))]],
  timed = [[
    local subject = appsync.subject()
    local s = subject:debounce(0.01):subscribe()
    subject:next(1)
    subject:next(2)
    ngx.print((s:next(5)))]],
  of_the_host = [[
    for _, call in ipairs{ { "run", appsync.run, print }, { "update", appsync.update }, { "fd", appsync.fd } } do
      ngx.say(select(2, pcall(call[2], call[3])))
    end]],
  timer = [[
    local done = require("ngx.semaphore").new()
    local x
    ngx.timer.at(0, function() x = echo "timer" done:post(1) end)
    done:wait(5)
    ngx.print(x)]],
  first_and_last = [[
    local posted = require("ngx.semaphore").new()
    local behind_the_timers = ngx.thread.spawn(function()
      posted:wait(5)
      require("ffi").cdef "int kill(int, int);"
      require("ffi").C.kill(ngx.worker.pid(), 3) -- SIGQUIT
      return echo(ngx.var.arg_x)
    end)
    posted:post(1)
    ngx.print(select(2, ngx.thread.wait(behind_the_timers)))]],
  code_of_wrap = [[
    local each = appsync.wrap(function() for i = 1, 3 do coroutine.yield(echo("w" .. i)) end end)
    ngx.print(each(), each(), each())]],
}

local OTHER = [[
  location = /phases {
    rewrite_by_lua_block { ngx.ctx.rewrite = echo "rewrite" }
    access_by_lua_block { ngx.ctx.access = echo "access" }
    content_by_lua_block { ngx.print(ngx.ctx.rewrite, " ", ngx.ctx.access, " ", echo "content") }
  }
  location = /no_wait {
    set_by_lua_block $x { return select(2, pcall(client.query, client, ECHO)) }
    content_by_lua_block { ngx.header.x_set = ngx.var.x ngx.say(ngx.var.x) }
    header_filter_by_lua_block { ngx.ctx.header = select(2, pcall(client.query, client, ECHO)) }
    body_filter_by_lua_block { if ngx.arg[2] then ngx.arg[1] = (ngx.arg[1] or "") .. ngx.ctx.header end }
    log_by_lua_block { ngx.log(ngx.NOTICE, "in log: ", select(2, pcall(client.query, client, ECHO))) }
  }
  location = /later {
    content_by_lua_block { ngx.print "later" }
    log_by_lua_block { appsync.spawn(function() ngx.log(ngx.NOTICE, "spawned in log: ", echo "log") end) }
  }
  location = /fresh { lua_code_cache off; content_by_lua_block {
    local appsync = require "appsync"
    local client = appsync.client{ endpoint = "$ENDPOINT", auth = { type = "API_KEY", api_key = "$KEY" } }
    ngx.print(appsync.assert(client:query("{ echo(x: \"fresh\") }")).echo)
    client:close()
  } }
]]

local function locations()
  local list = { OTHER }
  for name, text in pairs(CONTENT) do
    list[#list + 1] = ("location = /%s { content_by_lua_block {\n%s\n} }"):format(name, text)
  end
  return table.concat(list, "\n")
end

describe("handlers of nginx", function()
  local faulty, running

  setup(function() faulty = faults.start{ schema = SCHEMA, resolvers = RESOLVERS } end)
  teardown(process.stop_all)

  local function start(init_worker)
    local server = require "spec.support.server"
    local values = { LOCATIONS = locations(), INIT_WORKER = init_worker or "" }
    local text = HTTP:gsub("%$(%u[%u_]*)", values)
    text = text:gsub("%$ENDPOINT", faulty.endpoint):gsub("%$KEY", server.API_KEY)
    running = nginx.start(text)
  end

  before_each(function() faulty.reset() end)

  -- Whatever a test did: no process ended by a signal or with an error.
  after_each(function()
    local log = running:stop()
    for line in log:gmatch "[^\n]+" do
      for _, words in ipairs{ "exited on signal", "[alert]", "[emerg]", "[crit]" } do
        if not line:find("lua_code_cache is off", 1, true) then assert.is_nil(line:find(words, 1, true), line) end
      end
    end
    for status in log:gmatch "worker process %d+ exited with code (%d+)" do assert.equal("0", status) end
  end)

  local function body_of(path)
    local status, body = running:get(path)
    assert.equal(200, status, path .. ": " .. tostring(body) .. running:log())
    return body
  end

  it("wait in every phase that can be suspended", function()
    start()
    assert.equal("hi", body_of "/echo?x=hi")
    assert.equal("rewrite access content", body_of "/phases")
    assert.equal("timer", body_of "/timer")
  end)

  it("are told at once where no call can wait", function()
    start()
    local said = body_of "/no_wait"
    assert.matches("client:query: a call that waits isn't possible in set_by_lua%*", said)
    assert.matches("header_filter_by_lua%*", said)
    wait_for(function() return running:log():find("in log: [^\n]*log_by_lua%*") end, BOUND)
    assert.matches("^false .*init_by_lua", body_of "/in_init")
    assert.matches("inside a C function", body_of "/inside_c")
    local of_the_host = body_of "/of_the_host"
    for _, name in ipairs{ "run", "update", "fd" } do assert.matches("appsync%." .. name .. ": not available under nginx", of_the_host) end
  end)

  it("run tasks beside each other, in the request", function()
    start()
    local said = body_of "/tasks"
    assert.equal("first", said:match "^[^\n]+")
    for i = 1, 5 do assert.matches("ctx" .. i .. "\n", said) end
    assert.matches("\n15\n$", said)
    assert.equal("first\nlater /on_result\n", body_of "/on_result")
    assert.equal("boom", body_of "/failing")
    assert.equal("w1w2w3", body_of "/code_of_wrap")
  end)

  it("spawn where a phase has no threads", function()
    start()
    assert.equal("later", body_of "/later")
    wait_for(function() return running:log():find("spawned in log: log", 1, true) end, BOUND)
  end)

  it("pull and are called back", function()
    start()
    assert.equal("n1\nn2\nn3\ntimeout: s:next took longer than its timeout\n", body_of "/pull")
    assert.equal("n1\nn3\n", body_of "/operators")
    assert.matches("^nil .*no such thing", body_of "/raising_operator")
    assert.equal("n1 /callbacks\nn2 /callbacks\nn3 /callbacks\n", body_of "/callbacks")
    assert.equal("2", body_of "/timed")
  end)

  it("don't wait for each other", function()
    start()
    faulty.add{ match = { on = "request", field = "slow" }, fault = { delay = 60000 } }
    assert.equal("timeout", body_of "/timeout")
    assert.matches("cancelled", body_of "/cancelled")
    local slow = running:open "/slow"
    for i = 1, 20 do assert.equal(tostring(i), body_of("/echo?x=" .. i)) end
    slow:close()
  end)

  it("leave nothing behind when the client goes away", function()
    start()
    body_of "/echo?x=1"
    local before = tonumber(body_of "/expected")
    faulty.add{ match = { on = "request", field = "slow" }, fault = { delay = 60000 } }
    local slow, hanging = running:open "/slow", running:open "/hang"
    wait_for(function() return tonumber(body_of "/expected") > before + 1 end, BOUND)
    hanging:receive_until "ready"
    slow:close()
    hanging:close()
    wait_for(function() return tonumber(body_of "/expected") <= before end, BOUND)
  end)

  it("a reload and the end take no time, whatever the worker has open", function()
    start [[
      ngx.timer.at(0, function()
        client:subscribe(ON_NOTE):subscribe{ next = function(data) ngx.log(ngx.NOTICE, "worker got ", data.onNote.text) end }
      end)
      appsync.spawn(function() ngx.log(ngx.NOTICE, "in worker: ", echo "worker") end)]]
    wait_for(function() return running:log():find("in worker: worker", 1, true) end, BOUND)
    wait_for(function()
      body_of "/pull"
      return running:log():find("worker got n1", 1, true)
    end, BOUND)
    local old = body_of "/worker"
    running:reload()
    wait_for(function() return body_of "/worker" ~= old end, BOUND)
    local began = core.now()
    wait_for(function() return running:log():find("worker process " .. old .. " exited with code 0", 1, true) end, BOUND)
    assert.is_true(core.now() - began < BOUND)
    assert.equal("hi", body_of "/echo?x=hi")
  end)

  it("are answered on a connection that was open before a reload, also when the worker has nothing else to do", function()
    start [[
      ngx.timer.at(0, function()
        client:subscribe(ON_NOTE):subscribe{
          next = function() end,
          complete = function()
            ngx.log(ngx.NOTICE, "the worker's subscription has ended")
            ngx.log(ngx.NOTICE, "its callback has ", select(2, pcall(echo, "an answer")))
            client:subscribe(ON_NOTE):subscribe{ error = function(err) ngx.log(ngx.NOTICE, "another one: ", err.kind) end }
          end,
        }
      end)]]
    local list, old = {}, nil
    for i = 1, 3 do
      list[i] = running:connect()
      old = body_of "/worker"
    end
    body_of "/echo?x=1"
    running:reload()
    wait_for(function() return running:log():find("the worker's subscription has ended", 1, true) end, BOUND)
    wait_for(function() return running:log():find("another one: closed", 1, true) end, BOUND)
    for i, path in ipairs{ "/worker", "/callbacks", "/echo?x=late" } do
      list[i]:ask(path)
      list[i]:receive_until(({ old, "n3", "late" })[i])
      assert.matches("^HTTP/1.1 200", list[i].text)
      list[i]:close()
    end
    assert.matches("its callback has an answer", running:log())
    wait_for(function() return running:log():find("worker process " .. old .. " exited with code 0", 1, true) end, BOUND)
  end)

  it("are answered in a worker that is told to exit before it could receive anything", function()
    start()
    assert.equal("hi", body_of "/first_and_last?x=hi")
    wait_for(function() return running:log():find("exited with code 0", 1, true) end, BOUND)
  end)

  it("work with the light build", function()
    local full = package.cpath
    local build, version = full:match "([^;]+)/lua(5%.%d)/%?%.so"
    package.cpath = ("%s/light/lua%s/?.so"):format(build, version)
    local ok, raised = pcall(start)
    package.cpath = full
    assert(ok, raised)
    assert.equal("hi", body_of "/echo?x=hi")
    assert.matches("\n15\n$", body_of "/tasks")
    local status = running:get "/pull"
    assert.equal(500, status)
    assert.matches("client:subscribe[^\n]*light build", running:log())
  end)

  it("work without a code cache", function()
    start()
    for _ = 1, 3 do assert.equal("fresh", body_of "/fresh") end
  end)
end)
