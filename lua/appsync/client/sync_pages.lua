---What functions of the application make of a delta sync's pages and events, one after the other. The core keeps what they write
---together with the page, and waits for it:
---
---    "update", "records" --> inbox --made in steps--> functions, which don't wait --> settle_sync, fail_sync
local compute = require "appsync.compute"
local core = require "appsync.core"
local errors = require "appsync.errors"
local json = require "appsync.json"
local log = require "appsync.log"
local printable = require "appsync.printable"
local record_selection = require "appsync.client.record_selection"
local sync_references = require "appsync.client.sync_references"
local timer = require "appsync.timer"
local updating = require "appsync.client.updating"
local variables_of = require "appsync.client.variables"

local sync_pages = {}

local RETRY_SECONDS = 1
local MAX_BYTES = 65536 -- as of a page's nextToken

local null = json.null

-- The page without anything of ours, and the next one where there is one: the core waits for it.
local function fail(running, number, message, more)
  if running.is_over then return end
  local ok
  if more then
    ok = running.core:settle_sync(running.id, number, more)
  else
    ok = running.core:fail_sync(running.id, number, message)
  end
  if not ok then timer.after(RETRY_SECONDS, function() fail(running, number, message, more) end) end
end

-- What was begun goes with the page.
local function settle(running, number, more)
  local ok, err = running.core:settle_sync(running.id, number, more)
  if ok then return end
  local message = err and err.message or "the cache is closed"
  log.emit(running.root.log, "error", ("client:sync: what was written for a page isn't kept: %s"):format(message))
  fail(running, number, message, more)
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
  local text, err = core.encode(more, "variables")
  if not text then errors.misuse("page must return variables that can be JSON: %s", err.message) end
  if #text > MAX_BYTES then
    errors.misuse("page must return at most %d bytes of variables, which are kept with each page; got %d", MAX_BYTES, #text)
  end
  return over(part.variables, more)
end

-- The variables of the next page. Before `update`, which may change the data. Where they can't be known the sync ends: without its
-- other pages the list wouldn't be whole.
---@return table? more nil: there is none, or the sync has ended
local function next_page(running, part, event)
  if not part.page then return nil end
  local ok, more = pcall(ask_page, part, event.data, json.copy(event.variables or part.variables) or {})
  if ok then return more end
  local err = errors.of_raised(more)
  running:stop(errors.new("usage", ("%s: page raised: %s"):format(part.where, err.message), { raised = more, code = "page_raised" }))
end

-- What `cache_updates` says of a page that goes to other functions too: the core tells of its records only where it doesn't.
---@return appsync.client.SyncReference[]
local function references_of(running, part, event)
  if not running.cache_updates then return {} end
  local list = {}
  for i, record in ipairs(record_selection.records(part.selection, event.data)) do
    list[i] = { data = record, deleted = record.aws_ds == "DELETE" or record._deleted == true }
  end
  return sync_references.collect(running, list)
end

-- Begun, and not ended, unless it fails.
---@return boolean is_begun, string? failure
local function run_update(running, part, event)
  local depth, err = running.core:begin(false)
  if not depth then return false, err.message end
  local result = { data = event.data, err = nil, optimistic = false }
  local ok, raised = pcall(compute, "update", part.update, running.kept, result)
  if ok then return true end
  running.core:drop()
  local where = ("%s (%s)"):format(part.where, part.selection.roots[1])
  updating.tell(running.root.log, raised, part.what == "subscription" and "event" or "page", where)
  return false, "update raised: " .. printable.text(raised)
end

-- Begun, and not ended, where there is something to write.
---@return boolean is_begun, string? failure
local function write(running, part, event, references)
  local is_begun, failure = false, nil
  if part.update then is_begun, failure = run_update(running, part, event) end
  if references[1] == nil or running.is_over then return is_begun, failure end
  if not is_begun then
    local depth, err = running.core:begin(false)
    if not depth then return false, failure or err.message end
  end
  sync_references.write(running, references)
  return true, failure
end

---@param running appsync.client.RunningSync
---@param event {number: integer, part: string, data: any, variables: table?}
function sync_pages.update(running, event)
  local part = running.parts[event.part]
  if event.data == null then event.data = nil end
  local more = next_page(running, part, event)
  if running.is_over then return end
  local references = references_of(running, part, event)
  if running.is_over then return end
  local is_begun, failure = write(running, part, event, references)
  if running.is_over then return is_begun and running.core:drop() or nil end
  if failure and not is_begun then return fail(running, event.number, failure, more) end
  settle(running, event.number, more)
end

---@param running appsync.client.RunningSync
---@param event {number: integer, records: {data: table, deleted: boolean}[]}
function sync_pages.records(running, event)
  local references = sync_references.collect(running, event.records)
  if running.is_over then return end
  if references[1] == nil then return settle(running, event.number) end
  local depth, err = running.core:begin(false)
  if not depth then return fail(running, event.number, err.message) end
  sync_references.write(running, references)
  settle(running, event.number)
end

---Something raised on the way, for want of memory say. What was begun is dropped, and the page kept, unless it would be taken for
---the last one.
---@param running appsync.client.RunningSync
---@param event {what: string, number: integer, part: string?}
---@param err appsync.Error
function sync_pages.abandon(running, event, err)
  if running.is_over then return end
  pcall(running.core.drop, running.core) -- which raises where nothing was begun
  local part = running.parts[event.part]
  if part and part.page then return running:stop(err) end
  fail(running, event.number, err.message)
end

return sync_pages
