---AWS Signature Version 4 for any request: `appsync.sign`.
local aws_host = require "appsync.aws_host"
local call = require "appsync.call"
local core = require "appsync.core"
local credentials_of = require "appsync.auth.credentials"
local errors = require "appsync.errors"
local opts = require "appsync.opts"
local url = require "appsync.url"

---@class appsync.sign.Request
---@field url string absolute; or starting with "/" when `headers` has a host
---@field method string? default "GET"
---@field headers table<string, string>|string[][]? a table, or a list of {name, value}; an x-amz-date among them is the time of signing
---@field body string?

---@class appsync.sign.Options
---@field credentials appsync.auth.Credentials|appsync.auth.Provider|fun(): appsync.auth.Credentials?, any
---@field service string? default: from a host under amazonaws.com
---@field region string? default: from a host under amazonaws.com
---@field now number? Unix seconds; default: the clock
---@field query boolean? presigned: the signature goes into the URL
---@field expires number? seconds that a presigned URL is good for, 1 to 604800; default 900
---@field unsigned_payload boolean? the body isn't covered (S3 over TLS only)
---@field normalize_path boolean? dot segments and double slashes are removed first; default: true except for S3
---@field sign_body boolean? add x-amz-content-sha256; default: S3 only
---@field sign_security_token boolean? false: the session token is added after signing; default true
---@field on_result fun(signed: appsync.sign.Result?, err: appsync.Error?)? then a Task is returned at once

---@class appsync.sign.Result
---@field headers table the given headers and the added ones, in the form in which they were given; a table finds names in any
---case
---@field url string the request's, or the presigned one
---@field signature string
---@field canonical_request string
---@field string_to_sign string

local REQUEST = opts.schema {
  url = { "string" },
  method = { "string" },
  headers = { "table" },
  body = { "string" },
}

local OPTIONS = opts.schema {
  credentials = { "table", "callable", is_secret = true },
  service = { "string" },
  region = { "string" },
  now = { "number" },
  query = { "boolean" },
  expires = { "number" },
  unsigned_payload = { "boolean" },
  normalize_path = { "boolean" },
  sign_body = { "boolean" },
  sign_security_token = { "boolean" },
  on_result = { "callable" },
}

local SERVICES = { ["appsync-api"] = "appsync", ["appsync-realtime-api"] = "appsync" }

-- The common case costs one loop: our spelling, right types. All else is left to the schema, which explains.
local function checked(given, schema, what)
  if type(given) == "table" then
    local fields = schema.fields
    local is_plain = true
    for key, value in pairs(given) do
      local field = fields[key]
      if not field or field[1] ~= type(value) then
        is_plain = false
        break
      end
    end
    if is_plain then return given end
  elseif given == nil then
    errors.misuse("sign: %s must be a table, got nothing", what)
  end
  return opts.check(given, schema, "sign: " .. what)
end

-- "x.appsync-api.us-east-1.amazonaws.com" → "appsync", "us-east-1"; "bucket.s3.us-east-1.amazonaws.com" likewise.
local function from_host(text)
  local parts = url.parse(text:match("^%a[%w+.-]*://[^/?#]*") or "")
  local found = parts and aws_host.read(parts.host)
  if not found then return nil end
  return SERVICES[found.service] or found.service, found.region
end

local any_case = {
  __index = function(headers, wanted)
    if type(wanted) ~= "string" then return nil end
    wanted = wanted:lower()
    for name, value in next, headers do
      if name:lower() == wanted then return value end
    end
  end,
}

local function prepare(request, options, credentials)
  local service, region = options.service, options.region
  if not service or not region then
    local found_service, found_region = from_host(request.url)
    service, region = service or found_service, region or found_region
    if not service then errors.misuse("sign: service must be given: the host doesn't tell it") end
    if not region then errors.misuse("sign: region must be given: the host doesn't tell it") end
  end
  return {
    service = service,
    region = region,
    credentials = credentials,
    now = options.now or core.wall(),
    query = options.query,
    expires = options.expires,
    unsigned_payload = options.unsigned_payload,
    normalize_path = options.normalize_path,
    sign_body = options.sign_body,
    sign_security_token = options.sign_security_token,
  }
end

local function signed_by(request, options)
  local credentials, is_provided = options.credentials, false
  if type(credentials) ~= "table" or not credentials_of.is_plain(credentials) then
    local err
    credentials, err = credentials_of.resolve(credentials, "sign: options: credentials")
    if not credentials then return nil, err end
    is_provided = credentials_of.is_source(options.credentials)
    options = prepare(request, options, credentials)
  elseif not options.now or not options.service or not options.region then
    options = prepare(request, options, credentials)
  end
  local signed, err = core.sign(request, options)
  if not signed then
    if is_provided and err.code == "bad_credentials" then
      return credentials_of.fail("no_credentials", "the provider's answer isn't usable as credentials: " .. err.message)
    end
    if err.kind == "system" then return nil, errors.adopt(err) end
    if err.kind == "usage" and err.code ~= "crypto" then errors.misuse("sign: %s", err.message) end
    return nil, errors.new("auth", err.message, { code = err.code })
  end
  if signed.headers[1] == nil then setmetatable(signed.headers, any_case) end
  return signed
end

---Signs a request. It waits if getting the credentials does.
---```lua
---local keys = { access_key_id = "AKID", secret_access_key = "secret" }
---local signed = appsync.assert(appsync.sign(
---  { method = "POST", url = endpoint, headers = { ["content-type"] = "application/json" }, body = "{}" },
---  { service = "appsync", region = "us-east-1", credentials = keys }
---))
---print(signed.headers.authorization) --> AWS4-HMAC-SHA256 Credential=AKID/…
---```
---@param request appsync.sign.Request
---@param options appsync.sign.Options
---@return appsync.sign.Result? signed, appsync.Error? err when the credentials can't be had
local function sign(request, options)
  request = checked(request, REQUEST, "request")
  options = checked(options, OPTIONS, "options")
  if not request.url then errors.misuse("sign: request: url must be a string, got nothing") end
  return call.run(options, signed_by, request, options)
end

return sign
