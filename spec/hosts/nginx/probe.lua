-- What code under nginx calls in every phase: it works there, or it throws one clear line. Run by nginx_spec.lua's workers.
local appsync = require "appsync"
local host = require "appsync.host"

local probe = {}

local REFUSAL = "^[^\n]*: not available under nginx, whose event loop drives the library: [^\n]+$"
local QUERY = "query Q($id: ID!) { getTodo(id: $id) { id } }"
local SUBSCRIPTION = "subscription { onCreateTodo { id } }"
local KEYS = { access_key_id = "AKIDEXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" }
-- The example "get-vanilla" of the AWS Signature Version 4 test suite.
local VANILLA = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"

local configuration = appsync.encode{
  version = "1",
  data = { url = "https://example.com/graphql", aws_region = "us-east-1", default_authorization_type = "API_KEY", api_key = "da2-x" },
}

-- Stands at module level, so it is made in init_by_lua, before the fork.
local client = appsync.client{ config = configuration }

--- What every request has to give, whatever went before it.
function probe.values()
  local signed = assert(appsync.sign({ url = "https://example.amazonaws.com/" },
    { service = "service", region = "us-east-1", credentials = KEYS, now = 1440938160 }))
  return ("%s %s %s %s\n"):format(signed.signature, appsync.encode{ appsync.array{}, appsync.null, 5.0 },
    appsync.decode('{"n": [1, 2]}').n[2], tostring(appsync.gql(QUERY) ~= nil))
end

probe.EXPECTED = VANILLA .. " [[],null,5] 2 true\n"

local works = {}

function works.values()
  assert(probe.values() == probe.EXPECTED, probe.values())
end

function works.signing_by_a_provider()
  local signed = assert(appsync.sign({ url = "https://example.amazonaws.com/" }, { service = "service", region = "us-east-1",
    credentials = appsync.auth.static(KEYS), now = 1440938160 }))
  assert(signed.signature == VANILLA)
  appsync.auth.environment():get()
  appsync.auth.shared_file{ credentials_file = "none", config_file = "none" }:get()
end

