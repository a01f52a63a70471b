---How long a document may be: the service accepts so many tokens (AppSync endpoints and quotas, "Query length"). What is
---longer is refused before it is parsed.
local query_length = {}

query_length.max_tokens = 15000
query_length.message = "Maximum char length exceeded"

local function end_of_string(text, at)
  if text:find('^"""', at) then
    local from = at + 3
    while true do
      local found = text:find('"""', from, true)
      if not found or text:sub(found - 1, found - 1) ~= "\\" then
        return found and found + 2 or #text
      end
      from = found + 1
    end
  end
  local from = at + 1
  while true do
    local found = text:find('["\\\n]', from)
    if not found or text:sub(found, found) ~= "\\" then return found or #text end
    from = found + 2
  end
end

local function end_of_token(text, at)
  if text:find('^"', at) then return end_of_string(text, at) end
  local _, last = text:find("^[%a_][%w_]*", at)
  if not last then
    _, last = text:find("^%-?%d[%d%.eE]*", at)
  end
  if not last then
    _, last = text:find("^%.%.%.", at)
  end
  return last or at
end

---Whether a document has more tokens than may be. What is no token of the grammar counts as one.
---@param text string
---@return boolean
function query_length.is_exceeded(text)
  local max = query_length.max_tokens
  if #text <= max then return false end
  local n, at = 0, 1
  while n <= max do
    at = text:find("[^%s,\239\187\191]", at)
    if not at then
      return false
    elseif text:find("^#", at) then
      at = text:find("[\r\n]", at) or #text + 1
    else
      at, n = end_of_token(text, at) + 1, n + 1
    end
  end
  return true
end

return query_length
