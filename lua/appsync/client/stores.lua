---Which client has which part of which store: two that are open at once would write over each other.
local core = require "appsync.core"
local errors = require "appsync.errors"
local nginx = require "appsync.nginx"
local timer = require "appsync.timer"

local stores = {}

---@class appsync.client.Claim who holds it has the part
---@field root appsync.client.Root
---@field follows boolean? what another client has written may not be kept yet, and the first read is to wait for that

-- By file, key prefix and identity. A client that nobody has any more has nothing; one that was made before the modules were
-- loaded anew still has what it had.
local claims = core.claims

local function key_of(kept, identity)
  return table.concat({ kept.path, kept.key_prefix, identity }, "\n") -- none of them has a line break
end

-- Another client that is open; nil: there is none. In a child process those that the parent had opened are the parent's.
local function rival_of(root, key)
  local owner = claims[key] and claims[key].root
  if not owner or owner == root or owner:has_let_go() then return nil end
  local runtime = owner.handle.runtime
  if runtime and runtime ~= core.runtime() then return nil end
  return owner
end

local function abandon(rival)
  if rival:abandon() then timer.after(0, abandon, rival) end
end

-- The core's last word comes to the modules of now: those of before are told here, their calls with the next update.
local function retire(rival, root)
  rival:retire()
  if getmetatable(rival) == getmetatable(root) then return end
  rival:on_closed()
  if rival.abandon then timer.after(0, abandon, rival) end -- they may be of an earlier version
end

local function refuse(kept, identity, where)
  local whose = identity ~= "" and (" and identity " .. errors.quoted(identity)) or ""
  errors.misuse("%s: another client of this program has the store %s with key_prefix %s%s open; close it first, give "
    .. "another key_prefix, or take it over with reopen = true", where, errors.quoted(kept.path),
    errors.quoted(kept.key_prefix), whose)
end

---A part of a client's store is its own while anybody holds the claim. Throws where another client has it, unless that is
---garbage, or this one was made with `reopen`: then the other one is closed.
---@param root appsync.client.Root
---@param identity string
---@param where string
---@return appsync.client.Claim? claim nil: there is no store that others could have
function stores.claim(root, identity, where)
  local kept = root.settings.cache
  if not kept or not kept.path then return nil end
  local key = key_of(kept, identity)
  if rival_of(root, key) then collectgarbage() end
  local rival = rival_of(root, key)
  if rival and not root.reopen then refuse(kept, identity, where) end
  if rival then retire(rival, root) end
  local claim = claims[key]
  if claim and claim.root == root then return claim end
  local follows = rival ~= nil or claim ~= nil and not claim.root.is_closed
  claim = { root = root, follows = follows }
  claims[key] = claim
  return claim
end

---Whether the part's first read is to wait, which it does without letting others go on: a worker of nginx would serve nobody. Asked
---once: one that is opened later has nothing to wait for.
---@param claim appsync.client.Claim?
---@return boolean? follows
function stores.follows(claim)
  if not claim or nginx.is_here then return nil end
  local follows = claim.follows
  claim.follows = nil
  return follows
end

return stores
