---Authentication modes: checked tables, and their slots in the core.
local addresses = require "appsync.client.addresses"
local compat = require "appsync.compat"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local log = require "appsync.log"
local opts = require "appsync.opts"
local pasted = require "appsync.pasted"
local task = require "appsync.task"

local auth = {}

---@enum appsync.AuthType
auth.TYPE = {
  NONE = "NONE",
  API_KEY = "API_KEY",
  AWS_IAM = "AWS_IAM",
  AMAZON_COGNITO_USER_POOLS = "AMAZON_COGNITO_USER_POOLS",
  OPENID_CONNECT = "OPENID_CONNECT",
  AWS_LAMBDA = "AWS_LAMBDA",
}

auth.TYPES = {
  "API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "AWS_LAMBDA", "NONE",
}

-- Amplify's names of the modes.
local AMPLIFY_NAMES = {
  apiKey = "API_KEY", iam = "AWS_IAM", identityPool = "AWS_IAM", userPool = "AMAZON_COGNITO_USER_POOLS",
  oidc = "OPENID_CONNECT", lambda = "AWS_LAMBDA", none = "NONE",
}

---Static credentials and tokens, and those that a function has just given, are sent even if they look expired: the device's
---clock may be wrong, and the service decides. A function is called again when what it gave has expired by the service's clock,
---as far as that is known, and once after a refusal.
---@class appsync.Auth
---@field type appsync.AuthType "API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "AWS_LAMBDA", "NONE"
---@field api_key string? for API_KEY
---@field token string|table|(fun(reason: "first"|"expired"|"refused"): string?, any)|nil a table has `get`, a function may wait
---@field credentials table|(fun(reason: string): table?, any)|nil for AWS_IAM: keys, a provider of `appsync.auth`, or a function
---@field region string? for AWS_IAM; default: the client's
---@field service string? for AWS_IAM; default "appsync"

local SCHEMA = opts.schema{
  type = { "string", values = auth.TYPES },
  api_key = { "string", is_secret = true, is_pasted = true },
  token = { "string", "callable", "table", is_secret = true, is_pasted = true, also = { "jwtToken" } },
  credentials = { "table", "callable", is_secret = true },
  region = { "string", is_line = true, is_pasted = true },
  service = { "string", is_line = true, is_pasted = true },
}

local NEEDS = {
  API_KEY = "api_key", AWS_IAM = "credentials", AMAZON_COGNITO_USER_POOLS = "token", OPENID_CONNECT = "token",
  AWS_LAMBDA = "token",
}

local CREDENTIALS = {
  access_key_id = { "access_key_id", "accessKeyId" },
  secret_access_key = { "secret_access_key", "secretAccessKey" },
  session_token = { "session_token", "sessionToken" },
  expires_at = { "expires_at", "expiresAt" },
}
local CREDENTIALS_NEEDED = { CREDENTIALS.access_key_id, CREDENTIALS.secret_access_key }
local CREDENTIALS_TYPES = { session_token = "string", expires_at = "number" }

---@param mode any
---@param where string
---@return string
function auth.mode(mode, where)
  local name = AMPLIFY_NAMES[mode] or mode
  if not auth.TYPE[name] then
    errors.misuse("%s: auth_mode must be one of \"%s\", got %s", where, table.concat(auth.TYPES, "\", \""),
      (errors.describe(mode)))
  end
  return name
end

local function credentials_of(given)
  local material = {}
  for name, spellings in pairs(CREDENTIALS) do
    material[name] = given[spellings[1]]
    if material[name] == nil then material[name] = given[spellings[2]] end
    if type(material[name]) == "string" then material[name] = pasted.trim(material[name]) end
  end
  return material
end

-- What is wrong with the rest of them. A value is never shown.
local function credentials_fault(material)
  for name, accepted in pairs(CREDENTIALS_TYPES) do
    if material[name] ~= nil and type(material[name]) ~= accepted then
      return ("the credentials' %s must be a %s, got %s"):format(name, accepted, (errors.describe(material[name], true)))
    end
  end
end

