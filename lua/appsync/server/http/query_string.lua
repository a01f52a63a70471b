---Query strings of URLs (RFC 3986).
local query_string = {}

---@param text string
---@return string
function query_string.unescape(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

---Percent-encodes all but the unreserved characters.
---@param text string
---@return string
function query_string.escape(text)
  return (text:gsub("[^A-Za-z0-9%-%._~]", function(char) return ("%%%02X"):format(char:byte()) end))
end

---The parameters in order, decoded. A plus sign stays one: base64 in a query is often sent unescaped.
---@param text string? without the question mark
---@return {name: string, value: string}[]
function query_string.list(text)
  local list = {}
  for part in (text or ""):gmatch("[^&]+") do
    local name, value = part:match("^([^=]*)=?(.*)$")
    list[#list + 1] = { name = query_string.unescape(name), value = query_string.unescape(value) }
  end
  return list
end

---The parameters by name; the first of a repeated one.
---@param text string?
---@return table<string, string>
function query_string.map(text)
  local map = {}
  for _, item in ipairs(query_string.list(text)) do
    if map[item.name] == nil then
      map[item.name] = item.value
    end
  end
  return map
end

return query_string
