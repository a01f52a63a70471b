---A table that gets versions, or loses them. Without them the metadata stays where it is, tombstones too: they are items
---like any other, as on the service (Amplify documentation, "Disable conflict resolution").
local each_item = require "appsync.server.data.each_item"
local result = require "appsync.server.graphql.result"
local versions = require "appsync.server.data.versions.versions"

local migration = {}

local MAX_INT = 2147483647 -- of GraphQL's Int

-- Without versions a resolver may have put anything in this place.
local function known_version(item)
  local version = item._version
  local is_version = type(version) == "number" and version == math.floor(version) and version > 0 and version < MAX_INT
  return is_version and version or 0
end

-- Nobody has counted what was done meanwhile: every item counts as changed now, so that no client's version is right, and
-- no sync goes by a journal that knows less.
---@return integer since_ms
local function begin(store, table_id, config, now_ms)
  local since_ms = 0 -- of a table without items the journal knows all there is
  each_item(store, table_id, function(seq, item)
    since_ms = now_ms
    item._version, item._lastChangedAt = known_version(item) + 1, now_ms
    if item._deleted == true then
      item._ttl = math.floor(now_ms / 1000) + config.base_ttl_s
      store:run("INSERT INTO tombstones VALUES (?, ?, ?)", seq, table_id, item._ttl)
    else
      item._deleted, item._ttl = nil, nil
    end
    store:run("UPDATE items SET json = ? WHERE seq = ?", result.text(item), seq)
  end)
  store:run("INSERT INTO versions VALUES (?, ?)", table_id, since_ms)
  store.cache:clear()
  return since_ms
end

local function finish(store, table_id)
  store:run("DELETE FROM versions WHERE table_id = ?", table_id)
  store:run("DELETE FROM journal WHERE table_id = ?", table_id)
  store:run("DELETE FROM tombstones WHERE table_id = ?", table_id)
end

---Brings the items of a table to what a model wants, inside of a transaction.
---@param store appsync.server.Store
---@param table_id integer
---@param config appsync.server.VersionsLayout? nil: without versions
---@return integer? since_ms after which every change is in the journal
function migration.prepare(store, table_id, config)
  local since_ms = store:values("SELECT since FROM versions WHERE table_id = ?", table_id)[1]
  if config and not since_ms then
    since_ms = begin(store, table_id, config, versions.ms(config.now()))
  elseif since_ms and not config then
    finish(store, table_id)
    since_ms = nil
  end
  return since_ms
end

return migration
