-- copas' loop, by its adapter. Debian's copas is too old, and there is none for Lua 5.3 and 5.4: see spec/support/copas.lua.
local has_installed, installed = pcall(require, "copas")
local copas = require "spec.support.copas"
local appsync = require "appsync"
local cases = require "spec.support.loop_cases"
local client_cases = require "spec.support.loop_client_cases"
local host = require "appsync.host"

local loop = { name = "copas", has_coxpcall = true }

function loop.start(fn) copas.addthread(fn) end

function loop.run() copas.loop() end

function loop.wait(is_done)
  repeat copas.sleep(0.001) until is_done()
end

function loop.every(seconds, fn)
  loop.start(function()
    repeat copas.sleep(seconds) until not fn()
  end)
end

function loop.receive(client, fn)
  loop.start(function() fn(copas.receive(client, 1)) end)
end

describe(("a wait in a thread of copas (%s)"):format(copas._VERSION), function()
  before_each(function() host.use "copas" end)
  after_each(function() host.use(nil) end)
  cases.define(loop, it)
end)

describe(("a client in copas' loop (%s)"):format(copas._VERSION), function()
  before_each(function() host.use "copas" end)
  after_each(function() host.use(nil) end)
  client_cases.define(loop, { it = it, setup = setup, teardown = teardown })
end)

describe("copas' adapter", function()
  before_each(function() host.use "copas" end)
  after_each(function() host.use(nil) end)

  it("has a task sleep where copas sleeps, beside the library's own waits", function()
    local results = cases.run(loop, function()
      return appsync.spawn(function()
        copas.sleep(0.01)
        appsync.sleep(0.01)
        copas.sleep(0)
        return "end"
      end):await()
    end)
    assert.same({ { "end" } }, results)
  end)

  it("fails a task that waits for a socket, and names copas", function()
    local deaf = { receive = function() return nil, "timeout" end, getfd = function() return -1 end }
    local results = cases.run(loop, function() return select(2, appsync.spawn(copas.receive, deaf):await()).message end)
    assert.matches('from that scheduler\'s own coroutines, with its adapter: require%("appsync.host"%).use "copas"$',
      results[1][1])
  end)

  it("names copas where a script runs a task without its loop", function()
    local err = select(2, appsync.spawn(copas.sleep, 0.01):await())
    assert.matches('use "copas"$', err.message)
  end)

  it("runs what got ready last before the loop ends, and the loop may be run again", function()
    for _ = 1, 2 do
      local is_run = false
      loop.start(function() appsync.spawn(function() is_run = true end) end)
      loop.run()
      assert.is_true(is_run)
    end
    loop.run() -- with nothing in it
  end)

  it("outside of the loop suspends nobody: a call drives the library", function()
    local slept
    coroutine.wrap(function() slept = appsync.sleep(0.001) end)()
    assert.is_true(slept)
  end)

  if has_installed and not installed.status then
    it("refuses the one that is installed, and says which it needs", function()
      package.loaded.copas = installed
      local ok, raised = pcall(host.use, "copas")
      package.loaded.copas = copas
      assert.is_false(ok)
      assert.matches("copas_spec.lua:%d+: host.use: this copas %(Copas 1[%d.]+%) is too old: it has no copas.status; 4.4 has it$", raised)
    end)
  end
end)
