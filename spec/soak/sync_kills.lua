-- A process that syncs a long list for the first time is killed (kill -9) at a random page, and started again, until the list is
-- whole. What was kept isn't fetched again: of the pages that the service has given, that is the one that was being written when the
-- kill came, and the one after it if that was on its way already. In the end all is there, once.
-- usage: N=200 RECORDS=100000 PAGE=1000 SEED=1 lua spec/soak/sync_kills.lua
local appsync = require "appsync"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local synced_posts = require "spec.support.synced_posts"

local N = tonumber(os.getenv "N") or 3
local RECORDS = tonumber(os.getenv "RECORDS") or 100000
local PAGE = tonumber(os.getenv "PAGE") or 1000
local SEED = tonumber(os.getenv "SEED") or os.time()
local interpreter = arg[-1]

local PAGES = math.floor(RECORDS / PAGE) + 1 -- the last one has what is left over, or nothing

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function text_of(posts)
  local lines = {}
  for i, post in ipairs(posts) do
    lines[i] = ("%s %d %s %s %d %d %s"):format(post.id, post.version, post.title, post.author, post.ups, post.downs, post.updatedAt)
  end
  table.sort(lines)
  return table.concat(lines, "\n")
end

-- What is killed: it says how many pages it has, and writes the list into a file when it is whole.
local function sync(endpoint, store, out)
  local client = appsync.assert(appsync.client{
    endpoint = endpoint, auth = { type = "API_KEY", api_key = synced_posts.API_KEY }, store = store,
    log = function(level, message) if level == "error" then error(message, 0) end end,
  })
  local s = client:sync(appsync.build_sync("Post", {
    base_query = { query = synced_posts.PAGES }, delta_query = { query = synced_posts.DELTA_PAGES },
    subscription_query = { query = synced_posts.LIVE }, page_size = PAGE,
  }))
  local last
  s:observe():subscribe(function(status)
    if status.phase == "base" and status.pages ~= last then
      last = status.pages
      print("pages " .. last)
      io.stdout:flush()
    end
  end)
  appsync.assert(s:ready(600))
  local data = appsync.assert(client:query(synced_posts.PAGES, nil, { fetch_policy = "cache-only" }))
  process.write(out, text_of(data.listPostsPage.items))
  print "whole"
  io.stdout:flush()
  appsync.assert(client:close(30))
end

local function all_of(posts)
  local all, token = {}, nil
  repeat
    local page = posts.ask(synced_posts.PAGES, { limit = 1000, nextToken = token }).listPostsPage
    for _, post in ipairs(page.items) do all[#all + 1] = post end
    token = page.nextToken
  until not token or token == appsync.null
  return all
end

-- The tokens of pages that the service has given since this was asked last, "" of the first one; in their order.
local function pages_given(posts)
  local tokens = {}
  for _, asked in ipairs(posts.arguments()) do
    if asked.field == "listPostsPage" then tokens[#tokens + 1] = asked.nextToken or "" end
  end
  return tokens
end

-- Runs it; kills it so many pages later, at some moment of that page. Whether the list is whole.
local function run(posts, store, out, n_pages, delay_s)
  local pipe = assert(io.popen(("sh -c 'echo $$; exec \"$0\" \"$@\"' %s spec/soak/sync_kills.lua sync %s %s %s 2>&1"):format(interpreter,
    posts.endpoint, quote(store), quote(out))))
  local pid = assert(tonumber(pipe:read "*l"))
  local first, is_whole, is_killed, rest = nil, false, false, {}
  for line in pipe:lines() do
    local pages = tonumber(line:match "^pages (%d+)$")
    first = first or pages
    if pages and pages - first >= n_pages and not is_killed then
      is_killed = true
      os.execute(("sleep %.3f; kill -KILL %d 2>/dev/null"):format(delay_s, pid))
    end
    if line == "whole" then is_whole = true end
    if not pages and line ~= "whole" and line ~= "Killed" then rest[#rest + 1] = line end
  end
  pipe:close()
  assert(#rest == 0, table.concat(rest, "\n"))
  assert(is_whole or is_killed, "it has ended by itself")
  return is_whole and not is_killed, is_killed
end

local function main()
  local made = folder.make()
  local posts = synced_posts.start{ store = made.path .. "/server.db", n = RECORDS }
  local expected = text_of(all_of(posts))
  posts.arguments()
  math.randomseed(SEED)
  local n_kills, n_syncs, n_of, began = 0, 0, { [0] = 0, 0, 0 }, os.time()
  while n_kills < N do
    n_syncs = n_syncs + 1
    local store, out = ("%s/%d.db"):format(made.path, n_syncs), made.path .. "/list"
    local given, is_whole, was_killed = {}, false, false
    while not is_whole do
      local goes_on = n_kills >= N
      local n_pages = goes_on and math.huge or math.random(0, math.ceil(PAGES / 3))
      local is_killed
      is_whole, is_killed = run(posts, store, out, n_pages, math.random() * 0.05)
      local again = 0
      for _, token in ipairs(pages_given(posts)) do
        if given[token] then again = again + 1 end
        given[token] = true
      end
      assert(n_of[again], ("sync %d: %d pages were given again after a kill"):format(n_syncs, again))
      if was_killed then n_of[again] = n_of[again] + 1 end
      if is_killed then n_kills = n_kills + 1 end
      was_killed = is_killed
    end
    local n_given = 0
    for _ in pairs(given) do n_given = n_given + 1 end
    assert(n_given == PAGES, ("sync %d: %d pages were given, not %d"):format(n_syncs, n_given, PAGES))
    assert(process.read(out) == expected, ("sync %d: the list isn't the service's"):format(n_syncs))
    for _, suffix in ipairs{ "", "-wal", "-shm", "-leader" } do os.remove(store .. suffix) end
  end
  print(("%d kills in %d syncs of %d records in %d pages; after %d of them no page was given again, after %d one, after %d two; %d s"):format(
    n_kills, n_syncs, RECORDS, PAGES, n_of[0], n_of[1], n_of[2], os.time() - began))
  made.remove()
end

if arg[1] == "sync" then return appsync.run(sync, arg[2], arg[3], arg[4]) end
local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(("SEED=%d: %s"):format(SEED, err)) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
