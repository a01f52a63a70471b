---The keys that tokens are verified with, from the text of a file: PEM, JSON Web Keys (RFC 7517), or an HS256 secret. What
---looks like a key and can't be read is never taken for a secret: whoever has a public key could sign with it.
local core = require "appsync.core"
local key_forms = require "appsync.server.auth.key_forms"
local native = require "appsync.server.native"

local jwt_keys = {}

---@class appsync.server.JwtKey
---@field algorithm "HS256"|"RS256"
---@field kid string?
---@field secret string? HS256
---@field pem string? RS256

---What a key file may hold, for messages.
jwt_keys.ACCEPTED = "Accepted are RSA public keys of 2048 bits or more (PEM, certificate, JWK, JWKS or a list of JWKs), oct JWKs, "
  .. "and an HS256 secret: one line of printable text."

-- Of an RSA modulus and exponent together: what libcrypto verifies with is much smaller.
local MAX_KEY_BYTES = 8192

local function der(tag, content)
  local n = #content
  local length
  if n < 128 then
    length = string.char(n)
  elseif n < 256 then
    length = string.char(0x81, n)
  else
    length = string.char(0x82, math.floor(n / 256), n % 256)
  end
  return string.char(tag) .. length .. content
end

local function der_integer(bytes)
  bytes = bytes:gsub("^%z+", "")
  if bytes == "" or bytes:byte() >= 0x80 then
    bytes = "\0" .. bytes
  end
  return der(0x02, bytes)
end

-- SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL } (RFC 3279 section 2.3.1)
local RSA_ALGORITHM = der(0x30, "\6\9\42\134\72\134\247\13\1\1\1\5\0")

