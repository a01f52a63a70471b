---Amplify's feature flags that change what is generated, by their names in `amplify/cli.json` (Amplify CLI documentation,
---"Feature flags").
local feature_flags = {}

---@class appsync.server.FeatureFlags
---@field improvepluralization boolean of the first version: English plurals, in place of an "s"
---@field addmissingownerfields boolean of the first version: a type without its owner's field gets it
---@field enableautoindexquerynames boolean an index that names no query has one
---@field respectprimarykeyattributesonconnectionfield boolean a relation's key has the name and the type of the key that it holds
---@field shoulddeepmergedirectiveconfigdefaults boolean what a map of @model leaves out is as without the map
---@field usesubusernamefordefaultidentityclaim boolean an owner is `sub::username`, else the name alone
---@field populateownerfieldforstaticgroupauth boolean members of a static group own what they make

---Where nothing is known of a project.
---@type appsync.server.FeatureFlags
feature_flags.DEFAULTS = {
  improvepluralization = false, addmissingownerfields = true, enableautoindexquerynames = true,
  respectprimarykeyattributesonconnectionfield = true, shoulddeepmergedirectiveconfigdefaults = true,
  usesubusernamefordefaultidentityclaim = true, populateownerfieldforstaticgroupauth = true,
}

---What each means that a project's file doesn't name: it's older than the flag.
---@type appsync.server.FeatureFlags
feature_flags.UNNAMED = {
  improvepluralization = false, addmissingownerfields = false, enableautoindexquerynames = false,
  respectprimarykeyattributesonconnectionfield = false, shoulddeepmergedirectiveconfigdefaults = false,
  usesubusernamefordefaultidentityclaim = true, populateownerfieldforstaticgroupauth = false,
}

---All flags, where some are given.
---@param given table<string, boolean>?
---@return appsync.server.FeatureFlags
function feature_flags.complete(given)
  local flags = {}
  for name, value in pairs(feature_flags.DEFAULTS) do
    flags[name] = value
    if given and given[name] ~= nil then flags[name] = given[name] end
  end
  return flags
end

return feature_flags
