---What an Amplify project has beside its schema and this server doesn't carry out: whoever serves it should know.
local core = require "appsync.core"
local file = require "appsync.server.develop.file"
local native = require "appsync.server.native"

local amplify_project = {}

local RESOLVERS = "resolvers of their own are functions of the file of --resolvers"
local MAX_NAMED = 3

-- The folders that an API's files may be in: the schema's own, or the one that holds the folder of its parts.
local function folders_of(schema_path)
  local bare = schema_path:gsub("/+$", "")
  local _, kind = native.file_stamp(bare)
  local parent = bare:match("^(.*)/[^/]*$") or "."
  if kind ~= "folder" then return { parent } end
  return bare:match("[^/]*$") == "schema" and { bare, parent } or { bare }
end

local function names_in(folder, fits)
  local found = {}
  for _, name in ipairs(native.list_folder(folder) or {}) do
    if fits(name, folder .. "/" .. name) then found[#found + 1] = name end
  end
  table.sort(found)
  return found
end

local function is_template(name)
  return name:find("%.vtl$") ~= nil or name:find("%.js$") ~= nil
end

-- A new project has a stack with nothing but a placeholder.
local function has_resolvers(name, path)
  if not name:find("%.json$") then return false end
  local text = file.read(path, "settings")
  local stack = text and core.decode(text)
  local resources = type(stack) == "table" and stack.Resources
  for _, resource in pairs(type(resources) == "table" and resources or {}) do
    local type_ = type(resource) == "table" and resource.Type
    if type(type_) == "string" and type_:find("^AWS::AppSync::") then return true end
  end
  return false
end

local KINDS = {
  { folder = "resolvers", fits = is_template, advice = RESOLVERS },
  { folder = "pipelineFunctions", fits = is_template, advice = RESOLVERS },
  { folder = "stacks", fits = has_resolvers, advice = RESOLVERS },
  { folder = ".", fits = function(name) return name == "override.ts" end, advice = "what it changes stays as it is generated" },
}

local function listed(folder, names)
  local shown = {}
  for i = 1, math.min(#names, MAX_NAMED) do shown[i] = (folder .. "/" .. names[i]):gsub("/%./", "/") end
  local text = table.concat(shown, ", ")
  return #names > MAX_NAMED and ("%s and %d more"):format(text, #names - MAX_NAMED) or text
end

---A line for each kind of files that aren't carried out.
---@param schema_path string a file or a folder
---@return string[] notes
function amplify_project.notes(schema_path)
  local notes = {}
  for _, base in ipairs(folders_of(schema_path)) do
    for _, kind in ipairs(KINDS) do
      local folder = base .. "/" .. kind.folder
      local names = names_in(folder, kind.fits)
      if #names > 0 then
        notes[#notes + 1] = ("%s %s not carried out: %s"):format(listed(folder, names), #names == 1 and "is" or "are", kind.advice)
      end
    end
  end
  return notes
end

return amplify_project
