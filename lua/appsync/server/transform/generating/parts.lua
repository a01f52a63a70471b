---Pieces of SDL that are generated, each with the place of what it is made of: what is wrong with one is told there.
---@class appsync.server.Parts
---@field private list string[]
---@field private locs table<integer, appsync.ast.Loc>
---@field private first_line integer of the first part
local Parts = {}
Parts.__index = Parts

local parts = {}

---@param first_line integer where the first part begins to count its lines
---@return appsync.server.Parts
function parts.new(first_line)
  return setmetatable({ list = {}, locs = {}, first_line = first_line }, Parts)
end

---@param loc appsync.ast.Loc? what of the source it is made of
---@param sdl string
function Parts:add(loc, sdl)
  table.insert(self.list, sdl)
  self.locs[#self.list] = loc
end

---@param loc appsync.ast.Loc?
---@param list string[]
function Parts:add_all(loc, list)
  for _, sdl in ipairs(list) do self:add(loc, sdl) end
end

---Whether there is nothing: a document of nothing can't be parsed.
---@return boolean
function Parts:is_empty()
  return #self.list == 0
end

---The SDL. Its lines count on from those of the source, so that whatever is wrong can be told to be of one or the other.
---@return string
function Parts:text()
  return ("\n"):rep(self.first_line - 1) .. table.concat(self.list, "\n")
end

---The place in the source of what a line is made of.
---@param line integer
---@return appsync.ast.Loc?
function Parts:origin(line)
  local at = self.first_line
  for i, sdl in ipairs(self.list) do
    local _, n = sdl:gsub("\n", "")
    at = at + n + 1
    if line < at then return self.locs[i] end
  end
  return nil
end

return parts
