-- A local server in a process of its own, with its control endpoint: rules go in, the log and the effects come out.
--
--   local faulty = faults.start { schema = SCHEMA }
--   faulty.add { match = { field = "createTodo", times = 1 }, fault = { lose_answer = "reset" } }
--   … a client writes …
--   assert.equal(1, faulty.effects().createTodo.count)
local core = require "appsync.core"
local http = require "socket.http"
local ltn12 = require "ltn12"
local server = require "spec.support.server"

local faults = {}

--- Asks a control endpoint; the decoded answer, and its status.
---@param url string
---@param method string
---@param path string
---@param body any encoded as JSON
function faults.call(url, method, path, body)
  local text, chunks = body ~= nil and core.encode(body) or "", {}
  local ok, status = http.request {
    url = url .. path, method = method, source = ltn12.source.string(text), sink = ltn12.sink.table(chunks),
    headers = { ["content-length"] = tostring(#text), ["content-type"] = "application/json" },
  }
  assert(ok, status)
  return core.decode(table.concat(chunks)), status
end

local function call(url, method, path, body)
  local value, status = faults.call(url, method, path, body)
  assert(status == 200, ("%s %s: %s %s"):format(method, path, status, type(value) == "table" and value.error or "?"))
  return value
end

--- The control of a server that was started with `--control`.
---@param url string
function faults.control(url)
  return {
    url = url,
    --- Adds a rule or a list of them; their names.
    add = function(rules) return call(url, "POST", "/rules", rules).added end,
    --- Puts these in the place of all.
    replace = function(rules) return call(url, "PUT", "/rules", rules).added end,
    remove = function(name) call(url, "DELETE", "/rules/" .. name) end,
    clear = function() call(url, "DELETE", "/rules") end,
    rules = function() return call(url, "GET", "/rules").rules end,
    --- The log's entries, the oldest first. `query`: "?field=…&on=…&kind=…&operation=…&since=…".
    log = function(query) return call(url, "GET", "/log" .. (query or "")).log end,
    --- {createTodo = {count=, by_id=, by_arguments=, by_client_mutation_id=}, …}
    effects = function() return call(url, "GET", "/effects").effects end,
    connections = function() return call(url, "GET", "/connections").connections end,
    --- Ends all WebSockets, or one: by a reset, or with a close code.
    disconnect = function(number, code)
      return call(url, "DELETE", "/connections" .. (number and "/" .. number or "") .. (code and "?code=" .. code or "")).closed
    end,
    skew = function(seconds) call(url, "POST", "/clock", { skew_s = seconds }) end,
    advance = function(seconds) call(url, "POST", "/clock", { advance_s = seconds }) end,
    counters = function() return call(url, "GET", "/counters").counters end,
    --- Sends the events that reordering holds back; how many.
    flush = function() return call(url, "POST", "/flush").sent end,
    --- No rules, an empty log, no effects, a clock that is right.
    reset = function() call(url, "POST", "/reset") end,
  }
end

--- Starts a server with a control endpoint: what spec.support.server gives, and the functions of `faults.control`.
---@param options {schema: string, resolvers: string?, port: string?, arguments: string[]?, rules: table?}
function faults.start(options)
  local arguments = { "--control", "0" }
  for _, argument in ipairs(options.arguments or {}) do arguments[#arguments + 1] = argument end
  local started = server.start({ schema = options.schema, resolvers = options.resolvers, port = options.port, arguments = arguments })
  local url = assert(started.ready:match(" control=(%S+)$"), started.ready)
  started.output = started.log -- what it wrote to stderr
  for name, fn in pairs(faults.control(url)) do started[name] = fn end
  if options.rules then started.add(options.rules) end
  return started
end

return faults
