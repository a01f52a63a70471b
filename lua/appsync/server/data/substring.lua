-- `string.find` compares at each place anew: a long text of one letter in a longer one takes the product of both.
local LONG = 1000

-- How far each beginning of `part` is its own end (Knuth, Morris, Pratt).
local function failures(part)
  local out, k = { [0] = -1, 0 }, 0
  for i = 2, #part do
    local byte = part:byte(i)
    while k > 0 and part:byte(k + 1) ~= byte do k = out[k] end
    if part:byte(k + 1) == byte then k = k + 1 end
    out[i] = k
  end
  return out
end

local function has_long(text, part)
  local out, k = failures(part), 0
  for i = 1, #text do
    local byte = text:byte(i)
    while k > 0 and part:byte(k + 1) ~= byte do k = out[k] end
    if part:byte(k + 1) == byte then k = k + 1 end
    if k == #part then return true end
  end
  return false
end

---Whether a text has another one in it, in time that grows with their lengths.
---@param text string
---@param part string
---@return boolean
local function has_part(text, part)
  if #part <= LONG or #part > #text then return text:find(part, 1, true) ~= nil end
  return has_long(text, part)
end

return has_part
