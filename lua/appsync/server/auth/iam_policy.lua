---What an IAM identity may call (AppSync Developer Guide, "Authorization and authentication: AWS_IAM"; IAM User Guide,
---"Policy evaluation logic"): statements that allow or deny `appsync:GraphQL` on the ARNs of fields. A deny wins.
local glob = require "appsync.server.glob"

local iam_policy = {}

---@class appsync.server.IamStatement
---@field is_allow boolean
---@field actions string[] lower case
---@field excludes_actions boolean the actions are those that are not meant
---@field resources string[]
---@field excludes_resources boolean

---@class appsync.server.IamPolicy
---@field private statements appsync.server.IamStatement[]
---@field private prefix string of every field's ARN, up to "types/"
---@field private memory table<string, table<string, string>> decisions by type and field
local IamPolicy = {}
IamPolicy.__index = IamPolicy

local ACTION = "appsync:graphql"
local STATEMENT_KEYS = { Sid = true, Effect = true, Action = true, NotAction = true, Resource = true, NotResource = true }

-- A policy names one thing as a string or several as a list.
local function strings(value, where)
  if type(value) == "string" then value = { value } end
  if type(value) ~= "table" or #value == 0 then
    return nil, ("%s must be a string or a list of them"):format(where)
  end
  local list = {}
  for i, text in ipairs(value) do
    if type(text) ~= "string" or text == "" then return nil, ("%s[%d] must be a string"):format(where, i) end
    list[i] = text
  end
  return list
end

-- `Name` or `NotName`, of which a statement has exactly one.
local function either(statement, name, where)
  local plain, negated = statement[name], statement["Not" .. name]
  if (plain == nil) == (negated == nil) then
    return nil, ("%s needs one of %s and Not%s"):format(where, name, name)
  end
  local list, message = strings(plain or negated, ("%s.%s"):format(where, plain and name or "Not" .. name))
  return list, message or negated ~= nil
end

local function read_statement(statement, where)
  if type(statement) ~= "table" then return nil, where .. " must be an object" end
  for key in pairs(statement) do
    if not STATEMENT_KEYS[key] then
      return nil, ("%s.%s isn't understood here; a statement has Sid, Effect, Action, NotAction, Resource, NotResource"):format(
        where, tostring(key))
    end
  end
  if statement.Effect ~= "Allow" and statement.Effect ~= "Deny" then
    return nil, where .. ".Effect must be Allow or Deny"
  end
  local actions, excludes_actions = either(statement, "Action", where)
  if not actions then return nil, excludes_actions end
  local resources, excludes_resources = either(statement, "Resource", where)
  if not resources then return nil, excludes_resources end
  for i, action in ipairs(actions) do actions[i] = action:lower() end
  -- The other partitions' ARNs (arn:aws-cn:…) mean the same fields here.
  for i, resource in ipairs(resources) do resources[i] = resource:gsub("^arn:aws%-[%w%-]+:", "arn:aws:") end
  return { is_allow = statement.Effect == "Allow", actions = actions, excludes_actions = excludes_actions,
    resources = resources, excludes_resources = excludes_resources }
end

-- The statements of a document, of a list of documents or statements, or of one statement.
local function collect(value, where, into)
  if type(value) ~= "table" then return where .. " must be a policy or a list of them" end
  if value.Statement ~= nil then
    for key in pairs(value) do
      if key ~= "Version" and key ~= "Statement" and key ~= "Id" then
        return ("%s.%s isn't understood; a policy has Version, Id and Statement"):format(where, tostring(key))
      end
    end
    return collect(value.Statement, where .. ".Statement", into)
  elseif value.Effect ~= nil or (next(value) ~= nil and value[1] == nil) then
    local statement, message = read_statement(value, where)
    into[#into + 1] = statement
    return message
  end
  for i, part in ipairs(value) do
    local message = collect(part, ("%s[%d]"):format(where, i), into)
    if message then return message end
  end
end

---Reads policies.
---@param value any decoded JSON: a policy document, statements, or a list of either
---@param where string what it is called in messages
---@param api {region: string, account_id: string, api_id: string} whose fields are asked for
---@return appsync.server.IamPolicy? policy, string? message
function iam_policy.read(value, where, api)
  local statements = {}
  local message = collect(value, where, statements)
  if message then return nil, message end
  local arn = ("arn:aws:appsync:%s:%s:apis/%s"):format(api.region, api.account_id, api.api_id)
  return setmetatable({ statements = statements, prefix = arn .. "/types/", memory = {} }, IamPolicy)
end

local function any(patterns, text)
  for _, pattern in ipairs(patterns) do
    if glob.matches(pattern, text) then return true end
  end
  return false
end

local function speaks_of_action(statement)
  return any(statement.actions, ACTION) ~= statement.excludes_actions
end

local function decide(statements, arn)
  local decision = "none"
  for _, statement in ipairs(statements) do
    if speaks_of_action(statement) and any(statement.resources, arn) ~= statement.excludes_resources then
      if not statement.is_allow then return "deny" end
      decision = "allow"
    end
  end
  return decision
end

---What the policy says of a field: "allow", "deny" (explicitly), or "none".
---@param type_name string
---@param field_name string
---@return "allow"|"deny"|"none"
function IamPolicy:decision(type_name, field_name)
  local of_type = self.memory[type_name]
  if not of_type then
    of_type = {}
    self.memory[type_name] = of_type
  end
  local decision = of_type[field_name]
  if not decision then
    decision = decide(self.statements, self.prefix .. type_name .. "/fields/" .. field_name)
    of_type[field_name] = decision
  end
  return decision
end

---Whether the policy allows anything at all of this API. Who has no such permission is turned away at the door.
---@return boolean
function IamPolicy:allows_something()
  if self.is_some == nil then
    self.is_some = false
    for _, statement in ipairs(self.statements) do
      if statement.is_allow and speaks_of_action(statement)
        and (statement.excludes_resources or self:reaches(statement.resources)) then
        self.is_some = true
      end
    end
  end
  return self.is_some
end

---@private
-- A resource may name fields that this schema hasn't; what counts is that it speaks of this API.
function IamPolicy:reaches(resources)
  local api = self.prefix:gsub("/types/$", "")
  for _, resource in ipairs(resources) do
    local region, account, id = resource:match("^arn:[^:]*:appsync:([^:]*):([^:]*):apis/([^/]*)")
    local head = region and ("arn:aws:appsync:%s:%s:apis/%s"):format(region, account, id)
    if resource:find("^%*+$") or (head and glob.matches(head, api)) or (not head and glob.matches(resource, self.prefix .. "Q")) then
      return true
    end
  end
  return false
end

return iam_policy
