---The schema's text: one file, or a folder of them joined (Amplify CLI documentation, "GraphQL transform": one
---`schema.graphql`, which takes precedence over a folder `schema`). Faults are told with the file that they are in.
local core = require "appsync.core"
local file = require "appsync.server.develop.file"
local native = require "appsync.server.native"

---@class appsync.server.SourceFile
---@field path string
---@field text string lines end in "\n"
---@field first_line integer of the joined text

---@class appsync.server.Source
---@field text string all files, joined
---@field files appsync.server.SourceFile[]
---@field watched string[] paths whose change may change the text
---@field note string? what a reader of the command line might not expect
local Source = {}
Source.__index = Source

local source = {}

---@class appsync.server.SourceFault
---@field message string
---@field path string?
---@field line integer?
---@field column integer?
---@field text string? the line's own text

local function kind_of(path)
  local stamp, kind = native.file_stamp(path)
  return stamp and kind, kind
end

local function join(folder, name)
  return (folder:gsub("/+$", "")) .. "/" .. name
end

local function read(path)
  local text, message = file.read(path)
  if not text then return nil, message end
  -- A file of its own may begin with a byte order mark; inside a text it would be a mistake.
  return (text:gsub("^\239\187\191", ""):gsub("\r\n?", "\n"))
end

-- Every *.graphql below a folder, by name.
local function gather(self, folder, found)
  self.watched[#self.watched + 1] = folder
  local names, message = native.list_folder(folder)
  if not names then return nil, message end
  table.sort(names)
  for _, name in ipairs(names) do
    local path = join(folder, name)
    -- What begins with a dot is an editor's or a tool's.
    local kind, why
    if name:sub(1, 1) ~= "." then kind, why = kind_of(path) end
    if kind == "folder" then
      local ok
      ok, why = gather(self, path, found)
      if not ok then return nil, why end
    elseif not kind and why and name:find("%.graphql$") then
      return nil, why
    elseif kind and name:find("%.graphql$") then
      found[#found + 1] = path
    end
  end
  return found
end

-- The files that a path stands for.
local function find(self, path)
  local kind, message = kind_of(path)
  if not kind then return nil, message end
  if kind ~= "folder" then return { path } end
  local bare = path:gsub("/+$", "")
  local inside, beside = join(path, "schema.graphql"), bare .. ".graphql"
  local folder = join(path, "schema")
  local has_folder = kind_of(folder) == "folder"
  if kind_of(inside) == "file" then
    if has_folder then self.note = ("%s takes precedence over the folder %s"):format(inside, folder) end
    return { inside }
  elseif bare:match("[^/]*$") == "schema" and kind_of(beside) == "file" then
    self.note = ("%s takes precedence over the folder %s"):format(beside, path)
    return { beside }
  end
  local found, why = gather(self, has_folder and folder or path, {})
  if found and #found == 0 then return nil, path .. ": there is no *.graphql file in this folder" end
  return found, why
end

local function count_lines(text)
  local _, n = text:gsub("\n", "")
  return n
end

---Reads the schema at a path: a file or a folder.
---@param path string
---@return appsync.server.Source? source, appsync.server.SourceFault? fault
function source.read(path)
  local self = setmetatable({ files = {}, watched = { path } }, Source)
  local paths, message = find(self, path)
  if not paths then return nil, { message = message } end
  local texts, line = {}, 1
  for _, file_path in ipairs(paths) do
    local text
    text, message = read(file_path)
    if not text then return nil, { message = message } end
    self.files[#self.files + 1] = { path = file_path, text = text, first_line = line }
    if file_path ~= path then self.watched[#self.watched + 1] = file_path end
    if text:sub(-1) ~= "\n" then text = text .. "\n" end
    texts[#texts + 1] = text
    line = line + count_lines(text)
  end
  self.text = table.concat(texts)
  return self
end

local function line_text(text, wanted)
  local number = 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    if number == wanted then return line end
  end
end

-- A fault's place in the joined text as a place in a file.
local function placed(files, err)
  local message = tostring(err.message):gsub(" %(line %d+, column %d+%)$", "")
  if not err.line or err.path then
    return { message = message, path = err.path, line = err.line, column = err.column, text = err.text }
  end
  local found = files[1]
  for _, each in ipairs(files) do
    if each.first_line <= err.line then found = each end
  end
  local line = err.line - found.first_line + 1
  return { message = message, path = found.path, line = line, column = err.column or 1, text = line_text(found.text, line) }
end

-- A file of comments is a fault only where it is all that there is.
local function is_blank(text)
  return not text:gsub("#[^\n]*", ""):find("[^%s,]")
end

-- Joined, a brace that one file doesn't close would be a fault of the next; and each file may have a fault of its own.
local function syntax_faults(self)
  local faults = {}
  for _, each in ipairs(self.files) do
    local document, err = core.parse(each.text)
    if not document and (#self.files == 1 or not is_blank(each.text)) then
      faults[#faults + 1] = placed({ { path = each.path, text = each.text, first_line = 1 } }, err)
    end
  end
  return faults
end

---What is wrong with the schema, each fault with its file: those of the syntax of every file, else the engine's own, which
---may bring more in `others`.
---@param err {message: string, line: integer?, column: integer?, others: table[]?}
---@return appsync.server.SourceFault[]
function Source:faults(err)
  if err.line and not err.path then
    local syntax = syntax_faults(self)
    if #syntax > 0 then return syntax end
  end
  local faults = { placed(self.files, err) }
  for _, other in ipairs(err.others or {}) do faults[#faults + 1] = placed(self.files, other) end
  return faults
end

---A line of a file, or nil.
---@param path string
---@param number integer
---@return string?
function source.line_of(path, number)
  local text = read(path)
  return text and line_text(text, number)
end

return source
