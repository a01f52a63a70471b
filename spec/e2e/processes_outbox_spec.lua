-- Several processes with one outbox: who may adopt and wipe what another one sends, and in which order all of it goes.
local appsync = require "appsync"
local kept = require "spec.support.kept"
local remote = require "spec.support.remote"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local GET, UPDATE, LIST = kept.GET, kept.UPDATE, kept.LIST
local DELETE = "mutation Delete($id: ID!) { deleteTodo(input: {id: $id}) { id } }"

describe("processes on one outbox", function()
  local client, others

  local function open(path, options)
    options = options or {}
    options.store = path
    client = kept.client(options)
    assert.is_true(client:hydrated(10))
  end

  local function start(path)
    local other = remote.start(kept.service, path, server.API_KEY)
    others[#others + 1] = other
    return other
  end

  local function kill(other)
    other.kill()
    for i, at in ipairs(others) do
      if at == other then table.remove(others, i) end
    end
  end

  local function name_at_service(id)
    return kept.client():query(GET, { id = id }, { fetch_policy = "no-cache" }).getTodo.name
  end

  setup(function()
    kept.begin()
    for i = 1, 4 do kept.create(tostring(i), "new") end
  end)
  teardown(kept.finish)
  before_each(function() others = {} end)
  after_each(function()
    kept.close_all()
    while #others > 0 do kill(others[1]) end
  end)

  local function assert_locked(ok, err) assert.same({ nil, "storage", "locked" }, { ok, err.kind, err.code }) end

  local QUEUE = "local _, _, info = guest:mutate([[%s]], { id = '1', name = '%s' }) return info.queued"

  it("adopt what nobody else sends", function()
    local path = kept.path "adopt.db"
    local other = start(path)
    open(path)
    local ann = client:with{ identity = "ann" }
    assert(ann.outbox:size() == 0)
    other.run "guest = client:with{ identity = 'guest' } return client:set_online(false)"
    assert.equal("true", other.run(QUEUE, UPDATE, "of the guest"))
    client:set_online(false)
    assert_locked(ann:adopt{ from = "guest" }) -- the other one has it, and would send it
    assert.equal(0, ann.outbox:size())
    assert.equal("1", other.run "return #guest.outbox:list()")
    kill(other)
    wait_for(function() return (ann:adopt{ from = "guest" }) == 1 end, "the guest's outbox")
    assert.equal("ann", ann.outbox:list()[1].identity)
    client:set_online(true)
    assert(ann.outbox:drain(10))
    assert.equal("of the guest", name_at_service "1")
  end)

  it("don't adopt into what another one sends", function()
    local path = kept.path "into.db"
    local other = start(path)
    other.run "ann = client:with{ identity = 'ann' } guest = client:with{ identity = 'guest' } return ann.outbox:size()"
    open(path)
    local ann = client:with{ identity = "ann" }
    other.run "return client:set_online(false)"
    assert.equal("true", other.run(QUEUE, UPDATE, "adopted"))
    assert_locked(ann:adopt{ from = "guest" })
    assert.equal("1", other.run "return ann:adopt{ from = 'guest' }") -- which has both
    wait_for(function() return ann.outbox:size() == 1 end, "what the other one has adopted")
    other.run "return client:set_online(true)"
    assert.equal("true", other.run "return ann.outbox:drain(10) ~= nil")
    assert.equal("adopted", name_at_service "1")
    wait_for(function() return #ann.outbox:results() == 1 and ann.outbox:size() == 0 end, "its outcome, here")
  end)

  it("wipe nothing that another one sends, and what is left where nothing is queued", function()
    local path = kept.path "wipe.db"
    local other = start(path)
    open(path)
    other.run "return client:set_online(false)"
    local _, _, info = client:mutate(UPDATE, { id = "2", name = "kept" })
    assert.is_true(info.queued)
    assert_locked(client:sign_out{ outbox = "wipe" })
    assert_locked(client:clear{ outbox = true })
    assert.equal(1, #client.outbox:list())
    other.run "return client:set_online(true)"
    wait_for(function() return #client.outbox:list() == 0 end, "its outcome")
    assert.equal("kept", name_at_service "2")
    local _, err = client:mutate(UPDATE, { id = "nowhere", name = "x" })
    assert.is_string(err.cause.outcome)
    assert.equal("1", other.run "return #client.outbox:dead_letters()")
    assert.is_true((client:sign_out{ outbox = "wipe" }))
    assert.equal("0", other.run "return #client.outbox:dead_letters()")
    -- and the outbox goes on, by another number
    assert.equal("after", client:mutate(UPDATE, { id = "2", name = "after" }).updateTodo.name)
    assert.equal("theirs", other.run("return client:mutate([[%s]], { id = '2', name = 'theirs' }).updateTodo.name", UPDATE))
  end)

  -- Sends what it has beside one another; and is told to be offline.
  local function start_by_entity(path)
    local other = start(path)
    other.run [[
      client:close(5)
      client = appsync.client{ endpoint = arg[4], auth = { type = "API_KEY", api_key = arg[5] }, store = arg[3], outbox = { order = "entity" } }
      client:set_online(false)
      return client:hydrated(10)]]
    return other
  end

  -- In both processes, three of each of four records, the last one with that name.
  local function queue_many(other, last)
    for round = 1, 3 do
      for i = 1, 4 do
        local name = round == 3 and last or ("round %d"):format(round)
        if (round + i) % 2 == 0 then
          other.run("return client:mutate([[%s]], { id = '%d', name = '%s' }) == nil", UPDATE, i, name)
        else
          local _, _, info = client:mutate(UPDATE, { id = tostring(i), name = name })
          assert.is_true(info.queued)
        end
      end
    end
    assert.equal(12, #client.outbox:list())
  end

  local function assert_in_order()
    local names = {}
    for _, result in ipairs(client.outbox:results()) do
      local id = result.variables.id
      names[id] = (names[id] or "") .. result.variables.name .. ";"
    end
    for i = 1, 4 do
      assert.equal("round 1;round 2;last;", names[tostring(i)])
      assert.equal("last", name_at_service(tostring(i)))
    end
  end

  it("send what names one record in its order, whoever has queued it", function()
    local path = kept.path "entity.db"
    local other = start_by_entity(path)
    open(path)
    queue_many(other, "last")
    other.run "return client:set_online(true)"
    assert.equal("true", other.run "return client.outbox:drain(20) ~= nil")
    wait_for(function() return #client.outbox:results() == 12 end, "the outcomes")
    assert_in_order()
  end)

  it("and when the one that sends is killed meanwhile, which sent several at once", function()
    local path = kept.path "killed.db"
    for n = 1, 3 do
      local other = start_by_entity(path)
      open(path)
      queue_many(other, "last " .. n)
      other.run "return client:set_online(true)"
      kill(other)
      assert(client.outbox:drain(20))
      for i = 1, 4 do assert.equal("last " .. n, name_at_service(tostring(i))) end
      assert.is_true(client:close(5))
    end
  end)

  -- What the one that sends makes of an answer whose process has died comes in its turn, too.
  it("put the answer of one that has died into the cache after that of one that stands still", function()
    local path = kept.path "died.db"
    local removed
    open(path, { updates = { deleteTodo = function(cache, result)
      local id = result.data.deleteTodo.id
      cache:modify("ROOT_QUERY", "listTodos", function(list) list.items:remove("Todo:" .. id) end)
      removed = id
    end } })
    local standing, dying = start(path), start(path)
    client:query(LIST)
    standing.run("return client:mutate([[%s]], { id = '1', name = 'one' })", UPDATE)
    standing.run([[
      making = appsync.spawn(function()
        return client:mutate([=[%s]=], { id = "died", name = "x" }, { update = function(cache, result)
          local key = cache:identify(result.data.createTodo)
          cache:modify("ROOT_QUERY", "listTodos", function(list) list.items:add(key) end)
        end })
      end)
      appsync.sleep(0)]], kept.CREATE)
    local witness = kept.client()
    wait_for(function() return witness:query(GET, { id = "died" }, { fetch_policy = "no-cache" }).getTodo ~= appsync.null end, "the todo")
    dying.run("appsync.spawn(function() client:mutate([=[%s]=], { id = 'died' }, { update = function() end }) end) appsync.sleep(0)", DELETE)
    wait_for(function()
      local results = client.outbox:results()
      return results[#results] and results[#results].mutation == "deleteTodo"
    end, "its answer")
    kill(dying)
    appsync.sleep(0.6) -- that nobody has it any more is seen by now
    local was_early = removed ~= nil
    assert.equal("true", standing.run "return making:await(10) ~= nil")
    wait_for(function() return removed == "died" end, "the answer of the one that has died")
    assert.is_false(was_early)
    wait_for(function()
      for _, todo in ipairs(client:read_query(LIST).listTodos.items) do
        if todo.id == "died" then return false end
      end
      return true
    end, "the list without it")
  end)
end)
