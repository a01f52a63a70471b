local function is_inside(byte)
  return byte ~= nil and byte >= 0x80 and byte < 0xC0
end

---The beginning of a text that may be long, with "…" behind it: whole characters, of at most so many bytes.
---@param text string
---@param max_bytes integer
---@return string
local function cut(text, max_bytes)
  if #text <= max_bytes then return text end
  local at = max_bytes
  while at > 0 and is_inside(text:byte(at + 1)) do
    at = at - 1
  end
  return text:sub(1, at) .. "…"
end

return cut
