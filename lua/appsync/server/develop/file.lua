--- Files that the user names.
local file = {}

--- The whole content; the message names the file.
---@param path string
---@return string? text, string? message
function file.read(path)
  local handle, message = io.open(path, "rb")
  if not handle then
    return nil, message
  end
  local text
  text, message = handle:read("*a")
  handle:close()
  if not text then
    return nil, path .. ": " .. tostring(message)
  end
  return text
end

return file
