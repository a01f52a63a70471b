-- A local server with the posts of examples/delta-sync, in a process of its own: what tests of delta syncs need beside a
-- service that answers. It tells which queries it was asked, and can be told to fail, to forget and to go ahead in time.
--
--   local posts = synced_posts.start{ n = 2000 }
--   … a client syncs …
--   assert.same({ listPostsPage = 20 }, posts.asked())
--   posts.update("p0001", { title = "changed" })
--   … it goes on …
--   assert.same({ listPostsDelta = 1 }, posts.asked())
local core = require "appsync.core"
local faults = require "spec.support.faults"
local http = require "socket.http"
local ltn12 = require "ltn12"
local process = require "spec.support.process"
local server = require "spec.support.server"

local FOLDER = "examples/delta-sync/"
local FIELDS = "id title author content url ups downs version createdAt updatedAt"

local synced_posts = {
  API_KEY = server.API_KEY,
  --- All fields of a post but aws_ds, which is no part of it.
  FIELDS = FIELDS,
  LIST = ("query List { listPosts { %s } }"):format(FIELDS),
  PAGES = ("query Pages($limit: Int, $nextToken: String) { listPostsPage(limit: $limit, nextToken: $nextToken) "
    .. "{ items { %s } nextToken startedAt } }"):format(FIELDS),
  DELTA = ("query Delta($lastSync: AWSTimestamp) { listPostsDelta(lastSync: $lastSync) { %s aws_ds } }"):format(FIELDS),
  DELTA_PAGES = ("query DeltaPages($lastSync: AWSTimestamp, $limit: Int, $nextToken: String) { "
    .. "listPostsDeltaPage(lastSync: $lastSync, limit: $limit, nextToken: $nextToken) { items { %s aws_ds } nextToken startedAt } }"):format(FIELDS),
  LIVE = ("subscription Live { onDeltaPost { %s aws_ds } }"):format(FIELDS),
  GET = ("query Get($id: ID!) { getPost(id: $id) { %s } }"):format(FIELDS),
  CREATE = ("mutation Create($input: CreatePostInput!) { createPost(input: $input) { %s aws_ds } }"):format(FIELDS),
  UPDATE = ("mutation Update($input: UpdatePostInput!) { updatePost(input: $input) { %s aws_ds } }"):format(FIELDS),
  DELETE = ("mutation Delete($input: DeletePostInput!) { deletePost(input: $input) { %s aws_ds } }"):format(FIELDS),
}

-- What only tests ask for, beside the example's schema and resolvers.
local CONTROL = [[

extend type Mutation {
  "Posts p0001, p0002, … up to n, which the journal doesn't know; those that are there stay."
  loadPosts(from: Int!, n: Int!): Int
  "All tokens of pages that were given so far are refused from now on."
  expireTokens: Boolean
  "The arguments of base and delta queries since the last time."
  takeArguments: AWSJSON
  "A post that can't be read: it is null in all answers, beside an error."
  spoilPost(id: ID!, is_spoiled: Boolean!): Boolean
}
]]

