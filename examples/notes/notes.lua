-- Notes that are there at once, also without a network.
-- usage: notes.lua STORE ENDPOINT API_KEY [NOTE…]
local appsync = require "appsync"
local store, endpoint, api_key = ...
local new_notes = { select(4, ...) }

local LIST = "query List { listNotes { items { id text createdAt } nextToken } }"
local CREATE = "mutation Create($text: String!) { createNote(input: {text: $text}) { id text createdAt } }"

local client = appsync.client{
  endpoint = endpoint,
  auth = { type = "API_KEY", api_key = api_key },
  store = store, -- what is read is kept here, for the next time
}

local function show(label, data)
  local notes = data and data.listNotes.items or {}
  table.sort(notes, function(a, b) return a.createdAt .. a.text < b.createdAt .. b.text end)
  print(("%s: %d %s"):format(label, #notes, #notes == 1 and "note" or "notes"))
  for _, note in ipairs(notes) do print("  - " .. note.text) end
end

-- What the store has costs no network; the first time it has nothing.
show("kept", (client:query(LIST, nil, { fetch_policy = "cache-only" })))

-- What was added without a network goes first, if there is one now.
client.outbox:drain(2)

for _, text in ipairs(new_notes) do
  local _, err, sent = client:mutate(CREATE, { text = text })
  if err then print("not added: " .. tostring(err)) else print((sent.queued and "queued: " or "added: ") .. text) end
end

-- What is there now, as far as it can be told.
local data, err, info = client:query(LIST, nil, { fetch_policy = "network-only" })
if not data then
  print("no notes: " .. tostring(err))
elseif info.cause then
  show("offline (" .. info.cause.message .. "), kept", data)
else
  show("now", data)
end
client:close()
