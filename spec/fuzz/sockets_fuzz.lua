-- Seeded mutation of what clients send to the server's WebSockets, in both protocols. Whatever it is, nothing in the server
-- throws, every answer is JSON, nothing takes long, and a connection that is gone leaves nothing behind.
--   lua5.4 spec/fuzz/sockets_fuzz.lua N=20000 SEED=1
local core = require "appsync.core"
local engine = require "appsync.server.engine"
local mutations = require "spec.support.mutations"
local sockets = require "appsync.server.realtime.sockets"

local SECONDS_PER_INPUT = 1
local CONNECTIONS = 8
local SCHEMA = [[
enum Level { A B }
type Todo @model { name: String! n: Int level: Level tags: [String] }
type Subscription { onAny(filter: AWSJSON, end: AWSJSON): Todo @aws_subscribe(mutations: ["createTodo", "updateTodo"]) }
]]

local function start(query, variables)
  return core.encode({ id = "s1", type = "start", payload = {
    data = core.encode({ query = query, variables = variables or {} }), extensions = { authorization = { ["x-api-key"] = "k" } } } })
end

local LIST = 'subscription ($f: ModelSubscriptionTodoFilterInput) { onCreateTodo(filter: $f) { id name tags level } }'
local function filtered(filter) return start(LIST, { f = filter }) end
local function custom(filter)
  return start("subscription ($f: AWSJSON, $e: AWSJSON) { onAny(filter: $f, end: $e) { name } }",
    { f = core.encode(filter), e = core.encode(filter) })
end

local CORPUS = {
  '{"type":"connection_init"}', '{"type":"connection_init","payload":{"x-api-key":"k"}}', '{"id":"s1","type":"stop"}',
  '{"type":"ping"}', '{"type":"complete","id":"s1"}', start(LIST),
  filtered({ n = { between = { 1, 5 } }, name = { beginsWith = "a" } }),
  filtered({ ["or"] = { { n = { gt = 1 } }, { ["and"] = { { level = { eq = "A" } }, { tags = { contains = "x" } } } } } }),
  filtered({ n = { ["in"] = { 1, 2 }, notIn = { 3 } }, name = { ne = "b", notContains = "c" } }),
  custom({ filterGroup = { { filters = { { fieldName = "n", operator = "ge", value = 1 },
    { fieldName = "tags", operator = "containsAny", value = { "x", "y" } } } } } }),
  '{"type":"subscribe","id":"s1","payload":{"query":"subscription { onUpdateTodo { n } }","variables":{}}}',
  '{"type":"subscribe","id":"s2","payload":{"query":"mutation { createTodo(input: {name: \\"a\\"}) { id name n tags } }"}}',
}
local TOKENS = { "{", "}", "[", "]", ":", ",", '"', "\\", "\\\\", "null", "true", "-1e999", "1e3", "\\u0000", "\\ud83d", "\255",
  '"s1"', '"s2"', "and", "or", "eq", "in", "between", "filterGroup", "filters", "a.b.c.d.e.f", '\\"n\\":', "[[[[[[[[", "{}", "0" }

local parameters = mutations.parameters(arg)
local random = mutations.random(parameters.SEED)
local mutate = mutations.new(random, CORPUS, TOKENS)

local input = ""
local function complain(problem)
  io.stderr:write(("SEED=%d: %s\ninput: %q\n"):format(parameters.SEED, problem, input))
  os.exit(1)
end

local counts = { sent = 0, data = 0, closed = 0, refused = 0 }
local closing = {}
local listener = {
  accept = function() return true end,
  reject = function() counts.refused = counts.refused + 1 end,
  send = function(_, _, text)
    local message = core.decode(text)
    if type(message) ~= "table" or type(message.type) ~= "string" then complain("sent " .. text) end
    counts.sent = counts.sent + 1
    if message.type == "data" or message.type == "next" then counts.data = counts.data + 1 end
  end,
  close = function(_, id, code) closing[id] = code end,
  stats = function() return { overflows = 0 } end,
}

-- What a resolver does with filters of clients; what can't be used refuses the subscription.
local function on_any(ctx)
  local function object(text) return type(text) == "table" and text or core.decode(type(text) == "string" and text or "") end
  local filter, ending = object(ctx.args.filter), object(ctx.args["end"])
  if filter ~= nil then ctx.extensions.set_subscription_filter(filter) end
  if ending ~= nil then ctx.extensions.set_subscription_invalidation_filter(ending) end
end

local served = assert(engine.new({ schema_text = SCHEMA, resolvers = { Subscription = { onAny = on_any } } }))
local all
local function execute(operation)
  if not operation.query:find("^%s*mutation") then return nil end
  local json, published = served:execute(operation)
  if not json then return nil end
  all:publish(published)
  return json
end
all = sockets.new({
  listener = listener, engine = served, execute = execute, clock = function() return 0 end, max_subscriptions = 3,
  authorize = { check = function(_, credentials)
    if credentials.headers["x-api-key"] == "k" then return { mode = "API_KEY" } end
    return nil, { type = "UnauthorizedException", message = "no", status = 401 }
  end },
  log = function(text)
    if not (text:find("is ignored, as", 1, true) or text:find("did not select", 1, true) or text:find("is filtered by", 1, true)) then
      complain(text)
    end
  end,
})

local open, next_id = {}, 0
local function connect(i)
  next_id = next_id + 1
  open[i] = next_id
  local protocols = { "graphql-ws", "graphql-transport-ws", "graphql-ws, header-" .. core.base64('{"x-api-key":"k"}', "url"),
    "graphql-ws, header-" .. core.base64(mutate(), "url"), mutate() }
  all:upgrade({ id = next_id, path = "/graphql/realtime", headers = {
    ["sec-websocket-protocol"] = protocols[random(#protocols) + 1], ["x-api-key"] = "k" } })
  if random(4) > 0 then all:message({ id = next_id, text = CORPUS[2] }) end
end

local function step(i)
  input = random(4) == 0 and CORPUS[random(#CORPUS) + 1] or mutate()
  all:message({ id = open[i], text = input })
  if random(10) == 0 then
    local item = { name = "a", n = random(6), tags = setmetatable({ "x" }, core.array_mt), level = "A" }
    all:publish({ { field = random(2) == 0 and "createTodo" or "updateTodo", value = item } })
  elseif random(40) == 0 then
    all:publish({ { invalidates = "onAny", payload = { n = random(6) } } })
  end
  if closing[open[i]] or random(50) == 0 then
    all:closed({ id = open[i], code = closing[open[i]] or 1006 })
    counts.closed = counts.closed + 1
    connect(i)
  end
end

for i = 1, CONNECTIONS do connect(i) end
for _ = 1, parameters.N do
  local began = os.clock()
  local ok, thrown = pcall(step, random(CONNECTIONS) + 1)
  if not ok then complain("threw " .. tostring(thrown)) end
  if os.clock() - began > SECONDS_PER_INPUT then complain("took too long") end
end
for i = 1, CONNECTIONS do all:closed({ id = open[i], code = 1006 }) end
if all.subscribers.n ~= 0 then complain("subscriptions are left") end
print(("sockets_fuzz: %d inputs, %d messages sent, %d of them events, %d connections closed, SEED=%d"):format(parameters.N,
  counts.sent, counts.data, counts.closed, parameters.SEED))
served:close()
