-- Clients whose stores keep the posts of spec/support/synced_posts.lua.
local appsync = require "appsync"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local synced_posts = require "spec.support.synced_posts"
local wait_for = require "spec.support.wait"

local syncing = { logged = {} }

local made, clients, n_stores = nil, {}, 0

---Before all tests of a file: a server with these options of synced_posts.
function syncing.begin(options)
  made = folder.make()
  options = options or {}
  options.store = options.store or made.path .. "/server.db"
  syncing.posts = synced_posts.start(options)
  return syncing.posts
end

---After them.
function syncing.finish()
  process.stop_all()
  made.remove()
end

---Another store than the tests before had.
function syncing.new_store()
  n_stores = n_stores + 1
  syncing.path = ("%s/%d.db"):format(made.path, n_stores)
  syncing.logged = {}
  return syncing.path
end

---A client with the store of the test.
function syncing.connect(options)
  local settings = {
    endpoint = syncing.posts.endpoint, region = "us-east-1", store = syncing.path,
    auth = { type = "API_KEY", api_key = synced_posts.API_KEY },
    cache = { lookups = { ["Query.getPost"] = "Post" } },
    log = function(level, message) table.insert(syncing.logged, level .. ": " .. message) end,
  }
  for name, value in pairs(options or {}) do settings[name] = value end
  local client = assert(appsync.client(settings))
  clients[#clients + 1] = client
  return client
end

function syncing.close_all()
  for _, client in ipairs(clients) do client:close() end
  clients = {}
end

---The three parts by the queries that answer with a list, or page by page.
function syncing.built(options, is_paged)
  local parts = {
    base_query = { query = is_paged and synced_posts.PAGES or synced_posts.LIST },
    delta_query = { query = is_paged and synced_posts.DELTA_PAGES or synced_posts.DELTA },
    subscription_query = { query = synced_posts.LIVE },
  }
  for name, value in pairs(options or {}) do parts[name] = value end
  for _, name in ipairs{ "base_query", "delta_query", "subscription_query" } do
    if parts[name] == false then parts[name] = nil end
  end
  return appsync.build_sync("Post", parts)
end

---What a client's cache has in the base query's list, by id; nil: not all of it can be read.
function syncing.list(client, is_paged, variables)
  local data = client:read_query(is_paged and synced_posts.PAGES or synced_posts.LIST, variables)
  if not data then return nil end
  local list = is_paged and data.listPostsPage.items or data.listPosts
  local by_id, n = {}, 0
  for _, post in ipairs(list) do
    post.__typename = nil
    if by_id[post.id] then error(post.id .. " is in the list twice", 2) end
    by_id[post.id], n = post, n + 1
  end
  return by_id, n
end

function syncing.is_equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do if not syncing.is_equal(value, b[key]) then return false end end
  for key in pairs(b) do if a[key] == nil then return false end end
  return true
end

---Waits until a client's list is what the service has.
function syncing.wait_equal(client, is_paged, variables)
  local all = syncing.posts.all()
  wait_for(function() return syncing.is_equal(syncing.list(client, is_paged, variables), all) end, "equal lists", function()
    local list = syncing.list(client, is_paged, variables)
    local lines = {}
    for id, post in pairs(all) do
      if not list or not syncing.is_equal(list[id], post) then
        lines[#lines + 1] = ("%s: %s here: %s"):format(id, appsync.encode(post), list and list[id] and appsync.encode(list[id]) or "nothing")
      end
    end
    for id in pairs(list or {}) do if not all[id] then lines[#lines + 1] = id .. " shouldn't be here" end end
    return table.concat(lines, "\n", 1, math.min(#lines, 5)) .. "\n" .. table.concat(syncing.logged, "\n")
  end)
end

function syncing.wait_phase(sync, phase)
  wait_for(function() return sync:status().phase == phase end, "phase " .. phase, function() return tostring(sync:status().phase) .. " "
    .. tostring(sync:status().err) end)
end

return syncing
