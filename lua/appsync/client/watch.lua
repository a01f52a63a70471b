---Watches: observables of what a query gives, which change with the cache.
local arguments = require "appsync.client.arguments"
local call = require "appsync.call"
local errors = require "appsync.errors"
local json = require "appsync.json"
local observable = require "appsync.observable"
local opts = require "appsync.opts"
local watched = require "appsync.client.watched"

local watch = {}

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
  live:join(subscriber)
  return function() live:leave(subscriber) end
end

---@param client appsync.Client
---@param plan appsync.client.Plan
---@param policy string
---@return appsync.Watch
function watch.new(client, plan, policy)
  plan.variables = json.copy(plan.variables)
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

---Asks the network now, and waits for its answer; subscribers are told as well.
---@param options {timeout: number?, on_result: function?}?
---@return any data, appsync.Error? err, appsync.Info? info
function Watch:refetch(options)
  options = opts.check(options, REFETCH, "watch:refetch")
  return call.run(options, refetch, self, options)
end

return watch
