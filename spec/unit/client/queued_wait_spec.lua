local queueing = require "spec.support.queueing"

local drive, mutate, todo = queueing.drive, queueing.mutate, queueing.todo
local CREATE = queueing.CREATE

describe("a queued mutation whose wait is ended", function()
  local client, queue

  before_each(function()
    client = queueing.open()
    queue = queueing.queue
  end)

  it("by a cancel between the answer and its caller's turn returns the answer, and settles it", function()
    local n = 0
    local call = mutate(CREATE, nil, { optimistic_response = todo("x", "a?"), update = function() n = n + 1 end })
    queue.reply(todo("1", "a"), nil, { has_layer = true, outcome = 3 })
    require("appsync.dispatch").poll(16)
    call.task:cancel()
    drive()
    assert.is_nil(call.err)
    assert.same({ "a", 2, { 3 } }, { call.data.createTodo.name, n, queue.told })
    assert.equal("settle_entry 1", queue.trace[#queue.trace])
  end)

  it("by a scheduler that never resumes its coroutine is settled all the same", function()
    local hosts, n = require "appsync.hosts", 0
    hosts.adapt{ current = require("appsync.compat").running, suspend = coroutine.yield, resume = function() end }
    coroutine.wrap(function() client:mutate(CREATE, nil, { update = function() n = n + 1 end }) end)()
    queue.reply(todo("1", "a"), nil, { has_layer = true, outcome = 3 })
    drive()
    hosts.adapt(nil)
    assert.same({ 1, { 3 } }, { n, queue.told })
    assert.equal("settle_entry 1", queue.trace[#queue.trace])
  end)

  it("by what throws out of it leaves the rest to a task", function()
    local driver = require "appsync.host.script"
    local drive_on, n = driver.drive, 0
    driver.drive = function() error("stopped", 0) end
    local ok, raised = pcall(client.mutate, client, CREATE, nil, { update = function() n = n + 1 end })
    driver.drive = drive_on
    assert.same({ false, "stopped" }, { ok, raised })
    queue.reply(todo("1", "a"), nil, { outcome = 3 })
    drive()
    assert.same({ 1, { 3 } }, { n, queue.told })
    assert.same({}, queueing.log)
  end)
end)
