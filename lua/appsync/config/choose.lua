---Which of a script's literals is the configuration.
local code = require "appsync.config.code"
local statements = require "appsync.config.statements"

local choose = {}

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys)
  return keys
end

local function members_of(candidate)
  local members, value = {}, candidate.value
  if not code.is_table(value) then return members end
  for i, key in ipairs(sorted_keys(value)) do members[i] = { name = key, value = value[key] } end
  return members
end

local function of_rank(candidates, rank, rank_of)
  local found = {}
  for _, candidate in ipairs(candidates) do
    if rank_of(candidate.value) == rank then found[#found + 1] = candidate end
  end
  return found
end

-- Candidates of one rank; where there are none, members of candidates: `{ dev = {…}, other = 1 }`.
local function with_rank(candidates, rank, rank_of)
  local found = of_rank(candidates, rank, rank_of)
  for _, candidate in ipairs(found[1] and {} or candidates) do
    for _, member in ipairs(of_rank(members_of(candidate), rank, rank_of)) do found[#found + 1] = member end
  end
  return found
end

local function is_one(found)
  for i = 2, #found do
    if found[i].value ~= found[1].value then return false end
  end
  return true
end

local function names_of(found)
  local names = {}
  for i, candidate in ipairs(found) do names[i] = candidate.name or "one without a name" end
  return table.concat(names, ", ")
end

-- What is wrong with a script that has no configuration.
local function explain(groups)
  local first = groups[1]()[1] or groups[2]()[1]
  if first and first.message then return first.message end
  if groups.message then return groups.message end
  if first and code.is(first.value) then return "its export is " .. code.describe(first.value) end
  if not first and not groups[3]()[1] then return "line 1: there is no object literal" end
end

---What is exported as default wins where it is a configuration at all; of others that which has an API.
---@param text string
---@param rank_of fun(value: any): integer 2: a configuration with an API; 1: without one; 0: none
---@return table? value, string? message nil: it has objects, but no configuration
function choose.literal(text, rank_of)
  local groups = statements.groups(text)
  local default = groups[1]()[1]
  if default and default.is_default and rank_of(default.value) > 0 then return default.value end
  for rank = 2, 1, -1 do
    for i = 1, 3 do
      local found = with_rank(groups[i](), rank, rank_of)
      if found[1] and (rank == 1 or is_one(found)) then return found[1].value end
      if found[1] then
        return nil, ("has several configurations (%s): give the one that is meant, as a table or a text"):format(names_of(found))
      end
    end
  end
  return nil, explain(groups)
end

return choose
