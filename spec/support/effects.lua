-- The server that counts effects (spec/support/effects_server.lua), in a process of its own that comes back when it is killed.
--
--   local served = effects.start()
--   served.fault("lost_answer", { field = "createTodo", times = 1 })
--   … a client writes, with opId = "a" in the input …
--   assert.equal(1, served.count "a")
local core = require "appsync.core"
local faults = require "spec.support.faults"
local folder = require "spec.support.folder"
local http = require "socket.http"
local ltn12 = require "ltn12"
local process = require "spec.support.process"
local server = require "spec.support.server"
local socket = require "socket"
local wait_for = require "spec.support.wait"

local effects = { API_KEY = server.API_KEY }

local interpreter = os.getenv "APPSYNC_LUA" or arg[-1]

-- Killed, the server comes back; asked to end, it doesn't, and neither if it can't start.
local LOOP = [[
folder=$1; shift
trap 'kill "$child" 2>/dev/null; exit 0' TERM INT
while :; do
	"$@" & child=$!
	wait "$child"; status=$?
	[ "$status" -eq 137 ] || exit "$status"
	sleep "$(cat "$folder/down" 2>/dev/null || echo 0)" & child=$!
	wait "$child"
	rm -f "$folder/down"
done
]]

local function busy(status, type_name)
  return function(o)
    return { refuse = { status = status, type = type_name, message = "later", headers = { ["Retry-After"] = tostring(o.seconds or 1) } } }
  end
end

--- What `fault` can play; each takes of its options what is its own.
effects.FAULTS = {
  -- Nothing is done.
  reset = function() return { refuse = "reset" } end,
  unavailable = busy(503, "ServiceUnavailableException"), -- seconds: of Retry-After
  throttled = busy(429, "TooManyRequestsException"),
  unauthorized = function() return { expire = true } end,
  error = function(o) return { error = { type = o.type or "Refused", message = o.message or "refused" } } end,
  crash = function(o) return { crash = { down_ms = o.down_ms or 0 } } end,
  -- It is done, and the client can't know.
  lost_answer = function() return { lose_answer = "reset" } end,
  silence = function() return { lose_answer = "hang" } end,
  half_answer = function(o) return { drop = { fraction = o.fraction or 0.5 } } end,
  error_after = function(o) return { lose_answer = { status = o.status or 500 } } end,
  crash_after = function(o) return { crash = { after_effect = true, down_ms = o.down_ms or 0 } } end,
  -- It is done late, or the answer comes late.
  delay = function(o) return { delay = o.ms or 100 } end,
  late_answer = function(o) return { delay = { ms = o.ms or 100, after_effect = true } } end,
}

local MATCHED = { "kind", "field", "operation", "times", "after", "every", "probability", "seed" }

local function rule_of(name, options)
  local match = { on = "request", kind = "mutation" }
  for _, key in ipairs(MATCHED) do match[key] = options[key] or match[key] end
  return { name = options.name or name, match = match, fault = (effects.FAULTS[name] or error("no such fault: " .. name))(options) }
end

