-- Delta sync by hand: a reader takes all posts once, then only what has changed since; it hears changes while it is there.
-- usage: posts.lua ENDPOINT API_KEY
local appsync = require "appsync"
local endpoint, api_key = ...

local FIELDS = "id title author content url ups downs version"
local BASE = "query Base { listPosts { " .. FIELDS .. " } }"
local DELTA = "query Delta($lastSync: AWSTimestamp) { listPostsDelta(lastSync: $lastSync) { " .. FIELDS .. " aws_ds } }"
local LIVE = "subscription Live { onDeltaPost { " .. FIELDS .. " aws_ds } }"
local CREATE = "mutation Create($input: CreatePostInput!) { createPost(input: $input) { " .. FIELDS .. " aws_ds } }"
local UPDATE = "mutation Update($input: UpdatePostInput!) { updatePost(input: $input) { " .. FIELDS .. " aws_ds } }"
local DELETE = "mutation Delete($input: DeletePostInput!) { deletePost(input: $input) { " .. FIELDS .. " aws_ds } }"

local BUFFER_S = 2 -- two clocks are never the same; what arrives twice does no harm

local function step(label, condition, detail)
  if not condition then error(label .. ": " .. tostring(detail or "not as expected"), 0) end
  print(("  %-52s ok"):format(label))
end

local function new_client()
  return appsync.client { endpoint = endpoint, region = "us-east-1", store = false,
    auth = { type = "API_KEY", api_key = api_key } }
end

local Reader = {}
Reader.__index = Reader

function Reader:apply(change)
  self.posts[change.id] = change.aws_ds ~= "DELETE" and change or nil
end

function Reader:sync()
  local began = os.time() - BUFFER_S
  local data, err = self.client:query(self.last_sync and DELTA or BASE, { lastSync = self.last_sync })
  if not data then error(err, 0) end
  local changes = data.listPostsDelta or data.listPosts
  for _, change in ipairs(changes) do self:apply(change) end
  self.last_sync = began
  return #changes
end

function Reader:count()
  local n = 0
  for _ in pairs(self.posts) do n = n + 1 end
  return n
end

local function work()
  local writer = new_client()
  local function mutate(document, input)
    local data, err = writer:mutate(document, { input = input })
    if not data then return nil, err end
    return select(2, next(data))
  end
  local reader = setmetatable({ client = new_client(), posts = {} }, Reader)

  local first = assert(mutate(CREATE, { title = "Delta sync", author = "Nadia", url = "https://example.com/1" }))
  local second = assert(mutate(CREATE, { title = "Base query", author = "Nikki", ups = 1 }))
  step("the base query brings all posts", reader:sync() == 2 and reader:count() == 2)

  assert(mutate(UPDATE, { id = first.id, ups = 1, expectedVersion = first.version }))
  assert(mutate(DELETE, { id = second.id }))
  reader:sync()
  step("the delta query brings the change", reader.posts[first.id].ups == 1 and reader.posts[first.id].version == 2)
  step("and the deletion", reader.posts[second.id] == nil and reader:count() == 1)

  local _, err = mutate(UPDATE, { id = first.id, ups = 5, expectedVersion = 1 })
  step("a change of what has changed is refused", err and tostring(err):find("conditional request failed", 1, true), err)

  local live = reader.client:subscribe(LIVE):map(function(data) return data.onDeltaPost end):subscribe()
  step("the reader listens", live:ready(10))
  local third = assert(mutate(CREATE, { title = "Live", author = "Richard" }))
  reader:apply(assert(live:next(10)))
  step("and hears a new post", reader.posts[third.id].title == "Live")
  assert(mutate(DELETE, { id = third.id }))
  reader:apply(assert(live:next(10)))
  step("and its end", reader.posts[third.id] == nil)

  live:unsubscribe()
  reader.client:close()
  writer:close()
end

local ok, message = pcall(appsync.run, work)
if not ok then
  io.stderr:write("demo: ", tostring(message), "\n")
  os.exit(1)
end
print("demo: base, delta and live seen to work")
