---Where a client's API is: its URLs, its region, what stands on the way.
local endpoint_url = require "appsync.client.endpoint_url"
local errors = require "appsync.errors"
local headers = require "appsync.client.headers"
local opts = require "appsync.opts"
local pasted = require "appsync.pasted"
local proxy_url = require "appsync.client.proxy_url"

local addresses = {}

local SCHEMES = {
  endpoint = { https = true, http = true, text = "https:// or http://" },
  realtime_endpoint = { wss = true, ws = true, text = "wss:// or ws://" },
}

local function check_url(text, name, where)
  local normal, scheme, fault = endpoint_url.normal(text)
  if normal and SCHEMES[name][scheme] then return normal end
  errors.misuse("%s: %s must be a URL that begins with %s, got %s%s", where, name, SCHEMES[name].text,
    (errors.describe(text, text:find("@", 1, true) ~= nil)), fault and ": " .. fault or "") -- a password may stand before it
end

---@param region string?
---@param where string
---@return string? region in lower case
function addresses.check_region(region, where)
  if region and not region:find("^[%w-]+$") then
    errors.misuse("%s: region must be a region's name, such as us-east-1, got %s", where, (errors.describe(region)))
  end
  return region and region:lower()
end

local function check_proxy(text, where)
  if text == nil or text == "" then return nil end
  local proxy, fault = proxy_url.check(text)
  if not proxy then errors.misuse("%s: proxy: %s", where, fault) end
  return proxy
end

-- The host that the client's headers name, where they are known before a call.
local function told_host(given)
  if type(given) ~= "table" or opts.is_callable(given) then return nil end
  for name, value in pairs(given) do
    if name:lower() == "host" then return pasted.trim(tostring(value)) end
  end
end

-- The upgrade at an interface endpoint has to name the realtime host, which follows from the API's (AppSync Developer
-- Guide, "Using AWS AppSync Private APIs").
local function upgrade_headers(options, realtime, host, where)
  local all = headers.check_upgrade(options.realtime and options.realtime.headers, where .. ": realtime")
  local twin = host and endpoint_url.is_private(realtime) and endpoint_url.realtime_host(host)
  if not twin then return all end
  all = all or {}
  for name in pairs(all) do
    local lower = name:lower()
    if lower == "host" or lower == "x-appsync-domain" then return all end
  end
  all.host = twin
  return all
end

---@class appsync.client.Addresses
---@field endpoint string
---@field realtime_endpoint string
---@field signing_endpoint string? the API as its realtime service knows it; default: `endpoint`
---@field region string?
---@field proxy string? with its scheme and its port
---@field upgrade_headers table<string, string>?

---@param options table checked, its headers too
---@param config table the configuration that was read
---@param where string
---@return appsync.client.Addresses
function addresses.check(options, config, where)
  local endpoint = check_url(options.endpoint or config.endpoint, "endpoint", where)
  local realtime = options.realtime_endpoint or (not options.endpoint and config.realtime_endpoint) or nil
  realtime = realtime and check_url(realtime, "realtime_endpoint", where) or endpoint_url.realtime(endpoint)
  local host = told_host(options.headers)
  local api = not endpoint_url.is_standard(endpoint) and endpoint_url.api(realtime) or nil
  local region = addresses.check_region(options.region, where) or endpoint_url.region(endpoint)
    or endpoint_url.region(realtime) or (host and endpoint_url.region("https://" .. host)) or config.region
  return {
    endpoint = endpoint, realtime_endpoint = realtime, signing_endpoint = api, region = region,
    proxy = check_proxy(options.proxy, where), upgrade_headers = upgrade_headers(options, realtime, host, where),
  }
end

return addresses
