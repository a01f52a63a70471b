---Reads fault rules: `{"name": …, "match": {…}, "fault": {KIND: …}}`. What is wrong is told by name and place, with what is
---accepted; nothing is skipped.
local core = require "appsync.core"
local kinds = require "appsync.server.fault.kinds"
local members = require "appsync.server.members"

local rule = {}

---@class appsync.server.FaultMatch
---@field on table<appsync.server.FaultSite, true> where the rule acts; without it, wherever its fault can
---@field kind "query"|"mutation"|"subscription"|nil
---@field operation string? the operation's name; `*` stands for any letters, as in the next two
---@field field string? a root field
---@field mutation string? of an event: the mutation's field that caused it
---@field connection {from: integer, to: integer}? its number, of TCP connections or of WebSockets; the first is 1
---@field times integer? the fault is played at most so often
---@field after integer? so many matches pass before
---@field every integer? every n-th of the matches after those
---@field probability number? of the matches that are left
---@field seed integer? of the probability, default 1

---@class appsync.server.FaultRule
---@field name string
---@field match appsync.server.FaultMatch
---@field kind string
---@field parameters table
---@field source table as it was given

local function allowed_sites(fault)
  local declared, allowed = kinds.all[fault.kind], {}
  local list = declared.sites
  for name, narrower in pairs(declared.narrows or {}) do
    list = fault.parameters[name] and narrower or list
  end
  for _, site in ipairs(list) do
    allowed[site] = true
  end
  return allowed
end

local function read_sites(on, fault, place)
  local allowed, sites = allowed_sites(fault), {}
  if on == nil then return allowed end
  for _, site in ipairs(type(on) == "table" and on or { on }) do
    if not members.is_among(site, kinds.sites) then
      return nil, ('%s: "on" must be one of "%s", or a list of them'):format(place, table.concat(kinds.sites, '", "'))
    elseif not allowed[site] then
      return nil, ('%s: this "%s" can\'t act on "%s", only on %s'):format(place, fault.kind, site, members.names(allowed))
    end
    sites[site] = true
  end
  if next(sites) == nil then return nil, place .. ': "on" is an empty list' end
  return sites
end

local function read_connection(value, place)
  local range = value
  if type(value) == "number" then
    range = { from = value, to = value }
  elseif not members.is_object(value) then
    return nil, place .. ': "connection" must be a number, or an object with "from" and "to"'
  end
  local COUNT = { type = "integer", min = 1 }
  local read, message = members.read(range, { from = COUNT, to = COUNT }, place .. ": connection")
  if not read then return nil, message end
  return { from = read.from or 1, to = read.to or math.huge }
end

local function read_match(given, fault, place)
  if given == nil or given == core.null then
    given = {}
  elseif not members.is_object(given) then
    return nil, place .. ": match must be an object"
  end
  place = place .. ": match"
  local match, message = members.read(given, kinds.match, place)
  if not match then return nil, message end
  match.on, message = read_sites(match.on, fault, place)
  if not match.on then return nil, message end
  if match.connection ~= nil then
    match.connection, message = read_connection(match.connection, place)
    if not match.connection then return nil, message end
  end
  return match
end

local function read_fault(given, place)
  local kind = members.is_object(given) and next(given)
  if not kind or next(given, kind) ~= nil then
    return nil, place .. ": fault must be an object with one key: " .. members.names(kinds.all)
  end
  local declared, value = kinds.all[kind], given[kind]
  if not declared then return nil, members.unknown(place, "fault", kind, kinds.all) end
  place = ("%s: fault %s"):format(place, kind)
  if value == true and declared.is_plain then
    value = {}
  elseif not members.is_object(value) then
    if type(value) == "table" or type(value) == "boolean" or not declared.short then
      if next(declared.parameters) == nil then return nil, place .. ": must be true" end
      local plain = declared.is_plain and "true or " or ""
      return nil, ("%s: must be %san object of %s"):format(place, plain, members.names(declared.parameters))
    end
    value = { [declared.short] = value }
  end
  local parameters, message = members.read(value, declared.parameters, place)
  if not parameters then return nil, message end
  message = declared.check and declared.check(parameters)
  if message then return nil, ("%s %s"):format(place, message) end
  return { kind = kind, parameters = parameters }
end

local RULE = { name = { type = "string" }, match = { type = "any" }, fault = { type = "any" } }

---One rule.
---@param given any decoded JSON
---@param place string for messages
---@return appsync.server.FaultRule? rule, string? message
function rule.read(given, place)
  if not members.is_object(given) then
    return nil, place .. ': a rule is an object {"match": {…}, "fault": {…}}'
  end
  local read, message = members.read(given, RULE, place)
  if not read then
    return nil, message
  elseif read.name and not read.name:find("^[%w_.%-]+$") then
    return nil, place .. ': "name" must be of letters, digits, ".", "_" and "-"'
  end
  local fault
  fault, message = read_fault(read.fault, place)
  if not fault then return nil, message end
  local match
  match, message = read_match(read.match, fault, place)
  if not match then return nil, message end
  return { name = read.name, match = match, kind = fault.kind, parameters = fault.parameters, source = given }
end

---One rule or a list of them.
---@param given any decoded JSON
---@param place string
---@return appsync.server.FaultRule[]? rules, string? message
function rule.read_all(given, place)
  if members.is_object(given) and (given.fault ~= nil or given.match ~= nil) then
    given = { given }
  elseif type(given) ~= "table" or (members.is_object(given) and next(given) ~= nil) then
    return nil, place .. ': a list of rules {"match": {…}, "fault": {…}} is expected'
  end
  local rules = {}
  for i, item in ipairs(given) do
    local read, message = rule.read(item, ("%s: rule %d"):format(place, i))
    if not read then return nil, message end
    rules[i] = read
  end
  return rules
end

-- "what at byte 12" as "line 2, column 3: what".
local function json_error(text, message)
  local what, at, more = message:match("^(.-) at byte (%d+)(.*)$")
  if not at then return message end
  local before = text:sub(1, tonumber(at))
  local _, lines = before:gsub("\n", "")
  return ("line %d, column %d: %s"):format(lines + 1, #before:match("[^\n]*$") + 1, what .. more)
end

---The rules of a JSON text.
---@param text string
---@param place string
---@return appsync.server.FaultRule[]? rules, string? message
function rule.parse(text, place)
  local value, err = core.decode(text)
  if value == nil then return nil, ("%s: %s"):format(place, json_error(text, err.message)) end
  return rule.read_all(value, place)
end

return rule
