---The files that say who may ask: that of `--auth`, those that it names, and keys of tokens. They are read as often as they
---change.
local auth_file = require "appsync.server.auth.auth_file"
local file = require "appsync.server.develop.file"
local jwt_keys = require "appsync.server.auth.jwt_keys"

---@class appsync.server.AuthSource
---@field private paths {auth: string?, jwt_keys: string[]}
---@field private named string[] files that the one of `--auth` named when it was read last
local AuthSource = {}
AuthSource.__index = AuthSource

local auth_source = {}

---@class appsync.server.AuthText
---@field auth appsync.server.AuthFile?
---@field jwt_keys appsync.server.JwtKey[]

---@param paths {auth: string?, jwt_keys: string[]}
---@return appsync.server.AuthSource
function auth_source.new(paths)
  return setmetatable({ paths = paths, named = {} }, AuthSource)
end

local function read_keys(paths)
  local all = {}
  for _, path in ipairs(paths) do
    local text, message = file.read(path, "key")
    if not text then return nil, message end
    local keys
    keys, message = jwt_keys.read(text)
    if not keys then return nil, path .. ": " .. tostring(message) end
    for _, key in ipairs(keys) do all[#all + 1] = key end
  end
  return all
end

-- Files that it names stand beside it.
local function read_auth(path, named)
  local folder = path:match("^(.*[/\\])") or ""
  local text, message = file.read(path, "settings")
  if not text then return nil, message end
  local read
  read, message = auth_file.read(text, function(name)
    local beside = (name:find("^/") or name:find("^%a:[/\\]")) and name or folder .. name
    named[#named + 1] = beside
    return file.read(beside, "key")
  end)
  return read, message and path .. ": " .. message
end

---Reads everything.
---@return appsync.server.AuthText? text, string? message
function AuthSource:read()
  local keys, message = read_keys(self.paths.jwt_keys)
  if not keys then return nil, message end
  if not self.paths.auth then return { jwt_keys = keys } end
  self.named = {}
  local auth
  auth, message = read_auth(self.paths.auth, self.named)
  return auth and { auth = auth, jwt_keys = keys }, message
end

---The paths whose change may change who may ask.
---@return string[]
function AuthSource:files()
  local paths = { self.paths.auth }
  for _, path in ipairs(self.paths.jwt_keys) do paths[#paths + 1] = path end
  for _, path in ipairs(self.named) do paths[#paths + 1] = path end
  return paths
end

return auth_source
