-- Several processes that queue in one store: who of them sends, and whether what their calls were told is what the server did
-- (spec/support/effects.lua).
local appsync = require "appsync"
local process = require "spec.support.process"
local server = require "spec.support.server"

local leading = {
  MOVE_S = 2, -- within which another one leads
  ADD = "mutation A($opId: ID!) { add(opId: $opId, counter: \"c\", n: 1) { total } }", -- what is in doubt is never sent again
  ADD_ONCE = "mutation O($opId: ID!) { addOnce(opId: $opId, counter: \"c\", n: 1) { total } }", -- and here it is
  READ = "query C { counter(id: \"c\") { id total } }",
}

local OUTBOXES = 0x40000000 -- the first byte of the lock file that stands for an outbox (csrc/client/claim.c)

local function inode_of(path) return process.output_of("stat -c %i '" .. path .. "' 2>/dev/null"):match "%d+" end

---Which process sends; nil: none.
---@param store string
---@return integer? pid
function leading.leader_of(store)
  local inode = inode_of(store .. "-leader")
  for line in process.read("/proc/locks"):gmatch "[^\n]+" do
    local pid, number, first = line:match "^%d+: POSIX +ADVISORY +WRITE +(%d+) %x+:%x+:(%d+) (%d+) "
    if number and number == inode and tonumber(first) >= OUTBOXES then return tonumber(pid) end
  end
end

---Sends what is left in a store that nobody has open.
---@param endpoint string
---@param store string
---@return table<string, string> dead of the mutations that are dead letters, why
function leading.drain(endpoint, store)
  local client = appsync.assert(appsync.client{
    endpoint = endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = store, retry = { base = 0.02, cap = 0.2 },
  })
  appsync.assert(client:hydrated(10))
  appsync.assert(client.outbox:drain(60))
  local dead = {}
  for _, letter in ipairs(appsync.assert(client.outbox:dead_letters())) do dead[letter.variables.opId] = letter.cause.outcome end
  appsync.assert(client:close(10))
  return dead
end

---What a call of `mutate` was told.
---@return "done"|"queued"|"error"|string
function leading.outcome_of(err, info)
  if not err then return info.queued and "queued" or "done" end
  local cause = type(err.cause) == "table" and err.cause.outcome
  return cause or err.queued and "queued" or "error"
end

---Fails where a mutation is lost, has taken effect twice, or was answered with what isn't so.
---@param told table<string, string|false> by mutation, what its call was told; false: its process was killed before
---@param counts table<string, integer> effects
---@param dead table<string, string>
---@return {begun: integer, acknowledged: integer, done: integer, applied: integer, unknown: integer}
function leading.judge(told, counts, dead)
  local n = { begun = 0, acknowledged = 0, done = 0, applied = 0, unknown = 0 }
  for op, how in pairs(told) do
    local n_effects = counts[op] or 0
    assert(n_effects <= 1, op .. " has taken effect " .. n_effects .. " times")
    assert(how ~= "error", op .. " was refused")
    assert(how ~= "done" or n_effects == 1, op .. " was answered, and has no effect")
    assert(not how or n_effects == 1 or dead[op] == "unknown", ("%s was acknowledged (%s), and is lost"):format(op, tostring(how)))
    assert(not dead[op] or dead[op] == "unknown", op .. " is a dead letter: " .. tostring(dead[op]))
    n.begun, n.applied = n.begun + 1, n.applied + n_effects
    n.acknowledged, n.done = n.acknowledged + (how and 1 or 0), n.done + (how == "done" and 1 or 0)
    n.unknown = n.unknown + (dead[op] and 1 or 0)
  end
  return n
end

return leading
