---`appsync inspect`: what is in a client's store.
local args = require "appsync.cli.args"
local core = require "appsync.core"
local inspect_outbox = require "appsync.cli.inspect_outbox"
local inspect_syncs = require "appsync.cli.inspect_syncs"
local printable = require "appsync.printable"
local status = require "appsync.cli.status"

local inspect = {}

local MAX_SHOWN = 20 -- of types and of root fields

---@type appsync.cli.Command
inspect.command = {
  name = "inspect",
  summary = "Shows what is in a client's store: partitions, records, references, layers, delta syncs, outbox, sizes. It only reads, "
    .. "even while a\nclient has the store open. With --retry or --discard it changes the outbox of a store that no process has open.",
  usage = "appsync inspect STORE [--json] [--retry ID | --discard ID]",
  positional = { { name = "STORE", help = "the path that the client was given as `store`", is_required = true } },
  groups = { {
    title = "Output",
    options = { { name = "json", help = "everything, as JSON on one line" } },
  }, {
    title = "Outbox",
    options = {
      { name = "retry", value = "ID", help = "queues a dead letter again, and after it those that depended on it" },
      { name = "discard", value = "ID", help = "drops a dead letter or a queued mutation: it is never sent again" },
    },
  } },
  notes = [[
Records that "could be collected" are those that no query's result reaches: client:gc()
removes them, unless they are retained or watched.
A mutation that is queued again has a new id, and shows no optimistic response:
that takes a client, whose client.outbox:retry(id) shows it.]],
}

local UNITS = { "bytes", "kB", "MB", "GB", "TB" }

---A size in three digits.
---@param n number
---@return string
function inspect.size(n)
  local unit = 1
  while n >= 999.5 and unit < #UNITS do
    n, unit = n / 1000, unit + 1
  end
  if unit == 1 then return n == 1 and "1 byte" or ("%d bytes"):format(n) end
  return (n < 9.995 and "%.2f %s" or n < 99.95 and "%.1f %s" or "%.0f %s"):format(n, UNITS[unit])
end

local function count(n, one, many)
  return ("%d %s"):format(n, n == 1 and one or (many or one .. "s"))
end

local function line_of_file(store, path)
  return ("%s: version %d, %s (%s free), log %s"):format(printable.escaped(path), store.version, inspect.size(store.bytes),
    inspect.size(store.free_bytes), inspect.size(store.log_bytes))
end

local function add_list(lines, list, total, add)
  for i = 1, math.min(#list, MAX_SHOWN) do
    lines[#lines + 1] = "    " .. add(list[i])
  end
  if total > MAX_SHOWN then
    lines[#lines + 1] = ("    and %d more"):format(total - MAX_SHOWN)
  end
end

local function add_records(lines, partition)
  local notes = {}
  for _, note in ipairs({
    { partition.evicted, "evicted by the application, or only in optimistic layers" },
    { partition.emptied, "emptied to make room or because of their age" },
    { partition.damaged, "damaged" },
    { partition.damaged_names, partition.damaged_names == 1 and "name of a field damaged" or "names of fields damaged" },
  }) do
    if note[1] > 0 then
      notes[#notes + 1] = ("%d %s"):format(note[1], note[2])
    end
  end
  local noted = #notes > 0 and (" (%s)"):format(table.concat(notes, ", ")) or ""
  lines[#lines + 1] = ("  %s%s"):format(count(partition.records, "record"), noted)
  add_list(lines, partition.types, #partition.types, function(of)
    return ("%-28s %9d %12s"):format(of.type == "" and "(no type)" or printable.escaped(of.type), of.records, inspect.size(of.bytes))
  end)
end

local function add_roots(lines, partition)
  lines[#lines + 1] = ("  %s of ROOT_QUERY"):format(count(partition.roots, "field"))
  add_list(lines, partition.root_fields, partition.roots, function(of)
    return ("%-50s %s, %s"):format(printable.escaped(of.field), count(of.references, "reference"), inspect.size(of.bytes))
  end)
end

local function add_partition(lines, partition)
  if partition.is_dropped then
    lines[#lines + 1] = ("partition that was cleared: %s still to be deleted"):format(count(partition.rows, "row"))
    return
  end
  lines[#lines + 1] = ('partition of key_prefix "%s", identity "%s": %s'):format(printable.escaped(partition.key_prefix),
    printable.escaped(partition.identity), inspect.size(partition.bytes))
  add_records(lines, partition)
  lines[#lines + 1] = ("  %s with arguments, %s, %s%s"):format(count(partition.fields, "field"),
    count(partition.long_lists, "long list"), count(partition.references, "reference"),
    partition.broken_references > 0 and (" (%d to nothing)"):format(partition.broken_references) or "")
  add_roots(lines, partition)
  lines[#lines + 1] = ("  %s with %s"):format(count(partition.layers, "optimistic layer"), count(partition.patches, "change"))
  inspect_syncs.add(lines, partition)
  lines[#lines + 1] = ("  could be collected: %s, %s"):format(count(partition.collectable.records, "record"),
    inspect.size(partition.collectable.bytes))
end

local function text_of_repair(result)
  if result.discarded then return ("discarded %s\n"):format(result.discarded) end
  local lines, is_hidden = {}, false
  for i, of in ipairs(result.retried) do
    lines[i] = ("queued %s again, as %s\n"):format(of.id, of.new_id)
    is_hidden = is_hidden or of.optimistic == "hidden"
  end
  if is_hidden then lines[#lines + 1] = "No optimistic response is shown until the answer comes: client.outbox:retry(id) shows it.\n" end
  return table.concat(lines)
end

local REASONS = { corrupt = "it is damaged, or isn't a store: ", locked = "it can't be read now: " }

local function describe(err)
  return (REASONS[err.code] or "") .. err.message
end

---The report for people.
---@param store table
---@param path string
---@return string
function inspect.text(store, path)
  local lines = { line_of_file(store, path) }
  if #store.partitions == 0 then
    lines[2] = "nothing was kept yet"
  end
  for _, partition in ipairs(store.partitions) do
    add_partition(lines, partition)
  end
  inspect_outbox.add(lines, store)
  return table.concat(lines, "\n") .. "\n"
end

---Runs the command.
---@param words string[]
---@param out {write: fun(text: string), fail: fun(text: string)}
---@return integer status
function inspect.run(words, out)
  local parsed, message = args.read(inspect.command, words)
  if not parsed then
    out.fail(("appsync inspect: %s\nTry appsync inspect --help.\n"):format(printable.escaped(message)))
    return status.usage
  elseif parsed.help then
    out.write(args.help(inspect.command))
    return status.success
  end
  if parsed.retry and parsed.discard then
    out.fail("appsync inspect: give --retry or --discard, not both\nTry appsync inspect --help.\n")
    return status.usage
  end
  if not core.inspect then
    out.fail "appsync inspect: the light build of appsync reads no store; the full build does (make build without LIGHT=1)\n"
    return status.usage
  end
  local path, what = parsed[1], parsed.retry and "retry" or parsed.discard and "discard"
  local json, err
  if what then json, err = core.repair(path, what, parsed[what]) else json, err = core.inspect(path) end
  if not json then
    local reason = what and err.message or describe(err)
    out.fail(("appsync inspect: %s: %s\n"):format(printable.escaped(path), printable.escaped(reason)))
    return status.failure
  end
  local shown = parsed.json and printable.escaped(json) .. "\n" or what and text_of_repair(core.decode(json))
  out.write(shown or inspect.text(core.decode(json), path))
  return status.success
end

return inspect
