---The order of two values, as DynamoDB and subscription filters have it: numbers by size, texts by their bytes.
local comparison = {}

----1, 0 or 1; nil when the two have no order. Lua's `<` on texts follows the locale.
---@param a any
---@param b any
---@return integer?
function comparison.order(a, b)
  if type(a) ~= type(b) or (type(a) ~= "number" and type(a) ~= "string") then return nil end
  if a == b then return 0 end
  if type(a) == "number" then return a < b and -1 or 1 end
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y and -1 or 1 end
  end
  return #a < #b and -1 or 1
end

---A test of a value against another one.
---@param accepts fun(order: integer): boolean
---@return fun(value: any, operand: any): boolean
function comparison.test(accepts)
  return function(value, operand)
    local order = comparison.order(value, operand)
    return order ~= nil and accepts(order)
  end
end

---@param value any
---@param low any
---@param high any
---@return boolean with both ends
function comparison.is_between(value, low, high)
  local above, below = comparison.order(value, low), comparison.order(value, high)
  return above ~= nil and below ~= nil and above >= 0 and below <= 0
end

return comparison
