-- appsync.sign of a 1 KB POST from Lua, the signing key cached. A row: microseconds of CPU a signature, median and spread.
--   lua5.4 bench/sigv4_bench.lua [floor in microseconds, as bench/sigv4_bench.c prints it]
local core = require "appsync.core"
local sign = require "appsync.sign"

local ROUNDS, N = 9, 20000
local floor = tonumber(arg and arg[1])

local body = ("abcdefghijklmnopqrstuvwxyz"):rep(40):sub(1, 1024)
local bodies = {}
for i = 1, 64 do bodies[i] = body:sub(i) .. body:sub(1, i - 1) end

local request = {
  method = "POST",
  url = "https://abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com/graphql",
  headers = { accept = "application/json, text/javascript", ["content-type"] = "application/json" },
}
local options = {
  service = "appsync",
  region = "us-east-1",
  now = 1717243200,
  credentials = { access_key_id = "AKIDEXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" },
}

local function measure(name, fn)
  local us = {}
  for round = 1, ROUNDS do
    local start = os.clock()
    for i = 1, N do
      request.body = bodies[i % 64 + 1]
      fn(request, options)
    end
    us[round] = (os.clock() - start) * 1e6 / N
  end
  table.sort(us)
  local median = us[math.floor(ROUNDS / 2) + 1]
  local ratio = floor and (", %.2f of the floor"):format(median / floor) or ""
  print(("%-10s %-14s %7.3f us/sign (%.3f - %.3f, n=%d x %d)%s"):format(_VERSION, name, median, us[1], us[ROUNDS], N, ROUNDS,
    ratio))
end

measure("appsync.sign", sign)
measure("core.sign", core.sign)
