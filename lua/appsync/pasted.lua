---What a user has copied from a web page, a terminal or a file: white space comes along at its ends.
local pasted = {}

-- Besides white space what isn't seen: a no-break space, a zero-width space, a byte order mark.
local UNSEEN = { "\194\160", "\226\128\139", "\239\187\191" }

local function strip(text, before, behind)
  text = text:gsub(before, ""):gsub(behind, "")
  return text
end

---@param text string
---@return string text without what stands around it
function pasted.trim(text)
  local trimmed = strip(text, "^%s+", "%s+$")
  for _, unseen in ipairs(UNSEEN) do trimmed = strip(trimmed, "^" .. unseen, unseen .. "$") end
  return #trimmed < #text and pasted.trim(trimmed) or trimmed
end

return pasted