local RESOLVERS = [[
package.path = "%s?.lua;" .. package.path
local journal = require "journal"
local page_token = require "page_token"
local made = dofile "%sresolvers.lua"
journal.ttl_s = %d

local age = 0 -- of tokens
local encode, decode = page_token.encode, page_token.decode
function page_token.encode(ctx, field, after) return encode(ctx, field .. " " .. age, after) end
function page_token.decode(ctx, field) return decode(ctx, field .. " " .. age) end

function made.Mutation.expireTokens()
  age = age + 1
  return true
end

function made.Mutation.loadPosts(ctx)
  local posts, at = ctx.tables.Post, ctx.util.now_iso8601()
  posts:transaction(function()
    for i = ctx.args.from, ctx.args.n do
      local id = ("p%%04d"):format(i)
      if not posts:get(id) then
        posts:put{ id = id, title = "post " .. i, author = "author " .. i %% 10, content = "what post " .. i .. " says",
          ups = i %% 7, downs = i %% 3, version = 1, createdAt = at, updatedAt = at }
      end
    end
  end)
  return ctx.args.n
end

local asked = {}

for _, field in ipairs{ "listPosts", "listPostsDelta", "listPostsPage", "listPostsDeltaPage" } do
  local resolve = made.Query[field]
  made.Query[field] = function(ctx)
    if ctx.request.headers["user-agent"] ~= "%s" then
      local one = { field = field }
      for name, value in pairs(ctx.arguments) do
        if not ctx.util.is_null(value) then one[name] = value end
      end
      asked[#asked + 1] = one
    end
    return resolve(ctx)
  end
end

function made.Mutation.takeArguments(ctx)
  local taken = setmetatable(asked, require("appsync.core").array_mt)
  asked = {}
  return taken
end

local spoiled = {}

function made.Mutation.spoilPost(ctx)
  spoiled[ctx.args.id] = ctx.args.is_spoiled or nil
  return ctx.args.is_spoiled
end

-- Its type has no null: the whole post becomes null.
made.Post = { title = function(ctx)
  if spoiled[ctx.source.id] then ctx.util.error("This post is spoiled.", "Spoiled") end
  return ctx.source.title
end }

return made
]]

local USER_AGENT = "synced-posts" -- of what this fixture asks
local LOADED_AT_ONCE = 10000 -- a resolver has 30 seconds

local function ask(endpoint, query, variables)
  local body, chunks = core.encode{ query = query, variables = variables }, {}
  local headers = { ["content-type"] = "application/json", ["content-length"] = tostring(#body), ["user-agent"] = USER_AGENT }
  headers["x-api-key"] = server.API_KEY
  local ok, status = http.request{
    url = endpoint, method = "POST", headers = headers, source = ltn12.source.string(body), sink = ltn12.sink.table(chunks),
  }
  local text = table.concat(chunks)
  assert(ok and status == 200, tostring(status) .. " " .. text)
  local answer = core.decode(text)
  assert(not answer.errors, text)
  return answer.data
end

-- Writes as somebody else makes them; each gives the post as the service has it then.
local function add_writes(posts)
  local function write(document, input) return select(2, next(posts.ask(document, { input = input }))) end

  function posts.create(input)
    local whole = { author = "somebody" }
    for name, value in pairs(input) do whole[name] = value end
    return write(synced_posts.CREATE, whole)
  end

  function posts.update(id, changes)
    local input = { id = id }
    for name, value in pairs(changes) do input[name] = value end
    return write(synced_posts.UPDATE, input)
  end

  function posts.delete(id) return write(synced_posts.DELETE, { id = id }) end

  --- Posts p0001 … up to `n` by one request; the journal has none of them. The number has four digits or more.
  function posts.load(n)
    for from = 1, n, LOADED_AT_ONCE do
      posts.ask("mutation L($from: Int!, $n: Int!) { loadPosts(from: $from, n: $n) }",
        { from = from, n = math.min(n, from + LOADED_AT_ONCE - 1) })
    end
  end

  --- All posts, by id: what a synced cache must have.
  function posts.all()
    local by_id = {}
    for _, post in ipairs(posts.ask(synced_posts.LIST).listPosts) do by_id[post.id] = post end
    return by_id
  end
end

local function add_looks(posts)
  --- How often clients have asked for each root field of Query since the last time (or the start), failed ones included, as
  --- {listPosts = 1}. What this fixture asks doesn't count. The server remembers its last 1,000 requests.
  function posts.asked()
    local counts = {}
    for _, entry in ipairs(posts.log "?on=request&kind=query") do
      for _, field in ipairs(entry.headers["user-agent"] ~= USER_AGENT and entry.fields or {}) do
        counts[field] = (counts[field] or 0) + 1
      end
    end
    faults.call(posts.url, "DELETE", "/log")
    return counts
  end

  --- The arguments of the base and delta queries that were answered since the last time, the oldest first: {field=, lastSync=,
  --- limit=, nextToken=}, each only if it was given.
  function posts.arguments() return core.decode(posts.ask("mutation { takeArguments }").takeArguments) end
end

local function add_faults(posts)
  --- Fails a page of a field, the first one or the one after `after` others, `times` (1) times: by a GraphQL error, or with an
  --- HTTP `status`, or by any other `fault` of docs/faults.md. The rule's name.
  function posts.fail(field, options)
    options = options or {}
    local fault = { error = { message = options.message or "no page", type = options.type or "DynamoDB:DynamoDbException" } }
    if options.status then fault = { refuse = { status = options.status, headers = options.headers } } end
    fault = options.fault or fault
    local match = { field = field, on = "request", after = options.after, times = options.times or 1 }
    return posts.add{ match = match, fault = fault }[1]
  end

  function posts.expire_tokens() posts.ask "mutation { expireTokens }" end

  --- The post is null in all answers, beside an error at its path, until it is told otherwise.
  function posts.spoil(id, is_spoiled)
    posts.ask("mutation S($id: ID!, $is: Boolean!) { spoilPost(id: $id, is_spoiled: $is) }", { id = id, is = is_spoiled ~= false })
  end
end

--- Starts one; spec.support.process.stop_all ends it. What it gives beside that is what spec.support.faults gives: `add`,
--- `clear`, `disconnect`, `advance` (all of the server's clock, the Date of its answers and the journal included), ….
---@param options {n: integer?, ttl: integer?, port: string?, store: string?, arguments: string[]?}? n: posts; ttl: of the
---  journal, in seconds
function synced_posts.start(options)
  options = options or {}
  local arguments = {}
  for i, argument in ipairs(options.arguments or {}) do arguments[i] = argument end
  if options.store then
    arguments[#arguments + 1] = "--store"
    arguments[#arguments + 1] = options.store
  end
  local posts = faults.start{
    schema = process.read(FOLDER .. "schema.graphql") .. CONTROL, port = options.port, arguments = arguments,
    resolvers = RESOLVERS:format(FOLDER, FOLDER, options.ttl or 2 * 24 * 3600, USER_AGENT),
  }
  function posts.ask(query, variables) return ask(posts.endpoint, query, variables) end
  add_writes(posts)
  add_looks(posts)
  add_faults(posts)
  if options.n then posts.load(options.n) end
  return posts
end

return synced_posts
