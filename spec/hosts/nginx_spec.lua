-- nginx: every call in every phase. It works there, or throws one clear line, and the worker lives.
local certificates = require "spec.support.certificates"
local core = require "appsync.core"
local nginx = require "spec.support.nginx"
local probe = require "spec.hosts.nginx.probe"
local process = require "spec.support.process"

local N = tonumber(os.getenv "N") or 120
local SEED = tonumber(os.getenv "SEED") or os.time()
local BOUND = 20

-- Handlers that an application could have written. Nobody listens where their clients ask.
local HANDLERS = {
  spawn = [[require("appsync").spawn(function() ngx.say "x" end)]],
  sleep = [[require("appsync").sleep(0.001)]],
  sleep_in_a_thread = [[
    local thread = ngx.thread.spawn(function() require("appsync").sleep(0.001) end)
    local ok, raised = ngx.thread.wait(thread)
    if not ok then error(raised) end]],
  sleep_in_a_coroutine = [[
    local co = coroutine.create(function() require("appsync").sleep(0.001) end)
    local ok, raised = coroutine.resume(co)
    if not ok then error(raised) end]],
  on_result = [[
    local appsync = require "appsync"
    local client = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" }, retry = { attempts = 1 } }
    client:query("{ a }", nil, { on_result = function(_, err) ngx.say(err.kind) client:close() end })]],
  query = [[
    local appsync = require "appsync"
    local client = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" }, retry = { attempts = 1 } }
    ngx.say(select(2, client:query("{ a }")).kind)
    client:close()]],
  callbacks = [[
    local appsync = require "appsync"
    local client = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" } }
    client:subscribe("subscription { a }"):subscribe{ next = ngx.say, state = ngx.say, error = ngx.say }
    client:close()]],
  pull = [[ngx.say(tostring(select(2, require("appsync").subject():subscribe():next(0.001))))]],
  timer = [[require("appsync").subject():debounce(0.1):subscribe(ngx.say)]],
  wrap = [[
    local appsync = require "appsync"
    local next_one = appsync.wrap(function() for i = 1, 2 do appsync.sleep(0.001) coroutine.yield(i) end end)
    ngx.say(next_one() + next_one())]],
}

-- What a handler has no business with.
local REFUSED = {
  run = [[require("appsync").run(function() ngx.say "x" end)]],
  update = [[require("appsync").update()]],
  fd = [[require("appsync").fd()]],
}

-- Where nobody catches what is thrown: nginx ends the request, as it sees fit for the phase.
local UNGUARDED = {
  set = "set_by_lua_block $x { %s }", rewrite = "rewrite_by_lua_block { %s }", access = "access_by_lua_block { %s }",
  header_filter = "header_filter_by_lua_block { %s }", body_filter = "body_filter_by_lua_block { %s }",
  log = "log_by_lua_block { %s }",
}

local SUSPENDING = { rewrite = true, access = true }

