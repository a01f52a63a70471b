---Bindings: what a screen shows of a query, kept up to date; scopes that let go of what a screen has.
local compute = require "appsync.compute"
local errors = require "appsync.errors"
local log = require "appsync.log"
local opts = require "appsync.opts"
local printable = require "appsync.printable"
local task = require "appsync.task"

local bind = {}

local SCHEMA = opts.schema{
  client = { "table" },
  query = { "string", "table" },
  variables = { "table" },
  subscription = { "string", "table" },
  reduce = { "callable" },
  select = { "callable" },
  fetch_policy = { "string", values = { "cache-first", "cache-and-network", "network-only", "cache-only", "no-cache" } },
}

---@class appsync.BindOptions
---@field client appsync.Client
---@field query string|appsync.Document
---@field variables table? of the query, and of the subscription as far as it declares them
---@field subscription string|appsync.Document|nil with `reduce`
---@field reduce (fun(data: table, event: table): table?)? returns the query's new data for each event; it must not wait
---@field select (fun(data: table): any)? returns what is shown of the data; it must not wait
---@field fetch_policy appsync.FetchPolicy?

---@class appsync.Binding
---@field data any what the query gives, or what `select` makes of it; nil until there is something. Read-only: it is shared, and
---stays the same table until it really changes
---@field loading boolean a request is under way, or about to be sent
---@field err appsync.Error? the error of the last request or of `select`, or why the data is no longer kept up to date: the
---subscription ended, or a function raised
---@field version integer counts the changes of these three, so that a frame can tell by one number whether it has to redraw
---@field package listeners fun(binding: appsync.Binding)[]
local Binding = {}
Binding.__index = Binding
Binding.__name = "appsync.binding"

