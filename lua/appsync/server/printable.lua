--- Text from outside for a terminal or a log: what would move the cursor, turn the reading direction or begin a line is
--- shown as an escape, the same in text and in JSON ("\u202e").
local printable = {}

local SHORT = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(code)
  return ("\\u%04x"):format(code)
end

local function escape_byte(char)
  return SHORT[char] or escape(char:byte())
end

-- Controls (C1), line and paragraph separators, and what orders text in two directions (Unicode Standard Annex #9, section 2);
-- the marks that nobody sees.
-- As in csrc/base/printable.c and appsync.printable.
local HIDDEN = {
  { 0x80, 0x9f }, { 0x61c, 0x61c }, { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x206f }, { 0xfeff, 0xfeff },
  { 0xfff9, 0xfffb },
}

local function is_hidden(code)
  for _, range in ipairs(HIDDEN) do
    if code >= range[1] and code <= range[2] then return true end
  end
  return false
end

local LOWEST = { 0, 0x80, 0x800, 0x10000 }

-- The code point that begins at `at`, and its bytes; nil where none does (RFC 3629).
local function code_at(text, at)
  local first = text:byte(at)
  local n = first >= 0xF0 and 4 or first >= 0xE0 and 3 or 2
  if first < 0xC2 or first > 0xF4 then return nil end
  local code = first % (n == 2 and 32 or n == 3 and 16 or 8)
  for i = at + 1, at + n - 1 do
    local byte = text:byte(i)
    if not byte or byte < 0x80 or byte > 0xBF then return nil end
    code = code * 64 + byte % 64
  end
  if code < LOWEST[n] or code > 0x10FFFF or (code >= 0xD800 and code <= 0xDFFF) then return nil end
  return code, n
end

local function escape_run(run)
  local out, at = {}, 1
  while at <= #run do
    local code, n = code_at(run, at)
    if not code then
      out[#out + 1] = "?" -- no UTF-8
    elseif is_hidden(code) then
      out[#out + 1] = escape(code)
    else
      out[#out + 1] = run:sub(at, at + n - 1)
    end
    at = at + (n or 1)
  end
  return table.concat(out)
end

--- One line of it.
---@param text any
---@return string
function printable.line(text)
  text = tostring(text)
  if not text:find("[^\32-\126]") then return text end
  return (text:gsub("[%z\1-\31\127]", escape_byte):gsub("[\128-\255]+", escape_run))
end

--- The same with its line breaks and tabulators: for texts that have several lines on purpose.
---@param text any
---@return string
function printable.lines(text)
  text = tostring(text)
  if not text:find("[^\n\t\32-\126]") then return text end
  return (text:gsub("[%z\1-\8\11-\31\127]", escape_byte):gsub("[\128-\255]+", escape_run))
end

return printable
