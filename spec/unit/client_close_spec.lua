local fake_core = require "spec.support.fake_core"
local misuse = require("spec.support.misuse").raised_there

local drive = fake_core.drive
local ENDPOINT = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql"
local QUERY = "query Q($id: ID) { getPost(id: $id) { id } listPosts { id } }"

describe("the client", function()
  local core, appsync, client

  before_each(function()
    local _
    core, appsync, _, client = fake_core.open_client(ENDPOINT)
  end)

  describe("close", function()
    it("ends waiting calls with kind closed, is safe twice, and later calls say closed", function()
      local got
      appsync.run(function()
        appsync.spawn(function() got = select(2, client:query(QUERY)) end)
        appsync.spawn(function() assert.is_true(client:close()) end)
      end)
      assert.equal("closed", got.kind)
      assert.is_true(client:close())
      local value, err = client:query(QUERY)
      assert.is_nil(value)
      assert.equal("closed", err.kind)
      assert.equal("closed", select(2, client:subscribe("subscription S { a }"):next()).kind)
      assert.is_number(core.runtime_closed)
    end)

    local function quiet(c, options)
      options = options or {}
      options.on_result = options.on_result or function() end
      return (c or client):query(QUERY, nil, options)
    end

    -- Lets calls end one after the other, each when the library blocks next.
    local function answer(...)
      for _, i in ipairs{ ... } do
        core.step(function() core.reply({ n = i }, nil, nil, core.executed[i].id) end)
      end
    end

    it("waits for what is in flight: calls of all kinds, and of clients made by with", function()
      local got = {}
      local function keep(name) return function(data, err) got[name] = data and data.n or err.kind end end
      client:query(QUERY, nil, { on_result = keep "query" })
      client:mutate("mutation M { a }", nil, { on_result = keep "mutation" })
      client:with{ auth = { type = "AWS_LAMBDA", token = "user" } }:query(QUERY, nil, { on_result = keep "user" })
      appsync.spawn(function() keep "task"(client:query(QUERY)) end)
      drive()
      answer(1, 2, 3, 4)
      assert.is_true(client:close())
      assert.same({ query = 1, mutation = 2, user = 3, task = 4 }, got)
      assert.is_true(core.clients[1].is_closed)
      assert.equal(1000, core.time)
    end)

    it("ends the rest with kind closed after its timeout, a second by default", function()
      for seconds, given in pairs{ [1] = false, [3] = 3, [0] = 0, [0.25] = { timeout = 0.25 } } do
        local _
        core, appsync, _, client = fake_core.open_client(ENDPOINT)
        local got
        quiet(client, { on_result = function(_, err) got = err.kind end })
        assert.is_true(client:close(given or nil))
        assert.equal("closed", got)
        assert.equal(1000 + seconds, core.time)
      end
    end)

    it("refuses new calls and completes subscriptions at once", function()
      local ended, got, kinds = 0, nil, {}
      client:subscribe("subscription S { a }"):subscribe{ next = function() end, complete = function() ended = ended + 1 end }
      quiet(client, { on_result = function(data) got = data.n end })
      client:close{ on_result = function(ok) kinds.closed = ok end }
      drive()
      assert.equal(1, ended)
      assert.is_falsy(core.clients[1].is_closed)
      for name, c in pairs{ own = client, user = client:with{ headers = { a = "b" } } } do
        quiet(c, { on_result = function(_, err) kinds[name] = err.kind end })
      end
      client:subscribe("subscription S { a }"):subscribe{ next = function() end, error = function(err) kinds.subscription = err.kind end }
      drive()
      assert.same({ own = "closed", user = "closed", subscription = "closed" }, kinds)
      assert.equal(1, #core.executed)
      core.reply({ n = 1 })
      drive()
      drive() -- the core's last word
      assert.same({ 1, true }, { got, kinds.closed })
    end)

    it("lets a call go on whose headers are being made, and refuses it when the time is over", function()
      local got = {}
      local function run(seconds)
        quiet(client, { headers = function()
          appsync.sleep(seconds)
          return { a = "b" }
        end, on_result = function(data, err) got[#got + 1] = data and data.n or err.kind end })
      end
      run(0.5)
      core.step(function() core.time = core.time + 0.5 end)
      answer(1)
      assert.is_true(client:close(2))
      client = appsync.client{ endpoint = ENDPOINT, auth = { type = "NONE" } }
      run(0.5)
      assert.is_true(client:close(0.25))
      drive(1)
      assert.same({ 1, "closed" }, got)
      assert.equal(1, #core.executed)
    end)

    it("ends by the earliest of several, each of which waits for the end", function()
      local closed = 0
      quiet()
      for _, seconds in ipairs{ 10, math.huge, 5, 7 } do
        client:close{ timeout = seconds, on_result = function(ok) closed = closed + (ok and 1 or 100) end }
      end
      drive(4)
      assert.equal(0, closed)
      drive(1)
      drive()
      assert.equal(4, closed)
      assert.equal(1, core.clients[1].n_leaves)
    end)

    it("is ended at once by one with 0", function()
      local first
      quiet()
      client:close{ timeout = 10, on_result = function(ok) first = ok end }
      assert.is_true(client:close(0))
      drive()
      assert.is_true(first)
      assert.equal(1000, core.time)
    end)

    it("goes on where whoever waited for it was cancelled", function()
      quiet()
      local closing = appsync.spawn(function() client:close(10) end)
      drive()
      closing:cancel()
      drive()
      assert.is_falsy(core.clients[1].is_closed)
      core.reply({ n = 1 })
      drive()
      assert.is_true(core.clients[1].is_closed)
      assert.is_true(client:close())
    end)

    it("may be called by callbacks", function()
      local closed = {}
      client:subscribe("subscription S { a }"):subscribe{ next = function() closed.next = client:close() end,
        complete = function() closed.complete = client:close() end }
      quiet(client, { on_result = function() closed.on_result = client:close() end })
      core.push("SUB_DATA", core.subscribed[1].id, { a = 1 }, nil, 0)
      core.reply({ n = 1 })
      for _ = 1, 3 do drive() end
      assert.same({ next = true, complete = true, on_result = true }, closed)
      assert.equal(1000, core.time)
    end)

    it("of a headers function ends its own call when the time is over", function()
      local closed, kind
      quiet(client, { headers = function() closed = client:close(0.5) end, on_result = function(_, err) kind = err.kind end })
      drive(0.5)
      drive()
      assert.same({ true, "closed" }, { closed, kind })
      assert.equal(0, #core.executed)
    end)

    it("doesn't wait for calls that were cancelled or thrown out", function()
      local stuck = quiet(client, { headers = function()
        appsync.sleep(1)
        appsync.sleep(1) -- raises: the task was cancelled
      end })
      local waiting = quiet()
      drive()
      stuck:cancel()
      waiting:cancel()
      drive()
      misuse(function() client:query(QUERY, { id = print }) end)
      assert.is_true(client:close(10))
      assert.equal(1000, core.time)
    end)

    it("in a child process ends at once", function()
      quiet()
      core.is_forked = true
      assert.is_true(client:close())
      assert.is_true(client:close())
      assert.equal(1000, core.time)
    end)

    it("of a client that was never used opens nothing", function()
      assert.is_true(client:close())
      assert.equal(0, core.n_runtimes)
      assert.equal("closed", select(2, client:query(QUERY)).kind)
    end)

    it("has a time-out for a core that says nothing", function()
      client:query(QUERY, nil, { on_result = function() end })
      core.is_close_held = true
      local ok, err = client:close(2)
      assert.is_nil(ok)
      assert.equal("timeout", err.kind)
    end)

    it("holds up no frame of a game for a core that says nothing, nor the end of its Lua state", function()
      local ended
      drive()
      client:query(QUERY, nil, { on_result = function(_, err) ended = err.kind end })
      core.is_close_held = true
      core.step(function() core.time = core.time + 0.25 end) -- its time
      assert.same({ true }, { client:close(0.25) })
      assert.near(1000.25, core.time, 0.021)
      assert.same({ "closed", true }, { ended, core.is_left })
      assert.is_nil(core.runtime_closed)
      core.push("CLOSED", core.clients[1].id())
      drive()
      assert.is_true(client:close())
    end)

    it("leaves the runtime open while another client or a descriptor is in use", function()
      local other = appsync.client{ endpoint = ENDPOINT, auth = { type = "NONE" } }
      other:query(QUERY, nil, { on_result = function() end })
      client:query(QUERY, nil, { on_result = function() end })
      client:close()
      assert.is_nil(core.runtime_closed)
      appsync.fd()
      other:close()
      assert.is_nil(core.runtime_closed)
    end)

    it("happens by itself when an idle client is collected", function()
      local function use()
        local idle = appsync.client{ endpoint = ENDPOINT, auth = { type = "NONE" } }
        core.step(function() core.reply({ a = 1 }) end)
        idle:query(QUERY)
      end
      use()
      client:query(QUERY, nil, { on_result = function() end })
      fake_core.collect()
      assert.is_true(core.clients[1].is_closed)
      drive() -- its CLOSED event finds nobody
    end)

    it("doesn't happen while a call or a subscription is alive", function()
      local seen = {}
      local function use()
        local busy = appsync.client{ endpoint = ENDPOINT, auth = { type = "NONE" } }
        busy:subscribe("subscription S { a }"):subscribe(function(d) table.insert(seen, d.a) end)
      end
      use()
      client:query(QUERY, nil, { on_result = function() end })
      fake_core.collect()
      assert.is_falsy(core.clients[1].is_closed)
      core.push("SUB_DATA", core.subscribed[1].id, { a = 1 }, nil, 0)
      drive()
      assert.same({ 1 }, seen)
    end)
  end)
end)
