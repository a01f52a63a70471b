-- A mutation that waits for what a function of the application gives, as after "sign in again": it isn't being sent yet.
local appsync = require "appsync"
local outbox = require "spec.support.outbox"
local wait_for = require "spec.support.wait"

describe("a mutation that waits for headers or a token", function()
  local client, is_open, call

  setup(function() outbox.begin() end)
  teardown(outbox.finish)
  before_each(outbox.new_store)
  after_each(function()
    is_open = true
    outbox.close_all()
  end)

  local function ask()
    while not is_open do appsync.sleep(0.005) end
    return {}
  end

  local WAYS = {
    headers = function() return { headers = ask } end,
    ["a token"] = function() return { auth = { type = "AWS_LAMBDA", token = function() ask() return "token" end } } end,
  }

  -- Its id, once it is asked for.
  local function begin(options, id, mutation_options)
    is_open, call = false, {}
    client = outbox.connect(options)
    appsync.spawn(function() call.data, call.err = client:mutate(outbox.CREATE, { id = id, name = "one" }, mutation_options) end)
    wait_for(function() return client.outbox:list()[1] end, "the mutation")
    return client.outbox:list()[1].id
  end

  for what, options in pairs(WAYS) do
    it("can be discarded, and wasn't sent: " .. what, function()
      local id = begin(options(), "a" .. #what)
      wait_for(function() return client.outbox:discard(id) end, "that it isn't being sent")
      wait_for(function() return call.err end, "the call")
      assert.same({ "cancelled", false }, { call.err.kind, call.err.sent })
      is_open = true
      assert(client.outbox:drain(10))
      assert.same({ {}, {} }, { client.outbox:dead_letters(), client.outbox:results() })
      assert.equal("", outbox.names "a")
    end)
  end

  it("can be given other variables, which are sent", function()
    local id = begin(WAYS.headers(), "b1")
    wait_for(function() return client.outbox:edit(id, { id = "b1", name = "two" }) end, "that it isn't being sent")
    is_open = true
    wait_for(function() return call.data end, "the call")
    assert.equal("two", call.data.createTodo.name)
    assert.equal("two", outbox.names "b1")
    assert.equal(1, #client.outbox:results())
  end)

  it("goes to the identity that adopts it, which leaves no function behind", function()
    local kept = setmetatable({}, { __mode = "v" })
    local function update_of()
      local function update() end
      kept[1] = update
      return update
    end
    begin({ headers = ask, identity = "guest" }, "c1", { update = update_of() })
    local ann = client:with{ identity = "ann", headers = {} }
    wait_for(function() return ann:adopt{ from = "guest" } end, "that it isn't being sent")
    wait_for(function() return call.err end, "the call")
    is_open = true
    assert(ann.outbox:drain(10))
    assert.equal("one", outbox.names "c1")
    assert.equal(1, #ann.outbox:results())
    wait_for(function() collectgarbage() return kept[1] == nil end, "the function to be collected")
  end)
end)
