-- Public keys in forms that files come in, one over the other, and then mutated. A public key never becomes an HS256 secret:
-- whoever has it could sign with it. Random secrets in base64 and hexadecimal stay secrets. Whatever the bytes are, nothing throws or takes long, and a refusal says why.
--   lua5.4 spec/fuzz/key_files_fuzz.lua N=20000 SEED=1
-- inputs a second: 1000
local core = require "appsync.core"
local jwt_keys = require "appsync.server.auth.jwt_keys"
local mutations = require "spec.support.mutations"

local SECONDS_PER_INPUT = 1
local TOKENS = { "\239\187\191", "\0", "-----BEGIN ", "-----END ", "PUBLIC KEY-----", "CERTIFICATE-----", "ssh-rsa ", "{", "}", "[", "]", '"', ":", ",",
  "=", "\n", "\r\n", " ", "\t", '"kty":"RSA"', '"kty":"oct"', '"k":"c2VjcmV0"', '"d":"AQ"', '"use":"enc"', "null", "\\n", "MII", "AAAAB3NzaC1yc2E" }

local parameters = mutations.parameters(arg)
local random = mutations.random(parameters.SEED)

local function read(name)
  local file = assert(io.open(arg[0]:gsub("[^/\\]*$", "") .. "corpus/auth/" .. name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local PEM = read "key.pem"
local DER = assert(core.unbase64((PEM:gsub("%-+[^-]+%-+", ""):gsub("%s", ""))))
local JWK = assert(core.decode(read "jwks.json")).keys[1]
local JWKS = core.encode { keys = { JWK } }

local function hex(bytes) return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end

local function lines(text) return (text:gsub(("."):rep(64), "%0\n")) end

-- A length before bytes, as SSH has it (RFC 4253 section 6.6).
local function ssh(bytes)
  local n = #bytes
  return string.char(math.floor(n / 16777216), math.floor(n / 65536) % 256, math.floor(n / 256) % 256, n % 256) .. bytes
end

local SSH = ssh "ssh-rsa" .. ssh(core.unbase64(JWK.e, "url")) .. ssh("\0" .. core.unbase64(JWK.n, "url"))

local function url(text) return core.base64(text, "url") end
local function colons(bytes) return (hex(bytes):gsub("%x%x", "%0:"):sub(1, -2)) end
local function utf16(text) return (text:gsub(".", "%0\0")) end
local function percent(text) return (text:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end)) end

local MODULUS = core.unbase64(JWK.n, "url")
local YAML = ("keys:\n  - kty: RSA\n    n: %s\n    e: %s\n"):format(JWK.n, JWK.e)
local WORDS = "Public-Key: (2048 bit)\nModulus:\n" .. ("00:" .. colons(MODULUS)):gsub(("."):rep(45), "    %0\n") .. "\nExponent: 65537 (0x10001)\n"

local FORMS = {
  PEM, JWKS, core.encode(JWK), core.encode { JWK }, DER, hex(DER), hex(DER):upper(), core.base64(DER), lines(core.base64(DER)), url(DER), colons(DER),
  DER:sub(25), core.base64(DER:sub(25)), YAML, WORDS, "RSA " .. WORDS, "Modulus=" .. hex(MODULUS):upper() .. "\n", hex(MODULUS), JWK.n,
  "ssh-rsa " .. core.base64(SSH) .. " somebody@somewhere", "---- BEGIN SSH2 PUBLIC KEY ----\n" .. lines(core.base64(SSH)) .. "\n---- END SSH2 PUBLIC KEY ----\n",
  'no-pty,command="ls" ssh-rsa ' .. core.base64(SSH), "host.example,10.0.0.1 ssh-rsa " .. core.base64(SSH), core.base64(SSH), SSH,
  (PEM:gsub("^.-\n", "")), (PEM:gsub("\n[^\n]+\n*$", "\n")), (PEM:gsub("%-+[^-]+%-+", "")), (PEM:gsub("PUBLIC KEY", "RSA PUBLIC KEY")), PEM:lower():sub(1, 20) .. PEM:sub(21),
  "\254\237\254\237\0\0\0\2\0\0\0\1" .. DER, "\153\1\13\4\94\1\2\3\1\8\0" .. MODULUS .. "\0\17\1\0\1", "\31\139\8\0\0\0\0\0\0\3" .. MODULUS,
}

local WRAPPINGS = {
  function(text) return "\239\187\191" .. text end,
  function(text) return "\255\254" .. utf16(text) end,
  function(text) return "\254\255\0" .. utf16(text):sub(1, -2) end,
  function(text) return (text:gsub("\n", "\r\n")) end,
  function(text) return (text:gsub("\n", "\\n")) end,
  function(text) return (text:gsub("\n", " ")) end,
  function(text) return (text:gsub("\n", "")) end,
  function(text) return (text:gsub("[^\n]+", "    %0")) end,
  function(text) return "\n\n" .. text .. "\n\n" end,
  function(text) return "// from the issuer\n" .. text end,
  function(text) return "# " .. text end,
  function(text) return "# from the issuer\n" .. text end,
  function(text) return "/* keys */ " .. text end,
  function(text) return "module.exports = " .. text .. ";" end,
  function(text) return "export KEY='" .. text .. "'" end,
  function(text) return "key: " .. text end,
  function(text) return "\194\160" .. text end,
  function(text) return "\226\128\139" .. text end,
  function(text) return '"' .. text:gsub('[\\"]', "\\%0"):gsub("\n", "\\n") .. '"' end,
  core.base64, url, hex, colons, percent,
  function(text) return lines(core.base64(text)) end,
  function(text) return text:sub(1, #text - random(math.min(#text, 40))) end,
}

local mutate = mutations.new(random, FORMS, TOKENS)

local function complain(input, problem)
  io.stderr:write(("SEED=%d: %s\ninput: %q\n"):format(parameters.SEED, problem, input))
  os.exit(1)
end

local function judge(text, may_be_secret)
  local start = os.clock()
  local ok, keys, message = pcall(jwt_keys.read, text)
  if not ok then complain(text, "threw " .. tostring(keys)) end
  if os.clock() - start > SECONDS_PER_INPUT then complain(text, "took too long") end
  if not keys then
    if type(message) ~= "string" or message == "" then complain(text, "was refused without a word") end
    return "refused"
  end
  if #keys == 0 then complain(text, "gave no keys") end
  local is_secret = false
  for _, key in ipairs(keys) do is_secret = is_secret or key.algorithm == "HS256" end
  if is_secret and not may_be_secret then complain(text, "became a secret") end
  return is_secret and "secret" or "read"
end

local function random_bytes(n)
  local bytes = {}
  for i = 1, n do bytes[i] = string.char(random(256)) end
  return table.concat(bytes)
end

local SIZES, SPELLINGS = { 16, 24, 32, 33, 48, 64 }, { core.base64, url, hex }

local function ordinary() return SPELLINGS[random(#SPELLINGS) + 1](random_bytes(SIZES[random(#SIZES) + 1])) end

local counts = { read = 0, refused = 0, secret = 0 }
for i = 1, parameters.N do
  local text = FORMS[random(#FORMS) + 1]
  local outcome
  if i % 3 == 0 then -- too little may be left of the key to be told
    outcome = judge(mutate(text), true)
  elseif i % 7 == 0 then
    text = ordinary()
    outcome = judge(text, true)
    if outcome ~= "secret" then complain(text, "is an ordinary secret") end
  else
    for _ = 1, random(3) do text = WRAPPINGS[random(#WRAPPINGS) + 1](text) end
    outcome = judge(text, false)
  end
  counts[outcome] = counts[outcome] + 1
end
print(("key_files_fuzz: %d inputs, read %d, refused %d, taken for a secret %d, SEED=%d"):format(
  parameters.N, counts.read, counts.refused, counts.secret, parameters.SEED))
