-- The command line, `appsync inspect`: what it shows of the mutations in a client's store.
local appsync = require "appsync"
local core = require "appsync.core"
local folder = require "spec.support.folder"
local native = require "appsync.server.native"
local process = require "spec.support.process"

-- Rows as a client writes them, with their sums: one mutation that is being sent, one behind it, one that was refused.
local ROWS = [[
  UPDATE counter SET value = 2748 WHERE id = -3; UPDATE counter SET value = 4 WHERE id = -2;
  DELETE FROM owner; DELETE FROM owner_copy;
  INSERT INTO owner VALUES (1, 'p', 'ann', -165139124);
  INSERT INTO owner_copy VALUES (1, 'p', 'ann', -165139124);
  INSERT INTO outbox VALUES (18691697672193, 1000, 5, 'mutation M { a }', 'M', '{"x":1}', '', '{}', 1241868948);
  INSERT INTO outbox VALUES (18691697672194, 1000, 5, 'mutation M { a }', 'M', '{"x":1}', '', '{}', -106999104);
  INSERT INTO delivery VALUES (18691697672193, 1, 1, 2, 3, 0, 0, '', -2009867340);
  INSERT INTO dead_letter VALUES (18691697672195, 1000, 5, 'mutation M { a }', 'M', '{"x":1}', '', '{}', 0, 9, 'refused', 1,
    '{"message":"no\u001b[2J"}', -1551810643);
  INSERT INTO outcome VALUES (4, 1, 0, 0, 0, '{}', 498726583);
  INSERT INTO id_map VALUES (1, 't', NULL, 1, 0, -332471572);
  INSERT INTO id_map VALUES (1, 'u', '7', 2, 0, -1521459115);]]

local function run(words)
  local pipe = assert(io.popen(("timeout 20 bin/appsync inspect %s 2>&1"):format(words)))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

