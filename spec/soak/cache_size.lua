-- A cache with a limit that is written far beyond it, read, evicted and collected on the way: memory and the file stay
-- bounded, what is retained and what was written last are there, and what is there is true.
-- usage: N=20000 lua spec/soak/cache_size.lua
local appsync = require "appsync"
local memory = require "spec.soak.memory"

local N = tonumber(os.getenv "N") or 20000 -- lists of 20 records are written
local SEED = tonumber(os.getenv "SEED") or 1
local ALLOWED_KIB = tonumber(os.getenv "ALLOWED_KIB") or 4000
local MAX_BYTES = 4000000
-- Pages aren't full, and the writes of a turn come before what leaves for them.
local MAX_FILE_BYTES, MAX_LOG_BYTES = 3 * MAX_BYTES, 16000000
local ITEMS, LISTS, TEXT = 20, 2000, ("x"):rep(150)

local LIST = "query L($n: Int) { posts(n: $n) { id text n author { id name } } }"

local path = os.tmpname()
os.remove(path)
path = path .. ".db"

local function size_of(suffix)
  local file = io.open(path .. suffix, "rb")
  if not file then return 0 end
  local n = file:seek("end")
  file:close()
  return n
end

local function data_of(list, round)
  local items = {}
  for i = 1, ITEMS do
    local author = (list * 7 + i) % 100
    items[i] = {
      __typename = "Post", id = ("%d-%d"):format(list, i), text = TEXT, n = round,
      author = { __typename = "Author", id = tostring(author), name = "author " .. author },
    }
  end
  return { posts = appsync.array(items) }
end

-- What is read whole is what was written last.
local function check(client, written, list)
  local data, rest = client:read_query(LIST, { n = list })
  if not data then
    assert(rest.partial, tostring(rest))
    return false
  end
  assert(#data.posts == ITEMS, "a list has lost items")
  for i, post in ipairs(data.posts) do
    assert(post.id == ("%d-%d"):format(list, i) and post.n == written[list], "a record is another one")
    assert(post.author.name == "author " .. post.author.id)
  end
  return true
end

local function round_of(client, written, round, random)
  local list = random(LISTS)
  written[list] = round
  assert(client:write_query(LIST, { n = list }, data_of(list, round)))
  assert(check(client, written, list), "what was just written isn't there")
  if random(10) == 1 then check(client, written, random(LISTS)) end
  if random(50) == 1 then
    local gone = random(LISTS)
    assert(client:evict("ROOT_QUERY", ('posts({"n":%d})'):format(gone)))
    assert(not check(client, written, gone))
  end
  if round % 100 == 0 then assert(client:gc()) end
end

local function main()
  math.randomseed(SEED)
  local client = appsync.client {
    endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "x" }, store = path,
    cache = { max_bytes = MAX_BYTES },
  }
  local written, before, most, most_log = { [0] = 0 }, nil, 0, 0
  assert(client:write_query(LIST, { n = 0 }, data_of(0, 0)))
  local kept = assert(client:retain(LIST, { n = 0 }))
  for round = 1, N do
    round_of(client, written, round, math.random)
    if round % 50 == 0 then most, most_log = math.max(most, size_of ""), math.max(most_log, size_of "-wal") end
    if round == math.floor(N / 2) then before = memory.resident() end
  end
  local after = memory.resident()
  assert(check(client, written, 0), "what was retained has left")
  kept:release()
  local n_whole = 0
  for list = 1, LISTS do
    if check(client, written, list) then n_whole = n_whole + 1 end
  end
  local stats = client:stats()
  print(("%d lists written: %d of %d are whole, %d records have left; file at most %.1f MB, log %.1f MB; resident %d KiB "
    .. "after a half, %d KiB at the end (seed %d)"):format(N, n_whole, LISTS, stats.records_collected, most / 1e6, most_log / 1e6,
    before, after, SEED))
  assert(n_whole > 0)
  assert(stats.store_failures == 0, "the store failed")
  assert(after - before <= ALLOWED_KIB, "memory grows")
  assert(most <= MAX_FILE_BYTES, "the file grows")
  assert(most_log <= MAX_LOG_BYTES, "the log grows")
  assert(client:close(5))
end

local ok, err = xpcall(main, debug.traceback)
for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(path .. suffix) end
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
