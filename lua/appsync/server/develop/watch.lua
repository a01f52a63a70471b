---Sees that files have changed, and waits until they rest: an editor may empty a file before it writes it, or rename a
---new one over it. It asks for stamps; the time comes from outside.
local native = require "appsync.server.native"

---@class appsync.server.Watch
---@field private stamp fun(path: string): string?
---@field private interval_s number
---@field private seen table<string, string> stamps by path
---@field private is_pending boolean
---@field private next_look number?
local Watch = {}
Watch.__index = Watch

local watch = {}

watch.interval_s = 0.2

---@param settings {paths: (fun(): string[]), interval_s: number?, stamp: (fun(path: string): string?)?}
---@return appsync.server.Watch
function watch.new(settings)
  local self = setmetatable({
    paths = settings.paths, interval_s = settings.interval_s or watch.interval_s,
    stamp = settings.stamp or native.file_stamp, is_pending = false, seen = {},
  }, Watch)
  self:look()
  return self
end

-- Whether a path that is known has another stamp. One that is new only gets known: what brought it has changed, too.
---@private
function Watch:look()
  local found, has_changed = {}, false
  for _, path in ipairs(self.paths()) do
    found[path] = self.stamp(path) or "none"
    has_changed = has_changed or (self.seen[path] ~= nil and self.seen[path] ~= found[path])
  end
  self.seen = found
  return has_changed
end

---Looks at once: for paths that are new.
function Watch:learn()
  if self:look() then self.is_pending = true end
end

---Has the next look that finds everything at rest tell of a change.
function Watch:again()
  self.is_pending = true
end

---Looks when it is time to.
---@param now number
---@return boolean is_due the files have changed, and rest since the look before
---@return number wait_s until it wants to look again
function Watch:tick(now)
  if self.next_look and now < self.next_look then return false, self.next_look - now end
  self.next_look = now + self.interval_s
  local has_changed = self:look()
  local is_due = self.is_pending and not has_changed
  self.is_pending = has_changed
  return is_due, self.interval_s
end

return watch
