---The Lua modules that a program of the user's requires: known by their files, so that a change of one can be seen, and
---forgotten, so that it can be loaded anew.
local file = require "appsync.server.develop.file"
local native = require "appsync.server.native"

---@class appsync.server.Modules
---@field private folder string of the program
---@field private before table<string, true> names that were loaded before it
---@field private paths table<string, string|false> by name
local Modules = {}
Modules.__index = Modules

local modules = {}

local function is_file(path)
  local stamp, kind = native.file_stamp(path)
  return stamp ~= nil and kind == "file"
end

-- `package.searchpath`, which PUC 5.1 lacks.
local function search(name)
  local base = name:gsub("%.", "/")
  for template in package.path:gmatch("[^;]+") do
    local path = template:gsub("%?", (base:gsub("%%", "%%%%")))
    if is_file(path) then return path end
  end
  return false
end

-- What is installed elsewhere is nobody's work in progress.
local function is_near(self, path)
  return path:sub(1, 2) == "./" or path:sub(1, #self.folder + 1) == self.folder .. "/"
end

-- What LuaJIT would compile can't be interrupted: modules beside the program are loaded as its own file is.
local function search_near(folder)
  return function(name)
    local path = search(name)
    if not path or not is_near({ folder = folder }, path) then return nil end
    local chunk, message = file.chunk(path)
    return chunk or error(message, 0), path
  end
end

---Looks after a program's modules. Those beside it are found by `require` from now on.
---@param path string the program's file
---@return appsync.server.Modules
function modules.of(path)
  local folder = path:match("^(.*)/[^/]*$") or "."
  local before = {}
  for name in pairs(package.loaded) do before[name] = true end
  local templates = folder .. "/?.lua;" .. folder .. "/?/init.lua;"
  if package.path:sub(1, #templates) ~= templates then
    package.path = templates .. package.path
    if rawget(_G, "jit") then table.insert(package.loaders or package.searchers, 2, search_near(folder)) end -- luacheck: compat
  end
  return setmetatable({ folder = folder, before = before, paths = {} }, Modules)
end

---The modules that the program has required until now, by name.
---@return table<string, string> paths
function Modules:owned()
  local owned = {}
  for name in pairs(package.loaded) do
    if type(name) == "string" and not self.before[name] and (name .. "."):sub(1, 8) ~= "appsync." then
      if self.paths[name] == nil then
        local path = search(name)
        self.paths[name] = path and is_near(self, path) and path
      end
      owned[name] = self.paths[name] or nil
    end
  end
  return owned
end

---Forgets them, runs `fn`, which may load them anew, and takes them back when it gives nothing.
---@generic T
---@param fn fun(): T?, any
---@return T? value, any err
function Modules:anew(fn)
  local kept = {}
  for name in pairs(self:owned()) do
    kept[name], package.loaded[name] = package.loaded[name], nil
  end
  local value, err = fn()
  if value == nil then
    for name in pairs(self:owned()) do package.loaded[name] = nil end
    for name, loaded in pairs(kept) do package.loaded[name] = loaded end
  end
  return value, err
end

return modules