-- Throws for a table that is no source of material: keys that are misspelled would be found at the first call only.
local function check_source(checked, name, where)
  local value = checked[name]
  if type(value) ~= "table" or opts.is_callable(value) then return end
  if opts.is_callable(value.get) then return end
  if name == "token" then
    if opts.is_callable(value.current_session) then return end
    errors.misuse("%s: token must be a string, a function or a table with a get method or current_session, got a table "
      .. "with neither", where)
  end
  for _, spellings in ipairs(CREDENTIALS_NEEDED) do
    if type(value[spellings[1]]) ~= "string" and type(value[spellings[2]]) ~= "string" then
      errors.misuse("%s: credentials must be a function, a table with a get method, or a table of access_key_id and "
        .. "secret_access_key, both strings; %s is missing", where, spellings[1])
    end
  end
  local fault = credentials_fault(credentials_of(value))
  if fault then errors.misuse("%s: %s", where, fault) end
end

---Checks an auth table.
---@param given table
---@param where string
---@return appsync.Auth
function auth.check(given, where)
  if type(given) ~= "table" then -- which may be a key
    errors.misuse("%s: an auth mode must be a table, got %s", where, (errors.describe(given, true)))
  end
  if AMPLIFY_NAMES[given.type] then
    local copy = {}
    for key, value in pairs(given) do copy[key] = value end
    copy.type = AMPLIFY_NAMES[given.type]
    given = copy
  end
  local checked = opts.check(given, SCHEMA, where)
  if not checked.type then
    errors.misuse("%s: type is missing; accepted are \"%s\"", where, table.concat(auth.TYPES, "\", \""))
  end
  checked.region = addresses.check_region(checked.region, where)
  local needed = NEEDS[checked.type]
  for _, name in ipairs{ "api_key", "token", "credentials" } do
    if name == needed and checked[name] == nil then
      errors.misuse("%s: %s needs %s", where, checked.type, name)
    elseif name ~= needed and checked[name] ~= nil then
      errors.misuse("%s: %s doesn't take %s%s", where, checked.type, name, needed and "; it takes " .. needed or "")
    end
  end
  if needed then check_source(checked, needed, where) end
  return checked
end

local function is_static(checked)
  local needed = NEEDS[checked.type]
  local value = needed and checked[needed]
  if type(value) == "table" then
    local credentials = credentials_of(value)
    return credentials.access_key_id ~= nil and credentials.secret_access_key ~= nil
  end
  return type(value) == "string"
end

---@class appsync.client.AuthSlot
---@field id integer
---@field checked appsync.Auth
local Slot = {}
Slot.__index = Slot

local function no_region()
  return errors.new("usage", "region is missing: AWS_IAM signs for a region, which the endpoint's host doesn't name; give "
    .. "region = \"us-east-1\" or the like, to the client or in auth", { code = "no_region" })
end

---Makes a slot in the core; it is dropped when it is released or collected.
---@param root appsync.client.Root open
---@param checked appsync.Auth
---@return appsync.client.AuthSlot? slot, appsync.Error? err
function auth.new_slot(root, checked)
  local settings = {
    mode = checked.type, region = checked.region or root.region, service = checked.service or root.service,
    dynamic = not is_static(checked),
  }
  if checked.type == "AWS_IAM" and not settings.region then return nil, no_region() end
  if not settings.dynamic then
    if checked.type == "AWS_IAM" then
      for name, value in pairs(credentials_of(checked.credentials)) do settings[name] = value end
    else
      settings.secret = checked.api_key or checked.token
    end
  end
  local handle = root.handle
  local id, err = handle.core:add_auth(settings)
  if not id then return nil, errors.of_core(err) end
  local self = setmetatable({ id = id, checked = checked, handle = handle, sink = root.log }, Slot)
  local state = { id = id }
  self.held = state
  self.sentinel = compat.on_collect(function()
    if state.id and handle.core then handle.core:drop_auth(state.id) end
    state.id = nil
  end)
  dispatch.listen(id, self)
  return self
end

---Lets go of the slot. Twice is legal.
function Slot:release()
  local id = self.held.id
  self.held.id = nil
  if not id then return end
  dispatch.forget(id, self)
  if not self.handle.core then return end
  local _, err = self.handle.core:drop_auth(id)
  errors.of_core(err)
end

-- What a function, a provider or a user pool gives.
local function ask(source, reason)
  if opts.is_callable(source) then return source(reason) end
  if opts.is_callable(source.get) then return source:get(reason) end
  if opts.is_callable(source.current_session) then return source:current_session{ reason = reason } end
  return nil, "it has neither a get nor a current_session method"
end

