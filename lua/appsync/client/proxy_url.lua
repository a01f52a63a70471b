---The option `proxy`, by libcurl's rules, so that both transports mean the same (libcurl, "CURLOPT_PROXY").
local url = require "appsync.url"

local proxy_url = {}

-- What libcurl takes where the URL names no port.
local PORT = 1080

local ACCEPTED = "accepted is http://[user:password@]host:port, or host:port"

---@param text string
---@return string? proxy with its scheme and its port, string? fault
function proxy_url.check(text)
  local scheme = text:match("^(%a[%w+.-]*)://")
  if scheme and scheme:lower() ~= "http" then
    return nil, ("%s proxies aren't supported; %s"):format(scheme:lower(), ACCEPTED)
  end
  local parts = url.parse(scheme and text or "http://" .. text)
  if not parts or not parts.rest:find("^/?$") then return nil, ACCEPTED end
  -- "http://host:80" says so; the scheme's own port isn't a proxy's.
  local port = parts.port or (text:find(":80/?$") and 80) or PORT
  return ("http://%s%s:%d"):format(parts.user, parts.host, port)
end

return proxy_url
