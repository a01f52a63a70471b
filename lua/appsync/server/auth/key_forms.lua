--- The forms of keys that this server doesn't read, by what their files look like.
local core = require("appsync.core")

local key_forms = {}

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

-- Whole, or a long one that was cut: a secret seldom begins so.
local function is_der(bytes)
  local length, head = der_length(bytes)
  if not length then return false end
  return length + head == #bytes or (head > 2 and #bytes >= 64 and length + head > #bytes)
end

local function is_utf16(text)
  local a, b = text:byte(1, 2)
  if (a == 0xFF and b == 0xFE) or (a == 0xFE and b == 0xFF) then return true end
  local high, low = text:match("^(.)%z.%z.%z.%z"), text:match("^%z(.)%z.%z.%z.")
  return high ~= nil or low ~= nil
end

local function from_hex(text)
  return (text:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- Line breaks may be written as "\\n", as in a file of environment variables.
local function is_encoded_der(text)
  local bare = text:gsub("\\[nr]", ""):gsub("%s+", "")
  if #bare < 32 then return false end
  if bare:find("^%x+$") and is_der(from_hex(bare:sub(1, #bare - #bare % 2))) then return true end
  bare = bare:gsub("%-%-+[%u%-]*$", "") -- what is left of a last line
  if not bare:find("^[%w+/_-]+=*$") then return false end
  bare = bare:gsub("-", "+"):gsub("_", "/")
  -- What was cut may end in the middle of four letters.
  local bytes = core.unbase64(bare) or core.unbase64(bare:sub(1, #bare - #bare % 4))
  return bytes ~= nil and is_der(bytes)
end

local function looks_like(pattern)
  return function(text) return text:find(pattern) ~= nil end
end

local FORMS = {
  { "text in UTF-16; save it as UTF-8", is_utf16 },
  { "a key in DER; as PEM it is read: openssl pkey -pubin -inform DER -in FILE", is_der },
  { "an SSH key; as PEM it is read: ssh-keygen -e -m PKCS8 -f FILE", function(text)
    return text:find("^%s*ssh%-%w+%s") ~= nil or text:find("^%s*ecdsa%-sha2%-") ~= nil or text:find("^%s*sk%-%w+%-") ~= nil
      or text:find("BEGIN SSH2", 1, true) ~= nil
  end },
  { "PEM without its first line", function(text)
    local upper = text:upper()
    return upper:find("%-+%s*END%s+[%u%d ]*KEY") ~= nil or upper:find("%-+%s*END%s+[%u%d ]*CERTIFICATE") ~= nil
  end },
  { "PEM whose first line can't be read", function(text)
    local upper = text:upper()
    return upper:find("%-%s*BEGIN%s+[%u%d ]*KEY") ~= nil or upper:find("%-%s*BEGIN%s+[%u%d ]*CERTIFICATE") ~= nil
  end },
  { "a key in base64 or hexadecimal, or PEM without its first and last line", is_encoded_der },
  { "bytes that are no text; a secret of bytes is written as an oct JWK", function(text)
    return #text >= 64 and text:find("[%z\1-\8\11\12\14-\31\127]") ~= nil
  end },
  { "a JSON Web Key that can't be read", function(text) return text:find('"kty"', 1, true) ~= nil end },
  { "XML or HTML", looks_like("^%s*<[%a!?/]") },
  { "a token", looks_like("^%s*eyJ[%w_-]+%.[%w_-]+%.[%w_-]*%s*$") },
  { "an address; its file is expected", looks_like("^%s*https?://%S+%s*$") },
}

local function find(text)
  for _, form in ipairs(FORMS) do
    if form[2](text) then return form[1] end
  end
end

-- What editors and shells put before a text.
local function without_lead(text)
  local before
  repeat
    before = text
    text = text:gsub("^%s+", ""):gsub("^\239\187\191", ""):gsub("^\\[nr]", ""):gsub("^[\"']", "")
  until text == before
  return text
end

--- What a text looks like that is no secret, in words; nil when it may be one.
---@param text string
---@return string?
function key_forms.name(text)
  return find(text) or find(without_lead(text))
end

return key_forms
