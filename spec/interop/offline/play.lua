-- One client of lua-appsync against examples/posts, and what was seen of it: a list of events like that of
-- aws_appsync_offline.js, so that the two can be compared. Ids are named in the order that they turn up.
local appsync = require "appsync"
local core = require "appsync.core"
local http = require "socket.http"
local ltn12 = require "ltn12"
local wait_for = require "spec.support.wait"

local FIELDS = "id title author content ups downs version"

local play = {
  CREATE = ("mutation Create($input: CreatePostInput!) { createPost(input: $input) { %s } }"):format(FIELDS),
  UPDATE = ("mutation Update($input: UpdatePostInput!) { updatePost(input: $input) { %s } }"):format(FIELDS),
  DELETE = "mutation Delete($input: DeletePostInput!) { deletePost(input: $input) { id version } }",
  LIST = ("query List { listPosts { %s } }"):format(FIELDS),
}

local INPUT = "input In { id: ID! expectedVersion: Int }"
local UUID = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"
local TURN = 0.005 -- seconds between two mutations, as a user makes them

---@class spec.interop.Play
---@field client appsync.Client
---@field events table[]
---@field told integer calls of `offline.callback`
---@field private given {endpoint: string, key: string, control: string, sent: string, store: string}
---@field private names table<string, string>
---@field private n_names integer
local Play = {}
Play.__index = Play

