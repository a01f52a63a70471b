-- Runs spec/support/crowd.py against a server that it starts.
local core = require "appsync.core"
local process = require "spec.support.process"
local server = require "spec.support.server"

local crowd = {}

crowd.SCHEMA = [[
type Query { q: Int }
type Tick { n: Int! pad: String }
type Mutation { tick(n: Int!, pad: String): Tick }
type Subscription { onTick: Tick @aws_subscribe(mutations: ["tick"]) }
]]

crowd.RESOLVERS = [[
return { Mutation = { tick = function(ctx) return { n = ctx.args.n, pad = ctx.args.pad or "" } end } }
]]

--- The result of crowd.py, and what the server logged.
---@param config table see crowd.py; port, key and pid are filled in, and whatever is left out is 0, `each` 1
---@return table result, string log
function crowd.run(config)
  local running = server.start { schema = crowd.SCHEMA, resolvers = crowd.RESOLVERS }
  local all = { port = tonumber(running.endpoint:match ":(%d+)/"), key = server.API_KEY, pid = running.handle.pid, each = 1,
    sockets = 0, paced = 0, burst = 0, pad = 0, slow = 0, slow_max = 0 }
  for name, value in pairs(config) do all[name] = value end
  local pipe = assert(io.popen("python3 spec/support/crowd.py " .. process.file(core.encode(all), ".json") .. " 2>&1"))
  local text = pipe:read "*a"
  pipe:close()
  local result = core.decode((text:match "({.*})%s*$"))
  assert(type(result) == "table", "the crowd failed: " .. text)
  local log = running.log()
  running.stop()
  return result, log
end

return crowd
