-- Writes the rockspecs from the tree: `lua5.4 .ci/rockspec.lua`; with --check it only compares (make lint).
local VERSION = "scm-1"

local function list(command)
  local files, pipe = {}, assert(io.popen(command .. " | LC_ALL=C sort"))
  for path in pipe:lines() do files[#files + 1] = path end
  pipe:close()
  return files
end

local function sources(folders)
  local globs = {}
  -- A folder, or some files of one: "store/db*".
  for folder in folders:gmatch("%S+") do globs[#globs + 1] = "csrc/" .. folder .. (folder:find("/") and ".c" or "/*.c") end
  return list("ls " .. table.concat(globs, " ") .. " 2>/dev/null")
end

local function module_name(path)
  return (path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
end

local function is_server(path) return path:match("^lua/appsync/server/") or path:match("^lua/appsync/cli/") end

local function c_module(out, name, files, libraries)
  out[#out + 1] = ('    ["%s"] = {\n      sources = {\n'):format(name)
  for _, path in ipairs(files) do out[#out + 1] = ('        "%s",\n'):format(path) end
  out[#out + 1] = '      },\n      incdirs = { "csrc" },\n      defines = { "_GNU_SOURCE" },\n'
  out[#out + 1] = ("      libraries = { %s },\n    },\n"):format(libraries)
end

local function rockspec(rock)
  local out = {}
  local function add(...) out[#out + 1] = string.format(...) end
  add('rockspec_format = "3.0"\npackage = "%s"\nversion = "%s"\n', rock.name, VERSION)
  add('source = { url = "git+https://github.com/lua-appsync/lua-appsync.git" }\n')
  add('description = {\n  summary = "%s",\n  license = "MIT",\n', rock.summary)
  add('  homepage = "https://github.com/lua-appsync/lua-appsync",\n}\n')
  add("dependencies = { %s }\n", rock.dependencies)
  -- Libraries are named, never headers: LuaRocks does not look into Debian's multiarch folder for those.
  add("external_dependencies = {\n")
  for _, dependency in ipairs(rock.external) do add('  %s = { library = "%s" },\n', dependency[1], dependency[2]) end
  add("}\nbuild = {\n  type = \"builtin\",\n  modules = {\n")
  c_module(out, rock.c_module, sources(rock.layers), rock.libraries)
  for _, path in ipairs(list("find lua/appsync -name '*.lua' -not -path '*/_meta/*'")) do
    if (is_server(path) ~= nil) == rock.is_server then add('    ["%s"] = "%s",\n', module_name(path), path) end
  end
  add("  },\n")
  if rock.is_server then add('  install = { bin = { appsync = "bin/appsync" } },\n') end
  add("}\n")
  return table.concat(out)
end

local rocks = {
  {
    name = "appsync", is_server = false, c_module = "appsync.core",
    summary = "AWS AppSync and GraphQL client: queries, mutations, realtime subscriptions, signing",
    dependencies = '"lua >= 5.1, < 5.5"',
    external = { { "CURL", "curl" }, { "LIBWEBSOCKETS", "websockets" }, { "CRYPTO", "crypto" },
      { "SQLITE", "sqlite3" } },
    layers = "base codec rt gql auth proto cache sync store net client binding",
    libraries = '"curl", "websockets", "sqlite3", "ssl", "crypto", "dl", "m", "pthread"',
  },
  {
    name = "appsync-server", is_server = true, c_module = "appsync.server.native",
    summary = "A local AppSync-compatible GraphQL server for development and tests",
    dependencies = '"lua >= 5.1, < 5.5", "appsync"',
    external = { { "LIBEVENT", "event_core" }, { "WSLAY", "wslay" }, { "CRYPTO", "crypto" }, { "SQLITE", "sqlite3" } },
    layers = "base codec gql store/db* server",
    libraries = '"event_core", "event_extra", "event_openssl", "wslay", "ssl", "crypto", "sqlite3", "m"',
  },
}

local status = 0
for _, rock in ipairs(rocks) do
  local path = ("rockspec/%s-%s.rockspec"):format(rock.name, VERSION)
  local text = rockspec(rock)
  if arg[1] == "--check" then
    local file = io.open(path)
    if not file or file:read("*a") ~= text then
      print(path .. ": differs from the tree; run `make rockspec`")
      status = 1
    end
    if file then file:close() end
  else
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
  end
end
os.exit(status)
