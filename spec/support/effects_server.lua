-- A local server that counts effects: which mutation has changed data, how often, under which key of the client. Its data
-- and its count are in a folder, and outlive a process that is killed at any moment: a line of the count is written right
-- after its transaction, and a fault ends the process before or after both. Started, restarted and asked by
-- spec/support/effects.lua.
-- usage: lua spec/support/effects_server.lua FOLDER PORT CONTROL-PORT API-KEY
local core = require "appsync.core"
local kinds = require "appsync.server.fault.kinds"
local server = require "appsync.server"

local folder, port, control, api_key = arg[1], tonumber(arg[2]), tonumber(arg[3]), arg[4]

local SCHEMA = [[
type Todo @model { id: ID! name: String! done: Boolean priority: Int tags: [String] opId: String }
type Doc @model { id: ID! title: String! body: String opId: String }
type Note @model { id: ID! text: String! opId: String }

type Counter { id: ID! total: Int! }
type Item @aws_api_key @aws_iam { id: ID! name: String! rank: Int parent: ID links: [ID] opId: String }
input ItemInput { id: ID name: String! rank: Int parent: ID links: [ID] opId: String }

type Query {
  counter(id: ID!): Counter
  item(id: ID!): Item
  items(parent: ID): [Item!]!
  "How often mutations with this key have changed data."
  effects(key: String!): Int!
  "All effects, the oldest first: a list of {field, key, id, version, at}."
  effectLog: AWSJSON!
}

type Mutation {
  "Counts once more each time: whoever sends it twice sees it."
  add(opId: ID!, counter: ID!, n: Int!): Counter
  "Counts once for each opId."
  addOnce(opId: ID!, counter: ID!, n: Int!): Counter
  "Makes an id of its own, whatever the input's is."
  createItem(input: ItemInput!): Item @aws_api_key @aws_iam
  updateItem(id: ID!, name: String, rank: Int, opId: String): Item
  removeItem(id: ID!, opId: String): Item
}

type Subscription {
  onUpdateItem(id: ID): Item @aws_subscribe(mutations: ["updateItem"])
}
]]

-- Two versioned models, and one that isn't.
local CONFLICT = { models = { Todo = { handler = "AUTOMERGE" }, Doc = { handler = "OPTIMISTIC_CONCURRENCY" } } }

local function read(name)
  local file = io.open(folder .. "/" .. name, "rb")
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return text
end

local function write(name, mode, text)
  local file = assert(io.open(folder .. "/" .. name, mode))
  file:write(text)
  file:close()
end

