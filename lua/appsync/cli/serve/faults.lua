--- Options of `appsync serve`: the faults that it plays.
local status = require("appsync.cli.status")

---@type appsync.cli.Group
local faults = {
  title = "Faults",
  options = {
    { name = "faults", value = "FILE", help = "not there yet" },
  },
}

---@param words table
---@return integer? status, string? message
function faults.read(words)
  if words.faults then
    return status.usage, "--faults comes with a later release; this one injects no faults"
  end
end

return faults
