---`ctx.util` of a resolver, named as AppSync's `util` is (AppSync Developer Guide, "Built-in util helpers"), in snake_case.
local at_caller = require "appsync.server.at_caller"
local core = require "appsync.core"
local execute = require "appsync.server.graphql.execute"
local parse_date = require "appsync.auth.date"
local query_string = require "appsync.server.http.query_string"
local result = require "appsync.server.graphql.result"
local timestamp = require "appsync.server.data.timestamp"
local to_subscription_filter = require "appsync.server.realtime.to_subscription_filter"

---@class appsync.server.ResolverUtil
local util = {}

local NULL = core.null

-- A member that is absent and one that is null mean the same.
local function given(value)
  if value == NULL then return nil end
  return value
end

-- Lua writes long numbers with an exponent, and each version differently.
local function text_of(value)
  return type(value) == "number" and result.number(value) or tostring(value)
end

local function entry(message, type_, data, info)
  return { message = text_of(message), type = given(type_), data = given(data), info = given(info) }
end

---Ends the field with an error; its value is null.
---@param message string
---@param type_ string? `errorType`
---@param data any? restricted to what the field selects
---@param info any? `errorInfo`
function util.error(message, type_, data, info)
  error(entry(message, type_, data, info), 0)
end

local function check(name, value, kind, noun)
  if type(value) ~= kind then
    error(("ctx.util.%s takes %s, not %s"):format(name, noun, value == NULL and "null" or "a " .. type(value)))
  end
end

---"2026-01-02T03:04:05.678Z".
---@param ms number milliseconds since 1970
---@return string
function util.epoch_ms_to_iso8601(ms)
  check("epoch_ms_to_iso8601", ms, "number", "a number of milliseconds")
  return timestamp(ms / 1000)
end

---The milliseconds since 1970 of an AWSDateTime; throws for any other text.
---@param text string
---@return integer
function util.parse_iso8601_to_epoch_ms(text)
  text = tostring(text)
  local seconds, fraction = parse_date(text)
  if not seconds or not (text:find("[Zz]$") or text:find("[+-]%d%d:?%d%d$")) then
    error(("an ISO 8601 date and time with a zone is expected, not %q"):format(text))
  end
  return math.floor((seconds + fraction) * 1000 + 0.5)
end

---Throws for what JSON can't hold, with the path to it.
---@param value any nil is null
---@return string
function util.to_json(value)
  local text, err = core.encode(value == nil and NULL or value)
  return text or error(err.message)
end

---Throws for what isn't JSON.
---@param text string
---@return any value null is `appsync.null`
function util.parse_json(text)
  check("parse_json", text, "string", "a text")
  local value, err = core.decode(text)
  if value == nil then error("not JSON: " .. err.message) end
  return value
end

---@param bytes string
---@return string
function util.base64_encode(bytes)
  check("base64_encode", bytes, "string", "a text")
  return core.base64(bytes)
end

---Throws for what isn't base64.
---@param text string
---@return string bytes
function util.base64_decode(text)
  check("base64_decode", text, "string", "a text")
  return core.unbase64(text) or error("not base64")
end

---As `application/x-www-form-urlencoded` (URL Standard, section 5.2).
---@return string
function util.url_encode(text)
  return (query_string.escape(text_of(text)):gsub("%%20", "+"):gsub("%%2A", "*"):gsub("~", "%%7E"))
end

---@return string
function util.url_decode(text)
  return query_string.unescape((text_of(text):gsub("%+", " ")))
end

---@return boolean
function util.is_null(value)
  return value == nil or value == NULL
end

---@return boolean of no text, or of spaces only
function util.is_null_or_blank(value)
  return value == nil or value == NULL or (type(value) == "string" and not value:find("%S"))
end

---@return boolean
function util.is_null_or_empty(value)
  return value == nil or value == NULL or value == "" or (type(value) == "table" and next(value) == nil)
end

---@return any value, or the default where it is null
function util.default_if_null(value, default)
  if value == nil or value == NULL then return default end
  return value
end

---@return any value, or the default where it is null or empty
function util.default_if_null_or_empty(value, default)
  if util.is_null_or_empty(value) then return default end
  return value
end

---@return any value, or the default where it is null or a blank text
function util.default_if_null_or_blank(value, default)
  if util.is_null_or_blank(value) then return default end
  return value
end

util.null = NULL

---Makes what `ctx.extensions.set_subscription_filter` takes.
util.transform = at_caller.wrap_all({ to_subscription_filter = to_subscription_filter })

at_caller.wrap_all(util)

-- What depends on the time and on chance.
local function of_world(world)
  local own = {}

  ---@return string a random UUID (version 4)
  function own.auto_id() return world.uuid() end
  own.uuid = own.auto_id

  ---@return integer milliseconds since 1970
  function own.now_epoch_ms() return math.floor(world.now() * 1000 + 0.5) end

  ---@return integer seconds since 1970
  function own.now_epoch_seconds() return math.floor(world.now()) end

  ---@return string "2026-01-02T03:04:05.678Z"
  function own.now_iso8601() return util.epoch_ms_to_iso8601(own.now_epoch_ms()) end

  return setmetatable(at_caller.wrap_all(own), { __index = util })
end

-- The service's names of the modes.
local AUTH_TYPES = {
  API_KEY = "API Key Authorization", AWS_IAM = "IAM Authorization", AMAZON_COGNITO_USER_POOLS = "User Pool Authorization",
  OPENID_CONNECT = "Open ID Connect Authorization", AWS_LAMBDA = "Lambda Authorization",
}

-- What depends on the field that is being resolved.
local function of_field(x)
  local own = {}

  ---Adds an error; the field's value is returned nevertheless. The same arguments as those of `error`.
  function own.append_error(message, type_, data, info)
    execute.append_error(x, entry(message, type_, data, info))
  end

  ---How the caller is authorized, in the service's words; nil for nobody.
  ---@return string?
  function own.auth_type() return x.identity and AUTH_TYPES[x.identity.mode] end

  ---Ends the field as the service refuses it.
  function own.unauthorized()
    error(x.gate.refusal(x.at.type.name, x.at.field.name), 0)
  end

  return own
end

local resolver_util = {}

---What makes `ctx.util`.
---@param world {now: (fun(): number), uuid: (fun(): string)}
---@return appsync.server.Provider
function resolver_util.provider(world)
  local metatable = { __index = of_world(world) }
  return function(_, x) return setmetatable(of_field(x), metatable) end
end

return resolver_util
