---What becomes of a mutation whose version is not the item's (AppSync Developer Guide, "Conflict detection and resolution").
local automerge = require "appsync.server.data.versions.automerge"
local lambda = require "appsync.server.data.versions.lambda"

local resolution = {}

---A decision: an item to be written in the place of the existing one, a removal, or a refusal.
---@class appsync.server.Decision
---@field item table?
---@field is_deleted boolean? the item is a tombstone
---@field refusal "ConflictUnhandled"|"ConflictError"|nil
---@field message string? of a refusal

local REJECTED = { refusal = "ConflictUnhandled", message = "Conflict resolver rejects mutation." }

local handlers = {}

function handlers.OPTIMISTIC_CONCURRENCY()
  return REJECTED
end

-- A deletion can't be merged. A merge leaves a tombstone one.
function handlers.AUTOMERGE(_, clash)
  if clash.op == "delete" then return REJECTED end
  return { item = automerge.merge(clash.existing, clash.changes), is_deleted = clash.existing._deleted == true }
end

function handlers.LAMBDA(access, clash, ctx)
  local answer, message = lambda.ask(access.conflict_handler, clash, ctx)
  if not answer then return { refusal = "ConflictError", message = message } end
  if answer.action == "REJECT" then return REJECTED end
  if answer.action == "REMOVE" then return { item = clash.existing, is_deleted = true } end
  return { item = answer.item, is_deleted = false }
end

---Decides by the model's handler.
---@param access appsync.server.Access
---@param clash appsync.server.Clash with `changes`, what an update sets
---@param ctx appsync.server.Context
---@return appsync.server.Decision
function resolution.decide(access, clash, ctx)
  return handlers[access.m.conflict.handler](access, clash, ctx)
end

return resolution
