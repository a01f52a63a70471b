-- Resolvers of schema.graphql: posts stand in a base table, and the newest change of each in a journal (journal.lua), as in
-- AppSync's first delta sync tutorial ("a base query and a delta query"). `appsync serve --store FILE` keeps both.
local journal = require "journal"
local page_token = require "page_token"

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

-- Both tables or none: a change that the journal lacks would never reach a client that syncs by deltas. On the service these
-- are the two functions of a pipeline resolver, or one TransactWriteItems.
local function record(ctx, post, what)
  local base, change = ctx.tables.Post, copy(post)
  change.aws_ds = what
  base:transaction(function()
    if what == "DELETE" then base:delete(post.id) else base:put(post) end
    journal.write(ctx, change)
  end)
  return change
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

local function page(ctx, items, token)
  return { items = items, nextToken = token, startedAt = ctx.util.now_epoch_ms() }
end

local Query, Mutation = {}, {}

function Query.getPost(ctx) return ctx.tables.Post:get(ctx.arguments.id) end

function Query.listPosts(ctx) return (ctx.tables.Post:scan()) end

function Query.listPostsPage(ctx)
  local after = page_token.decode(ctx, "listPostsPage")
  local posts, next_page = ctx.tables.Post:scan{ order = "key", limit = page_token.limit(ctx), after = after }
  return page(ctx, posts, page_token.encode(ctx, "listPostsPage", next_page))
end

local function last_sync(ctx) return ctx.util.default_if_null(ctx.arguments.lastSync, 0) end

-- With the second itself: clients round down, and what was changed in that second may be new to them.
function Query.listPostsDelta(ctx) return (journal.since(ctx, last_sync(ctx))) end

function Query.listPostsDeltaPage(ctx)
  local after = page_token.decode(ctx, "listPostsDeltaPage")
  local changes, next_page = journal.since(ctx, math.floor(last_sync(ctx) / 1000), page_token.limit(ctx), after)
  return page(ctx, changes, page_token.encode(ctx, "listPostsDeltaPage", next_page))
end

function Mutation.createPost(ctx)
  local input = copy(ctx.arguments.input)
  input.id = ctx.util.default_if_null(input.id, nil) or ctx.util.uuid()
  local there = ctx.tables.Post:get(input.id)
  if there then refuse(ctx, there) end
  -- Versions of a post that comes back go on: a client that compares them would take version 1 for older than the deletion.
  local gone = journal.last(ctx, input.id)
  local post = changed(ctx, { ups = 0, downs = 0, version = gone and gone.version or 0 }, input)
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
