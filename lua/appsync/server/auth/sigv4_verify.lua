---Verifies AWS Signature Version 4 (AWS General Reference, "Create a signed AWS API request"). It works from what was
---received and shares no code with the client's signer, so that a client that signs wrongly is found out.
local core = require "appsync.core"
local parse_date = require "appsync.auth.date"
local query_string = require "appsync.server.http.query_string"

local sigv4_verify = {}

---How far a request's clock may be off.
sigv4_verify.max_skew_s = 300

local MISMATCH = "The request signature we calculated does not match the signature you provided. "
  .. "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

---Unix seconds of `YYYYMMDD'T'HHMMSS'Z'`, or nil.
---@param text string
---@return integer?
function sigv4_verify.parse_date(text)
  local y, mo, d, h, mi, s = text:match("^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z$")
  return y and (parse_date(("%s-%s-%sT%s:%s:%sZ"):format(y, mo, d, h, mi, s))) or nil
end

---@class appsync.server.Sigv4Parts
---@field access_key string
---@field day string
---@field region string
---@field service string
---@field signed_headers string
---@field signature string

---The parts of an Authorization header, or nil.
---@param text string
---@return appsync.server.Sigv4Parts?
function sigv4_verify.parse(text)
  local rest = text:match("^AWS4%-HMAC%-SHA256%s+(.*)$")
  if not rest then return nil end
  local fields = {}
  for part in rest:gmatch("[^,%s]+") do
    local name, value = part:match("^(%a+)=(.+)$")
    if name then
      fields[name] = value
    end
  end
  local access_key, day, region, service =
    (fields.Credential or ""):match("^([^/]+)/(%d%d%d%d%d%d%d%d)/([^/]+)/([^/]+)/aws4_request$")
  if not access_key or not fields.SignedHeaders or not (fields.Signature or ""):match("^%x+$") then
    return nil
  end
  return {
    access_key = access_key,
    day = day,
    region = region,
    service = service,
    signed_headers = fields.SignedHeaders,
    signature = fields.Signature:lower(),
  }
end

