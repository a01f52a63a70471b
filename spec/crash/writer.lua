-- Writes responses into a store and reads them back until it is killed. Says what is in the store for good: "NUMBER VERSION",
-- or "BAD …" for what must not be. usage: writer.lua ENDPOINT STORE SEED
local appsync = require "appsync"
local server = require "spec.support.server"
local versions = require "spec.support.versions"

local endpoint, store, seed = arg[1], arg[2], tonumber(arg[3])
math.randomseed(seed)
io.stdout:setvbuf "no"

-- A line is there whole, or not at all.
local function say(...) io.write((...):format(select(2, ...)) .. "\n") end

local client = appsync.client{
  endpoint = endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = store,
  log = function(level, message) say("BAD log %s: %s", level, message) end,
}

local function go(n)
  local document, variables = versions.query(n)
  local data, err = client:query(document, variables, { fetch_policy = "network-only" })
  if not data then return say("BAD answer: %s", tostring(err)) end
  local version, wrong = versions.check(n, data)
  if wrong then return say("BAD answer: %s", wrong) end
  local kept, rest = client:read_query(document, variables)
  if not kept then return say("BAD read of %d: %s", n, tostring(rest and rest.missing and rest.missing[1] or rest)) end
  local read_version, read_wrong = versions.check(n, kept)
  if read_wrong then return say("BAD read of %d: %s", n, read_wrong) end
  if read_version < version then return say("BAD read of %d: %d after %d", n, read_version, version) end
  say("%d %d", n, read_version)
end

appsync.run(function()
  local tasks, half = {}, math.floor(versions.N / 2)
  for i = 1, 2 do -- each has its own: an answer that is overtaken by a later one would take its place
    tasks[i] = appsync.spawn(function()
      while true do go((i - 1) * half + math.random(half)) end
    end)
  end
  for _, task in ipairs(tasks) do task:await() end
end)
