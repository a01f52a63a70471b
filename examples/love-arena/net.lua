-- All that goes over the network. The screens read `net.players`, `net.messages`, `net.scores` and `net.status`, and call the rest.
local appsync = require "appsync"
local documents = require "documents"

local net = { players = {}, messages = {}, scores = {}, status = "connecting", waiting = 0 }

local ENDPOINT = os.getenv "APPSYNC_ENDPOINT" or "http://127.0.0.1:4000/graphql"
local API_KEY = os.getenv "APPSYNC_API_KEY" or "da2-arena"
local MOVES_PER_S = 10
local MAX_MESSAGES = 6
local GONE_S = 10 -- players that are silent for so long have left

local client

local function now() return love.timer.getTime() end

-- The best first.
local function rank()
  local list = {}
  for name, points in pairs(net.scores) do list[#list + 1] = { name = name, points = points } end
  table.sort(list, function(a, b)
    if a.points ~= b.points then return a.points > b.points end
    return a.name < b.name
  end)
  net.board = list
end

local function note_score(score)
  net.scores[score.id] = math.max(score.points, net.scores[score.id] or 0)
  rank()
end

local function note_message(message)
  table.insert(net.messages, message)
  if #net.messages > MAX_MESSAGES then table.remove(net.messages, 1) end
end

local function note_player(player)
  if player.id == net.name then return end
  local known = net.players[player.id] or { x = player.x, y = player.y }
  known.to_x, known.to_y, known.seen = player.x, player.y, now()
  net.players[player.id] = known
end

local function load_scores()
  client:query(documents.leaderboard, nil, { fetch_policy = "cache-and-network", on_result = function(data)
    for _, score in ipairs(data and data.leaderboard or {}) do note_score(score) end
  end })
end

-- What changed while there was no connection is asked for whenever there is one again.
local function listen()
  client:subscribe(documents.on_move):subscribe{ next = function(data) note_player(data.onMove) end }
  client:subscribe(documents.on_say):subscribe{ next = function(data) note_message(data.onSay) end }
  client:subscribe(documents.on_score):subscribe{
    next = function(data) note_score(data.onScore) end,
    state = function(state)
      if state == "subscribed" then load_scores() end
    end,
  }
  client.connection:observe():subscribe(function(state)
    net.status = state == "Connected" and "online" or state == "Connecting" and "connecting" or "offline"
  end)
  client.outbox:observe():subscribe(function(state) net.waiting = state.size end)
end

-- The token is kept: who has signed in once can play without a network, and their scores wait in the store.
local function enter(session)
  net.name = session.name
  love.filesystem.write("session.json", appsync.encode(session))
  client = appsync.client{
    endpoint = ENDPOINT, auth = { type = "AWS_LAMBDA", token = session.token }, store = "arena.db", identity = session.name,
  }
  load_scores() -- what was kept is shown at once
  listen()
end

local function kept_session(name)
  local text = love.filesystem.read "session.json"
  local session = text and appsync.decode(text)
  return session and session.name == name and session or nil
end

--- Exchanges the name for a token. `on_done(err)`: nil when the arena is open.
function net.sign_in(name, on_done)
  local door = appsync.client{ endpoint = ENDPOINT, auth = { type = "API_KEY", api_key = API_KEY }, store = false }
  appsync.spawn(function()
    local data, err = door:mutate(documents.sign_in, { name = name }, { timeout = 3 })
    door:close(0)
    local session = data and data.signIn
    if not session and err.kind ~= "graphql" then session = kept_session(name) end -- no network
    if session then enter(session) end
    on_done(not session and err.message or nil)
  end)
end

local moved_at, is_moving = 0, false

--- Tells the others, at most ten times a second, one call at a time: only the latest place matters, so none is queued.
function net.move(x, y)
  if is_moving or now() - moved_at < 1 / MOVES_PER_S then return false end
  moved_at, is_moving = now(), true
  client:mutate(documents.move, { x = x, y = y }, { queue = false, timeout = 2, on_result = function()
    is_moving = false
  end })
  return true
end

--- A line that can't be sent now isn't worth saying later.
function net.say(text)
  client:mutate(documents.say, { text = text }, { queue = false, on_result = function(data)
    if not data then note_message{ name = net.name, text = text .. " (not sent)" } end
  end })
end

--- Goes into the queue, which is on the disk: it is sent when there is a network, after a restart if need be.
function net.save_score(points)
  note_score{ id = net.name, points = points }
  client:mutate(documents.save_score, { points = points }, { on_result = function() end })
end

--- Once a frame: the others glide to where they were seen last.
function net.update(dt)
  for name, player in pairs(net.players) do
    local share = math.min(1, dt * MOVES_PER_S)
    player.x, player.y = player.x + (player.to_x - player.x) * share, player.y + (player.to_y - player.y) * share
    if now() - player.seen > GONE_S then net.players[name] = nil end
  end
end

function net.suspend()
  if client then appsync.suspend{ deadline = 0.2 } end
end

function net.resumed()
  if client and appsync.resumed() > 0 then load_scores() end
end

function net.close(seconds)
  if client then client:close(seconds) end
end

return net
