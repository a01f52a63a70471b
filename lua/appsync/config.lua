---Reads the configuration files of AWS Amplify and AppSync into one form.
local core = require "appsync.core"
local errors = require "appsync.errors"
local choose = require "appsync.config.choose"
local code = require "appsync.config.code"
local exports = require "appsync.config.exports"
local fields = require "appsync.config.fields"
local known = require "appsync.config.known"
local literal = require "appsync.config.literal"
local love_files = require "appsync.love_files"
local manual = require "appsync.config.manual"
local native = require "appsync.config.native"
local outputs = require "appsync.config.outputs"

local config = {}

---@class appsync.config.Identity
---@field region string?
---@field user_pool_id string?
---@field user_pool_client_id string?
---@field user_pool_client_secret string?
---@field user_pool_endpoint string?
---@field identity_pool_id string?
---@field allow_guest_access boolean?

---@class appsync.config.Rest
---@field endpoint string?
---@field region string?
---@field service string?
---@field auth_type string?
---@field api_key string?
---@field headers function?

---@class appsync.Config
---@field endpoint string? of the GraphQL API
---@field realtime_endpoint string?
---@field region string?
---@field default_auth_type "API_KEY"|"AWS_IAM"|"AMAZON_COGNITO_USER_POOLS"|"OPENID_CONNECT"|"AWS_LAMBDA"|"NONE"|nil
---@field auth_types string[] the additional modes
---@field api_key string?
---@field is_custom_endpoint boolean? the endpoint isn't AppSync's own
---@field custom_endpoint_region string? sign as "execute-api" in this region
---@field model_introspection table?
---@field auth appsync.config.Identity?
---@field rest table<string, appsync.config.Rest>
---@field storage {bucket: string?, region: string?}?
---@field headers function? (operation) → table, for every GraphQL request
---@field lacks string? when no endpoint was found: what was read, and where the endpoint belongs
---@field warnings string[]

-- What can be read.
config.ACCEPTED = "accepted are amplify_outputs.json, amplifyconfiguration.json, aws-exports.js, awsconfiguration.json, "
  .. "their text, or a table in the shape of one"

-- In this order: what a table has of its own decides, the hand-written sections come on top.
local SHAPES = { native, exports, outputs }

local MAX_FILE_BYTES = 16 * 1024 * 1024

-- What a fault begins with that goes on from the name.
local VERBS = { is = true, has = true, describes = true }

local function fail(name, format, ...)
  local fault = format:format(...)
  local message = name .. (VERBS[fault:match("^%l+")] and " " or ": ") .. fault
  -- Names and texts of a file may hold anything; a message is one line.
  return nil, errors.new("usage", (message:gsub("%c", "?")), { code = "config" })
end

local function read_file(path)
  -- The C library would open what stands before a zero byte.
  if path:find "%c" then return fail(path, "a file's name must not hold a control character; %s", config.ACCEPTED) end
  local text, message = love_files.read(path, MAX_FILE_BYTES)
  if not text and not message then
    local err
    text, err = core.read_file(path, MAX_FILE_BYTES)
    if not text and err.kind == "system" then return nil, errors.adopt(err) end
    message = not text and err.message .. love_files.of_missing(path)
  end
  if not text then return fail("config can't be read", "%s; %s", message, config.ACCEPTED) end
  if text == "" then return fail(path, "the file is empty; %s", config.ACCEPTED) end
  return text
end

