---The core's shared library. Where `require` doesn't find it, it is looked for where a game can keep it: LÖVE opens none
---inside of a .love, looks for none beside a fused program, and doesn't say why one couldn't be loaded.
local love_files = require "appsync.love_files"

local NAME = "appsync.core"
local FILE = package.config:sub(1, 1) == "\\" and "appsync/core.dll" or "appsync/core.so"

local MISSING = [[
appsync: its library, %s, can't be loaded. %s
require says: %s]]

local INSTALL = "`make install` or LuaRocks puts it where this Lua looks; `make vendor LUA=... DIR=...` makes a copy of appsync "
  .. "with it, for a program that brings its own modules."

local IN_LOVE = [[
`make vendor LUA=luajit DIR=...` makes it. It belongs
- beside main.lua, as %s, when the game is a folder;
- into the save folder, as %s, or into the folder of the .love, when the game is a .love: it can't be loaded from inside of it;
- beside the program, as %s, when the game is fused.
Looked at, beside what require says:%s]]

-- LÖVE's own folders.
local function look(folders)
  local tried = {}
  for _, folder in ipairs(folders) do
    local path = folder .. "/" .. FILE
    local open, message = package.loadlib(path, "luaopen_appsync_core")
    if open then return open(NAME, path) end
    tried[#tried + 1] = "\n\t" .. (message:find(path, 1, true) and message or path .. ": " .. message)
  end
  return nil, table.concat(tried)
end

local function load()
  local ok, loaded = pcall(require, NAME)
  if ok then return loaded end
  local folders, advice = love_files.folders(), INSTALL
  if folders then
    local core, tried = look(folders)
    if core then
      package.loaded[NAME] = core
      return core
    end
    advice = IN_LOVE:format(FILE, FILE, FILE, tried)
  end
  error(MISSING:format(FILE, advice, (tostring(loaded):gsub("^\n+", ""))), 0)
end

return load()
