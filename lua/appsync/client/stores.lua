---Which client has which part of which store: two that are open at once would write over each other.
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"

local stores = {}

-- Root by file, key prefix and identity. A client that nobody has any more has nothing.
local owners = setmetatable({}, { __mode = "v" })

local function key_of(root, identity)
  local kept = root.settings.cache
  return table.concat({ kept.path, kept.key_prefix, identity }, "\n") -- none of them has a line break
end

-- Another client that is open; nil: there is none. In a child process those that the parent had opened are the parent's.
local function rival_of(root, key)
  local owner = owners[key]
  if not owner or owner == root or owner:has_let_go() then return nil end
  local runtime = owner.handle.runtime
  if runtime and runtime ~= dispatch.runtime() then return nil end
  return owner
end

local function refuse(root, identity, where)
  local kept = root.settings.cache
  local whose = identity ~= "" and (" and identity " .. errors.quoted(identity)) or ""
  errors.misuse("%s: another client of this program has the store %s with key_prefix %s%s open; close it first, give "
    .. "another key_prefix, or take it over with reopen = true", where, errors.quoted(kept.path),
    errors.quoted(kept.key_prefix), whose)
end

---A client has this part of its store from now on. Throws where another one has it, unless that is garbage, or this one
---was made with `reopen`: then the other one is closed.
---@param root appsync.client.Root
---@param identity string
---@param where string
function stores.claim(root, identity, where)
  if not root.settings.cache or not root.settings.cache.path then return end
  local key = key_of(root, identity)
  if rival_of(root, key) then collectgarbage() end
  local rival = rival_of(root, key)
  if rival and not root.reopen then refuse(root, identity, where) end
  if rival then rival:retire() end
  owners[key] = root
end

return stores
