---The delta syncs of a simulated program. They begin whenever it starts; what the service is asked for them is watched; and in the
---end, when nothing disturbs them any more, they must have what the service has.
local core = require "appsync.core"
local sync_options = require "appsync.client.sync_options"
local task = require "appsync.task"

local simulated_syncs = {}

local WHERE = "appsync.simulate: syncs"

-- Longer than anything takes that the faults have left behind: a silent connection, which is given up after five minutes, and the
-- longest wait between two tries.
local SETTLE_S = 480
-- What an answer's Date, rounding and the way of a request make of a moment.
local SLACK_S = 65
local NO_WINDOW_S = 1800

---What is checked of one sync.
---@class appsync.simulate.SyncCheck
---@field options appsync.SyncOptions
---@field settings appsync.client.SyncSettings
---@field base_name string? of the base query's operation

---@param given table[]? options of client:sync
---@return appsync.simulate.SyncCheck[]
function simulated_syncs.read(given)
  local read = {}
  for i, options in ipairs(given or {}) do
    local settings = sync_options.check(options, ("%s[%d]"):format(WHERE, i))
    local base = settings.parts.base
    local name = base and base.operation.name or ""
    read[i] = { options = options, settings = settings, base_name = name ~= "" and name or nil }
  end
  return read
end

---What is known of one sync of the schedule.
---@class appsync.simulate.Sync
---@field check appsync.simulate.SyncCheck
---@field number integer
---@field handle appsync.Sync? of this start of the program
---@field status appsync.SyncStatus? as it was told last
---@field has_all boolean a base query has been complete, and nothing but time makes another one necessary
---@field last_sync number? Unix seconds of the service, as the status had it
---@field next_base number? likewise

---@class appsync.simulate.Syncs
---@field private world appsync.simulate.World
---@field private all appsync.simulate.Sync[]
---@field private tokens table<string, boolean> of pages: true, it isn't taken any more
local Syncs = {}
Syncs.__index = Syncs

---@param world appsync.simulate.World
---@return appsync.simulate.Syncs
function simulated_syncs.new(world)
  local self = setmetatable({ world = world, all = {}, tokens = {} }, Syncs)
  for i, check in ipairs(world.options.syncs) do self.all[i] = { check = check, number = i, has_all = false } end
  return self
end

local IS_COMPLETE = { draining = true, live = true, polling = true }

local function note(self, sync, status)
  local world = self.world
  sync.status = status
  if world.lines and status.phase ~= sync.phase then
    world:tell("sync %d: %s, %d records, attempts %d%s", sync.number, status.phase, status.records, status.attempts,
      status.err and ": " .. status.err.message or "")
  end
  sync.phase = status.phase
  if status.phase == "stopped" and status.err and status.err.kind ~= "closed" then
    world:fail("sync %d has stopped: %s", sync.number, status.err.message)
  end
  if not IS_COMPLETE[status.phase] or not status.next_base then return end
  sync.has_all, sync.last_sync, sync.next_base = not status.truncated, status.last_sync, status.next_base
end

---Begins them: the program has started.
---@param client appsync.Client
function Syncs:start(client)
  for _, sync in ipairs(self.all) do
    local handle = client:sync(sync.check.options)
    sync.handle, sync.status, sync.phase = handle, nil, nil
    handle:observe():subscribe(function(status)
      if sync.handle == handle then note(self, sync, status) end
    end)
  end
end

---The program has thrown away what was synced.
function Syncs:forget()
  for _, sync in ipairs(self.all) do sync.has_all = false end
end

---Whether a request is a query, of a sync or not.
---@param body string
---@return boolean
function Syncs.is_query(_, body)
  return not body:find('"query":"%s*mutation') and not body:find('"query":"%s*subscription')
end

---Whether it asks for a page by a token that has expired.
---@param body string
---@return boolean
function Syncs:has_expired(body)
  local token = body:match '"nextToken":"(.-)"'
  return token ~= nil and self.tokens[token] == true
end

---All tokens that the service has given are void.
---@return integer n
function Syncs:expire_pages()
  local n = 0
  for token in pairs(self.tokens) do self.tokens[token], n = true, n + 1 end
  return n
end

---The service has answered.
---@param body string
function Syncs:see_answer(body)
  if #self.all == 0 then return end
  for token in body:gmatch '"nextToken":"(.-)"' do self.tokens[token] = false end
end

