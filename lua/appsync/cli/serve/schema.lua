--- Options of `appsync serve`: what it serves.
local file = require("appsync.cli.file")
local status = require("appsync.cli.status")

---@type appsync.cli.Group
local schema = {
  title = "Schema and resolvers",
  options = {
    { name = "resolvers", value = "FILE.lua", help = "resolvers of custom fields, and an authorizer" },
    { name = "print-schema", help = "print the complete schema and end" },
  },
}

---@param words table
---@param options appsync.server.Options
---@return integer? status, string? message
function schema.read(words, options)
  options.schema_name = words[1]
  if words.resolvers then
    local by_type, authorizer = require("appsync.server.resolvers").load(words.resolvers)
    if not by_type then
      return status.failure, authorizer
    end
    options.resolvers, options.authorizer = by_type, authorizer
  end
  local message
  options.schema_text, message = file.read(words[1])
  if not options.schema_text then
    return status.failure, message
  end
end

return schema
