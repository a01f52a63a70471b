-- Includes and requires point down only: csrc/LAYERS and lua/LAYERS say who may use whom. Also: base names are unique in
-- csrc/ and in lua/, C calls no Lua.
local layers, problems = {}, {}

local function complain(...) problems[#problems + 1] = string.format(...) end

for line in io.lines("csrc/LAYERS") do
  if not line:match("^#") then
    local folder, inner, outer = line:match("^(%S+)%s*:([^:]*):(.*)$")
    local layer = { [folder] = true, outer = {} }
    for name in inner:gmatch("%S+") do layer[name] = true end
    local file
    for word in outer:gmatch("%S+") do
      file = word:match("^file=(.*)$")
      if file then layer.outer[#layer.outer].file = file
      else layer.outer[#layer.outer + 1] = { prefix = word } end
    end
    layers[folder] = layer
  end
end

local guarded = { "openssl/", "pthread.h", "sqlite3.h", "curl/", "libwebsockets.h", "lua.h", "lauxlib.h", "lualib.h", "event2/", "wslay/" }

local function may_use(layer, base, header)
  local is_guarded = false
  for _, prefix in ipairs(guarded) do is_guarded = is_guarded or header:sub(1, #prefix) == prefix end
  if not is_guarded then return true end
  for _, rule in ipairs(layer.outer) do
    if header:sub(1, #rule.prefix) == rule.prefix and (not rule.file or rule.file == base) then return true end
  end
  return false
end

local seen = {}
local list = assert(io.popen("ls csrc/*/*.c csrc/*/*.h"))
for path in list:lines() do
  local folder, base = path:match("^csrc/([^/]+)/(.*)$")
  local layer = layers[folder]
  if not layer then
    complain("%s: folder %s is not in csrc/LAYERS", path, folder)
  else
    if seen[base] then complain("%s: the base name is taken by %s", path, seen[base]) end
    seen[base] = path
    local number = 0
    for line in io.lines(path) do
      number = number + 1
      local inner = line:match('^%s*#%s*include%s+"([^"]+)"')
      local outer = line:match("^%s*#%s*include%s+<([^>]+)>")
      if inner then
        local target = inner:match("^([^/]+)/")
        if not target then complain("%s:%d: include \"%s\" needs its folder", path, number, inner)
        elseif not layer[target] and not layer[inner] then complain("%s:%d: %s may not include %s", path, number, folder, inner) end
      elseif outer and not may_use(layer, base, outer) then
        complain("%s:%d: %s may not include <%s>", path, number, folder, outer)
      end
      local call = line:match("%f[%w_](lua_p?call[k]?)%s*%(") or line:match("%f[%w_](lua_resume)%s*%(")
        or line:match("%f[%w_](luaL_ref)%s*%(")
      if call then complain("%s:%d: C never calls Lua: %s", path, number, call) end
    end
  end
end
list:close()

local units = {}
for line in io.lines("lua/LAYERS") do
  local unit, below = line:match("^([%w_.]+)%s*:(.*)$")
  if unit then
    local may = { [unit] = true }
    for name in below:gmatch("%S+") do
      if not units[name] then complain("lua/LAYERS: %s may not stand below %s", name, unit) end
      may[name] = true
    end
    units[unit] = may
  end
end

local function unit_of(module)
  while module and not units[module] do module = module:match("^(.*)%.[^.]*$") end
  return module
end

-- Base names that more than one file of lua/ may have, and why.
local shared_names = {
  ["init.lua"] = "a folder's module is found by the folder's name",
}

local owners = {}
local all = assert(io.popen("find lua -name '*.lua' | sort"))
for path in all:lines() do
  local base = path:match("[^/]*$")
  if owners[base] and not shared_names[base] then complain("%s: the base name is taken by %s", path, owners[base]) end
  owners[base] = path
end
all:close()

local modules = assert(io.popen("find lua/appsync -name '*.lua' -not -path '*/_meta/*' | sort"))
for path in modules:lines() do
  local module = path:match("^lua/appsync/(.*)%.lua$"):gsub("/", ".")
  local unit, number = unit_of(module), 0
  if not unit then complain("%s: is not in lua/LAYERS", path) end
  for line in io.lines(path) do
    number = number + 1
    for name in line:gsub("%-%-.*", ""):gmatch('require%s*%(?%s*"appsync%.?([%w_.]*)"') do
      local target = unit_of(name == "" and "init" or name)
      if unit and not units[unit][target] then complain("%s:%d: %s may not require %s", path, number, unit, name) end
    end
  end
end
modules:close()

for _, text in ipairs(problems) do print(text) end
os.exit(#problems == 0 and 0 or 1)
