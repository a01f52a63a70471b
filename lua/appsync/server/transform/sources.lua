--- A schema that stands in several files: one text for the parser, and the file and line of everything in it.
local schema = require("appsync.server.graphql.schema")

---@class appsync.server.SchemaSource
---@field name string shown in messages: the file's path
---@field text string

---@class appsync.server.Sources
---@field text string all of them, one after the other
---@field private list {name: string, first: integer, last: integer}[] their lines in `text`
local Sources = {}
Sources.__index = Sources

local sources = {}

local function count_lines(text)
  local n = 0
  for _ in (text:gsub("\r\n?", "\n")):gmatch("\n") do n = n + 1 end
  return n
end

--- Joins texts. A text alone has no name.
---@param given string|appsync.server.SchemaSource[]
---@return appsync.server.Sources
function sources.join(given)
  if type(given) == "string" then return setmetatable({ text = given, list = {} }, Sources) end
  local texts, list, line = {}, {}, 1
  for i, source in ipairs(given) do
    local n_lines = count_lines(source.text) + 1
    -- A file's last line, ended or not, ends here: the next one begins on a line of its own.
    texts[i] = source.text
    list[i] = { name = source.name, text = source.text, first = line, last = line + n_lines - 1 }
    line = line + n_lines
  end
  return setmetatable({ text = table.concat(texts, "\n"), list = list }, Sources)
end

local function renumber(message, from, to)
  return (message:gsub("%(line " .. from .. ", column", function() return "(line " .. to .. ", column" end))
end

--- An error in the joined text as an error in its file.
---@param err appsync.server.SchemaError
---@return appsync.server.SchemaError err with `file` where it's known
function Sources:locate(err)
  for _, source in ipairs(self.list) do
    if err.line and err.line >= source.first and err.line <= source.last then
      local line = err.line - source.first + 1
      return { message = renumber(err.message, err.line, line), line = line, column = err.column, file = source.name }
    end
  end
  return err
end

--- The document of all texts. A text that ends in the middle of something is at fault itself, not the one after it.
---@return appsync.ast.Document? document, appsync.server.SchemaError? err
function Sources:parse()
  if #self.list > 1 then
    for _, source in ipairs(self.list) do
      local document, err = schema.parse(source.text)
      if not document and source.text:find("%S") then
        err.file = source.name
        return nil, err
      end
    end
  end
  local document, err = schema.parse(self.text)
  if not document then return nil, self:locate(err) end
  return document
end

return sources
