-- Delta syncs on the stand-in for the core, with the documents of the real one, for unit specs: `core`, `appsync`, `client`, `queue`
-- and `log` are those of the present test.
local real = require "appsync.core"
local fake_core = require "spec.support.fake_core"

local syncing = {
  BASE = "query B($blog: ID, $limit: Int, $nextToken: String) "
    .. "{ listPosts(blog: $blog, limit: $limit, nextToken: $nextToken) { items { id title author { name } } nextToken } }",
  DELTA = "query D($lastSync: AWSTimestamp) { listPostsDelta(lastSync: $lastSync) { id title author { name } aws_ds } }",
  SUBSCRIPTION = "subscription S { onDeltaPost { id title author { name } aws_ds } }",
  GET = "query G($id: ID!) { getPost(id: $id) { id title } }",
}

---Another client on the same core.
function syncing.connect(options)
  options = options or {}
  options.endpoint = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql"
  options.auth = options.auth or { type = "API_KEY", api_key = "da2-secret" }
  options.log = function(level, message) table.insert(syncing.log, level .. ": " .. message) end
  syncing.client = syncing.appsync.client(options)
  return syncing.client
end

---A fresh core, and a client with a store in memory.
function syncing.open(options)
  syncing.core, syncing.log = fake_core.install(), {}
  syncing.core.document, syncing.core.parse = real.document, real.parse
  syncing.appsync = require "appsync"
  syncing.queue = syncing.core.queue("")
  options = options or {}
  if options.store == nil then options.store = ":memory:" end
  return syncing.connect(options)
end

---The parts of a sync, with what is given over them.
function syncing.options(over)
  local options = {
    base_query = { query = syncing.BASE }, delta_query = { query = syncing.DELTA }, subscription_query = { query = syncing.SUBSCRIPTION },
  }
  for name, value in pairs(over or {}) do options[name] = value ~= "none" and value or nil end
  return options
end

---Begins one; what the core has of it is the second result.
function syncing.start(over)
  local s = syncing.client:sync(syncing.options(over))
  return s, syncing.core.syncs[#syncing.core.syncs]
end

---The core says something of the newest one.
function syncing.event(what, fields, err)
  local event = { what = what }
  for name, value in pairs(fields or {}) do event[name] = value end
  syncing.core.push("SYNC", syncing.core.syncs[#syncing.core.syncs].id, what ~= "end" and event or { what = what }, err)
  syncing.drive()
end

---A large event, as the core has it.
function syncing.large_event(event)
  local text = assert(real.encode(event))
  syncing.core.push("SYNC", syncing.core.syncs[#syncing.core.syncs].id, (assert(real.builder(text))))
end

---What should make an event, and can't.
function syncing.broken_builder()
  return real.builder "[1,"
end

function syncing.state(phase, fields, err)
  local state = {
    phase = phase, records = 0, pages = 0, bytes = 0, total = 0, attempts = 0, truncated = false, ordered = true, delta_window = 1800,
    network_time = 0, local_time = 0, is_whole = false, quarantined = 0,
  }
  for name, value in pairs(fields or {}) do state[name] = value end
  syncing.event("state", state, err)
end

-- Once more, for what the core was told.
function syncing.drive(seconds)
  fake_core.drive(seconds)
  fake_core.drive()
end

---What was logged, without debug lines.
function syncing.told()
  local told = {}
  for _, line in ipairs(syncing.log) do
    if not line:find "^debug" then told[#told + 1] = line end
  end
  return told
end

return syncing
