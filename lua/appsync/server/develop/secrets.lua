---The secret values of an operation, and texts without them: what is hidden among the variables is hidden in messages,
---arguments and results too.
local core = require "appsync.core"
local result = require "appsync.server.graphql.result"
local secret_variables = require "appsync.server.develop.secret_variables"
local shorten = require "appsync.server.develop.shorten"

local secrets = {}

-- Shorter ones stand in every other word; with more, nothing can be shown.
local MIN_BYTES, MAX_VALUES, MAX_DEPTH = 3, 200, 40

-- As they are written into JSON texts, and into a document in one.
local function add(list, value)
  local text = type(value) == "number" and result.number(value) or value
  for _ = 1, 3 do
    if type(text) ~= "string" or #text < MIN_BYTES or list[text] then return end
    list[text] = true
    list[#list + 1] = text
    local encoded = core.encode(text)
    text = encoded and encoded:sub(2, -2)
  end
end

local function add_all(list, value, depth)
  if type(value) ~= "table" then return add(list, value) end
  for _, inner in pairs(value) do
    if depth < MAX_DEPTH then add_all(list, inner, depth + 1) end
  end
end

local function search(list, name, value, depth)
  if shorten.is_secret(name) then return add_all(list, value, depth) end
  if type(value) == "string" and value:find("^%s*[{%[]") then value = core.decode(value) end -- as AWSJSON
  if type(value) ~= "table" or depth >= MAX_DEPTH then return end
  for key, inner in pairs(value) do search(list, key, inner, depth + 1) end
end

local HEADERS = { "authorization", "cookie", "x-amz-security-token", "x-api-key" }

---The secret values of a request, the longest first.
---@param request {query: any, variables: any, headers: table<string, string>?}
---@return string[]
function secrets.of(request)
  local list = {}
  local by_use, literals = secret_variables(request.query)
  for _, value in ipairs(literals) do add(list, value) end
  for name, value in pairs(type(request.variables) == "table" and request.variables or {}) do
    if by_use[name] then add_all(list, value, 1) else search(list, name, value, 1) end
  end
  for _, name in ipairs(HEADERS) do add(list, (request.headers or {})[name]) end
  table.sort(list, function(a, b)
    if #a ~= #b then return #a > #b end
    return a < b
  end)
  return list
end

---The text with "***" in the place of each of them.
---@param text string
---@param list string[]? of `secrets.of`
---@return string
function secrets.hide(text, list)
  if not list or #list == 0 then return text end
  if #list > MAX_VALUES then return "***" end
  for _, value in ipairs(list) do
    if text:find(value, 1, true) then text = text:gsub(value:gsub("[%%%^%$%(%)%.%[%]%*%+%-%?]", "%%%0"):gsub("%z", "%%z"), "***") end
  end
  return text
end

return secrets