-- What was given as material for the core.
local function material_of(checked, given)
  if checked.type == "AWS_IAM" then
    if type(given) ~= "table" then return nil, "no credentials were given" end
    local material = credentials_of(given)
    for _, spellings in ipairs(CREDENTIALS_NEEDED) do
      if type(material[spellings[1]]) ~= "string" then return nil, "the credentials have no " .. spellings[1] end
    end
    local fault = credentials_fault(material)
    if fault then return nil, fault end
    return material
  end
  if type(given) == "table" then
    given = given.token or given.id_token or given.access_token
  end
  if type(given) ~= "string" then return nil, "no token was given" end
  return { secret = pasted.trim(given) }
end

-- Asks for material: nil, message, code when there is none.
local function ask_for_material(checked, reason)
  local name = NEEDS[checked.type]
  local given, err = ask(checked[name], reason)
  if given ~= nil then return material_of(checked, given) end
  if err == nil then return nil, ("no %s was given"):format(name) end
  local code = errors.is(err) and err.code
  return nil, errors.of_raised(err).message, type(code) == "string" and code or nil
end

-- Answers the core, unless nobody waits for this answer any more.
local function answer(self, turn, material, message, code)
  local core = self.handle.core
  if not core or not self.held.id or self.turn ~= turn then return end
  self.renewal = nil
  if material then return core:set_auth(self.id, material) end
  local _, err = core:fail_auth(self.id, errors.new("auth", message).message, code)
  errors.of_core(err)
end

local function renew(self, reason, turn)
  answer(self, turn, ask_for_material(self.checked, reason))
end

-- However the function failed, the core is told at once.
local function on_raise(self, turn, raised)
  if self.turn ~= turn then return end
  local message = ("the %s function raised: %s"):format(NEEDS[self.checked.type], errors.of_raised(raised).message)
  log.emit(self.sink, "error", message)
  answer(self, turn, nil, message, "token_failed")
end

---The core needs fresh material. Runs the user's function as a task. The core asks for one at a time: when it asks
---again, it has given up the one before, which then is cancelled.
---@param reason "first"|"expired"|"refused"
function Slot:renew(reason)
  if self.renewal then self.renewal:cancel() end
  local turn = (self.turn or 0) + 1
  self.turn = turn
  self.renewal = task.spawn_asked(function(raised) on_raise(self, turn, raised) end, renew, self, reason, turn)
end

-- The slot of one of the client's modes, made on first use.
local function slot_of(root, mode, checked)
  local slot = root.slots[mode]
  if slot then return slot end
  local err
  slot, err = auth.new_slot(root, checked)
  root.slots[mode] = slot
  return slot, err
end

---The slot that a call uses. Headers that authenticate by themselves take the place of every mode: nothing is asked.
---@param client appsync.Client
---@param options {auth: appsync.Auth?, auth_mode: string?}
---@param has_own_headers boolean the headers authenticate
---@param may_have_headers boolean? or a function will tell later
---@return appsync.client.AuthSlot? slot, appsync.Error? err, boolean? is_of_call release it after the call
function auth.slot_for(client, options, has_own_headers, may_have_headers)
  local root = client.root
  if has_own_headers then return slot_of(root, "NONE", root.modes.NONE or { type = "NONE" }) end
  if options.auth then
    local slot, err = auth.new_slot(root, options.auth)
    return slot, err, true
  end
  local own = client.own_auth
  local mode = options.auth_mode
  if own and (mode == nil or mode == own.type) then
    if not client.own_slot then
      local slot, err = auth.new_slot(root, own)
      if not slot then return nil, err end
      client.own_slot = slot
    end
    return client.own_slot
  end
  mode = mode or root.default_mode
  local checked = root.modes[mode]
  if not checked and (mode == "NONE" or (mode == nil and may_have_headers)) then
    mode = "NONE"
    checked = { type = "NONE" }
  end
  if not checked then
    return nil, errors.new("auth", mode and mode .. " isn't configured: give it in auth or auths"
      or "no auth mode is configured: give auth, {type = \"NONE\"} for none", { code = "not_configured" })
  end
  return slot_of(root, mode, checked)
end

---The slots that what a client has queued may be sent with, by mode, made on first use. A mode whose slot can't be made is left
---out: what is queued in it waits, and a call in it says why.
---@param client appsync.Client
---@return table<string, appsync.client.AuthSlot>
function auth.slots(client)
  local slots, modes = {}, { NONE = true } -- of calls whose headers authenticate
  for mode in pairs(client.root.modes) do modes[mode] = true end
  if client.own_auth then modes[client.own_auth.type] = true end
  for mode in pairs(modes) do
    slots[mode] = auth.slot_for(client, { auth_mode = mode }, false) or nil
  end
  return slots
end

return auth
