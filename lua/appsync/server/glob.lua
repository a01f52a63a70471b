---Patterns of `*` (any run of characters) and `?` (one character), as policies and fault rules have them.
local glob = {}

local STAR, QUESTION = ("*?"):byte(1, 2)

---Whether a text fits a pattern. It never goes back further than the last star, so no pattern makes it slow.
---@param pattern string
---@param text string
---@return boolean
function glob.matches(pattern, text)
  local p, t = 1, 1
  local star, from
  while t <= #text do
    local byte = pattern:byte(p)
    if byte == STAR then
      star, from = p, t
      p = p + 1
    elseif byte and (byte == QUESTION or byte == text:byte(t)) then
      p, t = p + 1, t + 1
    elseif star then
      from = from + 1
      p, t = star + 1, from
    else
      return false
    end
  end
  while pattern:byte(p) == STAR do
    p = p + 1
  end
  return p > #pattern
end

return glob
