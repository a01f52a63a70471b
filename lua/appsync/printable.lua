---Text that somebody else wrote where people read it: in a message, a log line, on a terminal. What would move the cursor,
---turn the reading direction or begin a line isn't shown. As csrc/base/printable.c.
local core = require "appsync.core"

local printable = {}

local null = core.null

---`tostring`, but JSON null is "null": Lua shows an address, and has one metatable for all values of its kind, which is
---nobody's. Where a `__tostring` raises or gives no string, the value's type.
---@param value any
---@return string
function printable.text(value)
  if value == null then return "null" end
  local ok, text = pcall(tostring, value)
  return ok and type(text) == "string" and text or "a " .. type(value)
end

-- What isn't shown, by first and last code point: C1, the Arabic letter mark, marks of direction, separators,
-- embeddings, isolates and deprecated format characters (Unicode Standard Annex #9, section 2), the byte order mark,
-- annotations.
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

-- For runs of bytes above ASCII: each hidden code point becomes `shown(code)`, each byte that is no UTF-8 "?".
local function run_writer(shown)
  return function(run)
    local out, at = {}, 1
    while at <= #run do
      local code, n = code_at(run, at)
      if not code then
        out[#out + 1] = "?"
      elseif is_hidden(code) then
        out[#out + 1] = shown(code)
      else
        out[#out + 1] = run:sub(at, at + n - 1)
      end
      at = at + (n or 1)
    end
    return table.concat(out)
  end
end

local SHORT = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(code)
  return ("\\u%04x"):format(code)
end

local function escape_byte(char)
  return SHORT[char] or escape(char:byte())
end

local replace_run, escape_run = run_writer(function() return "?" end), run_writer(escape)

---One line of it, with "?" for what isn't shown.
---@param text string
---@return string
function printable.line(text)
  if not text:find("[^\32-\126]") then return text end
  return (text:gsub("[%z\1-\31\127]", "?"):gsub("[\128-\255]+", replace_run))
end

---One line of it, with escapes for what isn't shown, the same in text and in JSON ("\u202e").
---@param text any
---@return string
function printable.escaped(text)
  text = printable.text(text)
  if not text:find("[^\32-\126]") then return text end
  return (text:gsub("[%z\1-\31\127]", escape_byte):gsub("[\128-\255]+", escape_run))
end

---The same with its line breaks and tabulators: for texts that have several lines on purpose.
---@param text any
---@return string
function printable.escaped_lines(text)
  text = printable.text(text)
  if not text:find("[^\n\t\32-\126]") then return text end
  return (text:gsub("[%z\1-\8\11-\31\127]", escape_byte):gsub("[\128-\255]+", escape_run))
end

return printable
