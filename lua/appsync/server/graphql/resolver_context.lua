---What a resolver is called with (AppSync Developer Guide, "Resolver context reference"). Members that few resolvers use
---are made when they are read: of `ctx.util`, `ctx.extensions` and `ctx.tables` the engine's providers know how.
local core = require "appsync.core"
local selection = require "appsync.server.graphql.selection"

local resolver_context = {}

local NULL = core.null

---@class appsync.server.Context
---@field arguments table<string, any>
---@field args table<string, any> the same
---@field source any the parent's value
---@field identity table? see "Identity" in the guide; nil for an API key
---@field caller appsync.server.Identity? who asks, in the words of `server.auth`; not part of what is kept or shown
---@field request {headers: table<string, string>}
---@field request_id string?
---@field info {fieldName: string, parentTypeName: string, variables: table, selectionSetList: string[]}
---@field prev {result: any}
---@field stash table
---@field extensions appsync.server.Extensions lazy, of a provider

---Makes a lazy member of a resolver's context, once, when it is read.
---@alias appsync.server.Provider fun(ctx: appsync.server.Context, x: appsync.server.Execution): any

local function selected_paths(x, at)
  local paths = at.paths
  if not paths then
    paths = selection.paths(x, at.field.type, at.nodes)
    at.paths = paths
  end
  local copy = {}
  for i = 1, #paths do copy[i] = paths[i] end
  return setmetatable(copy, core.array_mt)
end

local lazy = {}

function lazy.info(_, x)
  local at = x.at
  return {
    fieldName = at.field.name, parentTypeName = at.type.name, variables = x.variables,
    selectionSetList = selected_paths(x, at),
  }
end

function lazy.prev() return { result = NULL } end

function lazy.stash() return {} end

local function read_lazy(ctx, key)
  local x = getmetatable(ctx).x
  if key == "caller" then return x.identity end
  local make = lazy[key] or (x.providers and x.providers[key])
  if not make then return nil end
  local value = make(ctx, x)
  rawset(ctx, key, value)
  return value
end

---The context of the resolver of `x.at`.
---@param x appsync.server.Execution
---@param source any
---@param args table<string, any>
---@return appsync.server.Context
function resolver_context.new(x, source, args)
  local metatable = x.context_metatable
  if not metatable then
    metatable = { __index = read_lazy, x = x }
    x.context_metatable = metatable
  end
  return setmetatable({
    arguments = args, args = args, source = source, identity = x.shown_identity, request = x.request, request_id = x.request_id,
  }, metatable)
end

---The same with all members but the providers' read: whoever keeps it sees what it was.
---@return appsync.server.Context
function resolver_context.complete(x, source, args)
  local ctx = resolver_context.new(x, source, args)
  for name in pairs(lazy) do local _ = ctx[name] end
  return ctx
end

return resolver_context
