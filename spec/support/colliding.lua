-- Texts of many different strings that PUC Lua 5.1 keeps in one chain: it hashes each second byte of a string of this
-- length (lstring.c, luaS_newlstr). The strings themselves are never made here, which would take as long as what is tested.
local colliding = {
  --- Whether this VM hashes samples: 5.1, and 5.3 for keys and for strings of this length.
  are_slow = rawget(_G, "jit") == nil and (_VERSION == "Lua 5.1" or _VERSION == "Lua 5.3"),
}

local DIGITS = {}
for i = 0, 15 do DIGITS[i] = ("%xa"):format(i) end
-- No digit where a name begins.
local HEAD = "ba" .. ("0a"):rep(12)

--- `n` strings of 36 bytes, each between `before` and `after`, with commas between.
---@param n integer
---@param before string
---@param after string
---@param from? integer the number of the first
---@return string
function colliding.text(n, before, after, from)
  local parts, at = {}, 0
  for i = (from or 0), (from or 0) + n - 1 do
    parts[at + 1], parts[at + 2] = at > 0 and "," or "", before .. HEAD
    at = at + 2
    for _ = 1, 5 do
      at = at + 1
      parts[at], i = DIGITS[i % 16], math.floor(i / 16)
    end
    at = at + 1
    parts[at] = after
  end
  return table.concat(parts)
end

--- A JSON list of them.
function colliding.list(n, from) return "[" .. colliding.text(n, '"', '"', from) .. "]" end

--- A JSON object that has them as keys.
function colliding.object(n, from) return "{" .. colliding.text(n, '"', '":1', from) .. "}" end

return colliding
