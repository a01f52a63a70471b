---`appsync inspect`: the lines about delta syncs.
local printable = require "appsync.printable"

local inspect_syncs = {}

local function count(n, one)
  return ("%d %s"):format(n, n == 1 and one or one .. "s")
end

local function time_of(ms)
  return type(ms) == "number" and os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(ms / 1000)) or "never"
end

local function line_of(sync)
  local name = printable.escaped(sync.name)
  if sync.is_damaged then return ("    %s: its checkpoint is damaged or missing: it begins anew"):format(name) end
  local notes = {}
  if sync.is_truncated then notes[#notes + 1] = "truncated" end
  if type(sync.pass) == "table" then
    local pass = sync.pass
    notes[#notes + 1] = ("%s query under way: %s, %s"):format(pass.query, count(pass.records, "record"), count(pass.pages, "page"))
  end
  if sync.tombstones > 0 then notes[#notes + 1] = count(sync.tombstones, "tombstone") end
  if sync.quarantined > 0 then notes[#notes + 1] = count(sync.quarantined, "record") .. " quarantined" end
  return ("    %s: last sync %s, base query %s with %s%s"):format(name, time_of(sync.last_sync), time_of(sync.base),
    count(sync.records, "record"), #notes > 0 and ", " .. table.concat(notes, ", ") or "")
end

---Appends them; where a partition has none, nothing.
---@param lines string[]
---@param partition table
function inspect_syncs.add(lines, partition)
  if not partition.syncs[1] then return end
  lines[#lines + 1] = "  " .. count(#partition.syncs, "delta sync")
  for _, sync in ipairs(partition.syncs) do
    lines[#lines + 1] = line_of(sync)
  end
end

return inspect_syncs
