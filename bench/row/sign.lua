-- lua5.4 bench/row/sign.lua: N times appsync.sign for a POST of 1 KB.
local appsync = require("appsync")
local measure = require("bench.measure")

local N = tonumber(os.getenv("N")) or 100000
local EXPECTED = os.getenv("EXPECT") -- signature of the first body

local requests = {}
for body in measure.data("w5_bodies.ndjson"):gmatch("[^\n]+") do
  requests[#requests + 1] = {
    method = "POST", url = "https://abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com/graphql", body = body,
    headers = { ["content-type"] = "application/json", accept = "application/json, text/javascript" },
  }
end

local options = {
  service = "appsync", region = "us-east-1", now = 1717243200, -- 2024-06-01T12:00:00Z
  credentials = {
    access_key_id = "AKIDEXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  },
}

local sign = appsync.sign
local n_requests = #requests
local meter = measure.start()
for i = 0, N - 1 do sign(requests[i % n_requests + 1], options) end
measure.stop(meter)

local first = assert(sign(requests[1], options)).headers.authorization
local signature = first:match("Signature=(%x+)$") or "none"
measure.print{
  workload = "w5-sigv4", peer = "LIB appsync.sign, " .. measure.lua_version(), n = N, unit = "signs/s", meter = meter,
  ok = #signature == 64 and (not EXPECTED or signature == EXPECTED), extra = '"answer":"' .. signature .. '"',
}
