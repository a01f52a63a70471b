---The regular expressions of an API's settings: which clients, which tokens. The service takes any; this takes alternatives
---of plain text with `.`, `.*` and `.+`, and refuses what is more.

---The patterns of `glob` for an expression such as "client1|client2" or "^web-.*$".
---@param expression string
---@return string[]? patterns, string? message
local function patterns(expression)
  local list = {}
  for part in (expression .. "|"):gmatch("([^|]*)|") do
    local pattern = part:gsub("^%^", ""):gsub("%$$", "")
    pattern = pattern:gsub("%.%*", "\1"):gsub("%.%+", "\2"):gsub("\\([%.%-_/:])", function(char)
      return char == "." and "\3" or char
    end)
    if pattern:find("[%*%+%?%[%]%(%){}\\%^%$]") then
      return nil, "is too much of a regular expression for this server: it takes plain text, '.', '.*', '.+' and '|'"
    end
    list[#list + 1] = (pattern:gsub("%.", "?"):gsub("\1", "*"):gsub("\2", "?*"):gsub("\3", "."))
  end
  return list
end

return patterns
