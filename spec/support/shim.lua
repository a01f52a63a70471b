-- Shared objects to preload, each of a file of spec/support: make builds them before it runs tests,
-- and what is missing is built when it is asked for.
--
--   program(PROGRAM, "env LD_PRELOAD=" .. shim "silent_dns")
--   package.loadlib(shim "fork", "luaopen_fork") -- a module, built for each Lua

local MODULES = { fork = true }

---@return string folder where the modules under test were built, string abi
local function build_folder()
  for template in package.cpath:gmatch "[^;]+" do
    local folder, abi = template:match "^(.+)/(lua5%.%d)/%?%.so$"
    local file = folder and io.open(template:gsub("%?", "appsync/core"), "rb")
    if file then
      file:close()
      return folder, abi
    end
  end
  error("the modules aren't those of a build: eval \"$(make -s env LUA=…)\"", 0)
end

---@param name string of the file, without .c
---@return string path
return function(name)
  local folder, abi = build_folder()
  local path = ("%s/spec/%s%s.so"):format(folder, MODULES[name] and abi .. "/" or "", name)
  local file = io.open(path, "rb")
  if file then
    file:close()
    return path
  end
  local ok = os.execute(("make -s LUA=%s BUILD='%s' '%s'"):format(abi, folder, path))
  assert(ok == true or ok == 0, path .. " can't be built")
  return path
end
