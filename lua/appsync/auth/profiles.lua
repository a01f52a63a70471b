---The shared configuration files of the AWS tools: where they are, what they say. Rules: AWS SDKs and Tools Reference
---Guide, "Shared config and credentials files".
local core = require "appsync.core"

local profiles = {}

local function home(getenv)
  local drive, path = getenv("HOMEDRIVE"), getenv("HOMEPATH")
  return getenv("HOME") or getenv("USERPROFILE") or (path and (drive or "") .. path) or nil
end

-- `~` is the shell's; in a variable or an option it arrives as it is.
local function expand(path, getenv)
  local rest = path:match("^~[/\\](.*)$")
  local base = rest and home(getenv)
  return base and base .. "/" .. rest or path
end

---@param given string? the path that the user named
---@param variable string
---@param name string the file's name under ~/.aws
---@return string? path nil when there is no home directory
function profiles.path(given, variable, name, getenv)
  local path = given or getenv(variable)
  if path and path ~= "" then return expand(path, getenv) end
  local base = home(getenv)
  return base and base .. "/.aws/" .. name
end

local function section_name(header, is_config)
  local name = header:match("^%s*(.-)%s*$")
  if not is_config then return name end
  if name == "default" then return name end
  local profile = name:match("^profile%s+(.-)$")
  if not profile then return nil end
  return profile:match('^"(.*)"$') or profile:match("^'(.*)'$") or profile
end

-- A comment starts the line or follows white space.
local function without_comment(line)
  line = line:gsub("^%s*[;#].*$", "")
  return (line:gsub("%s+[;#].*$", ""))
end

---@param text string
---@param is_config boolean the config file's headers are "[profile name]"
---@return table<string, table<string, string>> settings by profile
function profiles.parse(text, is_config)
  local found, current, parent = {}, nil, nil
  text = text:gsub("^\239\187\191", "") -- a byte order mark, which editors write
  for raw in (text .. "\n"):gmatch("(.-)\r?\n") do
    local line = without_comment(raw)
    local header = line:match("^%s*%[(.-)%]%s*$")
    if header then
      local name = section_name(header, is_config)
      current, parent = name and (found[name] or {}), nil
      if name then found[name] = current end
    elseif current then
      local key, value = line:match("^%s*([^=]-)%s*=%s*(.-)%s*$")
      if key and key ~= "" then
        local is_nested = parent and line:find("^%s")
        if not is_nested then parent = value == "" and key or nil end
        if is_nested then key = parent .. "." .. key end
        if value ~= "" then current[key] = value end
      end
    end
  end
  return found
end

local MAX_FILE_BYTES = 1048576

---@return string text of the file; "" for one that isn't there
---@return string? fault of one that is there and can't be read
local function read(path)
  if not path or path:find("%z") then return "" end
  local text, err = core.read_file(path, MAX_FILE_BYTES)
  if text then return text end
  return "", err.code ~= "missing" and err.message or nil
end

---@class appsync.auth.ProfileOptions
---@field profile string? default: AWS_PROFILE, then "default"
---@field credentials_file string? default: AWS_SHARED_CREDENTIALS_FILE, then ~/.aws/credentials
---@field config_file string? default: AWS_CONFIG_FILE, then ~/.aws/config
---@field package getenv (fun(name: string): string?)? for tests

---One profile from both files; where both have a key, the credentials file wins.
---@param options appsync.auth.ProfileOptions
---@return table<string, string>? settings nil when no file has the profile
---@return string name
---@return string[] paths
---@return string? fault why a file can't be read
function profiles.load(options)
  local getenv = options.getenv or os.getenv
  local name = options.profile or getenv("AWS_PROFILE")
  if not name or name == "" then name = "default" end
  local credentials_path = profiles.path(options.credentials_file, "AWS_SHARED_CREDENTIALS_FILE", "credentials", getenv)
  local config_path = profiles.path(options.config_file, "AWS_CONFIG_FILE", "config", getenv)
  local paths = {}
  if credentials_path then paths[#paths + 1] = credentials_path end
  if config_path then paths[#paths + 1] = config_path end
  local config_text, config_fault = read(config_path)
  local keys_text, keys_fault = read(credentials_path)
  local config, keys = profiles.parse(config_text, true)[name], profiles.parse(keys_text, false)[name]
  if not config and not keys then return nil, name, paths, keys_fault or config_fault end
  local merged = {}
  for key, value in pairs(config or {}) do merged[key] = value end
  for key, value in pairs(keys or {}) do merged[key] = value end
  return merged, name, paths
end

return profiles
