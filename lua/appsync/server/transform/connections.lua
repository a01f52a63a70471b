--- @connection of the transformer's first version.
local connections = {}

function connections.read()
  return true
end

return connections
