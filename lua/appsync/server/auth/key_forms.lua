---What may be an HS256 secret: one line of printable text that has no sign of a key or of a structured file, also behind
---base64 and hexadecimal. A public key in another form than those that are read must not become a secret.
local core = require "appsync.core"
local key_bytes = require "appsync.server.auth.key_bytes"

local key_forms = {}

-- An encoding in an encoding in an encoding.
local MAX_DEPTH = 3
-- Signs are looked for in so much of a text; one that is longer is no secret anyway.
local MAX_SEARCHED = 4096
-- What is shorter holds no key.
local MIN_RUN = 24
-- The smallest RSA modulus, 128 bytes, in base64; in the densest spelling that is printed, one of 256 bytes.
local MAX_BASE64, MAX_WORD = 170, 256

local SSH = { "an SSH key", "Convert it to PEM with `ssh-keygen -e -m PKCS8 -f FILE`." }
local DER = { "a key in DER", "Convert it to PEM with `openssl pkey -pubin -inform DER -in FILE`." }
local UTF16 = { "text in UTF-16", "Save it as UTF-8." }
local ENCODED = { "a key in base64 or hexadecimal, or PEM without its first and last line", "Add the lines of PEM." }
local NO_TEXT = { "bytes that are no printable text in UTF-8", "Write a secret of bytes as an oct JWK." }
local LINES = { "text of several lines", "Write a secret that has line breaks as an oct JWK." }
local LONG = { "text that is long enough for a key", "Write so long a secret as an oct JWK." }

-- The first or the last line of PEM, its dashes being there, others or none.
local function has_line(upper, border)
  local dashed, word = "%-%-%s*" .. border .. "[%w%s_]-", "%f[%a]" .. border .. "[%s_]+"
  local worded = word .. "%w*[%s_]*"
  return upper:find(dashed .. "KEY") or upper:find(dashed .. "CERTIFICATE") or upper:find(word .. "CERTIFICATE")
    or upper:find(worded .. "PUBLIC[%s_]+KEY") or upper:find(worded .. "PRIVATE[%s_]+KEY") or upper:find(worded .. "CERTIFICATE%-")
end

local function any_of(...)
  local patterns = { ... }
  return function(text)
    for _, pattern in ipairs(patterns) do
      if text:find(pattern) then return true end
    end
    return false
  end
end

-- The test gets the text, and the text in upper case.
local SIGNS = {
  { SSH, any_of("%f[%w]ssh%-", "ecdsa%-sha2", "%f[%w]sk%-ssh", "AAAAB3Nza", "AAAAE2Vj", "AAAAC3Nza", "AAAAGnNr", "AAAAInNr",
    "BEGIN SSH2") },
  { { "PEM without its first line" }, function(_, upper) return has_line(upper, "END") end },
  { { "PEM whose first line can't be read" }, function(_, upper)
    return has_line(upper, "BEGIN") or upper:find("PUBLIC KEY%-") or upper:find("PRIVATE KEY%-") or upper:find("CERTIFICATE%-%-")
  end },
  { { "a JSON Web Key that can't be read" }, any_of("%f[%w_]kty%f[^%w_]", '"keys"%s*:', '"x5c"') },
  { { "XML or HTML" }, any_of("^<[%a!?/]", "<%a[%w:]*>.*</%a") },
  { { "a key in words" }, function(_, upper)
    return upper:find("MODULUS", 1, true) or upper:find("PUBLIC%-KEY") or upper:find("EXPONENT", 1, true) or upper:find("PUTTY%-USER")
      or upper:find(("%x%x:"):rep(31))
  end },
  { { "JSON or another list" }, any_of("^[{%[]") },
  { { "a script" }, any_of("module%.exports", "export%s+default") },
  { { "a token" }, any_of("%f[%w]eyJ[%w_-]+%.[%w_-]+%.") },
  { { "an address", "Give the file itself." }, any_of("^%a[%w+.-]*://", "^data:%w", "^file:") },
}

-- What editors, shells and languages put before a text, or mark as a comment.
local function without_lead(text)
  local before
  repeat
    before = text
    text = text:gsub("^%s+", ""):gsub("^\239\187\191", ""):gsub("^\194\160", ""):gsub("^\226\128[\139-\143]", "")
      :gsub("^[\"'`#;=(]", ""):gsub("^//", ""):gsub("^%-%-%s", ""):gsub("^/%*", "")
  until text == before
  return text
end

-- Of URLs, JSON, C and HTML; line breaks as in a file of environment variables.
local function unescape(text)
  local function char(pair) return string.char(tonumber(pair, 16)) end
  return (text:gsub("\\u00(%x%x)", char):gsub("%%(%x%x)", char):gsub("&quot;", '"'):gsub("&#3[49];", '"'):gsub("\\[rn]", "\n")
    :gsub("\\([\"'/])", "%1"))
end

local function sign_of(text)
  local upper = text:upper()
  for _, sign in ipairs(SIGNS) do
    if sign[2](text, upper) then return sign[1] end
  end
end

