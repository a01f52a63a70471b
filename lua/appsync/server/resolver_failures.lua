---What a user's resolvers throw, for whoever wrote them: where it came from and how it got there.
local printable = require "appsync.printable"
local resolver_place = require "appsync.server.develop.resolver_place"
local secrets = require "appsync.server.develop.secrets"
local shown = require("appsync.server.graphql.thrown").text
local time_limit = require "appsync.server.time_limit"
local waiting = require "appsync.server.waiting"

local failures = {}

---@class appsync.server.ResolverFailure
---@field type_name string
---@field field_name string
---@field thrown any
---@field place string? "FILE:LINE" of what threw
---@field secrets string[]? values that nobody is shown
---@field traceback string? of the user's own functions; nil for an error object, which is thrown on purpose

---A traceback without the server's frames, which stand above the user's own.
---@param traceback string
---@return string
local function own_frames(traceback)
  local frames = {}
  for line in traceback:gmatch("[^\n]+") do
    if line:find("xpcall", 1, true) then break end
    if not resolver_place.is_our_frame(line) then frames[#frames + 1] = line end
  end
  return table.concat(frames, "\n")
end
failures.own_frames = own_frames

-- The first Lua function on the stack that isn't ours, or where the resolver begins: a tail call leaves no line.
local function place_on_stack(resolver)
  for level = 3, 12 do
    local info = debug.getinfo(level, "Slf")
    if not info or info.func == xpcall then break end
    if info.what ~= "C" and info.currentline > 0 and not resolver_place.is_ours(info.source) then
      return ("%s:%d"):format(info.source:gsub("^@", ""), info.currentline)
    end
  end
  local path, line = resolver_place.of(resolver)
  return path and ("%s:%d"):format(path, line)
end

-- PUC 5.1's xpcall passes no arguments.
local passes_arguments = select(2, xpcall(function(value) return value end, print, true)) == true

local function call(resolver, handler, first, second)
  -- Not as a tail call: LuaJIT's traceback would have this function's name in the place of xpcall's, which ends ours.
  local ok, value
  if passes_arguments then
    ok, value = xpcall(resolver, handler, first, second)
  else
    ok, value = xpcall(function() return resolver(first, second) end, handler)
  end
  return ok, value
end

-- Those of the operation that a resolver is called for.
local function secrets_of(ctx)
  local metatable = type(ctx) == "table" and getmetatable(ctx) or {}
  return metatable.x and metatable.x.asked and secrets.of(metatable.x.asked) or {}
end

-- A plug-in's function may stand around something that is waited for: others run then, whose time is their own.
local function limited(timeout_s, ...)
  local resolver, handler, first, second = ...
  local before
  local function run()
    before = time_limit.begin(timeout_s)
    local ok, value = call(resolver, handler, first, second)
    time_limit.finish(before)
    return ok, value
  end
  if not waiting.is_possible() then return run() end
  return waiting.within(function() time_limit.finish(before) end, function() before = time_limit.begin(timeout_s) end, run)
end

local function watched(resolver, type_name, field_name, on_failure, timeout_s)
  local place, traceback
  local function handler(thrown)
    place = place_on_stack(resolver)
    traceback = type(thrown) ~= "table" and own_frames(debug.traceback("", 2)) or nil
    local words = resolver_place.without_ours(thrown)
    return words and (place and ("%s: %s"):format(place, words) or words) or thrown
  end
  -- Resolvers get their context, conflict handlers an event before it.
  local function run(first, second)
    local ok, value = limited(timeout_s, resolver, handler, first, second)
    if ok then return value end
    -- Told here: a handler that itself fails, as where the stack is full, tells nothing.
    if on_failure then on_failure({ type_name = type_name, field_name = field_name, thrown = value, place = place, traceback = traceback,
      secrets = secrets_of(second or first) }) end
    place, traceback = nil, nil
    error(value, 0)
  end
  resolver_place.remember(run, resolver)
  return run
end

---The same resolvers, or conflict handlers under "conflict_handlers", ended in time, and telling of what they throw before it
---goes on as ever.
---@param by_type table<string, table<string, function>>
---@param on_failure (fun(failure: appsync.server.ResolverFailure))?
---@param timeout_s number? default 30
---@return table<string, table<string, function>>
function failures.watched(by_type, on_failure, timeout_s)
  local out = {}
  for type_name, fields in pairs(by_type) do
    out[type_name] = {}
    for field_name, resolver in pairs(fields) do
      out[type_name][field_name] = watched(resolver, type_name, field_name, on_failure, timeout_s)
    end
  end
  return out
end

---A failure as people read it.
---@param failure appsync.server.ResolverFailure
---@return string
function failures.describe(failure)
  local thrown = failure.thrown
  local message = type(thrown) == "table" and rawget(thrown, "message") or thrown
  local text = printable.escaped(secrets.hide(shown(message), failure.secrets))
  local place = failure.place and (" (" .. failure.place .. ")") or ""
  if failure.place and text:sub(1, #failure.place + 1) == failure.place .. ":" then text = text:sub(#failure.place + 3) end
  local head = ("%s.%s: %s%s"):format(failure.type_name, failure.field_name, text, place)
  if not failure.traceback then return head end
  return head .. printable.escaped_lines(failure.traceback):gsub("^stack traceback:", "\nstack traceback:")
end

return failures
