---Options of `appsync serve`: where it listens.
local printable = require "appsync.printable"
local status = require "appsync.cli.status"

---@type appsync.cli.Group
local network_options = {
  title = "Network",
  options = {
    { name = "host", value = "HOST", help = "address to listen on; default 127.0.0.1" },
    { name = "port", value = "PORT", help = "default 0: a free one", kind = "integer", min = 0, max = 65535 },
    { name = "allow-host", value = "NAME", help = "answer to this name in Host headers too", is_list = true },
    { name = "tls", value = "CERT,KEY", help = "PEM files: serve https and wss" },
  },
}

---@param words table
---@param options appsync.server.Options
---@return integer? status, string? message
function network_options.read(words, options)
  options.host, options.port, options.allow_hosts = words.host, words.port, words["allow-host"]
  -- As it stands in a URL.
  if options.host then options.host = options.host:match("^%[(.*)%]$") or options.host end
  if words.tls then
    local cert, key = words.tls:match("^([^,]+),([^,]+)$")
    if not cert then
      return status.usage, "--tls expects two files: CERT,KEY"
    end
    options.tls = { cert = cert, key = key }
  end
end

---Says loudly who can reach a server that listens for more than this machine.
---@param options appsync.server.Options
---@param server appsync.server.Server
---@param out {fail: fun(text: string)}
function network_options.warn(options, server, out)
  if options.host and not require("appsync.server.http.host").is_local_address(options.host) then
    local who = (options.host == "0.0.0.0" or options.host == "::") and "every address of this machine" or options.host
    out.fail(([[
appsync serve: WARNING: listening on %s, port %d. Everybody who can reach it there
over the network can read and change all data with the keys it accepts, and names in Host
headers are not checked. It is a development server: without --host it listens on
127.0.0.1 only.
]]):format(printable.escaped(who), server.listener:port()))
  end
end

return network_options
