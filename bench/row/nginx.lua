---The handlers that bench/nginx.lua measures: ours, each beside one that does the same without us.
local appsync = require "appsync"
local cjson = require "cjson.safe"
local core = require "appsync.core"
local ffi = require "ffi"
local ngx = ngx -- luacheck: ignore 113

local LIST = [[query ListPosts($limit: Int) {
  listPosts(limit: $limit) { items { id title author { id name } content ups downs createdAt } nextToken }
}]]
local GET = "query GetPost($id: ID!) { getPost(id: $id) { id title ups downs createdAt } }"
local BEAT = 0.002 -- seconds
local POOL = 64

local handlers = {}

---@param options {list_port: integer, post_port: integer, list: table, post: table} ports of the services, and their answers
function handlers.set_up(options)
  local function client_of(port)
    return appsync.client{
      endpoint = ("http://127.0.0.1:%d/graphql"):format(port), auth = { type = "API_KEY", api_key = "da2-fakeApiId123456" },
      store = ":memory:",
    }
  end
  handlers.lists, handlers.posts = client_of(options.list_port), client_of(options.post_port)
  handlers.list, handlers.post, handlers.post_port = options.list, options.post, options.post_port
end

local function answer(text)
  ngx.header.content_length = #text
  ngx.print(text)
end

local n_asked = 0

local function next_variables()
  n_asked = n_asked + 1
  return { id = tostring(n_asked) }
end

local LIMIT = { limit = 20 }
local TEXT = { result = "json" }

function handlers.constant_list() answer(appsync.encode(handlers.list)) end
function handlers.constant_list_by_cjson() answer(cjson.encode(handlers.list)) end

local has_clone, clone = pcall(require, "table.clone")
if not has_clone then
  function clone(from)
    local to = {}
    for key, value in pairs(from) do to[key] = value end
    return to
  end
end

local function copy(from)
  local to = clone(from)
  for key, value in pairs(from) do
    if type(value) == "table" then to[key] = copy(value) end
  end
  return setmetatable(to, getmetatable(from))
end

-- What anyone pays who gives each caller tables of its own.
function handlers.constant_list_copied() answer(appsync.encode(copy(handlers.list))) end
function handlers.cached_list() answer(appsync.encode(appsync.assert(handlers.lists:query(LIST, LIMIT)))) end

function handlers.cached_list_text() answer(appsync.assert(handlers.lists:query(LIST, LIMIT, TEXT))) end

function handlers.constant_post() answer(appsync.encode(handlers.post)) end
function handlers.cached_post() answer(appsync.encode(appsync.assert(handlers.posts:query(GET, { id = handlers.post.getPost.id })))) end

function handlers.cached_post_text() answer(appsync.assert(handlers.posts:query(GET, { id = handlers.post.getPost.id }, TEXT))) end

local UNKEPT = { fetch_policy = "no-cache" }

function handlers.uncached() answer(appsync.assert(handlers.posts:query(GET, next_variables(), UNKEPT)).getPost.title) end

local UNKEPT_TEXT = { fetch_policy = "no-cache", result = "json" }

function handlers.uncached_text() answer(appsync.assert(handlers.posts:query(GET, next_variables(), UNKEPT_TEXT))) end

-- What one would write without us.
function handlers.cosocket()
  local body = cjson.encode{ query = GET, variables = next_variables() }
  local socket = ngx.socket.tcp()
  socket:settimeouts(5000, 5000, 5000)
  assert(socket:connect("127.0.0.1", handlers.post_port, { pool_size = POOL }))
  assert(socket:send{
    "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nx-api-key: da2-fakeApiId123456\r\nContent-Length: ",
    #body, "\r\n\r\n", body,
  })
  local status, length = assert(socket:receive "*l"), nil
  repeat
    local line = assert(socket:receive "*l")
    local name, value = line:match "^([^:]+):%s*(.*)$"
    if name and name:lower() == "content-length" then length = tonumber(value) end
  until line == ""
  local decoded = assert(cjson.decode((assert(socket:receive(length)))))
  assert(socket:setkeepalive(60000, POOL))
  assert(status:find(" 200 ", 1, true))
  answer(decoded.data.getPost.title)
end

-- By what was measured and how much, in steps of 10 us: how often.
local function count(what, seconds)
  ngx.shared.counts:incr(("%s %d"):format(what, math.floor(seconds * 1e5)), 1, 0)
end

---Counts how late a timer of this worker is.
function handlers.beat()
  ngx.timer.at(0, function()
    while not ngx.worker.exiting() do
      local due = core.now() + BEAT
      ngx.sleep(BEAT)
      count("beat", core.now() - due)
    end
  end)
end

ffi.cdef "struct aps_bench_time { long s, ns; }; int clock_gettime(int, struct aps_bench_time *);"
local at = ffi.new "struct aps_bench_time"

local function thread_cpu()
  ffi.C.clock_gettime(3, at)
  return tonumber(at.s) + tonumber(at.ns) / 1e9
end

---Opens the clients, as docs/openresty.md has it: the first use of each takes milliseconds.
function handlers.open()
  ngx.timer.at(0, function()
    appsync.assert(handlers.lists:query(LIST, LIMIT))
    appsync.assert(handlers.posts:query(GET, { id = handlers.post.getPost.id }))
    ngx.shared.counts:incr("open", 1, 0)
  end)
end

---Counts the CPU time that the library takes at once: from a call to its return, or until it suspends, and likewise when it goes on;
---of the pump from one wait to the next.
function handlers.time_calls()
  local semaphore = getmetatable(require("ngx.semaphore").new()).__index
  local dispatch, query, timer = require "appsync.dispatch", appsync.client{ endpoint = "http://127.0.0.1:1/graphql",
    auth = { type = "API_KEY", api_key = "da2-fakeApiId123456" } }, require "appsync.timer"
  local class = getmetatable(query).__index
  local began = setmetatable({}, { __mode = "k" })
  local wait, ask, poll, run_due = semaphore.wait, class.query, dispatch.poll, timer.run_due
  function semaphore.wait(...)
    local co = coroutine.running()
    if began[co] then count("call", thread_cpu() - began[co]) end
    local ok, why = wait(...)
    if began[co] then began[co] = thread_cpu() end
    return ok, why
  end
  function class.query(...)
    local co = coroutine.running()
    began[co] = thread_cpu()
    local data, err, info = ask(...)
    count("call", thread_cpu() - began[co])
    began[co] = nil
    return data, err, info
  end
  local function timed(fn)
    return function(...)
      local from = thread_cpu()
      local a, b = fn(...)
      count("pump", thread_cpu() - from)
      return a, b
    end
  end
  dispatch.poll, timer.run_due = timed(poll), timed(run_due)
  -- Of a constant table it is C code that always does the same: what it takes now and then is the machine's.
  local encode = appsync.encode
  function appsync.encode(value)
    local from = thread_cpu()
    local text = encode(value)
    count("encode", thread_cpu() - from)
    return text
  end
end

---Waits until all workers have done so.
function handlers.opened()
  while (ngx.shared.counts:get "open" or 0) < ngx.worker.count() do ngx.sleep(0.01) end
  answer "opened"
end

---What was counted, and no more of it.
function handlers.counts()
  local lines = {}
  for _, key in ipairs(ngx.shared.counts:get_keys(0)) do lines[#lines + 1] = key .. " " .. ngx.shared.counts:get(key) end
  ngx.shared.counts:flush_all()
  ngx.shared.counts:flush_expired()
  answer(table.concat(lines, "\n"))
end

return handlers
