-- JSON decoded at once and in steps: the same value or the same error, however many values a step may make.
local assert = require "luassert"
local core = require "appsync.core"

local stepwise = {}

local BUDGETS = { 1, 2, 3, 7 }

local math_type = math.type or type ---@diagnostic disable-line: undefined-field

--- Whether both are the same in type, value, marks of lists and everything in them. Much faster than luassert's `same`.
---@return boolean
function stepwise.equal(a, b)
  if math_type(a) ~= math_type(b) then return false end
  if type(a) ~= "table" then return a == b and (a ~= 0 or 1 / a == 1 / b) end
  if getmetatable(a) ~= getmetatable(b) then return false end
  for key, value in next, a do
    if not stepwise.equal(value, rawget(b, key)) then return false end
  end
  for key in next, b do
    if rawget(a, key) == nil then return false end
  end
  return true
end

--- Decodes by a builder. Its table must be empty when it is over.
---@param text string
---@param big_integers string?
---@param budget integer|fun(): integer
---@param strictness string?
---@return any value, table? err, integer n_steps
function stepwise.build(text, big_integers, budget, strictness)
  local builder, held = assert(core.builder(text, big_integers, strictness)), {}
  local n_steps, is_done, value = 0 ---@type integer, boolean?, any
  repeat
    n_steps = n_steps + 1
    is_done, value = builder:step(type(budget) == "function" and budget() or budget, held)
  until is_done ~= false
  assert(next(held) == nil, "something is still held")
  if is_done then return value, nil, n_steps end
  return nil, value, n_steps
end

--- `core.decode`, compared with what a builder gives.
---@param text string
---@param big_integers string?
---@param budgets (integer|fun(): integer)[]?
---@param strictness string?
---@return any value, table? err
function stepwise.decode(text, big_integers, budgets, strictness)
  local value, err = core.decode(text, big_integers, strictness)
  for _, budget in ipairs(budgets or BUDGETS) do
    local built, built_err = stepwise.build(text, big_integers, budget, strictness)
    if not stepwise.equal(value, built) or not stepwise.equal(err, built_err) then
      assert.same({ value, err }, { built, built_err })
      error(("a budget of %s gives something else for %q"):format(tostring(budget), text:sub(1, 200)))
    end
  end
  if err then return nil, err end
  return value
end

return stepwise
