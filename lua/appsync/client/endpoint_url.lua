---What follows from a GraphQL endpoint: its region and where its subscriptions are.
local endpoint_url = {}

---@param url string
---@return string? scheme "http" or "https", string? host with the port, string? rest path and query
function endpoint_url.split(url)
  local scheme, host, rest = url:match("^([hH][tT][tT][pP][sS]?)://([^/?#%s]+)([^%s]*)$")
  return scheme and scheme:lower(), host, rest
end

-- AppSync's own host names: {id}.appsync-api.{region}.amazonaws.com[.cn]
local STANDARD_HOST = "^([%w-]+)%.appsync%-api%.([%w-]+)(%.amazonaws%.com[%.%a]*)$"

---@param url string
---@return string? region of a standard AppSync endpoint
function endpoint_url.region(url)
  local _, host = endpoint_url.split(url)
  local _, region = (host or ""):match(STANDARD_HOST)
  return region
end

---AppSync Developer Guide, "Building a real-time WebSocket client": a standard host gets its realtime twin, a custom
---domain `/realtime` behind its path. `http` becomes `ws`, which local servers need.
---@param url string
---@return string
function endpoint_url.realtime(url)
  local scheme, host, rest = endpoint_url.split(url)
  local websocket = scheme == "http" and "ws://" or "wss://"
  local id, region, domain = host:match(STANDARD_HOST)
  if id then return websocket .. id .. ".appsync-realtime-api." .. region .. domain .. rest end
  local path, query = rest:match("^([^?]*)(.*)$")
  return websocket .. host .. path:gsub("/$", "") .. "/realtime" .. query
end

return endpoint_url
