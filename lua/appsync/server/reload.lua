---Hot reload: when a file of the program changes, the engine gets the new schema and resolvers, or keeps what it has and
---says why. The data and the connections stay.
local function_fields = require "appsync.server.functions.function_fields"
local printable = require "appsync.printable"
local report = require "appsync.server.develop.report"
local watch = require "appsync.server.develop.watch"

---@class appsync.server.Reload
---@field private program appsync.server.Program
---@field private engine appsync.server.Engine
---@field private subscribers appsync.server.Subscribers
---@field private say fun(text: string) whole lines for people
---@field private served table<string, string> what the files said when they were read last
---@field private unread table<string, true> files whose change came with one that was refused
---@field private watch appsync.server.Watch
local Reload = {}
Reload.__index = Reload

local reload = {}

---@class appsync.server.ReloadSettings
---@field program appsync.server.Program read already
---@field engine appsync.server.Engine
---@field subscribers appsync.server.Subscribers
---@field say fun(text: string)
---@field is_coloured boolean?
---@field hints (fun(err: appsync.server.SchemaError): string)? lines that help with a fault of the schema
---@field interval_s number?
---@field stamp (fun(path: string): string?)?

---@param settings appsync.server.ReloadSettings
---@return appsync.server.Reload
function reload.new(settings)
  local program = settings.program
  return setmetatable({
    program = program, engine = settings.engine, subscribers = settings.subscribers, say = settings.say,
    is_coloured = settings.is_coloured, hints = settings.hints, has_authorizer = program.current.authorizer ~= nil,
    served = program:contents(), unread = {},
    watch = watch.new({
      paths = function() return program:files() end, interval_s = settings.interval_s, stamp = settings.stamp,
    }),
  }, Reload)
end

---@private
function Reload:refuse(faults, names, hints)
  for _, name in ipairs(names) do self.unread[name] = true end
  self.say(report.faults(faults, self.is_coloured) .. (hints or "") .. "not reloaded: what was served before is served on\n")
end

-- The modes of an API are settled when it starts.
local function authorizer_fault(self, text)
  if self.has_authorizer == (text.authorizer ~= nil) then return nil end
  local message = self.has_authorizer and "the authorizer is gone; to serve without it, start the server again"
    or "there is an authorizer now; to use it, start the server again"
  return { { path = self.program.paths.resolvers, message = message } }
end

local function counted(n, one, many)
  if n == 0 then return "" end
  return ", " .. (n == 1 and one or many:format(n))
end

-- Only the records of a text that has changed: what has been deleted since stays so otherwise.
---@private
function Reload:seed(seeds, names)
  local n, has_changed = 0, self.unread
  self.unread = {}
  for _, name in ipairs(names) do has_changed[name] = true end
  for _, seed in ipairs(seeds) do
    local counts, err
    if has_changed[seed.name] then counts, err = self.engine:seed(seed.text, seed.name) end
    if err then self.say(report.faults({ err }, self.is_coloured)) end
    n = n + (counts and counts.created or 0)
  end
  return n
end

---@private
---@param names string[] of the files that have changed
function Reload:apply(names)
  local text, faults = self.program:read()
  if not text then return self:refuse(faults, names) end
  faults = authorizer_fault(self, text)
  if faults then return self:refuse(faults, names) end
  local ok, err = self.engine:reload({
    schema_text = text.source.text, resolvers = text.resolvers, transforms = text.transforms, conflict = text.conflict,
    conflict_handlers = text.conflict_handlers, functions = text.functions or {}, transformer = text.transformer,
  })
  if not ok then return self:refuse(text.source:faults(err), names, self.hints and self.hints(err)) end
  self.program.current = text
  local engine = self.engine
  local n_kept, n_ended = self.subscribers:renew(function(request) return engine:subscribe(request) end)
  self.say(("reloaded %s%s%s%s\n"):format(printable.escaped(table.concat(names, ", ")),
    counted(self:seed(text.seeds, names), "1 record added", "%d records added"),
    counted(n_kept, "1 subscription goes on", "%d subscriptions go on"),
    counted(n_ended, "1 subscription ended", "%d subscriptions ended")) .. function_fields.notes(engine))
end

-- Files that are new to the program came by a change of one that isn't.
local function changed_paths(served, found)
  local names = {}
  for path, text in pairs(served) do
    if found[path] ~= nil and found[path] ~= text then names[#names + 1] = path end
  end
  table.sort(names)
  return names
end

-- What has changed while it was read is seen here: files that are new to the program had no stamp before.
local function learn(self)
  self.watch:learn()
  local found = self.program:contents()
  if #changed_paths(self.served, found) > 0 then self.watch:again() end
  for path, text in pairs(found) do self.served[path] = self.served[path] or text end
end

---Looks at the files when it is time to, and reloads what has changed.
---@param now number
---@return number wait_s until it wants to be called again
function Reload:tick(now)
  local is_due, wait_s = self.watch:tick(now)
  if not is_due then return wait_s end
  local found = self.program:contents()
  local names = changed_paths(self.served, found)
  if #names > 0 then
    self.served = found
    self:apply(names)
    learn(self)
  end
  return wait_s
end

return reload
