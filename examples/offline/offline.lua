-- Notes that can wait: what is made without a network is sent once there is one, by this run or by a later one.
-- usage: offline.lua STORE ENDPOINT API_KEY [NOTE…]
local appsync = require "appsync"
local store, endpoint, api_key = ...
local notes = { select(4, ...) }
io.stdout:setvbuf "line"

local CREATE = "mutation Create($id: ID, $text: String!) { createNote(input: {id: $id, text: $text}) { id text } }"

local waiting = {} -- notes by the ids of their mutations

local client = appsync.client{
  endpoint = endpoint,
  auth = { type = "API_KEY", api_key = api_key },
  store = store, -- which has the outbox
  offline = { callback = function(err, success) -- what became of them, whichever run has made them
    print(err and "failed: " .. tostring(err) or "sent: " .. success.data.createNote.text)
    waiting[(err or success).id] = nil
  end },
}

local function add(text)
  local id = appsync.uuid()
  local data, err = client:mutate(CREATE, { id = id, text = text }, {
    optimistic_response = { createNote = { __typename = "Note", id = id, text = text } },
  })
  if err then return print("not added: " .. tostring(err)) end
  -- From here on the note is safe, also where it isn't sent yet.
  print((client:is_optimistic(data) and "queued: " or "added: ") .. data.createNote.text)
end

appsync.run(function()
  for _, text in ipairs(notes) do add(text) end
  for _, entry in ipairs(appsync.assert(client.outbox:list())) do
    print("waiting: " .. entry.variables.text)
    waiting[entry.id] = true
  end
  while next(waiting) do appsync.sleep(0.05) end -- kill it here while the server is down
  client:close()
end)
