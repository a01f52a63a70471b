---Options of `appsync serve`: subscriptions.

---@type appsync.cli.Group
local realtime_options = {
  title = "Subscriptions",
  options = {
    { name = "max-subscriptions", value = "N", help = "of one connection; default 200", kind = "integer", min = 1 },
    { name = "ka", value = "SECONDS", help = "between keep-alive messages; default 60", kind = "number", min = 0.01 },
    {
      name = "connection-timeout",
      value = "MS",
      help = "without a message, told to clients; default 300000",
      kind = "integer",
      min = 1,
      max = 86400000,
    },
    { name = "max-age", value = "SECONDS", help = "then a connection is closed; default a day", kind = "number", min = 0.01 },
  },
}

---@param words table
---@param options appsync.server.Options
---@return integer? status, string? message
function realtime_options.read(words, options)
  options.max_subscriptions, options.ka = words["max-subscriptions"], words.ka
  options.connection_timeout, options.max_age = words["connection-timeout"], words["max-age"]
end

return realtime_options
