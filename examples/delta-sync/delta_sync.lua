-- A device that keeps all posts, goes offline and comes back, and what each phase cost it.
-- usage: delta_sync.lua STORE ENDPOINT API_KEY [POSTS [PAGE_SIZE]]; with a PAGE_SIZE, by the queries that answer in pages
local appsync = require "appsync"
local now = require("appsync.core").now -- seconds
local store, endpoint, api_key = ...
local n_posts, page_size = tonumber((select(4, ...))) or 500, tonumber((select(5, ...)))

local FIELDS = "id title author content url ups downs version"
local GET = ("query Get($id: ID!) { getPost(id: $id) { %s } }"):format(FIELDS)
local LIVE = ("subscription Live { onDeltaPost { %s aws_ds } }"):format(FIELDS)
local BASE = ("query Base { listPosts { %s } }"):format(FIELDS)
local DELTA = ("query Delta($lastSync: AWSTimestamp) { listPostsDelta(lastSync: $lastSync) { %s aws_ds } }"):format(FIELDS)
local variables

if page_size then
  BASE = ([[query Base($limit: Int, $nextToken: String) {
    posts: listPostsPage(limit: $limit, nextToken: $nextToken) { items { %s } nextToken startedAt }
  }]]):format(FIELDS)
  DELTA = ([[query Delta($lastSync: AWSTimestamp, $limit: Int, $nextToken: String) {
    posts: listPostsDeltaPage(lastSync: $lastSync, limit: $limit, nextToken: $nextToken) { items { %s aws_ds } nextToken startedAt }
  }]]):format(FIELDS)
  variables = { limit = page_size }
end

-- Each has the fields that a delta has: the subscription gives what the mutation has selected.
local CREATE = ("mutation Create($input: CreatePostInput!) { createPost(input: $input) { %s aws_ds } }"):format(FIELDS)
local UPDATE = ("mutation Update($input: UpdatePostInput!) { updatePost(input: $input) { %s aws_ds } }"):format(FIELDS)
local DELETE = ("mutation Delete($input: DeletePostInput!) { deletePost(input: $input) { %s aws_ds } }"):format(FIELDS)

local function new_client(file)
  return appsync.assert(appsync.client{
    endpoint = endpoint, auth = { type = "API_KEY", api_key = api_key }, store = file,
    cache = { lookups = { ["Query.getPost"] = "Post" } },
  })
end

-- Somebody else, who writes.
local author = new_client(false)

local function write(document, input)
  return select(2, next(appsync.assert(author:mutate(document, { input = input }))))
end

local function create(i)
  write(CREATE, { id = ("post-%04d"):format(i), title = "Post " .. i, author = "Nadia", content = ("What %d says."):format(i) })
end

local function update(i, title) write(UPDATE, { id = ("post-%04d"):format(i), title = title }) end

local function delete(i) write(DELETE, { id = ("post-%04d"):format(i) }) end

-- The device: what the screen shows comes from the cache, which the sync keeps as the service is.
local Device = {}
Device.__index = Device

function Device.start()
  local self = setmetatable({ client = new_client(store) }, Device)
  self.sync = self.client:sync(appsync.build_sync("Post", {
    base_query = { query = BASE, variables = variables },
    delta_query = { query = DELTA, variables = variables },
    subscription_query = { query = LIVE },
    delta_window = 24 * 3600, -- seconds: the journal has two days
    cache_updates = function(post) return { query = GET, variables = { id = post.id } } end,
  }))
  self:forget_cost()
  return self
end

-- What it has been sent so far is the past.
function Device:forget_cost()
  self.began, self.before = now(), self.client:stats()
end

function Device:posts()
  local data = self.client:read_query(BASE, variables)
  local root = data and select(2, next(data))
  return root and (root.items or root) or {}
end

-- What the service has.
local function newest()
  local versions, n = {}, 0
  local whole = appsync.assert(author:query("query All { listPosts { id version } }", nil, { fetch_policy = "no-cache" }))
  for _, post in ipairs(whole.listPosts) do versions[post.id], n = post.version, n + 1 end
  return versions, n
end

function Device:has(versions, n)
  local posts = self:posts()
  for _, post in ipairs(posts) do
    if versions[post.id] ~= post.version then return false end
  end
  return #posts == n
end

-- Waits until the device has what the service has, and is live again.
function Device:catch_up()
  local versions, n = newest()
  local give_up = now() + 60
  while self.sync:status().phase ~= "live" or not self:has(versions, n) do
    local err = self.sync:status().err
    if now() > give_up then error("the device doesn't catch up: " .. (err and tostring(err) or self.sync:status().phase), 0) end
    appsync.sleep(0.002)
  end
end

local ROW = "%-42s %8s %6s %8s %7s %10s %8s"

function Device:report(phase)
  local stats, status = self.client:stats(), self.sync:status()
  local n_requests = stats.requests - self.before.requests
  local is_asked = n_requests > 0 -- else the pages and records are those of an earlier pass
  print(ROW:format(phase, n_requests, is_asked and status.pages or 0, is_asked and status.records or 0, stats.events - self.before.events,
    stats.bytes_received - self.before.bytes_received, ("%.1f"):format((now() - self.began) * 1000)))
  self:forget_cost()
end

local function expect(what, got, wanted)
  if got ~= wanted then error(("%s: %s, not %s"):format(what, tostring(got), tostring(wanted)), 0) end
end

local function work()
  for i = 1, n_posts do create(i) end
  print(ROW:format("", "queries", "pages", "records", "events", "bytes", "ms"))

  local device = Device.start()
  appsync.assert(device.sync:ready(60))
  device:catch_up()
  expect("posts after the first start", #device:posts(), n_posts)
  device:report(("first start: a base query of %d posts"):format(n_posts))

  update(1, "changed while the device listens")
  delete(2)
  create(n_posts + 1)
  device:catch_up()
  device:report "live: 3 changes"

  device.client:set_online(false)
  for i = 3, 22 do update(i, "changed while the device is offline") end
  delete(23)
  create(n_posts + 2)
  expect("posts offline", #device:posts(), n_posts)
  device:forget_cost()
  device.client:set_online(true)
  device:catch_up()
  device:report "back online: a delta query, 22 changes"

  device.client:close()
  update(1, "changed while the device is off")
  create(n_posts + 3)
  device = Device.start()
  local shown = #device:posts()
  expect("posts at once", shown, n_posts)
  device:catch_up()
  device:report "started again: a delta query, 2 changes"
  expect("the title", device.client:read_query(GET, { id = "post-0001" }).getPost.title, "changed while the device is off")

  device.sync:unsubscribe()
  device.client:close()
  author:close()
end

local ok, message = pcall(appsync.run, work)
if not ok then
  io.stderr:write("delta_sync: ", tostring(message), "\n")
  os.exit(1)
end
print("delta_sync: one base query, and only what has changed since")
