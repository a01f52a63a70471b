---The scalars of AppSync: GraphQL's own five and the AWS ones, with their lexical checks.
---Rules: AppSync Developer Guide, "Scalar types in GraphQL"; GraphQL October 2021, section 3.5.
local core = require "appsync.core"
local is_list = require "appsync.server.graphql.is_list"
local result = require "appsync.server.graphql.result"

---@class appsync.server.Scalar
---@field name string
---@field description string
---@field literals table<string, true> kinds of literal that may stand for it
---@field parse fun(value: any): any value, string? message input to the resolver's value; nil and a message when refused
---@field serialize fun(value: any): any value, string? message resolver's value to the answer's

local scalars = {}

local MAX_INT = 2147483647
-- From here on one double stands for several integers (IEEE 754).
local FIRST_INEXACT = 9007199254740992

local function is_integral(value)
  return type(value) == "number" and value == math.floor(value) and value - value == 0
end

---The name that the service (graphql-java) gives to the type of a value.
---@return string
function scalars.java_name(value)
  local kind = type(value)
  if kind == "string" then return "String" end
  if kind == "boolean" then return "Boolean" end
  if kind == "number" then return is_integral(value) and "Integer" or "Double" end
  if kind == "table" then return is_list(value) and "ArrayList" or "LinkedHashMap" end
  return value == core.null and "null" or kind
end

local function expected(name, value)
  return nil, ("Expected type '%s' but was '%s'."):format(name, scalars.java_name(value))
end

local function as_integer(value)
  -- Keeps 5.0 from being a float where integers are a type of their own.
  return math.tointeger and math.tointeger(value) or value
end

local function parse_int(value)
  if not is_integral(value) then return expected("Int", value) end
  if value > MAX_INT or value < -MAX_INT - 1 then
    return nil, ("Expected value to be in the Integer range but it was '%.0f'"):format(value)
  end
  return as_integer(value)
end

local function parse_float(value)
  if type(value) ~= "number" or value - value ~= 0 then return expected("Float", value) end
  -- A Float is a double, so an integer of 64 bits is rounded as it is where numbers are doubles.
  if value >= FIRST_INEXACT or value <= -FIRST_INEXACT then return value + 0.0 end
  return value
end

local function parse_string(value)
  if type(value) ~= "string" then return expected("String", value) end
  return value
end

local function parse_boolean(value)
  if type(value) ~= "boolean" then return expected("Boolean", value) end
  return value
end

-- Two records must not become one because of a number that several integers are rounded to.
local function parse_id(value)
  if type(value) == "string" then return value end
  if not is_integral(value) then return expected("ID", value) end
  local is_exact = (math.type and math.type(value) == "integer") or (value < FIRST_INEXACT and value > -FIRST_INEXACT)
  if is_exact then return result.number(value) end
  return nil, "The number for type 'ID' is too large to be exact. Pass it as a String."
end

local function serialize_number(parse)
  return function(value)
    return parse(type(value) == "string" and tonumber(value) or value)
  end
end

local function serialize_string(value)
  if type(value) == "number" then
    if value - value ~= 0 then return tostring(value) end
    return core.encode(value)
  end
  if type(value) == "boolean" then return tostring(value) end
  return parse_string(value)
end

local function days_in_month(year, month)
  if month == 2 then return (year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)) and 29 or 28 end
  return (month == 4 or month == 6 or month == 9 or month == 11) and 30 or 31
end

local function is_date(text)
  local year, month, day = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)$")
  if not year then return false end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  return month >= 1 and month <= 12 and day >= 1 and day <= days_in_month(year, month)
end

