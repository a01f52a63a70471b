---Functions of the application that change the cache for what has come: each call is one transaction.
local compute = require "appsync.compute"
local errors = require "appsync.errors"
local log = require "appsync.log"
local printable = require "appsync.printable"

local updating = {}

---@class appsync.UpdateResult
---@field data table? what the service sent, or an optimistic response
---@field err appsync.Error? set beside partial data
---@field optimistic boolean

---Runs a function that reads without optimistic layers, and keeps what it has written. Raises what it raises; then nothing
---is written.
---@param core_cache appsync.core.Cache
---@param fn function
function updating.change(core_cache, fn, ...)
  local depth, err = core_cache:begin(false)
  if not depth then return errors.of_core(err) end
  local ok, raised = pcall(fn, ...)
  if not ok then
    core_cache:drop()
    error(raised, 0)
  end
  local _, commit_err = core_cache:commit()
  errors.of_core(commit_err)
end

---@param sink function? the client's `log`
---@param raised any by an `update`
---@param what string what it stands beside
---@param where string? whose it is, where the client may have several
function updating.tell(sink, raised, what, where)
  log.emit(sink, "error", ("%supdate raised: %s; what it wrote is dropped, the %s stands"):format(where and where .. ": " or "",
    printable.text(raised), what), { raised = raised })
end

---Runs `update(cache, result)` and keeps what it has written; if it throws nothing is, and that is told.
---@param kept appsync.Cache
---@param update fun(cache: appsync.Cache, result: appsync.UpdateResult)
---@param result appsync.UpdateResult
---@param sink function?
---@param what string
function updating.run(kept, update, result, sink, what)
  local ok, raised = pcall(updating.change, kept.core, compute, "update", update, kept, result)
  if not ok then updating.tell(sink, raised, what) end
end

return updating