local function post(url, body, headers)
  local chunks = {}
  headers["content-length"] = tostring(#body)
  local ok, status, received = http.request{
    url = url, method = "POST", source = ltn12.source.string(body), sink = ltn12.sink.table(chunks), headers = headers,
  }
  if not ok then return nil, status end
  return table.concat(chunks), status, received
end

-- What a served one can do: its functions take no self, as those of spec.support.faults.
local function add_data(served, path)
  --- One request by plain HTTP: the decoded answer (the text where it isn't JSON), the status and the headers; nil and why
  --- there is none.
  function served.ask(query, variables, key)
    local body = core.encode{ query = query, variables = variables }
    local headers = { ["content-type"] = "application/json", ["x-api-key"] = key or effects.API_KEY }
    local text, status, received = post(served.endpoint, body, headers)
    if not text then return nil, status end
    return core.decode(text) or text, status, received
  end

  --- The effects, the oldest first: {field=, key=, id=, version=, at= (Unix seconds)}; also those of processes that were killed.
  function served.effects()
    local list = {}
    for line in process.read(path .. "/effects"):gmatch "[^\n]+" do list[#list + 1] = core.decode(line) end
    return list
  end

  --- How often mutations with this key have changed data.
  function served.count(key)
    local n = 0
    for _, effect in ipairs(served.effects()) do n = n + (effect.key == key and 1 or 0) end
    return n
  end

  --- The same by key.
  function served.counts()
    local counts = {}
    for _, effect in ipairs(served.effects()) do counts[effect.key] = (counts[effect.key] or 0) + 1 end
    return counts
  end
end

local function is_listening(url)
  local probe = socket.connect("127.0.0.1", tonumber(url:match "^%w+://[^/]*:(%d+)"))
  if probe then probe:close() end
  return probe ~= nil
end

local function add_faults(served, path)
  --- Plays a fault: `options` are keys of a rule's match (kind: default "mutation"), `name`, and the fault's own; its name.
  function served.fault(name, options) return served.add(rule_of(name, options or {}))[1] end

  --- Plays these faults (name → options), each with a probability, also after the process was killed. `fault` in the options
  --- is the fault's name where the key is another one: that of its rule.
  function served.chaos(seed, wanted)
    local rules, names = setmetatable({}, core.array_mt), {}
    for name in pairs(wanted) do names[#names + 1] = name end
    table.sort(names)
    for i, name in ipairs(names) do
      local rule = rule_of(wanted[name].fault or name, wanted[name])
      assert(rule.match.probability, name .. ": a probability is missing")
      rule.match.seed = seed * 31 + i
      rules[i] = rule
    end
    process.write(path .. "/rules", core.encode{ rules = rules, starts = served.starts() })
    served.replace(rules)
  end

  --- No faults any more.
  function served.calm()
    os.remove(path .. "/rules")
    local is_clear, why
    for _ = 1, 10 do -- a crash that is under way ends the connection
      served.wait()
      is_clear, why = pcall(served.clear)
      if is_clear then return end
    end
    error(why, 0)
  end

  --- Kills the process between two requests; it is back after so many ms, and connections are refused until then.
  function served.crash(down_ms)
    local starts = served.starts()
    post(served.url .. "/crash", tostring(down_ms or 0), {})
    -- Its connections end before its ports are closed, one after the other.
    while served.starts() == starts and (is_listening(served.url) or is_listening(served.endpoint)) do socket.sleep(0.001) end
  end

  --- Waits until it answers.
  function served.wait()
    wait_for(function()
      local ok = http.request(served.url .. "/")
      if not ok then socket.sleep(0.01) end
      return ok ~= nil
    end, "the effects server", function() return process.read(served.handle.log) end)
  end

  --- How often it was started.
  function served.starts() return #process.read(path .. "/starts") end
end

local function free_ports(n)
  local held, ports = {}, {}
  for i = 1, n do
    held[i] = assert(socket.bind("127.0.0.1", 0))
    local _, port = held[i]:getsockname()
    ports[i] = tostring(port)
  end
  for i = 1, n do held[i]:close() end
  return ports
end

--- Starts one with no data. `stop()` removes them; process.stop_all() ends the process alone.
function effects.start()
  local made, ports = folder.make(), free_ports(2)
  local first, handle = process.start{
    "sh", "-c", LOOP, "sh", made.path, interpreter, "spec/support/effects_server.lua", made.path, ports[1], ports[2], effects.API_KEY,
  }
  local endpoint, realtime, control = (first or ""):match "^READY (%S+) (%S+) control=(%S+)"
  assert(endpoint, "the effects server did not start: " .. tostring(first) .. process.read(handle.log))
  local served = faults.control(control)
  served.endpoint, served.realtime, served.handle = endpoint, realtime, handle
  add_data(served, made.path)
  add_faults(served, made.path)
  function served.stop()
    process.stop(handle)
    made.remove()
  end
  return served
end

return effects
