---What a user has copied from a web page, a terminal or a file: white space comes along at its ends.
local pasted = {}

-- Besides white space what isn't seen: a no-break space, a zero-width space, a byte order mark. Each begins with a byte of
-- its own, and so does it end.
local BY_FIRST, BY_LAST = {}, {}
for _, unseen in ipairs{ "\194\160", "\226\128\139", "\239\187\191" } do
  BY_FIRST[unseen:sub(1, 1)], BY_LAST[unseen:sub(-1)] = unseen, unseen
end

-- The length of what isn't seen at the place; 0: it is.
local function unseen_from(text, at)
  if text:find("^%s", at) then return 1 end
  local unseen = BY_FIRST[text:sub(at, at)]
  return unseen and text:sub(at, at + #unseen - 1) == unseen and #unseen or 0
end

local function unseen_up_to(text, at)
  if text:find("^%s", at) then return 1 end
  local unseen = BY_LAST[text:sub(at, at)]
  return unseen and text:sub(at - #unseen + 1, at) == unseen and #unseen or 0
end

---Looks at each byte once: a pattern with `%s+$` would look at long runs of spaces again and again.
---@param text string
---@return string text without what stands around it
function pasted.trim(text)
  local first, last = 1, #text
  local n
  repeat
    n = first <= last and unseen_from(text, first) or 0
    first = first + n
  until n == 0
  repeat
    n = last >= first and unseen_up_to(text, last) or 0
    last = last - n
  until n == 0
  return text:sub(first, last)
end

return pasted
