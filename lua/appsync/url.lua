---The parts of an absolute URL (RFC 3986 section 3).
local url = {}

---@class appsync.Url
---@field scheme string in lower case
---@field user string "user:password@", or ""
---@field host string in lower case; an IPv6 address in its brackets
---@field port integer? nil: the scheme's own
---@field rest string path, query and fragment

local PORTS = { http = 80, https = 443, ws = 80, wss = 443 }

---The host and the port of an authority.
---@param authority string
---@return string? host nil when it is malformed, string port with its colon, or ""; or what is malformed
local function split_authority(authority)
  local host, port = authority:match("^(%[%x*:[%x:.]+%])(.*)$")
  if not host then host, port = authority:match("^(%[[%x:.]+%%25[%w._~-]+%])(.*)$") end
  if not host then host, port = authority:match("^([^%[%]:\\]+)(.*)$") end
  if host and port:find("^:?%d*$") then return host, port end
  if authority:find("^%x*:%x*:[%x:.]*$") and not authority:find("^%d+:%d+:") then return nil, "an IPv6 address stands in brackets" end
  return nil, host and "its port isn't a number" or "its host is malformed"
end

---@param text string
---@return appsync.Url? parts nil when it is malformed
---@return string? fault what is malformed, where its beginning is a URL's
function url.parse(text)
  local scheme, authority, rest = text:match("^(%a[%w+.-]*)://([^/?#%s%c]+)([^%s%c]*)$")
  if not scheme then return nil end
  local user, host_and_port = authority:match("^(.*@)([^@]*)$")
  local host, port = split_authority(host_and_port or authority)
  if not host then return nil, port end
  scheme = scheme:lower()
  local number = tonumber(port:sub(2))
  if number and (number < 1 or number > 65535) then return nil, "its port must be 1 to 65535" end
  if number == PORTS[scheme] then number = nil end
  return { scheme = scheme, user = user or "", host = host:lower(), port = number, rest = rest }
end

---@param parts appsync.Url
---@return string
function url.format(parts)
  local port = parts.port and (":%d"):format(parts.port) or ""
  return parts.scheme .. "://" .. parts.user .. parts.host .. port .. parts.rest
end

return url
