---Text that somebody else wrote as part of one line that people read: a message, a log line. As csrc/base/printable.c.
local CONTROL = _VERSION == "Lua 5.1" and "[%z\1-\31\127]" or "[\0-\31\127]"
local SUSPECT = _VERSION == "Lua 5.1" and "[%z\1-\31\127-\255]" or "[\0-\31\127-\255]"

-- What isn't shown, by first and last code point: C1, the Arabic letter mark, marks of direction, separators,
-- embeddings, isolates and deprecated format characters, the byte order mark, annotations.
local HIDDEN = {
  { 0x80, 0x9f }, { 0x61c, 0x61c }, { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x206f }, { 0xfeff, 0xfeff },
  { 0xfff9, 0xfffb },
}

-- Sequences of UTF-8 (Unicode 15, table 3-7): the first byte's range, the second's, how many bytes there are.
local SEQUENCES = {
  { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
  { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
  { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
}

---@return integer? n bytes of the sequence at that place; nil when it is malformed
local function sequence(text, at)
  local first, second = text:byte(at, at + 1)
  for _, row in ipairs(SEQUENCES) do
    if first >= row[1] and first <= row[2] then
      local n = row[5]
      if not second or second < row[3] or second > row[4] then return nil end
      if n > 2 and not text:find("^[\128-\191]", at + 2) then return nil end
      if n > 3 and not text:find("^[\128-\191]", at + 3) then return nil end
      return n
    end
  end
end

local function is_hidden(text, at, n)
  if n > 3 then return false end
  local a, b, c = text:byte(at, at + n - 1)
  local code_point = n == 2 and a % 32 * 64 + b % 64 or a % 16 * 4096 + b % 64 * 64 + (c or 0) % 64
  for _, range in ipairs(HIDDEN) do
    if code_point >= range[1] and code_point <= range[2] then return true end
  end
  return false
end

---Replaces by "?" control characters, line breaks, what sets the direction of text, and bytes that are not UTF-8.
---@param text string
---@return string
local function printable(text)
  if not text:find(SUSPECT) then return text end
  text = text:gsub(CONTROL, "?")
  local pieces, from, at = {}, 1, 1
  while true do
    at = text:find("[\128-\255]", at)
    if not at then break end
    local n = sequence(text, at)
    if not n or is_hidden(text, at, n) then
      pieces[#pieces + 1] = text:sub(from, at - 1)
      from = at + (n or 1)
    end
    at = at + (n or 1)
  end
  pieces[#pieces + 1] = text:sub(from)
  return table.concat(pieces, "?")
end

return printable
