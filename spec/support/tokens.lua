-- JSON Web Tokens made by the test itself.
local core = require "appsync.core"
local process = require "spec.support.process"

local tokens = {}

tokens.SECRET = "a-secret-of-the-issuer"

--- A public key made with openssl, whose private one was thrown away.
tokens.PUBLIC = [[
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA8zlPjqV7ryDmgcrI0bns
UZFgiXn0zKw90BWmh9GnBBvVepP7xIs3LI0PK5+h5b9SENNC2KG9RSnEeJpb6Vq9
pmYdfD0uNRXE8wI2/OV8Y7ctkuTa21PP87FNNl2kvbWPZdxdQ1Jx4ex+aILc2BpT
QhFTUkE2aJLwJXzVpvJGYZfv4rOmn7HMWmtU6gD7FTN1OadO1/M6sY2NyPRiO2Xn
oJ7zLTVDybCsrN39uS1ZuwNSyirD5v63hpp2Se/C6zNaHGiBMBwAj/8/JqW2L3us
Vx8dv0HTwaVG+sW0nGaoar4XY5GeZuqcAs6VWSaR8XykBY14PoBN7hTxWH/ywnJk
AwIDAQAB
-----END PUBLIC KEY-----
]]

local function part(value) return core.base64(core.encode(value), "url") end

--- HS256. `claims.exp` and `claims.iat` are seconds from now.
---@param claims table
---@param secret string?
---@return string
function tokens.hs256(claims, secret)
  local now = os.time()
  local all = { iss = "https://issuer.example", sub = "someone", exp = 3600, iat = 0 }
  for name, value in pairs(claims) do all[name] = value end
  all.exp, all.iat = all.exp + now, all.iat + now
  local signed = part { alg = "HS256", typ = "JWT" } .. "." .. part(all)
  return signed .. "." .. core.base64(core.hmac_sha256(secret or tokens.SECRET, signed), "url")
end

--- The claims of a Cognito user pool.
---@param name string
---@return table
function tokens.cognito(name)
  return { iss = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x", sub = name, ["cognito:username"] = name, token_use = "id" }
end

local function run(command)
  local ok = os.execute(command .. " 2>/dev/null")
  assert(ok == true or ok == 0, command)
end

--- A key pair by the openssl program; the files are removed by process.stop_all.
---@return string private, string public PEM files
function tokens.rsa()
  local private, public = process.temporary(".key"), process.temporary(".pem")
  run(("openssl genrsa -out %s 2048"):format(private))
  run(("openssl rsa -in %s -pubout -out %s"):format(private, public))
  return private, public
end

---@param claims table
---@param private string PEM file
---@return string
function tokens.rs256(claims, private)
  local now = os.time()
  local all = { iss = "https://issuer.example", exp = now + 3600, iat = now }
  for name, value in pairs(claims) do all[name] = value end
  local signed = part { alg = "RS256", typ = "JWT" } .. "." .. part(all)
  local input, output = process.temporary(".txt"), process.temporary(".sig")
  process.write(input, signed)
  run(("openssl dgst -sha256 -sign %s -out %s %s"):format(private, output, input))
  return signed .. "." .. core.base64(process.read(output), "url")
end

return tokens
