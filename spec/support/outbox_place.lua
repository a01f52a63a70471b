-- A store, its server with faults and its log: what processes with an outbox (spec/crash/outbox_writer.lua) live on until they are
-- killed, or lose their power. Then, quietly: whether all that they were told, and all that the service has done, can be true.
local core = require "appsync.core"
local effects = require "spec.support.effects"
local judge = require "spec.support.outbox_judge"
local listener = require "appsync.server.native"
local ops = require "spec.support.outbox_ops"
local process = require "spec.support.process"
local socket = require "socket"

local outbox_place = {}

local SETTLED_SECONDS = 0.3 -- what was sent last has come by then
local PATIENCE = 120 -- of a writer that comes to its end
local IDENTITIES = { "-", "-", "ann", "ann,bob", "-,ann,bob,eve" }

---@class spec.OutboxPlace
---@field first_seed integer of the run
---@field seed integer
---@field served table spec.support.effects
---@field store string
---@field log string
---@field order string
---@field identities string
---@field n_runs integer
local Place = {}
Place.__index = Place

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Starts a writer.
---@param mode string
---@param words string before its command
---@param after string|number|nil seconds until it kills itself
---@return fun(): integer, string wait until it has ended; its status, and what it printed
function Place:start(mode, words, after)
  local command = ("%s %s spec/crash/outbox_writer.lua %s %s %s %s %d r%d %s %s %s 2>&1; echo \"status $?\""):format(words, arg[-1], mode,
    self.served.endpoint, quote(self.store), quote(self.log), self.seed + self.n_runs * 7, self.n_runs, self.order, self.identities,
    after or "")
  local pipe = assert(io.popen(command))
  self.n_runs = self.n_runs + 1
  return function()
    local printed = pipe:read "*a"
    pipe:close()
    local text, status = printed:match "^(.-)status (%d+)\n$"
    return tonumber(status), text
  end
end

--- Runs a writer until it ends.
---@param mode string
---@param words string
---@param after string|number|nil
---@return integer status
---@return string printed
function Place:run(mode, words, after) return self:start(mode, words, after)() end

--- The words that kill a process after so many seconds.
---@param seconds number
---@return string words
function outbox_place.within(seconds) return ("timeout --foreground -s KILL %.3f"):format(seconds) end

---@param mode string
function Place:run_to_the_end(mode)
  local status, text = self:run(mode, outbox_place.within(PATIENCE))
  if status ~= 0 then error(("mode %s ended with status %s: %s"):format(mode, tostring(status), text), 0) end
end

local FAULTS = {
  lost_answer = 0.05, half_answer = 0.03, error_after = 0.04, crash_after = 0.01, crash = 0.006, silence = 0.01, reset = 0.03,
  unauthorized = 0.02, throttled = 0.02, unavailable = 0.01, error = 0.03, delay = 0.06, late_answer = 0.06,
}

local OPTIONS = {
  error_after = function() return { status = math.random(2) == 1 and 500 or 502 } end,
  crash_after = function() return { down_ms = math.random(0, 150) } end,
  crash = function() return { down_ms = math.random(0, 150) } end,
  delay = function() return { ms = math.random(1, 120) } end,
  late_answer = function() return { ms = math.random(1, 120) } end,
}

-- Queries meet them, too: those that read the record of a mutation in doubt.
local OF_QUERIES = { "lost_answer", "half_answer", "throttled", "unavailable", "unauthorized" }

--- At random, until they are ended by `check`.
function Place:play_faults()
  local wanted, weight = {}, math.random(4) / 2
  for name, probability in pairs(FAULTS) do
    local options = OPTIONS[name] and OPTIONS[name]() or {}
    options.probability = math.min(probability * weight, 1)
    wanted[name] = options
  end
  for _, name in ipairs(OF_QUERIES) do
    wanted["query_" .. name] = { fault = name, name = "query_" .. name, kind = "query", probability = 0.03 * weight }
  end
  self.served.chaos(self.seed, wanted)
end

local function ask(served, query, variables)
  local answer, status = served.ask(query, variables)
  assert(status == 200 and not answer.errors, "the server doesn't answer: " .. tostring(core.encode{ answer }))
  return answer.data
end

local function state_of(served)
  local state = { effects = {}, lists = {}, counters = {} }
  for _, effect in ipairs(served.effects()) do
    if effect.key ~= "made" then state.effects[#state.effects + 1] = effect end
  end
  for name, document in pairs(ops.LISTS) do state.lists[name] = ops.items_of(ask(served, document)) end
  for i = 1, 4 do state.counters["c" .. i] = ask(served, ops.COUNTER, { id = "c" .. i }).counter end
  return state
end

local function check_integrity(store)
  local db = assert(listener.sqlite_open(store))
  local rows = assert(db:values "PRAGMA integrity_check")
  db:close()
  assert(rows[1] == "ok", "integrity_check: " .. tostring(rows[1]))
end

--- They are there before a client asks for them.
function Place:make_counters()
  for i = 1, 4 do
    ask(self.served, "mutation M($id: ID!) { add(opId: \"made\", counter: $id, n: 1) { total } }", { id = "c" .. i })
  end
end

--- Sends what is queued, and looks at all of it. Raises what is wrong.
---@return table<string, integer> counts of mutations
function Place:check()
  local served = self.served
  served.calm()
  socket.sleep(SETTLED_SECONDS)
  self:run_to_the_end "drain"
  self:run_to_the_end "read"
  check_integrity(self.store)
  local story = judge.read(process.read(self.log))
  local state = state_of(served)
  process.write(self.log .. ".server", core.encode(state))
  local complaints, counts = story:check(state)
  if #complaints > 0 then error(table.concat(complaints, "\n", 1, math.min(#complaints, 30)), 0) end
  return counts
end

-- What it has, for one who looks at it.
local function describe(self, why)
  return ("SEED=%d, store %s (%s, identities %s), log %s, server %s:\n%s"):format(self.first_seed, self.store, self.order, self.identities,
    self.log, process.read(self.served.handle.log), why)
end

--- The i-th place of a run, in this folder.
---@param i integer
---@param path string
---@param seed integer of the run
---@return spec.OutboxPlace
function outbox_place.new(i, path, seed)
  local self = setmetatable({
    first_seed = seed, seed = seed + i * 1000, served = effects.start(), n_runs = 0, order = math.random(2) == 1 and "serial" or "entity",
    store = ("%s/%d.db"):format(path, i), log = ("%s/%d.log"):format(path, i), identities = IDENTITIES[math.random(#IDENTITIES)],
  }, Place)
  process.write(self.log, "")
  return self
end

--- Calls `live` with the place; what is wrong then is raised with all that helps to look at it, and the files stay.
---@param live fun(place: spec.OutboxPlace): table
---@return table result of `live`
function Place:with(live)
  local ok, result = pcall(live, self)
  if not ok then error(describe(self, tostring(result)), 0) end
  self.served.stop()
  os.execute(("rm -f %s* %s*"):format(quote(self.store), quote(self.log)))
  return result
end

return outbox_place
