-- One client with subscriptions to a byte-scripted realtime server.
local appsync = require "appsync"
local assert = require "luassert"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wait_for = require "spec.support.wait"

-- Under valgrind and the sanitizers everything takes longer.
local PATIENCE = require "spec.support.patience"

-- `server`, `client` and `log` are those of the present test.
local realtime_peer = { log = {}, BOUND = 10 * PATIENCE, DOCUMENT = "subscription { on { n } }" }

--- One list of steps from steps and lists of steps.
function realtime_peer.list(...)
  local all = {}
  for _, item in ipairs{ ... } do
    if type(item[1]) == "table" then
      for _, step in ipairs(item) do all[#all + 1] = step end
    else
      all[#all + 1] = item
    end
  end
  return all
end

--- An event of this number.
function realtime_peer.data(n, id)
  return { "ws_send", ('{"type":"data","id":"%s","payload":{"data":{"on":{"n":%d}}}}'):format(id or "%ID%", n) }
end

realtime_peer.HANDSHAKE = { peer.handshake() }
realtime_peer.ACK_START = { "ws_send", '{"type":"start_ack","id":"%ID%"}' }
realtime_peer.WAIT = { "wait" }
realtime_peer.STARTED = realtime_peer.list(realtime_peer.HANDSHAKE, { "ws_start" }, realtime_peer.ACK_START)
--- What a connection does that works: one event of 99.
realtime_peer.GOOD = realtime_peer.list(realtime_peer.STARTED, realtime_peer.data(99), realtime_peer.WAIT)

function realtime_peer.connect(script, options)
  realtime_peer.server = peer.start(script)
  options = options or {}
  options.endpoint = realtime_peer.server.url
  options.auth = options.auth or { type = "API_KEY", api_key = "da2-top-secret" }
  options.timeouts = options.timeouts or { connect = 3 * PATIENCE, ack = 3 * PATIENCE }
  options.retry = options.retry or { base = 0.01, cap = 0.05 }
  local log = realtime_peer.log
  options.log = function(level, message) log[#log + 1] = level .. " " .. message end
  realtime_peer.client = appsync.client(options)
  return realtime_peer.client
end

--- After each test.
function realtime_peer.stop()
  if realtime_peer.client then assert.is_true(realtime_peer.client:close(5)) end
  realtime_peer.client, realtime_peer.log = nil, {}
  process.stop_all()
end

function realtime_peer.subscribe(document)
  return realtime_peer.client:subscribe(document or realtime_peer.DOCUMENT):subscribe()
end

function realtime_peer.next_n(s)
  local event, err = s:next(realtime_peer.BOUND)
  assert.is_nil(err, tostring(err) .. "\n" .. realtime_peer.server.log())
  return event.on.n
end

--- How it ends.
function realtime_peer.end_of(s)
  while true do
    local event, err = s:next(realtime_peer.BOUND)
    if event == nil then return err end
  end
end

function realtime_peer.wait(what, fn) return wait_for(fn, what, realtime_peer.server.log) end

--- Waits for what the server logs.
function realtime_peer.wait_for_log(text)
  realtime_peer.wait(text, function() return realtime_peer.server.log():find(text, 1, true) end)
end

function realtime_peer.was_logged(text)
  return table.concat(realtime_peer.log, "\n"):find(text, 1, true) ~= nil
end

function realtime_peer.no_secret(err)
  assert.is_nil((tostring(err) .. table.concat(realtime_peer.log, "\n")):find("top-secret", 1, true))
end

--- The first connection goes wrong in this way, a later one works: the second, unless the machine is so busy that what
--- has a short time-out fails again.
function realtime_peer.survives(steps, options)
  realtime_peer.connect({ connections = { steps, realtime_peer.GOOD }, ["repeat"] = true }, options)
  local s = realtime_peer.subscribe()
  assert.equal(99, realtime_peer.next_n(s))
  return s
end

--- The first connection goes wrong in this way, and that is the end.
function realtime_peer.fails(steps, options, tls)
  realtime_peer.connect({ connections = { steps }, tls = tls }, options)
  local s = realtime_peer.subscribe()
  local ok, err = s:ready(realtime_peer.BOUND)
  assert.is_nil(ok)
  assert.is_nil(realtime_peer.server.log():find("surplus", 1, true), realtime_peer.server.log())
  realtime_peer.no_secret(err)
  return err, s
end

return realtime_peer
