-- An application whose items get their ids from the service (spec/support/effects_server.lua), with an outbox in a file: `client` and
-- `served` are those of the present test.
local appsync = require "appsync"
local effects = require "spec.support.effects"
local folder = require "spec.support.folder"
local process = require "spec.support.process"

local FIELDS = "{ id name rank parent links }"

local items = {
  CREATE = "mutation C($input: ItemInput!) { createItem(input: $input) " .. FIELDS .. " }",
  UPDATE = "mutation U($id: ID!, $name: String, $rank: Int) { updateItem(id: $id, name: $name, rank: $rank) " .. FIELDS .. " }",
  REMOVE = "mutation R($id: ID!) { removeItem(id: $id) " .. FIELDS .. " }",
  LIST = "query L { items " .. FIELDS .. " }",
  BELOW = "query B($parent: ID) { items(parent: $parent) " .. FIELDS .. " }",
  GET = "query G($id: ID!) { item(id: $id) " .. FIELDS .. " }",
  ON_UPDATE = "subscription S($id: ID) { onUpdateItem(id: $id) " .. FIELDS .. " }",
}

local null = appsync.null

local made, n_stores = nil, 0

---Before all tests of a file, and after them.
function items.begin()
  made = folder.make()
  items.served = effects.start()
end

function items.finish()
  items.served.stop()
  made.remove()
  process.stop_all()
end

---@return string path of the test's store
function items.path()
  return ("%s/%d.db"):format(made.path, n_stores)
end

function items.new_store()
  n_stores = n_stores + 1
  if items.client then items.client:close(0) end
end

---Before each test: the service has none. And after it.
function items.reset()
  items.new_store()
  for _, item in ipairs(items.served.ask(items.LIST).data.items) do items.served.ask(items.REMOVE, { id = item.id }) end
end

function items.leave()
  items.client:close(0)
  items.served.calm()
end

function items.connect(options)
  options = options or {}
  options.endpoint, options.realtime_endpoint = items.served.endpoint, items.served.realtime
  options.auth = { type = "API_KEY", api_key = effects.API_KEY }
  options.store = options.store or items.path()
  options.log = function() end
  options.cache = options.cache or { lookups = { ["Query.item"] = "Item" } }
  items.client = assert(appsync.client(options))
  return items.client
end

function items.offline(options)
  items.connect(options)
  items.client:set_online(false)
  return items.client
end

---The process ends and begins anew.
function items.restart(options)
  items.client:close(0)
  return items.offline(options)
end

---Until nothing is queued.
function items.online()
  items.client:set_online(true)
  assert(items.client.outbox:drain{ timeout = 20 })
end

function items.item(id, name, more)
  local value = { __typename = "Item", id = id, name = name, rank = null, parent = null, links = null }
  for key, other in pairs(more or {}) do value[key] = other end
  return value
end

function items.create(temporary, name, more, options)
  local input = { name = name }
  for key, other in pairs(more or {}) do input[key] = other end
  options = options or {}
  options.optimistic_response = { createItem = items.item(temporary, name, more) }
  local data, err, info = items.client:mutate(items.CREATE, { input = input }, options)
  assert(data, err)
  return data, info
end

function items.update(id, name, options)
  options = options or {}
  options.optimistic_response = options.optimistic_response or { updateItem = items.item(id, name) }
  local data, err, info = items.client:mutate(items.UPDATE, { id = id, name = name }, options)
  assert(data, err)
  return data, info
end

---What the service has, by name.
function items.at_service()
  local by_name = {}
  for _, each in ipairs(items.served.ask(items.LIST).data.items) do by_name[each.name] = each end
  return by_name
end

function items.dead()
  return assert(items.client.outbox:dead_letters{})
end

return items
