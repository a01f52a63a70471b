---Files of a LÖVE game: it writes to its save folder only, and what it has brought may be inside of a .love.
local love_files = {}

local function filesystem()
  local love = rawget(_G, "love")
  local found = type(love) == "table" and love.filesystem
  return type(found) == "table" and found.getSaveDirectory and found or nil
end

local function is_relative(path)
  return not path:find "^[/\\]" and not path:find "^%a:"
end

-- A game's own file or folder in LÖVE's form; nil: it isn't one.
local function inner(path, kind)
  local fs = filesystem()
  if not fs or not is_relative(path) then return nil end
  path = path:gsub("^%./+", "")
  return fs.getInfo(path, kind or "file") and path
end

---Where a game writes a file.
---@param path string
---@return string path a relative one, in LÖVE: in the save folder, which is made, like the folders on the way to the file
function love_files.saved(path)
  local fs = filesystem()
  if not fs or not is_relative(path) then return path end
  path = path:gsub("^%./+", "")
  fs.createDirectory(path:match "^(.+)/" or "") -- where that fails, the file can't be opened, and that says why
  return fs.getSaveDirectory() .. "/" .. path
end

---Where a game's file can be opened.
---@param path string
---@return string? path as it is, unless LÖVE has such a file
---@return string? message why it can't be opened
function love_files.opened(path)
  local name = inner(path)
  if not name then return path end
  local fs = filesystem()
  local folder = fs.getRealDirectory(name)
  if folder ~= fs.getSaveDirectory() and love_files.is_packed() then
    return nil, ("%s is inside of %s, where it can't be opened; first write it to the save folder: "
      .. "love.filesystem.write(name, (love.filesystem.read(name)))"):format(name, folder)
  end
  return folder .. "/" .. name
end

---Reads a file that a game has brought or saved.
---@param path string
---@param max_bytes integer
---@return string? text nil without a message: LÖVE has no such file
---@return string? message
function love_files.read(path, max_bytes)
  local name = inner(path)
  if not name and inner(path, "directory") then return nil, path .. ": Is a directory" end
  if not name then return nil end
  local fs = filesystem()
  local info = fs.getInfo(name)
  if info and (info.size or 0) > max_bytes then
    return nil, ("%s: it is larger than %d MB"):format(name, max_bytes / 1024 / 1024)
  end
  local text, message = fs.read(name)
  if not text then return nil, name .. ": " .. tostring(message) end
  return text
end

---@param path string of a file that isn't there
---@return string text for the message: where a game's file would have been found
function love_files.of_missing(path)
  local fs = filesystem()
  if not fs or not is_relative(path) then return "" end
  return (", neither among the game's files nor in its save folder, %s"):format(fs.getSaveDirectory())
end

---@return boolean whether the game is a .love or a fused program
function love_files.is_packed()
  local fs = filesystem()
  return fs ~= nil and (fs.isFused() or fs.getSource():find "%.love$" ~= nil)
end

---Folders in which a game's files are. A relative path means one of these.
---@return string[]? folders nil: this isn't LÖVE
function love_files.folders()
  local fs = filesystem()
  if not fs then return nil end
  return { love_files.is_packed() and fs.getSourceBaseDirectory() or fs.getSource(), fs.getSaveDirectory() }
end

return love_files
