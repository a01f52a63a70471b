---Where models come from: a file, its text or a table, told apart by what they hold.
local amplify_form = require "appsync.models.amplify_form"
local choose = require "appsync.config.choose"
local code = require "appsync.config.code"
local core = require "appsync.core"
local description = require "appsync.models.description"
local fault = require "appsync.models.fault"
local love_files = require "appsync.love_files"
local sdl = require "appsync.models.sdl"

local source = {}

local MAX_FILE_BYTES = 16 * 1024 * 1024

---What can be read.
source.ACCEPTED = "accepted are Amplify's schema.js, a model introspection (also in amplify_outputs.json), SDL with Amplify's "
  .. "directives, their text, or a table in the shape of these or of the generated models.lua"

-- A configuration holds the introspection as a part.
local function inner(t)
  local data = code.is_table(t.data) and t.data or {}
  return data.model_introspection or t.modelIntrospection or t
end

local function read_table(t)
  local found = inner(t)
  if amplify_form.is(found) then return amplify_form.read(found) end
  if not code.is_table(found) or not code.is_table(found.models) then
    fault.raise("it has no \"models\"; %s", source.ACCEPTED)
  end
  return found
end

local JS_WORDS = { export = true, module = true, exports = true, const = true, let = true, var = true, import = true }

-- The first word behind comments.
local function is_script(text)
  local rest = text:gsub("^\239\187\191", "")
  while true do
    local stop = rest:match("^%s*//[^\n]*()") or rest:match("^%s*/%*.-%*/()") or rest:match("^%s*#[^\n]*()")
    if not stop then break end
    rest = rest:sub(stop)
  end
  return JS_WORDS[rest:match("^%s*([%a]+)") or ""] == true
end

local function rank_of(value)
  return amplify_form.is(value) and 2 or 0
end

local function read_text(text)
  if text:find("^[%s\239\187\191]*{") then
    local decoded, err = core.decode(text)
    if type(decoded) ~= "table" then fault.raise("%s", err and err.message or "expected an object") end
    return read_table(decoded)
  elseif is_script(text) then
    local value, message = choose.literal(text, rank_of)
    if not value then fault.raise("%s; %s", message or "it exports no models", source.ACCEPTED) end
    return amplify_form.read(value)
  end
  return amplify_form.read(sdl.read(text))
end

local function read_file(path)
  if path:find("%c") then fault.raise("a file's name must not hold a control character") end
  local text, message = love_files.read(path, MAX_FILE_BYTES)
  if not text and not message then
    local err
    text, err = core.read_file(path, MAX_FILE_BYTES)
    message = err and err.message
  end
  if not text then fault.raise("%s; %s", message, source.ACCEPTED) end
  return text
end

---Reads a source. Raises a fault that names the file.
---@param given string|table
---@return appsync.models.Description
function source.read(given)
  if type(given) == "table" then return description.complete(read_table(given)) end
  if given:find("[{\n]") then return description.complete(read_text(given)) end
  local text = read_file(given)
  local world, found = fault.try(function() return description.complete(read_text(text)) end)
  if found then fault.raise("%s: %s", given, found.message) end
  return world
end

return source
