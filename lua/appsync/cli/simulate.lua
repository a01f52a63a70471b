---`appsync simulate`: plays schedules of faults against an application's mutations.
local args = require "appsync.cli.args"
local core = require "appsync.core"
local printable = require "appsync.printable"
local status = require "appsync.cli.status"

local simulate = {}

---@type appsync.cli.Command
simulate.command = {
  name = "simulate",
  summary = "Plays seeded schedules of lost answers, delays, throttles, clock jumps and kills against an application's\n"
    .. "mutations, updates and conflict resolver, and prints the first schedule that fails. Nothing is sent to a network.",
  usage = "appsync simulate FILE.lua [--seed N] [--schedules N] [--show] [--json]",
  positional = { {
    name = "FILE.lua", help = "returns the table for require \"appsync.simulate\"; see docs/simulate.md", is_required = true,
  } },
  groups = { {
    title = "Schedules",
    options = {
      { name = "seed", value = "N", help = "of the first schedule; default: a new one each time", kind = "integer", min = 1 },
      { name = "schedules", value = "N", help = "how many; default: what the file says, or 1000", kind = "integer", min = 1 },
      { name = "show", help = "play the schedule of --seed alone, and print what happens in it" },
    },
  }, {
    title = "Output",
    options = { { name = "json", help = "the report, as JSON on one line" } },
  } },
  notes = [[
The exit status is 1 when a schedule fails. Its seed replays it: --seed N --show.]],
}

-- The table that a file returns.
local function load_options(path)
  local chunk, message = loadfile(path)
  if not chunk then return nil, message end
  local ok, options = pcall(chunk)
  if not ok then return nil, ("%s: %s"):format(path, printable.text(options)) end
  if type(options) ~= "table" then return nil, path .. ": it must return a table of options" end
  return options
end

local function describe(counts)
  local names, words = {}, {}
  for name in pairs(counts) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do words[i] = ("%s %d"):format(name:gsub("_", " "), counts[name]) end
  return table.concat(words, ", ")
end

local function show(simulator, options, seed, out)
  local failure, lines = simulator.replay(seed, options)
  out.write(printable.escaped_lines(table.concat(lines, "\n")) .. "\n")
  out.write(failure and ("failed: %s\n"):format(printable.escaped(failure)) or "nothing fails\n")
  return failure and status.failure or status.success
end

local function report_of(simulator, options, parsed, out)
  local report = simulator.run(options)
  if parsed.json then
    out.write(printable.escaped(core.encode(report)) .. "\n")
  elseif report.failure then
    out.write(printable.escaped_lines(simulator.text(report.failure)))
  else
    out.write(("%d schedules from seed %d hold: %s\n"):format(report.schedules, report.seed, describe(report.counts)))
  end
  return report.failure and status.failure or status.success
end

local function play(options, parsed, out)
  local simulator = require "appsync.simulate"
  options.seed, options.schedules = parsed.seed or options.seed, parsed.schedules or options.schedules
  if parsed.show then return show(simulator, options, options.seed, out) end
  return report_of(simulator, options, parsed, out)
end

local function fail(out, message)
  out.fail(("appsync simulate: %s\n"):format(printable.escaped_lines(message)))
end

---Runs the command.
---@param words string[]
---@param out {write: fun(text: string), fail: fun(text: string)}
---@return integer status
function simulate.run(words, out)
  local parsed, message = args.read(simulate.command, words)
  if parsed and not parsed.help and parsed.show and not parsed.seed then
    parsed, message = nil, "--show needs --seed N: which schedule?"
  end
  if not parsed then
    fail(out, message .. "\nTry appsync simulate --help.")
    return status.usage
  elseif parsed.help then
    out.write(args.help(simulate.command))
    return status.success
  end
  local options, load_message = load_options(parsed[1])
  if not options then
    fail(out, load_message)
    return status.failure
  end
  local ok, result = pcall(play, options, parsed, out)
  if ok then return result end
  fail(out, printable.text(result))
  return status.failure
end

return simulate
