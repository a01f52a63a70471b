--- What the server's engine takes for an operation, without a network: microseconds of CPU time for a get, a list of 20 and
--- a create, among 1,000 records. Beside a copy without one of its caches, it tells what that one saves.
local engine = require("appsync.server.engine")

local SECONDS = tonumber(os.getenv("SECONDS")) or 1
local FIELDS = "id title author content ups rating published createdAt updatedAt"
local GET = "query G($id: ID!) { getPost(id: $id) { " .. FIELDS .. " } }"
local LIST = "query L($limit: Int) { listPosts(limit: $limit) { items { " .. FIELDS .. " } nextToken } }"
local CREATE = "mutation C($input: CreatePostInput!) { createPost(input: $input) { " .. FIELDS .. " } }"

collectgarbage("setpause", 400) -- as `appsync serve` has it
local file = assert(io.open("bench/data/server.graphql"))
local served = assert(engine.new({ schema_text = file:read("*a") }))
file:close()

local identity, n = { mode = "API_KEY" }, 0

local function run(query, variables)
  local text = served:execute({ query = query, variables = variables, identity = identity, headers = {} })
  assert(not text:find('"errors"', 1, true), text)
end

local function create()
  n = n + 1
  run(CREATE, { input = { id = "p" .. n, title = "title " .. n, author = "a", content = ("x"):rep(100), ups = n, rating = 1.5,
    published = true } })
end

for _ = 1, 1000 do create() end

local function get(i) run(GET, { id = "p" .. (i * 7 % 1000 + 1) }) end
local function list() run(LIST, { limit = 20 }) end

for _, job in ipairs({ { "get", get }, { "list of 20", list }, { "create", create } }) do
  for i = 1, 500 do job[2](i) end
  local began, count = os.clock(), 0
  repeat
    for i = 1, 50 do job[2](i) end
    count = count + 50
  until os.clock() - began > SECONDS
  print(("%-12s %7.1f us"):format(job[1], (os.clock() - began) / count * 1e6))
end