local function canonical_query(text)
  local items = {}
  for _, item in ipairs(query_string.list(text)) do
    items[#items + 1] = { query_string.escape(item.name), query_string.escape(item.value) }
  end
  table.sort(items, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[2] < b[2]
  end)
  for i, item in ipairs(items) do
    items[i] = item[1] .. "=" .. item[2]
  end
  return table.concat(items, "&")
end

---Every service but S3: the path as it was sent, encoded once more.
local function canonical_path(path)
  return (path:gsub("[^/]+", query_string.escape))
end

---@param request {method: string, path: string, query: string?, headers: table<string, string>, body: string}
---@param signed_headers string
---@return string? canonical, string? missing the signed header that wasn't sent
function sigv4_verify.canonical_request(request, signed_headers)
  local lines = {}
  for name in signed_headers:gmatch("[^;]+") do
    local value = request.headers[name]
    if not value then return nil, name end
    lines[#lines + 1] = name .. ":" .. value:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "") .. "\n"
  end
  return table.concat({
    request.method,
    canonical_path(request.path),
    canonical_query(request.query),
    table.concat(lines),
    signed_headers,
    core.sha256(request.body),
  }, "\n")
end

local function signing_key(secret, parts)
  local key = "AWS4" .. secret
  for _, step in ipairs({ parts.day, parts.region, parts.service, "aws4_request" }) do
    key = core.hmac_sha256(key, step)
  end
  return key
end

local function to_hex(bytes)
  return (bytes:gsub(".", function(char) return ("%02x"):format(char:byte()) end))
end

---The signature that these parts should carry.
---@return string? hexadecimal, string? missing
function sigv4_verify.signature(request, parts, date, secret)
  local canonical, missing = sigv4_verify.canonical_request(request, parts.signed_headers)
  if not canonical then return nil, missing end
  local scope = table.concat({ parts.day, parts.region, parts.service, "aws4_request" }, "/")
  local to_sign = table.concat({ "AWS4-HMAC-SHA256", date, scope, core.sha256(canonical) }, "\n")
  return to_hex(core.hmac_sha256(signing_key(secret, parts), to_sign))
end

local function refuse(kind, message)
  return nil, { status = 403, type = kind, message = message }
end

-- A name that is repeated would copy its header again and again.
local function find_repeated(signed_headers)
  local seen = {}
  for name in signed_headers:gmatch("[^;]+") do
    if seen[name] then return name end
    seen[name] = true
  end
end

local function check_date(parts, date, now)
  local time = date and sigv4_verify.parse_date(date)
  if not time or date:sub(1, 8) ~= parts.day then
    return "Date in Credential scope does not match the signature's date."
  elseif now - time > sigv4_verify.max_skew_s then
    return ("Signature expired: %s is now earlier than the server's time less 5 min."):format(date)
  elseif time - now > sigv4_verify.max_skew_s then
    return ("Signature not yet current: %s is still later than the server's time plus 5 min."):format(date)
  end
end

local UNKNOWN = "The security token included in the request is invalid."

---Temporary credentials are a key, a secret and a token that belong together, for a time (AWS IAM User Guide, "Using
---temporary credentials with AWS resources").
local function refusal_of_key(key, token, now)
  if not key or (key.session_token and core.sha256(key.session_token) ~= core.sha256(token or ""))
    or (key.is_permanent and token) then
    return "UnrecognizedClientException", UNKNOWN
  elseif key.expires_at and now >= key.expires_at then
    return "ExpiredTokenException", "The security token included in the request is expired"
  end
end

local function refusal_of_scope(parts, key)
  if parts.service ~= "appsync" then
    return "Credential should be scoped to correct service: 'appsync'."
  elseif key.region and parts.region ~= key.region then
    return ("Credential should be scoped to a valid region, not '%s'."):format(parts.region)
  elseif not (";" .. parts.signed_headers .. ";"):find(";host;", 1, true) then
    return "'Host' must be a 'SignedHeader' in the AWS Authorization."
  end
  local repeated = find_repeated(parts.signed_headers)
  return repeated and ("The signed header '%s' is named twice."):format(repeated)
end

---@class appsync.server.IamKey
---@field secret string
---@field session_token string? of temporary credentials: the request must carry it
---@field is_permanent boolean? a request that carries a session token is refused
---@field expires_at number? Unix seconds
---@field region string? the only one that a signature may be made for

---Checks one request; `keys` has what belongs to each access key.
---@param request {method: string, path: string, query: string?, headers: table<string, string>, body: string}
---@param keys table<string, appsync.server.IamKey>
---@param now number Unix seconds
---@return string? access_key, appsync.server.Refusal? refusal
function sigv4_verify.check(request, keys, now)
  local parts = sigv4_verify.parse(request.headers.authorization)
  if not parts then
    return refuse("IncompleteSignatureException", "The authorization header is not a complete AWS4 signature.")
  end
  local key = keys[parts.access_key]
  local kind, why = refusal_of_key(key, request.headers["x-amz-security-token"], now)
  if kind then return refuse(kind, why) end
  local wrong = refusal_of_scope(parts, key)
  if wrong then return refuse("InvalidSignatureException", wrong) end
  local date = request.headers["x-amz-date"]
  local fault = check_date(parts, date, now)
  if fault then return refuse("InvalidSignatureException", fault) end
  local expected, missing = sigv4_verify.signature(request, parts, date, key.secret)
  if not expected then
    return refuse("InvalidSignatureException", ("The signed header '%s' was not sent."):format(missing))
  elseif core.sha256(expected) ~= core.sha256(parts.signature) then
    return refuse("InvalidSignatureException", MISMATCH)
  end
  return parts.access_key
end

return sigv4_verify
