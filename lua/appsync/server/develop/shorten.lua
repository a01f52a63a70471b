---Values of any size as a few words for a trace, without what must stay secret.
local core = require "appsync.core"
local cut = require "appsync.server.cut"
local printable = require "appsync.printable"
local is_list = require "appsync.server.graphql.is_list"
local result = require "appsync.server.graphql.result"

local shorten = {}

local MAX_TEXT, MAX_ITEMS, MAX_DEPTH = 40, 6, 4

local SECRETS = { "password", "secret", "credential", "authorization", "apikey", "accesstoken", "idtoken", "refreshtoken",
  "securitytoken", "passphrase", "privatekey" }

---Whether a member of that name holds what no log may show.
---@param name any
---@return boolean
function shorten.is_secret(name)
  local plain = tostring(name):lower():gsub("[^%a]", "")
  if plain == "token" or plain == "jwt" then return true end
  for _, word in ipairs(SECRETS) do
    if plain:find(word, 1, true) then return true end
  end
  return false
end

local function as_it_is(text) return text end

-- What stays secret is taken out before a text is cut: a part of it would be left else.
local function text_of(value, hide)
  return '"' .. printable.escaped(cut(hide(value), MAX_TEXT)) .. '"'
end

local function by_name(a, b) return tostring(a) < tostring(b) end

---A value that is shown as "***".
shorten.HIDDEN = {}

local render

local function list_of(value, depth, hide)
  local parts = {}
  for i = 1, math.min(#value, MAX_ITEMS) do parts[i] = render(value[i], depth + 1, hide) end
  if #value > MAX_ITEMS then parts[#parts + 1] = ("… %d in all"):format(#value) end
  return "[" .. table.concat(parts, ", ") .. "]"
end

local function object_of(value, depth, hide)
  local names = {}
  for name in next, value do names[#names + 1] = name end
  table.sort(names, by_name)
  local parts = {}
  for i, name in ipairs(names) do
    if i > MAX_ITEMS then
      parts[i] = "…"
      break
    end
    local shown = shorten.is_secret(name) and shorten.HIDDEN or value[name]
    parts[i] = printable.escaped(cut(hide(tostring(name)), MAX_TEXT)) .. ": " .. render(shown, depth + 1, hide)
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

function render(value, depth, hide)
  local kind = type(value)
  if value == nil or value == core.null then return "null" end
  if kind == "string" then return text_of(value, hide) end
  if kind == "number" then return hide(result.number(value)) end
  if kind == "boolean" then return tostring(value) end
  if kind ~= "table" then return kind end
  if value == shorten.HIDDEN then return "***" end
  if depth > MAX_DEPTH then return is_list(value) and "[…]" or "{…}" end
  return (is_list(value) and list_of or object_of)(value, depth, hide)
end

---The value in a few words.
---@param value any
---@param hide? fun(text: string): string takes out what stays secret
---@return string
function shorten.value(value, hide)
  local ok, text = pcall(render, value, 1, hide or as_it_is)
  return ok and text or "a value that can't be shown"
end

---A field's arguments: "(id: 1, …)", or "" without any.
---@param args table<string, any>
---@param hide? fun(text: string): string
---@return string
function shorten.arguments(args, hide)
  if type(args) ~= "table" or next(args) == nil then return "" end
  return "(" .. shorten.value(args, hide):sub(2, -2) .. ")"
end

---What came out of a resolver, by its size.
---@param value any
---@param hide? fun(text: string): string
---@return string
function shorten.result(value, hide)
  if type(value) ~= "table" then return shorten.value(value, hide) end
  if is_list(value) then return #value == 1 and "1 item" or (#value .. " items") end
  local items = rawget(value, "items")
  if type(items) == "table" then
    return shorten.result(items) .. ((rawget(value, "nextToken") or core.null) ~= core.null and " and a nextToken" or "")
  end
  local n = 0
  for _ in next, value do n = n + 1 end
  return n == 1 and "1 field" or (n .. " fields")
end

return shorten
