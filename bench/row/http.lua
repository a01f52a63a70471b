-- lua5.4 bench/row/http.lua <port> <seq|32>: N calls of client:query, one after the other or by so many tasks.
local appsync = require("appsync")
local measure = require("bench.measure")

local port, mode = arg[1], arg[2]
local N = tonumber(os.getenv("N")) or 20000
local n_tasks = mode == "seq" and 1 or tonumber(mode)

local document = measure.data("w7.graphql")
local variables = { id = "11111111-2222-4333-8444-555555555555" }

local client = appsync.client{
  endpoint = "http://127.0.0.1:" .. port .. "/graphql",
  auth = { type = "API_KEY", api_key = "da2-fakeApiId123456" },
}

local n_right, n_begun = 0, 0

local function ask()
  while n_begun < N do
    n_begun = n_begun + 1
    local data, err = client:query(document, variables)
    if not data then error(err) end
    if data.getPost.ups == 7 and data.getPost.id == variables.id then n_right = n_right + 1 end
  end
  return true
end

local meter = measure.start()
appsync.run(function()
  local tasks = {}
  for i = 1, n_tasks do tasks[i] = appsync.spawn(ask) end
  for i = 1, n_tasks do assert(tasks[i]:await()) end
end)
measure.stop(meter)
measure.print{
  workload = "w7-http-" .. (n_tasks == 1 and "seq" or "c" .. n_tasks),
  peer = "LIB lua-appsync, client:query, " .. measure.lua_version(),
  n = N, unit = "req/s", meter = meter, ok = n_right == N,
}
client:close(1)
