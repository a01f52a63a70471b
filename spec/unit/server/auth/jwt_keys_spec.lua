-- Files of keys in the forms in which people have them: read, or refused with what was found; never a secret by mistake.
local core = require("appsync.core")
local jwt_keys = require("appsync.server.auth.jwt_keys")
local tokens = require("spec.support.tokens")

-- Made with openssl; the private keys were thrown away.
local PEM = tokens.PUBLIC
local EC = [[
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqAFXp9v90Pb9mug92d60lV3Q0WaS
waM3R5UM93rQORpJibj8aOgD6/nUwyFI6+JLlVNFo5qSfPv938XUixpUHA==
-----END PUBLIC KEY-----
]]
local SHORT = [[
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDhFSg9x/FurAh60OjWXJ4xAPtS
q9rm373E2TJyVJzyyR22TFS1i90giqwPKCWHnyXGwO3+iylu/mnBHWz5eK/TRS7J
Qx/SdSnkmd3p1sSw1MKjZQMSqtbZ1XbeB5D9uu7kqQFM3gJnld4g/YG0dFYiKVG4
gYUmyo/Zub/lFkDJDQIDAQAB
-----END PUBLIC KEY-----
]]
local BODY = PEM:gsub("%-%-%-%-%-[^\n]*\n", "")
local DER = core.unbase64((BODY:gsub("%s", "")))
-- Where the modulus stands in the key.
local N = core.base64(DER:sub(34, 289), "url")

local function jwk(changes)
  local key = { kty = "RSA", kid = "k1", n = N, e = "AQAB" }
  for name, value in pairs(changes or {}) do key[name] = value or nil end
  return key
end

local function utf16(text) return "\255\254" .. text:gsub(".", "%0\0") end

local function hex(bytes) return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)) end

local function colons(bytes) return (hex(bytes):gsub("%x%x", "%0:"):sub(1, -2)) end

local function wrap(text) return (text:gsub(("."):rep(64), "%0\n")) end

local function jwks(...) return core.encode({ keys = setmetatable({ ... }, core.array_mt) }) end