local function logged()
  local list = setmetatable({}, core.array_mt)
  for line in (read "effects" or ""):gmatch "[^\n]+" do list[#list + 1] = core.decode(line) end
  return list
end

local function text_of(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if type(value) == "string" then return value end
  end
end

local has_changed = true -- as long as the resolver that runs doesn't say otherwise

-- The key is the client's name of the mutation; without one its name of the record, or the server's.
local function on_effect(field, arguments, value)
  local was_effect = has_changed
  has_changed = true
  if not was_effect then return end
  local input = type(arguments.input) == "table" and arguments.input or {}
  local made = type(value) == "table" and value or {}
  write("effects", "ab", core.encode {
    field = field, key = text_of(input.opId, arguments.opId, input.id, arguments.id, made.id), id = text_of(made.id),
    version = made._version, at = core.wall(),
  } .. "\n")
end

local function add(ctx, counters)
  local counter = counters:get(ctx.args.counter) or { id = ctx.args.counter, total = 0 }
  counter.total = counter.total + ctx.args.n
  return counters:put(counter)
end

local function given(ctx, name)
  local value = ctx.args[name]
  if value ~= core.null then return value end
end

local RESOLVERS = {
  Query = {
    counter = function(ctx) return ctx.tables.Counter:get(ctx.args.id) end,
    item = function(ctx) return ctx.tables.Item:get(ctx.args.id) end,
    items = function(ctx)
      local all, parent = ctx.tables.Item:scan(), given(ctx, "parent")
      local found = setmetatable({}, core.array_mt)
      for _, item in ipairs(all) do
        if parent == nil or item.parent == parent then found[#found + 1] = item end
      end
      return found
    end,
    effects = function(ctx)
      local n = 0
      for _, effect in ipairs(logged()) do n = n + (effect.key == ctx.args.key and 1 or 0) end
      return n
    end,
    effectLog = function() return logged() end,
  },
  Mutation = {
    add = function(ctx) return add(ctx, ctx.tables.Counter) end,
    addOnce = function(ctx)
      local counters, seen = ctx.tables.Counter, ctx.tables.Seen
      return counters:transaction(function()
        if seen:get(ctx.args.opId) then
          has_changed = false
          return counters:get(ctx.args.counter)
        end
        seen:put { id = ctx.args.opId }
        return add(ctx, counters)
      end)
    end,
    createItem = function(ctx)
      local input = ctx.args.input
      return ctx.tables.Item:put {
        id = core.uuid(), name = input.name, rank = input.rank, parent = input.parent, links = input.links, opId = input.opId,
      }
    end,
    updateItem = function(ctx)
      local item = ctx.tables.Item:get(ctx.args.id)
      if not item then ctx.util.error("there is no such item", "NotFound") end
      item.name, item.rank = given(ctx, "name") or item.name, given(ctx, "rank") or item.rank
      return ctx.tables.Item:put(item)
    end,
    removeItem = function(ctx)
      local item = ctx.tables.Item:get(ctx.args.id)
      if not item then ctx.util.error("there is no such item", "NotFound") end
      ctx.tables.Item:delete(ctx.args.id)
      return item
    end,
  },
}

-- The process ends as by a cut of its power supply; who restarts it waits so long.
local function die(down_ms)
  write("down", "wb", ("%.3f"):format((down_ms or 0) / 1000))
  os.execute "kill -KILL $PPID"
end

-- One more kind of fault: {"crash": true}, {"crash": {"after_effect": true, "down_ms": 200}}.
kinds.all.crash = {
  sites = { "request" },
  is_plain = true,
  short = "down_ms",
  parameters = { after_effect = { type = "boolean" }, down_ms = { type = "number", min = 0 } },
}

-- Rules that outlive the process strike at random, after each start anew: else one that ends it would do that for ever.
local function lasting_rules()
  write("starts", "ab", ".")
  local lasting = core.decode(read "rules" or '{"rules":[]}')
  for _, rule in ipairs(lasting.rules) do rule.match.seed = rule.match.seed + (#read "starts" - lasting.starts) * 7919 end
  return lasting.rules
end

local function play_crashes(served)
  -- Between two requests: nothing is half done then.
  local handle = served.control.handle
  function served.control.handle(self, event)
    if event.method == "POST" and event.path == "/crash" then die(tonumber(event.body)) end
    return handle(self, event)
  end
  local played = served.faults.requests
  local proceed = played.proceed
  function played.proceed(self, event, entry, strikes, answer)
    local crash = strikes.crash and strikes.crash.parameters
    if not crash then return proceed(self, event, entry, strikes, answer) end
    if crash.after_effect then answer() end
    die(crash.down_ms)
  end
end

local function main()
  local served, err = server.new {
    schema_text = SCHEMA, schema_name = "effects.graphql", port = port, control = control, api_keys = { api_key }, iam = { AKIDEFFECTS = "secret" },
    resolvers = RESOLVERS, conflict = CONFLICT, store = folder .. "/data.db",
    faults = lasting_rules(),
  }
  if not served then error(err.message, 0) end
  local count = served.faults.effects.add
  function served.faults.effects.add(self, field, arguments, value)
    count(self, field, arguments, value)
    on_effect(field, arguments, value)
  end
  play_crashes(served)
  local http, realtime = served:urls()
  print(("READY %s %s control=%s"):format(http, realtime, served:control_url()))
  io.stdout:flush()
  served:catch_signals()
  served:run()
end

main()
