-- The handlers of nginx.conf. The client is made once for each worker, and all requests of the worker share its connections,
-- its cache and its subscription.
local appsync = require "appsync"

local gateway = {}

local LIST = "query List { todos: listTodos(limit: 100) { items { id name done } nextToken } }"
local GET = "query Get($id: ID!) { getTodo(id: $id) { id name done } }"
local CREATE = "mutation Create($name: String!) { createTodo(input: {name: $name}) { id name done } }"
local ON_CREATE = "subscription OnCreate { onCreateTodo { id name done } }"

local AS_TEXT = { result = "json" } -- it is passed on as it is: no tables are made of it
local READY_SECONDS = 10
local LOOK_SECONDS = 5 -- how long a listener may not notice that its worker is to end

-- Opens nothing yet: this runs in nginx's master.
local client = appsync.client{
  endpoint = os.getenv "APPSYNC_ENDPOINT",
  auth = { type = "API_KEY", api_key = os.getenv "APPSYNC_API_KEY" },
  fetch_policy = { query = "cache-first" },
  cache = { ttl = { Todo = 60 } },
  timeouts = { request = 10 },
}

local STATUS = { auth = 502, graphql = 422, conflict = 409, timeout = 504, network = 503 }

local function answer(status, value)
  ngx.status = status
  ngx.say(appsync.encode(value))
end

local function fail(err)
  ngx.log(ngx.WARN, "the service: ", tostring(err))
  answer(STATUS[err.kind] or 502, { error = err.kind })
end

-- The next request for the list asks the service.
local function forget_list() client:evict("ROOT_QUERY", "listTodos") end

---The worker's own subscription, which keeps its cache right. Listeners share it: to the service it is one.
function gateway.start()
  ngx.timer.at(0, function(is_premature)
    if is_premature then return end
    client:subscribe(ON_CREATE):subscribe{
      next = forget_list,
      state = forget_list, -- what happened while there was no connection isn't known
      error = function(err) ngx.log(ngx.ERR, "the subscription has ended: ", tostring(err)) end,
    }
  end)
end

local function query(document, variables, options)
  local data, err, info = client:query(document, variables, options)
  if not data then return fail(err) end
  ngx.header.x_source = info.source -- "cache" or "network"
  return data
end

local function create()
  ngx.req.read_body()
  local ok, body = pcall(appsync.decode, ngx.req.get_body_data() or "")
  if not ok or type(body) ~= "table" or type(body.name) ~= "string" then
    return answer(400, { error = 'the body must be {"name": "…"}' })
  end
  local data, err = client:mutate(CREATE, { name = body.name })
  if not data then return fail(err) end
  forget_list()
  answer(201, data.createTodo)
end

---GET /todos, POST /todos
function gateway.todos()
  local method = ngx.req.get_method()
  if method == "POST" then return create() end
  if method ~= "GET" then return answer(405, { error = "GET or POST" }) end
  local text = query(LIST, nil, AS_TEXT)
  if text then ngx.say(text) end
end

---GET /todos/ID
---@param id string
function gateway.todo(id)
  local data = query(GET, { id = id })
  if not data then return end
  if data.getTodo == appsync.null then return answer(404, { error = "no such todo" }) end
  answer(200, data.getTodo)
end

-- Until the listener goes away, which ends the request here, or the worker has to end.
local function send_events(s)
  while not ngx.worker.exiting() do
    local data, err = s:next(LOOK_SECONDS)
    if data then
      ngx.print("event: created\ndata: ", appsync.encode(data.onCreateTodo), "\n\n")
    elseif err and err.kind == "timeout" then
      ngx.print ":\n\n" -- proxies close what is silent
    else
      return
    end
    if not ngx.flush(true) then return end
  end
end

---GET /events: Server-Sent Events, one for each new todo.
function gateway.events()
  local s = client:subscribe(ON_CREATE):subscribe()
  local ok, err = s:ready(READY_SECONDS)
  if not ok then return fail(err) end
  ngx.header.content_type = "text/event-stream"
  ngx.header.cache_control = "no-cache"
  ngx.header.x_accel_buffering = "no"
  ngx.print ": subscribed\n\n"
  ngx.flush(true)
  send_events(s)
  s:unsubscribe()
end

---GET /metrics: of the worker that answers.
function gateway.metrics()
  ngx.header.content_type = "text/plain; version=0.0.4; charset=utf-8"
  ngx.print(require("appsync.host.resty").metrics())
end

return gateway