-- The readers that take the table.
local function readers_of(t)
  local readers = {}
  for _, shape in ipairs(SHAPES) do
    if not readers[1] and shape.is(t) then readers[1] = shape end
  end
  if manual.is(t) then readers[#readers + 1] = manual end
  return readers
end

-- What was read, where its endpoint would stand, and what stands there.
local function describe_lack(t, name, reader, context)
  local title, key = reader.describe(t)
  local computed = context.computed[key:match("[%w_]+$")]
  if computed then return ("%s (%s): %s is %s"):format(name, title, key, code.describe(computed)) end
  return ("%s (%s) has no %s"):format(name, title, key)
end

local function read_table(t, name)
  local result, context, readers = { auth_types = {}, rest = {} }, fields.context(name), readers_of(t)
  if not readers[1] then return fail(name, "%s; %s", known.of_table(t) or "is not recognized", config.ACCEPTED) end
  for _, reader in ipairs(readers) do reader.read(context, t, result) end
  if context.problem then return fail(name, "%s", context.problem) end
  if not result.endpoint then result.lacks = describe_lack(t, name, readers[1], context) end
  result.warnings = context.warnings
  return result
end

-- How much a script's literal is a configuration: 2 with an API, 1 without.
local function rank_of(value)
  if not code.is_table(value) or not readers_of(value)[1] then return 0 end
  local read = read_table(value, "")
  return (not read or read.endpoint) and 2 or 1
end

local function read_script(text, name)
  local value, message = choose.literal(text, rank_of)
  if value then return read_table(value, name) end
  return fail(name, "%s; %s", known.of_text(text) or message or "is not recognized", config.ACCEPTED)
end

local function read_text(text, name)
  local decoded, err = core.decode(text)
  if type(decoded) == "table" then return read_table(decoded, name) end
  if decoded == nil and err.kind == "system" then return nil, errors.adopt(err) end
  if not text:find("^[%s\239\187\191]*[{%[]") then return read_script(text, name) end
  local object, message = literal.read(text)
  if type(object) == "table" then return read_table(object, name) end
  return fail(name, "%s; %s", message, config.ACCEPTED)
end

local function read_one(source, name)
  if type(source) == "table" then return read_table(source, name) end
  if source:find("[{\n]") then return read_text(source, name) end
  local text, err = read_file(source)
  if not text then return nil, err end
  return read_text(text, source)
end

local NESTED = { auth = true, rest = true, storage = true }

local function merge(into, from)
  for key, value in pairs(from) do
    if key == "warnings" then
      for _, warning in ipairs(value) do into.warnings[#into.warnings + 1] = warning end
    elseif NESTED[key] then
      into[key] = into[key] or {}
      for name, part in pairs(value) do into[key][name] = part end
    elseif key == "lacks" then
      into.lacks = into.lacks and into.lacks .. ", " .. value or value
    elseif key ~= "auth_types" or value[1] ~= nil then
      into[key] = value
    end
  end
  if into.endpoint then into.lacks = nil end
  -- A later endpoint of AppSync's own replaces a custom one.
  if from.endpoint and not from.is_custom_endpoint then into.is_custom_endpoint = nil end
end

---Reads a configuration.
---```lua
---local config = require "appsync.config"
---local settings = assert(config.load[[
---  { "version": "1", "data": { "url": "https://example.com/graphql", "aws_region": "eu-west-1" } }
---]])
---print(settings.endpoint, settings.region) --> https://example.com/graphql eu-west-1
---```
---@param source string|table a file's path, its text, a table in the shape of one, or a list of these, merged in order
---@param warn? fun(message: string) called once for each warning; they are also in the result
---@return appsync.Config? settings, appsync.Error? err
function config.load(source, warn)
  if type(source) ~= "string" and type(source) ~= "table" then
    errors.misuse("config must be a path, a text, a table or a list of these, got %s", (errors.describe(source)))
  end
  local is_list = type(source) == "table" and source[1] ~= nil
  local result = { auth_types = {}, rest = {}, warnings = {} }
  for i, one in ipairs(is_list and source or { source }) do
    if type(one) ~= "string" and type(one) ~= "table" then
      errors.misuse("config[%d] must be a path, a text or a table, got %s", i, (errors.describe(one)))
    end
    local read, err = read_one(one, is_list and ("config[%d]"):format(i) or "config")
    if not read then return nil, err end
    merge(result, read)
  end
  for _, warning in ipairs(warn and result.warnings or {}) do warn(warning) end
  return result
end

return config
