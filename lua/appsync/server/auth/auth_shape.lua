--- Checks the objects of the `--auth` file: every name known, every value of its type. Values are never shown, as they may
--- be secrets.
local is_list = require("appsync.server.graphql.is_list")
local opts = require("appsync.opts")
local parse_date = require("appsync.auth.date")

local auth_shape = {}

local TYPES = {
  text = { "a text", function(value) return type(value) == "string" and value ~= "" end },
  number = { "a number that isn't negative", function(value) return type(value) == "number" and value >= 0 end },
  flag = { "true or false", function(value) return type(value) == "boolean" end },
  list = { "a list", is_list },
  object = { "an object", function(value) return type(value) == "table" and not is_list(value) end },
  any = { "a value", function() return true end },
  time = { 'seconds since 1970, or a time as "2027-01-31T00:00:00Z"', function(value)
    return auth_shape.seconds(value) ~= nil
  end },
}

--- Seconds since 1970 of a number or of "2027-01-31T00:00:00Z"; nil for anything else.
---@param value any
---@return number?
function auth_shape.seconds(value)
  if type(value) == "number" then return value >= 0 and value or nil end
  if type(value) ~= "string" then return nil end
  return value:find("Z$") and (parse_date(value)) or nil
end

local function sorted(names)
  local list = {}
  for name in pairs(names) do list[#list + 1] = name end
  table.sort(list)
  return list
end

-- The same one of several mistakes on every run.
local function unknown(object, fields)
  for _, name in ipairs(sorted(object)) do
    if not fields[name] then return name end
  end
end

--- Checks one object.
---@param object any
---@param where string what it is called in messages, "" for the whole file
---@param fields table<string, string> type by name, with "!" behind it for what must be there
---@return string? message nil when all is well
function auth_shape.fault(object, where, fields)
  local inside = where == "" and "" or where .. "."
  if not TYPES.object[2](object) then
    return (where == "" and "the file" or where) .. " must be an object"
  end
  local stranger = unknown(object, fields)
  if stranger then
    local meant = opts.nearest(stranger, fields)
    return ("%s%s isn't known; %s"):format(inside, stranger,
      meant and ("did you mean %s?"):format(meant) or "it takes " .. table.concat(sorted(fields), ", "))
  end
  for _, name in ipairs(sorted(fields)) do
    local kind, must = fields[name]:match("^(%a+)(!?)$")
    local value = object[name]
    if value == nil and must == "!" then return ("%s%s is missing"):format(inside, name) end
    if value ~= nil and not TYPES[kind][2](value) then
      return ("%s%s must be %s"):format(inside, name, TYPES[kind][1])
    end
  end
end

--- The patterns of `glob` for an expression such as "client1|client2" or "^web-.*$". The service takes any regular
--- expression; this takes alternatives of plain text with `.`, `.*` and `.+`, and refuses what is more.
---@param expression string
---@return string[]? patterns, string? message
function auth_shape.patterns(expression)
  local list = {}
  for part in (expression .. "|"):gmatch("([^|]*)|") do
    local pattern = part:gsub("^%^", ""):gsub("%$$", "")
    pattern = pattern:gsub("%.%*", "\1"):gsub("%.%+", "\2"):gsub("\\([%.%-_/:])", function(char)
      return char == "." and "\3" or char
    end)
    if pattern:find("[%*%+%?%[%]%(%){}\\%^%$]") then
      return nil, "is too much of a regular expression for this server: it takes plain text, '.', '.*', '.+' and '|'"
    end
    list[#list + 1] = (pattern:gsub("%.", "?"):gsub("\1", "*"):gsub("\2", "?*"):gsub("\3", "."))
  end
  return list
end

return auth_shape
