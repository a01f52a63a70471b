--- Options of `appsync serve`: what it keeps.
local status = require("appsync.cli.status")

---@type appsync.cli.Group
local data_options = {
  title = "Data",
  options = {
    { name = "store", value = "FILE", help = "keep the data in this file; default: in memory" },
    { name = "seed", value = "FILE.json", help = 'records to begin with: {"Todo": [{"id": "1", …}, …]}', is_list = true },
    {
      name = "conflict",
      value = "STRATEGY",
      help = "automerge, optimistic or lambda; not there yet",
      choices = { "automerge", "optimistic", "lambda" },
    },
  },
}

---@param words table
---@param options appsync.server.Options
---@return integer? status, string? message
function data_options.read(words, options)
  options.store, options.seed_paths = words.store, words.seed
  if words.conflict then
    return status.usage, "--conflict comes with a later release; this one has no versioned models"
  end
end

return data_options