local function locations()
  local list = {}
  for phase, directive in pairs(UNGUARDED) do
    list[#list + 1] = ("location = /unguarded/%s { %s\ncontent_by_lua_block { ngx.say(1) } }"):format(phase,
      directive:format [[require("appsync").sleep(0)]])
  end
  for _, handlers in ipairs{ HANDLERS, REFUSED } do
    for name, text in pairs(handlers) do
      list[#list + 1] = ("location = /%s { content_by_lua_block {\n%s\n} }"):format(name, text)
      list[#list + 1] = ("location = /fresh/%s { lua_code_cache off; content_by_lua_block {\n%s\n} }"):format(name, text)
    end
  end
  return table.concat(list, "\n")
end

local HTTP = [[
  init_by_lua_block { require("spec.hosts.nginx.probe").run "init" }
  init_worker_by_lua_block {
    local probe = require "spec.hosts.nginx.probe"
    probe.run "init_worker"
    assert(ngx.timer.at(0, function() probe.run "timer_of_the_worker" end))
    io.stdout:write "READY\n"
    io.stdout:flush()
  }
  exit_worker_by_lua_block { require("spec.hosts.nginx.probe").run "exit_worker" }
  upstream balanced {
    server 0.0.0.1;
    balancer_by_lua_block {
      require("spec.hosts.nginx.probe").run "balancer"
      assert(require("ngx.balancer").set_current_peer "unix:$FOLDER/http")
    }
  }
  ssl_certificate %s;
  ssl_certificate_key %s;
  server {
    listen unix:$FOLDER/http;
    listen unix:$FOLDER/https ssl;
    ssl_client_hello_by_lua_block { require("spec.hosts.nginx.probe").run "ssl_client_hello" }
    ssl_certificate_by_lua_block { require("spec.hosts.nginx.probe").run "ssl_certificate" }
    location = /phases {
      set_by_lua_block $done { require("spec.hosts.nginx.probe").run "set" return "set" }
      rewrite_by_lua_block { require("spec.hosts.nginx.probe").run "rewrite" }
      access_by_lua_block { require("spec.hosts.nginx.probe").run "access" }
      content_by_lua_block { require("spec.hosts.nginx.probe").run "content" ngx.say(ngx.var.done) }
      header_filter_by_lua_block { require("spec.hosts.nginx.probe").run "header_filter" }
      body_filter_by_lua_block { require("spec.hosts.nginx.probe").run "body_filter" }
      log_by_lua_block { require("spec.hosts.nginx.probe").run "log" }
    }
    location = /balanced { proxy_pass http://balanced/values; }
    location = /later {
      content_by_lua_block {
        assert(ngx.timer.at(0, function() require("spec.hosts.nginx.probe").run "timer" end))
        ngx.say "set"
      }
    }
    location = /capture {
      content_by_lua_block { ngx.print(ngx.location.capture("/sleep").status, " ", ngx.location.capture("/values").body) }
    }
    location = /values { content_by_lua_block { ngx.print(require("spec.hosts.nginx.probe").values()) } }
    location = /report { content_by_lua_block { ngx.print(require("spec.hosts.nginx.probe").report()) } }
    location = /worker { content_by_lua_block { ngx.print(ngx.worker.pid()) } }
    %s
  }
]]

describe("under nginx", function()
  local certificate, running, worker

  setup(function() certificate = certificates.make().server end)
  teardown(function() process.stop_all() end)

  before_each(function()
    running = nginx.start(HTTP:format(certificate.cert, certificate.key, locations()))
    worker = select(2, running:get "/worker")
  end)

  -- Whatever a test did: no process ended by a signal or with an error, up to its end.
  after_each(function()
    local log = running:stop()
    for line in log:gmatch "[^\n]+" do
      if not line:find("lua_code_cache is off", 1, true) then
        for _, words in ipairs{ "exited on signal", "[alert]", "[emerg]", "[crit]" } do
          assert.is_nil(line:find(words, 1, true), line)
        end
      end
    end
    local n_workers = 0
    for status in log:gmatch "worker process %d+ exited with code (%d+)" do
      n_workers = n_workers + 1
      assert.equal("0", status)
    end
    assert.is_true(n_workers >= 1, log)
  end)

  local function report() return core.decode((select(2, running:get "/report"))) end

  -- Asks until a phase has run, which is what lets nginx run its timers.
  local function report_after(phase)
    local give_up = core.now() + BOUND
    repeat
      local told = report()
      if told.runs[phase] then return told end
    until core.now() > give_up
    error("nginx did not run " .. phase)
  end

  it("everything works or throws one clear line, in every phase", function()
    assert.same({ 200, "set\n" }, { running:get "/phases" })
    assert.same({ 200, probe.EXPECTED }, { running:get "/balanced" })
    assert.same({ 200, "set\n" }, { running:get("/phases", "https") })
    assert.equal(200, (running:get "/later"))
    report_after "timer"
    local told = report_after "timer_of_the_worker"
    assert.same({}, told.faults)
    for _, phase in ipairs{ "init", "init_worker", "set", "rewrite", "access", "content", "header_filter", "body_filter", "log",
      "balancer", "ssl_client_hello", "ssl_certificate" } do
      assert.is_true((told.runs[phase] or 0) >= 1, phase)
    end
  end)

  it("a handler that waits, spawns or is called back does so", function()
    for name in pairs(HANDLERS) do
      for _, path in ipairs{ "/" .. name, "/fresh/" .. name } do
        local status, body = running:get(path)
        assert.equal(200, status, path .. ": " .. tostring(body) .. running:log())
      end
    end
    assert.equal(worker, (select(2, running:get "/worker")))
  end)

  it("a handler that would drive the library fails with one clear line in the log", function()
    for name in pairs(REFUSED) do
      for _, path in ipairs{ "/" .. name, "/fresh/" .. name } do
        local before = #running:log()
        assert.equal(500, (running:get(path)), path)
        local said = running:log():sub(before + 1)
        assert.matches("nginx.conf:%d+%):%d+: %S+: not available under nginx, whose event loop drives the library: [^\n]*\n", said)
      end
    end
    assert.equal(worker, (select(2, running:get "/worker")))
  end)

  it("what nobody catches ends the request, not the worker", function()
    for phase in pairs(UNGUARDED) do
      local before = #running:log()
      running:get("/unguarded/" .. phase)
      assert.equal(worker, (select(2, running:get "/worker")))
      if not SUSPENDING[phase] then
        assert.matches("appsync.sleep: a call that waits isn't possible in " .. phase, running:log():sub(before + 1))
      end
    end
  end)

  it("requests of all kinds leave the worker alive and its values right", function()
    local kinds = { "/phases", "/balanced", "/later", "/capture", "/values", "/report", "https" }
    for name in pairs(HANDLERS) do
      kinds[#kinds + 1] = "/" .. name
      kinds[#kinds + 1] = "/fresh/" .. name
    end
    for phase in pairs(UNGUARDED) do kinds[#kinds + 1] = "/unguarded/" .. phase end
    table.sort(kinds)
    math.randomseed(SEED)
    for i = 1, N do
      local kind = kinds[math.random(#kinds)]
      local status, body
      if kind == "https" then
        status, body = running:get("/values", "https")
      else
        status, body = running:get(kind)
      end
      local where = ("SEED=%d, request %d, %s"):format(SEED, i, kind)
      if not kind:find "unguarded" then assert.equal(200, status, where) end
      if kind == "/values" or kind == "/balanced" or kind == "https" then assert.equal(probe.EXPECTED, body, where) end
      if kind == "/capture" then assert.equal("200 " .. probe.EXPECTED, body, where) end
    end
    assert.same({}, report().faults)
    assert.equal(worker, (select(2, running:get "/worker")))
  end)

  it("a reload puts a new worker in the place of the old one", function()
    running:reload()
    local give_up, new = core.now() + BOUND, worker
    while new == worker and core.now() < give_up do
      new = select(2, running:get "/worker")
    end
    assert.not_equal(worker, new)
    assert.same({ 200, probe.EXPECTED }, { running:get "/values" })
    assert.same({}, report_after("timer_of_the_worker").faults)
    give_up = core.now() + BOUND
    repeat local log = running:log() until log:find("worker process " .. worker .. " exited", 1, true) or core.now() > give_up
  end)
end)
