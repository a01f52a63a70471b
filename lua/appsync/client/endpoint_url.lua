---What follows from a GraphQL endpoint: its region and where its subscriptions are.
local aws_host = require "appsync.aws_host"
local url = require "appsync.url"

local endpoint_url = {}

local API, REALTIME = "appsync-api", "appsync-realtime-api"

-- AppSync's own name of the host; nil for the user's and for another service's.
local function service_of(host)
  local found = aws_host.read(host)
  local is_appsync = found and found.region and found.id ~= "" and (found.service == API or found.service == REALTIME)
  return is_appsync and found or nil
end

local function name_of(found, service)
  return ("%s.%s.%s.%s"):format(found.id, service, found.region, found.domain)
end

local function read(text)
  local parts, fault = url.parse(text)
  return parts, parts and service_of(parts.host), fault
end

---The URL as it is used: scheme and host in lower case, no port that the scheme has anyway. AppSync's own host loses the
---dot at its end, which its certificate doesn't have.
---@param text string
---@return string? normal nil when it is malformed, string? scheme
---@return string? fault what is malformed in it, where that is known
function endpoint_url.normal(text)
  local parts, found, fault = read(text)
  if not parts then return nil, nil, fault end
  if found then parts.host = parts.host:gsub("%.$", "") end
  return url.format(parts), parts.scheme
end

---@param text string
---@return string? region of AppSync's own host
function endpoint_url.region(text)
  local _, found = read(text)
  return found and found.region
end

---@param text string
---@return boolean whether the host is the one that an API has of AppSync
function endpoint_url.is_standard(text)
  local _, found = read(text)
  return found ~= nil and not found.is_private
end

---@param text string
---@return boolean whether it is an interface endpoint of a VPC, which has to be told which API is meant
function endpoint_url.is_private(text)
  local _, found = read(text)
  return found ~= nil and found.is_private == true
end

---AppSync Developer Guide, "Building a real-time WebSocket client": a standard host gets its realtime twin, a custom
---domain `/realtime` behind its path. "Using AWS AppSync Private APIs": an interface endpoint has both at one URL. `http`
---becomes `ws`, which local servers need.
---@param text string
---@return string
function endpoint_url.realtime(text)
  local parts, found = read(text)
  local host, rest = parts.host, parts.rest
  if not found then
    local path, query = rest:match("^([^?#]*)(.*)$")
    rest = path:gsub("/$", "") .. "/realtime" .. query
  elseif not found.is_private then
    host = name_of(found, REALTIME)
  end
  local scheme = parts.scheme == "http" and "ws" or "wss"
  return url.format{ scheme = scheme, user = parts.user, host = host, port = parts.port, rest = rest }
end

---The API that a standard realtime endpoint belongs to.
---@param text string
---@return string? api its URL; nil for another endpoint
function endpoint_url.api(text)
  local parts, found = read(text)
  if not found or found.service ~= REALTIME or found.is_private then return nil end
  local path, query = parts.rest:match("^([^?#]*)(.*)$")
  return url.format{ scheme = parts.scheme == "ws" and "http" or "https", user = "", host = name_of(found, API),
    port = parts.port, rest = path:gsub("/realtime$", "") .. query }
end

---The realtime twin of an API's standard host.
---@param host string perhaps with a port
---@return string? twin without one; nil for another host
function endpoint_url.realtime_host(host)
  local _, found = read("https://" .. host)
  return found and found.service == API and not found.is_private and name_of(found, REALTIME) or nil
end

return endpoint_url
