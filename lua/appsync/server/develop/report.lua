---Faults as people read them: FILE:line:column: message, the line, and a caret under the place.
local printable = require "appsync.printable"

local report = {}

local COLOURS = { bold = "\27[1m", red = "\27[31m", green = "\27[32m", dim = "\27[2m", off = "\27[0m" }

---The text between the codes of a colour, or as it is.
---@param text string
---@param colour "bold"|"red"|"green"|"dim"
---@param is_coloured boolean?
---@return string
function report.paint(text, colour, is_coloured)
  return is_coloured and (COLOURS[colour] .. text .. COLOURS.off) or text
end

-- As it is shown; a line stays one.
local function source_line(text)
  return (printable.escaped_lines(text):gsub("\n", "\\n"))
end

-- What stands before the caret has the width of what stands before the place: tabs stay tabs.
local function margin(text, column)
  local at = 1
  for _ = 2, column do
    local char = text:match("^[^\128-\191][\128-\191]*", at)
    if not char then break end
    at = at + #char
  end
  local shown = source_line(text:sub(1, at - 1))
  return (shown:gsub("[^\128-\191][\128-\191]*", function(char) return char == "\t" and "\t" or " " end))
end

---One fault.
---@param fault appsync.server.SourceFault
---@param is_coloured boolean?
---@return string text ends with a line break
function report.fault(fault, is_coloured)
  local function paint(text, colour) return report.paint(text, colour, is_coloured) end
  local message = printable.escaped_lines(fault.message)
  if not fault.path then return paint(message, "red") .. "\n" end
  local place = printable.escaped(fault.path) .. ":"
  if fault.line then place = place .. fault.line .. ":" end
  if fault.line and fault.column then place = place .. fault.column .. ":" end
  local out = paint(place, "bold") .. " " .. paint(message, "red") .. "\n"
  if fault.line and fault.text and fault.text:find("%S") then
    local number = ("%5d | "):format(fault.line)
    out = out .. paint(number, "dim") .. source_line(fault.text) .. "\n"
    if fault.column then
      out = out .. paint("      | ", "dim") .. margin(fault.text, fault.column) .. paint("^", "green") .. "\n"
    end
  end
  if fault.traceback then out = out .. printable.escaped_lines(fault.traceback) .. "\n" end
  return out
end

---Several faults, one below the other.
---@param faults appsync.server.SourceFault[]
---@param is_coloured boolean?
---@return string
function report.faults(faults, is_coloured)
  local out = {}
  for i, fault in ipairs(faults) do out[i] = report.fault(fault, is_coloured) end
  return table.concat(out)
end

return report
