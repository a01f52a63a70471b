---Events of the core for one target, one after the other: a large one is made in steps, and those behind it wait for it.
---
---    small, and nothing waits --> handled at once
---    else --> waits --> made in steps --> handled, where that may pause --> the next one
local errors = require "appsync.errors"
local stepwise = require "appsync.stepwise"
local task = require "appsync.task"

local event_inbox = {}

---Whose events they are.
---@class appsync.client.EventTarget
---@field handle fun(self, event: table, err: appsync.Error?)
---@field is_long (fun(self, event: table): boolean)? it takes a while, and a place to pause
---@field is_over (fun(self): boolean)? nothing is wanted any more
---@field on_unmade fun(self, err: appsync.Error) an event that can't be made, for want of memory say
---@field on_raise fun(self, event: table, err: appsync.Error) something raised where it was handled

---@class appsync.client.EventInbox
---@field private target appsync.client.EventTarget
---@field private entries {event: any, err: appsync.Error?}[]
---@field private is_working boolean
local EventInbox = {}
EventInbox.__index = EventInbox

---@param target appsync.client.EventTarget
---@return appsync.client.EventInbox
function event_inbox.new(target)
  return setmetatable({ target = target, entries = {}, is_working = false }, EventInbox)
end

local function is_wanted(self)
  local target = self.target
  return not (target.is_over and target:is_over())
end

-- Nil: it can't be made, or nobody wants it any more.
local function made(self, entry)
  if not stepwise.is_pending(entry.event) then return entry.event end
  local event, err = stepwise.complete(entry.event, nil, nil, is_wanted, self)
  entry.event = event
  if event == nil and is_wanted(self) then
    self.target:on_unmade(err or errors.new("system", "an event couldn't be read"))
  end
  return event
end

local function work(self)
  local entries = self.entries
  while entries[1] and is_wanted(self) do
    local entry = entries[1]
    local event = made(self, entry)
    if event ~= nil and is_wanted(self) then self.target:handle(event, entry.err) end
    if entries[1] == entry then table.remove(entries, 1) end
  end
  self.is_working = false
end

local begin

-- The others go on.
local function on_raise(self, raised)
  self.is_working = false
  local entry = table.remove(self.entries, 1)
  if entry and is_wanted(self) then
    local err = errors.of_raised(raised)
    if type(entry.event) == "table" then self.target:on_raise(entry.event, err) else self.target:on_unmade(err) end
  end
  if self.entries[1] and is_wanted(self) then begin(self) end
end

begin = function(self)
  self.is_working = true
  task.spawn_asked(function(raised) on_raise(self, raised) end, work, self)
end

---@param event any a table with `what`, or what makes it
---@param err appsync.Error?
function EventInbox:take(event, err)
  local target, entries = self.target, self.entries
  if entries[1] == nil and not stepwise.is_pending(event) and not (target.is_long and target:is_long(event)) then
    return target:handle(event, err)
  end
  entries[#entries + 1] = { event = event, err = err }
  if not self.is_working then begin(self) end
end

---What waits is wanted no more.
function EventInbox:drop()
  for i, entry in ipairs(self.entries) do
    if i > 1 or not self.is_working then stepwise.drop(entry.event) end -- the first one is in somebody's hands
  end
  self.entries = {}
end

return event_inbox
