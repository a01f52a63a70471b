---The claims of a token as the names of users and groups.
local claim = {}

-- From here on several integers, and fractions, are one double (IEEE 754).
local FIRST_INEXACT = 9007199254740992

local INEXACT = "is a number that isn't exact: a name is a text, or an integer"

---The text of a claim that is a name: a text, or an integer in all its digits, so that two users never become one. Needs
---claims that were read with `core.decode(text, "safe")`.
---@param value any
---@return string? text nil for what is no name
---@return string? fault of a number that can't be told from others, to stand behind the claim's name
function claim.text(value)
  if type(value) == "string" then return value ~= "" and value or nil end
  if type(value) ~= "number" then return nil end
  if math.type and math.type(value) == "integer" then return ("%d"):format(value) end
  if value ~= math.floor(value) or value >= FIRST_INEXACT or value <= -FIRST_INEXACT then return nil, INEXACT end
  return value == 0 and "0" or ("%.0f"):format(value)
end

return claim
