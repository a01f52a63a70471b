---Reads the object literal out of a JavaScript or JSON text: comments, single quotes, names without quotes, trailing
---commas. It reads literals only and never evaluates code.
local literal = {}

local MAX_DEPTH = 100

local WORDS = { ["true"] = true, ["false"] = false }
-- JavaScript's two empty values: the key counts as absent.
local EMPTY = { null = true, undefined = true }

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v", ["0"] = "\0" }

local function line_of(text, at)
  local _, n = text:sub(1, at - 1):gsub("\n", "")
  return n + 1
end

-- Errors inside are tables, so that they are told from this module's own mistakes.
local function fail(text, at, message)
  error({ literal = true, line = line_of(text, at), message = message }, 0)
end

---@return integer at the next character that is neither white space nor comment
local function skip(text, at)
  while true do
    at = text:find("[^%s]", at) or #text + 1
    local two = text:sub(at, at + 1)
    if two == "//" then
      at = text:find("\n", at, true) or #text + 1
    elseif two == "/*" then
      local _, stop = text:find("*/", at + 2, true)
      if not stop then fail(text, at, "a comment has no end") end
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
  if not hex then fail(text, at, "an escape is malformed") end
  local code = tonumber(hex, 16)
  if code >= 0xD800 and code < 0xDC00 then
    local low = text:match("^\\u([dD][c-fC-F]%x%x)", at + 4)
    if low then return 0x10000 + (code - 0xD800) * 1024 + tonumber(low, 16) - 0xDC00, at + 10 end
  end
  if code >= 0xD800 and code < 0xE000 then code = 0xFFFD end
  return code, at + 4
end

local function read_escape(text, at)
  local c = text:sub(at, at)
  if c == "u" then
    local code, stop = read_unicode(text, at + 1)
    return utf8_of(code), stop
  elseif c == "x" then
    local hex = text:match("^%x%x", at + 1)
    if not hex then fail(text, at, "an escape is malformed") end
    return utf8_of(tonumber(hex, 16)), at + 3
  elseif c == "\n" then
    return "", at + 1
  end
  return ESCAPES[c] or c, at + 1
end

local function read_string(text, at)
  local quote = text:sub(at, at)
  local stops = quote == "`" and "[`\\$]" or "[\n\\" .. quote .. "]"
  local parts, from = {}, at + 1
  while true do
    local stop = text:find(stops, from)
    local c = stop and text:sub(stop, stop)
    if not stop or c == "\n" then fail(text, at, "a string has no end") end
    parts[#parts + 1] = text:sub(from, stop - 1)
    if c == quote then return table.concat(parts), stop + 1 end
    if c == "$" then
      if text:sub(stop + 1, stop + 1) == "{" then fail(text, stop, "a template with an expression is no literal") end
      parts[#parts + 1], from = "$", stop + 1
    else
      parts[#parts + 1], from = read_escape(text, stop + 1)
    end
  end
end

local read_value

local function read_key(text, at)
  local c = text:sub(at, at)
  if c == '"' or c == "'" then return read_string(text, at) end
  local name, stop = text:match("^([%w_$]+)()", at)
  if not name then fail(text, at, "a property's name was expected") end
  return name, stop
end

-- After an element: where the next one begins, or where the end is.
local function next_element(text, at, close)
  at = skip(text, at)
  local c = text:sub(at, at)
  if c == "," then return skip(text, at + 1) end
  if c ~= close then fail(text, at, ("',' or '%s' was expected"):format(close)) end
  return at
end

local function read_object(text, at, depth)
  local object = {}
  at = skip(text, at + 1)
  while text:sub(at, at) ~= "}" do
    local key
    key, at = read_key(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then fail(text, at, ("':' was expected after the name %q"):format(key)) end
    object[key], at = read_value(text, skip(text, at + 1), depth)
    at = next_element(text, at, "}")
  end
  return object, at + 1
end

local function read_array(text, at, depth)
  local array = {}
  at = skip(text, at + 1)
  while text:sub(at, at) ~= "]" do
    local value
    value, at = read_value(text, at, depth)
    array[#array + 1] = value
    at = next_element(text, at, "]")
  end
  return array, at + 1
end

function read_value(text, at, depth)
  if depth > MAX_DEPTH then fail(text, at, "the nesting is too deep") end
  local c = text:sub(at, at)
  if c == "{" then return read_object(text, at, depth + 1) end
  if c == "[" then return read_array(text, at, depth + 1) end
  if c == '"' or c == "'" or c == "`" then return read_string(text, at) end
  local word, stop = text:match("^([+-]?[%w_$.]+)()", at)
  if word and EMPTY[word] then return nil, stop end
  if word and WORDS[word] ~= nil then return WORDS[word], stop end
  -- tonumber alone also takes "inf", "nan" and hexadecimal floats.
  if word and word:find("^[+-]?%.?%d") then
    local exponent, behind = text:match("^([+-]%d+)()", stop)
    if exponent and word:find("^[+-]?[%d.]+[eE]$") then word, stop = word .. exponent, behind end
    local number = tonumber((word:gsub("^%+", "")))
    if number then return number, stop end
  end
  if c == "" then fail(text, at, "the text ends inside a value") end
  -- Only what is plainly code is shown: a key whose quotes were forgotten stays out of the message.
  local code = word and word:match("^[%a_$][%w_$]*%.[%w_$.]+")
  fail(text, at, (code and code:sub(1, 40) or "an expression") .. " is no literal; code is never run")
end

-- The first brace that begins a value: at the start, or after "=", "(" or "default".
local function find_object(text)
  local at, before = skip(text, 1), "="
  while at <= #text do
    local c = text:sub(at, at)
    if c == "{" and (before == "=" or before == "(" or before == "default") then return at end
    if c == '"' or c == "'" or c == "`" then
      local _, stop = read_string(text, at)
      before, at = "string", skip(text, stop)
    else
      local word, stop = text:match("^([%w_$]+)()", at)
      before, at = word or c, skip(text, stop or at + 1)
    end
  end
  fail(text, 1, "there is no object literal")
end

---@param text string
---@return table? object, string? message with the line
function literal.read(text)
  local is_good, object = pcall(function()
    local at = find_object(text)
    return (read_value(text, at, 0))
  end)
  if is_good then return object end
  if type(object) ~= "table" or not object.literal then error(object, 0) end
  return nil, ("line %d: %s"):format(object.line, object.message)
end

return literal
