---The scalars of AppSync as Lua values: which ones they accept, and as what they are kept
---(AppSync Developer Guide, "Scalar types in GraphQL").
local core = require "appsync.core"
local json = require "appsync.json"
local lexical = require "appsync.schema.lexical"

local scalars = {}

local NULL = core.null
local MAX_INT = 2147483647
-- From here on one double stands for several integers (IEEE 754).
local FIRST_INEXACT = 9007199254740992

---Whether a text is UTF-8, as JSON has to be.
---@param text string
---@return boolean
function scalars.is_utf8(text)
  return not text:find("[\128-\255]") or core.encode(text) ~= nil
end

local function text_like(check, what)
  return function(value)
    if type(value) ~= "string" or not scalars.is_utf8(value) or (check and not check(value)) then return nil, what end
    return value
  end
end

local function is_integral(value)
  return type(value) == "number" and value - value == 0 and value == math.floor(value)
end

local function as_integer(value)
  -- Keeps 5.0 from being a float where integers are a type of their own.
  return math.tointeger and math.tointeger(value) or value
end

local function int(value)
  if not is_integral(value) or value > MAX_INT or value < -MAX_INT - 1 then return nil, "an integer of 32 bits" end
  return as_integer(value)
end

local function timestamp(value)
  if not is_integral(value) or value >= FIRST_INEXACT or value <= -FIRST_INEXACT then
    return nil, "an integer: seconds since 1970-01-01T00:00Z"
  end
  return as_integer(value)
end

local function float(value)
  if type(value) ~= "number" or value - value ~= 0 then return nil, "a finite number" end
  return value
end

local function boolean(value)
  if type(value) ~= "boolean" then return nil, "a boolean" end
  return value
end

-- A text is JSON text, as the service has it; any other value stands for itself.
local function aws_json(value)
  if type(value) == "string" then
    local decoded, err = core.decode(value)
    if decoded == nil and err then return nil, "JSON text, or a value that JSON can hold" end
    return decoded
  end
  local text, err = core.encode(value)
  if not text then return nil, "a value that JSON can hold (" .. err.message .. ")" end
  return type(value) == "table" and json.copy(value) or value
end

local CHECKS = {
  ID = text_like(nil, "a string (UTF-8)"), String = text_like(nil, "a string (UTF-8)"),
  Int = int, Float = float, Boolean = boolean, AWSTimestamp = timestamp, AWSJSON = aws_json,
  AWSDate = text_like(lexical.is_aws_date, 'a date, such as "2024-02-29"'),
  AWSTime = text_like(lexical.is_aws_time, 'a time, such as "12:30:24.500Z"'),
  AWSDateTime = text_like(lexical.is_aws_date_time, 'a date and time with its offset, such as "2024-02-29T12:30:00Z"'),
  AWSEmail = text_like(lexical.is_email, 'an e-mail address, such as "ann@example.com"'),
  AWSURL = text_like(lexical.is_url, 'a URL with its scheme, such as "https://example.com/"'),
  AWSPhone = text_like(lexical.is_phone, 'a phone number, such as "+1 206 555 0100"'),
  AWSIPAddress = text_like(lexical.is_ip, 'an IP address, such as "192.0.2.1" or "2001:db8::/32"'),
}

-- As what the store orders and compares a scalar.
local STORED = { Int = "integer", AWSTimestamp = "integer", Float = "number", Boolean = "boolean", AWSJSON = "json" }

---@param name string
---@return boolean
function scalars.is(name)
  return CHECKS[name] ~= nil
end

---How a scalar is stored: "text", "integer", "number", "boolean" or "json".
---@param name string
---@return string
function scalars.stored(name)
  return STORED[name] or "text"
end

---Checks a value, which isn't null.
---@param name string of the scalar
---@param value any
---@return any value as it is kept; nil and what is accepted when it is refused
---@return string? accepted
function scalars.check(name, value)
  if value == NULL and name ~= "AWSJSON" then return nil, select(2, CHECKS[name](nil)) end
  return CHECKS[name](value)
end

return scalars