local function each_base64(run, visit)
  run = run:gsub("-", "+"):gsub("_", "/")
  -- What was cut, or stands behind other letters, may begin and end in the middle of four.
  for from = 1, 4 do
    local bytes = core.unbase64(run:sub(from, from - 1 + math.floor((#run - from + 1) / 4) * 4))
    local found = bytes and visit(bytes, from > 1)
    if found then return found end
  end
end

local function each_hex(run, visit)
  for from = 1, 2 do
    local found = visit((run:sub(from):gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)), from > 1)
    if found then return found end
  end
end

local function each_decoding(text, visit)
  local digits = text:gsub("0x", ""):gsub("\\x", ""):gsub("[%s:,;\"'{}]", "")
  local found = #digits >= 2 * MIN_RUN and digits:find("^%x+$") and each_hex(digits, visit)
  if found then return found end
  local runs = { (text:gsub("[^%w+/_-]", "")) }
  for run in text:gmatch("[%w+/_-]+") do runs[#runs + 1] = run end
  for _, run in ipairs(runs) do
    found = #run >= MIN_RUN and each_base64(run, visit)
    local hex = run:match(("%x"):rep(2 * MIN_RUN) .. "%x*")
    found = found or (hex and each_hex(hex, visit))
    if found then return found end
  end
end

-- Random bytes don't begin with so many letters.
local function is_text(bytes) return #bytes >= 16 and not bytes:sub(1, 16):find("[^\t\r\n\32-\126]") end

local find

local function find_in_bytes(bytes, is_middle, depth)
  local kind = key_bytes.kind(bytes, is_middle)
  if kind == "SSH" then return SSH end
  if kind then return ENCODED end
  bytes = bytes:gsub("^\239\187\191", "")
  return depth < MAX_DEPTH and is_text(bytes) and find(bytes, depth + 1) or nil
end

function find(text, depth)
  local plain = unescape(text)
  return sign_of(text) or sign_of(without_lead(text)) or sign_of(without_lead(plain))
    or each_decoding(plain, function(bytes, is_middle) return find_in_bytes(bytes, is_middle, depth) end)
end

-- A row for each kind of bytes; what is left over is named as bytes.
local BY_KIND = { DER = DER, SSH = SSH, ["UTF-16"] = UTF16 }

local CONTROLS = _VERSION == "Lua 5.1" and "[%z\1-\31\127]" or "[\0-\31\127]"

-- What isn't seen: C1 and the no-break space and the soft hyphen; zero width, direction and separators; the byte order mark,
-- annotations, tags.
local UNSEEN = { "\194[\128-\160]", "\194\173", "\216\156", "\205\143", "\225\133[\159\160]", "\225\154\128", "\225\160\142",
  "\226\128[\128-\143]", "\226\128[\168-\175]",
  "\226\129[\159-\175]", "\239\187\191", "\239\184[\128-\143]", "\239\190\160", "\239\191[\176-\191]", "\243\160[\128-\135]" }

local function is_printable(line)
  if line:find(CONTROLS) then return false end
  if not line:find("[\128-\255]") then return true end
  for _, pattern in ipairs(UNSEEN) do
    if line:find(pattern) then return false end
  end
  return core.decode('"' .. line:gsub('["\\]', "") .. '"') ~= nil -- UTF-8
end

-- A modulus alone looks like nothing at all, but long.
local function is_long(line)
  for word in line:gmatch("[\33-\126]+") do
    if #word > MAX_WORD then return true end
  end
  for run in line:gmatch("[%w+/_=-]+") do
    if #run > MAX_BASE64 then return true end
  end
  local joined, n_words = line:gsub("%s+", "")
  if #joined <= MAX_BASE64 or joined:find("[^%w+/_=:,-]") then return false end
  return #joined / (n_words + 1) >= MIN_RUN or not joined:find("[^%x:,]")
end

---What a text is that is no secret, and what to do about it; nil when it may be one.
---@param text string without its last line break
---@return string? what
---@return string? remedy
function key_forms.name(text)
  local searched = text:sub(1, MAX_SEARCHED)
  local found = BY_KIND[key_bytes.kind(without_lead(text))] or (key_bytes.is_utf16(text) and UTF16) or find(searched, 0)
  if not found and text:find("[\r\n]") and is_printable((text:gsub("[\r\n\t]", ""))) then found = LINES end
  if not found and not is_printable(text) then found = NO_TEXT end
  if not found and is_long(text) then found = LONG end
  if found then return found[1], found[2] end
end

---What the bytes of a secret are that was written as one, when they are a public key or a file of it.
---@param secret string
---@return string? what
function key_forms.key_in(secret)
  local kind = key_bytes.kind(secret)
  if kind then return "a key in " .. kind end
  local upper = secret:sub(1, MAX_SEARCHED):upper()
  if upper:find("%-%-%s*BEGIN%s+[%u%d ]*KEY") or upper:find("%-%-%s*BEGIN%s+[%u%d ]*CERTIFICATE") then return "PEM" end
  return upper:find("^%s*SSH%-%w+%s+AAAA") and "an SSH key" or upper:find('"KTY"%s*:') and "a JSON Web Key" or nil
end

return key_forms
