-- Opens a store with an outbox, and waits until nothing is queued any more. One line for each thing:
--   LOG LEVEL MESSAGE
--   DEAD KEY OUTCOME      a dead letter; KEY: its $opId
--   DONE SIZE             what is still queued
-- usage: drainer.lua ENDPOINT STORE
local appsync = require "appsync"
local server = require "spec.support.server"

local SECONDS = 60

local function say(...) io.write((...):format(select(2, ...)) .. "\n") end

local client = appsync.client{
  endpoint = arg[1], auth = { type = "API_KEY", api_key = server.API_KEY }, store = arg[2],
  log = function(level, message) say("LOG %s %s", level, (message:gsub("\n", " "))) end,
}

-- Where the store moves meanwhile, the state is that of the one that is there.
local ok, err
for _ = 1, 3 do
  ok, err = client.outbox:drain(SECONDS)
  if not ok then break end
end
if not ok then say("LOG error %s", tostring(err)) end
-- One that is damaged ends the store: then they are read in the one that takes its place.
local letters
for _ = 1, 3 do
  letters = letters or client.outbox:dead_letters(20)
end
for _, entry in ipairs(letters or {}) do
  local variables = entry.variables or {}
  say("DEAD %s %s", tostring(variables.opId or variables.input and variables.input.opId), tostring(entry.cause and entry.cause.outcome))
end
say("DONE %s", tostring(client.outbox:size(5)))
client:close(5)
