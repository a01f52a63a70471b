-- Reads all that a store has, asks the service for all of it, and reads it again. One line for each thing:
--   READ NUMBER VERSION|missing     before; AGAIN … after the service has answered with that version: it has it, or "missing"
--   BAD …                           what must not be
--   DONE STORE LOGS                 `stats().store`, and how many lines were logged
-- usage: reader.lua ENDPOINT STORE
local appsync = require "appsync"
local server = require "spec.support.server"
local versions = require "spec.support.versions"

local TRIES = 3 -- damage may be met only when something is read again, and then takes all of it away

local n_logs, last_log = 0, ""
local client = appsync.client{
  endpoint = arg[1], auth = { type = "API_KEY", api_key = server.API_KEY }, store = arg[2],
  log = function(_, message) n_logs, last_log = n_logs + 1, message end,
}

local function say(...) io.write((...):format(select(2, ...)) .. "\n") end

-- The version that is kept, nil: something is missing.
local function read(n)
  local data, rest = client:read_query(versions.query(n))
  if not data then
    if not rest.partial then say("BAD read of %d: %s", n, tostring(rest)) end
    return nil
  end
  local version, wrong = versions.check(n, data)
  if wrong then say("BAD read of %d: %s", n, wrong) end
  return version
end

local function ask(n)
  local document, variables = versions.query(n)
  local data, err = client:query(document, variables, { fetch_policy = "network-only" })
  if data then return (versions.check(n, data)) end
  say("BAD answer: %s", tostring(err))
end

local function ask_all()
  local n_missing, asked = 0, {}
  for n = 1, versions.N do asked[n] = ask(n) end
  for n = 1, versions.N do
    local version = read(n)
    if not version then n_missing = n_missing + 1 end
    say("AGAIN %d %s", n, tostring(version or "missing"))
    if version and version ~= asked[n] then say("BAD read of %d: %d, and not %d", n, version, asked[n]) end
  end
  return n_missing
end

for n = 1, versions.N do say("READ %d %s", n, tostring(read(n) or "missing")) end
local tries = 0
repeat
  tries = tries + 1
  local n_missing = ask_all()
until n_missing == 0 or tries == TRIES
if tries == TRIES then say "BAD store: what is written isn't there" end
say("DONE %s %d %s", tostring(client:stats().store), n_logs, last_log)
client:close(5)
