---`appsync inspect`: the lines about mutations that wait, that failed, and how others ended.
local printable = require "appsync.printable"

local inspect_outbox = {}

local MAX_SHOWN = 20

local function count(n, one, many)
  return ("%d %s"):format(n, n == 1 and one or many)
end

local function text_of(value, without)
  return type(value) == "string" and printable.escaped(value) or without
end

local function time_of(ms)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(ms / 1000))
end

local function add_list(lines, list, total, line_of)
  for i = 1, math.min(#list, MAX_SHOWN) do
    lines[#lines + 1] = "    " .. line_of(list[i])
  end
  if total > MAX_SHOWN then
    lines[#lines + 1] = ("    and %d more"):format(total - MAX_SHOWN)
  end
end

local function damaged(n)
  return n > 0 and (", %d damaged"):format(n) or ""
end

local function changes_of(layer)
  return layer and ", optimistic with " .. count(layer.changes, "change", "changes") or ""
end

local function line_of_entry(entry)
  return ("%-22s %-28s %s since %s, %s%s"):format(entry.id, text_of(entry.mutation), entry.state, time_of(entry.created),
    count(entry.attempts, "attempt", "attempts"), changes_of(entry.layer))
end

local function add_outbox(lines, outbox)
  lines[#lines + 1] = ("outbox: %s%s"):format(count(outbox.size, "mutation", "mutations"), damaged(outbox.damaged))
  for _, lane in ipairs(outbox.lanes) do
    lines[#lines + 1] = ('  key_prefix "%s", identity "%s", %s: %d queued, %d sending'):format(text_of(lane.key_prefix, "(lost)"),
      text_of(lane.identity, "(lost)"), lane.mode, lane.queued, lane.sending)
  end
  add_list(lines, outbox.entries, outbox.size, line_of_entry)
end

local function reason_of(letter)
  local cause = letter.cause
  local message = type(cause) == "table" and type(cause.message) == "string" and ": " .. printable.escaped(cause.message) or ""
  local blocked = type(letter.blocked_by) == "string" and (" (blocked by %s)"):format(letter.blocked_by) or ""
  return text_of(letter.outcome) .. blocked .. message
end

local function add_dead_letters(lines, letters)
  lines[#lines + 1] = ("dead letters: %d%s"):format(letters.size, damaged(letters.damaged))
  add_list(lines, letters.entries, letters.size, function(letter)
    return ("%-22s %-28s %s"):format(letter.id, text_of(letter.mutation), reason_of(letter))
  end)
end

local function line_of_pair(pair)
  if type(pair.made) == "string" then return ("%s is %s"):format(text_of(pair.temporary), text_of(pair.made)) end
  return ("%s, to be made by %s"):format(text_of(pair.temporary), text_of(pair.maker, "(unknown)"))
end

---Appends them; what is empty is left out.
---@param lines string[]
---@param store table
function inspect_outbox.add(lines, store)
  local outbox, letters, outcomes, ids = store.outbox, store.dead_letters, store.outcomes, store.id_map
  if outbox.size + outbox.damaged > 0 then add_outbox(lines, outbox) end
  if letters.size + letters.damaged > 0 then add_dead_letters(lines, letters) end
  if outcomes.count > 0 then
    lines[#lines + 1] = ("outcomes of mutations: %d, %d of them not delivered to the application"):format(outcomes.count, outcomes.untold)
  end
  local answered = store.answered_layers
  if answered[1] then
    lines[#lines + 1] = ("optimistic layers whose mutations are answered, and wait for update: %d"):format(#answered)
    add_list(lines, answered, #answered, function(layer)
      return ("%-22s %s"):format(layer.id, count(layer.changes, "change", "changes"))
    end)
  end
  if ids.count > 0 then
    lines[#lines + 1] = ("temporary ids: %d%s"):format(ids.count, damaged(ids.damaged))
    add_list(lines, ids.pairs, ids.count, line_of_pair)
  end
end

return inspect_outbox
