---The transformer settings of the Amplify project that contains the schema: `amplify/cli.json` beside the folder
---`backend/api/NAME` of the schema (Amplify CLI documentation, "Feature flags").
local core = require "appsync.core"
local feature_flags = require "appsync.server.transform.reading.feature_flags"
local file = require "appsync.server.develop.file"
local native = require "appsync.server.native"

local transformer_source = {}

---@class appsync.server.AmplifyProject: appsync.server.Transformer
---@field path string? of cli.json; nil: there is none
---@field because string what says which version it is

-- A folder above another, in as few words as its path has. What isn't a name of a folder stays.
local function above(folder, n)
  for _ = 1, n do
    local head, last = folder:match("^(.-)/*([^/]*)/*$")
    if last == "" then return nil end -- there is nothing above the root
    if last == ".." or last == "." then
      folder = (last == "." and head ~= "" and head .. "/.." or last == "." and "..") or folder .. "/.."
    else
      folder = head ~= "" and head or (folder:sub(1, 1) == "/" and "/" or ".")
    end
  end
  return folder
end

local function kind_of(path)
  local stamp, kind = native.file_stamp(path)
  return stamp and kind
end

-- The schema's folder is backend/api/NAME, or one inside of it: `schema`, or `build`. The second result is the folder of a
-- project that has no cli.json: it's `amplify` then.
local function find(schema_path)
  local folder = kind_of(schema_path) == "folder" and schema_path or (schema_path:match("^(.*)/[^/]*$") or ".")
  if folder == "" then return nil end
  local old
  for n = 3, 4 do
    local root = above(folder, n)
    local is_project = root and kind_of(root .. "/backend/api") == "folder"
    if is_project and kind_of(root .. "/cli.json") == "file" then return (root .. "/cli.json"):gsub("^%./", ""), nil end
    if is_project and root:match("[^/]*$") == "amplify" then old = old or root end
  end
  return nil, old
end

local function number_of(value)
  return type(value) == "number" and value or nil
end

-- Flags are found whatever the case of their names, as the command line finds them.
local function small(object)
  local out = {}
  for name, value in pairs(type(object) == "table" and object or {}) do
    if type(name) == "string" then out[name:lower()] = value end
  end
  return out
end

local function read_version(flags, path)
  local version = number_of(flags.transformerversion)
  if flags.transformerversion ~= nil and version ~= 1 and version ~= 2 then
    return nil, ("'transformerversion' must be 1 or 2, not %s"):format(core.encode(flags.transformerversion))
  end
  -- The command line makes 2 of 1 then.
  if version ~= 2 and flags.useexperimentalpipelinedtransformer == true then
    return 2, path .. ' has "useexperimentalpipelinedtransformer": true'
  elseif version then
    return version, ('%s has "transformerversion": %d'):format(path, version)
  end
  return 1, path .. ' has no "transformerversion", and such a project is the first one\'s'
end

---Reads the project's file.
---@param text string of cli.json
---@param path string for messages
---@return appsync.server.AmplifyProject? project, string? message
function transformer_source.read(text, path)
  local decoded, err = core.decode(text)
  if type(decoded) ~= "table" then return nil, err and err.message or "expected an object" end
  local flags = small(small(decoded.features).graphqltransformer)
  local version, because = read_version(flags, path)
  if not version then return nil, because end
  local project = { path = path, version = version, because = because, flags = {} }
  for name, unnamed in pairs(feature_flags.UNNAMED) do
    local value = flags[name]
    if value ~= nil and type(value) ~= "boolean" then return nil, ("'%s' must be true or false"):format(name) end
    if value == nil then value = unnamed end
    project.flags[name] = value
  end
  return project
end

---The project of a schema; nothing where there is none.
---@param schema_path string a file or a folder
---@return appsync.server.AmplifyProject? project
---@return appsync.server.SourceFault? fault
function transformer_source.of(schema_path)
  local path, old = find(schema_path)
  if not path and not old then return nil end
  if not path then
    return { fallback = 1, because = old .. " has no cli.json, and such a project is the first one's", flags = {} }
  end
  local text, message = file.read(path, "settings")
  if not text then return nil, { message = message } end
  local project
  project, message = transformer_source.read(text, path)
  if not project then return nil, { message = message, path = path } end
  return project
end

return transformer_source
