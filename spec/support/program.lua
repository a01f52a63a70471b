-- Lua programs in a process of their own.
local process = require "spec.support.process"

local interpreter = os.getenv "APPSYNC_LUA" or arg[-1]

--- Runs a program: what it wrote, and its status. `words` stand before the interpreter: `env`, its options, variables.
---@param text string
---@param words string?
---@return string output, integer status
return function(text, words)
  local path = process.file(text, ".lua")
  local pipe = assert(io.popen(("%s timeout 20 %s %s 2>&1; echo status=$?"):format(words or "", interpreter, path)))
  local output, status = pipe:read("*a"):match "^(.*)status=(%d+)\n$"
  pipe:close()
  os.remove(path)
  return output, tonumber(status)
end