---SubjectPublicKeyInfo of an RSA key, as PEM text.
---@param modulus string bytes
---@param exponent string bytes
---@return string
function jwt_keys.rsa_pem(modulus, exponent)
  local key = der(0x30, der_integer(modulus) .. der_integer(exponent))
  local info = core.base64(der(0x30, RSA_ALGORITHM .. der(0x03, "\0" .. key)))
  local lines = { "-----BEGIN PUBLIC KEY-----" }
  for at = 1, #info, 64 do
    lines[#lines + 1] = info:sub(at, at + 63)
  end
  lines[#lines + 1] = "-----END PUBLIC KEY-----\n"
  return table.concat(lines, "\n")
end

local function rsa_key(pem, kid)
  local _, message = native.rs256_verify(pem, "", "")
  if message then return nil, message end
  return { algorithm = "RS256", kid = kid, pem = pem }
end

local of_kind = {}

function of_kind.RSA(jwk)
  local modulus = type(jwk.n) == "string" and core.unbase64(jwk.n, "url")
  local exponent = type(jwk.e) == "string" and core.unbase64(jwk.e, "url")
  if not modulus or not exponent then return nil, "an RSA key needs n and e, in base64url" end
  if jwk.d ~= nil then return nil, "the private part of an RSA key, d, must not be there" end
  if #modulus + #exponent > MAX_KEY_BYTES then return nil, "the RSA key is too long" end
  return rsa_key(jwt_keys.rsa_pem(modulus, exponent), jwk.kid)
end

-- Whoever has a public key could sign with it, and anybody with an empty one.
local function fault_of_secret(secret)
  if secret == "" then return "is empty" end
  local found = key_forms.key_in(secret)
  return found and ("is %s, which others may have"):format(found) or nil
end

function of_kind.oct(jwk)
  local secret = type(jwk.k) == "string" and core.unbase64(jwk.k, "url")
  if not secret then return nil, "an oct key needs k, in base64url" end
  local fault = fault_of_secret(secret)
  if fault then return nil, "the secret of an oct key " .. fault end
  return { algorithm = "HS256", kid = jwk.kid, secret = secret }
end

local ALGORITHMS = { RSA = "RS256", oct = "HS256" }

-- RFC 7517 section 4: keys that are for something else.
local function fault_of(jwk)
  if type(jwk) ~= "table" then return "a JSON Web Key is an object" end
  local kind = jwk.kty
  if not ALGORITHMS[kind] then
    return type(kind) == "string" and ('a key of the type "%s" isn\'t one'):format(kind:sub(1, 20)) or "a JSON Web Key needs kty"
  elseif jwk.kid ~= nil and type(jwk.kid) ~= "string" then
    return "kid must be a text"
  elseif jwk.use ~= nil and jwk.use ~= "sig" then
    return 'a key is for "sig", not for another use'
  elseif jwk.alg ~= nil and jwk.alg ~= ALGORITHMS[kind] then
    return ("the algorithm of an %s key is %s"):format(kind, ALGORITHMS[kind])
  end
  local is_for_it = jwk.key_ops == nil
  for _, operation in ipairs(type(jwk.key_ops) == "table" and jwk.key_ops or {}) do
    is_for_it = is_for_it or operation == "verify"
  end
  return not is_for_it and 'key_ops has no "verify"' or nil
end

local function read_json(text)
  local document, err = core.decode(text)
  if type(document) ~= "table" then
    return nil, "the JSON can't be read: " .. (err and err.message or "it is neither an object nor a list")
  end
  local list = document
  if document.keys ~= nil then
    list = document.keys
    if type(list) ~= "table" then return nil, '"keys" must be a list of JSON Web Keys' end
  elseif not text:find("^%s*%[") then
    list = { document }
  end
  local keys, first_fault = {}, nil
  for _, jwk in ipairs(list) do
    local key, fault = nil, fault_of(jwk)
    if not fault then key, fault = of_kind[jwk.kty](jwk) end
    keys[#keys + 1] = key
    first_fault = first_fault or fault
  end
  if #keys > 0 then return keys end
  return nil, ("the JSON holds no RSA or oct key to verify with%s. %s"):format(
    first_fault and ": " .. first_fault or "", jwt_keys.ACCEPTED)
end

local function read_pem(text)
  -- A variable of the environment or a JSON file has brought it.
  if not text:find("\n", 1, true) then text = text:gsub("\\r?\\n", "\n"):gsub("\\n", "\n") end
  local keys = {}
  for label, body in text:gmatch("%-%-%-%-%-BEGIN ([^\r\n]-)%-%-%-%-%-(.-)%-%-%-%-%-END [^\r\n]-%-%-%-%-%-") do
    if label:find("PRIVATE KEY", 1, true) then
      return nil, "it is a private key; give the public one: openssl pkey -in FILE -pubout"
    end
    body = body:gsub("\n[ \t]+", "\n")
    local key, message = rsa_key(("-----BEGIN %s-----%s-----END %s-----\n"):format(label, body, label))
    if not key then return nil, ("the PEM block %s can't be used: %s. %s"):format(label, message, jwt_keys.ACCEPTED) end
    keys[#keys + 1] = key
  end
  if #keys > 0 then return keys end
  return nil, "the PEM text has no whole block. " .. jwt_keys.ACCEPTED
end

---What is wrong with a key that was given as a table.
---@param key appsync.server.JwtKey
---@return string? fault
function jwt_keys.fault(key)
  if type(key) ~= "table" then return "a key must be a table" end
  if key.kid ~= nil and type(key.kid) ~= "string" then return "kid must be a string" end
  if key.algorithm == "RS256" then
    if type(key.pem) ~= "string" then return "pem must be a string" end
    local _, message = native.rs256_verify(key.pem, "", "")
    return message
  elseif key.algorithm ~= "HS256" then
    return 'algorithm must be "HS256" or "RS256"'
  end
  if type(key.secret) ~= "string" then return "secret must be a string" end
  local fault = fault_of_secret(key.secret)
  return fault and "secret " .. fault or nil
end

---Reads the text of a key file.
---@param text string
---@return appsync.server.JwtKey[]? keys, string? message
function jwt_keys.read(text)
  text = text:gsub("^\239\187\191", "") -- a byte order mark
  if not text:find("[^%s]") then return nil, "the file is empty. " .. jwt_keys.ACCEPTED end
  if text:find("-----BEGIN ", 1, true) then return read_pem(text) end
  if text:find("^%s*[{%[]") then return read_json(text) end
  text = text:gsub("[\r\n]+$", "")
  local found, remedy = key_forms.name(text)
  if found then return nil, ("the file holds %s.%s %s"):format(found, remedy and " " .. remedy or "", jwt_keys.ACCEPTED) end
  return { { algorithm = "HS256", secret = text } }
end

return jwt_keys
