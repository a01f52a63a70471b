---Subjects: observables that the program feeds.
local errors = require "appsync.errors"
local observable = require "appsync.observable"

local subject = {}

---@class appsync.Subject: appsync.Observable
local Subject = setmetatable({}, { __index = observable.methods })
Subject.__index = Subject
Subject.__name = "appsync.subject"

---Makes a subject: an observable whose events your program emits.
---```lua
---local clicks = appsync.subject()
---clicks:subscribe{ next = function(button) print(button) end } --> left
---clicks:next "left"
---```
---@return appsync.Subject
function subject.new()
  local outlets = {}
  local self = { outlets = outlets }
  function self.connect(sink, context)
    if self.is_over then
      context:post(sink, self.err and "error" or "complete", self.err)
      return nil
    end
    local outlet = { sink = sink, context = context }
    outlets[#outlets + 1] = outlet
    return function()
      for i, other in ipairs(outlets) do
        if other == outlet then return table.remove(outlets, i) end
      end
    end
  end
  return setmetatable(self, Subject)
end

local function post(self, kind, value, err)
  if self.is_over then return end
  if kind ~= "next" then self.is_over = true end
  local outlets = self.outlets
  for i = 1, #outlets do outlets[i].context:post(outlets[i].sink, kind, value, err) end
end

---Emits an event to the current subscribers. (To pull from a subject: `subject:subscribe():next()`.)
---```lua
---local clicks = appsync.subject()
---local s = clicks:subscribe()
---clicks:next "left"
---local button = s:next()
---print(button) --> left
---```
---@param value any not nil
---@param err appsync.Error?
function Subject:next(value, err)
  if value == nil then errors.misuse("subject:next: an event can't be nil; use appsync.null") end
  post(self, "next", value, err)
end

---Ends the subject with an error.
---```lua
---local clicks = appsync.subject()
---local s = clicks:subscribe()
---clicks:error "the mouse is gone"
---local _, err = s:next()
---print(err.message) --> the mouse is gone
---```
---@param err any
function Subject:error(err)
  self.err = self.err or errors.of_raised(err)
  post(self, "error", self.err)
end

---Ends the subject.
---```lua
---local clicks = appsync.subject()
---local s = clicks:subscribe()
---clicks:complete()
---print(s:next()) --> nil nil
---```
function Subject:complete()
  post(self, "complete")
end

return subject
