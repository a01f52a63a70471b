---Reads the tables of the generated form: types of members, unknown members, names.
local errors = require "appsync.errors"
local fault = require "appsync.models.fault"
local opts = require "appsync.opts"

local form = {}

local describe = errors.describe

-- SQLite and the core bound names like this.
local MAX_NAME_BYTES = 255

---@return string[]
function form.sorted_names(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names)
  return names
end

---Checks that the keys of a table are GraphQL names that differ in more than their case: SQLite takes those for one.
---@param path string
---@param t table
---@param max integer
---@return string[] names sorted
function form.names(path, t, max)
  local names, by_lower = {}, {}
  for name in pairs(t) do
    if type(name) ~= "string" or not name:find("^[%a_][%w_]*$") or #name > MAX_NAME_BYTES then
      fault.of(path, "%s isn't a GraphQL name", (describe(name)))
    end
    local other = by_lower[name:lower()]
    if other then
      local first, second = other, name
      if second < first then first, second = second, first end
      fault.of(path, "\"%s\" and \"%s\" differ in their case only", first, second)
    end
    by_lower[name:lower()] = name
    names[#names + 1] = name
  end
  if #names > max then fault.of(path, "there are %d, more than %d", #names, max) end
  table.sort(names)
  return names
end

---Throws a fault that says what is accepted in place of an unknown name.
---@param path string
---@param what string "field", "member"
---@param name any
---@param known table<string, any>
function form.unknown(path, what, name, known)
  if type(name) ~= "string" then fault.of(path, "a %s's name must be a string, got %s", what, (describe(name))) end
  local near = opts.nearest(name, known)
  if near then fault.of(path, "unknown %s \"%s\"; did you mean \"%s\"?", what, name, near) end
  local names = form.sorted_names(known)
  fault.of(path, "unknown %s \"%s\"; %s", what, name,
    names[1] and "accepted are " .. table.concat(names, ", ") or "none is accepted")
end

---Checks a table against a list of its members' types.
---@param path string
---@param t any
---@param members table<string, string> type by name; "strings" is a list of strings, a "?" behind it: may be absent
---@return table t
function form.members(path, t, members)
  if type(t) ~= "table" then fault.of(path, "must be a table, got %s", (describe(t))) end
  for name, value in pairs(t) do
    local wanted = members[name]
    if not wanted then form.unknown(path, "member", name, members) end
    local kind = wanted:gsub("%?$", "")
    if kind == "strings" then
      form.strings(path .. "." .. name, value)
    elseif type(value) ~= kind then
      fault.of(path .. "." .. name, "must be a %s, got %s", kind, (describe(value)))
    end
  end
  for _, name in ipairs(form.sorted_names(members)) do
    if t[name] == nil and members[name]:sub(-1) ~= "?" then fault.of(path, "\"%s\" is missing", name) end
  end
  return t
end

---@return string[] list a list of at least one string
function form.strings(path, list)
  if type(list) ~= "table" or list[1] == nil then fault.of(path, "must be a list of strings, got %s", (describe(list))) end
  for key in pairs(list) do
    if type(key) ~= "number" or type(list[key]) ~= "string" then fault.of(path, "must be a list of strings") end
  end
  return list
end

return form
