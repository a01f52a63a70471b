-- Both transports through an HTTP proxy.
local appsync = require "appsync"
local certificates = require "spec.support.certificates"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = "type Todo @model { id: ID! name: String }"
local BOUND = 10
local CREATE = 'mutation { createTodo(input: {name: "x"}) { name } }'
local ON_CREATE = "subscription { onCreateTodo { name } }"

describe("through a proxy", function()
  local client, log, logged

  before_each(function() logged = {} end)

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  local function start_proxy(...)
    local path = process.file("", ".proxy")
    local first, handle = process.start{ process.PYTHON, "spec/support/proxy.py", path, ... }
    local port, pid = (first or ""):match("^PORT (%d+) PID (%d+)")
    assert(port, "the proxy did not start: " .. tostring(first) .. process.read(handle.log))
    handle.pid = tonumber(pid)
    log = function() return process.read(path) end
    return port, handle
  end

  local function connect(service, proxy, tls)
    client = appsync.client{
      endpoint = service.endpoint, realtime_endpoint = service.realtime, proxy = proxy, tls = tls,
      auth = { type = "API_KEY", api_key = server.API_KEY }, retry = { base = 0.01, cap = 0.05, attempts = 2 },
      timeouts = { connect = 3, request = 5, ack = 3 },
      log = function(level, message) logged[#logged + 1] = level .. " " .. message end,
    }
    return client
  end

  local function plain() return server.start{ schema = SCHEMA } end

  local function encrypted()
    local made = certificates.make()
    return server.start{ schema = SCHEMA, arguments = { "--tls", made.server.cert .. "," .. made.server.key } }, { ca = made.ca }
  end

  local function mutation_works()
    local data, err = client:mutate(CREATE)
    assert.is_nil(err, tostring(err))
    assert.equal("x", data.createTodo.name)
  end

  local function subscription_works()
    local s = client:subscribe(ON_CREATE):subscribe()
    local ok, err = s:ready(BOUND)
    assert.is_nil(err, tostring(err))
    assert.is_true(ok)
    mutation_works()
    assert.equal("x", s:next(BOUND).onCreateTodo.name)
    s:unsubscribe()
  end

  local function address(url) return url:match("//([^/]+)/") end

  local function asked(what) return log():find(what, 1, true) ~= nil end

  local function no_secret(err)
    local text = tostring(err) .. table.concat(logged, "\n")
    assert.is_nil(text:find("s3cret", 1, true), text)
    assert.is_nil(text:find("alice", 1, true), text)
  end

  -- The first error of the realtime connection.
  local function realtime_error()
    local states = client.connection:observe():subscribe()
    local s = client:subscribe(ON_CREATE):subscribe()
    local state, err
    repeat
      state, err = states:next(BOUND)
    until err or not state
    s:unsubscribe()
    return err
  end

  it("plain HTTP is forwarded", function()
    local service = plain()
    connect(service, "http://127.0.0.1:" .. start_proxy())
    mutation_works()
    assert.is_true(asked("forward POST " .. service.endpoint))
  end)

  it("ws goes through a tunnel", function()
    local service = plain()
    connect(service, "http://127.0.0.1:" .. start_proxy())
    subscription_works()
    assert.is_true(asked("connect " .. address(service.realtime)))
  end)

  it("HTTPS goes through a tunnel", function()
    local service, tls = encrypted()
    connect(service, "http://127.0.0.1:" .. start_proxy(), tls)
    mutation_works()
    assert.is_true(asked("connect " .. address(service.endpoint)))
    assert.is_false(asked "forward")
  end)

  it("wss goes through a tunnel", function()
    local service, tls = encrypted()
    service.endpoint = service.endpoint:gsub("127%.0%.0%.1", "localhost")
    service.realtime = service.realtime:gsub("127%.0%.0%.1", "localhost")
    connect(service, "http://localhost:" .. start_proxy(), tls)
    subscription_works()
    -- The name is the proxy's to look up, for HTTP and for the WebSocket.
    local _, n = log():gsub("connect localhost", "")
    assert.equal(2, n)
    assert.is_false(asked "forward")
  end)

  it("it may be told without a scheme, and with white space around it", function()
    local service = plain()
    connect(service, " 127.0.0.1:" .. start_proxy() .. "\n")
    subscription_works()
    assert.is_true(asked("forward POST " .. service.endpoint))
    assert.is_true(asked("connect " .. address(service.realtime)))
  end)

  for _, url in ipairs{ "http://alice:s3cret%%40x@127.0.0.1:%s", "http://alice:s3cret%%40x@localhost:%s/" } do
    it("user and password of " .. url:gsub("^.*@", "…@") .. " are given to it", function()
      local service, tls = encrypted()
      connect(service, url:format((start_proxy("--auth", "alice:s3cret@x"))), tls)
      subscription_works()
      assert.is_false(asked "unauthorized")
      client:close(5)
      connect(plain(), url:format((start_proxy("--auth", "alice:s3cret@x"))))
      subscription_works()
      assert.is_true(asked "forward")
      no_secret()
    end)
  end

  it("a wrong password is an error of the proxy, and stands in no message", function()
    local service, tls = encrypted()
    connect(service, "http://alice:s3cret@127.0.0.1:" .. start_proxy("--auth", "alice:other"), tls)
    local data, err = client:mutate(CREATE)
    assert.is_nil(data)
    assert.equal("network", err.kind)
    assert.equal("proxy", err.code)
    assert.is_falsy(err.sent)
    no_secret(err)
    err = realtime_error()
    assert.equal("network", err.kind)
    assert.equal("proxy", err.code)
    no_secret(err)
  end)

  it("a tunnel that it doesn't open is an error of the proxy", function()
    local service, tls = encrypted()
    connect(service, "http://127.0.0.1:" .. start_proxy("--refuse", "403"), tls)
    local _, err, info = client:query "query { listTodos { items { id } } }"
    assert.equal("network", err.kind)
    assert.equal("proxy", err.code)
    assert.is_false(err.retryable)
    assert.equal(1, info.attempts)
    err = realtime_error()
    assert.equal("network", err.kind)
    assert.equal("proxy", err.code)
  end)

  it("one that isn't there is an error of the proxy, over each transport", function()
    local function check(service, tls)
      connect(service, "http://alice:s3cret@127.0.0.1:1", tls)
      local _, err = client:query "query { listTodos { items { id } } }"
      assert.equal("network", err.kind)
      assert.equal("proxy", err.code)
      assert.is_true(err.retryable)
      no_secret(err)
      err = realtime_error()
      assert.equal("network", err.kind)
      assert.equal("proxy", err.code)
      no_secret(err)
      client:close(5)
    end
    check(plain())
    check(encrypted())
  end)

  it("a wrong host name of the proxy is an error of the proxy", function()
    local service = plain()
    connect(service, "http://alice:s3cret@proxy.invalid:3128")
    local _, err = client:query "query { listTodos { items { id } } }"
    assert.equal("network", err.kind)
    assert.equal("proxy", err.code)
    no_secret(err)
    err = realtime_error()
    assert.equal("network", err.kind)
    assert.equal("proxy", err.code)
    no_secret(err)
  end)

  it("nothing goes because of the environment", function()
    local service = plain()
    local port = start_proxy()
    local script = process.temporary(".lua")
    process.write(script, ([[
      local appsync = require "appsync"
      local client = appsync.client{ endpoint = %q, auth = { type = "API_KEY", api_key = %q } }
      local s = client:subscribe(%q):subscribe()
      local ok, err = s:ready(10)
      local data, failure = client:mutate(%q)
      print(ok and data and s:next(10).onCreateTodo.name or tostring(err or failure))
      client:close(5)
    ]]):format(service.endpoint, server.API_KEY, ON_CREATE, CREATE))
    local lua = os.getenv "APPSYNC_LUA"
    if not lua then
      local i = -1
      while arg[i - 1] do i = i - 1 end
      lua = arg[i]
    end
    local proxy = "http://127.0.0.1:" .. port
    local first = process.start{
      "env", "http_proxy=" .. proxy, "https_proxy=" .. proxy, "all_proxy=" .. proxy, "HTTP_PROXY=" .. proxy,
      "HTTPS_PROXY=" .. proxy, "ALL_PROXY=" .. proxy, "socks_proxy=127.0.0.1:" .. port, "SOCKS_PROXY=127.0.0.1:" .. port, lua, script,
    }
    assert.equal("x", first)
    assert.equal("", log())
  end)
end)