-- Why a base query is needed; nil: a delta query would have been enough.
local function reason_for_base(self, sync)
  local settings, now = sync.check.settings, self.world:service_s()
  if not sync.has_all then return "there is no complete list" end
  if now >= sync.next_base - SLACK_S then return "its time has come" end
  if not settings.parts.delta then return "there is no delta query" end
  if not sync.last_sync or now - sync.last_sync >= settings.delta_window - SLACK_S then return "the journal has forgotten" end
end

---The service is asked: no base query is to come where a delta query is enough.
---@param body string
function Syncs:see_request(body)
  for _, sync in ipairs(self.all) do
    local name = sync.check.base_name
    if name and body:find('"operationName":"' .. name .. '"', 1, true) and not body:find '"nextToken":"' then
      local reason = reason_for_base(self, sync)
      if reason then
        self.world:count("base_queries")
        sync.has_all = false
      else
        self.world:fail("sync %d: a base query was sent where a delta query was enough: changes are known up to %.0f s ago, of %.0f",
          sync.number, self.world:service_s() - sync.last_sync, sync.check.settings.delta_window)
      end
    end
  end
end

---Seconds for which the longest of them remembers changes.
---@return number
function Syncs:window_s()
  local window = self.all[1] and 0 or NO_WINDOW_S
  for _, sync in ipairs(self.all) do window = math.max(window, sync.check.settings.delta_window) end
  return window
end

---How long it takes, without faults, until they have heard of everything.
---@return number seconds
function Syncs:quiet_s()
  local longest = 0
  for _, sync in ipairs(self.all) do
    local settings = sync.check.settings
    local interval = settings.parts.delta and settings.delta_window / 2 or settings.parts.base and settings.interval * 1.1 or 0
    longest = math.max(longest, interval + SETTLE_S)
  end
  return longest
end

-- The list of an answer: of a connection its items, without those that say they are deleted.
local function records_of(selection, data)
  local root = data[selection.root_key]
  local items = selection.items_key and type(root) == "table" and root[selection.items_key] or root
  if type(items) ~= "table" then return items end
  local kept = setmetatable({}, core.array_mt)
  for _, item in ipairs(items) do
    if type(item) ~= "table" or item._deleted ~= true and item.aws_ds ~= "DELETE" then kept[#kept + 1] = item end
  end
  return kept
end

-- All that the service has, page after page.
local function ask_service(self, base)
  local variables, all = {}, setmetatable({}, core.array_mt)
  for name, value in pairs(base.variables or {}) do variables[name] = value end
  local selection = base.selection
  repeat
    local data, faults = self.world.service:query(tostring(base.document), variables)
    local records = data and records_of(selection, data)
    if type(records) ~= "table" then
      error("the service can't answer a base query of `syncs`: " .. (faults and faults[1].message or "it has no list"), 0)
    end
    for _, item in ipairs(records) do all[#all + 1] = item end
    local root = data[selection.root_key]
    local token = selection.items_key and root.nextToken
    if selection.given.nextToken then variables[selection.given.nextToken] = token end
  until not token or token == core.null or not selection.given.nextToken
  return all
end

local function check_list(self, sync, canonical)
  local base, world = sync.check.settings.parts.base, self.world
  if sync.status and sync.status.truncated then return end
  local shown = world.client:query(base.document, base.variables, { fetch_policy = "cache-only" })
  if not shown then return world:fail("sync %d: its list can't be read", sync.number) end
  local ours, theirs = canonical(records_of(base.selection, shown)), canonical(ask_service(self, base))
  if ours ~= theirs then world:fail("sync %d: the cache has %s, and the service has %s", sync.number, ours, theirs) end
end

-- Its status when the query that may be under way just then is over.
local function rested(handle)
  local status = handle:status()
  for _ = 1, SETTLE_S do
    if status.phase == "live" then break end
    task.sleep(1)
    status = handle:status()
  end
  return status
end

---Checks all, in a task, when it has been quiet for long.
---@param canonical fun(value: any): string
function Syncs:check(canonical)
  for _, sync in ipairs(self.all) do
    local status = rested(sync.handle)
    if status.phase ~= "live" then
      self.world:fail("sync %d isn't live after %d s without faults, but %s%s", sync.number, self:quiet_s(), status.phase,
        status.err and ": " .. status.err.message or "")
    elseif #status.quarantined > 0 then
      self.world:fail("sync %d: %s couldn't be taken: %s", sync.number, status.quarantined[1].key, status.quarantined[1].reason)
    end
    if sync.check.settings.parts.base and not self.world.failure then check_list(self, sync, canonical) end
  end
end

return simulated_syncs
