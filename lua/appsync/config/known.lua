---Files that stand near a configuration and are taken for one: what they are, and why they aren't read.
local known = {}

local function is_table(t, key)
  return type(t[key]) == "table"
end

-- Any member of `t` that has the key.
local function member_with(t, key)
  for _, member in pairs(t) do
    if type(member) == "table" and member[key] ~= nil then return member end
  end
end

-- Gen 2's sections, each by a key that only it has.
local function has_outputs(t)
  return is_table(t, "data") and (t.data.default_authorization_type or t.data.aws_region or t.data.url) ~= nil
    or is_table(t, "auth") and (t.auth.user_pool_client_id or t.auth.identity_pool_id) ~= nil
    or is_table(t, "storage") and t.storage.bucket_name ~= nil
end

local function of_outputs(t)
  if t.version == nil then return "is amplify_outputs.json without its \"version\", which is \"1\" to \"1.4\"" end
  if type(t.version) == "number" then
    return "is amplify_outputs.json, whose version must be a string, such as \"1.4\", not a number"
  end
  return "is amplify_outputs.json of another version than 1"
end

local function has_cli_api(t)
  local api = is_table(t, "api") and member_with(t.api, "output") or {}
  return is_table(api, "output")
end

-- In this order: the first that fits.
local TABLES = {
  { has_outputs, of_outputs },
  { has_cli_api, function() return "is amplify-meta.json, the Amplify CLI's own record; give the file that it writes for clients" end },
  { function(t) return member_with(t, "awscloudformation") ~= nil end,
    function() return "is team-provider-info.json, the Amplify CLI's own record, which names no API" end },
  { function(t) return is_table(t, "projects") or t.schemaPath ~= nil end,
    function() return "is .graphqlconfig, which is for generating code and names no API of a client" end },
  { function(t) return is_table(t, "__schema") or is_table(t, "data") and is_table(t.data, "__schema") end,
    function() return "is a schema, as introspection gives it, not a client's configuration" end },
  { function(t) return is_table(t, "models") and (is_table(t, "enums") or is_table(t, "nonModels")) end,
    function() return "describes models, not where their API is" end },
  { function(t) return is_table(t, "Resources") end, function() return "is a CloudFormation template" end },
  { function(t) return is_table(t, "dependencies") or is_table(t, "devDependencies") or is_table(t, "scripts") end,
    function() return "is package.json" end },
}

---@param t table that no reader takes
---@return string? what "is …"; nil: nothing is known of it
function known.of_table(t)
  for _, row in ipairs(TABLES) do
    if row[1](t) then return row[2](t) end
  end
end

---@param text string neither JSON nor a script
---@return string? what
function known.of_text(text)
  local start = "\n" .. text:sub(1, 4096)
  if start:find("\nprojects:%s*\n") or start:find("\n%s*schemaPath:") then return TABLES[4][2]() end
  if start:find("\n%-%-%-%s*\n") or (start:find("\n[%w_-]+:%s*\n%s+[%w_-]+:") and not start:find("{", 1, true)) then
    return "is YAML, which isn't read"
  end
  if start:find("\n%s*type%s+[%w_]+[^\n=]*{") or start:find("\n%s*schema%s*{") then
    return "is a GraphQL schema, not a client's configuration"
  end
  if start:find("\n[A-Z_]+=%S") then return "is a list of environment variables; they aren't read" end
end

return known
