---Verifies JSON Web Tokens (RFC 7519) signed by HS256 or RS256 against given keys.
local core = require "appsync.core"
local native = require "appsync.server.native"

local jwt = {}

---The seconds that clocks may differ.
jwt.leeway_s = 5

---@param token string
---@return {header: table, claims: table, signed: string, signature: string}?
function jwt.parse(token)
  local head, body, signature = token:match("^([%w_%-]+)%.([%w_%-]+)%.([%w_%-]*)$")
  if not head then return nil end
  local head_text, body_text = core.unbase64(head, "url"), core.unbase64(body, "url")
  local raw_signature = core.unbase64(signature, "url")
  local header = head_text and core.decode(head_text, "safe")
  local claims = body_text and core.decode(body_text, "safe")
  if type(header) ~= "table" or type(claims) ~= "table" or not raw_signature then return nil end
  return { header = header, claims = claims, signed = head .. "." .. body, signature = raw_signature }
end

local function is_signed_by(parsed, key)
  if key.algorithm ~= parsed.header.alg then
    return false
  elseif key.kid and parsed.header.kid and key.kid ~= parsed.header.kid then
    return false
  elseif key.algorithm == "HS256" then
    if key.secret == "" then return false end
    -- Compared as digests of both, so that the time taken tells nothing of the bytes.
    return core.sha256(core.hmac_sha256(key.secret, parsed.signed)) == core.sha256(parsed.signature)
  end
  return native.rs256_verify(key.pem, parsed.signed, parsed.signature) == true
end

---What a token that no key signed is told, as is every token of an issuer that isn't known.
jwt.NOT_AUTHORIZED = "You are not authorized to make this call."
jwt.UNREADABLE = "Unable to parse JWT token."

---A NumericDate (RFC 7519 section 2): seconds since 1970. A number beyond what a double counts in seconds is none.
---@param value any
---@return number? seconds
function jwt.date(value)
  if type(value) ~= "number" or value ~= value or value >= 2 ^ 53 or value <= -2 ^ 53 then return nil end
  return value
end

local function check_claims(claims, now)
  local expires, begins = jwt.date(claims.exp), jwt.date(claims.nbf)
  if type(claims.iss) ~= "string" or claims.iss == "" then
    return jwt.UNREADABLE
  elseif not expires or now > expires + jwt.leeway_s then
    return "Token has expired."
  elseif claims.nbf ~= nil and (not begins or now < begins - jwt.leeway_s) then
    return "Token is not valid yet."
  end
end

---Whether one of the keys signed a parsed token.
---@param parsed table of `jwt.parse`
---@param keys appsync.server.JwtKey[]
---@return boolean
function jwt.is_signed(parsed, keys)
  for _, key in ipairs(keys) do
    if is_signed_by(parsed, key) then return true end
  end
  return false
end

---The claims of a parsed token that one of the keys signed, and that is valid now.
---@param parsed table of `jwt.parse`
---@param keys appsync.server.JwtKey[]
---@param now number Unix seconds
---@return table? claims, string? message
function jwt.claims(parsed, keys, now)
  -- Extensions that must be understood, and none is (RFC 7515 section 4.1.11).
  if parsed.header.crit ~= nil or not jwt.is_signed(parsed, keys) then
    return nil, jwt.NOT_AUTHORIZED
  end
  local fault = check_claims(parsed.claims, now)
  if fault then return nil, fault end
  return parsed.claims
end

return jwt