local function is_equal(a, b)
  if rawequal(a, b) then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not is_equal(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local function select_from(self, data)
  if not self.select or data == nil then return data end
  local shown = compute("select", self.select, data)
  if is_equal(shown, self.data) then return self.data end
  return shown
end

-- What is shown of the data; `select` runs only when that has changed, and what it gives only counts when that has. Where it
-- raises, that is told, and what was shown stays.
local function select(self, data)
  if rawequal(data, self.selected_from) then return self.data, self.select_err end
  self.selected_from, self.select_err = data, nil
  local ok, shown = pcall(select_from, self, data)
  if ok then return shown end
  self.select_err = errors.of_raised(shown)
  log.emit(self.log, "error", "a binding's select raised: " .. printable.text(shown), { raised = shown })
  return self.data, self.select_err
end

local function notify(self)
  for _, fn in ipairs(self.listeners) do
    if self.is_closed then return end
    local ok, raised = task.pcall(fn, self)
    if not ok then
      log.emit(self.log, "error", "a binding's on_change raised: " .. printable.text(raised), { raised = raised })
    end
  end
end

local function set(self, data, loading, err)
  if rawequal(data, self.data) and loading == self.loading and rawequal(err, self.err) then return end
  self.data, self.loading, self.err = data, loading, err
  self.version = self.version + 1
  notify(self)
end

local function take(self, state)
  local data, select_err = select(self, state.data)
  set(self, data, state.loading, select_err or state.err or self.failure)
end

-- The query's subscription or the other one is over, as where a function has raised: the data goes on without it.
local function fail(self, err)
  log.emit(self.log, "error", "a binding's subscription failed: " .. printable.text(err), { err = err })
  self.failure = err
  set(self, self.data, false, err)
end

---Calls the function after each change, while the library is driven. It may wait; the next change waits for it.
---```lua
---local todos = appsync.bind{
---  client = client, query = list_todos,
---  select = function(data) return #data.listTodos.items end,
---}
---todos:on_change(function(binding) print(binding.data) end) --> 1
---```
---@param fn fun(binding: appsync.Binding)
---@return appsync.Binding self
function Binding:on_change(fn)
  opts.expect_callable(fn, "fn", "binding:on_change")
  self.listeners[#self.listeners + 1] = fn
  return self
end

---Stops following the query; `data` stays as it is. Calling it twice is harmless.
---```lua
---local todos = appsync.bind{ client = client, query = list_todos }
---todos:close()
---```
function Binding:close()
  if self.is_closed then return end
  self.is_closed = true
  self.listeners = {}
  if self.more then self.more:unsubscribe() end
  self.subscription:unsubscribe()
end

local function check(options, where)
  local checked = opts.check(options, SCHEMA, where)
  if type(checked.client) ~= "table" or type(checked.client.root) ~= "table" then
    errors.misuse("%s: client must be a client, got %s", where, (errors.describe(checked.client)))
  end
  if checked.query == nil then errors.misuse("%s: query is missing", where) end
  if (checked.subscription == nil) ~= (checked.reduce == nil) then
    errors.misuse("%s: subscription and reduce belong together: reduce(data, event) gives the query's new data", where)
  end
  return checked
end

---Binds a query's data to a table that you read in each frame.
---```lua
---local todos = appsync.bind{ client = client, query = list_todos }
---while todos.loading do appsync.update() end -- in a game: once a frame
---print(#todos.data.listTodos.items) --> 1
---```
---@param options appsync.BindOptions
---@return appsync.Binding
function bind.bind(options)
  local checked = check(options, "appsync.bind")
  local watch = checked.client:watch(checked.query, checked.variables, { fetch_policy = checked.fetch_policy })
  local self = setmetatable({
    loading = checked.fetch_policy ~= "cache-only", version = 0, listeners = {}, select = checked.select,
    log = checked.client.root.log,
  }, Binding)
  local function on_error(err) fail(self, err) end
  self.subscription = watch:subscribe{ next = function(state) take(self, state) end, error = on_error }
  if not checked.subscription then return self end
  local ok, more = pcall(watch.subscribe_to_more, watch, {
    query = checked.subscription, variables = checked.variables, update = checked.reduce, error = on_error,
  })
  if not ok then
    self.subscription:unsubscribe()
    error(more, 0)
  end
  self.more = more
  return self
end

---@class appsync.Scope
---@field package members table[]
local Scope = {}
Scope.__index = Scope
Scope.__name = "appsync.scope"

---Like `appsync.bind`; the binding is closed with the scope.
---```lua
---local screen = appsync.scope()
---local todos = screen:bind{ client = client, query = list_todos }
---screen:close()
---```
---@return appsync.Binding
function Scope:bind(options)
  return self:add(bind.bind(options))
end

---Adds something that ends with the scope, and returns it. It has `close`, `unsubscribe`, `release` or `cancel`.
---```lua
---local screen = appsync.scope()
---local task = screen:add(appsync.spawn(appsync.sleep, math.huge))
---screen:close()
---print(task:status()) --> cancelled
---```
---@generic T
---@param member T
---@return T
function Scope:add(member)
  if type(member) ~= "table" or not (member.close or member.unsubscribe or member.release or member.cancel) then
    errors.misuse("scope:add: expected something with close, unsubscribe, release or cancel, got %s",
      (errors.describe(member)))
  end
  if self.is_closed then errors.misuse("scope:add: the scope is closed") end
  self.members[#self.members + 1] = member
  return member
end

---Ends everything that was added, the last first. If one of them raises, the others still end, and the first error is raised
---afterwards. Calling it twice is harmless.
---```lua
---local screen = appsync.scope()
---local created = screen:add(client:subscribe(on_create_todo):subscribe())
---screen:close()
---print(created:next(10)) --> nil nil
---```
function Scope:close()
  self.is_closed = true
  local has_failed, raised = false, nil
  while #self.members > 0 do
    local member = table.remove(self.members)
    local ok, why = task.pcall(member.close or member.unsubscribe or member.release or member.cancel, member)
    if not ok and not has_failed then has_failed, raised = true, why end
  end
  if has_failed then error(raised, 0) end
end

---Makes a scope: what a screen uses (bindings, subscriptions, tasks) ends with one call.
---```lua
---local screen = appsync.scope()
---local todos = screen:bind{ client = client, query = list_todos }
---local created = screen:add(client:subscribe(on_create_todo):subscribe())
---screen:close()
---```
---@return appsync.Scope
function bind.scope()
  return setmetatable({ members = {} }, Scope)
end

return bind
