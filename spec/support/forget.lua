-- What spec/e2e/forgetting_spec.lua runs in an interpreter of its own: clients of every kind, closed and collected; then
-- it waits to be looked at. Arguments: a FIFO that nobody writes to, "alone" or "beside" (another client goes on, so that
-- the threads and what the transports keep live on), the HTTP peer's URL, the realtime peer's, a proxy's port, then
-- secrets written backwards, so that this process has them only where it was made to.
local fifo, how, http, realtime, proxy_port = ...
local appsync = require "appsync"

local function secret(i, reversed) return reversed[i]:reverse() end

local function open(options, transport)
  options.endpoint, options.realtime_endpoint, options.region = http, realtime, "us-east-1"
  options.timeouts = { connect = 5, request = 5, ack = 5 }
  options.realtime = transport
  options.log = function() end
  return appsync.client(options)
end

local function open_all(reversed)
  local proxy = ("http://user:%s@127.0.0.1:%s"):format(secret(2, reversed), proxy_port)
  local keys = { access_key_id = "AKIDEXAMPLE", secret_access_key = secret(3, reversed), session_token = secret(4, reversed) }
  return {
    open{ auth = { type = "API_KEY", api_key = secret(1, reversed) }, proxy = proxy },
    open{ auth = { type = "AWS_IAM", credentials = keys } },
    open({ auth = { type = "OPENID_CONNECT", token = function() return "Bearer " .. secret(5, reversed) end } },
      { handshake = "query" }),
    open{ auth = { type = "NONE" }, headers = { Authorization = secret(6, reversed) } },
    open({ auth = { type = "AWS_LAMBDA", token = secret(7, reversed) },
      headers = function() return { Cookie = secret(8, reversed) } end }, { protocol = "graphql-transport-ws" }),
  }
end

-- The peers refuse the call and end the subscription.
local function works(client)
  local _, err = client:query "{ a }"
  local _, ended = client:subscribe("subscription { on { n } }"):next(10)
  return err and err.kind == "auth" and ended and ended.kind == "graphql"
end

-- All at once: what one leaves behind isn't overwritten by the next.
local function run(reversed)
  local clients = open_all(reversed)
  for _, client in ipairs(clients) do assert(works(client)) end
  for _, client in ipairs(clients) do assert(client:close(5)) end
end

local other = how == "beside" and open{ auth = { type = "API_KEY", api_key = "da2-of-another-client" } }
run{ select(6, ...) }
if other then assert(works(other)) end
-- PUC 5.1 and LuaJIT build the result of `..` in a buffer that they keep: what was joined last is still in it.
for n = 1, 400 do assert(#(("x"):rep(n) .. n) > n) end
-- A trace holds the strings that it has met as constants, for as long as it is there: what LuaJIT compiles is up to it.
if rawget(_G, "jit") then require "jit".flush() end
for _ = 1, 5 do collectgarbage() end
io.stdout:write("ready\n")
io.stdout:flush()
io.open(fifo):read "*l"
