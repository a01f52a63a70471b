-- Starts the local server.
local process = require "spec.support.process"

local server = {}

--- bin/appsync looks for an interpreter and for the modules, by several programs: where the build's environment names them
--- it isn't asked (spec/e2e/command_spec.lua asks it).
local interpreter = os.getenv "APPSYNC_LUA"

server.API_KEY = "da2-test"
server.ACCESS_KEY_ID = "AKIDTEST"
server.SECRET_ACCESS_KEY = "secret/test+key"

---@param options {schema: string, resolvers: string?, port: string?, arguments: string[]?}
---@return {endpoint: string, realtime: string, stop: fun(), log: fun(): string}
function server.start(options)
  local schema = process.file(options.schema, ".graphql")
  local command = {
    "bin/appsync", "serve", schema, "--port", options.port or "0", "--api-key", server.API_KEY,
    "--iam", server.ACCESS_KEY_ID .. ":" .. server.SECRET_ACCESS_KEY,
  }
  if options.resolvers then
    local resolvers = process.file(options.resolvers, ".lua")
    command[#command + 1] = "--resolvers"
    command[#command + 1] = resolvers
  end
  for _, argument in ipairs(options.arguments or {}) do command[#command + 1] = argument end
  if interpreter then table.insert(command, 1, interpreter) end
  local first, handle = process.start(command)
  local endpoint, realtime = (first or ""):match("^READY (%S+) (%S+)")
  assert(endpoint, "the server did not start: " .. tostring(first) .. process.read(handle.log))
  return {
    endpoint = endpoint,
    realtime = realtime,
    ready = first,
    handle = handle,
    stop = function() process.stop(handle) end,
    log = function() return process.read(handle.log) end,
  }
end

return server
