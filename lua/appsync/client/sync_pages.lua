---What functions of the application make of a delta sync's pages and events, one after the other. The core keeps what they write
---together with the page, and waits for it:
---
---    "update", "records" --> inbox --made in steps--> functions, which don't wait --> settle_sync, fail_sync
local compute = require "appsync.compute"
local errors = require "appsync.errors"
local json = require "appsync.json"
local log = require "appsync.log"
local printable = require "appsync.printable"
local sync_references = require "appsync.client.sync_references"
local timer = require "appsync.timer"
local updating = require "appsync.client.updating"
local variables_of = require "appsync.client.variables"

local sync_pages = {}

local RETRY_SECONDS = 1

local null = json.null

---@param running appsync.client.RunningSync
---@param number integer
---@param message string
function sync_pages.fail(running, number, message)
  if running.is_over then return end
  local ok = running.core:fail_sync(running.id, number, message)
  if not ok then timer.after(RETRY_SECONDS, function() sync_pages.fail(running, number, message) end) end
end

-- What was begun goes with the page.
local function settle(running, number, more)
  local ok, err = running.core:settle_sync(running.id, number, more)
  if ok then return end
  local message = err and err.message or "the cache is closed"
  log.emit(running.root.log, "error", ("client:sync: what was written for a page isn't kept: %s"):format(message))
  sync_pages.fail(running, number, message)
end

local function over(variables, more)
  local all = {}
  for name, value in pairs(variables or {}) do all[name] = value end
  for name, value in pairs(more) do all[name] = value end
  return all
end

-- Nil: there is no next page.
local function ask_page(part, data, variables)
  local given = compute("page", part.page, data, variables)
  if given == nil or given == null then return nil end
  if type(given) ~= "table" then
    errors.misuse("page must return a table of variables, or nil after the last page, got %s", (errors.describe(given)))
  end
  local more = variables_of.declared(given, part.operation, {}, part.where .. ": page")
  if more == nil then errors.misuse("page must return variables that the query declares; it has returned none of them") end
  return over(part.variables, more)
end

-- The variables of the next page, or why they aren't known. Before `update`, which may change the data.
---@return table? more, string? failure
local function next_page(running, part, event)
  if not part.page then return nil end
  local ok, more = pcall(ask_page, part, event.data, json.copy(event.variables or part.variables) or {})
  if ok then return more end
  local message = printable.text(more)
  log.emit(running.root.log, "error", ("%s: page raised: %s; the pages after this one aren't asked for now"):format(part.where,
    message), { raised = more })
  return nil, "page raised: " .. message
end

-- Begun, and not ended, where it returns true.
---@return boolean is_begun, string? failure
local function run_update(running, part, event)
  if not part.update then return false end
  local depth, err = running.core:begin(false)
  if not depth then return false, err.message end
  local result = { data = event.data, err = nil, optimistic = false }
  local ok, raised = pcall(compute, "update", part.update, running.kept, result)
  if ok then return true end
  running.core:drop()
  updating.tell(running.root.log, raised, part.what == "subscription" and "event" or "page")
  return false, "update raised: " .. printable.text(raised)
end

---@param running appsync.client.RunningSync
---@param event {number: integer, part: string, data: any, variables: table?}
function sync_pages.update(running, event)
  local part = running.parts[event.part]
  if event.data == null then event.data = nil end
  local more, page_failure = next_page(running, part, event)
  if running.is_over then return end -- the function has stopped it
  local is_begun, update_failure = run_update(running, part, event)
  if running.is_over then return is_begun and running.core:drop() or nil end
  if page_failure then
    if is_begun then errors.adopt(select(2, running.core:commit())) end
    return sync_pages.fail(running, event.number, page_failure)
  end
  -- Without what `update` wrote; the pages that follow are asked for all the same.
  if update_failure and more == nil then return sync_pages.fail(running, event.number, update_failure) end
  settle(running, event.number, more)
end

---@param running appsync.client.RunningSync
---@param event {number: integer, records: {data: table, deleted: boolean}[]}
function sync_pages.records(running, event)
  local references = sync_references.collect(running, event.records)
  if running.is_over then return end
  if references[1] == nil then return settle(running, event.number) end
  local depth, err = running.core:begin(false)
  if not depth then return sync_pages.fail(running, event.number, err.message) end
  sync_references.write(running, references)
  settle(running, event.number)
end

return sync_pages
