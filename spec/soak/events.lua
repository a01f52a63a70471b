-- A service whose events come RATE a second, numbered from 1 on.
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = [[
type Place { id: ID! x: Float! y: Float! number: Int! }
type Query { n: Int }
type Mutation { move(id: ID!, x: Float!, y: Float!): Place other: Place }
type Subscription {
  onMove: Place @aws_subscribe(mutations: ["move"])
  onQuiet: Place @aws_subscribe(mutations: ["other"])
}
]]
local RESOLVERS = [[
local number = 0
return {
  Mutation = {
    move = function(ctx)
      number = number + 1
      ctx.arguments.number = number
      return ctx.arguments
    end,
  },
}
]]

---@param rate number
---@return string endpoint
return function(rate)
  local service = server.start{ schema = SCHEMA, resolvers = RESOLVERS }
  local interpreter = os.getenv "APPSYNC_LUA" or arg[-1]
  local first, handle = process.start{ interpreter, "spec/soak/event_feed.lua", service.endpoint, server.API_KEY, tostring(rate) }
  assert(first == "FEEDING", tostring(first) .. process.read(handle.log))
  return service.endpoint
end
