---Command-line options by schema.
local args = {}

---@class appsync.cli.Option
---@field name string without the dashes
---@field value string? what the value is called in the help; nil for a switch
---@field help string
---@field is_list boolean? may be given several times
---@field kind "integer"|"number"|nil
---@field min number?
---@field max number?
---@field choices string[]?

---Options that belong together, and what reads them into the command's settings.
---@class appsync.cli.Group
---@field title string
---@field options appsync.cli.Option[]
---@field read fun(words: table, settings: table): integer?, string? the exit status and the message of a fault

---@class appsync.cli.Command
---@field name string
---@field summary string
---@field usage string
---@field positional {name: string, help: string, is_required: boolean?}[]
---@field groups appsync.cli.Group[]
---@field notes string?

---The number of insertions, deletions, exchanges and neighbour swaps between two words.
local function distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do
    last[j] = j
  end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

---The word that was probably meant, or nil.
---@param word string
---@param known string[]
---@return string?
function args.suggest(word, known)
  local best, best_distance
  for _, candidate in ipairs(known) do
    local d = distance(word, candidate)
    if not best_distance or d < best_distance then
      best, best_distance = candidate, d
    end
  end
  if best and best_distance <= math.max(1, math.floor(#best / 3)) then return best end
  -- "key" for "api-key".
  for _, candidate in ipairs(known) do
    if ("-" .. candidate .. "-"):find("-" .. word .. "-", 1, true) then return candidate end
  end
end

local function option_names(command)
  local names = { "help" }
  for _, group in ipairs(command.groups) do
    for _, option in ipairs(group.options) do
      names[#names + 1] = option.name
    end
  end
  return names
end

local function find_option(command, name)
  for _, group in ipairs(command.groups) do
    for _, option in ipairs(group.options) do
      if option.name == name then return option end
    end
  end
  local meant = args.suggest(name, option_names(command))
  return nil, ("unknown option --%s%s"):format(name, meant and ("; did you mean --%s?"):format(meant) or "")
end

local function convert_number(option, text)
  local number = tonumber(text)
  local is_integer = number and number == math.floor(number)
  local is_inside = number and number >= (option.min or -math.huge) and number <= (option.max or math.huge)
  if is_inside and (is_integer or option.kind == "number") then
    return is_integer and math.floor(number) or number
  end
  local what = option.kind == "integer" and "an integer" or "a number"
  local range = ""
  if option.min and option.max then
    range = (" between %.14g and %.14g"):format(option.min, option.max)
  elseif option.min then
    range = (" of at least %.14g"):format(option.min)
  end
  return nil, ("--%s expects %s%s, not %q"):format(option.name, what, range, text)
end

local function convert(option, text)
  if option.kind then return convert_number(option, text) end
  for i, choice in ipairs(option.choices or {}) do
    if choice == text then
      return text
    elseif i == #option.choices then
      return nil, ("--%s expects one of %s, not %q"):format(option.name, table.concat(option.choices, ", "), text)
    end
  end
  return text
end

local function store(result, option, value)
  if option.is_list then
    result[option.name] = result[option.name] or {}
    table.insert(result[option.name], value)
  elseif result[option.name] ~= nil then
    return ("--%s is given twice"):format(option.name)
  else
    result[option.name] = value
  end
end

---Reads one `--option`; returns how many words it took, or nil and the message.
local function read_option(command, words, at, result)
  local name, attached = words[at]:match("^%-%-([^=]+)=?(.*)$")
  local has_attached = words[at]:find("=", 1, true) ~= nil
  local option, message = find_option(command, name)
  if not option then
    return nil, message
  elseif not option.value then
    if has_attached then
      return nil, ("--%s takes no value"):format(name)
    end
    result[name] = true
    return 1
  end
  local text = attached
  if not has_attached then
    text = words[at + 1]
    if text == nil or text:find("^%-%-%a") then
      return nil, ("--%s needs a value: %s"):format(name, option.value)
    end
  end
  local value
  value, message = convert(option, text)
  if value == nil then return nil, message end
  message = store(result, option, value)
  if message then return nil, message end
  return has_attached and 1 or 2
end

local function check_positional(command, result)
  if #result > #command.positional then
    return ("unexpected argument %q"):format(result[#command.positional + 1])
  end
  for i, positional in ipairs(command.positional) do
    if positional.is_required and result[i] == nil then
      return ("%s is missing"):format(positional.name)
    end
  end
end

---Reads the words after a command's name. Options are keyed by name; positional arguments stand at 1, 2, …
---@param command appsync.cli.Command
---@param words string[]
---@return table? result, string? message
function args.read(command, words)
  local result = {}
  local at, only_positional = 1, false
  while words[at] do
    local word = words[at]
    if only_positional or not word:find("^%-") or word == "-" then
      result[#result + 1] = word
      at = at + 1
    elseif word == "--" then
      only_positional, at = true, at + 1
    elseif word == "-h" or word == "--help" then
      return { help = true }
    elseif not word:find("^%-%-") then
      return nil, ("unknown option %s; options begin with two dashes"):format(word)
    else
      local n, message = read_option(command, words, at, result)
      if not n then return nil, message end
      at = at + n
    end
  end
  local message = check_positional(command, result)
  if message then return nil, message end
  return result
end

local HELP_COLUMN = 31

local function add_line(lines, left, help)
  local margin = "\n" .. (" "):rep(HELP_COLUMN)
  left = "  " .. left
  local gap = #left < HELP_COLUMN and (" "):rep(HELP_COLUMN - #left) or margin
  lines[#lines + 1] = left .. gap .. help:gsub("\n", margin)
end

---The text of `--help`.
---@param command appsync.cli.Command
---@return string
function args.help(command)
  local lines = { command.summary, "", "Usage: " .. command.usage, "" }
  for _, positional in ipairs(command.positional) do
    add_line(lines, positional.name, positional.help)
  end
  for _, group in ipairs(command.groups) do
    lines[#lines + 1] = "\n" .. group.title .. ":"
    for _, option in ipairs(group.options) do
      local left = "--" .. option.name .. (option.value and (" " .. option.value) or "")
      add_line(lines, left, option.help .. (option.is_list and " (may be repeated)" or ""))
    end
  end
  lines[#lines + 1] = ""
  add_line(lines, "--help", "this text")
  if command.notes then
    lines[#lines + 1] = "\n" .. command.notes
  end
  return table.concat(lines, "\n") .. "\n"
end

return args
