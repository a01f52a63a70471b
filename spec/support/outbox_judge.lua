-- What the writers of one store were told, what their outbox has, what the service has done, and what their cache shows: whether
-- all of this can be true at once (spec/crash/outbox.lua).
local core = require "appsync.core"
local ops = require "spec.support.outbox_ops"

local judge = {}

local null = core.null

---@class spec.OutboxStory
---@field begun table[] in order
---@field acks table<string, table> by op
---@field told table<string, true> ids that the callback got
---@field results table<string, table> by id
---@field letters table<string, table> by id
---@field reads table[]
---@field complaints string[]

local Judge = {}
Judge.__index = Judge

function Judge:complain(...) self.complaints[#self.complaints + 1] = (...):format(select(2, ...)) end

--- Reads the writers' log.
---@param text string
---@return spec.OutboxStory
function judge.read(text)
  local self = setmetatable({
    begun = {}, acks = {}, told = {}, results = {}, letters = {}, reads = {}, complaints = {}, by_op = {},
  }, Judge)
  local takers = {
    begin = function(entry)
      self.begun[#self.begun + 1] = entry
      self.by_op[entry.op] = entry
    end,
    ack = function(entry) self.acks[entry.op] = entry end,
    told = function(entry) self.told[entry.id] = true end,
    result = function(entry)
      if self.results[entry.id] then self:complain("%s has two outcomes", entry.id) end
      self.results[entry.id] = entry
    end,
    letter = function(entry) self.letters[entry.id] = entry end,
    left = function(entry) self:complain("%s is still queued: %s", entry.id, entry.state) end,
    counts = function(entry)
      if entry.size == entry.queued and entry.dead == entry.letters then return end
      self:complain("%s: said to have %s queued and %s dead, and has %s and %s", entry.who, entry.size, entry.dead, entry.queued, entry.letters)
    end,
    undrained = function(entry) self:complain("%s: %s", entry.who, entry.message) end,
    log = function(entry) self:complain("log: %s", entry.message) end,
    read = function(entry) self.reads[#self.reads + 1] = entry end,
  }
  for line in text:gmatch "[^\n]+" do
    local entry = core.decode(line)
    if entry then takers[entry.t](entry) end -- else its writer was killed in it
  end
  return self
end

-- The client's name of the mutation that an outcome is of.
local function op_of(variables)
  if type(variables) ~= "table" then return nil end
  local input = type(variables.input) == "table" and variables.input or variables
  return input.opId, input.id
end

-- Each that was begun gets its outcome, by what it was told or by what it has sent.
function Judge:match_results()
  local removals = {} -- by field and by the id that was sent or that it has now
  for id, result in pairs(self.results) do
    local op, record = op_of(result.variables)
    result.letter = self.letters[id]
    if op then
      local entry = self.by_op[op]
      if not entry then self:complain("%s is of %s, which nobody has begun", id, tostring(op)) end
      if entry and entry.result then self:complain("%s: two outcomes, %s and %s", op, entry.result.id, id) end
      if entry then entry.result = result end
    else
      removals[#removals + 1] = { result = result, record = record }
    end
  end
  for _, entry in ipairs(self.begun) do
    local ack = self.acks[entry.op]
    if ack and ack.id and self.results[ack.id] then
      if entry.result and entry.result ~= self.results[ack.id] then
        self:complain("%s: its outcome is %s's, not %s's", entry.op, entry.result.id, ack.id)
      end
      entry.result = self.results[ack.id]
    end
    if entry.result then entry.result.entry = entry end
  end
  for _, removal in ipairs(removals) do self:match_removal(removal) end
end

-- One that was killed before it was told, of a record whose id may have been a temporary one then.
function Judge:match_removal(removal)
  local result = removal.result
  if result.entry then return end
  for _, entry in ipairs(self.begun) do
    local is_same = entry.removes == removal.record or self.made and self.made[entry.removes] == removal.record
    if not entry.result and not self.acks[entry.op] and entry.field == result.field and is_same then
      entry.result, result.entry = result, entry
      return
    end
  end
  self:complain("%s (%s of %s) was begun by nobody", result.id, result.field, tostring(removal.record))
end

-- The service's ids, by those that were made up.
function Judge:find_made()
  self.made = {}
  for _, result in pairs(self.results) do
    local entry = self.by_op[op_of(result.variables) or 0]
    if entry and entry.temporary and type(result.made) == "table" and result.made ~= null then
      self.made[entry.temporary] = result.made.id
    end
  end
end

local MAY_BE_TOLD = {
  queued = function() return true end,
  done = function(result) return result.is_done end,
  dead = function(result, ack) return not result.is_done and result.outcome == ack.outcome end,
}

-- What was acknowledged, and what has become of it.
function Judge:check_ack(entry)
  local ack, result = self.acks[entry.op], entry.result
  if ack and ack.told == "error" then
    if result then self:complain("%s (%s) wasn't queued, and has an outcome (%s: %s)", entry.op, entry.field, ack.kind, ack.message) end
    if ack.kind == "storage" then self:complain("%s: %s", entry.op, tostring(ack.message)) end
    return
  end
  if not result then
    if ack then self:complain("%s (%s) was %s as %s, and is nowhere", entry.op, entry.field, ack.told, tostring(ack.id)) end
    return
  end
  if ack and not MAY_BE_TOLD[ack.told](result, ack) then
    self:complain("%s (%s) was said to be %s %s, and is %s", entry.op, entry.field, ack.told, ack.outcome or "",
      result.is_done and "done" or result.outcome)
  end
  if not result.is_done and not result.letter then self:complain("%s (%s) is %s, and no dead letter", entry.op, result.id, tostring(result.outcome)) end
  if result.is_done and result.letter then self:complain("%s (%s) is done, and a dead letter", entry.op, result.id) end
  if not result.notified then self:complain("%s: nobody was told of %s", entry.op, result.id) end
  local has_returned = ack and ack.told ~= "queued"
  if ack and not has_returned and not self.told[result.id] then
    self:complain("%s: the callback wasn't told of %s", entry.op, result.id)
  end
end

local SURE = { refused = true, conflict = true, blocked = true, discarded = true }

local function count(groups, key, entry)
  local group = groups[key] or { n_done = 0, n_unknown = 0, n_effects = 0 }
  groups[key] = group
  group.removes = entry.key == entry.removes
  local result = entry.result
  if not result then return end
  group.op = entry.op .. " (" .. result.id .. ")"
  if result.is_done then group.n_done = group.n_done + 1
  elseif result.outcome == "unknown" then group.n_unknown = group.n_unknown + 1
  end
end

-- Each effect belongs to a mutation of which somebody knows, and none has more than it may have.
function Judge:check_effects(effects)
  local groups = {}
  for _, entry in ipairs(self.begun) do
    local result, key = entry.result, entry.key
    if entry.removes and key == entry.removes then key = self.made[key] or key end
    count(groups, entry.field .. " " .. key, entry)
    if result and not result.is_done and result.outcome ~= "unknown" and not SURE[result.outcome] then
      self:complain("%s has the outcome %s", entry.op, tostring(result.outcome))
    end
  end
  for _, effect in ipairs(effects) do
    local key = effect.field .. " " .. tostring(effect.key)
    if not groups[key] then self:complain("%s was executed, and begun by nobody", key)
    else groups[key].n_effects = groups[key].n_effects + 1
    end
  end
  for key, group in pairs(groups) do
    local most = group.n_done + group.n_unknown
    -- One that deletes what is deleted already, and is in doubt, has what it wanted.
    local least = group.removes and math.min(group.n_done, 1) or group.n_done
    if group.n_effects < least or group.n_effects > most then
      self:complain("%s %s: %d effects, %d done, %d unknown", key, tostring(group.op), group.n_effects, group.n_done, group.n_unknown)
    end
  end
end

-- What was changed by mutations of which nobody knows whether they were executed: by key of a record.
function Judge:find_doubts()
  local doubts = { shown = {}, blind = {}, created = {} }
  for _, entry in ipairs(self.begun) do
    local result = entry.result
    if result and not result.is_done and result.outcome == "unknown" then
      doubts[entry.shows and "shown" or "blind"][entry.record and entry.record:gsub("([^:]*)$", self.made) or entry.op] = true
      doubts.created[entry.op] = true
      doubts.n = (doubts.n or 0) + 1
    end
  end
  return doubts
end

-- Records whose last effect is that of a mutation that had been given up by then: nobody knows about it, and what the client has
-- asked since may have been answered before.
function Judge:find_late(effects)
  local begun, late = {}, {}
  for _, entry in ipairs(self.begun) do begun[entry.key] = entry end
  for _, effect in ipairs(effects) do
    local entry = begun[effect.key]
    local result = entry and entry.result
    local is_unknown = result and not result.is_done and result.outcome == "unknown"
    if effect.id then late[effect.id] = is_unknown and effect.at >= result.finished or nil end
  end
  return late
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b or (a == nil and b == null) or (a == null and b == nil) end
  if #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

local TYPES = { todos = "Todo", docs = "Doc", notes = "Note", items = "Item" }

local function owner_of(item, name) return (tostring(item[ops.NAMED_BY[name]]):match "^([^/]*)/([^/]*)") end

local function maker_of(item, name) return (tostring(item[ops.NAMED_BY[name]]):match "^[^/]*/([^/]*)") end

local function by_id(items, name, who)
  local all, n_twice = {}, nil
  for _, item in ipairs(items) do
    if owner_of(item, name) == who then
      if all[item.id] then n_twice = item.id end
      all[item.id] = item
    end
  end
  return all, n_twice
end

-- One list of one identity: what only it changes is as the service has it.
function Judge:check_list(read, theirs, doubts)
  local name, who = read.list, read.who
  local what = ("%s: %s of %s"):format(read.stage, name, who)
  if not read.data or read.data == null then
    local may_lack = read.stage == "kept" and (doubts.n or 0) > 0
    if not may_lack then self:complain("%s: it can't be read: %s", what, tostring(read.why)) end
    return
  end
  if read.source == "optimistic" then self:complain("%s is optimistic", what) end
  local kept, twice = by_id(ops.items_of(read.data), name, who)
  local there = by_id(theirs, name, who)
  if twice then self:complain("%s has %s twice", what, twice) end
  for id, item in pairs(there) do
    local has = kept[id]
    local key = TYPES[name] .. ":" .. id
    if not has then
      if not doubts.created[maker_of(item, name)] and not doubts.shown[key] and not doubts.blind[key] then
        self:complain("%s lacks %s (%s)", what, id, tostring(item[ops.NAMED_BY[name]]))
      end
    elseif not doubts.late[id] and not doubts.blind[key] and not (read.stage == "kept" and doubts.shown[key]) then
      for _, field in ipairs(ops.FIELDS[name]) do
        if not same(has[field], item[field]) then
          self:complain("%s: %s.%s is %s, and %s at the service (%s)", what, id, field, core.encode{ has[field] }, core.encode{ item[field] },
            tostring(item[ops.NAMED_BY[name]]))
        end
      end
    end
  end
  for id, item in pairs(kept) do
    local key = TYPES[name] .. ":" .. id
    if not there[id] and not doubts.blind[key] and not doubts.shown[key] then
      self:complain("%s has %s (%s), which the service hasn't", what, id, tostring(item[ops.NAMED_BY[name]]))
    end
  end
end

function Judge:check_counter(read, counters, doubts)
  local key = "Counter:" .. read.counter
  if doubts.late[read.counter] or doubts.blind[key] or (read.stage == "kept" and doubts.shown[key]) then return end
  if not read.data or read.data == null then
    return self:complain("%s: %s can't be read", read.stage, key)
  end
  local kept, there = read.data.counter, counters[read.counter]
  local has = kept ~= null and kept and kept.total
  local total = there ~= null and there and there.total
  if has ~= total then self:complain("%s: %s is %s, and %s at the service", read.stage, key, tostring(has), tostring(total)) end
end

-- No id that was made up is left where the service has given another one.
function Judge:check_temporary(read)
  if not read.data or read.data == null then return end
  local text = core.encode(read.data)
  for _, entry in ipairs(self.begun) do
    if entry.temporary and text:find(entry.temporary, 1, true) then
      self:complain("%s: %s of %s shows the temporary id of %s", read.stage, tostring(read.list or read.counter), read.who, entry.op)
    end
  end
end

--- All that is wrong.
---@param served {effects: table[], lists: table<string, table[]>, counters: table<string, table>}
---@return string[] complaints
---@return {n_begun: integer, n_acknowledged: integer, n_done: integer, n_unknown: integer, n_refused: integer}
function Judge:check(served)
  self:find_made()
  self:match_results()
  local counts = { n_begun = #self.begun, n_acknowledged = 0, n_done = 0, n_unknown = 0, n_refused = 0 }
  for _, entry in ipairs(self.begun) do
    self:check_ack(entry)
    local result = entry.result
    if self.acks[entry.op] then counts.n_acknowledged = counts.n_acknowledged + 1 end
    local as = result and (result.is_done and "n_done" or result.outcome == "unknown" and "n_unknown" or "n_refused")
    if as then counts[as] = counts[as] + 1 end
  end
  self:check_effects(served.effects)
  local doubts = self:find_doubts()
  doubts.late = self:find_late(served.effects)
  for _, read in ipairs(self.reads) do
    if read.list then self:check_list(read, served.lists[read.list], doubts)
    else self:check_counter(read, served.counters, doubts)
    end
    self:check_temporary(read)
  end
  if #self.reads == 0 then self:complain "nothing was read" end
  return self.complaints, counts
end

return judge
