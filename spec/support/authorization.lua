-- Clients of a local server that takes every authorization mode, and tells who called.
local appsync = require "appsync"
local assert = require "luassert"
local process = require "spec.support.process"
local server = require "spec.support.server"
local tokens = require "spec.support.tokens"

local ALL = "@aws_api_key @aws_iam @aws_oidc @aws_cognito_user_pools @aws_lambda"
local SCHEMA = ([[
type Query {
  who: String ALL
  header(name: String!): String ALL
  keyOnly: String @aws_api_key
  tokenOnly: String @aws_oidc
}
type Mutation { say(text: String): Said ALL }
type Said ALL { text: String by: String }
type Subscription { said(by: String): Said @aws_subscribe(mutations: ["say"]) ALL }
]]):gsub("ALL", ALL)
local RESOLVERS = [[
local function who(ctx)
  local identity = ctx.identity
  if not identity then return "API_KEY:" end
  if identity.resolverContext then return "AWS_LAMBDA:" .. tostring(identity.resolverContext.user) end
  if identity.userArn then return "AWS_IAM:" .. identity.username end
  return (identity.defaultAuthStrategy and "AMAZON_COGNITO_USER_POOLS:" or "OPENID_CONNECT:") .. (identity.username or identity.sub)
end
return {
  Query = {
    who = who,
    header = function(ctx) return ctx.request.headers[ctx.arguments.name] end,
    keyOnly = function() return "k" end,
    tokenOnly = function() return "t" end,
  },
  Mutation = { say = function(ctx) return { text = ctx.arguments.text, by = who(ctx) } end },
  Subscription = { said = function(ctx)
    if ctx.arguments.by and ctx.arguments.by ~= ctx.request.headers["x-tenant"] then error("the tenant is " .. tostring(ctx.request.headers["x-tenant"])) end
  end },
  authorizer = function(token, request)
    if token == "custom-good" then return { isAuthorized = true, resolverContext = { user = "lambda-user" } } end
    if token == "custom-denied-field" then return { isAuthorized = true, deniedFields = { "Query.keyOnly", "Query.who" } } end
    return { isAuthorized = false }
  end,
}
]]

-- `service`, `key_file`, `clients` and `printed` are those of the present test.
local authorization = { SCHEMA = SCHEMA, RESOLVERS = RESOLVERS, BOUND = 10, HOUR = 3600, SECRET = "never-to-be-seen", clients = {}, printed = {} }

authorization.STATIC = { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY }
--- A server whose clock is two hours ahead: the client believes it, so that what lives for an hour has expired.
authorization.LATER = { "http", 200, { Date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 2 * authorization.HOUR) }, '{"data":{"a":1}}' }

--- Before all tests.
function authorization.open()
  authorization.key_file = process.file(tokens.SECRET, ".jwt")
  authorization.service = server.start {
    schema = SCHEMA, resolvers = RESOLVERS, arguments = { "--jwt-key", authorization.key_file },
  }
end

--- After each test.
function authorization.close_clients()
  local clients = authorization.clients
  authorization.clients, authorization.printed = {}, {}
  for _, client in ipairs(clients) do assert.is_true(client:close(5)) end
end

function authorization.connect(auth, options)
  options = options or {}
  options.endpoint = options.endpoint or authorization.service.endpoint
  options.region = options.region or "us-east-1"
  options.auth = auth
  options.retry = { base = 0.01, cap = 0.05, attempts = 3 }
  local printed = authorization.printed
  options.log = function(level, message, fields)
    printed[#printed + 1] = level .. " " .. message .. " " .. appsync.encode(fields or {})
  end
  local client = assert(appsync.client(options))
  authorization.clients[#authorization.clients + 1] = client
  return client
end

function authorization.who(client, options)
  local data, err = client:query("{ who }", nil, options)
  return data and data.who, err
end

-- Nothing that a user sees has the secret in it.
function authorization.is_secret(secret, err)
  for _, text in ipairs { tostring(err), err and err.message or "", table.concat(authorization.printed, "\n") } do
    assert.is_nil(text:find(secret, 1, true), text)
  end
end

function authorization.refused(client, secret, options)
  local value, err = authorization.who(client, options)
  assert.is_nil(value)
  assert.equal("auth", err.kind)
  assert.is_true(err.status == 401 or err.status == 403, tostring(err.status))
  assert.is_false(err.retryable)
  if secret then authorization.is_secret(secret, err) end
  return err
end

function authorization.told(s)
  local event, err = s:next(authorization.BOUND)
  assert.is_nil(err)
  return event.said.text .. "/" .. event.said.by
end

function authorization.subscribed(client, options, variables)
  local document = variables and "subscription($by: String) { said(by: $by) { text by } }" or "subscription { said { text by } }"
  local s = client:subscribe(document, variables, options):subscribe()
  local ok, err = s:ready(authorization.BOUND)
  assert.is_nil(err)
  assert.is_true(ok)
  return s
end

function authorization.say(client, text, options)
  local _, err = client:mutate("mutation($t: String) { say(text: $t) { text by } }", { t = text }, options)
  assert.is_nil(err)
end

return authorization
