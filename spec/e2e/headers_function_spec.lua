-- Functions that give headers and don't answer: they hold back their own call alone.
local appsync = require "appsync"
local realtime = require "spec.support.realtime_peer"

local OTHER = "subscription { on { n m } }"

local function never() appsync.sleep(math.huge) end

describe("a headers function that doesn't answer", function()
  after_each(realtime.stop)

  local function query(options)
    realtime.connect({ connections = { { { "request" }, { "http", 200, {}, '{"data":{"a":1}}' }, { "wait" } } } })
    return realtime.client:query("{ a }", nil, options)
  end

  local function is_overdue(data, err)
    assert.is_nil(data)
    assert.equal("timeout", err.kind)
    assert.equal("headers_timeout", err.code)
    assert.equal("the headers function did not answer within 0.05 s", err.message)
    assert.is_false(err.sent)
    assert.is_nil(realtime.server.log():find("request", 1, true))
  end

  it("ends its query when the call's time is over", function()
    is_overdue(query{ timeout = 0.05, headers = never })
  end)

  it("ends its query in a task, which goes on", function()
    appsync.run(function() is_overdue(query{ timeout = 0.05, headers = never }) end)
  end)

  it("is cancelled with its task", function()
    local seen
    local task = appsync.spawn(query, { headers = function()
      seen = "asked"
      local _, err = appsync.sleep(math.huge)
      seen = err.kind
    end })
    realtime.server = { log = function() return "" end }
    realtime.wait("the question", function() return seen == "asked" end)
    task:cancel()
    realtime.wait("the cancel", function() return seen == "cancelled" end)
    assert.equal("cancelled", task:status())
  end)

  it("takes its time from the call's", function()
    local data, err = query{ timeout = 0.05, headers = function()
      repeat local ok = appsync.sleep(0.01) until not ok
      return {}
    end }
    is_overdue(data, err)
  end)

  describe("lets the connection be opened by", function()
    before_each(function()
      realtime.connect{ connections = { realtime.list(realtime.STARTED, realtime.data(1), realtime.WAIT) } }
    end)

    local function opens(options)
      local stuck = realtime.client:subscribe(OTHER, nil, { headers = never }):subscribe()
      local s = realtime.client:subscribe(realtime.DOCUMENT, nil, options):subscribe()
      assert.equal(1, realtime.next_n(s))
      assert.equal("timeout", select(2, stuck:ready(0)).kind)
    end

    it("a subscription without one", function() opens() end)

    it("one whose own function answers", function()
      opens{ headers = function() return { ["X-Mine"] = "yes" } end }
      realtime.wait_for_log('"X-Mine":"yes"')
    end)
  end)

  it("holds back no other subscription that connects again", function()
    local first = realtime.list(realtime.STARTED, { "ws_start" }, realtime.ACK_START, realtime.data(1), { "ws_close", 1001, "" })
    realtime.connect{ connections = { first, realtime.GOOD } }
    local is_asked
    local function once()
      if is_asked then never() end
      is_asked = true
      return {}
    end
    local stuck = realtime.client:subscribe(OTHER, nil, { headers = once }):subscribe()
    assert.is_true(stuck:ready(realtime.BOUND))
    local s = realtime.subscribe()
    assert.equal(1, realtime.next_n(s))
    assert.equal(99, realtime.next_n(s))
  end)
end)
