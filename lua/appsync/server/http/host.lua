---Which names of itself a server answers to. A page of any site can have a name of its own resolve to 127.0.0.1 and then
---speak to this server as its origin (DNS rebinding); its requests tell themselves by the Host header.
local host = {}

---The name of a Host header in lower case, without the port; nil when it is none.
---@param header string?
---@return string?
function host.name(header)
  local text = (header or ""):lower():match("^%s*(.-)%s*$")
  local name = text:match("^(%[[%x:.]+%])$") or text:match("^(%[[%x:.]+%]):%d+$") or text:match("^([^:%[%]/@%s]+)$")
    or text:match("^([^:%[%]/@%s]+):%d+$")
  return name and (name:gsub("%.$", "")) or nil
end

local function is_address(name)
  return name:find("^%[") ~= nil or name:find("^%d+%.%d+%.%d+%.%d+$") ~= nil
end

local function is_localhost(name)
  return name == "localhost" or name:find("%.localhost$") ~= nil
end

---Whether a Host header names this machine's loopback.
---@param header string?
---@return boolean
function host.is_loopback(header)
  local name = host.name(header)
  return name ~= nil and (is_localhost(name) or name == "[::1]" or name:find("^127%.%d+%.%d+%.%d+$") ~= nil)
end

---Whether an address that is listened on can be reached from this machine only.
---@param address string
---@return boolean
function host.is_local_address(address)
  local name = address:lower()
  return is_localhost(name) or name == "::1" or name:find("^127%.%d+%.%d+%.%d+$") ~= nil
end

-- `ID.appsync-api.REGION.amazonaws.com` and the WebSockets' twin (AppSync Developer Guide, "GraphQL endpoints"): nobody but
-- Amazon can have them resolve to anything.
local function is_service(name)
  return name:find("^[%w%-]+%.appsync%-api%.[%w%-]+%.amazonaws%.com$") ~= nil
    or name:find("^[%w%-]+%.appsync%-realtime%-api%.[%w%-]+%.amazonaws%.com$") ~= nil
    or name:find("^[%w%-]+%.appsync%-api%.[%w%-]+%.amazonaws%.com%.cn$") ~= nil
    or name:find("^[%w%-]+%.appsync%-realtime%-api%.[%w%-]+%.amazonaws%.com%.cn$") ~= nil
end

---Why a request with that Host header isn't answered; nil when it is. An address can't be rebound, and a client that sends
---no Host is no browser.
---@param header string?
---@param allowed table<string, true> further names, in lower case; `*` allows all
---@return string? message
function host.refusal(header, allowed)
  if header == nil or allowed["*"] then return nil end
  local name = host.name(header)
  if name and (is_address(name) or is_localhost(name) or is_service(name) or allowed[name]) then
    return nil
  end
  local shown = (name or "?"):gsub("[^%w%.%-]", "?"):sub(1, 100)
  return ("The Host header says %s; this server answers to localhost, addresses and AppSync's host names. ")
    :format(shown) .. ("appsync serve --allow-host %s allows it."):format(name and shown or "NAME")
end

return host
