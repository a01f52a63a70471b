local last_second, last_text

---Seconds since 1970 as "2026-01-02T03:04:05.678Z".
---@param seconds number
---@return string
local function timestamp(seconds)
  -- Rounded once: a float just under a millisecond must not lose it.
  local ms = math.floor(seconds * 1000 + 0.5)
  local whole = math.floor(ms / 1000)
  if whole ~= last_second then last_second, last_text = whole, os.date("!%Y-%m-%dT%H:%M:%S", whole) end
  return last_text .. (".%03dZ"):format(ms - whole * 1000)
end

return timestamp
