-- One process that ends in the middle of things. usage: child.lua ENDPOINT CA KIND SEED
local appsync = require "appsync"
local endpoint, ca, kind, seed = arg[1], arg[2], arg[3], tonumber(arg[4])
if kind == "busy_beside_another" then assert(require("ssl").newcontext{ mode = "client", protocol = "any" }) end
math.randomseed(seed)
for _ = 1, 3 do math.random() end

local client = appsync.client {
  endpoint = endpoint, auth = { type = "API_KEY", api_key = "da2-test" }, tls = { ca = ca }, store = false,
  log = function() end,
}

local function noise()
  for _ = 1, 4 do
    client:subscribe "subscription { onCreateTodo { id } }":subscribe { next = function() end, error = function() end }
  end
  for i = 1, 8 do
    client:mutate("mutation M($input: CreateTodoInput!) { createTodo(input: $input) { id name } }",
      { input = { name = "n" .. i } }, { on_result = function() end })
    client:query("{ listTodos { items { id } } }", nil, { on_result = function() end })
  end
  appsync.sleep(math.random() * 0.03)
end

if kind:find("^busy") then
  -- `ca` is a file that takes a while to load: both threads are in the middle of it.
  client:subscribe "subscription { onCreateTodo { id } }":subscribe { next = function() end, error = function() end }
  client:query("{ listTodos { items { id } } }", nil, { on_result = function() end })
  appsync.sleep(math.random() * 0.3)
  os.exit(7)
elseif kind == "exit" then
  noise()
  os.exit(7)
elseif kind == "exit_in_task" then
  appsync.run(function()
    noise()
    os.exit(7)
  end)
elseif kind == "exit_closing" then
  noise()
  if _VERSION == "Lua 5.1" and not jit then os.exit(7) end
  os.exit(7, true)
elseif kind == "error" then
  noise()
  error "on purpose"
elseif kind == "end" then
  noise()
elseif kind == "closed" then
  noise()
  client:close(math.random() < 0.5 and 0 or 2)
elseif kind == "unused" then
  client = nil
  collectgarbage()
end
