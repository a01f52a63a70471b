-- A folder of files for one test.
local process = require "spec.support.process"

local folder = {}

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Makes a folder; `files`: texts by path within it. `remove()` takes it away.
---@param files table<string, string>?
---@return {path: string, write: fun(name: string, text: string), remove: fun()}
function folder.make(files)
  local path = os.tmpname()
  os.remove(path)
  assert(os.execute("mkdir " .. quote(path)))
  local made = { path = path }

  function made.write(name, text)
    local inner = name:match("^(.*)/")
    if inner then os.execute("mkdir -p " .. quote(path .. "/" .. inner)) end
    process.write(path .. "/" .. name, text)
  end

  function made.remove() os.execute("rm -r " .. quote(path)) end

  for name, text in pairs(files or {}) do made.write(name, text) end
  return made
end

return folder
