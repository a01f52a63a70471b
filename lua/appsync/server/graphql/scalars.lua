---The scalars of AppSync: GraphQL's own five and the AWS ones.
---Rules: AppSync Developer Guide, "Scalar types in GraphQL"; GraphQL October 2021, section 3.5.
local core = require "appsync.core"
local is_list = require "appsync.server.graphql.is_list"
local lexical = require "appsync.schema.lexical"
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
define_lexical("AWSDate", "An extended ISO 8601 date, with an optional offset.", lexical.is_aws_date, "Date Object")
define_lexical("AWSTime", "An extended ISO 8601 time, with an optional offset.", lexical.is_aws_time, "Time Object")
define_lexical("AWSDateTime", "An extended ISO 8601 date and time with an offset.", lexical.is_aws_date_time, "DateTime Object")
define_lexical("AWSEmail", "An e-mail address.", lexical.is_email, "email")
define_lexical("AWSURL", "A URL with its scheme.", lexical.is_url, "URL")
define_lexical("AWSPhone", "A phone number.", lexical.is_phone, "phone number")
define_lexical("AWSIPAddress", "An IPv4 or IPv6 address, optionally with a prefix length.", lexical.is_ip, "IP address")

scalars.names = {
  "ID", "String", "Int", "Float", "Boolean", "AWSDate", "AWSTime", "AWSDateTime", "AWSTimestamp", "AWSEmail", "AWSJSON",
  "AWSURL", "AWSPhone", "AWSIPAddress",
}

return scalars
