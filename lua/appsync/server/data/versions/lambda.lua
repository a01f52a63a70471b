---The conflict handler LAMBDA: a function of the resolvers file decides (AppSync Developer Guide, "Conflict detection and
---resolution", Lambda). What it is told is a copy of its own.
local core = require "appsync.core"
local is_list = require "appsync.server.graphql.is_list"
local shared = require "appsync.server.graphql.shared"
local thrown = require "appsync.server.graphql.thrown"

local lambda = {}

---What the function is called with, beside the mutation's context.
---@class appsync.server.ConflictEvent
---@field newItem table? what the mutation would have made of the item; nil for a deletion
---@field existingItem table as the server has it, with its version
---@field arguments table of the mutation
---@field resolver {tableName: string, awsRegion: string, parentType: string, field: string}
---@field identity table? nil for an API key

---What it answers: RESOLVE puts the item in the existing one's place (of an update), REMOVE deletes it (of a deletion), REJECT
---leaves it as it is.
---@class appsync.server.ConflictAnswer
---@field action "RESOLVE"|"REJECT"|"REMOVE"
---@field item table? with RESOLVE

---@alias appsync.server.ConflictFunction
---| fun(event: appsync.server.ConflictEvent, ctx: appsync.server.Context): appsync.server.ConflictAnswer

local ACCEPTED = {
  update = "{action = 'RESOLVE', item = {…}} or {action = 'REJECT'}",
  delete = "{action = 'REMOVE'} or {action = 'REJECT'}",
}

local function malformed(clash, found)
  return nil, ("the conflict handler of %s must return %s, not %s"):format(clash.model, ACCEPTED[clash.op], found)
end

-- An item as JSON can keep it.
local function read_item(clash, item)
  if type(item) ~= "table" or is_list(item) then return malformed(clash, "an item that isn't an object") end
  local text, err = core.encode(item)
  if not text then return malformed(clash, "an item that JSON can't hold: " .. err.message) end
  return { action = "RESOLVE", item = core.decode(text) }
end

local function describe(action)
  return type(action) == "string" and ("the action '%s'"):format(action) or "an action that isn't a string"
end

local function read_answer(clash, answer)
  if type(answer) ~= "table" then return malformed(clash, answer == nil and "nil" or "a " .. type(answer)) end
  local action = answer.action
  if action == "REJECT" then return { action = action } end
  if clash.op == "update" and action == "RESOLVE" then return read_item(clash, answer.item) end
  if clash.op == "delete" and action == "REMOVE" then return { action = action } end
  return malformed(clash, describe(action))
end

---@class appsync.server.Clash
---@field model string
---@field op "update"|"delete"
---@field existing table
---@field preview table?

-- The mutation's context, of which the function may change what it likes: the condition is still to be checked.
local function own_context(ctx, arguments)
  return setmetatable({ arguments = arguments, args = arguments }, { __index = ctx })
end

---Asks the function.
---@param handler appsync.server.ConflictFunction
---@param clash appsync.server.Clash
---@param ctx appsync.server.Context
---@return appsync.server.ConflictAnswer? answer
---@return string? message what is wrong with the function
function lambda.ask(handler, clash, ctx)
  local info, arguments = ctx.info, shared.copy(ctx.arguments)
  local event = {
    newItem = shared.copy(clash.preview), existingItem = shared.copy(clash.existing), arguments = arguments,
    resolver = { tableName = clash.model, awsRegion = "us-east-1", parentType = info.parentTypeName, field = info.fieldName },
    identity = ctx.identity,
  }
  local ok, answer = pcall(handler, event, own_context(ctx, arguments))
  if not ok then
    return nil, ("the conflict handler of %s failed: %s"):format(clash.model, thrown.read(answer).message)
  end
  local is_read, read, message = pcall(read_answer, clash, answer)
  if is_read then return read, message end
  return malformed(clash, "a table that can't be read")
end

return lambda
