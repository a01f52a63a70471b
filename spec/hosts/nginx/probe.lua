-- What code under nginx calls in every phase: it works there, or it throws one clear line. Run by nginx_spec.lua's workers.
local appsync = require "appsync"
local host = require "appsync.host"

local probe = {}

local REFUSAL = "^[^\n]*: not available under nginx: [^\n]+$"
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

local function observables()
  return appsync.subject(), appsync.observable(function(observer) observer:next(1) end)
end

-- Each by the name that its message has.
local refused = {
  { "appsync.run", function() appsync.run(nothing) end },
  { "appsync.spawn", function() appsync.spawn(nothing) end },
  { "appsync.sleep", function() appsync.sleep(0) end },
  { "appsync.sleep", function() appsync.sleep(math.huge) end },
  { "on_result", function() appsync.sleep(0, with_result) end },
  { "appsync.update", function() appsync.update() end },
  { "appsync.update", function() appsync.update(0) end },
  { "appsync.fd", function() appsync.fd() end },
  { "appsync.wrap", function() appsync.wrap(nothing) end },
  { "client:query", function() client:query(QUERY, { id = "1" }) end },
  { "client:query", function() client:query(QUERY, { id = "1" }, { timeout = 0.001 }) end },
  { "client:query", function() client:query{ query = QUERY, auth = { type = "AWS_LAMBDA", token = appsync.uuid } } end },
  { "client:query", function() client:with{ headers = nothing }:query(QUERY) end },
  { "on_result", function() client:query(QUERY, { id = "1" }, with_result) end },
  { "client:mutate", function() client:mutate "mutation { deleteTodo { id } }" end },
  { "on_result", function() client:mutate("mutation { deleteTodo { id } }", nil, with_result) end },
  { "client:subscribe", function() client:subscribe(SUBSCRIPTION) end },
  { "client:subscribe", function() client:subscribe(SUBSCRIPTION):subscribe{ next = nothing } end },
  { "connection:observe", function() client.connection:observe() end },
  { "on_result", function() client:close{ on_result = nothing } end },
  { "on_result", function() appsync.sign({ url = "https://example.amazonaws.com/" }, { on_result = nothing }) end },
  { "appsync.sleep", function()
    appsync.sign({ url = "https://example.amazonaws.com/" }, { service = "s", region = "r",
      credentials = function() return appsync.sleep(0) end })
  end },
  { "host.use", function() host.use "cqueues" end },
  { "host.use", function() host.use{ current = nothing, suspend = nothing, resume = nothing } end },
}
for i = 1, 2 do
  local function add(name, fn)
    refused[#refused + 1] = { name, function() fn((select(i, observables()))) end }
  end
  add("subscribe", function(source) source:subscribe() end)
  add("subscribe", function(source) source:subscribe(nothing) end)
  add("subscribe", function(source) source:skip(0):next() end)
  add("subscribe", function(source) source:skip(0):next(0) end)
  add("subscribe", function(source) source:each() end)
  add("for_each", function(source) source:for_each(nothing) end)
  add("on_result", function(source) source:for_each(nothing, with_result) end)
  add("subscribe", function(source) source:debounce(0):buffer(1, 0):throttle(0):subscribe(nothing) end)
  add("subscribe", function(source) source:take_until(appsync.subject()):catch(nothing):subscribe(nothing) end)
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

local function check_refusals(complain)
  for _, entry in ipairs(refused) do
    for i, way in ipairs(ways) do
      local ok, message = way(entry[2])
      if ok then
        complain("%s, way %d: didn't throw", entry[1], i)
      elseif type(message) ~= "string" or not message:find(REFUSAL) or not message:find(entry[1] .. ": not", 1, true) then
        complain("%s, way %d: %s", entry[1], i, tostring(message))
      end
    end
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
  check_refusals(complain)
  if runs[phase] % 10 == 1 then collectgarbage() end
end

--- As JSON.
function probe.report()
  return appsync.encode{ runs = runs, faults = appsync.array(faults) }
end

return probe
