-- Several processes on one store: each reads what the others write, one leads, and another one when that is gone.
local appsync = require "appsync"
local kept = require "spec.support.kept"
local remote = require "spec.support.remote"
local server = require "spec.support.server"
local socket = require "socket"

local GET, UPDATE, LIST = kept.GET, kept.UPDATE, kept.LIST
local MOVE_S = 2 -- until another one leads

describe("processes on one store", function()
  local client, lines, other

  local function open(path)
    lines = {}
    client = kept.client{ store = path, log = function(level, message) lines[#lines + 1] = level .. " " .. message end }
    assert.is_true(client:hydrated(10))
  end

  local function start(path) return remote.start(kept.service, path, server.API_KEY) end

  -- Drives the library until it is so; the seconds that it took.
  local function wait_for(condition, limit_s)
    local began = socket.gettime()
    local task = appsync.spawn(function()
      while not condition() do appsync.sleep(0.01) end
    end)
    local _, err = task:await(limit_s or 20)
    assert.is_nil(err)
    return socket.gettime() - began
  end

  setup(function()
    kept.begin()
    kept.create("1", "one")
    kept.create("2", "two")
  end)
  teardown(kept.finish)
  after_each(function()
    kept.close_all()
    if other then other.kill() end
    other = nil
  end)

  local function name_of(id)
    local data = client:read_query(GET, { id = id })
    return data and data.getTodo.name
  end

  it("have one cache", function()
    local path = kept.path "cache.db"
    other = start(path)
    open(path)
    assert.equal("open", client:stats().store)
    assert.equal("one", other.run("return client:query([[%s]], { id = '1' }).getTodo.name", GET))
    assert.equal("one", name_of "1")
    assert.equal("two", client:query(GET, { id = "2" }).getTodo.name)
    assert.equal("two", other.run("return client:read_query([[%s]], { id = '2' }).getTodo.name", GET))
    -- What is in memory here is what the other one has written, soon.
    other.run([[return client:write_query([=[%s]=], { id = "2" }, { getTodo = { __typename = "Todo", id = "2", name = "second" } })]], GET)
    wait_for(function() return name_of "2" == "second" end)
    assert.same({}, lines)
    assert.equal("0", other.run "return #lines")
  end)

  it("show in their watches what the others have written", function()
    local path = kept.path "watch.db"
    other = start(path)
    open(path)
    local seen = {}
    local watch = client:watch(GET, { id = "1" }):subscribe(function(result) seen[#seen + 1] = result.data.getTodo.name end)
    wait_for(function() return seen[1] == "one" end)
    other.run([[return client:write_query([=[%s]=], { id = "1" }, { getTodo = { __typename = "Todo", id = "1", name = "first" } })]], GET)
    wait_for(function() return seen[#seen] == "first" end)
    watch:unsubscribe()
  end)

  it("keep what they have written when they are killed", function()
    local path = kept.path "killed.db"
    open(path)
    for i = 1, 3 do
      other = start(path)
      other.run([[return client:write_query([=[%s]=], { id = "9" }, { getTodo = { __typename = "Todo", id = "9", name = "%d" } })]], GET, i)
      wait_for(function() return name_of "9" == tostring(i) end)
      other.kill()
      other = nil
      assert.equal(tostring(i), name_of "9")
    end
  end)

  it("clear it for all of them", function()
    local path = kept.path "cleared.db"
    other = start(path)
    open(path)
    client:query(LIST)
    other.run("return client:query([[%s]])", LIST)
    assert.is_true(client:clear())
    assert.is_nil(client:read_query(LIST))
    wait_for(function() return other.run("return client:read_query([[%s]]) == nil", LIST) == "true" end)
    other.run("return client:query([[%s]])", LIST)
    wait_for(function() return client:read_query(LIST) ~= nil end) -- that nothing is there was in memory
    assert.is_true(client:sign_out())
    wait_for(function() return other.run("return client:read_query([[%s]]) == nil", LIST) == "true" end)
  end)

  it("have one that leads, and another one when that is killed", function()
    local path = kept.path "lead.db"
    other = start(path)
    open(path)
    local data, err = client:mutate(UPDATE, { id = "1", name = "mine" })
    assert.is_nil(data)
    assert.same({ "storage", "locked" }, { err.kind, err.code })
    assert.equal("mine", other.run("return client:mutate([[%s]], { id = '1', name = 'mine' }).updateTodo.name", UPDATE))
    other.kill()
    other = nil
    local took_s = wait_for(function()
      local answer = client:mutate(UPDATE, { id = "1", name = "ours" })
      return answer and answer.updateTodo.name == "ours"
    end)
    assert.is_true(took_s < MOVE_S, took_s)
  end)

  it("pass the lead on each time that the one that has it is killed", function()
    local path = kept.path "chain.db"
    other = start(path)
    for i = 1, 5 do
      local name = "round " .. i
      local next_one = start(path)
      assert.equal("locked", next_one.run("return select(2, client:mutate([[%s]], { id = '1', name = 'never' })).code", UPDATE))
      assert.equal(name, other.run("return client:mutate([[%s]], { id = '1', name = '%s' }).updateTodo.name", UPDATE, name))
      other.run("return client:query([[%s]], { id = '1' }, { fetch_policy = 'network-only' })", GET)
      other.kill()
      other = next_one
      local took_s = wait_for(function()
        return other.run("return (client:mutate([[%s]], { id = '2', name = '%s' })) ~= nil", UPDATE, name) == "true"
      end)
      assert.is_true(took_s < MOVE_S, took_s)
      assert.equal(name, other.run("return client:read_query([[%s]], { id = '1' }).getTodo.name", GET))
    end
    open(path)
    assert.equal("round 5", client:query(GET, { id = "1" }, { fetch_policy = "network-only" }).getTodo.name)
    assert.equal("round 5", client:query(GET, { id = "2" }, { fetch_policy = "network-only" }).getTodo.name)
  end)
end)
