-- The server's side. A token is a name with a signature: whoever has the secret can check it, also after a restart.
local sign = require "appsync.sign"

local SECRET = os.getenv "ARENA_SECRET" or "for-this-machine-only"
local MAX_NAME, MAX_TEXT = 16, 80
local BOARD = 10

local function token_of(name)
  local credentials = { access_key_id = "arena", secret_access_key = SECRET }
  local signed = sign({ method = "GET", url = "https://arena.example/" .. name },
    { service = "arena", region = "local", credentials = credentials, now = 0 })
  return "arena-" .. name .. "-" .. signed.signature
end

local function name_of(token)
  local name = token:match "^arena%-(%w+)%-%x+$"
  return name and token == token_of(name) and name or nil
end

local function own_name(ctx)
  return ctx.identity.resolverContext.name
end

local Query, Mutation = {}, {}

function Query.leaderboard(ctx)
  local scores = ctx.tables.Score:scan()
  table.sort(scores, function(a, b) return a.points > b.points end)
  for i = #scores, BOARD + 1, -1 do scores[i] = nil end
  return scores
end

function Mutation.signIn(ctx)
  local name = ctx.arguments.name
  if not name:find "^%w+$" or #name > MAX_NAME then ctx.util.error("a name has 1 to 16 letters and digits", "BadName") end
  return { name = name, token = token_of(name) }
end

function Mutation.move(ctx)
  return { id = own_name(ctx), x = ctx.arguments.x, y = ctx.arguments.y }
end

-- Not in the middle of a character.
local function shortened(text)
  if #text <= MAX_TEXT then return text end
  return (text:sub(1, MAX_TEXT + 1):gsub("[%z\1-\127\194-\244][\128-\191]*$", ""))
end

function Mutation.say(ctx)
  return { id = ctx.util.uuid(), name = own_name(ctx), text = shortened(ctx.arguments.text) }
end

-- The best one stays, in whatever order they come: what was saved without a network arrives late, perhaps twice.
function Mutation.saveScore(ctx)
  local name, points = own_name(ctx), ctx.arguments.points
  local best = ctx.tables.Score:get(name)
  if best and best.points >= points then return best end
  return ctx.tables.Score:put{ id = name, points = points }
end

return {
  Query = Query,
  Mutation = Mutation,
  authorizer = function(token)
    local name = name_of(token)
    return { isAuthorized = name ~= nil, resolverContext = name and { name = name } or nil }
  end,
}
