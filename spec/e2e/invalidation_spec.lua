-- Invalidation of subscriptions, from the mutation to our own client.
local appsync = require "appsync"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait = require "spec.support.wait"

local BOUND = 10

local SCHEMA = [[
type Query { q: Int }
type Message { room: ID text: String }
type Mutation { send(room: ID, text: String): Message kick(room: ID): Message }
type Subscription {
  onRoom(room: ID): Message @aws_subscribe(mutations: ["send"])
  onSend: Message @aws_subscribe(mutations: ["send"])
}
]]

local RESOLVERS = [[
local kicked = {}
return {
  Mutation = {
    send = function(ctx) return { room = ctx.args.room, text = ctx.args.text } end,
    kick = function(ctx)
      kicked[ctx.args.room] = true
      ctx.extensions.invalidate_subscriptions { subscription_field = "onRoom", payload = { room = ctx.args.room } }
      return { room = ctx.args.room }
    end,
  },
  Subscription = {
    onRoom = function(ctx)
      if kicked[ctx.args.room] then ctx.util.unauthorized() end
      ctx.extensions.set_subscription_filter(ctx.util.transform.to_subscription_filter { room = { eq = ctx.args.room } })
      ctx.extensions.set_subscription_invalidation_filter(ctx.util.transform.to_subscription_filter { room = { eq = ctx.args.room } })
    end,
  },
}
]]

describe("an invalidated subscription", function()
  local client

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  local function connect(protocol)
    local running = server.start { schema = SCHEMA, resolvers = RESOLVERS }
    client = appsync.client {
      endpoint = running.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = false,
      realtime = protocol and { protocol = protocol } or nil, retry = { base = 0.01, cap = 0.05 }, log = function() end,
    }
  end

  local function send(room, text)
    assert(client:mutate("mutation($r: ID, $t: String) { send(room: $r, text: $t) { room text } }", { r = room, t = text }))
  end

  for _, protocol in ipairs { "graphql-ws", "graphql-transport-ws" } do
    it("ends, and others of the same client go on, with " .. protocol, function()
      connect(protocol ~= "graphql-ws" and protocol or nil)
      local on_room = "subscription($r: ID) { onRoom(room: $r) { text } }"
      local one = client:subscribe(on_room, { r = "1" }):subscribe()
      local two = client:subscribe(on_room, { r = "2" }):subscribe()
      local all = client:subscribe("subscription { onSend { text } }"):subscribe()
      for _, s in ipairs { one, two, all } do assert(s:ready(BOUND)) end
      -- graphql-transport-ws acknowledges nothing: an event tells that all are there.
      wait(function()
        send("2", "probe")
        return two:next(0.2)
      end)
      assert(client:mutate 'mutation { kick(room: "1") { room } }')
      local event, err = one:next(BOUND)
      assert.is_nil(event)
      assert.is_true(err == nil or err.kind ~= "timeout", tostring(err))
      local texts = {}
      -- The connection may have to be made anew; what was sent meanwhile is lost, as on the service.
      wait(function()
        send("2", "later")
        local found = two:next(0.2)
        return found and found.onRoom.text == "later"
      end)
      send("2", "last")
      repeat
        local found = assert(all:next(BOUND))
        texts[#texts + 1] = found.onSend.text
      until texts[#texts] == "last"
    end)
  end
end)
