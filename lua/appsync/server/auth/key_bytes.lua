---Public keys and key files by their bytes, also where they begin in the middle or were cut.
local key_bytes = {}

-- The length of what a DER SEQUENCE says it holds, and of its head (X.690 section 8.1.3); nil for anything else.
local function der_length(bytes)
  local tag, length = bytes:byte(1, 2)
  if tag ~= 0x30 or not length then return nil end
  if length < 0x80 then return length, 2 end
  local n = length - 0x80
  if n < 1 or n > 3 or #bytes < 2 + n then return nil end
  local total = 0
  for i = 3, 2 + n do total = total * 256 + bytes:byte(i) end
  return total, 2 + n
end

-- What keys, certificates and PKCS #12 begin with inside: INTEGER, OBJECT IDENTIFIER, SEQUENCE, [0].
local FIRST_TAGS = { [0x02] = true, [0x06] = true, [0x30] = true, [0xA0] = true }

-- Whole, or a long one that was cut: random bytes seldom begin so.
local function is_der(bytes)
  local length, head = der_length(bytes)
  if not length or not FIRST_TAGS[bytes:byte(head + 1)] then return false end
  if length + head <= #bytes then return not bytes:find("%S", length + head + 1) end
  return head > 2 and #bytes >= 16
end

-- What stands in a key of each kind: object identifiers (RFC 3279 section 2.3, RFC 5480, RFC 8410), and 65537 as an INTEGER.
local PARTS = {
  "\6\9\42\134\72\134\247\13\1\1", "\6\7\42\134\72\206\61\2\1", "\6\7\42\134\72\206\56\4\1", "\6\3\43\101\112", "\6\3\43\101\113",
  "\2\3\1\0\1",
}

local function has_part(bytes)
  for _, part in ipairs(PARTS) do
    if bytes:find(part, 1, true) then return true end
  end
  return bytes:find("\48\130..\2\130..%z") ~= nil -- RSAPublicKey (RFC 8017 appendix A.1.1)
end

-- RFC 4253 section 6.6: the name's length, the name.
local function is_ssh(bytes)
  return bytes:find("%z%z%z[\7-\64]ssh%-") ~= nil or bytes:find("%z%z%z[\7-\64]ecdsa%-") ~= nil or bytes:find("%z%z%z[\7-\64]sk%-") ~= nil
    or bytes:find("^openssh%-key%-v1%z") ~= nil
end

-- A public or secret key, or a certificate's, of version 3 or 4 (RFC 9580 sections 4.2 and 5.5.2).
local function is_pgp(bytes)
  if bytes:find("^[\149\153][%z\1-\16].[\3-\6]....[\1-\25]")
    or bytes:find("^[\197\198][\192-\200].[\3-\6]....[\1-\25]") then
    return true
  end
  -- The length in one byte: another packet follows.
  local length = bytes:match("^[\148\152\197\198](.)[\3-\6]....[\1-\25]")
  local following = length and length:byte() >= 40 and #bytes >= 2 + length:byte() and (bytes:byte(3 + length:byte()) or 255)
  return following and following >= 128 or false
end

-- gzip, zip, xz, Zstandard, bzip2; JKS, JCEKS, a serialized Java object.
local MAGICS = { "\31\139\8", "PK\3\4", "\253\55zXZ", "\40\181\47\253", "BZh91AY", "\254\237\254\237", "\206\206\206\206", "\172\237\0\5" }

local function has_magic(bytes)
  for _, magic in ipairs(MAGICS) do
    if bytes:sub(1, #magic) == magic then return true end
  end
  return false
end

---UTF-16 of what is ASCII, with or without its mark.
---@param bytes string
---@return boolean
function key_bytes.is_utf16(bytes)
  local a, b = bytes:byte(1, 2)
  if (a == 0xFF and b == 0xFE) or (a == 0xFE and b == 0xFF) then return true end
  return bytes:find("^[^%z]%z[^%z]%z[^%z]%z[^%z]%z") ~= nil or bytes:find("^%z[^%z]%z[^%z]%z[^%z]%z[^%z]") ~= nil
end

---What kind of key or key file these bytes are: "DER", "SSH", "PGP", "archive", "UTF-16"; nil when they may be anything.
---@param bytes string
---@param is_middle boolean? they don't begin where a file would
---@return string?
function key_bytes.kind(bytes, is_middle)
  if is_ssh(bytes) then return "SSH" end
  if has_part(bytes) then return "DER" end
  if is_middle then return nil end
  if is_der(bytes) then return "DER" end
  if is_pgp(bytes) then return "PGP" end
  if has_magic(bytes) then return "archive" end
  return key_bytes.is_utf16(bytes) and #bytes >= 8 and bytes:find("%z") and "UTF-16" or nil
end

return key_bytes
