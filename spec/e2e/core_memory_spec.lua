--- The core while allocations fail, in a process of its own: what is refused for that says so.
local process = require("spec.support.process")
local program = require("spec.support.program")
local shim = require("spec.support.shim")

local PROGRAM = [[
local appsync, reader = require("appsync"), require("appsync.config")
local config = os.tmpname()
local handle = assert(io.open(config, "w"))
handle:write('{"aws_appsync_graphqlEndpoint":"https://x.example/graphql","aws_appsync_region":"eu-west-1",'
  .. '"aws_appsync_authenticationType":"API_KEY","aws_appsync_apiKey":"da2-\\u0061bc"}')
handle:close()
local KEYS = { access_key_id = "AKID", secret_access_key = "secret" }
local TEXT = "query A($a: Int) { a(b: $a) { c d ...f } } fragment f on T { e }"
local n_failed, n_done, odd = 0, 0, {}

local function judge(name, ok, value, err)
  if not ok then err = value end
  if ok and err == nil then
    n_done = n_done + 1
  elseif not ok and tostring(err):lower():find("memory", 1, true) then
    n_failed = n_failed + 1
  elseif ok and err.kind == "system" and err.code == "out_of_memory" then
    n_failed = n_failed + 1
  else
    odd[#odd + 1] = name .. ": " .. tostring(err) .. " " .. tostring(ok and err.code)
  end
end

local JOBS = {
  decode = function(i) return appsync.decode('{"a":"\\n' .. ("x"):rep(i * 10) .. '"}') end,
  encode = function(i) return appsync.encode({ a = ("x"):rep(i * 10) }) end,
  sign = function(i)
    return appsync.sign({ url = "https://x.example/?a=" .. i, headers = { a = ("x"):rep(i) } },
      { service = "appsync", region = "eu-west-1", credentials = KEYS })
  end,
  gql = function(i) return appsync.gql(TEXT .. (" "):rep(i)) end,
  config = function() return reader.load(config) end,
  client = function()
    local made, err = appsync.client({ url = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "k" } })
    if made then made:close(0) end
    return made, err
  end,
}
appsync.decode("1")
io.open("/no-memory")
for i = 1, 60 do
  for name, job in pairs(JOBS) do judge(name, pcall(job, i)) end
end
os.remove(config)
for i = 1, math.min(#odd, 5) do print(odd[i]) end
print("done", n_done > 0, n_failed > 0, #odd)
]]

describe("the core without memory", function()
  after_each(process.stop_all)

  it("calls it what it is", function()
    if os.getenv("ALLOWED_KIB") then return pending("not beside a sanitizer") end
    for seed = 1, 4 do
      for _, every in ipairs({ 3, 12 }) do
        local output, status = program(PROGRAM, ("env LD_PRELOAD=%s NO_MEMORY_OF=/core.so NO_MEMORY=%d:%d"):format(shim "no_memory", every, seed))
        assert.equal("done\ttrue\ttrue\t0\n", output)
        assert.equal(0, status)
      end
    end
  end)
end)
