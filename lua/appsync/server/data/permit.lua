---The rules of models where there are none: everything is permitted. A guard that lacks a method is completed by these.
local permit = {}

---@class appsync.server.DataGuard
---@field create fun(self, m: appsync.server.Model, ctx: appsync.server.Context, input: table) may change the input, or throws
---@field aggregate fun(self, m: appsync.server.Model, field: string, ctx: appsync.server.Context): table? a filter as of `read`, for
---  aggregates of that field; or throws
---@field read fun(self, m: appsync.server.Model, op: "get"|"list"|"sync"|"search", ctx: appsync.server.Context, asked: table?): table? a
---  filter in the shape of the models' filters that every item must pass; or throws. `asked`: what a query says of a key
---@field update fun(self, m: appsync.server.Model, ctx: appsync.server.Context, item: table, input: table) throws or passes; the
---  item is empty when there is none
---@field delete fun(self, m: appsync.server.Model, ctx: appsync.server.Context, item: table) likewise
---@field shown fun(self, m: appsync.server.Model, field: string, value: any): any what clients see of a field, of an owner above all

local METHODS = { "create", "read", "update", "delete", "aggregate" }

local function pass() return nil end

---The guard with all methods.
---@param guard table?
---@return appsync.server.DataGuard
function permit.complete(guard)
  local out = {}
  for _, name in ipairs(METHODS) do
    local method = guard and guard[name]
    out[name] = method and function(_, ...) return method(guard, ...) end or pass
  end
  out.shown = guard and guard.shown and function(_, ...) return guard:shown(...) end or function(_, _, _, value) return value end
  return out
end

return permit
