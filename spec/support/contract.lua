-- A local server of notes that logs all it is told, and clients of it that are closed after each test.
local appsync = require "appsync"
local server = require "spec.support.server"
local services = require "spec.support.services"

local contract = { clients = {} }

--- Before all tests.
function contract.open()
  contract.service = server.start{ schema = services.notes.schema, resolvers = services.notes.resolvers, arguments = { "--trace" } }
end

--- After each test.
function contract.close_clients()
  local clients = contract.clients
  contract.clients = {}
  for _, client in ipairs(clients) do client:close(5) end
  appsync.configure(nil)
end

--- Has the client closed after the test.
function contract.keep(client)
  table.insert(contract.clients, client)
  return client
end

function contract.connect(options)
  options = options or {}
  options.endpoint = options.endpoint or (not options.config and contract.service.endpoint) or nil
  options.auth = options.auth or { type = "API_KEY", api_key = server.API_KEY }
  return contract.keep(assert(appsync.client(options)))
end

return contract
