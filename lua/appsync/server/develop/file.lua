---Files that the user names. What may wait or never end, as a pipe or a device, isn't read.
local core = require "appsync.core"
local time_limit = require "appsync.server.time_limit"

local file = {}

local MB = 1048576

---How large a file may be, by what it is: above, its name is a mistake.
file.max_bytes = { text = 64 * MB, seed = 256 * MB, settings = 16 * MB, key = MB }

---The whole content; the message names the file.
---@param path string
---@param kind? "text"|"seed"|"settings"|"key" default "text"
---@return string? text, string? message
function file.read(path, kind)
  if path:find("%z") then return nil, path .. ": a file's name has no zero byte" end
  local text, err = core.read_file(path, file.max_bytes[kind or "text"])
  return text, err and err.message
end

local compile = loadstring or load -- luacheck: compat

---A Lua file as a function, as `loadfile` gives it.
---@param path string
---@return function? chunk
---@return string? message
---@return boolean? has_text there is such a file, and the message is the compiler's
function file.chunk(path)
  local text, message = file.read(path)
  if not text then return nil, message, false end
  -- A byte order mark and a first line for a shell; its line break stays, for the lines' numbers.
  text = text:gsub("^\239\187\191", ""):gsub("^#[^\n]*", "")
  local chunk, why = compile(text, "@" .. path)
  return chunk and time_limit.interruptible(chunk), why, true
end

return file
