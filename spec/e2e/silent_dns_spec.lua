-- A DNS server that never answers: whoever asked it gets a time-out, everybody else goes on, and the process ends.
local process = require "spec.support.process"
local program = require "spec.support.program"
local server = require "spec.support.server"
local shim = require "spec.support.shim"

-- arg: none. ENDPOINT is a server that answers.
local PROGRAM = [[
local appsync = require "appsync"
local KEY = { type = "API_KEY", api_key = "da2-test" }
local healthy = appsync.client{ endpoint = os.getenv "ENDPOINT", auth = KEY }
local function silent(name, options)
  options = options or {}
  options.endpoint = options.endpoint or ("http://%s.silent.example/graphql"):format(name)
  options.auth, options.timeouts = KEY, { connect = 0.3, request = 0.3, ack = 0.3 }
  options.retry, options.log = { base = 0.01, cap = 0.01 }, function() end
  return appsync.client(options)
end
local function ask(client)
  local data, err = client:query "{ listTodos { items { id } } }"
  return data and "ok" or err.kind
end
local called = silent "called"
local through = silent(nil, { endpoint = "http://127.0.0.1:9/graphql", proxy = "http://proxy.silent.example:3128" })
local subscribed = silent "subscribed"
appsync.run(function()
  local states = subscribed.connection:observe():subscribe()
  local s = subscribed:subscribe("subscription { onCreateTodo { id } }"):subscribe()
  local tasks = {}
  for _, client in ipairs{ called, through, healthy, called, healthy } do
    tasks[#tasks + 1] = appsync.spawn(function() return ask(client) end)
  end
  for _, task in ipairs(tasks) do io.write(task:await(15), " ") end
  local state, err
  repeat state, err = states:next(15) until err or not state
  io.write("realtime ", err.kind, " ")
  s:unsubscribe()
  io.write(tostring(called:close(5)), " ", ask(healthy), "\n")
end)
os.exit(3)
]]

describe("with a DNS server that never answers", function()
  after_each(process.stop_all)

  it("calls and subscriptions end in time, healthy ones work, and the process ends", function()
    if os.getenv("ALLOWED_KIB") then return pending("not beside a sanitizer") end
    local service = server.start{ schema = "type Todo @model { id: ID! name: String }" }
    local output, status = program(PROGRAM, ("env LD_PRELOAD=%s ENDPOINT=%s"):format(shim "silent_dns", service.endpoint))
    assert.equal("timeout timeout ok timeout ok realtime timeout true ok\n", output)
    assert.equal(3, status)
  end)
end)
