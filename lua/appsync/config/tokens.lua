---The words of a JavaScript, TypeScript, Dart or JSON text, as far as telling code from literals needs them.
local tokens = {}

---@param text string
---@param at integer
---@return integer
function tokens.line_of(text, at)
  local _, n = text:sub(1, at - 1):gsub("\n", "")
  return n + 1
end

---Raises what `literal.read` and its siblings turn into a message; a table, so that it is told from their own mistakes.
function tokens.fail(text, at, message)
  error({ literal = true, line = tokens.line_of(text, at), message = message }, 0)
end

---@return integer at the next character that is neither white space nor comment
function tokens.skip(text, at)
  while true do
    at = text:find("[^%s]", at) or #text + 1
    local two = text:sub(at, at + 1)
    if two == "//" then
      at = text:find("\n", at, true) or #text + 1
    elseif two == "/*" then
      local _, stop = text:find("*/", at + 2, true)
      if not stop then tokens.fail(text, at, "a comment has no end") end
      at = stop + 1
    elseif text:sub(at, at + 2) == "\239\187\191" then
      at = at + 3
    else
      return at
    end
  end
end

local function utf8_of(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
  if code < 0x10000 then
    return string.char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
  end
  return string.char(0xF0 + math.floor(code / 262144), 0x80 + math.floor(code / 4096) % 64,
    0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

-- After "\u": a code point and where it ends. Two escapes can be one character.
local function read_unicode(text, at)
  local braced, stop = text:match("^{(%x+)}()", at)
  if braced and #braced <= 6 and tonumber(braced, 16) <= 0x10FFFF then return tonumber(braced, 16), stop end
  local hex = text:match("^%x%x%x%x", at)
  if not hex then tokens.fail(text, at, "an escape is malformed") end
  local code = tonumber(hex, 16)
  if code >= 0xD800 and code < 0xDC00 then
    local low = text:match("^\\u([dD][c-fC-F]%x%x)", at + 4)
    if low then return 0x10000 + (code - 0xD800) * 1024 + tonumber(low, 16) - 0xDC00, at + 10 end
  end
  if code >= 0xD800 and code < 0xE000 then code = 0xFFFD end
  return code, at + 4
end

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v", ["0"] = "\0" }

---@param at integer behind the backslash
---@return string value, integer stop
function tokens.read_escape(text, at)
  local c = text:sub(at, at)
  if c == "u" then
    local code, stop = read_unicode(text, at + 1)
    return utf8_of(code), stop
  elseif c == "x" then
    local hex = text:match("^%x%x", at + 1)
    if not hex then tokens.fail(text, at, "an escape is malformed") end
    return utf8_of(tonumber(hex, 16)), at + 3
  elseif c == "\n" then
    return "", at + 1
  end
  return ESCAPES[c] or c, at + 1
end

-- Dart: three quotes, over several lines; behind an "r" without escapes.
local function read_long(text, at, quotes, is_raw)
  local stop = text:find(quotes, at + 3, true)
  if not stop then tokens.fail(text, at, "a string has no end") end
  local inside = text:sub(at + 3, stop - 1)
  if is_raw or not inside:find("\\", 1, true) then return inside, stop + 3 end
  local parts, from = {}, 1
  while true do
    local slash = inside:find("\\", from, true)
    parts[#parts + 1] = inside:sub(from, (slash or 0) - 1)
    if not slash then return table.concat(parts), stop + 3 end
    parts[#parts + 1], from = tokens.read_escape(inside, slash + 1)
  end
end

---A string in single or double quotes.
---@return string value, integer stop
function tokens.read_string(text, at)
  local is_raw = text:sub(at, at) == "r"
  if is_raw then at = at + 1 end
  local quote = text:sub(at, at)
  if text:sub(at + 1, at + 2) == quote .. quote then
    return read_long(text, at, quote .. quote .. quote, is_raw)
  end
  local stops = "[\n\\" .. quote .. "]"
  local parts, from = {}, at + 1
  while true do
    local stop = text:find(stops, from)
    local c = stop and text:sub(stop, stop)
    if not stop or c == "\n" then tokens.fail(text, at, "a string has no end") end
    parts[#parts + 1] = text:sub(from, stop - 1)
    if c == quote then return table.concat(parts), stop + 1 end
    parts[#parts + 1], from = tokens.read_escape(text, stop + 1)
  end
end

local MAX_DEPTH = 100

local CLOSE = { ["{"] = "}", ["["] = "]", ["("] = ")" }
local BRACKETS = { ["}"] = true, ["]"] = true, [")"] = true }
-- A slash behind these divides; behind anything else it begins a regular expression.
local ENDS_VALUE = "[%w_$%)%]}\"'`]"

-- A regular expression, up to its flags; nil: the slash divides.
local function skip_regex(text, at, before)
  if before and before:find(ENDS_VALUE) and before ~= "return" then return nil end
  local is_class, stop = false, at + 1
  while true do
    local c = text:sub(stop, stop)
    if c == "" or c == "\n" then return nil end
    if c == "\\" then
      stop = stop + 1
    elseif c == "[" then
      is_class = true
    elseif c == "]" then
      is_class = false
    elseif c == "/" and not is_class then
      return stop + 1
    end
    stop = stop + 1
  end
end

-- A template with what is computed in it.
local function skip_template(text, at, depth)
  local from = at + 1
  while true do
    local stop = text:find("[`\\$]", from)
    local c = stop and text:sub(stop, stop)
    if not stop then tokens.fail(text, at, "a string has no end") end
    if c == "`" then return stop + 1 end
    if c == "\\" then
      from = stop + 2
    elseif text:sub(stop + 1, stop + 1) == "{" then
      from = tokens.skip_group(text, stop + 1, depth + 1)
    else
      from = stop + 1
    end
  end
end

---One word, string, regular expression or character.
---@param before string? the token before: it tells a regular expression from a division
---@param depth integer? of templates inside each other
---@return string token its first character unless it is a word, integer stop
function tokens.next(text, at, before, depth)
  local word, stop = text:match("^([%w_$]+)()", at)
  if word then return word, stop end
  local c = text:sub(at, at)
  if c == '"' or c == "'" then
    local _, behind = tokens.read_string(text, at)
    return c, behind
  elseif c == "`" then
    return c, skip_template(text, at, depth or 0)
  elseif c == "/" then
    return c, skip_regex(text, at, before) or at + 1
  end
  return c, at + 1
end

---@param at integer at an opening bracket
---@param depth integer? of templates inside each other
---@return integer stop behind the closing one
function tokens.skip_group(text, at, depth)
  local open, before, stop = {}, nil, at
  local where = at
  if (depth or 0) > MAX_DEPTH then tokens.fail(text, at, "the nesting is too deep") end
  repeat
    at = tokens.skip(text, stop)
    if at > #text then tokens.fail(text, where, "a bracket has no end") end
    before, stop = tokens.next(text, at, before, depth)
    if CLOSE[before] then
      open[#open + 1] = CLOSE[before]
    elseif BRACKETS[before] and table.remove(open) ~= before then
      tokens.fail(text, at, "a bracket is closed by one of another kind")
    end
  until #open == 0
  return stop
end

-- Where one of these begins a line, the statement before has ended without a semicolon.
local STATEMENTS = { const = true, let = true, var = true, export = true, module = true, exports = true, import = true,
  ["function"] = true, class = true, interface = true, type = true, declare = true, async = true }

---@param at integer in front of a token
---@param from integer behind the token before
---@return boolean whether a statement ends between the two
function tokens.ends_statement(text, from, at)
  if not text:sub(from, at - 1):find("\n", 1, true) then return false end
  return STATEMENTS[text:match("^[%a_$]+", at) or ""] == true
end

---@param before string? the token before
---@return integer stop where the expression ends: at a comma, a semicolon, a closing bracket or the next statement
function tokens.skip_expression(text, at, before)
  local stop = at
  while true do
    at = tokens.skip(text, stop)
    local c = text:sub(at, at)
    if c == "" or c == "," or c == ";" or BRACKETS[c] or tokens.ends_statement(text, stop, at) then return stop end
    if CLOSE[c] then
      before, stop = CLOSE[c], tokens.skip_group(text, at)
    else
      before, stop = tokens.next(text, at, before)
    end
  end
end

return tokens
