-- What is said under nginx, on every Lua. That nginx is recognized, and lives: spec/hosts/nginx_spec.lua.
local fake_core = require "spec.support.fake_core"
local misuse = require "spec.support.misuse"

describe("in a process of nginx", function()
  local core, appsync, client

  before_each(function()
    core = fake_core.install()
    core.is_nginx = true
    appsync = require "appsync"
    client = appsync.client{ endpoint = "http://localhost/graphql", auth = { type = "NONE" } }
  end)

  local function nothing() end
  local with_result = { on_result = nothing }

  -- Throws at the user's line, names the call, says what is possible; and nothing has begun.
  local function refused(name, fn)
    local message = misuse.raised_there(fn)
    assert.truthy(message:find(": " .. name .. ": not available under nginx: ", 1, true), message)
    assert.truthy(message:find("sign, gql, encode, decode and reading a configuration work there", 1, true), message)
    assert.is_nil(message:find("\n", 1, true))
    assert.same({}, core.clients)
    assert.is_false(require("appsync.scheduler").has_ready())
  end

  it("tasks are refused", function()
    refused("appsync.spawn", function() appsync.spawn(nothing) end)
    refused("appsync.run", function() appsync.run(nothing) end)
    refused("appsync.wrap", function() appsync.wrap(nothing) end)
    refused("appsync.sleep", function() appsync.sleep(1) end)
    refused("on_result", function() appsync.sleep(1, with_result) end)
  end)

  it("calls of a client are refused, and what its subscriptions would need", function()
    refused("client:query", function() client:query "query Q { a }" end)
    refused("client:query", function() client:with{ headers = { a = "b" } }:query "query Q { a }" end)
    refused("client:mutate", function() client:mutate "mutation M { a }" end)
    refused("on_result", function() client:query("query Q { a }", nil, with_result) end)
    refused("on_result", function() client:mutate("mutation M { a }", nil, with_result) end)
    refused("on_result", function() client:close(with_result) end)
    refused("client:subscribe", function() client:subscribe "subscription S { a }" end)
    refused("connection:observe", function() client.connection:observe() end)
  end)

  it("no source and no function of the program's is asked before it is refused", function()
    local asked = 0
    local function count() asked = asked + 1 end
    local counting = appsync.client{ endpoint = "http://localhost/graphql", headers = count,
      auth = { type = "AWS_LAMBDA", token = count } }
    refused("client:query", function() counting:query "query Q { a }" end)
    refused("subscribe", function() appsync.observable(count):subscribe(nothing) end)
    refused("for_each", function() appsync.observable(count):for_each(nothing) end)
    assert.equal(0, asked)
  end)

  it("observables are refused where they would be subscribed to", function()
    local made = appsync.observable(nothing):debounce(1)
    refused("subscribe", function() made:subscribe() end)
    refused("subscribe", function() made:subscribe(nothing) end)
    refused("subscribe", function() made:next(1) end)
    refused("subscribe", function() made:each() end)
    refused("for_each", function() made:for_each(nothing) end)
    refused("on_result", function() made:for_each(nothing, with_result) end)
  end)

  it("driving is refused", function()
    local host = require "appsync.host"
    refused("appsync.update", function() appsync.update() end)
    refused("appsync.fd", function() appsync.fd() end)
    refused("host.use", function() host.use{ current = nothing, suspend = nothing, resume = nothing } end)
    refused("host.use", function() host.use "luv" end)
    host.use(nil)
  end)

  it("appsync.pcall runs what doesn't wait, and gives the line of what does", function()
    assert.same({ true, 2 }, { appsync.pcall(function(n) return n + 1 end, 1) })
    local ok, message = appsync.pcall(appsync.sleep, 1)
    assert.is_false(ok)
    assert.matches("appsync.sleep: not available under nginx", message)
  end)

  it("a client that is not used can be made, asked and closed", function()
    assert.equal("Disconnected", client.connection.state)
    assert.same({}, client:stats())
    client:set_online(false)
    assert.is_true(client:close())
    assert.is_true(client:close(1))
    assert.same({}, core.clients)
  end)
end)
