-- N updates under 100 watchers: each is told of what changes below its query and of nothing else, shows in the end what a
-- fresh read shows, and memory stays flat. usage: N=20000 SEED=1 lua spec/soak/watchers.lua
local appsync = require "appsync"
local folder = require "spec.support.folder"
local memory = require "spec.soak.memory"

local N = tonumber(os.getenv "N") or 20000
local SEED = tonumber(os.getenv "SEED") or 1
local ALLOWED_KIB = tonumber(os.getenv "ALLOWED_KIB") or 4000
local WATCHERS, POSTS, PAGE = 100, 400, 5

local PAGES = "query P($n: Int!) { page(n: $n) { items { id title likes author { id name } } } }"
local POST = "fragment F on Post { title likes }"
local AUTHOR = "fragment F on Author { name }"

math.randomseed(SEED)

local function author(i) return { __typename = "Author", id = "a" .. i % 20, name = "author " .. i % 20 } end

local function post(i)
  return { __typename = "Post", id = "p" .. i, title = "post " .. i, likes = 0, author = author(i) }
end

-- Pages overlap: a post is on several of them.
local function items_of(page)
  local items = appsync.array()
  for i = 0, PAGE - 1 do items[#items + 1] = post((page * 3 + i) % POSTS) end
  return items
end

local function open(path)
  local client = assert(appsync.client{ endpoint = "http://127.0.0.1:1/graphql", store = path, log = function() end })
  local watchers = {}
  for n = 1, WATCHERS do
    assert(client:write_query(PAGES, { n = n }, { page = { items = items_of(n) } }))
    local watcher = { n = n, n_told = 0 }
    watcher.subscription = client:watch(PAGES, { n = n }, { fetch_policy = "cache-only" }):subscribe(function(state)
      assert(state.complete and not state.err, "page " .. n)
      assert(state.data ~= watcher.data, "page " .. n .. " was told of nothing new")
      watcher.data, watcher.n_told = state.data, watcher.n_told + 1
    end)
    watchers[n] = watcher
  end
  return client, watchers
end

local function update(client, i)
  local which = math.random(10)
  if which == 1 then
    assert(client:write_fragment("Author:a" .. math.random(0, 19), AUTHOR, { name = "name " .. math.random(3) }))
  elseif which <= 4 then -- what is there already: nobody is told
    local key = "Post:p" .. math.random(0, POSTS - 1)
    local known = client:read_fragment(key, POST)
    if known then assert(client:write_fragment(key, POST, known)) end
  else
    assert(client:write_fragment("Post:p" .. math.random(0, POSTS - 1), POST, { title = "title " .. i, likes = i }))
  end
end

local function total(watchers)
  local n = 0
  for _, watcher in ipairs(watchers) do n = n + watcher.n_told end
  return n
end

-- Until nothing comes any more: what the core does of the last writes has a turn of its own behind them.
local function settle(client, watchers)
  local n
  repeat
    n = total(watchers)
    for _ = 1, 20 do
      assert(client:write_fragment("Post:none", POST, { title = "", likes = 0 }))
      appsync.sleep(0.005)
    end
  until n == total(watchers)
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local function main(path)
  local client, watchers = open(path)
  local before
  appsync.run(function()
    settle(client, watchers)
    for i = 1, N do
      update(client, i)
      if i % 16 == 0 then appsync.sleep(0) end
      if i % 2000 == 0 then collectgarbage() end -- what Lua would collect in its own time isn't growth
      if i == math.floor(N / 2) then before = memory.resident() end
    end
    settle(client, watchers)
  end)
  collectgarbage()
  local after = memory.resident()
  for _, watcher in ipairs(watchers) do
    local fresh = assert(client:read_query(PAGES, { n = watcher.n }))
    assert(same(fresh, watcher.data), "page " .. watcher.n .. " shows something else than a fresh read")
  end
  local n_quiet = total(watchers)
  for _, watcher in ipairs(watchers) do assert(client:write_query(PAGES, { n = watcher.n }, watcher.data)) end
  appsync.run(settle, client, watchers)
  assert(total(watchers) == n_quiet, "somebody was told of the same data")
  print(("%d updates, %d watchers told %d times; resident %d KiB after half of them, %d KiB at the end"):format(N, WATCHERS,
    n_quiet, before, after))
  assert(after - before <= ALLOWED_KIB, "memory grows")
  assert(client:close(5))
end

local made = folder.make()
local ok, err = xpcall(main, debug.traceback, made.path .. "/watchers.db")
made.remove()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
