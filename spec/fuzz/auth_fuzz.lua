-- Seeded mutation of everything that says who asks. Whatever the bytes are, nothing throws or takes long; and nobody is let
-- in but by the very key, token or signature that is good.
--   lua5.4 spec/fuzz/auth_fuzz.lua N=20000 SEED=1
local auth_file = require "appsync.server.auth.auth_file"
local authorize = require "appsync.server.auth.authorize"
local core = require "appsync.core"
local handshake = require "appsync.server.realtime.handshake"
local iam_policy = require "appsync.server.auth.iam_policy"
local jwt_keys = require "appsync.server.auth.jwt_keys"
local mutations = require "spec.support.mutations"
local redact = require "appsync.server.develop.redact"
local sigv4_verify = require "appsync.server.auth.sigv4_verify"

local SECONDS_PER_INPUT = 1
local NOW = 1700000000
local DATE = "20231114T221320Z"
local TOKENS = { "{", "}", "[", "]", ":", ",", '"', "\\", "null", "true", "1e999", "-1", "\\u0000", "\\ud83d", "\0", "\255", "*", "?", "**",
  ".", "..", "=", "/", ";", " ", "\t", "Bearer ", "AWS4-HMAC-SHA256 ", "Credential=", "SignedHeaders=", "Signature=", "host;host", "/aws4_request",
  '"alg":"none"', '"alg":"HS256"', '"exp":1e300', '"iss":', "eyJhbGciOiJub25lIn0", "arn:aws:appsync:", '"Effect":"Allow"', '"Action":"*"',
  "graphql-ws", "header-", "e30", "x-api-key", "authorization", "-----BEGIN PUBLIC KEY-----", "%s", "%", "%%1" }

local parameters = mutations.parameters(arg)
local random = mutations.random(parameters.SEED)

