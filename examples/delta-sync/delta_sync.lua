-- A device that keeps all posts, goes offline and comes back, and what each phase cost it. The service has some (fill.lua).
-- usage: delta_sync.lua STORE ENDPOINT API_KEY [PAGE_SIZE]; with a PAGE_SIZE, by the queries that answer in pages
local appsync = require "appsync"
local now = require("appsync.core").now -- seconds
local store, endpoint, api_key, page_size = ...
page_size = tonumber(page_size)

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

local function create(title) write(CREATE, { title = title, author = "Nadia" }) end

local function update(id, title) write(UPDATE, { id = id, title = title }) end

local function delete(id) write(DELETE, { id = id }) end

-- What the service has.
local function newest()
  local versions, ids = {}, {}
  local whole = appsync.assert(author:query("query All { listPosts { id version } }", nil, { fetch_policy = "no-cache" }))
  for i, post in ipairs(whole.listPosts) do versions[post.id], ids[i] = post.version, post.id end
  return versions, ids
end

-- The device: what the screen shows comes from the cache, which the sync keeps as the service is.
local Device = {}
Device.__index = Device

function Device.start()
  local self = setmetatable({ client = new_client(store) }, Device)
  self:forget_cost()
  self.sync = self.client:sync(appsync.build_sync("Post", {
    base_query = { query = BASE, variables = variables },
    delta_query = { query = DELTA, variables = variables },
    subscription_query = { query = LIVE },
    delta_window = 24 * 3600, -- seconds: the journal has two days
    cache_updates = function(post)
      self.n_records = self.n_records + 1
      return { query = GET, variables = { id = post.id } }
    end,
  }))
  return self
end

-- What it has been sent so far is the past.
function Device:forget_cost()
  self.began, self.before, self.n_records = now(), self.client:stats(), 0
end

function Device:posts()
  local data = self.client:read_query(BASE, variables)
  local root = data and select(2, next(data))
  return root and (root.items or root) or {}
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
  local versions, ids = newest()
  local give_up = now() + 60
  while self.sync:status().phase ~= "live" or not self:has(versions, #ids) do
    local err = self.sync:status().err
    if now() > give_up then error("the device doesn't catch up: " .. (err and tostring(err) or self.sync:status().phase), 0) end
    appsync.sleep(0.002)
  end
end

local ROW = "%-26s %8s %8s %9s %8s %8s"

function Device:report(phase)
  local stats = self.client:stats()
  local function grown(name) return stats[name] - (self.before[name] or 0) end
  print(ROW:format(phase, grown "requests", self.n_records, grown "messages", grown "bytes_received",
    ("%.1f"):format((now() - self.began) * 1000)))
  self:forget_cost()
end

local function expect(what, got, wanted)
  if got ~= wanted then error(("%s: %s, not %s"):format(what, tostring(got), tostring(wanted)), 0) end
end

local function work()
  local _, ids = newest()
  if #ids < 30 then error("the service has too few posts; make some by fill.lua", 0) end
  print(ROW:format("", "queries", "records", "messages", "bytes", "ms"))

  local device = Device.start()
  appsync.assert(device.sync:ready(60))
  device:catch_up()
  expect("posts after the first start", #device:posts(), #ids)
  device:report(("first start, %d posts"):format(#ids))

  update(ids[1], "changed while the device listens")
  delete(ids[2])
  create "made while the device listens"
  device:catch_up()
  device:report "live, 3 changes"

  device.client:set_online(false)
  for i = 3, 22 do update(ids[i], "changed while the device is offline") end
  delete(ids[23])
  create "made while the device is offline"
  expect("posts offline", #device:posts(), #ids)
  device:forget_cost()
  device.client:set_online(true)
  device:catch_up()
  device:report "back online, 22 changes"

  device.client:close()
  update(ids[1], "changed while the device is off")
  create "made while the device is off"
  device = Device.start()
  expect("posts at once", #device:posts(), #ids)
  device:catch_up()
  device:report "started again, 2 changes"
  expect("the title", device.client:read_query(GET, { id = ids[1] }).getPost.title, "changed while the device is off")

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
