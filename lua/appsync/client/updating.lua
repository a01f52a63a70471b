---Functions of the application that change the cache for what has come: each call is one transaction.
local compute = require "appsync.compute"
local errors = require "appsync.errors"
local log = require "appsync.log"
local printable = require "appsync.printable"
local unlayered = require "appsync.client.unlayered"

local updating = {}

---@class appsync.UpdateResult
---@field data table? what the service has sent, or an optimistic response
---@field err appsync.Error? beside partial data
---@field optimistic boolean

---Runs a function whose writes are taken back as one list; if it throws there are none.
---@param kept appsync.Cache
---@param fn function
---@return appsync.core.Edits? edits nil: nothing was written
---@return any raised
function updating.collect(kept, fn, ...)
  local depth, err = kept.core:begin()
  if not depth then return nil, errors.adopt(err) end
  local ok, raised = pcall(fn, ...)
  local edits = kept.core:take()
  if not ok then return nil, raised end
  return edits
end

---@param sink function? the client's `log`
---@param raised any by an `update`
---@param what string what it stands beside
function updating.tell(sink, raised, what)
  log.emit(sink, "error", ("update raised: %s; what it wrote is dropped, the %s stands"):format(printable.text(raised), what),
    { raised = raised })
end

local function run(kept, update, result, sink, what)
  local depth, err = kept.core:begin()
  if not depth then return updating.tell(sink, errors.adopt(err), what) end
  local ok, raised = pcall(compute, "update", update, kept, result)
  if ok then
    local _, commit_err = kept.core:commit()
    return errors.of_core(commit_err)
  end
  kept.core:take()
  updating.tell(sink, raised, what)
end

---Runs `update(cache, result)` and keeps what it has written; if it throws nothing is, and that is told.
---@param kept appsync.Cache
---@param update fun(cache: appsync.Cache, result: appsync.UpdateResult)
---@param result appsync.UpdateResult
---@param sink function?
---@param what string
function updating.run(kept, update, result, sink, what)
  return unlayered(kept.core, run, kept, update, result, sink, what)
end

return updating
