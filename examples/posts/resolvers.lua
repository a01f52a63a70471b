-- Resolvers of schema.graphql: posts stand in a base table, and the newest change of each in a journal, as in AppSync's
-- first delta sync tutorial ("a base query and a delta query").
local core = require("appsync.core")

local base, journal = {}, {}

local function copy(item)
  local result = {}
  for name, value in pairs(item) do result[name] = value end
  return result
end

local function sorted(items)
  table.sort(items, function(a, b)
    if a.createdAt ~= b.createdAt then return a.createdAt < b.createdAt end
    return a.id < b.id
  end)
  return items
end

-- The type is the one that AppSync gives to DynamoDB's refusals, which clients know; `data` is what stands there.
local function refuse(post)
  error({
    message = "The conditional request failed", type = "DynamoDB:ConditionalCheckFailedException", data = post,
  }, 0)
end

local function iso8601() return os.date("!%Y-%m-%dT%H:%M:%S.000Z") end

-- Both tables, always: a change that the journal lacks would never reach a client that syncs by deltas.
local function record(post, what)
  base[post.id] = what ~= "DELETE" and post or nil
  local entry = copy(post)
  entry.aws_ds, entry.changed_at = what, os.time()
  journal[post.id] = entry
  return entry
end

local REQUIRED = { title = true, author = true, ups = true, downs = true }

local function changed(post, input)
  local result = copy(post)
  for name, value in pairs(input) do
    if value == core.null then
      if REQUIRED[name] then error({ message = "A post needs its " .. name .. ".", type = "BadRequest" }, 0) end
      value = nil
    end
    result[name] = value
  end
  result.expectedVersion = nil
  result.version, result.updatedAt = post.version + 1, iso8601()
  return result
end

-- The post that an update or a deletion means.
local function expected(input)
  local post = base[input.id]
  local version = input.expectedVersion
  if not post or (version ~= nil and version ~= core.null and version ~= post.version) then refuse(post) end
  return post
end

local Query, Mutation = {}, {}

function Query.getPost(ctx) return base[ctx.arguments.id] end

function Query.listPosts()
  local posts = {}
  for _, post in pairs(base) do posts[#posts + 1] = post end
  return sorted(posts)
end

function Query.listPostsDelta(ctx)
  local since = tonumber(ctx.arguments.lastSync) or 0
  local entries = {}
  for _, entry in pairs(journal) do
    -- Clients round down to whole seconds: what was changed in that second may be new to them.
    if entry.changed_at >= since then entries[#entries + 1] = entry end
  end
  return sorted(entries)
end

function Mutation.createPost(ctx)
  local input = ctx.arguments.input
  local id = input.id
  if id == nil or id == core.null then id = core.uuid() end
  if base[id] then refuse(base[id]) end
  local now = iso8601()
  local post = { id = id, ups = 0, downs = 0, version = 1, createdAt = now, updatedAt = now }
  for name, value in pairs(input) do
    if value ~= core.null then post[name] = value end
  end
  return record(post, "CREATE")
end

function Mutation.updatePost(ctx)
  local input = ctx.arguments.input
  return record(changed(expected(input), input), "UPDATE")
end

function Mutation.deletePost(ctx)
  local input = ctx.arguments.input
  return record(changed(expected(input), {}), "DELETE")
end

return { Query = Query, Mutation = Mutation }
