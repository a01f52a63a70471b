-- Payloads of subscription events in every shape, by a byte-scripted peer: the common one has a way of its own.
local appsync = require "appsync"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local BOUND = 10

describe("the payload of a subscription's event", function()
  local client

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  local function events_of(payloads)
    local steps = { peer.handshake() }
    steps[#steps + 1] = { "ws_start" }
    steps[#steps + 1] = { "ws_send", '{"type":"start_ack","id":"%ID%"}' }
    for _, payload in ipairs(payloads) do
      steps[#steps + 1] = { "ws_send", ('{"type":"data","id":"%%ID%%","payload":%s}'):format(payload) }
    end
    steps[#steps + 1] = { "wait" }
    client = appsync.client{
      endpoint = peer.start{ connections = { steps } }.url, auth = { type = "API_KEY", api_key = "k" },
    }
    local s = client:subscribe("subscription { on { n } }"):subscribe()
    local events, errs = {}, {}
    for i = 1, #payloads do events[i], errs[i] = s:next(BOUND) end
    return events, errs
  end

  it("is its data, whatever stands beside it and in which order", function()
    local events, errs = events_of{
      '{"data":{"on":{"n":1}}}', '{ "data" : { "on" : { "n" : 2 } } }', '{"data":{"on":{"n":3}},"extensions":{"a":[1]}}',
      '{"extensions":{},"data":{"on":{"n":4}}}', '{"d\\u0061ta":{"on":{"n":5}}}', '{"data":{"on":{"n":6}},"errors":null}',
    }
    for i = 1, 6 do
      assert.is_nil(errs[i])
      assert.equal(i, events[i].on.n)
    end
  end)

  it("has the replacement character where a service cut a text, in values, keys and errors", function()
    local payloads, values = {}, {}
    for text, value in pairs{ ["cut off \\ud83d"] = "cut off \239\191\189", ["\\udc00x"] = "\239\191\189x",
      ["\\ude00\\ud83d"] = "\239\191\189\239\191\189" } do
      payloads[#payloads + 1] = ('{"data":{"on":{"%s":"%s"}}}'):format(text, text)
      payloads[#payloads + 1] = ('{"data":{"on":{"%s":"%s"}},"errors":[{"message":"%s"}]}'):format(text, text, text)
      values[#values + 1], values[#values + 2] = value, value
    end
    local events, errs = events_of(payloads)
    for i, value in ipairs(values) do
      assert.same({ on = { [value] = value } }, events[i])
      assert.equal(i % 2 == 0 and value or nil, errs[i] and errs[i].message)
    end
  end)

  it("without data has null for each field", function()
    local events, errs = events_of{ '{"data":null}', '{"data":{"on":null}}', '{}' }
    for i = 1, 3 do assert.equal(appsync.null, events[i].on) end
    assert.is_nil(errs[1])
    assert.is_nil(errs[2])
    assert.equal("protocol", errs[3].kind)
  end)

  it("has its errors beside the data, before it or after it", function()
    local events, errs = events_of{
      '{"data":{"on":{"n":1}},"errors":[{"message":"half"}]}', '{"errors":[{"message":"half"}],"data":{"on":{"n":1}}}',
    }
    for i = 1, 2 do
      assert.equal(1, events[i].on.n)
      assert.equal("half", errs[i].errors[1].message)
    end
  end)
end)
