-- Seeded mutation of texts, the same on every Lua.
local mutations = {}

--- N= and SEED= of the command line.
---@param arguments string[]?
---@return {N: integer, SEED: integer}
function mutations.parameters(arguments)
  local parameters = { N = 2000, SEED = os.time() % 1000000 }
  for _, argument in ipairs(arguments or {}) do
    local name, value = argument:match("^(%u+)=(%d+)$")
    if parameters[name] then parameters[name] = tonumber(value) end
  end
  return parameters
end

--- A generator of numbers from 0 to one below its argument: Park and Miller's.
---@param start integer
---@return fun(below: integer): integer
function mutations.random(start)
  local seed = start % 2147483646 + 1
  return function(below)
    seed = seed * 16807 % 2147483647
    return seed % below
  end
end

--- A function that mutates its text; without one, one of the corpus.
---@param random fun(below: integer): integer
---@param corpus string[]
---@param tokens string[] that are put in
---@return fun(text: string?): string
function mutations.new(random, corpus, tokens)
  local kinds = {
    function(text, at) return text:sub(1, at - 1) .. string.char(random(256)) .. text:sub(at + 1) end,
    function(text, at) return text:sub(1, at - 1) .. tokens[random(#tokens) + 1] .. text:sub(at) end,
    function(text, at) return text:sub(1, at - 1) .. text:sub(at + 1 + random(20)) end,
    function(text, at) return text:sub(1, at) end,
    function(text, at) return text:sub(1, at) .. text:sub(at - random(math.min(at, 40))) end,
    function(text, at)
      local other = corpus[random(#corpus) + 1]
      return text:sub(1, at) .. other:sub(random(#other) + 1)
    end,
    function(text, at) return text:sub(1, at - 1) .. text:sub(at):gsub('"[^"]*"', tostring(random(100)), 1) end,
    function(text, at) return text:sub(1, at - 1) .. text:sub(at, at):upper() .. text:sub(at + 1) end,
  }
  return function(text)
    text = text or corpus[random(#corpus) + 1]
    for _ = 1, random(6) do
      if #text == 0 then break end
      text = kinds[random(#kinds) + 1](text, random(#text) + 1)
    end
    return text
  end
end

return mutations
