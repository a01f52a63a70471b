---What operations of models refuse: DynamoDB's errors as resolvers pass them on, and those of Amplify's generated resolvers.
local not_authorized = require "appsync.server.graphql.not_authorized"

local refuse = {}

---A condition that does not hold, or a key that is there already or is not there. `item` is what the client gets to see as
---the error's data, in as far as it selected it.
---@param ctx appsync.server.Context
---@param item table?
---@param is_versioned boolean? the table has versions: its errors have no prefix
function refuse.condition(ctx, item, is_versioned)
  error({
    message = ("The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: %s)"):format(
      tostring(ctx.request_id or "")),
    type = (is_versioned and "" or "DynamoDB:") .. "ConditionalCheckFailedException", data = item,
  }, 0)
end

---A mutation with a wrong version that stays undone.
---@param type_ "ConflictUnhandled"|"ConflictError"|"MaxConflicts"
---@param message string
---@param item table? as the server has it
function refuse.conflict(type_, message, item)
  error({ message = message, type = type_, data = item }, 0)
end

---What DynamoDB does not take.
---@param ctx appsync.server.Context
---@param message string
function refuse.validation(ctx, message)
  error({
    message = ("%s (Service: DynamoDb, Status Code: 400, Request ID: %s)"):format(message, tostring(ctx.request_id or "")),
    type = "DynamoDB:DynamoDbException",
  }, 0)
end

---A field of versions that only the server writes.
---@param name string
function refuse.metadata(name)
  error({ message = ("'%s' can't be written: conflict detection sets it."):format(name), type = "BadRequest" }, 0)
end

---@param text string
function refuse.arguments(text, ...)
  error({ message = text:format(...), type = "InvalidArgumentsError" }, 0)
end

---@param field_name string
---@param type_name string
function refuse.unauthorized(field_name, type_name)
  error(not_authorized(type_name, field_name), 0)
end

-- As users have reported it since 2020 (github.com/aws-amplify/amplify-js/issues/4880).
local TOKEN = "com.amazonaws.deepdish.common.pagination.InvalidPaginationTokenException: Invalid pagination token given."

---@param why string? for people: what is wrong with the token
function refuse.token(why)
  error({ message = TOKEN .. (why and (" " .. why) or ""), type = "DynamoDB:UserIllegalArgumentException" }, 0)
end

return refuse
