-- lua5.4 bench/server.lua <folder of the built programs> <repetitions>: the local server beside graphql-js, its time to
-- ready, its fan-out and its lists. See README.md. Environment: LUAS, the interpreters; BUILD, where they were built for.
local median = require "bench.median"
local bin, repetitions = arg[1], tonumber(arg[2])
local BUILD = os.getenv("BUILD") or "build"
local SECONDS = os.getenv("SECONDS") or "3"
local SCHEMA = "bench/data/server.graphql"
local N_MODELS = 50

local NAMES = { ["lua5.1"] = "Lua 5.1", ["lua5.3"] = "Lua 5.3", ["lua5.4"] = "Lua 5.4", luajit = "LuaJIT 2.1" }
local LUAS = {}
for name in (os.getenv("LUAS") or "luajit lua5.4"):gmatch("%S+") do LUAS[#LUAS + 1] = name end

local has_failed = false

local function complain(...)
  has_failed = true
  io.stderr:write(string.format(...), "\n")
end

local function capture(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  return text, (pipe:close())
end

local function write_file(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function environment(lua)
  local abi = lua == "luajit" and "lua5.1" or lua
  return ("APPSYNC_LUA=%s LUA_PATH='./lua/?.lua;./lua/?/init.lua;;' LUA_CPATH='%s/%s/?.so;;' "):format(lua, BUILD, abi)
end

local function serve_command(lua, schema)
  return ("env %sbin/appsync serve %s --api-key da2-bench"):format(environment(lua), schema)
end

-- graphql-js and ws at the versions of the lock file.
local function install_peer()
  local modules, ok = capture(("BUILD='%s' .ci/npm bench/peer"):format(BUILD))
  if not ok then return nil end
  modules = modules:gsub("%s+$", "")
  write_file(bin .. "/peer.graphql", "scalar AWSDateTime\n" .. capture(serve_command("lua5.4", SCHEMA) .. " --print-schema"))
  local version = capture(("node -p \"require('%s/graphql/package.json').version + ', Node ' + process.versions.node\"")
    :format(modules))
  return { name = "graphql-js " .. version:gsub("%s+$", ""),
    command = ("env NODE_PATH='%s' node bench/peer/graphql_js.js '%s/peer.graphql'"):format(modules, bin) }
end

-- Runs a load on a server of its own.
local function load_on(server, arguments)
  local pipe = assert(io.popen("echo $$; exec " .. server.command))
  local pid, line = pipe:read("*l"), pipe:read("*l")
  local port = (line or ""):match("^READY http://[^:]+:(%d+)/") or (line or ""):match("^%d+$")
  local text, ok = "", false
  if port then
    text, ok = capture(("timeout 170 %s/row/server_load %s %s '%s' %s"):format(bin, port, pid, server.name, arguments))
  end
  os.execute("kill " .. pid)
  pipe:close()
  if not ok then complain("failed: %s: %s", server.name, arguments) end
  return text
end

local function read_row(text)
  local row = {}
  for key, value in text:gmatch('"([%w_]+)":([%d.e+-]+)') do row[key] = tonumber(value) end
  row.workload = text:match('"workload":"([^"]*)"')
  return row.n and row
end

local function column(rows, value)
  local list = {}
  for _, row in pairs(rows) do list[#list + 1] = value(row) end
  return list
end

-- All servers in turn, so often; rows by server's name and repetition.
local function collect(servers, run, n)
  local found = {}
  for i = 1, n do
    for _, server in ipairs(servers) do
      local row = read_row(run(server))
      found[server.name] = found[server.name] or {}
      found[server.name][i] = row
    end
  end
  return found
end

local function rate(row) return row.n / row.wall_s end

local function requests_by_cpu(row) return row.n / row.cpu_s end

-- Of a figure to the first server's in the same repetition.
local function ratio(found, name, base, figure)
  local list = {}
  for i, row in pairs(found[name]) do
    if found[base] and found[base][i] then list[#list + 1] = figure(row) / figure(found[base][i]) end
  end
  return #list > 0 and ("%.1f"):format(median(list)) or "-"
end

local function print_rates(title, servers, base, found)
  print(("\n#### %s\n"):format(title))
  print(("| server | req/s | min - max | x %s | CPU us/req | x by CPU time | p50 ms | p99 ms |"):format(base:match("^[^,]+")))
  print("|---|---|---|---|---|---|---|---|")
  for _, server in ipairs(servers) do
    local rows = found[server.name]
    if rows and next(rows) then
      local rates = column(rows, rate)
      print(("| %s | %.0f | %.0f - %.0f | %s | %.1f | %s | %.2f | %.2f |"):format(server.name, median(rates), rates[1],
        rates[#rates], ratio(found, server.name, base, rate), median(column(rows, function(row) return row.cpu_s / row.n * 1e6 end)),
        ratio(found, server.name, base, requests_by_cpu),
        median(column(rows, function(row) return row.p50_ms end)), median(column(rows, function(row) return row.p99_ms end))))
    end
  end
end

local function print_times(title, servers, found, value)
  print(("\n#### %s\n"):format(title))
  print("| server | ms | min - max |")
  print("|---|---|---|")
  for _, server in ipairs(servers) do
    local rows = found[server.name]
    if rows and next(rows) then
      local times = column(rows, value)
      print(("| %s | %.1f | %.1f - %.1f |"):format(server.name, median(times), times[1], times[#times]))
    end
  end
end

local function ours(schema)
  local servers = {}
  for i, lua in ipairs(LUAS) do
    servers[i] = { name = "appsync serve, " .. (NAMES[lua] or lua), command = serve_command(lua, schema), lua = lua }
  end
  return servers
end

local function with_peer(peer)
  local servers = ours(SCHEMA)
  if peer then table.insert(servers, 1, peer) end
  return servers
end

local function mix(peer)
  local servers = with_peer(peer)
  local floor = { name = "FLOOR listener alone", command = ("env %s%s bench/server/fixed_listener.lua"):format(environment(LUAS[1]),
    LUAS[1]), mode = "floor " }
  table.insert(servers, floor)
  local found = collect(servers, function(server) return load_on(server, (server.mode or "mix ") .. SECONDS) end, repetitions)
  print_rates("server: 70 % get, 20 % list of 20, 10 % create, one subscriber; 1,000 records, 16 connections", servers,
    servers[1].name, found)
end

local function lists()
  local servers = {}
  for _, server in ipairs(ours(SCHEMA)) do
    if server.lua == "luajit" or server.lua == "lua5.4" then
      for _, n in ipairs({ 1000, 100000 }) do
        servers[#servers + 1] = { name = ("%d records, %s"):format(n, NAMES[server.lua]), command = server.command, n = n }
      end
    end
  end
  local found = collect(servers, function(server) return load_on(server, ("list %s %d"):format(SECONDS, server.n)) end,
    math.min(repetitions, 3))
  if servers[1] then print_rates("server: lists of 20", servers, servers[1].name, found) end
end

-- What versions cost: creates and pages with them and without.
local function versions()
  local servers = {}
  for _, server in ipairs(ours(SCHEMA)) do
    if server.lua == "luajit" or server.lua == "lua5.4" then
      for _, row in ipairs({ { "create" }, { "create", true }, { "list" }, { "sync", true }, { "delta", true } }) do
        local words = { create = "create", list = "list of 20", sync = "sync of 20, table", delta = "sync of 20, journal" }
        servers[#servers + 1] = {
          name = ("%s%s, %s"):format(row[2] and "versioned " or "", words[row[1]], NAMES[server.lua]), mode = row[1],
          command = server.command .. (row[2] and " --conflict automerge" or ""),
        }
      end
    end
  end
  local found = collect(servers, function(server) return load_on(server, ("%s %s"):format(server.mode, SECONDS)) end,
    math.min(repetitions, 3))
  if servers[1] then
    print_rates("server: versioned models beside others; 1,000 records, 16 connections", servers, servers[1].name, found)
  end
end

local function fan_out(peer)
  local servers = with_peer(peer)
  local found = collect(servers, function(server) return load_on(server, "fanout 1000") end, repetitions)
  print_times("server: one mutation to 1,000 subscribers, from the request to the last of them", servers, found,
    function(row) return row.p50_ms end)
end

local function ready()
  local many = {}
  for i = 1, N_MODELS do
    many[i] = ("type Post%d @model { id: ID! title: String! author: String content: String ups: Int rating: Float }\n"):format(i)
  end
  write_file(bin .. "/many.graphql", table.concat(many))
  for _, case in ipairs({ { SCHEMA, "1 model" }, { bin .. "/many.graphql", N_MODELS .. " models" } }) do
    local servers = ours(case[1])
    local found = collect(servers, function(server)
      return (capture(("%s/row/server_ready ready '%s' %s"):format(bin, server.name, server.command)))
    end, math.max(repetitions, 5))
    print_times("server: from its start to its READY line, " .. case[2], servers, found, function(row) return row.wall_s * 1e3 end)
  end
end

local peer = install_peer()
if not peer then complain("graphql-js is missing (npm, node): the rows stand without a peer") end
mix(peer)
lists()
versions()
fan_out(peer)
ready()
os.exit(not has_failed)
