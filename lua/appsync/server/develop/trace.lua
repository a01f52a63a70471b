---Resolver tracing: what ran for an operation, where it stands, with what, for how long, and what came out. It stands
---around an engine, so that one without it pays nothing.
local core = require "appsync.core"
local cut = require "appsync.server.cut"
local log_record = require "appsync.server.develop.log_record"
local printable = require "appsync.printable"
local redact = require "appsync.server.develop.redact"
local resolver_place = require "appsync.server.develop.resolver_place"
local secret_variables = require "appsync.server.develop.secret_variables"
local secrets = require "appsync.server.develop.secrets"
local shorten = require "appsync.server.develop.shorten"
local waiting = require "appsync.server.waiting"

-- A list of ten thousand items whose children have resolvers would bury what one looks for.
local MAX_ENTRIES = 200
local MAX_MESSAGE = 2000

---@class appsync.server.Tracer: appsync.server.Trace
---@field private write fun(text: string)
---@field private only table<string, true>? "Type.field"
---@field private entries table[]
---@field private n_more integer
---@field private secrets string[] of the operation that runs
---@field private current table? the entry whose resolver runs
local Tracer = {}
Tracer.__index = Tracer

local trace = {}

---`settings`: write(text of whole lines), only (list of "Type.field"; nil: all), clock, now.
---@param settings {write: fun(text: string), only: string[]?, clock: (fun(): number)?, now: (fun(): number)?}
---@return appsync.server.Tracer
function trace.new(settings)
  local only
  for _, name in ipairs(settings.only or {}) do
    only = only or {}
    only[name] = true
  end
  return setmetatable({
    write = settings.write, only = only, clock = settings.clock or core.now, now = settings.now or core.wall,
    entries = {}, n_more = 0, secrets = {},
  }, Tracer)
end

-- Takes out what is secret in the operation that runs.
local function hider(self)
  local list = self.secrets
  return function(text) return secrets.hide(text, list) end
end

local function path_of(ctx)
  local metatable = getmetatable(ctx)
  local x = metatable and metatable.x
  if not x then return "", 0 end
  local parts, depth = {}, 0
  for i = 1, x.depth or 0 do
    local step = x.path[i]
    if type(step) == "number" then
      parts[#parts] = parts[#parts] .. "[" .. step .. "]"
    else
      depth = depth + 1
      parts[#parts + 1] = step
    end
  end
  return table.concat(parts, "."), depth
end

---@param type_ appsync.server.Type
---@param field appsync.server.Field
---@param resolver function
---@param ctx appsync.server.Context
function Tracer:enter(type_, field, resolver, ctx)
  local name = type_.name .. "." .. field.name
  self.current = nil
  if type_.is_builtin or (self.only and not self.only[name]) then return end
  if #self.entries >= MAX_ENTRIES then
    self.n_more = self.n_more + 1
    return
  end
  local path, depth = path_of(ctx)
  self.current = {
    name = name, path = path, depth = depth, place = resolver_place.text(resolver), args = shorten.arguments(ctx.arguments, hider(self)),
    began = self.clock(),
  }
  self.entries[#self.entries + 1] = self.current
end

---@param _ appsync.server.Type
---@param _ appsync.server.Field
---@param ok boolean
---@param value any
function Tracer:leave(_, _, ok, value)
  local entry = self.current
  if not entry then return end
  self.current = nil
  entry.ms = (self.clock() - entry.began) * 1000
  if ok then
    entry.result = shorten.result(value, hider(self))
  elseif not entry.failure then
    local text = type(value) == "table" and tostring(value.message) or tostring(value)
    entry.failure = printable.escaped(secrets.hide(text, self.secrets))
  end
end

---A message that a WebSocket has sent.
---@param connection number
---@param text string
function Tracer:message(connection, text)
  if self.only then return end
  local shown = printable.escaped(cut(redact.message(text), MAX_MESSAGE))
  self.write(("%s  WS #%d message  %s\n"):format(log_record.time(self.now()), connection, shown))
end

---A resolver of the resolvers file failed: the entry tells it in full.
---@param text string
---@return boolean is_taken false: nobody will tell it
function Tracer:failed(text)
  if not self.current then return false end
  self.current.failure = secrets.hide(text, self.secrets)
  return true
end

local function entry_lines(entry)
  local pad = ("  "):rep(entry.depth)
  local outcome = entry.failure and "failed" or ("-> " .. tostring(entry.result))
  local name = entry.path == entry.name:match("[^.]*$") and entry.name or ("%s  %s"):format(entry.path, entry.name)
  local line = ("%s%s%s  %s  %.2f ms  %s"):format(pad, name, entry.args, printable.escaped(entry.place), entry.ms or 0, outcome)
  if entry.failure then line = line .. "\n" .. pad .. "  " .. printable.escaped_lines(entry.failure):gsub("\n", "\n" .. pad .. "  ") end
  return line
end

local function variables_text(request, hide)
  if not request.variables then return "" end
  local shown, is_secret = {}, secret_variables(request.query)
  for name, value in pairs(request.variables) do
    shown[name] = is_secret[name] and shorten.HIDDEN or value
  end
  return "  variables " .. shorten.value(setmetatable(shown, getmetatable(request.variables)), hide)
end

-- What is known of the operation that runs.
---@private
function Tracer:take()
  local kept = { self.entries, self.n_more, self.current, self.secrets }
  self.entries, self.n_more, self.current, self.secrets = {}, 0, nil, {}
  return kept
end

---@private
function Tracer:put(kept)
  self.entries, self.n_more, self.current, self.secrets = kept[1], kept[2], kept[3], kept[4]
end

---@private
function Tracer:finish(request, about, began, errors)
  local entries, n_more, hide = self.entries, self.n_more, hider(self)
  self.entries, self.n_more, self.current, self.secrets = {}, 0, nil, {}
  if self.only and #entries == 0 then return end
  local identity = request.identity
  local lines = { log_record.line({
    at = self.now(), kind = "trace", operation = about and about.operation, name = about and about.name,
    fields = about and about.fields, ms = (self.clock() - began) * 1000, identity = identity and identity.mode,
    user = identity and identity.username, n_errors = errors and #errors,
    error = errors and errors[1] and hide(tostring(errors[1].message)),
  }) .. variables_text(request, hide) }
  for _, entry in ipairs(entries) do lines[#lines + 1] = entry_lines(entry) end
  if n_more > 0 then lines[#lines + 1] = ("  … and %d resolvers more"):format(n_more) end
  self.write(table.concat(lines, "\n") .. "\n")
end

---The engine with its operations traced.
---@param engine appsync.server.Engine
---@return appsync.server.Engine
function Tracer:around(engine)
  local tracer, traced = self, {}
  local function operation(name)
    traced[name] = function(_, request)
      local began = tracer.clock()
      tracer.entries, tracer.n_more, tracer.secrets = {}, 0, secrets.of(request)
      local ok, first, second, third = waiting.pcall(function()
        local kept
        -- While it waits, other operations are traced.
        return waiting.within(function() kept = tracer:take() end, function() tracer:put(kept) end, function()
          return engine[name](engine, request)
        end)
      end)
      local errors = third or (name == "subscribe" and not first and second) or nil
      if not ok then errors = { { message = tostring(first) } } end
      tracer:finish(request, engine:operation_of(request), began, errors)
      if not ok then error(first, 0) end
      return first, second, third
    end
  end
  operation("execute")
  operation("subscribe")
  return setmetatable(traced, { __index = engine })
end

return trace