describe("appsync inspect of mutations", function()
  local made, path

  setup(function() made = folder.make() end)
  teardown(function()
    process.stop_all()
    made.remove()
  end)

  local function change(sql)
    local db = assert(native.sqlite_open(path))
    assert(db:exec(sql))
    db:close()
  end

  before_each(function()
    path = os.tmpname():gsub("^.*/", made.path .. "/")
    local client = appsync.client { endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "x" }, store = path }
    assert(client:hydrated())
    assert.is_true(client:close(5))
  end)

  it("says nothing of a queue that is empty", function()
    local out = run(path)
    assert.is_nil(out:find "outbox")
    assert.is_nil(out:find "dead letters")
    local store = core.decode(run(path .. " --json"))
    assert.same({ size = 0, damaged = 0, lanes = {}, entries = {} }, {
      size = store.outbox.size, damaged = store.outbox.damaged, lanes = { store.outbox.lanes[1] }, entries = { store.outbox.entries[1] },
    })
  end)

  it("calls no record evicted that was only expected", function()
    local client = appsync.client { endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "x" }, store = path }
    client:set_online(false)
    assert(client:mutate("mutation { add { id } }", nil, { optimistic_response = { add = { __typename = "Todo", id = appsync.uuid() } } }))
    assert.is_true(client:close(5))
    assert.matches("1 record %(1 evicted by the application, or only in optimistic layers%)", run(path))
  end)

  it("shows what waits, what failed and why, outcomes and temporary ids", function()
    change(ROWS)
    local out = run(path)
    for _, line in ipairs {
      'outbox: 2 mutations\n  key_prefix "p", identity "ann", API_KEY: 1 queued, 1 sending\n',
      "\n    00000abc-1             a                            sending since 1970-01-01T00:00:01Z, 3 attempts\n",
      "\n    00000abc-2             a                            queued since 1970-01-01T00:00:01Z, 0 attempts\n",
      "\ndead letters: 1\n    00000abc-3             a                            refused (blocked by 00000abc-1): no",
      "\noutcomes of mutations: 1, 1 of them not delivered to the application\n",
      "\ntemporary ids: 2\n    t, to be made by 00000abc-1\n    u is 7\n",
    } do
      assert.truthy(out:find(line, 1, true), out)
    end
    assert.is_nil(out:find "[%z\1-\9\11-\31\127]")
  end)

  it("counts what is damaged", function()
    change(ROWS .. "UPDATE outbox SET flags = 6 WHERE id & 255 = 2; UPDATE dead_letter SET sum = 0; UPDATE owner SET sum = 0;"
      .. "UPDATE id_map SET sum = 0 WHERE temporary = 'u'")
    local out = run(path)
    for _, line in ipairs {
      'outbox: 1 mutation, 1 damaged\n  key_prefix "(lost)", identity "(lost)", API_KEY: 0 queued, 1 sending\n', "\ndead letters: 0, 1 damaged\n",
      "\ntemporary ids: 2, 1 damaged\n",
    } do
      assert.truthy(out:find(line, 1, true), out)
    end
  end)

  it("gives all of it as JSON", function()
    change(ROWS)
    local store = core.decode(run(path .. " --json"))
    assert.equal(4, store.version)
    assert.equal("ann", store.outbox.lanes[1].identity)
    assert.equal("00000abc-2", store.outbox.entries[2].id)
    assert.equal("00000abc-1", store.dead_letters.entries[1].blocked_by)
    assert.equal("no\27[2J", store.dead_letters.entries[1].cause.message)
    assert.equal(1, store.outcomes.untold)
    assert.equal("7", store.id_map.pairs[2].made)
  end)

  it("shows the optimistic layers of mutations", function()
    local client = appsync.client{ endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "x" }, store = path }
    client:set_online(false)
    local _, err, info = client:mutate("mutation { createTodo(input: {name: \"n\"}) { id name } }", nil, {
      optimistic_response = { createTodo = { __typename = "Todo", id = "1", name = "n" } },
      update = function(cache) cache:modify("ROOT_QUERY", "n", function() return 1 end) end,
    })
    assert.is_nil(err)
    assert.is_true(client:close(5))
    assert.truthy(run(path):find("createTodo .* queued since .*, 0 attempts, optimistic with %d changes?\n"))
    local entry = core.decode(run(path .. " --json")).outbox.entries[1]
    assert.equal(info.id, entry.id)
    assert.is_true(entry.layer.changes >= 1)
  end)

  it("says that what it queues again shows no optimistic response", function()
    local client = appsync.client{ endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "x" }, store = path }
    client:set_online(false)
    local _, err, info = client:mutate("mutation { createTodo(input: {name: \"n\"}) { id name } }", nil,
      { optimistic_response = { createTodo = { __typename = "Todo", id = "1", name = "n" } } })
    assert.is_nil(err)
    assert.equal(1, (client:clear{ outbox = true }))
    assert.is_true(client:close(5))
    assert.truthy(run(path .. " --retry " .. info.id):find "^queued %S+ again, as %S+\nNo optimistic response is shown until")
  end)

  describe("by hand", function()
    before_each(function() change(ROWS) end)

    it("queues a dead letter again", function()
      assert.equal("queued 00000abc-3 again, as 00000abc-5\nstatus 0\n", run(path .. " --retry 00000abc-3 2>&1; echo status $?"))
      local store = core.decode(run(path .. " --json"))
      assert.equal(0, store.dead_letters.size)
      assert.equal("00000abc-5", store.outbox.entries[3].id)
    end)

    it("says as JSON what it has done", function()
      assert.equal('{"retried":[{"id":"00000abc-3","new_id":"00000abc-5"}]}\n', run(path .. " --json --retry 00000abc-3"))
      assert.equal('{"discarded":"00000abc-5"}\n', run(path .. " --json --discard 00000abc-5"))
    end)

    it("drops a dead letter, or what is queued", function()
      assert.equal("discarded 00000abc-3\nstatus 0\n", run(path .. " --discard 00000abc-3 2>&1; echo status $?"))
      assert.equal("discarded 00000abc-2\nstatus 0\n", run(path .. " --discard 00000abc-2 2>&1; echo status $?"))
      local store = core.decode(run(path .. " --json"))
      assert.equal(0, store.dead_letters.size)
      assert.equal(1, store.outbox.size)
    end)

    it("fails for an id that isn't there", function()
      local out = run(path .. " --retry 00000abc-9 2>&1; echo status $?")
      assert.equal(("appsync inspect: %s: there is no dead letter with the id 00000abc-9\nstatus 1\n"):format(path), out)
    end)

    it("fails while a client has the store", function()
      local client = appsync.client{ endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "x" }, store = path }
      assert(client:hydrated())
      local out = run(path .. " --retry 00000abc-3 2>&1; echo status $?")
      assert.is_true(client:close(5))
      assert.truthy(out:find "another process %(%d+%) has it open", out)
      assert.truthy(out:find "status 1\n$")
    end)

    it("does one of both", function()
      local out = run(path .. " --retry 00000abc-3 --discard 00000abc-3 2>&1; echo status $?")
      assert.truthy(out:find "give %-%-retry or %-%-discard, not both")
      assert.truthy(out:find "status 2\n$")
    end)
  end)
end)
