---The command `appsync`.
local args = require "appsync.cli.args"
local printable = require "appsync.printable"

local cli = {}

local HELP = [[
appsync: tools for the AWS AppSync client.

Usage: appsync COMMAND [arguments]

  serve SCHEMA    the local AppSync-compatible server (also: mock)
  inspect STORE   what is in a client's store
  simulate FILE   schedules of faults against an application's mutations

appsync COMMAND --help shows its options. Exit status: 0 success, 1 failure, 2 wrong arguments.
]]

local COMMANDS = { serve = "appsync.cli.serve", mock = "appsync.cli.serve", inspect = "appsync.cli.inspect",
  simulate = "appsync.cli.simulate" }

local function write(text)
  io.stdout:write(text)
  io.stdout:flush()
end

local function fail(text)
  io.stderr:write(text)
end

---Runs one command line.
---@param words string[] without the program's name
---@param out {write: fun(text: string), fail: fun(text: string)}?
---@return integer status
function cli.run(words, out)
  out = out or { write = write, fail = fail }
  local name = words[1]
  if name == nil then
    out.fail(HELP)
    return 2
  elseif name == "--help" or name == "-h" or name == "help" then
    out.write(HELP)
    return 0
  end
  local module = COMMANDS[name]
  if not module then
    local meant = args.suggest(name, { "serve", "mock", "inspect", "simulate" })
    local hint = meant and (" Did you mean %s?"):format(meant) or ""
    out.fail(("appsync: there is no command \"%s\".%s Commands: serve (or mock), inspect, simulate.\n"):format(
      printable.escaped(name), hint))
    return 2
  end
  local rest = {}
  for i = 2, #words do
    rest[#rest + 1] = words[i]
  end
  return require(module).run(rest, out)
end

return cli
