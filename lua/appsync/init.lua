---AppSync and GraphQL for Lua. Loading it does no I/O and starts no thread.
local core = require "appsync.library"
local auth = require "appsync.client.auth"
local background = require "appsync.background"
local bind = require "appsync.bind"
local client = require "appsync.client"
local document = require "appsync.document"
local errors = require "appsync.errors"
local hosts = require "appsync.hosts"
local json = require "appsync.json"
local nginx = require "appsync.nginx"
local observable = require "appsync.observable"
local resolving = require "appsync.client.resolving"
local script = require "appsync.host.script"
local settings = require "appsync.client.settings"
local subject = require "appsync.subject"
local task = require "appsync.task"
require "appsync.observable.operators"
require "appsync.observable.timed"

-- The one place that names a host: what is below waits with whichever is plugged in.
hosts.plug(nginx.is_here and require "appsync.host.resty" or script)

---```lua
---print(#appsync.uuid()) --> 36
---print(appsync.decode "null" == appsync.null) --> true
---print(appsync.AUTH_TYPE.API_KEY) --> API_KEY
---```
---@class appsync
---@field version string
---@field null appsync.Null
---@field AUTH_TYPE table<string, string> the names of the modes, as in `appsync.AUTH_TYPE.API_KEY`
---@field uuid fun(): string a new version 4 UUID
---@field auth table providers of credentials, loaded on first use
---@field sign fun(request: table, options: table): table SigV4, loaded on first use
---@field mutation fun(client: appsync.Client, document: any, options: table?): function a mutation as a function, loaded on first use
---@field build_mutation fun(options: table): appsync.BuiltMutation the table for `client:mutate`, loaded on first use
---@field models fun(source: string|table): table<string, appsync.models.Class>?, appsync.Error? classes of models, loaded on first use
---@field build_sync fun(typename: string, options: table): appsync.SyncOptions the table for `client:sync`, loaded on first use
---@field build_subscription fun(options: table): appsync.MoreOptions the table for `watch:subscribe_to_more`, loaded on first use
local appsync = {}

appsync.version = core.version
appsync.null = json.null
appsync.AUTH_TYPE = auth.TYPE

---What a conflict resolver returns to give up.
appsync.DISCARD = resolving.DISCARD
---For a deletion without criteria: everything.
appsync.ALL = setmetatable({}, { __tostring = function() return "appsync.ALL" end })

appsync.client = client.new
appsync.gql = document.parse

appsync.run = task.run
appsync.spawn = task.spawn
appsync.sleep = task.sleep
appsync.pcall = task.pcall
appsync.wrap = task.wrap
appsync.update = script.update
appsync.fd = script.fd

appsync.start = background.start
appsync.suspend = background.suspend
appsync.resumed = background.resumed

appsync.assert = errors.assert
appsync.array = json.array
appsync.encode = json.encode
appsync.decode = json.decode
appsync.copy = json.copy
appsync.uuid = core.uuid

appsync.bind = bind.bind
appsync.scope = bind.scope
appsync.observable = observable.make
appsync.subject = subject.new

---Sets the default configuration, which clients inherit.
---```lua
---assert(appsync.configure{
---  version = "1",
---  data = { url = endpoint, api_key = api_key, aws_region = "us-east-1", default_authorization_type = "API_KEY" },
---})
---local other = appsync.client() -- with this configuration
---print(#other:query(list_todos).listTodos.items) --> 1
---```
---@param config string|table|nil a file, its text, a table, or a list of these; nil removes it
---@return true? ok, appsync.Error? err when it can't be read
function appsync.configure(config)
  if config == nil then
    settings.set_default_config(nil)
    return true
  end
  if type(config) ~= "string" and type(config) ~= "table" then
    errors.misuse("appsync.configure: config must be a string or a table, got %s", (errors.describe(config)))
  end
  local loaded, err = settings.load_config(config)
  if not loaded then return nil, err end
  settings.set_default_config(loaded)
  return true
end

-- Loaded when they are used.
local LAZY = {
  auth = "appsync.auth", sign = "appsync.sign", mutation = "appsync.bound_mutation",
  build_mutation = "appsync.build_mutation", build_subscription = "appsync.build_subscription", build_sync = "appsync.build_sync",
  models = "appsync.models",
}

return setmetatable(appsync, {
  __index = function(self, name)
    local module = LAZY[name]
    if not module then return nil end
    local value = require(module)
    rawset(self, name, value)
    return value
  end,
})
