---The rules that are in force, and which of them strike. One that may strike at random draws from a generator of its own,
---so that its strikes depend on its seed and on nothing else.
local glob = require "appsync.server.glob"

local rules = {}

---@class appsync.server.FaultOccasion
---@field connection integer
---@field kind string?
---@field operation string?
---@field fields string[]? root fields
---@field mutation string? of an event

---@class appsync.server.FaultRules
---@field list table[]
---@field private n_named integer
local Rules = {}
Rules.__index = Rules

---@return appsync.server.FaultRules
function rules.new()
  return setmetatable({ list = {}, n_named = 0, sites = {} }, Rules)
end

-- Park and Miller's generator: the same numbers on every Lua. Small seeds give small first numbers, which are dropped.
local function generator(seed)
  local state = seed % 2147483646 + 1
  local function next_number()
    state = state * 16807 % 2147483647
    return (state - 1) / 2147483646
  end
  for _ = 1, 3 do
    next_number()
  end
  return next_number
end

---@private
function Rules:index()
  self.sites = {}
  for _, item in ipairs(self.list) do
    for site in pairs(item.rule.match.on) do
      self.sites[site] = true
    end
  end
end

---Adds rules behind the others; one with the name of another takes its place.
---@param added appsync.server.FaultRule[]
---@return string[] names
function Rules:add(added)
  local names = {}
  for i, rule in ipairs(added) do
    local match, name = rule.match, rule.name
    while not name do
      self.n_named = self.n_named + 1
      name = "rule-" .. self.n_named
      name = not self:find(name) and name or nil
    end
    names[i] = name
    local at = self:find(name) or #self.list + 1
    self.list[at] = {
      name = name,
      rule = rule,
      n_seen = 0,
      n_struck = 0,
      random = match.probability and generator(match.seed or 1),
      spread = generator(match.seed or 1), -- of a delay's range
    }
  end
  self:index()
  return names
end

---@param name string
---@return integer? position
function Rules:find(name)
  for i, item in ipairs(self.list) do
    if item.name == name then return i end
  end
end

---@param name string
---@return boolean found
function Rules:remove(name)
  local at = self:find(name)
  if at then
    table.remove(self.list, at)
    self:index()
  end
  return at ~= nil
end

function Rules:clear()
  self.list = {}
  self:index()
end

---Takes back a `clear`, with all counts.
---@param list table[]
function Rules:put_back(list)
  self.list = list
  self:index()
end

---The rules with their counts.
---@return table[]
function Rules:describe()
  local list = {}
  for i, item in ipairs(self.list) do
    list[i] = {
      name = item.name,
      match = item.rule.source.match,
      fault = item.rule.source.fault,
      matched = item.n_seen,
      applied = item.n_struck,
    }
  end
  return list
end

local function any_field(pattern, fields)
  for _, field in ipairs(fields or {}) do
    if glob.matches(pattern, field) then return true end
  end
  return false
end

local function fits(item, occasion)
  local match = item.rule.match
  local connection = match.connection
  return (not match.kind or match.kind == occasion.kind)
    and (not match.operation or glob.matches(match.operation, occasion.operation or ""))
    and (not match.field or any_field(match.field, occasion.fields))
    and (not match.mutation or glob.matches(match.mutation, occasion.mutation or ""))
    and (not connection or (occasion.connection >= connection.from and occasion.connection <= connection.to))
end

local function strikes(item)
  local match = item.rule.match
  item.n_seen = item.n_seen + 1
  local n = item.n_seen - (match.after or 0)
  if n <= 0 or (match.every and n % match.every ~= 0) then
    return false
  elseif item.random and item.random() >= match.probability then
    return false
  elseif match.times and item.n_struck >= match.times then
    return false
  end
  item.n_struck = item.n_struck + 1
  return true
end

---@class appsync.server.Strike
---@field name string the rule's
---@field kind string
---@field parameters table
---@field spread fun(): number between 0 and 1, for what has a range
---@field item table the rule's own memory

---What strikes here: by the fault's kind, the first rule of each; nil when nothing does.
---@param site appsync.server.FaultSite
---@param occasion appsync.server.FaultOccasion
---@return table<string, appsync.server.Strike>? strikes
function Rules:take(site, occasion)
  if not self.sites[site] then return nil end
  local taken
  for _, item in ipairs(self.list) do
    local kind = item.rule.kind
    if item.rule.match.on[site] and not (taken and taken[kind]) and fits(item, occasion) and strikes(item) then
      taken = taken or {}
      taken[kind] = {
        name = item.name,
        kind = kind,
        parameters = item.rule.parameters,
        spread = item.spread,
        item = item,
      }
    end
  end
  return taken
end

---Whether any rule acts there.
---@param site appsync.server.FaultSite
---@return boolean
function Rules:acts_on(site)
  return self.sites[site] == true
end

return rules
