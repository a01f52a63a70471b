---A command of the command line as the words of a process. No shell sees it: nothing in it is expanded.
local command_words = {}

-- Of one command; the listener takes no more.
local MAX_WORDS = 1000

-- The text of one quoted part, and where it ends.
local function quoted(text, at, quote)
  local out = {}
  while true do
    local char = text:sub(at, at)
    if char == "" then return nil end
    if char == quote then return table.concat(out), at + 1 end
    -- As in a shell, a backslash means something between double quotes before those and itself only.
    local next_char = text:sub(at + 1, at + 1)
    if quote == '"' and char == "\\" and (next_char == '"' or next_char == "\\") then
      at, char = at + 1, next_char
    end
    out[#out + 1], at = char, at + 1
  end
end

-- One word, and where it ends; nil and what is wrong with it.
local function read_word(text, at)
  local out = {}
  while at <= #text do
    local char = text:sub(at, at)
    if char:find("%s") then break end
    if char == "'" or char == '"' then
      local part, stop = quoted(text, at + 1, char)
      if not part then return nil, ("the quote %s is not closed"):format(char) end
      out[#out + 1], at = part, stop
    elseif char == "\\" then
      if at == #text then return nil, "nothing follows the last backslash" end
      out[#out + 1], at = text:sub(at + 1, at + 1), at + 2
    else
      out[#out + 1], at = char, at + 1
    end
  end
  return table.concat(out), at
end

---Splits at white space. 'Single quotes' keep all that is between them, "double quotes" too but for \" and \\, and a
---backslash keeps the next character.
---@param text string
---@return string[]? words
---@return string? message
function command_words.split(text)
  if text:find("%z") then return nil, "the command has a zero byte" end
  local words, at = {}, 1
  while true do
    at = text:find("%S", at)
    if not at then break end
    local word, stop = read_word(text, at)
    if not word then return nil, stop end
    words[#words + 1], at = word, stop
  end
  if #words > MAX_WORDS then return nil, ("the command has more than %d words"):format(MAX_WORDS) end
  if not words[1] or words[1] == "" then return nil, "the command is empty" end
  return words
end

return command_words