describe("a file of keys", function()
  local read = {
    { "PEM", PEM }, { "PEM with CRLF", (PEM:gsub("\n", "\r\n")) }, { "PEM behind a byte order mark", "\239\187\191" .. PEM },
    { "PEM below other text, indented", "a key\n" .. PEM:gsub("\n(.)", "\n  %1") },
    { "PEM on one line, as in a variable", (PEM:gsub("\n", "\\n")) },
    { "a JWKS", jwks(jwk()) }, { "a JWKS behind a byte order mark", "\239\187\191" .. jwks(jwk()) }, { "a JWK", core.encode(jwk()) },
    { "a list of JWKs", "[" .. core.encode(jwk()) .. "]" }, { "a list of JWKs behind a byte order mark and a line",
      "\239\187\191\r\n[" .. core.encode(jwk()) .. "]\r\n" },
    { "a JWKS with keys for other uses", jwks({ kty = "EC" }, jwk({ use = "enc" }), jwk({ use = "sig", alg = "RS256" })) },
  }
  for _, row in ipairs(read) do
    it("is read as a public key: " .. row[1], function()
      local keys = assert(jwt_keys.read(row[2]))
      assert.equal(1, #keys)
      assert.equal("RS256", keys[1].algorithm)
      assert.is_nil(keys[1].secret)
    end)
  end

  it("may hold several keys in PEM", function()
    assert.equal(2, #assert(jwt_keys.read(PEM .. "\n" .. PEM)))
  end)

  local refused = {
    { "a key in DER", DER, "a key in DER" }, { "PEM without its head", BODY .. "-----END PUBLIC KEY-----\n", "PEM without its first line" },
    { "PEM without its head and foot", BODY, "a key in base64" }, { "the beginning of that", BODY:sub(1, 200), "a key in base64" },
    { "that on one line", (BODY:gsub("\n", "")), "a key in base64" }, { "a key in hexadecimal", hex(DER), "a key in base64 or hexadecimal" },
    { "PEM without its foot", (PEM:gsub("%-%-%-%-%-END.*", "")), "no complete block" },
    { "PEM whose dashes are others", (PEM:gsub("%-%-%-%-%-", "--")), "PEM without its first line" },
    { "PEM of which only a bad head is left", "---- BEGIN PUBLIC KEY ----\n" .. BODY, "PEM whose first line can't be read" },
    { "a key in hexadecimal that was cut", hex(DER):sub(1, -4), "a key in base64 or hexadecimal" },
    { "PEM without its head and foot, as in a variable", (BODY:gsub("\n", "\\n")), "a key in base64" },
    { "what is left of PEM on one line", (BODY:gsub("\n", "\\n")) .. "-----END P", "a key in base64" },
    { "a key in DER after a space", " " .. DER, "a key in DER. Convert it" }, { "a key of SSH in quotes", '"ssh-rsa AAAA x"', "an SSH key" },
    { "a byte order mark after a line break", "\n\239\187\191ssh-rsa AAAA x", "an SSH key" },
    { "a JWK after a break in words", '\\n{"kty": "RSA", "n": "AQ", "e": "AQ"}', "a JSON Web Key" },
    { "bytes", ("\1\2\200\255"):rep(20), "bytes that aren't printable" },
    { "an RSA key of SSH", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDzOU+O ann@home\n", "an SSH key" },
    { "another key of SSH", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 x\n", "an SSH key" },
    { "an EC key of SSH", "ecdsa-sha2-nistp256 AAAA x\n", "an SSH key" },
    { "SSH2", "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n", "an SSH key" },
    { "UTF-16", utf16(PEM), "text in UTF%-16" }, { "UTF-16 without a mark", (utf16(PEM):sub(3)), "text in UTF%-16" },
    { "UTF-16, big endian", "\254\255" .. utf16(PEM):sub(4) .. "\0", "text in UTF%-16" },
    { "a private key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "it is a private key" },
    { "a private RSA key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "it is a private key" },
    { "a private key that is encrypted",
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "it is a private key" },
    { "a public key that asks for a password", PEM:gsub("KEY%-%-%-%-%-\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,"
      .. ("0"):rep(32) .. "\n\n", 1), "can't be used" },
    { "an EC key", EC, "the key isn't an RSA key" }, { "an RSA key of 1024 bits", SHORT, "1024 bits, 2048 are needed" },
    { "a broken certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "CERTIFICATE can't be used" },
    { "JSON that is cut", '{"keys": [{"kty": "oct"', "the JSON can't be read" }, { "a list that is cut", '[{"kty":"oct","k":"AAAA"}', "the JSON can't be read" },
    { "an empty list", "[]", "holds no RSA or oct key" }, { "an empty JWKS", '{"keys":[]}', "holds no RSA or oct key" },
    { "JSON of something else", '{"a":1}', "needs kty" }, { "a JWKS of EC keys", jwks({ kty = "EC" }), 'a key of type "EC"' },
    { "a JWKS of keys to encrypt with", jwks(jwk({ use = "enc" })), "another use" },
    { "a JWKS of another algorithm", jwks(jwk({ alg = "RS512" })), "the algorithm of an RSA key is RS256" },
    { "a JWKS of keys that verify nothing", jwks(jwk({ key_ops = { "encrypt" } })), 'no "verify"' },
    { "a JWK with its private part", core.encode(jwk({ d = "AAAA" })), "private part" },
    { "a short RSA JWK", core.encode(jwk({ n = core.base64(("\200"):rep(127) .. "\1", "url") })), "1024 bits" },
    { "an RSA JWK whose exponent is 1", core.encode(jwk({ e = "AQ" })), "has an invalid exponent" },
    { "a kid that is a number", core.encode(jwk({ kid = 5 })), "kid must be a string" },
    { "an oct key without bytes", '{"kty":"oct","k":""}', "the secret of an oct key is empty" },
    { "an oct key that isn't base64url", '{"kty":"oct","k":"=!"}', "in base64url" },
    { "nothing", "", "the file is empty" }, { "white space", " \t\r\n\r\n", "the file is empty" },
    { "a byte order mark", "\239\187\191", "the file is empty" },
    { "a page of a web server", "<!DOCTYPE html><html></html>", "XML or HTML" },
    { "an RSA key in XML", "<RSAKeyValue><Modulus>8zlP</Modulus></RSAKeyValue>", "XML or HTML" },
    { "a token", "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UifQ.dBjftJeZ4CVP\n", "a token" },
    { "the address of a JWKS", "https://issuer.example/.well-known/jwks.json\n", "an address" },
  }
  local SET = jwks(jwk())
  local SSH_BLOB = "\0\0\0\7ssh-rsa\0\0\0\3\1\0\1\0\0\1\1\0" .. DER:sub(34, 289)
  local SSH_BODY = core.base64(SSH_BLOB)
  local PKCS1 = DER:sub(25)
  for _, row in ipairs({
    { "PEM in base64", core.base64(PEM), "PEM" }, { "PEM in base64, wrapped", wrap(core.base64(PEM)), "PEM" },
    { "a JWKS in base64", core.base64(SET), "JSON" }, { "a JWKS in base64url", core.base64(SET, "url"), "JSON" },
    { "PEM in base64 twice", core.base64(core.base64(PEM)), "PEM" }, { "PEM in hexadecimal", hex(PEM), "PEM" },
    { "a key in DER behind a line break", "\n" .. DER, "a key in DER" }, { "a key in DER before a line break", DER .. "\n", "a key in DER" },
    { "an RSA key alone in DER", PKCS1, "a key in DER" }, { "the end of a key in DER", DER:sub(40), "a key in DER" },
    { "an RSA key alone in base64", core.base64(PKCS1), "base64" }, { "a key in hexadecimal with colons", colons(DER), "." },
    { "a key as C has it", "{ " .. hex(DER):gsub("%x%x", "0x%0, ") .. "}", "." }, { "32 bytes in hexadecimal with colons", colons(("k"):rep(32)), "." },
    { "a key printed as text", "Public-Key: (2048 bit)\nModulus:\n    00:" .. colons(DER:sub(34, 289)) .. "\nExponent: 65537 (0x10001)\n", "a key printed as text" },
    { "a modulus by its name", "Modulus=" .. hex(DER:sub(34, 289)):upper() .. "\n", "a key printed as text" },
    { "a modulus in hexadecimal", hex(DER:sub(34, 289)), "long enough" }, { "a modulus in base64url", N, "long enough" },
    { "a JWKS in a JSON string", core.encode(SET), "JSON" }, { "a key in base64 in quotes", '"' .. core.base64(DER) .. '"', "base64" },
    { "a JWKS below a comment", "// from the issuer\n" .. SET, "JSON" }, { "a JWKS below a comment of a shell", "# keys\n" .. SET, "JSON" },
    { "a JWKS in a module", "module.exports = " .. SET, "JSON" }, { "a JWKS in a module, in short", 'module.exports = require("./keys")', "a script" },
    { "a JWKS in JavaScript", "var keys = {keys:[{kty:'RSA',n:'AQ',e:'AQAB'}]}", "JSON" }, { "a JWKS in percent-encoding", "%7B%22kty%22%3A%22RSA%22%7D", "JSON" },
    { "a JWKS in HTML", "[&quot;kty&quot;]", "JSON" }, { "a JWKS in a data URL", "data:application/json;base64," .. core.base64(SET), "an address" },
    { "a JWKS behind a no-break space", "\194\160" .. SET, "JSON" }, { "a JWKS behind a space without width", "\226\128\139" .. SET, "JSON" },
    { "keys in YAML", "keys:\n  - kty: RSA\n    n: " .. N .. "\n    e: AQAB\n", "JSON" }, { "a key in YAML's flow", "kty: RSA, n: AQ", "JSON" },
    { "an SSH key behind options", 'no-pty,command="ls" ssh-rsa ' .. SSH_BODY, "an SSH key" }, { "an SSH key of a known host", "h.example ssh-rsa " .. SSH_BODY, "an SSH key" },
    { "an SSH key without its name", SSH_BODY, "an SSH key" }, { "the beginning of that", SSH_BODY:sub(1, 40), "an SSH key" }, { "an SSH key's bytes", SSH_BLOB, "an SSH key" },
    { "an SSH key in base64 twice", core.base64(SSH_BODY), "an SSH key" }, { "PEM without its head behind a comment", "# the key\n" .. BODY, "base64" },
    { "the same on one line", "# the key: " .. (BODY:gsub("\n", "")), "base64" }, { "the same on one line, with spaces", "key " .. BODY:gsub("\n", " "), "base64" },
    { "a key of a DNS record", "v=DKIM1; k=rsa; p=" .. core.base64(DER), "base64" }, { "a short key in base64", EC:gsub("%-[^\n]+\n", ""):gsub("\n", ""), "base64" },
    { "a Java key store", "\254\237\254\237\0\0\0\2\0\0\0\1", "bytes" }, { "a Java key store in base64", core.base64("\254\237\254\237\0\0\0\2\0\0\0\1\0\0\0\1\0\0"), "base64" },
    { "an OpenPGP key", "\153\1\13\4\94\1\2\3\1\8\0\200", "bytes" }, { "an OpenPGP key in base64", core.base64("\153\1\13\4\94\1\2\3\1\8\0\200" .. ("\201"):rep(20)), "base64" },
    { "gzip", "\31\139\8\0\0\0\0\0\0\3", "bytes" }, { "gzip in base64", core.base64("\31\139\8\0\0\0\0\0\0\3" .. ("\201"):rep(20)), "base64" },
    { "UTF-16 in base64", core.base64(utf16(PEM)), "base64" }, { "the address of a file", "file:///etc/keys.pem\n", "an address" },
    { "another address", "s3://bucket/key.pem", "an address" }, { "zero bytes", "\0\0\0", "bytes" }, { "bytes, few of them", "\1\2\200\255", "oct JWK" },
    { "a secret with a zero byte", "a\0b", "oct JWK" }, { "a tabulator", "a\tb", "oct JWK" }, { "Latin-1", "pass\228word", "oct JWK" },
    { "a no-break space in it", "a\194\160b", "oct JWK" }, { "a space without width in it", "a\226\128\139b", "oct JWK" }, { "a byte order mark in it", "a\239\187\191b", "oct JWK" },
    { "two lines", "one\ntwo", "several lines" }, { "a line below an empty one", "\ntwo", "several lines" }, { "lines of old computers", "one\rtwo", "several lines" },
    { "words of PEM", "begin rsa public key", "PEM" }, { "PEM in small letters", "--begin public key--", "PEM" }, { "a bearer's token", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UifQ.d", "a token" },
    { "a key as the secret of an oct key", '{"kty":"oct","k":"' .. core.base64(PEM, "url") .. '"}', "is PEM" },
    { "a key in DER as the secret of an oct key", '{"kty":"oct","k":"' .. core.base64(DER, "url") .. '"}', "a key in DER" },
  }) do
    refused[#refused + 1] = row
  end

  for _, row in ipairs(refused) do
    it("is refused, not taken for a secret: " .. row[1], function()
      local keys, message = jwt_keys.read(row[2])
      assert.is_nil(keys)
      assert.matches(row[3], message)
    end)
  end

  it("is a secret when it looks like one, without its last line break", function()
    for _, secret in ipairs({ "secret", "a b", "MII", "30", "ssh", "begin the key", ("x"):rep(100), "c2VjcmV0IG9mIHRoZSBpc3N1ZXI=",
      "deadbeef", ("0123456789abcdef"):rep(4), ("0123456789abcdef"):rep(8), "123e4567-e89b-12d3-a456-426614174000",
      "pass: it/is #1, 50% of <them> = 'mine'; \\ \"yes\"!", "# one", "key=value", "week-end is the key", "a ssh key", "in the end, a certificate",
      "correct horse battery staple correct horse battery staple correct horse battery staple correct horse battery staple correct horse battery staple "
        .. "correct horse battery staple correct horse battery staple", "p\195\164ssw\195\182rt", "\229\175\134\231\160\129", "\240\159\148\145",
      "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80=", "q83vEjRWeJq83vEjRWeJq83vEjRWeJq8", "-_" .. ("q83vEjRWeJ"):rep(8) .. "==", "lead: c2VjcmV0IG9mIHRoZSBpc3N1ZXI=" }) do
      for _, ending in ipairs({ "", "\n", "\r\n" }) do
        assert.same({ { algorithm = "HS256", secret = secret } }, jwt_keys.read(secret .. ending))
      end
    end
  end)

  it("tells with each refusal what is accepted", function()
    for _, text in ipairs({ DER, BODY, EC, "", "{}", "ssh-rsa A" }) do
      assert.matches("Accepted are RSA public keys", select(2, jwt_keys.read(text)), 1, true)
    end
  end)
end)
