-- Resolvers of index_query.graphql: the delta query is an index query. All else is what @model generates; the base query is
-- `listPosts(filter: {_deleted: {ne: true}}, limit: $limit, nextToken: $nextToken)`.
local page_token = require "page_token"

local Query, Mutation = {}, {}

function Query.listPostsDelta(ctx)
  local since = ctx.util.epoch_ms_to_iso8601(ctx.util.default_if_null(ctx.arguments.lastSync, 0) * 1000)
  local after = page_token.decode(ctx, "listPostsDelta")
  local posts, next_page = ctx.tables.Post:scan{
    partition = "Post", index = "byChange", ge = since, limit = page_token.limit(ctx), after = after,
  }
  return { items = posts, nextToken = page_token.encode(ctx, "listPostsDelta", next_page) }
end

-- The post stays, because its end is news, too. On the service a time to live may take it away later, when no client asks
-- with so old a lastSync any more.
function Mutation.deletePost(ctx)
  local post = ctx.tables.Post:get(ctx.arguments.input.id)
  if not post or post._deleted == true then
    ctx.util.error("The conditional request failed", "DynamoDB:ConditionalCheckFailedException", post)
  end
  post._deleted = true
  return ctx.tables.Post:put(post)
end

return { Query = Query, Mutation = Mutation }
