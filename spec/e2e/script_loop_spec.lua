-- The suite of loops in `appsync.run`: what the others are measured by.
local appsync = require "appsync"
local cases = require "spec.support.loop_cases"
local client_cases = require "spec.support.loop_client_cases"

local begun = {}
local loop = { name = "appsync.run", is_library = true }

function loop.start(fn) table.insert(begun, fn) end

function loop.run()
  local list = begun
  begun = {}
  appsync.run(function()
    for _, fn in ipairs(list) do appsync.spawn(fn) end
  end)
end

function loop.wait(is_done)
  repeat appsync.sleep(0.001) until is_done()
end

function loop.every(seconds, fn)
  loop.start(function()
    repeat appsync.sleep(seconds) until not fn()
  end)
end

describe("a wait in a task of appsync.run", function() cases.define(loop, it) end)

describe("a client in appsync.run", function()
  client_cases.define(loop, { it = it, setup = setup, teardown = teardown })
end)