local function is_clock(text)
  local hour, minute, rest = text:match("^(%d%d):(%d%d)(.*)$")
  if not hour or tonumber(hour) > 23 or tonumber(minute) > 59 then return false end
  if rest == "" then return true end
  local second, fraction = rest:match("^:(%d%d)(.*)$")
  if not second or tonumber(second) > 59 then return false end
  return fraction == "" or (fraction:match("^%.%d*$") ~= nil and #fraction <= 10)
end

-- 18 hours is the bound of java.time.ZoneOffset.
local function is_offset(text)
  if text == "Z" then return true end
  local hour, minute, rest = text:match("^[+-](%d%d):(%d%d)(.*)$")
  if not hour or tonumber(minute) > 59 then return false end
  local second = rest == "" and "00" or rest:match("^:(%d%d)$")
  if not second or tonumber(second) > 59 then return false end
  return (tonumber(hour) * 60 + tonumber(minute)) * 60 + tonumber(second) <= 18 * 3600
end

---Splits "<body><offset>"; the offset is "" when there is none.
local function split_offset(text, body_pattern)
  local body, offset = text:match("^(" .. body_pattern .. ")(.*)$")
  return body, offset
end

local function is_aws_date(text)
  local body, offset = split_offset(text, "%d%d%d%d%-%d%d%-%d%d")
  return body ~= nil and is_date(body) and (offset == "" or is_offset(offset))
end

local function is_aws_time(text)
  local body, offset = split_offset(text, "[%d:%.]+")
  if body and offset ~= "" and offset ~= "Z" and not offset:find("^[+-]") then return false end
  return body ~= nil and is_clock(body) and (offset == "" or is_offset(offset))
end

local function is_aws_date_time(text)
  local date, rest = text:match("^(%d%d%d%d%-%d%d%-%d%d)T(.+)$")
  if not date or not is_date(date) then return false end
  local clock, offset = split_offset(rest, "[%d:%.]+")
  return clock ~= nil and is_clock(clock) and is_offset(offset)
end

local function is_email(text)
  local user, domain = text:match("^([%w%.!#%$%%&'%*%+/=%?%^_`{|}~%-]+)@(.+)$")
  if not user or domain:sub(-1) == "." then return false end
  for label in (domain .. "."):gmatch("(.-)%.") do
    if not label:find("^%w[%w%-]*$") or label:sub(-1) == "-" or #label > 63 then return false end
  end
  return true
end

local function is_url(text)
  local scheme, rest = text:match("^(%a[%w+.-]*):(.+)$")
  if not scheme or text:find("[%s%c]") then return false end
  if rest:sub(1, 2) ~= "//" then return scheme:lower() == "mailto" and rest:find("@", 1, true) ~= nil end
  local host, path = rest:match("^//([^/?#]+)([^?#]*)")
  return host ~= nil and not path:find("//", 1, true)
end

local function is_phone(text)
  if not text:find("^%+?%d[%d%s-]+$") then return false end
  local n_digits = select(2, text:gsub("%d", ""))
  if text:sub(1, 1) == "+" then return n_digits >= 7 and n_digits <= 15 end
  -- Without a country code the number is one of the North American plan.
  return n_digits == 10 or (n_digits == 11 and text:sub(1, 1) == "1")
end

local function is_ipv4(text)
  local a, b, c, d = text:match("^(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$")
  if not a then return false end
  for _, part in ipairs({ a, b, c, d }) do
    if tonumber(part) > 255 then return false end
  end
  return true
end

-- Counts the 16-bit groups of one side of "::"; nil when a group is malformed.
local function count_groups(text, may_end_in_ipv4)
  if text == "" then return 0 end
  local n, groups = 0, {}
  for group in (text .. ":"):gmatch("(.-):") do groups[#groups + 1] = group end
  for i, group in ipairs(groups) do
    if i == #groups and may_end_in_ipv4 and is_ipv4(group) then
      n = n + 2
    elseif group:find("^%x%x?%x?%x?$") then
      n = n + 1
    else
      return nil
    end
  end
  return n
end

local function is_ipv6(text)
  local left, right = text:match("^(.-)::(.*)$")
  if not left then return count_groups(text, true) == 8 end
  if right:find("::", 1, true) then return false end
  local n_left, n_right = count_groups(left, false), count_groups(right, true)
  return n_left ~= nil and n_right ~= nil and n_left + n_right <= 7
end

local function is_ip(text)
  local address, bits = text:match("^([^/]+)/(%d%d?%d?)$")
  address = address or text
  if is_ipv4(address) then return not bits or tonumber(bits) <= 32 end
  return is_ipv6(address) and (not bits or tonumber(bits) <= 128)
end

local function parse_timestamp(value)
  if not is_integral(value) or value >= FIRST_INEXACT or value <= -FIRST_INEXACT then
    local shown = type(value) == "number" and result.number(value) or tostring(value)
    return nil, ("Unable to parse `%s` as a valid timestamp."):format(shown)
  end
  return as_integer(value)
end

local function parse_json(value)
  if type(value) ~= "string" then return expected("AWSJSON", value) end
  local parsed, message = core.decode(value)
  if parsed == nil and message then return nil, ("Unable to parse `%s` as valid JSON."):format(value) end
  return parsed
end

local function serialize_json(value)
  -- The encoder checks for what JSON cannot hold; the members' order is ours.
  local text, err = core.encode(value)
  if not text then return nil, "Unable to serialize the value as JSON: " .. err.message end
  return result.sorted(value)
end

local function checked(check, what)
  return function(value)
    if type(value) ~= "string" or not check(value) then
      local shown = type(value) == "table" and scalars.java_name(value) or tostring(value)
      return nil, ("Unable to parse `%s` as a valid %s."):format(shown, what)
    end
    return value
  end
end

local STRING, INT = { StringValue = true }, { IntValue = true }

local function define(name, description, literals, parse, serialize)
  scalars[name] = { name = name, description = description, literals = literals, parse = parse, serialize = serialize or parse }
end

local function define_lexical(name, description, check, what)
  define(name, description, STRING, checked(check, what))
end

define("Int", "A signed 32-bit integer.", INT, parse_int, serialize_number(parse_int))
define("Float", "An IEEE 754 floating point number.", { IntValue = true, FloatValue = true }, parse_float,
  serialize_number(parse_float))
define("String", "A UTF-8 text.", STRING, parse_string, serialize_string)
define("Boolean", "true or false.", { BooleanValue = true }, parse_boolean)
define("ID", "A unique identifier, serialized as a string.", { StringValue = true, IntValue = true }, parse_id)
define("AWSTimestamp", "Seconds before or after 1970-01-01T00:00Z.", INT, parse_timestamp, serialize_number(parse_timestamp))
define("AWSJSON", "A JSON text, given as a string.", STRING, parse_json, serialize_json)
define_lexical("AWSDate", "An extended ISO 8601 date, with an optional offset.", is_aws_date, "Date Object")
define_lexical("AWSTime", "An extended ISO 8601 time, with an optional offset.", is_aws_time, "Time Object")
define_lexical("AWSDateTime", "An extended ISO 8601 date and time with an offset.", is_aws_date_time, "DateTime Object")
define_lexical("AWSEmail", "An e-mail address.", is_email, "email")
define_lexical("AWSURL", "A URL with its scheme.", is_url, "URL")
define_lexical("AWSPhone", "A phone number.", is_phone, "phone number")
define_lexical("AWSIPAddress", "An IPv4 or IPv6 address, optionally with a prefix length.", is_ip, "IP address")

scalars.names = {
  "ID", "String", "Int", "Float", "Boolean", "AWSDate", "AWSTime", "AWSDateTime", "AWSTimestamp", "AWSEmail", "AWSJSON",
  "AWSURL", "AWSPhone", "AWSIPAddress",
}

return scalars
