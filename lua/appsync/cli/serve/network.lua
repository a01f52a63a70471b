--- Options of `appsync serve`: where it listens.
local status = require("appsync.cli.status")

---@type appsync.cli.Group
local network = {
  title = "Network",
  options = {
    { name = "host", value = "HOST", help = "address to listen on; default 127.0.0.1" },
    { name = "port", value = "PORT", help = "default 0: a free one", kind = "integer", min = 0, max = 65535 },
    { name = "tls", value = "CERT,KEY", help = "PEM files: serve https and wss" },
  },
}

---@param words table
---@param options appsync.server.Options
---@return integer? status, string? message
function network.read(words, options)
  options.host, options.port = words.host, words.port
  if words.tls then
    local cert, key = words.tls:match("^([^,]+),([^,]+)$")
    if not cert then
      return status.usage, "--tls expects two files: CERT,KEY"
    end
    options.tls = { cert = cert, key = key }
  end
end

return network
