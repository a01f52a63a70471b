-- An engine of a schema with @auth, callers of all kinds, and what comes of their queries.
local core = require "appsync.core"
local engine = require "appsync.server.engine"

local COGNITO, KEY, IAM, LAMBDA = "AMAZON_COGNITO_USER_POOLS", "API_KEY", "AWS_IAM", "AWS_LAMBDA"
local MODES = { default = COGNITO, additional = { KEY, IAM, LAMBDA, "OPENID_CONNECT" } }

local ruled = {}

--- Somebody of a user pool.
function ruled.user(sub, name, groups)
  return { mode = COGNITO, sub = sub, username = name, groups = groups,
    claims = { iss = "i", sub = sub, username = name, ["cognito:groups"] = groups } }
end

ruled.CALLERS = {
  bob = ruled.user("s1", "bob"), eve = ruled.user("s2", "eve"), ada = ruled.user("s3", "ada", { "Admin" }),
  red = ruled.user("s4", "red", { "Red" }),
  key = { mode = KEY }, guest = { mode = IAM, iam = { cognito = { type = "unauthenticated" } } },
  member = { mode = IAM, iam = { cognito = { type = "authenticated" } } }, lambda = { mode = LAMBDA },
}

local served

--- The engine that was made last.
function ruled.engine() return served end

--- Closes it.
function ruled.close()
  if served then served:close() end
  served = nil
end

--- Makes an engine in the place of the last one.
---@param schema_text string
---@param resolvers table?
---@param flags table<string, boolean>? of the schema's project
function ruled.make(schema_text, resolvers, flags)
  ruled.close()
  served = assert(engine.new({ schema_text = schema_text, auth_modes = MODES, resolvers = resolvers, transformer = { flags = flags } }))
end

--- The answer to a caller's query.
---@param caller string? a name of `CALLERS`; nobody: nothing is asked of anybody
function ruled.run(caller, query)
  return core.decode((served:execute({ query = query, identity = caller and (ruled.CALLERS[caller] or error(caller)) })))
end

--- What came of one field, or the message of its error.
function ruled.outcome(caller, query)
  local answer = ruled.run(caller, query)
  local name, value = next(type(answer.data) == "table" and answer.data or {})
  if answer.errors then
    assert(answer.errors[1].errorType == "Unauthorized", answer.errors[1].message)
    return answer.errors[1].message, value
  end
  return value, name
end

--- The message of a refusal.
function ruled.no(field, type_name)
  return ("Not Authorized to access %s on type %s"):format(field, type_name)
end

return ruled