local function call(method, url, body)
  local chunks, text = {}, body and core.encode(body)
  local ok, status = http.request{
    url = url, method = method, sink = ltn12.sink.table(chunks), source = text and ltn12.source.string(text),
    headers = text and { ["content-length"] = tostring(#text), ["content-type"] = "application/json" },
  }
  local answer = table.concat(chunks)
  assert(ok and status == 200, answer)
  return core.decode(answer)
end

-- Ids have names instead.
local function named(self, value)
  if type(value) == "string" and value:find(UUID) then
    if not self.names[value] then self:name(value, "id") end
    return self.names[value]
  end
  if type(value) ~= "table" then return value end
  local copy = setmetatable({}, getmetatable(value))
  for i, item in ipairs(value) do copy[i] = named(self, item) end
  for key, item in pairs(value) do
    if copy[key] == nil then copy[key] = named(self, item) end
  end
  return copy
end

---Gives the next name to an id.
function Play:name(id, kind)
  self.n_names = self.n_names + 1
  self.names[id] = ("%s %d"):format(kind, self.n_names)
end

---An event.
function Play:note(event, about)
  local line = named(self, about)
  line.event = event
  self.events[#self.events + 1] = line
end

local function keys_of(value)
  local keys = appsync.array()
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function hear(self, err, success)
  self.told = self.told + 1
  if success then
    local about = { mutation = success.mutation, variables = success.variables, notified = success.notified }
    about.data = success.data[success.mutation]
    self:note("callback", { success = about, keys = keys_of(success) })
  else
    local cause = err.cause or {}
    self:note("callback", { error = {
      mutation = err.mutation, notified = err.notified, message = err.message, kind = err.kind, outcome = cause.outcome,
    } })
  end
end

---A client that has read the list.
---@param given table
---@param options table? of the client
---@return spec.interop.Play
function play.begin(given, options)
  local self = setmetatable({ given = given, events = {}, told = 0, names = {}, n_names = 0 }, Play)
  options = options or {}
  options.endpoint, options.auth = given.endpoint, { type = "API_KEY", api_key = given.key }
  options.store, options.log = given.store, function() end
  options.retry = { base = 0.001, cap = 0.01 }
  options.cache = { lookups = { ["Query.getPost"] = "Post" } }
  options.offline = { callback = function(err, success) hear(self, err, success) end }
  self.client = assert(appsync.client(options))
  assert(self.client:query(play.LIST, nil, { fetch_policy = "network-only" }))
  return self
end

---What has been sent since the last time, each with how often in a row.
local function sent(self)
  return call("GET", self.given.sent)
end

local function n_sent(self)
  local n = 0
  for _, request in ipairs(sent(self)) do n = n + request.times end
  return n
end

---The options of a mutation; the id of its optimistic response.
function Play:build(mutation, input)
  local made = appsync.build_mutation{
    client = self.client, mutation = mutation, input_type = INPUT, variables = { input = appsync.copy(input) },
    cache_updates = play.LIST, typename = "Post",
  }
  if mutation == play.CREATE then made.variables.input.expectedVersion = nil end
  if mutation == play.CREATE and not input.id then made.variables.input.id = nil end -- the server's own
  local id
  for _, item in pairs(made.optimistic_response) do
    if type(item) == "table" then id = item.id end
  end
  if not input.id then self:name(id, "temporary") end
  return made, id
end

---Mutates, and notes what comes of it and what the list is then; the id of the optimistic response.
function Play:mutate(mutation, input)
  local made, id = self:build(mutation, input)
  sent(self)
  local data, err = self.client:mutate(made)
  if not data then error(err, 0) end
  self:note("answered", { data = data, sent = n_sent(self) })
  self:list()
  appsync.sleep(TURN)
  return id
end

local function post_of(id, title)
  return { id = id, title = title, author = "a", content = "c", ups = 0, downs = 0 }
end
play.post_of = post_of

function Play:create(title, id)
  return self:mutate(play.CREATE, post_of(id, title))
end

function Play:update(id, title)
  return self:mutate(play.UPDATE, post_of(id, title))
end

function Play:remove(id)
  return self:mutate(play.DELETE, { id = id })
end

---Somebody else's change.
function Play:beside(mutation, input)
  local other = appsync.client{ endpoint = self.given.endpoint, auth = { type = "API_KEY", api_key = self.given.key }, store = false }
  assert(other:mutate(mutation, { input = input }))
  assert(other:close(5))
end

function Play:list()
  local posts = appsync.array()
  for i, post in ipairs(assert(self.client:read_query(play.LIST)).listPosts) do
    posts[i] = { id = post.id, title = post.title, version = post.version }
  end
  self:note("list", { posts = posts })
end

---Faults of the server, in the place of those before.
function Play:fault(rule)
  call("PUT", self.given.control .. "/rules", setmetatable({ rule }, core.array_mt))
end

function Play:effects()
  return call("GET", self.given.control .. "/effects").effects
end

function Play:offline()
  self.client:set_online(false)
  sent(self)
end

local function log_of(self)
  return call("GET", self.given.control .. "/log?on=request&kind=mutation").log
end

-- {{item, how often in a row}, …}
local function runs(items)
  local list = appsync.array()
  for _, item in ipairs(items) do
    local last = list[#list]
    if last and last[1] == item then last[2] = last[2] + 1 else list[#list + 1] = appsync.array{ item, 1 } end
  end
  return list
end

local function note_log(self, before)
  local log, order, is_serial, last = log_of(self), {}, true, nil
  for i = before + 1, #log do
    local entry = log[i]
    order[#order + 1] = table.concat(entry.fields, " ") .. " " .. tostring(entry.status)
    is_serial = is_serial and (not last or entry.at * 1000 >= last.at * 1000 + last.duration_ms - 2)
    last = entry
  end
  self:note("server", { order = runs(order), serial = is_serial })
end

---Comes back, and waits until `n` mutations have ended; notes what was sent and in which order the server had it.
---@return number seconds that it took
function Play:online(n)
  local before, told, began = #log_of(self), self.told, core.now()
  self.client:set_online(true)
  wait_for(function() return self.told >= told + n end, ("%d callbacks"):format(n))
  local took = core.now() - began
  assert(self.client.outbox:drain(10))
  for _, request in ipairs(sent(self)) do self:note("sent", request) end
  note_log(self, before)
  self:list()
  return took
end

function Play:note_dead_letters()
  local letters = appsync.array()
  for i, letter in ipairs(assert(self.client.outbox:dead_letters())) do
    letters[i] = { mutation = letter.mutation, outcome = letter.cause.outcome }
  end
  if letters[1] then self:note("dead", { letters = letters }) end
end

---Closes the client, and prints each event as a line of JSON.
function Play:finish()
  self:note_dead_letters()
  assert(self.client:close(5))
  for _, event in ipairs(self.events) do print(core.encode(event)) end
end

return play
