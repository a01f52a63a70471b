-- A client of lua-appsync that syncs the posts by build_sync, told by lines of JSON what to do: {"do": "network", "online": false}.
-- Answers each with one line, an object; sync/ours.js starts it. It runs while it carries out a command, and its core always.
-- usage: lua spec/interop/sync/ours.lua ENDPOINT API_KEY STORE DOCUMENTS; the last one is a JSON object
local appsync = require "appsync"
local endpoint, api_key, store, documents = ...
documents = appsync.decode(documents)

local DRIVEN_S = 0.002 -- for what has come meanwhile

local client, sync
local log = {}

local commands = {}

function commands.start()
  client = appsync.assert(appsync.client{
    endpoint = endpoint, auth = { type = "API_KEY", api_key = api_key }, store = store, retry = { base = 0.01, cap = 0.1 },
    timeouts = { ack = 1 },
    log = function(level, message) log[#log + 1] = level .. ": " .. message end,
  })
  sync = client:sync(appsync.build_sync("Post", {
    base_query = { query = documents.LIST },
    delta_query = { query = documents.DELTA },
    subscription_query = { query = documents.LIVE },
    delta_window = 24 * 3600,
    cache_updates = function(post) return { query = documents.GET, variables = { id = post.id } } end,
  }))
  return {}
end

function commands.ready()
  local ok, err = sync:ready(20)
  return { ready = ok, err = err and tostring(err) }
end

function commands.stop()
  if not client then return {} end
  if sync then sync:unsubscribe() end
  return { closed = client:close(5) }
end

function commands.network(command)
  client:set_online(command.online)
  return {}
end

function commands.posts()
  appsync.sleep(DRIVEN_S)
  local data = client:read_query(documents.LIST)
  return { posts = data and data.listPosts or appsync.null }
end

-- What getPost gives; absent: nothing is cached.
function commands.single(command)
  local single = {}
  for _, id in ipairs(command.ids) do
    local data = client:read_query(documents.GET, { id = id })
    single[id] = data and data.getPost
  end
  return { single = single }
end

function commands.status()
  local status = sync:status()
  return { phase = status.phase, err = status.err and tostring(status.err), log = appsync.array(log) }
end

appsync.run(function()
  for line in io.lines() do
    local command = appsync.decode(line)
    local ok, answer = pcall(commands[command["do"]], command)
    io.write(appsync.encode(ok and answer or { raised = tostring(answer) }), "\n")
    io.flush()
  end
end)
