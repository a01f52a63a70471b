--- Verifies JSON Web Tokens (RFC 7519) signed by HS256 or RS256 against given keys.
local core = require("appsync.core")
local listener = require("appsync.listener")

local jwt = {}

---@class appsync.server.JwtKey
---@field algorithm "HS256"|"RS256"
---@field kid string?
---@field secret string? HS256
---@field pem string? RS256

--- The seconds that clocks may differ.
jwt.leeway_s = 5

-- Of an RSA modulus and exponent together: less is no key, and what libcrypto verifies with is much smaller than the most.
local MIN_KEY_BYTES, MAX_KEY_BYTES = 65, 8192

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

--- SubjectPublicKeyInfo of an RSA key, as PEM text.
---@param modulus string bytes
---@param exponent string bytes
---@return string
function jwt.rsa_pem(modulus, exponent)
  local key = der(0x30, der_integer(modulus) .. der_integer(exponent))
  local info = core.base64(der(0x30, RSA_ALGORITHM .. der(0x03, "\0" .. key)))
  local lines = { "-----BEGIN PUBLIC KEY-----" }
  for at = 1, #info, 64 do
    lines[#lines + 1] = info:sub(at, at + 63)
  end
  lines[#lines + 1] = "-----END PUBLIC KEY-----\n"
  return table.concat(lines, "\n")
end

local function key_of_jwk(jwk)
  if type(jwk) ~= "table" then
    return nil
  elseif jwk.kty == "RSA" and type(jwk.n) == "string" and type(jwk.e) == "string" then
    local modulus, exponent = core.unbase64(jwk.n, "url"), core.unbase64(jwk.e, "url")
    local n_bytes = modulus and exponent and #modulus + #exponent
    if n_bytes and n_bytes >= MIN_KEY_BYTES and n_bytes <= MAX_KEY_BYTES then
      local pem = jwt.rsa_pem(modulus, exponent)
      local _, message = listener.rs256_verify(pem, "", "")
      return not message and { algorithm = "RS256", kid = jwk.kid, pem = pem } or nil
    end
  elseif jwk.kty == "oct" and type(jwk.k) == "string" then
    local secret = core.unbase64(jwk.k, "url")
    return secret and { algorithm = "HS256", kid = jwk.kid, secret = secret }
  end
end

--- Reads a key file: PEM (public key or certificate), JWKS or JWK JSON, or else the raw HS256 secret.
---@param text string
---@return appsync.server.JwtKey[]? keys, string? message
function jwt.read_keys(text)
  if text:find("-----BEGIN ", 1, true) then
    local _, message = listener.rs256_verify(text, "", "")
    if message then
      return nil, message
    end
    return { { algorithm = "RS256", pem = text } }
  end
  if text:match("^%s*{") then
    local document, why = core.decode(text)
    if type(document) ~= "table" then
      return nil, "the JSON can't be read: " .. tostring(why)
    end
    local keys = {}
    for _, jwk in ipairs(type(document.keys) == "table" and document.keys or { document }) do
      keys[#keys + 1] = key_of_jwk(jwk)
    end
    if #keys == 0 then
      return nil, "the JSON holds no RSA or oct key"
    end
    return keys
  end
  local secret = text:gsub("[\r\n]+$", "")
  if secret == "" then
    return nil, "the file is empty"
  end
  return { { algorithm = "HS256", secret = secret } }
end

---@param token string
---@return {header: table, claims: table, signed: string, signature: string}?
function jwt.parse(token)
  local head, body, signature = token:match("^([%w_%-]+)%.([%w_%-]+)%.([%w_%-]*)$")
  if not head then
    return nil
  end
  local head_text, body_text = core.unbase64(head, "url"), core.unbase64(body, "url")
  local raw_signature = core.unbase64(signature, "url")
  local header = head_text and core.decode(head_text)
  local claims = body_text and core.decode(body_text)
  if type(header) ~= "table" or type(claims) ~= "table" or not raw_signature then
    return nil
  end
  return { header = header, claims = claims, signed = head .. "." .. body, signature = raw_signature }
end

local function is_signed_by(parsed, key)
  if key.algorithm ~= parsed.header.alg then
    return false
  elseif key.kid and parsed.header.kid and key.kid ~= parsed.header.kid then
    return false
  elseif key.algorithm == "HS256" then
    -- Compared as digests of both, so that the time taken tells nothing of the bytes.
    return core.sha256(core.hmac_sha256(key.secret, parsed.signed)) == core.sha256(parsed.signature)
  end
  return listener.rs256_verify(key.pem, parsed.signed, parsed.signature) == true
end

--- What a token that no key signed is told, as is every token of an issuer that isn't known.
jwt.NOT_AUTHORIZED = "You are not authorized to make this call."
jwt.UNREADABLE = "Unable to parse JWT token."

local function check_claims(claims, now)
  if type(claims.iss) ~= "string" or claims.iss == "" then
    return jwt.UNREADABLE
  elseif type(claims.exp) ~= "number" or now > claims.exp + jwt.leeway_s then
    return "Token has expired."
  elseif claims.nbf ~= nil and (type(claims.nbf) ~= "number" or now < claims.nbf - jwt.leeway_s) then
    return "Token is not valid yet."
  end
end

--- Whether one of the keys signed a parsed token.
---@param parsed table of `jwt.parse`
---@param keys appsync.server.JwtKey[]
---@return boolean
function jwt.is_signed(parsed, keys)
  for _, key in ipairs(keys) do
    if is_signed_by(parsed, key) then
      return true
    end
  end
  return false
end

--- The claims of a parsed token that one of the keys signed, and that is valid now.
---@param parsed table of `jwt.parse`
---@param keys appsync.server.JwtKey[]
---@param now number Unix seconds
---@return table? claims, string? message
function jwt.claims(parsed, keys, now)
  if not jwt.is_signed(parsed, keys) then
    return nil, jwt.NOT_AUTHORIZED
  end
  local fault = check_claims(parsed.claims, now)
  if fault then
    return nil, fault
  end
  return parsed.claims
end

return jwt
