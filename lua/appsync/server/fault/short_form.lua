---A rule in one word of the command line: `KIND[=VALUE][,KEY=VALUE]…`, or the rule's JSON. The keys are those of the fault
---and of `match`; they have no names in common.
local kinds = require "appsync.server.fault.kinds"
local rule = require "appsync.server.fault.rule"

local short_form = {}

local WORDS = { ["true"] = true, ["false"] = false }

local function value_of(text)
  if WORDS[text] ~= nil then return WORDS[text] end
  return tonumber(text) or text
end

---What the words say, as decoded JSON would.
---@param text string
---@return table
function short_form.expand(text)
  local kind, parameters, match, name, is_short = nil, {}, {}, nil, nil
  for part in text:gmatch("[^,]+") do
    local key, value = part:match("^%s*([^=]-)%s*=(.*)$")
    key = key or part:match("^%s*(.-)%s*$")
    if not kind then
      kind = key
      if value then
        is_short = value_of(value)
      end
    elseif key == "name" then
      name = value
    else
      local declared = kinds.all[kind]
      local target = declared and declared.parameters[key] and parameters or match
      target[key] = value == nil and true or value_of(value)
    end
  end
  local fault = parameters
  if is_short ~= nil then
    local declared = kinds.all[kind]
    if next(parameters) == nil or not declared or not declared.short then
      fault = is_short
    else
      parameters[declared.short] = is_short
    end
  elseif next(parameters) == nil then
    fault = true
  end
  return { name = name, match = match, fault = { [kind or ""] = fault } }
end

---The rules of one `--fault`.
---@param text string
---@return appsync.server.FaultRule[]? rules, string? message
function short_form.parse(text)
  local place = "--fault " .. text
  if text:find("^%s*[%[{]") then return rule.parse(text, place) end
  local read, message = rule.read(short_form.expand(text), place)
  if not read then return nil, message end
  return { read }
end

return short_form
