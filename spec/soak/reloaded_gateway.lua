-- The handlers of spec/soak/reloads.lua, as an application would write them: each answers with data, or says which error there is.
local appsync = require "appsync"
local dispatch = require "appsync.dispatch"
local resty = require "appsync.host.resty"
local ngx = ngx -- luacheck: ignore 113

local GET = "query Get($id: ID!) { item(id: $id) { id text } }"
local NOTE = "mutation Note($id: ID!, $text: String) { note(id: $id, text: $text) { id text } }"
local ON_NOTE = "subscription OnNote { onNote { id text } }"
local NONE = "subscription OnNone { onNone { id } }"
local UNKEPT = { fetch_policy = "no-cache" }
local READY_SECONDS = 5
local BEAT_SECONDS = 0.5
local LOOK_SECONDS = 1 -- how long a listener may not notice that its worker is to end
local STATUS = { auth = 502, graphql = 422, timeout = 504, network = 503 }

local gateway = {}
local cached, stored

-- In nginx's master.
function gateway.set_up(endpoint, key, store)
  local function make(where)
    return appsync.client{
      endpoint = endpoint, auth = { type = "API_KEY", api_key = key }, store = where, fetch_policy = { query = "cache-first" },
      timeouts = { connect = 2, request = 2, ack = 2 }, retry = { base = 0.05, cap = 1 },
    }
  end
  cached, stored = make(nil), make(store)
end

-- What a worker has open by itself.
function gateway.start()
  ngx.timer.at(0, function(is_premature)
    if is_premature then return end
    cached:subscribe(ON_NOTE):subscribe{
      next = function(data)
        if data.onNote.id:find "0$" then cached:evict("ROOT_QUERY", "item") end
      end,
      error = function(err) ngx.log(ngx.ERR, "the worker's subscription has ended: ", tostring(err)) end,
    }
    stored:watch(GET, { id = "1" }):subscribe(function() end)
  end)
  ngx.timer.every(BEAT_SECONDS, function(is_premature)
    if not is_premature then stored:query(GET, { id = "2" }, UNKEPT) end
  end)
end

-- After a request: what it begins here is the worker's.
function gateway.log()
  if math.random(20) == 1 then appsync.spawn(function() cached:query(GET, { id = "3" }, UNKEPT) end) end
end

local function fail(err)
  ngx.log(ngx.WARN, "the service: ", tostring(err))
  ngx.status = STATUS[err.kind] or 502
  ngx.print(appsync.encode{ error = err.kind })
end

local function answer_item(client, options)
  local data, err = client:query(GET, { id = ngx.var.arg_id }, options)
  if not data then return fail(err) end
  ngx.print(data.item.text)
end

function gateway.cached() answer_item(cached) end
function gateway.stored() answer_item(stored) end
function gateway.uncached() answer_item(cached, UNKEPT) end

-- A view of a user, for one request.
function gateway.user() answer_item(stored:with{ identity = "user-" .. ngx.var.arg_user, headers = { ["x-user"] = ngx.var.arg_user } }) end

function gateway.mutation()
  local data, err = cached:mutate(NOTE, { id = ngx.var.arg_id, text = "of " .. ngx.var.arg_id })
  if not data then return fail(err) end
  ngx.print(data.note.id)
end

-- Tasks and light threads beside each other.
function gateway.tasks()
  local tasks, list = {}, {}
  for i = 1, 3 do
    tasks[i] = appsync.spawn(function()
      ngx.sleep(0.001 * i)
      return cached:query(GET, { id = ngx.var.arg_id }, i == 2 and UNKEPT or nil)
    end)
  end
  for i, task in ipairs(tasks) do
    local data, err = task:await()
    if not data then return fail(err) end
    list[i] = data.item.text
  end
  ngx.print(table.concat(list, " "))
end

-- Server-Sent Events. They end when the listener goes away, or with the worker, which says so.
function gateway.events()
  local s = cached:subscribe(ngx.var.arg_silent and NONE or ON_NOTE):subscribe()
  local ok, err = s:ready(READY_SECONDS)
  if not ok then return fail(err) end
  ngx.header.content_type = "text/event-stream"
  ngx.print ": subscribed\n\n"
  ngx.flush(true)
  while not ngx.worker.exiting() do
    local data, why = s:next(LOOK_SECONDS)
    if data then
      ngx.print("data: ", data.onNote.id, "\n\n")
    elseif why and why.kind == "timeout" then
      ngx.print ":\n\n"
    else
      ngx.print("event: failed\ndata: ", tostring(why), "\n\n")
      return
    end
    if not ngx.flush(true) then return end
  end
  s:unsubscribe()
  ngx.print "event: bye\n\n"
end

function gateway.metrics() ngx.print(resty.metrics()) end

-- How many waits and subscriptions this worker expects something for.
function gateway.expected()
  local n = 0
  for _ in pairs(dispatch.expected) do n = n + 1 end
  ngx.print(n)
end

return gateway
