-- Workers of nginx that queue mutations in one store: what docs/openresty.md says of them. `make soak ONLY=nginx_leaders` kills many.
local effects = require "spec.support.effects"
local leading = require "spec.support.leading"
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local HTTP = [[
  init_by_lua_block {
    appsync, leading = require "appsync", require "spec.support.leading"
    client = appsync.client{
      endpoint = "$ENDPOINT", auth = { type = "API_KEY", api_key = "$KEY" }, store = "$FOLDER/store.db", retry = { base = 0.02, cap = 0.2 },
    }
  }
  init_worker_by_lua_block {
    ngx.timer.at(0, function() client:hydrated(10) end)
    io.stdout:write "READY\n"
    io.stdout:flush()
  }
  server {
    listen unix:$FOLDER/http;
    location = /add { content_by_lua_block {
      local options = { queue = true, idempotent = true, timeout = tonumber(ngx.var.arg_timeout) }
      local _, err, info = client:mutate(leading.ADD_ONCE, { opId = ngx.var.arg_op }, options)
      ngx.print(ngx.worker.pid(), " ", leading.outcome_of(err, info), " ", err and err.kind or "no error")
    } }
  }
]]

describe("workers of nginx with a queue", function()
  local served, running

  local function start(n_workers)
    local values = { ENDPOINT = served.endpoint, KEY = server.API_KEY }
    running = nginx.start(HTTP:gsub("%$(%u+)", values), nil, n_workers)
  end

  local function add(op, seconds)
    local status, body = running:get(("/add?op=%s&timeout=%d"):format(op, seconds))
    assert.equal(200, status, running:log())
    local pid, how, kind = body:match "^(%d+) (%w+) (.*)$"
    return tonumber(pid), how, kind
  end

  local function leader() return leading.leader_of(running.path .. "/store.db") end

  before_each(function() served = effects.start() end)
  after_each(function()
    running:stop()
    served.stop()
  end)
  teardown(process.stop_all)

  it("send what one of them had queued when it was killed, without being asked for anything", function()
    start(1)
    served.fault "reset"
    local pid, how, kind = add("a", 10)
    assert.same({ "queued", "no error" }, { how, kind })
    process.signal({ pid = pid }, "KILL")
    served.clear()
    wait_for(function() return served.count "a" == 1 end, "the mutation", function() return running:log() end)
  end)

  it("answer that it is queued while the service can't be reached, each of them", function()
    start(2)
    wait_for(leader, "a leader")
    served.fault "reset"
    local seen, n = {}, 0
    wait_for(function()
      n = n + 1
      local pid, how, kind = add("a" .. n, 10)
      assert.same({ "queued", "no error" }, { how, kind })
      seen[pid] = true
      return next(seen, (next(seen)))
    end, "answers of both workers")
    served.clear()
    for i = 1, n do wait_for(function() return served.count("a" .. i) == 1 end, "the mutations") end
  end)
end)
