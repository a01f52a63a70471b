-- Applications with delta syncs for simulations: the posts of examples/delta-sync, with their journal, in a service that is played.
local appsync = require "appsync"
local synced_posts = require "spec.support.synced_posts"

local FOLDER = "examples/delta-sync/"
local WINDOW_S, TTL_S = 600, 900

local simulated_posts = {}

-- The example's resolvers, with a journal that forgets within the simulation's time.
local function resolvers()
  local path = package.path
  package.path = FOLDER .. "?.lua;" .. path
  local made = dofile(FOLDER .. "resolvers.lua")
  require("journal").ttl_s = TTL_S
  package.path = path
  return made
end

local function id_of(random) return "p" .. random(8) end

local function title_of(random) return "title " .. random(1000) end

local others = {}

function others.create(server, random)
  server:query(synced_posts.CREATE, { input = { id = id_of(random), title = title_of(random), author = "somebody" } })
end

function others.update(server, random)
  server:query(synced_posts.UPDATE, { input = { id = id_of(random), title = title_of(random) } })
end

function others.delete(server, random)
  server:query(synced_posts.DELETE, { input = { id = id_of(random) } })
end

-- Some at once.
function others.burst(server, random)
  for _ = 1, random(2, 6) do others[random:pick{ "create", "update", "update", "delete" }](server, random) end
end

local actions = {}

function actions.create(client, random)
  client:mutate(synced_posts.CREATE, { input = { id = id_of(random), title = title_of(random), author = "me" } })
end

function actions.update(client, random)
  local input = { id = id_of(random), title = title_of(random) }
  local shown = client:read_fragment("Post:" .. input.id, "fragment F on Post { author content url ups downs version createdAt updatedAt }")
  local post = shown and { __typename = "Post", id = input.id, title = input.title, aws_ds = appsync.null }
  for name, value in pairs(shown or {}) do post[name] = value end
  client:mutate(synced_posts.UPDATE, { input = input }, { optimistic_response = post and { updatePost = post } or nil })
end

function actions.delete(client, random)
  client:mutate(synced_posts.DELETE, { input = { id = id_of(random) } })
end

-- What others write is what a sync is for: the program itself is idle mostly.
function actions.wait(_, random) appsync.sleep(random(5)) end

local function parts(more)
  local options = {
    base_query = { query = synced_posts.PAGES }, delta_query = { query = synced_posts.DELTA_PAGES },
    subscription_query = { query = synced_posts.LIVE }, delta_window = WINDOW_S, page_size = 3,
  }
  for name, value in pairs(more or {}) do options[name] = value end
  for name, value in pairs(options) do if value == false then options[name] = nil end end
  return appsync.build_sync("Post", options)
end

local function posts(sync, more)
  local options = {
    schema = FOLDER .. "schema.graphql", resolvers = resolvers(), syncs = { sync }, actions = actions, others = others,
    faults = { kill = 0.05, restart = 0.04, clock_jump = 0.04 },
  }
  for name, value in pairs(more or {}) do options[name] = value end
  return options
end

--- The three parts, with other options than the applications have.
function simulated_posts.sync(more) return parts(more) end

--- A list in pages, deltas in pages, and events.
function simulated_posts.paged() return posts(parts()) end

--- Lists without pages, whose lastSync is in seconds.
function simulated_posts.lists()
  return posts(parts{ base_query = { query = synced_posts.LIST }, delta_query = { query = synced_posts.DELTA } })
end

--- Nothing but the base query and events: after each gap the base query is sent again.
function simulated_posts.without_deltas()
  return posts(parts{ delta_query = false, base_query = { query = synced_posts.PAGES, base_refresh_interval = 3600 } })
end

--- No events: what has changed is asked for now and then.
function simulated_posts.without_events() return posts(parts{ subscription_query = false }) end

--- Much goes wrong.
function simulated_posts.in_bad_weather()
  return posts(parts(), { faults = {
    drop = 0.1, lose_answer = 0.1, delay = 0.15, refuse = 0.1, unavailable = 0.08, throttle = 0.08, fail_query = 0.1, lose_event = 0.2,
    late_event = 0.2, duplicate_event = 0.1, kill = 0.12, restart = 0.06, offline = 0.06, clock_jump = 0.06, disconnect = 0.1, half_open = 0.05,
    service_restart = 0.05, away = 0.06, expire_pages = 0.06,
  } })
end

--- Whose tokens expire.
function simulated_posts.with_tokens()
  local made = posts(parts(), { auth = "AMAZON_COGNITO_USER_POOLS" })
  made.faults.expire_token = 0.1
  return made
end

return simulated_posts
