---MD5 (RFC 1321) of short texts: Amplify shortens long subscription names with it. Arithmetic instead of bit operators,
---which Lua 5.1 has not and 5.4 writes differently.
local md5 = {}

local WORD = 4294967296

local SHIFTS = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } }

-- Applies a function of single bits to 32-bit words.
local function bitwise(fn, x, y, z)
  local out, unit = 0, 1
  for _ = 1, 32 do
    if fn(x % 2, y % 2, z % 2) == 1 then out = out + unit end
    x, y, z, unit = math.floor(x / 2), math.floor(y / 2), math.floor(z / 2), unit * 2
  end
  return out
end

local ROUNDS = {
  function(x, y, z) return x == 1 and y or z end,
  function(x, y, z) return z == 1 and x or y end,
  function(x, y, z) return (x + y + z) % 2 end,
  function(x, y, z) return (y + ((x == 1 or z == 0) and 1 or 0)) % 2 end,
}

local INDEX = {
  function(i) return i end,
  function(i) return (5 * i + 1) % 16 end,
  function(i) return (3 * i + 5) % 16 end,
  function(i) return (7 * i) % 16 end,
}

local function rotate(x, n)
  local high = 2 ^ (32 - n)
  return (x % high) * 2 ^ n + math.floor(x / high)
end

local function little_endian(text, at)
  local a, b, c, d = text:byte(at, at + 3)
  return a + b * 256 + c * 65536 + d * 16777216
end

local function add_block(state, text, at)
  local a, b, c, d = state[1], state[2], state[3], state[4]
  for i = 0, 63 do
    local round = math.floor(i / 16) + 1
    local constant = math.floor(math.abs(math.sin(i + 1)) * WORD)
    local word = little_endian(text, at + INDEX[round](i % 16) * 4)
    local sum = (a + bitwise(ROUNDS[round], b, c, d) + constant + word) % WORD
    a, d, c, b = d, c, b, (b + rotate(sum, SHIFTS[round][i % 4 + 1])) % WORD
  end
  for i, value in ipairs({ a, b, c, d }) do state[i] = (state[i] + value) % WORD end
end

local function word_bytes(value)
  local parts = {}
  for i = 1, 4 do
    parts[i] = value % 256
    value = math.floor(value / 256)
  end
  return parts
end

---The digest in hexadecimal.
---@param text string
---@return string
function md5.hex(text)
  local length = word_bytes(#text * 8)
  local padded = text .. "\128" .. ("\0"):rep((55 - #text) % 64) .. string.char(length[1], length[2], length[3], length[4])
    .. ("\0"):rep(4)
  local state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 }
  for at = 1, #padded, 64 do add_block(state, padded, at) end
  local out = {}
  for _, value in ipairs(state) do
    for _, byte in ipairs(word_bytes(value)) do out[#out + 1] = ("%02x"):format(byte) end
  end
  return table.concat(out)
end

return md5
