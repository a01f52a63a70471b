---Reads the members of a JSON object that people have written, by declarations. Every name is known and every value of its
---type, or it is said what is wrong and what is accepted; values are not shown, as they may be secrets.
local core = require "appsync.core"
local is_list = require "appsync.server.graphql.is_list"
local opts = require "appsync.opts"

local members = {}

---@class appsync.server.Member
---@field type "number"|"integer"|"string"|"text"|"boolean"|"list"|"object"|"any"|nil nil: `fits` decides
---@field fits (fun(value: any): any)?
---@field noun string? what `fits` accepts
---@field min number?
---@field max number?
---@field values string[]?
---@field is_required boolean?

---@param value any
---@return boolean
function members.is_object(value)
  return type(value) == "table" and not is_list(value)
end

local TYPES = {
  number = function(value) return type(value) == "number" end,
  integer = function(value) return type(value) == "number" and value == math.floor(value) end,
  string = function(value) return type(value) == "string" end,
  text = function(value) return type(value) == "string" and value ~= "" end,
  boolean = function(value) return type(value) == "boolean" end,
  list = is_list,
  object = members.is_object,
  any = function() return true end,
}

local NOUNS = { number = "a number", integer = "an integer", string = "a text", text = "a text that isn't empty",
  boolean = "true or false", list = "a list", object = "an object" }

local function expectation(member)
  local noun = member.noun or NOUNS[member.type]
  if member.values then return 'one of "' .. table.concat(member.values, '", "') .. '"' end
  if member.min and member.max then return ("%s between %g and %g"):format(noun, member.min, member.max) end
  if member.min then return ("%s of at least %g"):format(noun, member.min) end
  return noun
end

---Whether a list has a value.
---@param value any
---@param values any[]
---@return boolean
function members.is_among(value, values)
  for _, candidate in ipairs(values) do
    if candidate == value then return true end
  end
  return false
end

local function is_good(value, member)
  return (member.fits or TYPES[member.type])(value)
    and (not member.values or members.is_among(value, member.values))
    and (not member.min or value >= member.min)
    and (not member.max or value <= member.max)
end

---The names of a table in order: what is done with each is the same on every run.
---@param map table<string, any>
---@return string[]
function members.sorted(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = tostring(name) end
  table.sort(names)
  return names
end

---The names of a table, for people.
---@param map table<string, any>
---@return string
function members.names(map)
  return table.concat(members.sorted(map), ", ")
end

local function placed(place, text)
  return place == "" and text or place .. ": " .. text
end

---What is said of a name that isn't known.
---@param place string
---@param what string what it would be the name of
---@param name any
---@param known table<string, any>
---@return string
function members.unknown(place, what, name, known)
  local near = opts.nearest(tostring(name), known)
  local accepted = near and ('did you mean "%s"?'):format(near) or "there are " .. members.names(known)
  return placed(place, ('unknown %s "%s"; %s'):format(what, tostring(name), accepted))
end

---The members of an object, without those that are null. The first mistake is the same one on every run.
---@param given table
---@param declared table<string, appsync.server.Member>
---@param place string what the object is called in messages, "" for the whole
---@return table? read, string? message
function members.read(given, declared, place)
  local read = {}
  for _, name in ipairs(members.sorted(given)) do
    local value, member = given[name], declared[name]
    if not member then return nil, members.unknown(place, "key", name, declared) end
    if value ~= core.null then
      if not is_good(value, member) then return nil, placed(place, ('"%s" must be %s'):format(name, expectation(member))) end
      read[name] = value
    end
  end
  for _, name in ipairs(members.sorted(declared)) do
    if declared[name].is_required and read[name] == nil then return nil, placed(place, ('"%s" is missing'):format(name)) end
  end
  return read
end

return members
