local queueing = require "spec.support.queueing"

local drive, mutate = queueing.drive, queueing.mutate
local UPDATE = queueing.UPDATE

describe("the conflict resolver", function()
  local core, appsync, asked, resolver

  local function open(options)
    options = options or {}
    asked = {}
    options.conflict_resolver = function(c)
      asked[#asked + 1] = c
      return resolver(c)
    end
    queueing.open(options)
    core, appsync = queueing.core, queueing.appsync
  end

  local function conflict(data)
    return { kind = "conflict", message = "another version", errors = { { message = "another version", data = data } } }
  end

  describe("of a direct mutation", function()
    before_each(function()
      open{ store = false }
    end)

    it("gets what the conflict is about, and its variables are sent", function()
      resolver = function(c) return { id = "1", name = c.data.name .. "!", unknown_to_it = 1 } end
      local call = mutate(UPDATE, { id = "1", name = "a" })
      core.reply(nil, conflict{ name = "b" })
      drive()
      assert.same({ "updateTodo", { id = "1", name = "a" }, { name = "b" }, 1 },
        { asked[1].mutation_name, asked[1].variables, asked[1].data, asked[1].retries })
      assert.equal(UPDATE, tostring(asked[1].mutation))
      assert.same({ id = "1", name = "b!" }, core.executed[2].call.variables)
      core.reply({ updateTodo = { id = "1" } })
      drive()
      assert.same({ updateTodo = { id = "1" } }, call.data)
      assert.is_nil(call.err)
    end)

    it("is asked ten times at most", function()
      resolver = function(c) return c.variables end
      local call = mutate(UPDATE, { id = "1" })
      for _ = 1, 11 do
        core.reply(nil, conflict(appsync.null))
        drive()
      end
      assert.equal("conflict", call.err.kind)
      assert.same({ 10, 11 }, { #asked, #core.executed })
      assert.is_nil(asked[1].data)
      assert.equal(10, asked[10].retries)
    end)

    it("gives up by DISCARD, also as text, false and nil, by raising and by returning what isn't accepted", function()
      local answers = {
        { function() return appsync.DISCARD end }, { function() return "DISCARD" end }, { function() return false end },
        { function() end }, { function() error("broken", 0) end, "conflict_resolver raised: broken; the mutation is given up" },
        { function() return "x" end, 'must return a table of variables, or appsync.DISCARD, false or nil to give up, got "x"' },
        { function() return { nmae = "x" } end, "declares no variable \"nmae\"; did you mean $name" },
      }
      for _, row in ipairs(answers) do
        resolver = row[1]
        queueing.log[1] = nil
        local call = mutate(UPDATE, { id = "1" })
        core.reply(nil, conflict())
        drive()
        assert.equal("conflict", call.err.kind)
        if row[2] then
          assert.is_truthy(queueing.log[1]:find(row[2], 1, true), queueing.log[1])
        else
          assert.is_nil(queueing.log[1])
        end
      end
      assert.equal(#answers, #core.executed)
    end)

    it("may wait, and isn't asked about other errors", function()
      resolver = function() appsync.sleep(1) return {} end
      mutate(UPDATE)
      core.reply(nil, conflict())
      drive()
      drive(2)
      assert.equal(2, #core.executed)
      core.reply(nil, { kind = "graphql", message = "no" })
      drive()
      assert.same({ 1, 2 }, { #asked, #core.executed })
    end)

    it("has the call's time", function()
      resolver = function() appsync.sleep(2) return {} end
      mutate(UPDATE, nil, { timeout = 5 })
      core.reply(nil, conflict())
      drive()
      drive(2)
      assert.equal(3, core.executed[2].call.timeout)
      core.reply(nil, conflict())
      drive()
      drive(3)
      assert.equal(2, #core.executed)
    end)

    it("leaves the optimistic layer where it is between the rounds", function()
      open()
      resolver = function() return { id = "2" } end
      mutate(UPDATE, { id = "1" }, { queue = false, optimistic_response = { updateTodo = {} } })
      core.reply(nil, conflict())
      drive()
      assert.same({ "begin true", "write", "add_layer" }, queueing.queue.trace)
      assert.equal(5, core.executed[2].call.layer)
      core.reply({ updateTodo = {} })
      drive()
      assert.equal("settle_layer 5", queueing.queue.trace[4])
    end)
  end)

  describe("of a queued mutation", function()
    local queue

    before_each(function()
      open()
      queue = queueing.queue
      mutate(UPDATE, { id = "1" })
    end)

    local function event(more)
      local all = {
        what = "conflict", entry = 1, id = "aa-1", document = UPDATE, operation = "U", mutation = "updateTodo",
        variables = { id = "1" }, data = { name = "b" }, retries = 2, in_doubt = false,
      }
      for name, value in pairs(more or {}) do all[name] = value end
      queue.event(all)
      drive()
      return table.remove(queue.resolved)
    end

    it("is told of to the core, and gets the same", function()
      resolver = function() return { id = "1", name = "c" } end
      assert.same({ entry = 1, variables = { id = "1", name = "c" } }, event())
      assert.same({ "updateTodo", { id = "1" }, { name = "b" }, 2, nil },
        { asked[1].mutation_name, asked[1].variables, asked[1].data, asked[1].retries, asked[1].in_doubt })
      assert.is_true(queue.opened[1].has_resolver)
      event{ in_doubt = true }
      assert.is_true(asked[2].in_doubt)
    end)

    it("may wait", function()
      resolver = function() appsync.sleep(1) return {} end
      assert.is_nil(event())
      drive(2)
      assert.same({ { entry = 1, variables = {} } }, queue.resolved)
    end)

    it("gives up", function()
      for _, answer in ipairs{ false, appsync.DISCARD, "DISCARD", "x", 5 } do
        resolver = function() return answer end
        assert.same({ entry = 1 }, event())
      end
      resolver = function() error "no" end
      assert.same({ entry = 1 }, event())
      resolver = function() return {} end
      assert.same({ entry = 1 }, event{ document = "no document" })
    end)
  end)

  it("that isn't there gives up what the core asks about", function()
    queueing.open()
    mutate(UPDATE)
    assert.is_false(queueing.queue.opened[1].has_resolver)
    queueing.queue.event{ what = "conflict", entry = 1, document = UPDATE, operation = "U", retries = 1 }
    drive()
    assert.same({ { entry = 1 } }, queueing.queue.resolved)
  end)
end)
