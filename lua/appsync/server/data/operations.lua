--- What the generated operations do (Amplify documentation, "Generated operations"; the messages are DynamoDB's through
--- AppSync).
local core = require("appsync.core")
local filter = require("appsync.server.data.filter")

local model_resolvers = {}

local NULL = core.null
local DEFAULT_LIMIT = 100

--- Seconds since 1970 as "2026-01-02T03:04:05.678Z".
---@param seconds number
---@return string
function model_resolvers.timestamp(seconds)
  -- Rounded once: a float just under a millisecond must not lose it.
  local ms = math.floor(seconds * 1000 + 0.5)
  local whole = math.floor(ms / 1000)
  return os.date("!%Y-%m-%dT%H:%M:%S", whole) .. (".%03dZ"):format(ms - whole * 1000)
end

local function given(value)
  if value == NULL then return nil end
  return value
end

local function fail_condition(ctx)
  error({
    message = ("The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: %s)"):format(
      tostring(ctx.request_id or "")),
    type = "DynamoDB:ConditionalCheckFailedException",
  }, 0)
end

local function encode_token(position)
  return core.base64(('{"version":1,"after":%d}'):format(position))
end

local function decode_token(token)
  local text = core.unbase64(token)
  local position = text and core.decode(text)
  local after = type(position) == "table" and position.after
  if type(after) ~= "number" then
    error({ message = "Invalid pagination token given.", type = "BadRequestException" }, 0)
  end
  return after
end

local function get(m, store)
  return function(ctx)
    return store:get(m.name, ctx.arguments.id)
  end
end

local function list(m, store)
  return function(ctx)
    local args = ctx.arguments
    local limit, token = given(args.limit) or DEFAULT_LIMIT, given(args.nextToken)
    if limit < 1 then
      error({ message = "Value for field '/limit' must be at least 1.", type = "BadRequestException" }, 0)
    end
    filter.check(args.filter)
    local items, last = store:scan(m.name, token and decode_token(token) or 0, limit)
    local kept = setmetatable({}, core.array_mt)
    for _, item in ipairs(items) do
      if filter.matches(args.filter, item) then kept[#kept + 1] = item end
    end
    return { items = kept, nextToken = last and encode_token(last) or NULL }
  end
end

local function create(m, store, world)
  return function(ctx)
    local input = ctx.arguments.input
    local stamp = model_resolvers.timestamp(world.now())
    local item = { __typename = m.name }
    if m.created_at then item[m.created_at] = stamp end
    if m.updated_at then item[m.updated_at] = stamp end
    for name, value in pairs(input) do item[name] = value end
    item.id = given(input.id) or world.uuid()
    return store:transaction(function()
      if store:get(m.name, item.id) or not filter.matches(ctx.arguments.condition, {}) then fail_condition(ctx) end
      store:insert(m.name, item.id, item)
      return item
    end)
  end
end

local function update(m, store, world)
  return function(ctx)
    local input = ctx.arguments.input
    return store:transaction(function()
      local item = store:get(m.name, input.id)
      if not item or not filter.matches(ctx.arguments.condition, item) then fail_condition(ctx) end
      if m.updated_at then item[m.updated_at] = model_resolvers.timestamp(world.now()) end
      for name, value in pairs(input) do item[name] = given(value) end
      store:replace(m.name, input.id, item)
      return item
    end)
  end
end

local function delete(m, store)
  return function(ctx)
    local id = ctx.arguments.input.id
    return store:transaction(function()
      local item = store:get(m.name, id)
      if not item or not filter.matches(ctx.arguments.condition, item) then fail_condition(ctx) end
      store:delete(m.name, id)
      return item
    end)
  end
end

--- The resolvers of all models, by the names of the root types.
---@param models appsync.server.Model[]
---@param store appsync.server.Store
---@param world {now: (fun(): number), uuid: (fun(): string), query: string, mutation: string?}
---@return table<string, table<string, function>>
function model_resolvers.build(models, store, world)
  local queries, mutations = {}, {}
  local function add(target, name, resolver)
    if name then target[name] = resolver end
  end
  for _, m in ipairs(models) do
    add(queries, m.ops.get, get(m, store))
    add(queries, m.ops.list, list(m, store))
    add(mutations, m.ops.create, create(m, store, world))
    add(mutations, m.ops.update, update(m, store, world))
    add(mutations, m.ops.delete, delete(m, store))
  end
  local out = { [world.query] = queries, is_builtin = true }
  if world.mutation then out[world.mutation] = mutations end
  return out
end

return model_resolvers
