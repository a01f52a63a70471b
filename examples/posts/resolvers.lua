-- Resolvers of schema.graphql: posts stand in a base table, and every change of theirs in a journal, as in AppSync's first
-- delta sync tutorial ("a base query and a delta query"). `appsync serve --store FILE` keeps both.

local REQUIRED = { title = true, author = true, ups = true, downs = true }

local function copy(item)
  local result = {}
  for name, value in pairs(item) do result[name] = value end
  return result
end

-- The type is the one that AppSync gives to DynamoDB's refusals, which clients know; the data are what stands there.
local function refuse(ctx, post)
  ctx.util.error("The conditional request failed", "DynamoDB:ConditionalCheckFailedException", post)
end

-- Both tables or none: a change that the journal lacks would never reach a client that syncs by deltas.
local function record(ctx, post, what)
  local base, journal = ctx.tables.Post, ctx.tables.PostJournal
  local entry = copy(post)
  entry.aws_ds = what
  -- Ordered by time as text, then by what came first in the same second.
  local second = ("%010d:"):format(ctx.util.now_epoch_seconds())
  local last = journal:scan({ partition = "Post", begins_with = second, descending = true, limit = 1 })[1]
  entry.place = last and last.place + 1 or 1
  base:transaction(function()
    if what == "DELETE" then base:delete(post.id) else base:put(post) end
    journal:put({ "Post", ("%s%08d"):format(second, entry.place) }, entry)
  end)
  return entry
end

local function changed(ctx, post, input)
  local result = copy(post)
  for name, value in pairs(input) do
    local is_null = ctx.util.is_null(value)
    if is_null and REQUIRED[name] then ctx.util.error("A post needs its " .. name .. ".", "BadRequest") end
    if is_null then result[name] = nil else result[name] = value end
  end
  result.expectedVersion = nil
  result.version, result.updatedAt = post.version + 1, ctx.util.now_iso8601()
  return result
end

-- The post that an update or a deletion means.
local function expected(ctx, input)
  local post = ctx.tables.Post:get(input.id)
  if not post then return refuse(ctx) end
  if ctx.util.default_if_null(input.expectedVersion, post.version) ~= post.version then refuse(ctx, post) end
  return post
end

local Query, Mutation = {}, {}

function Query.getPost(ctx) return ctx.tables.Post:get(ctx.arguments.id) end

function Query.listPosts(ctx) return (ctx.tables.Post:scan()) end

function Query.listPostsDelta(ctx)
  -- With the second itself: clients round down, and what was changed in that second may be new to them.
  local since = ("%010d"):format(ctx.util.default_if_null(ctx.arguments.lastSync, 0))
  local entries, place = {}, {}
  for _, entry in ipairs(ctx.tables.PostJournal:scan({ partition = "Post", ge = since })) do
    -- The newest change of a post says all.
    if not place[entry.id] then place[entry.id] = #entries + 1 end
    entries[place[entry.id]] = entry
  end
  return entries
end

function Mutation.createPost(ctx)
  local input = copy(ctx.arguments.input)
  input.id = ctx.util.default_if_null(input.id, nil) or ctx.util.uuid()
  local there = ctx.tables.Post:get(input.id)
  if there then refuse(ctx, there) end
  local post = changed(ctx, { ups = 0, downs = 0, version = 0 }, input)
  post.createdAt = post.updatedAt
  return record(ctx, post, "CREATE")
end

function Mutation.updatePost(ctx)
  local input = ctx.arguments.input
  return record(ctx, changed(ctx, expected(ctx, input), input), "UPDATE")
end

function Mutation.deletePost(ctx)
  return record(ctx, changed(ctx, expected(ctx, ctx.arguments.input), {}), "DELETE")
end

return { Query = Query, Mutation = Mutation }