function works.small_things()
  assert(#appsync.uuid() == 36 and appsync.uuid() ~= appsync.uuid())
  assert(appsync.copy{ a = { 1 } }.a[1] == 1)
  assert(type(appsync.version) == "string" and appsync.AUTH_TYPE.API_KEY == "API_KEY")
  assert(tostring(appsync.DISCARD) == "appsync.DISCARD" and tostring(appsync.ALL) == "appsync.ALL")
  assert(appsync.assert(1) == 1)
  assert(not pcall(appsync.assert, nil, "an error"))
  assert(select(2, appsync.decode "{") ~= nil)
  assert(not pcall(appsync.gql, "{"))
end

function works.pcall_of_what_does_not_wait()
  local ok, value = appsync.pcall(function(a) return a + 1 end, 1)
  assert(ok and value == 2)
end

function works.configurations()
  assert(appsync.configure(configuration))
  local inherits = assert(appsync.client())
  appsync.configure(nil)
  assert(tostring(inherits):find("example.com", 1, true))
  local none, err = appsync.client{ config = "no/such/file.json" }
  assert(none == nil and err.kind)
end

function works.a_client_that_is_not_used()
  local one = appsync.client{ endpoint = "https://example.com/graphql", auth = { type = "NONE" } }
  assert(one.connection.state == "Disconnected")
  assert(next(one:stats()) == nil)
  one:set_online(false)
  one:with{ headers = { a = "b" } }
  assert(one:close() == true and one:close() == true)
  appsync.client{ endpoint = "https://example.com/graphql", auth = { type = "NONE" } } -- is collected
end

function works.observables_that_nobody_subscribes_to()
  local subject = appsync.subject()
  subject:map(function() end):debounce(1):buffer(2, 1):merge(appsync.observable(function() end))
  subject:next(1)
  subject:complete()
end

function works.wrong_arguments()
  local ok, message = pcall(appsync.client, { endpoint = 5 })
  assert(not ok and message:find("endpoint", 1, true), message)
end

local function nothing() end
local with_result = { on_result = nothing }

-- Nobody listens there.
local nowhere = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" }, retry = { attempts = 1 } }

local function observables()
  return appsync.subject(), appsync.observable(function(observer) observer:next(1) end)
end

-- What drives the library is nginx's affair. Each by the name that its message has.
local refused = {
  { "appsync.run", function() appsync.run(nothing) end },
  { "appsync.update", function() appsync.update() end },
  { "appsync.update", function() appsync.update(0) end },
  { "appsync.fd", function() appsync.fd() end },
  { "host.use", function() host.use "cqueues" end },
  { "host.use", function() host.use{ current = nothing, suspend = nothing, resume = nothing } end },
}

-- Calls that wait: where a phase can't be suspended each says so.
local waiting = {
  { "appsync.sleep", function() return appsync.sleep(0) end },
  { "client:query", function() return nowhere:query(QUERY, { id = "1" }) end },
  { "client:query", function() return nowhere:query(QUERY, { id = "1" }, { timeout = 0.001 }) end },
  { "client:query", function() return nowhere:query{ query = QUERY, auth = { type = "AWS_LAMBDA", token = appsync.uuid } } end },
  { "client:query", function() return nowhere:with{ headers = nothing }:query(QUERY) end },
  { "client:mutate", function() return nowhere:mutate "mutation { deleteTodo { id } }" end },
  { "appsync.sleep", function()
    return appsync.sign({ url = "https://example.amazonaws.com/" }, { service = "s", region = "r",
      credentials = function()
        appsync.sleep(0)
        return KEYS
      end })
  end },
}

-- What runs beside its caller does so in every phase, but where there is nothing beside it.
local beside = {
  { "spawn", function() appsync.spawn(nothing) end },
  { "on_result", function() appsync.sleep(0, with_result) end },
  { "on_result", function() nowhere:query(QUERY, { id = "1" }, with_result) end },
  { "on_result", function() nowhere:mutate("mutation { deleteTodo { id } }", nil, with_result) end },
  { "subscribe", function() client:subscribe(SUBSCRIPTION):subscribe(nothing):unsubscribe() end },
  { "observe", function() client.connection:observe():subscribe(nothing):unsubscribe() end },
}
for i = 1, 2 do
  local function add(name, fn)
    beside[#beside + 1] = { name, function() fn((select(i, observables()))) end }
  end
  add("subscribe", function(source) source:subscribe():unsubscribe() end)
  add("subscribe", function(source) source:subscribe(nothing):unsubscribe() end)
  add("subscribe", function(source) source:debounce(0):buffer(1, 0):throttle(0):subscribe(nothing):unsubscribe() end)
  add("on_result", function(source) source:take(0):for_each(nothing, with_result) end)
end

-- The ways to it: straight, through a pcall of ours, in a coroutine of the program's, which some phases refuse.
local ways = {
  pcall,
  function(fn) return pcall(function() assert(appsync.pcall(fn)) end) end,
  function(fn)
    local has_coroutines, co = pcall(coroutine.create, function() return pcall(fn) end)
    if not has_coroutines then return pcall(fn) end
    return select(2, coroutine.resume(co))
  end,
}

local SUSPENDING = {
  rewrite = true, access = true, content = true, timer = true, timer_of_the_worker = true,
}

local function check_refused(list, pattern, complain)
  for _, entry in ipairs(list) do
    for i, way in ipairs(ways) do
      local ok, message = way(entry[2])
      if ok then
        complain("%s, way %d: didn't throw", entry[1], i)
      elseif type(message) ~= "string" or not message:find(pattern) or not message:find(entry[1], 1, true) then
        complain("%s, way %d: %s", entry[1], i, tostring(message))
      end
    end
  end
end

local function check_works(list, complain)
  for _, entry in ipairs(list) do
    for i, way in ipairs(ways) do
      local ok, message = way(entry[2])
      if not ok then complain("%s, way %d: %s", entry[1], i, tostring(message)) end
    end
  end
end

local function check_calls(phase, complain)
  check_refused(refused, REFUSAL, complain)
  if SUSPENDING[phase] then
    check_works(waiting, complain)
  else
    check_refused(waiting, "^[^\n]*: a call that waits isn't possible in " .. phase .. "[a-z_]*_by_lua%*[^\n]+$", complain)
  end
  if phase == "init" then
    check_refused({ { "", beside[1][2] } }, "^[^\n]*init_by_lua[^\n]+$", complain)
  elseif phase ~= "exit_worker" then
    check_works(beside, complain)
  end
end

-- By phase: how often, and what went wrong.
local runs, faults = {}, {}

--- Calls all of it.
---@param phase string
function probe.run(phase)
  runs[phase] = (runs[phase] or 0) + 1
  local function complain(...)
    if #faults < 20 then faults[#faults + 1] = phase .. ": " .. (...):format(select(2, ...)) end
  end
  for name, fn in pairs(works) do
    local ok, raised = pcall(fn)
    if not ok then complain("%s: %s", name, tostring(raised)) end
  end
  check_calls(phase, complain)
  if runs[phase] % 10 == 1 then collectgarbage() end
end

--- As JSON.
function probe.report()
  return appsync.encode{ runs = runs, faults = appsync.array(faults) }
end

return probe
