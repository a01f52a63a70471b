---Reads literals of JavaScript, TypeScript, Dart and JSON: comments, single quotes, names without quotes, trailing commas.
---Names of other literals in the same text are looked up; what would have to be computed stays `code`.
local code = require "appsync.config.code"
local tokens = require "appsync.config.tokens"

local literal = {}

---@class appsync.config.Reader
---@field text string
---@field lookup fun(name: string): boolean, any whether the text says what the name is, its value

local MAX_DEPTH = 100
local MAX_COMPUTED_BYTES = 64 * 1024

local WORDS = { ["true"] = true, ["false"] = false }
-- JavaScript's two empty values: the key counts as absent.
local EMPTY = { null = true, undefined = true }
local CODE_WORDS = { ["function"] = true, async = true, await = true, class = true, delete = true, new = true,
  typeof = true, void = true, yield = true }
-- Where the members' names are their values (aws-appsync, aws-amplify).
local ENUMS = { AUTH_TYPE = true, AuthType = true, GRAPHQL_AUTH_MODE = true }
local OPERATORS = "^[.(%[?=<>&|*/%%%-^`]"

local read_value

local function code_from(r, at)
  local stop = tokens.skip_expression(r.text, at)
  if stop == at then
    tokens.fail(r.text, at, at > #r.text and "the text ends inside a value" or "a value was expected")
  end
  return code.new(r.text, at, stop), stop
end

local function is_text(value)
  return type(value) == "string" or type(value) == "number"
end

-- A template: its expressions count where they are known.
local function read_template(r, at, depth)
  local text, from, parts, n_bytes, is_known = r.text, at + 1, {}, 0, true
  while true do
    local stop = text:find("[`\\$]", from)
    local c = stop and text:sub(stop, stop)
    if not stop then tokens.fail(text, at, "a string has no end") end
    local value = text:sub(from, stop - 1)
    parts[#parts + 1], n_bytes = value, n_bytes + #value
    if c == "`" then
      if is_known and n_bytes <= MAX_COMPUTED_BYTES then return table.concat(parts), stop + 1 end
      return code.new(text, at, stop + 1), stop + 1
    elseif c == "\\" then
      value, from = tokens.read_escape(text, stop + 1)
    elseif text:sub(stop + 1, stop + 1) == "{" then
      local inside
      inside, from = read_value(r, tokens.skip(text, stop + 2), depth + 1)
      from = tokens.skip(text, from)
      if text:sub(from, from) ~= "}" then tokens.fail(text, from, "'}' was expected") end
      value, from, is_known = is_text(inside) and inside or "", from + 1, is_known and is_text(inside)
    else
      value, from = "$", stop + 1
    end
    parts[#parts + 1], n_bytes = value, n_bytes + #tostring(value)
  end
end

local function copy_into(object, from)
  if not code.is_table(from) then return end
  for key, value in pairs(from) do object[key] = value end
end

-- A property's name; nil for one that is computed.
local function read_key(r, at)
  local text, c = r.text, r.text:sub(at, at)
  if c == '"' or c == "'" then return tokens.read_string(text, at) end
  if c == "[" then return nil, tokens.skip_group(text, at) end
  local name, stop = text:match("^([%w_$]+)()", at)
  if not name then tokens.fail(text, at, "a property's name was expected") end
  return name, stop
end

-- A method, from its parameters or from the word before its name.
local function skip_method(r, at)
  local text = r.text
  while true do
    local c = text:sub(at, at)
    if c == "(" then
      at = tokens.skip(text, tokens.skip_group(text, at))
      local brace = text:find("{", at, true)
      return brace and tokens.skip_group(text, brace) or #text + 1
    end
    local _, stop = tokens.next(text, at)
    if c == "" or c == "," or c == "}" then return nil end
    at = tokens.skip(text, stop)
  end
end

local MODIFIERS = { async = true, get = true, set = true, static = true }

-- One property of an object. Returns where it ends.
local function read_property(r, object, at, depth)
  local text = r.text
  if text:sub(at, at + 2) == "..." then
    local spread, stop = read_value(r, tokens.skip(text, at + 3), depth)
    copy_into(object, spread)
    return stop
  end
  local key, stop = read_key(r, at)
  local behind = tokens.skip(text, stop)
  local c = text:sub(behind, behind)
  if c == ":" then
    local value
    value, stop = read_value(r, tokens.skip(text, behind + 1), depth)
    if key then object[key] = value end
    return stop
  elseif c == "(" or (MODIFIERS[key] and c:find("[%w_$*%[]")) then
    return skip_method(r, behind) or tokens.fail(text, behind, "a method has no body")
  elseif (c == "," or c == "}") and key and key:find("^[%a_$]") then
    object[key] = read_value(r, at, depth)
    return stop
  end
  tokens.fail(text, behind, ("':' was expected after the name %q"):format(key or "[…]"))
end

-- After an element: where the next one begins, or where the end is.
local function next_element(text, at, close)
  at = tokens.skip(text, at)
  local c = text:sub(at, at)
  if c == "," then return tokens.skip(text, at + 1) end
  if c ~= close then tokens.fail(text, at, ("',' or '%s' was expected"):format(close)) end
  return at
end

local function read_object(r, at, depth)
  local object = {}
  at = tokens.skip(r.text, at + 1)
  while r.text:sub(at, at) ~= "}" do
    at = next_element(r.text, read_property(r, object, at, depth), "}")
  end
  return object, at + 1
end

local function read_array(r, at, depth)
  local array, text = {}, r.text
  at = tokens.skip(text, at + 1)
  while text:sub(at, at) ~= "]" do
    local value
    if text:sub(at, at + 2) == "..." then
      value, at = read_value(r, tokens.skip(text, at + 3), depth)
      for _, item in ipairs(code.is_table(value) and value or {}) do array[#array + 1] = item end
    else
      value, at = read_value(r, at, depth)
      array[#array + 1] = value
    end
    at = next_element(text, at, "]")
  end
  return array, at + 1
end

-- A name with its members.
local function read_name(r, at, depth)
  local text = r.text
  local name, stop = text:match("^([%a_$][%w_$]*)()", at)
  local is_known, value = r.lookup(name)
  local member, behind = text:match("^%s*%??%.%s*([%a_$][%w_$]*)()", stop)
  if not is_known and ENUMS[name] and member then return member, behind end
  if name == "Object" and (member == "freeze" or member == "seal") and text:find("^%s*%(", behind) then
    value, stop = read_value(r, tokens.skip(text, text:find("(", behind, true) + 1), depth + 1)
    stop = tokens.skip(text, stop)
    if text:sub(stop, stop) == ")" then return value, stop + 1 end
    return code_from(r, at)
  end
  while member do
    is_known = is_known and code.is_table(value)
    if is_known then value = value[member] end
    stop = behind
    member, behind = text:match("^%s*%??%.%s*([%a_$][%w_$]*)()", stop)
  end
  if is_known then return value, stop end
  return code.new(text, at, stop), stop
end

local function read_word(r, at, depth)
  local text = r.text
  local word, stop = text:match("^([+-]?[%w_$.]+)()", at)
  if not word then return code_from(r, at) end
  if EMPTY[word] then return nil, stop end
  if WORDS[word] ~= nil then return WORDS[word], stop end
  if CODE_WORDS[word] then return code_from(r, at) end
  if word == "const" then return literal.operand(r, tokens.skip(text, stop), depth) end -- Dart
  -- tonumber alone also takes "inf", "nan" and hexadecimal floats.
  if word:find("^[+-]?%.?%d") then
    local exponent, behind = text:match("^([+-]%d+)()", stop)
    if exponent and word:find("^[+-]?[%d.]+[eE]$") then word, stop = word .. exponent, behind end
    local number = tonumber((word:gsub("^%+", "")))
    if number then return number, stop end
    return code_from(r, at)
  end
  if word:find("^[+-]") or word:find("^%.") then return code_from(r, at) end
  return read_name(r, at, depth)
end

-- What stands in parentheses; the parameters of a function have a body.
local function read_parentheses(r, at, depth)
  local text, stop = r.text, tokens.skip_group(r.text, at)
  if text:find("^%s*=>", stop) or text:find("^%s*:", stop) then return code_from(r, at) end
  local value, behind = read_value(r, tokens.skip(text, at + 1), depth + 1)
  if tokens.skip(text, behind) == stop - 1 then return value, stop end
  return code.new(text, at, stop), stop
end

---One value without what operators make of it.
---@param r appsync.config.Reader
---@return any value, integer stop
function literal.operand(r, at, depth)
  local text = r.text
  local c = text:sub(at, at)
  if depth > MAX_DEPTH then tokens.fail(text, at, "the nesting is too deep") end
  if c == "{" then return read_object(r, at, depth + 1) end
  if c == "[" then return read_array(r, at, depth + 1) end
  if c == '"' or c == "'" or text:find("^r['\"]", at) then return tokens.read_string(text, at) end
  if c == "`" then return read_template(r, at, depth) end
  if c == "(" then return read_parentheses(r, at, depth) end
  local behind = text:match("^%b<>()", at) -- TypeScript's cast, Dart's type of what follows
  if behind then return literal.operand(r, tokens.skip(text, behind), depth + 1) end
  return read_word(r, at, depth)
end

-- Behind `as` or `satisfies`.
local function skip_type(text, at)
  while true do
    at = tokens.skip(text, at)
    local two = text:sub(at, at + 1)
    if two == "" or two:find("^[,;)%]}=?]") or two == "||" then return at end
    local stop = text:match("^%b<>()", at) or (two:find("^[{(%[]") and tokens.skip_group(text, at))
    if not stop then
      local _
      _, stop = tokens.next(text, at)
    end
    if tokens.ends_statement(text, stop, tokens.skip(text, stop)) then return stop end
    at = stop
  end
end

local function joined(r, at, left, right, stop)
  local both = is_text(left) and is_text(right) and left .. "" .. right
  if both and #both <= MAX_COMPUTED_BYTES then return both end
  return code.new(r.text, at, stop)
end

-- What stands behind a value that began at `at`: another one, an operator, its type.
local function read_rest(r, at, value, stop, depth)
  local text = r.text
  local behind = tokens.skip(text, stop)
  if tokens.ends_statement(text, stop, behind) then return value, stop end
  local two = text:sub(behind, behind + 1)
  if two == "||" or two == "??" then
    local other, other_stop = read_value(r, tokens.skip(text, behind + 2), depth + 1)
    local is_open = value == nil or value == false or value == "" or code.is(value)
    if is_open and other ~= nil then value = other end
    return value, other_stop
  elseif two:find("^%+[^+=]") then
    local other, other_stop = literal.operand(r, tokens.skip(text, behind + 1), depth + 1)
    return read_rest(r, at, joined(r, at, value, other, other_stop), other_stop, depth)
  elseif two:find("^![^=]") or two == "!" then
    return read_rest(r, at, value, behind + 1, depth)
  elseif two:find(OPERATORS) or two:find("^!") then
    return code_from(r, at)
  end
  local word, word_stop = text:match("^(%a+)()", behind)
  if word == "as" or word == "satisfies" then return read_rest(r, at, value, skip_type(text, word_stop), depth) end
  return value, stop
end

function read_value(r, at, depth)
  local value, stop = literal.operand(r, at, depth)
  return read_rest(r, at, value, stop, depth)
end

---The value of an expression.
---@param r appsync.config.Reader
---@param at integer
---@return any value nil: JavaScript's null or undefined, integer stop
function literal.value(r, at)
  return read_value(r, tokens.skip(r.text, at), 0)
end

---@param fn fun(...): any
---@return boolean is_good, any value the function's, or a message with the line
function literal.try(fn, ...)
  local is_good, value = pcall(fn, ...)
  if is_good then return true, value end
  if type(value) ~= "table" or not value.literal then error(value, 0) end
  return false, ("line %d: %s"):format(value.line, value.message)
end

local function unknown() return false end

---The literal that a text begins with.
---@param text string
---@return any value, string? message with the line
function literal.read(text)
  local is_good, value = literal.try(function() return (literal.value({ text = text, lookup = unknown }, 1)) end)
  if is_good then return value end
  return nil, value
end

return literal
