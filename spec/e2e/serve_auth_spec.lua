-- Who is let in, and what the others are told: each refusal over HTTP, at a WebSocket's connect, and at a start on it.
local auth_file = require("appsync.server.auth.auth_file")
local core = require("appsync.core")
local process = require("spec.support.process")
local server_module = require("appsync.server")
local ws_socket = require("spec.support.ws_socket")

local NOW = 1700000000
local POOL = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A"
local ALL = "@aws_api_key @aws_iam @aws_oidc @aws_lambda @aws_cognito_user_pools"
local SCHEMA = ([[
type Query { who: String ALL key: String @aws_api_key staff: String @aws_cognito_user_pools(cognito_groups: ["Staff"]) plain: String }
type Mutation { say(text: String): Said ALL }
type Said ALL { text: String secret: String }
type Subscription { said: Said @aws_subscribe(mutations: ["say"]) ALL keyed: Said @aws_subscribe(mutations: ["say"]) @aws_api_key }
]]):gsub("ALL", ALL)

local function policy(effect, what)
  return { Effect = effect, Action = "appsync:GraphQL", Resource = "arn:aws:appsync:us-east-1:111122223333:apis/abc/types/" .. what }
end

local NONE = setmetatable({}, core.array_mt)
local FILE = core.encode({
  region = "us-east-1", accountId = "111122223333", apiId = "abc", default = "API_KEY",
  apiKeys = { "good-key", { key = "old-key", expires = NOW } },
  roles = {
    auth = { arn = "arn:aws:iam::111122223333:role/auth", policies = { policy("Allow", "*"), policy("Deny", "Said/fields/secret") } },
    guest = { arn = "arn:aws:iam::111122223333:role/guest", policies = { policy("Allow", "Query/fields/who") } },
  },
  iam = {
    { accessKeyId = "AKUSER", secretAccessKey = "s1", username = "ann" },
    { accessKeyId = "ASAUTH", secretAccessKey = "s2", sessionToken = "t2", role = "auth", cognitoIdentityAuthType = "authenticated",
      cognitoIdentityId = "us-east-1:me", cognitoIdentityPoolId = "us-east-1:pool" },
    { accessKeyId = "ASGUEST", secretAccessKey = "s3", sessionToken = "t3", role = "guest", cognitoIdentityAuthType = "unauthenticated" },
    { accessKeyId = "ASOLD", secretAccessKey = "s4", sessionToken = "t4", expiration = NOW },
    { accessKeyId = "AKNONE", secretAccessKey = "s5", policies = NONE },
  },
  userPools = { { userPoolId = "us-east-1_A", appIdClientRegex = "app1", keys = "pool" } },
  oidc = { { issuer = "https://one.example", clientId = "web", keys = "one" }, { issuer = "https://two.example", keys = "two" } },
  lambda = { identityValidationExpression = "custom-.*" },
})

local function part(value) return core.base64(core.encode(value), "url") end

local function token(secret, claims)
  claims.exp = claims.exp or NOW + 60
  local signed = part({ alg = "HS256" }) .. "." .. part(claims)
  return signed .. "." .. core.base64(core.hmac_sha256(secret, signed), "url")
end

local server, clients, logged

local function pump() server:step(0) end

