--- Options of `appsync serve`: what it tells the people who develop with it.

---@type appsync.cli.Group
local develop = {
  title = "Development",
  options = {
    { name = "trace", help = "log every request and message to stderr" },
  },
}

---@param words table
---@param options appsync.server.Options
---@return integer? status, string? message
function develop.read(words, options)
  options.trace = words.trace
end

return develop
