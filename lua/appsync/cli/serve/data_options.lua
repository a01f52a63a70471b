---Options of `appsync serve`: what it keeps.

---@type appsync.cli.Group
local data_options = {
  title = "Data",
  options = {
    { name = "store", value = "FILE", help = "keep the data in this file; default: in memory" },
    { name = "seed", value = "FILE.json", help = 'records to begin with: {"Todo": [{"id": "1", …}, …]}', is_list = true },
    {
      name = "conflict",
      value = "STRATEGY",
      help = "version all models; conflicts: automerge, optimistic, lambda; or none",
      choices = { "automerge", "optimistic", "lambda", "none" },
    },
    {
      name = "models",
      value = "FILE.json",
      help = 'the same by model: {"Todo": {"conflict": "optimistic"}, …}',
    },
    {
      name = "base-ttl",
      value = "SECONDS",
      help = "how long a deleted record is kept as a tombstone; default 2592000",
      kind = "integer",
      min = 0,
      max = 2147483647,
    },
    {
      name = "delta-ttl",
      value = "SECONDS",
      help = "how long sync queries find a change; default 1800",
      kind = "integer",
      min = 0,
      max = 2147483647,
    },
  },
}

---@param words table
---@param options appsync.server.Options
function data_options.read(words, options)
  options.store, options.seed_paths = words.store, words.seed
  options.conflict_words = {
    strategy = words.conflict,
    models_path = words.models,
    base_ttl_s = words["base-ttl"],
    delta_ttl_s = words["delta-ttl"],
  }
end

return data_options