local function connect()
  local client = ws_socket.tcp(server.listener:port(), pump)
  clients[#clients + 1] = client
  return client
end

-- The headers of a signed request at this path with this body.
local function signing(key, secret, session, change)
  return function(path, body)
    local signed = assert(core.sign({ method = "POST", url = "http://127.0.0.1" .. path,
      headers = { ["content-type"] = "application/json; charset=UTF-8" }, body = body }, { service = "appsync", region = "us-east-1",
      credentials = { access_key_id = key, secret_access_key = secret, session_token = session }, now = NOW }))
    local headers = {}
    for name, value in pairs(signed.headers) do headers[name:lower()] = value end
    if change then change(headers) end
    return headers
  end
end

local function fixed(headers)
  return function() return headers end
end

local function bearing(text)
  return fixed({ authorization = text })
end

local function post(headers_of, query)
  local body = core.encode({ query = query })
  local response = connect():request({ headers = headers_of("/graphql", body), body = body })
  return response, core.decode(response.body)
end

local Realtime = {}
Realtime.__index = Realtime

local function realtime(headers)
  local socket = connect()
  local object = { host = "127.0.0.1" }
  for name, value in pairs(headers) do object[name] = value end
  local protocol = "graphql-ws, header-" .. core.base64(core.encode(object), "url")
  assert.equal(101, socket:handshake("/graphql/realtime", { ["Sec-WebSocket-Protocol"] = protocol }).status)
  socket:send_text('{"type":"connection_init"}')
  return setmetatable({ socket = socket }, Realtime)
end

function Realtime:take()
  repeat
    local frame = self.socket:frame()
    if not frame or frame.opcode ~= 1 then return nil end
    local message = core.decode(frame.payload)
    if message.type ~= "ka" then return message end
  until false
end

function Realtime:start(id, query, headers_of)
  local data = core.encode({ query = query })
  local authorization = { host = "127.0.0.1" }
  for name, value in pairs(headers_of("/graphql", data)) do authorization[name] = value end
  self.socket:send_text(core.encode({ type = "start", id = id,
    payload = { data = data, extensions = { authorization = authorization } } }))
  return self:take()
end

local seen

local RESOLVERS = {
  Subscription = { said = function(ctx) seen = ctx.identity and core.encode(ctx.identity) or "nobody" end },
  Query = {
    who = function(ctx) return ctx.identity and core.encode(ctx.identity) or "nobody" end,
    key = function() return "k" end, staff = function() return "s" end, plain = function() return "p" end,
  },
  Mutation = { say = function(ctx) return { text = ctx.args.text, secret = "x" } end },
}

local function authorizer(text)
  if text == "custom-broken" then error("no idea about " .. text) end
  return { isAuthorized = text ~= "custom-bad", resolverContext = { tenant = "acme" },
    deniedFields = text == "custom-some" and { "Query.who", "Subscription.said" } or nil }
end

describe("appsync serve lets in", function()
  before_each(function()
    clients, logged = {}, {}
    local file = assert(auth_file.read(FILE, function(name) return "secret-of-" .. name end))
    server = assert(server_module.new({ schema_text = SCHEMA, auth = file, resolvers = RESOLVERS, authorizer = authorizer,
      now = function() return NOW end, log = function(text) logged[#logged + 1] = text end }))
  end)

  after_each(function()
    for _, client in ipairs(clients) do client:close() end
    server:close()
  end)

  local KEY = fixed({ ["x-api-key"] = "good-key" })
  local STAFF = bearing(token("secret-of-pool", { iss = POOL, client_id = "app1", sub = "s", username = "ann", token_use = "access",
    ["cognito:groups"] = { "Staff" } }))
  local ID = bearing("Bearer " .. token("secret-of-pool", { iss = POOL, aud = "app1", sub = "s", ["cognito:username"] = "ann", token_use = "id" }))
  local OIDC = bearing(token("secret-of-two", { iss = "https://two.example", sub = "o" }))
  local USER, MEMBER, GUEST = signing("AKUSER", "s1"), signing("ASAUTH", "s2", "t2"), signing("ASGUEST", "s3", "t3")
  local LAMBDA = bearing("custom-good")

  -- who, their credentials, and something of ctx.identity
  for _, row in ipairs({
    { "the bearer of an API key", KEY, "nobody" }, { "a user by an access token", STAFF, '"username":"ann"' },
    { "a user by an id token", ID, '"defaultAuthStrategy":"ALLOW"' }, { "an OpenID Connect user", OIDC, '"issuer":"https://two.example"' },
    { "an IAM user", USER, '"userArn":"arn:aws:iam::111122223333:user/ann"' },
    { "an authenticated role", MEMBER, '"cognitoIdentityId":"us-east-1:me"' },
    { "an authorizer's caller", LAMBDA, '{"resolverContext":{"tenant":"acme"}}' },
  }) do
    it(("%s, over HTTP, at connect and at start"):format(row[1]), function()
      local response, body = post(row[2], "{ who }")
      assert.equal(200, response.status)
      assert.matches(row[3], body.data.who, 1, true)
      local client = realtime(row[2]("/graphql/connect", "{}"))
      assert.equal("connection_ack", client:take().type)
      seen = nil
      assert.equal("start_ack", client:start("1", "subscription { said { text } }", row[2]).type)
      assert.matches(row[3], seen, 1, true)
      if seen:find("sourceIp", 1, true) then assert.matches('"sourceIp":["127.0.0.1"]', seen, 1, true) end
      assert.same({}, logged)
    end)
  end

  local NO, UNREADABLE = "You are not authorized to make this call.", "Unable to parse JWT token."
  local UNKNOWN = "The security token included in the request is invalid."
  local REFUSED = "UnauthorizedException"
  local function pool(more, secret)
    local claims = { iss = POOL, client_id = "app1", sub = "s" }
    for name, value in pairs(more) do claims[name] = value end
    return bearing(token(secret or "secret-of-pool", claims))
  end

  -- who, their credentials, status, errorType, message (its beginning)
  for _, row in ipairs({
    { "nobody", fixed({}), 401, REFUSED, "Valid authorization header not provided." },
    { "an empty authorization", bearing(""), 401, REFUSED, "Valid authorization header not provided." },
    { "a wrong API key", fixed({ ["x-api-key"] = "bad" }), 401, REFUSED, NO },
    { "an API key that has ended", fixed({ ["x-api-key"] = "old-key" }), 401, REFUSED, NO },
    { "a wrong API key beside a good token", function() local h = { ["x-api-key"] = "bad" } h.authorization = STAFF().authorization return h end, 401, REFUSED, NO },
    { "a token of another key", pool({}, "secret-of-one"), 401, REFUSED, NO },
    { "a token of an issuer that isn't known", bearing(token("secret-of-one", { iss = "https://three.example" })), 401, REFUSED, NO },
    { "a token of another issuer's key", bearing(token("secret-of-one", { iss = "https://two.example" })), 401, REFUSED, NO },
    { "a token that has expired", pool({ exp = NOW - 60 }), 401, REFUSED, "Token has expired." },
    { "a token that isn't valid yet", pool({ nbf = NOW + 60 }), 401, REFUSED, "Token is not valid yet." },
    { "a token of another client", pool({ client_id = "app2" }), 401, REFUSED, NO },
    { "an OpenID Connect token of another client", bearing(token("secret-of-one", { iss = "https://one.example", aud = "x" })), 401, REFUSED, NO },
    { "a refresh token", pool({ token_use = "refresh" }), 401, REFUSED, NO },
    { "a token without an issuer", bearing(token("secret-of-pool", {})), 401, REFUSED, UNREADABLE },
    { "a text that is no token", bearing("nonsense"), 401, REFUSED, NO },
    { "a token that the authorizer refuses", bearing("custom-bad"), 401, REFUSED, NO },
    { "a token on which the authorizer fails", bearing("custom-broken"), 401, REFUSED, NO },
    { "an access key that isn't known", signing("AKNOBODY", "s1"), 403, "UnrecognizedClientException", UNKNOWN },
    { "a wrong secret", signing("AKUSER", "s9"), 403, "InvalidSignatureException", "The request signature we calculated does not match" },
    { "temporary credentials without their token", signing("ASAUTH", "s2"), 403, "UnrecognizedClientException", UNKNOWN },
    { "temporary credentials with another token", signing("ASAUTH", "s2", "t3"), 403, "UnrecognizedClientException", UNKNOWN },
    { "temporary credentials that have ended", signing("ASOLD", "s4", "t4"), 403, "ExpiredTokenException", "The security token included in the request is expired" },
    { "half a signature", bearing("AWS4-HMAC-SHA256 Credential=AKUSER/20231114/us-east-1/appsync/aws4_request"), 403, "IncompleteSignatureException", "" },
    { "a signature of another time", signing("AKUSER", "s1", nil, function(h) h["x-amz-date"] = "20200101T000000Z" end), 403, "InvalidSignatureException", "Date in Credential scope" },
    { "who has no permission at all", signing("AKNONE", "s5"), 401, REFUSED, "Permission denied" },
  }) do
    local name, headers_of, status, kind, message = row[1], row[2], row[3], row[4], row[5]

    local function told(err)
      assert.equal(kind, err.errorType)
      assert.equal(message, err.message:sub(1, #message))
      if message == "" then assert.is_true(#err.message > 0) end
      for _, text in ipairs(logged) do assert.is_nil(text:find("custom-", 1, true)) end
    end

    it(("not %s, over HTTP"):format(name), function()
      local response, body = post(headers_of, "{ who }")
      assert.equal(status, response.status)
      assert.equal(kind, response.headers["x-amzn-errortype"])
      assert.matches("application/json", response.headers["content-type"], 1, true)
      assert.is_nil(body.data)
      assert.equal(1, #body.errors)
      told(body.errors[1])
    end)

    it(("not %s, at connect"):format(name), function()
      local client = realtime(headers_of("/graphql/connect", "{}"))
      local answer = client:take()
      assert.equal("connection_error", answer.type)
      assert.equal(status, answer.payload.errors[1].errorCode)
      told(answer.payload.errors[1])
      assert.equal(8, client.socket:frame().opcode)
    end)

    it(("not %s, at start"):format(name), function()
      local client = realtime(KEY())
      assert.equal("connection_ack", client:take().type)
      local answer = client:start("7", "subscription { said { text } }", headers_of)
      assert.equal("error", answer.type)
      assert.equal("7", answer.id)
      told(answer.payload.errors[1])
      assert.equal("start_ack", client:start("8", "subscription { said { text } }", KEY).type)
    end)
  end

  -- what of a query, who asks, what is told of it; a field of another's is null, and the rest of the answer stands
  for _, row in ipairs({
    { "key", STAFF, "a user of a pool" }, { "key", USER, "an IAM user" }, { "plain", STAFF, "a user of a pool" },
    { "plain", LAMBDA, "an authorizer's caller" }, { "staff", ID, "a user of no group" }, { "staff", KEY, "an API key" },
    { "staff", OIDC, "an OpenID Connect user" },
  }) do
    it(("not %s to the field %s"):format(row[3], row[1]), function()
      local response, body = post(row[2], ("{ __typename %s }"):format(row[1]))
      assert.equal(200, response.status)
      assert.same({ __typename = "Query", [row[1]] = core.null }, body.data)
      assert.equal("Unauthorized", body.errors[1].errorType)
      assert.equal(("Not Authorized to access %s on type Query"):format(row[1]), body.errors[1].message)
      assert.same({ row[1] }, { body.errors[1].path[1] })
    end)
  end

  it("those of a group to its field", function()
    local _, body = post(STAFF, "{ staff }")
    assert.same({ data = { staff = "s" } }, body)
  end)

  it("a role to what its policy allows", function()
    local _, body = post(GUEST, "{ who key }")
    assert.matches('"cognitoIdentityAuthType":"unauthenticated"', body.data.who, 1, true)
    assert.equal("Not Authorized to access key on type Query", body.errors[1].message)
    _, body = post(GUEST, "mutation { say { text } }")
    assert.same({ say = core.null }, body.data)
    assert.equal("Not Authorized to access say on type Mutation", body.errors[1].message)
    _, body = post(MEMBER, 'mutation { say(text: "t") { text secret } }')
    assert.same({ say = { text = "t", secret = core.null } }, body.data)
    assert.equal("Not Authorized to access secret on type Said", body.errors[1].message)
  end)

  it("nobody to a subscription that isn't theirs", function()
    local client = realtime(KEY())
    client:take()
    for id, row in ipairs({ { STAFF, "keyed" }, { GUEST, "said" }, { bearing("custom-some"), "said" } }) do
      local answer = client:start(tostring(id), ("subscription { %s { text } }"):format(row[2]), row[1])
      assert.equal("error", answer.type)
      assert.equal("Unauthorized", answer.payload.errors[1].errorType)
      assert.equal(("Not Authorized to access %s on type Subscription"):format(row[2]), answer.payload.errors[1].message)
    end
  end)

  it("an authorizer's caller, but not to the fields that it denied", function()
    local _, body = post(bearing("custom-some"), "{ __typename who }")
    assert.same({ __typename = "Query", who = core.null }, body.data)
    assert.equal("Not Authorized to access who on type Query", body.errors[1].message)
  end)
end)

describe("appsync serve --auth", function()
  teardown(process.stop_all)

  local function write(value)
    return process.file(type(value) == "string" and value or core.encode(value), ".json")
  end

  local schema

  setup(function() schema = process.file("type Query { one: Int }", ".graphql") end)

  local function run(words)
    local pipe = assert(io.popen("timeout 20 bin/appsync serve " .. schema .. " " .. words .. " 2>&1; echo status=$?"))
    local text = pipe:read("*a")
    pipe:close()
    return text:match("^(.*)status=(%d+)%s*$")
  end

  it("reads keys that stand beside it, and prints none of them", function()
    local keys = process.file("a-secret", ".txt")
    local file = write({ apiKeys = { "hidden-key" }, oidc = { { issuer = "https://i.example", keys = keys:match("[^/]*$") } } })
    local first, handle = process.start({ "bin/appsync", "serve", schema, "--trace", "--auth", file })
    assert.matches("^READY http://%S+ ws://%S+$", first)
    local port = tonumber(first:match(":(%d+)/graphql"))
    local client = ws_socket.tcp(port, function() end)
    assert.equal(200, client:request({ headers = { ["x-api-key"] = "hidden-key" }, body = '{"query":"{ one }"}' }).status)
    assert.equal(401, client:request({ headers = { ["x-api-key"] = "other" }, body = '{"query":"{ one }"}' }).status)
    client:close()
    process.stop(handle)
    assert.is_nil(process.read(handle.log):find("hidden-key", 1, true))
  end)

  it("refuses what it doesn't know by name", function()
    local file = write({ apiKey = { "hidden-key" } })
    local text, status = run("--auth " .. file)
    assert.equal("1", status)
    assert.equal(("appsync serve: %s: unknown key \"apiKey\"; did you mean \"apiKeys\"?\n"):format(file), text)
    text, status = run("--auth /nowhere.json")
    assert.equal("1", status)
    assert.matches("/nowhere.json", text, 1, true)
    text, status = run("--auth " .. write({ oidc = { { issuer = "i", keys = "not-there.pem" } } }))
    assert.equal("1", status)
    assert.matches("oidc[1].keys: ", text, 1, true)
    assert.matches("not-there.pem", text, 1, true)
    text, status = run("--auth " .. write({ default = "AWS_IAM", apiKeys = { "k" } }))
    assert.equal("1", status)
    assert.equal("appsync serve: the default authorization mode AWS_IAM isn't enabled\n", text)
  end)
end)
