---Watches: observables of what a query gives, which change with the cache.
local cache = require "appsync.client.cache"
local call = require "appsync.call"
local compute = require "appsync.compute"
local document = require "appsync.document"
local errors = require "appsync.errors"
local json = require "appsync.json"
local light = require "appsync.light"
local observable = require "appsync.observable"
local opts = require "appsync.opts"
local synced_queries = require "appsync.client.synced_queries"
local updating = require "appsync.client.updating"
local variables_of = require "appsync.client.variables"
local watched = require "appsync.client.watched"

local watching = {}

---@class appsync.Watch: appsync.Observable
---@field package live appsync.client.Watched
local Watch = setmetatable({}, { __index = observable.methods })
Watch.__index = Watch
Watch.__name = "appsync.watch"

-- One subscriber: busy with one state it is told of the others by the last of them.
local function subscribe(live, down, context)
  local subscriber = { version = nil, is_posted = false }
  local sink = {
    next = function()
      subscriber.is_posted = false
      local state, version = live:look()
      if version == subscriber.version then return end
      subscriber.version = version
      down.next(state)
    end,
    complete = function() down.complete() end,
  }
  function subscriber.wake()
    if subscriber.is_posted then return end
    subscriber.is_posted = true
    context:post(sink, "next")
  end
  function subscriber.finish() context:post(sink, "complete") end
  if live.client.root:may_observe(context) then live:join(subscriber) else subscriber.finish() end
  return function() live:leave(subscriber) end
end

---@param client appsync.Client
---@param plan appsync.client.Plan
---@param policy string
---@return appsync.Watch
function watching.new(client, plan, policy)
  light.refuse(plan.where)
  plan.variables = json.copy(plan.variables)
  synced_queries.look(client, plan.document, plan.operation.name, plan.variables, policy, plan.where)
  local live = watched.new(client, plan, policy)
  return setmetatable({
    live = live,
    connect = function(down, context) return subscribe(live, down, context) end,
  }, Watch)
end

local REFETCH = opts.schema{ timeout = { "number", min = 0 }, on_result = { "callable" } }

local function refetch(self, options)
  return self.live:refetch():await(options.timeout)
end

---Sends the query to the network now and waits for the answer; subscribers get it too.
---```lua
---local watch = client:watch(list_todos)
---local data = appsync.assert(watch:refetch())
---print(#data.listTodos.items) --> 1
---```
---@param options {timeout: number?, on_result: function?}?
---@return any data, appsync.Error? err, appsync.Info? info
function Watch:refetch(options)
  options = opts.check(options, REFETCH, "watch:refetch")
  return call.run(options, refetch, self, options)
end

local MORE = opts.schema{ timeout = { "number", above = 0 }, on_result = { "callable" } }

-- The variables of the watch with others over them.
local function merged_variables(base, over)
  local merged = {}
  for name, value in pairs(base or {}) do merged[name] = value end
  for name, value in pairs(over or {}) do merged[name] = value end
  return merged
end

local function fetch_more(self, variables, fn, options)
  local live = self.live
  local plan = live.plan
  local more, err, info = live:ask{
    document = plan.document, operation = plan.operation, where = "watch:fetch_more", variables = variables,
    options = { timeout = options.timeout, operation_name = plan.options.operation_name, auth_mode = plan.options.auth_mode },
  }
  if more ~= nil and fn then live:update("watch:fetch_more", fn, more) end
  return more, err, info
end

---Fetches another page. `fn(previous, more)` returns the watch's data from then on; without it, the client's `cache.merge` says
---how pages become one list.
---```lua
---client:mutate(create_todo, { name = "call mum" })
---local watch = client:watch("query ($after: String) { listTodos(limit: 1, nextToken: $after) { items { id name } nextToken } }")
---local states = watch:subscribe()
---local first = states:next(10).data.listTodos
---watch:fetch_more({ after = first.nextToken }, function(previous, more)
---  table.insert(previous.listTodos.items, more.listTodos.items[1])
---  previous.listTodos.nextToken = more.listTodos.nextToken
---  return previous
---end)
---print(#first.items, #states:next(10).data.listTodos.items) --> 1 2
---```
---@param variables table those that differ from the watch's own
---@param fn (fun(previous: table, more: table): table)? must not wait
---@param options {timeout: number?, on_result: function?}?
---@return any more, appsync.Error? err, appsync.Info? info
function Watch:fetch_more(variables, fn, options)
  local where = "watch:fetch_more"
  if type(variables) ~= "table" then errors.expect(variables, "variables", "table", where) end
  if fn ~= nil then opts.expect_callable(fn, "fn", where) end
  options = opts.check(options, MORE, where)
  local plan = self.live.plan
  local sent = variables_of.declared(merged_variables(plan.variables, variables), plan.operation, {}, where)
  return call.run(options, fetch_more, self, sent, fn, options)
end

local SUBSCRIBE_TO_MORE = opts.schema{
  query = { "string", "table", also = { "document", "subscription" } },
  variables = { "table" },
  update = { "callable" },
  cache_update = { "table" },
  error = { "callable" },
}

-- The watch's variables as far as the subscription declares them.
local function shared_variables(self, parsed)
  local declared = {}
  for _, name in ipairs(parsed.variables) do declared[name] = (self.live.plan.variables or {})[name] end
  return declared
end

local function rewrite(client, other, update, event)
  local given, variables = other, nil
  if type(other) == "table" and not document.is(other) then given, variables = other.query, other.variables end
  local previous = client:read_query(given, variables)
  local changed = previous ~= nil and compute("update", update, previous, event) or nil
  if changed ~= nil then client:write_query(given, variables, changed) end
end

local function update_others(client, others, where, update, event)
  if not others then return end
  local opened = cache.ensure(client, where)
  for _, other in ipairs(others) do
    if opened then updating.change(opened, rewrite, client, other, update, event) end
  end
end

---Subscribes to events that change the watch's data, until the handle is unsubscribed or the client closes. `update(previous,
---event)` returns the query's new data for each event; `appsync.build_subscription` makes the table.
---```lua
---local watch = client:watch(list_todos)
---local states = watch:subscribe()
---print(#states:next(10).data.listTodos.items) --> 1
---local more = watch:subscribe_to_more{
---  query = on_create_todo,
---  update = function(previous, event)
---    table.insert(previous.listTodos.items, event.onCreateTodo)
---    return previous
---  end,
---}
---appsync.assert(more:ready(10))
---client:mutate(create_todo, { name = "call mum" })
---print(#states:next(10).data.listTodos.items) --> 2
---```
---@param options appsync.MoreOptions
---@return appsync.Subscription
function Watch:subscribe_to_more(options)
  local where = "watch:subscribe_to_more"
  local checked = opts.check(options, SUBSCRIBE_TO_MORE, where)
  for _, name in ipairs{ "query", "update" } do
    if checked[name] == nil then errors.misuse("%s: %s is missing", where, name) end
  end
  local live = self.live
  local parsed, operation = document.pick(checked.query, "subscription", nil, where)
  local variables = checked.variables or shared_variables(self, operation)
  return live.client:subscribe(parsed, variables):subscribe{
    next = function(event)
      live:update(where, checked.update, event)
      update_others(live.client, checked.cache_update, where, checked.update, event)
    end,
    error = checked.error,
  }
end

return watching