local function read(name)
  local file = assert(io.open(arg[0]:gsub("[^/\\]*$", "") .. "corpus/auth/" .. name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local FILES = { key = read "key.pem", jwks = read "jwks.json", auth = read "auth.json", token = read "rs256.jwt" }

local function part(value) return core.base64(core.encode(value), "url") end

local function hs256(claims)
  local signed = part { alg = "HS256" } .. "." .. part(claims)
  return signed .. "." .. core.base64(core.hmac_sha256("secret", signed), "url")
end

local HS256 = hs256 { iss = "https://i.example", sub = "s", aud = { "x" }, exp = NOW + 60 }
-- Good but for one thing: refused as they are, and whatever becomes of them.
local EXPIRED, STRANGE = hs256 { iss = "https://i.example", exp = NOW - 60 }, hs256 { iss = "https://j.example", exp = NOW + 60 }

local authorizer = assert(authorize.new {
  file = {
    api_keys = { { key = "the-api-key" }, { key = "ended", expires_at = NOW } },
    iam = { AKID = { key = { secret = "SECRET", is_permanent = true } },
      TEMP = { key = { secret = "OTHER", session_token = "the-session-token" } } },
    issuers = {
      { mode = "AMAZON_COGNITO_USER_POOLS", issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A", keys = assert(jwt_keys.read(FILES.key)),
        clients = { "app1" } },
      { mode = "OPENID_CONNECT", issuer = "https://i.example", keys = { { algorithm = "HS256", secret = "secret" } } },
    },
  },
  now = function() return NOW end, log = function() end,
})

-- What is signed stands first; the rest isn't.
local function signed_request(access_key, secret, token)
  local headers = { host = "localhost:1", ["content-type"] = "application/json", ["x-amz-date"] = DATE, ["x-amz-security-token"] = token }
  local names = "content-type;host;x-amz-date" .. (token and ";x-amz-security-token" or "")
  local request = { method = "POST", path = "/graphql", query = "a=1&b=%20", body = '{"query":"{ a }"}', headers = headers }
  local parts = { day = DATE:sub(1, 8), region = "us-east-1", service = "appsync", signed_headers = names }
  local signature = sigv4_verify.signature(request, parts, DATE, secret)
  headers.authorization = ("AWS4-HMAC-SHA256 Credential=%s/%s/us-east-1/appsync/aws4_request, SignedHeaders=%s, Signature=%s"):format(
    access_key, parts.day, names, signature)
  request.canonical = sigv4_verify.canonical_request(request, names)
  request.signature = signature
  return request
end

local SIGNED = { signed_request("AKID", "SECRET"), signed_request("TEMP", "OTHER", "the-session-token") }

local corpus = { HS256, FILES.token, FILES.auth, FILES.jwks, FILES.key, SIGNED[1].headers.authorization,
  core.encode { Version = "2012-10-17", Statement = { Effect = "Allow", Action = "*", Resource = "*" } },
  core.encode { host = "h", ["x-api-key"] = "the-api-key" }, "graphql-ws, header-" .. part { host = "h", authorization = HS256 } }

local mutate = mutations.new(random, corpus, TOKENS)

local function complain(what, input, problem)
  io.stderr:write(("SEED=%d: %s: %s\ninput: %q\n"):format(parameters.SEED, what, problem, input))
  os.exit(1)
end

local function check(headers, more)
  local request = { method = "POST", path = "/graphql", query = nil, body = "{}", headers = headers }
  for name, value in pairs(more or {}) do request[name] = value end
  return authorizer:check(request)
end

local function is_refusal(refusal)
  return type(refusal) == "table" and (refusal.status == 401 or refusal.status == 403) and type(refusal.type) == "string"
    and type(refusal.message) == "string" and #refusal.message < 1000
end

local SECRETS = { "the-session-token", "the-api-key", "SECRET", "OTHER" }

-- What is let in, or refused with a refusal that has no secret of ours in it.
local function judged(what, input, identity, refusal, is_good)
  if identity then
    if not is_good then complain(what, input, "was let in") end
    return true
  end
  if not is_refusal(refusal) then complain(what, input, "was refused without a proper refusal") end
  for _, secret in ipairs(SECRETS) do
    if refusal.message:find(secret, 1, true) and not input:find(secret, 1, true) then complain(what, input, "was told a secret") end
  end
  return false
end

local function has_signed_part(token, good)
  return (token:gsub("^[Bb]earer%s+", "")):match("^(.*)%.") == good:match("^(.*)%.")
end

-- A mutation can make one good thing of another.
local function carries(headers)
  local authorization = headers.authorization or ""
  return headers["x-api-key"] == "the-api-key" or has_signed_part(authorization, HS256) or has_signed_part(authorization, FILES.token)
end

local targets = {}

function targets.token(what)
  local base = ({ HS256, FILES.token, EXPIRED, STRANGE })[random(4) + 1]
  local text = mutate(base)
  local identity, refusal = check { authorization = text }
  return judged(what, text, identity, refusal, carries { authorization = text })
end

-- The claims are changed, the signature isn't.
function targets.claims(what)
  local head, body, signature = FILES.token:match("^(.-)%.(.-)%.(.*)$")
  local text = core.base64(mutate(core.unbase64(head, "url")), "url") .. "." .. core.base64(mutate(core.unbase64(body, "url")), "url") .. "." .. signature
  local identity, refusal = check { authorization = text }
  return judged(what, text, identity, refusal, has_signed_part(text, FILES.token))
end

function targets.api_key(what)
  local text = mutate("the-api-key")
  local identity, refusal = check { ["x-api-key"] = text, authorization = HS256 }
  return judged(what, text, identity, refusal, text == "the-api-key")
end

function targets.signature(what)
  local good = SIGNED[random(#SIGNED) + 1]
  local request = { headers = {} }
  for _, name in ipairs { "method", "path", "query", "body" } do
    request[name] = random(8) == 0 and mutate(good[name]) or good[name]
  end
  for name, value in pairs(good.headers) do request.headers[name] = random(3) == 0 and mutate(value) or value end
  local identity, refusal = check(request.headers, request)
  local parts = sigv4_verify.parse(request.headers.authorization or "")
  local is_good = parts and parts.signature == good.signature and request.headers["x-amz-date"] == DATE
    and sigv4_verify.canonical_request(request, parts.signed_headers) == good.canonical
  return judged(what, core.encode { core.base64(request.headers.authorization) }, identity, refusal, is_good or carries(request.headers))
end

function targets.handshake(what)
  local object = mutate(core.encode { host = "h", ["x-api-key"] = "the-api-key" })
  local protocols = "graphql-ws, header-" .. core.base64(object, "url")
  local event = { path = "/graphql/realtime", headers = { ["sec-websocket-protocol"] = random(2) == 0 and protocols or mutate(protocols) } }
  if random(4) == 0 then
    event = { path = mutate("/graphql/realtime"), query = mutate("header=" .. core.base64(object) .. "&payload=e30="),
      headers = { ["sec-websocket-protocol"] = "graphql-ws" } }
  end
  local hello = handshake.read(event)
  if not hello or hello.fault then return false end
  local identity, refusal = check(hello.headers)
  return judged(what, object, identity, refusal, carries(hello.headers))
end

function targets.keys(what)
  local text = mutate(random(2) == 0 and FILES.jwks or FILES.key)
  local keys, message = jwt_keys.read(text)
  if keys then return #keys > 0 or complain(what, text, "gave no keys") end
  return type(message) ~= "string" and complain(what, text, "gave no message")
end

function targets.file(what)
  local text = mutate(FILES.auth)
  local file, message = auth_file.read(text, function() return "secret" end)
  if file then return type(file.iam) == "table" and authorize.new { file = file, authorizer = function() end } ~= nil end
  if type(message) ~= "string" or message == "" then complain(what, text, "gave no message") end
  return false
end

function targets.policy(what)
  local text = mutate(corpus[7])
  local api = { region = "r", account_id = "a", api_id = "i" }
  local policy, message = iam_policy.read(core.decode(text), "policies", api)
  if not policy then return type(message) ~= "string" and complain(what, text, "gave no message") end
  local decision = policy:decision("Query", "a")
  if decision == "allow" and not policy:allows_something() then complain(what, text, "allows a field and nothing") end
  return decision == "allow"
end

function targets.message(what)
  local start = { type = "start", id = "1", payload = { data = '{"query":"{ a }"}', extensions = { authorization = { host = "h", ["x-api-key"] = "the-api-key" } } } }
  local text = mutate(core.encode(start))
  local shown = redact.message(text)
  if type(core.decode(text)) == "table" and type(core.decode(shown)) ~= "table" then complain(what, text, "became no message") end
  return shown ~= text
end

local names, counts = {}, {}
for name in pairs(targets) do names[#names + 1] = name end
table.sort(names)

for i = 1, parameters.N do
  local name = names[i % #names + 1]
  local start = os.clock()
  local ok, result = pcall(targets[name], name)
  if not ok then complain(name, "number " .. i, "threw " .. tostring(result)) end
  if os.clock() - start > SECONDS_PER_INPUT then complain(name, "number " .. i, "took too long") end
  if result then counts[name] = (counts[name] or 0) + 1 end
end

local parts = {}
for i, name in ipairs(names) do parts[i] = ("%s %d"):format(name, counts[name] or 0) end
print(("auth_fuzz: %d inputs, taken: %s, SEED=%d"):format(parameters.N, table.concat(parts, ", "), parameters.SEED))
