---The Lambda authorizer, played by a Lua function (AppSync Developer Guide, "Authorization and authentication": AWS_LAMBDA).
local core = require "appsync.core"
local glob = require "appsync.server.glob"
local shown = require("appsync.server.graphql.thrown").text
local time_limit = require "appsync.server.time_limit"

local lambda_authorizer = {}

---@class appsync.server.LambdaAuthorizer
---@field private settings table
---@field private answers table<string, {answer: table, ends_at: number}> by token
---@field private n_answers integer
local LambdaAuthorizer = {}
LambdaAuthorizer.__index = LambdaAuthorizer

---Of one API. What doesn't fit any more pushes all others out: it is a cache.
local MAX_ANSWERS = 1000
---An answer of this size or more is never kept.
local MAX_KEPT_BYTES = 1048576
---The most that the service lets an authorizer's context be.
local MAX_CONTEXT_BYTES = 5 * 1048576

---`settings`: call (the function(token, request)), now, log, api {region, account_id, api_id}, ttl_s (default 0: nothing
---is kept), tokens (patterns of tokens that are worth asking about; nil: all), hide (function(text, operation): the text
---without what is secret in the operation), timeout_s (seconds that the function may take, default 30).
---@param settings table
---@return appsync.server.LambdaAuthorizer
function lambda_authorizer.new(settings)
  return setmetatable({ settings = settings, answers = {}, n_answers = 0 }, LambdaAuthorizer)
end

-- The service's event; and in Lua's spelling, the parts of it that a function asks for most.
local function event(self, token, credentials)
  local operation, api = credentials.operation or {}, self.settings.api
  return {
    authorizationToken = token,
    requestContext = {
      apiId = api.api_id, accountId = api.account_id, requestId = credentials.request_id or core.uuid(),
      queryString = operation.query, operationName = operation.operationName,
      variables = operation.variables or {},
    },
    requestHeaders = credentials.headers,
    headers = credentials.headers, query = operation.query, variables = operation.variables,
    operation_name = operation.operationName,
  }
end

local function fault_of_context(context)
  if context == nil or context == core.null then return nil end
  if type(context) ~= "table" then return "resolverContext must be a table" end
  local bytes = 0
  for key, value in pairs(context) do
    if type(key) ~= "string" then return "resolverContext must have names, it isn't a list" end
    if type(value) == "table" or type(value) == "function" or type(value) == "thread" then
      return ("resolverContext.%s must be a text, a number or a boolean: nested values aren't passed on"):format(key)
    end
    bytes = bytes + #key + #tostring(value)
  end
  if bytes > MAX_CONTEXT_BYTES then return "resolverContext is above 5 MB" end
end

local ANSWER = { isAuthorized = true, resolverContext = true, deniedFields = true, ttlOverride = true }

local function fault_of(answer)
  for key in pairs(answer) do
    if not ANSWER[key] then
      return ("the answer has %s; it can have isAuthorized, resolverContext, deniedFields, ttlOverride"):format(tostring(key))
    end
  end
  local denied, ttl = answer.deniedFields, answer.ttlOverride
  if denied ~= nil and denied ~= core.null then
    if type(denied) ~= "table" then return "deniedFields must be a list" end
    for _, name in ipairs(denied) do
      if type(name) ~= "string" then return "deniedFields must be a list of texts" end
    end
  end
  if ttl ~= nil and ttl ~= core.null and (type(ttl) ~= "number" or ttl ~= ttl or ttl < 0) then
    return "ttlOverride must be a number of seconds"
  end
  return fault_of_context(answer.resolverContext)
end

local function given(value)
  if value == core.null then return nil end
  return value
end

---@private
function LambdaAuthorizer:ask(token, credentials)
  local hide, operation = self.settings.hide, credentials.operation or {}
  local function log(text)
    self.settings.log(hide and hide(text, { query = operation.query, variables = operation.variables }) or text)
  end
  local ok, answer = time_limit.pcall(self.settings.timeout_s, self.settings.call, token, event(self, token, credentials))
  if not ok then
    log("authorizer: " .. lambda_authorizer.without(shown(answer), token))
    return nil
  elseif type(answer) == "boolean" then
    return { isAuthorized = answer }
  elseif type(answer) ~= "table" then
    log(("authorizer: a table or a boolean is expected, not a %s"):format(type(answer)))
    return nil
  end
  local fault = fault_of(answer)
  if fault then
    log("authorizer: " .. lambda_authorizer.without(fault, token))
    return nil
  end
  return answer
end

---@private
function LambdaAuthorizer:keep(token, answer, now)
  local ttl = given(answer.ttlOverride) or self.settings.ttl_s or 0
  if ttl <= 0 then return end
  local text = core.encode(answer)
  if not text or #text >= MAX_KEPT_BYTES then return end
  if not self.answers[token] then
    if self.n_answers >= MAX_ANSWERS then self.answers, self.n_answers = {}, 0 end
    self.n_answers = self.n_answers + 1
  end
  self.answers[token] = { answer = answer, ends_at = now + ttl }
end

---@private
function LambdaAuthorizer:is_worth_asking(token)
  local patterns = self.settings.tokens
  if not patterns then return true end
  for _, pattern in ipairs(patterns) do
    if glob.matches(pattern, token) then return true end
  end
  return false
end

---What the function says of a token: its context and denied fields, or nil when it refuses.
---@param token string
---@param credentials appsync.server.Credentials
---@return {resolver_context: table, denied_fields: string[]?}?
function LambdaAuthorizer:check(token, credentials)
  if not self:is_worth_asking(token) then return nil end
  local now = self.settings.now()
  local kept = self.answers[token]
  local answer = kept and now < kept.ends_at and kept.answer
  if not answer then
    answer = self:ask(token, credentials)
    if not answer then return nil end
    self:keep(token, answer, now)
  end
  if answer.isAuthorized ~= true then return nil end
  -- A kept answer serves many requests, whose resolvers may write into what they are given.
  local context = {}
  for name, value in pairs(given(answer.resolverContext) or {}) do context[name] = value end
  return { resolver_context = context, denied_fields = given(answer.deniedFields) }
end

---A text without a token that it may quote, with its "Bearer " or not.
---@param text string
---@param token string
---@return string
function lambda_authorizer.without(text, token)
  local secret = token:gsub("^[Bb]earer%s+", "")
  local at = 1
  local out = {}
  while secret ~= "" do
    local first, last = text:find(secret, at, true)
    if not first then break end
    out[#out + 1] = text:sub(at, first - 1) .. "***"
    at = last + 1
  end
  return table.concat(out) .. text:sub(at)
end

return lambda_authorizer
