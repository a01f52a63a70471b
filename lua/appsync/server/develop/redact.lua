---A JSON message without the credentials in it, for a log. The text is kept as it was sent but for what is secret, however
---that is spelt.
local core = require "appsync.core"
local secret_variables = require "appsync.server.develop.secret_variables"
local secrets = require "appsync.server.develop.secrets"
local shorten = require "appsync.server.develop.shorten"

local redact = {}

local HIDDEN = '"***"'

-- The place behind the text that begins with a quotation mark at `at`.
local function past_text(json, at)
  at = at + 1
  while true do
    at = json:find('["\\]', at)
    if json:byte(at) == 34 then return at + 1 end
    at = at + 2
  end
end

-- The place behind the value that begins at `at`.
local function past_value(json, at)
  local depth = 0
  repeat
    local char = json:sub(at, at)
    if char == '"' then
      at = past_text(json, at)
    elseif char == "{" or char == "[" then
      depth, at = depth + 1, at + 1
    elseif char == "}" or char == "]" then
      depth, at = depth - 1, at + 1
    else
      local stop = json:find('["{}%[%]]', at) or #json + 1
      if depth == 0 then stop = math.min(stop, json:find("[,%s]", at) or stop) end
      at = math.max(stop, at + 1)
    end
  until depth == 0
  return at
end

local hide

-- A text that is JSON itself, as the `data` of a start message.
local function inner(raw, variables, list)
  local text = core.decode(raw)
  if not text:find("^%s*[{%[]") or type(core.decode(text)) ~= "table" then return raw end
  local shown = hide(text, variables, list)
  return shown == text and raw or core.encode(shown)
end

function hide(json, variables, list)
  local out, at = {}, 1
  while true do
    local first = json:find('"', at, true)
    if not first then break end
    local stop = past_text(json, first)
    local raw, value = json:sub(first, stop - 1), json:match("^%s*:%s*()", stop)
    if not value then
      out[#out + 1] = json:sub(at, first - 1) .. inner(raw, variables, list)
      at = stop
    elseif variables[core.decode(raw)] or shorten.is_secret(core.decode(raw)) then
      out[#out + 1] = json:sub(at, value - 1) .. HIDDEN
      at = past_value(json, value)
    else
      out[#out + 1] = json:sub(at, value - 1)
      at = value
    end
  end
  return secrets.hide(table.concat(out) .. json:sub(at), list)
end

---The operation of a message of either protocol: AppSync's has it as a text.
---@param message table
---@return {query: any, variables: any}
local function operation_of(message)
  local payload = type(message.payload) == "table" and message.payload or {}
  local operation = type(payload.data) == "string" and core.decode(payload.data) or payload
  return type(operation) == "table" and operation or {}
end
redact.operation_of = operation_of

---The message with "***" in the place of each credential.
---@param text string as a client sent it
---@return string
function redact.message(text)
  local message = core.decode(text)
  if type(message) ~= "table" then return ("(%d bytes that are no message)"):format(#text) end
  local operation = operation_of(message)
  return hide(text, secret_variables(operation.query), secrets.of({ query = operation.query, variables = operation.variables }))
end

return redact
