---Values that nobody changes any more: their JSON text for one selection is made once. Whoever hands out the same table
---again and again (the store, from its cache) marks it, and puts another one in its place when the item changes.
local shared = {}

-- Of all texts together; then all are forgotten and made anew as they are asked for.
shared.max_bytes = 16777216
shared.max_texts = 50000

local marked = setmetatable({}, { __mode = "k" })
local generation, n_bytes, n_texts = {}, 0, 0

---From now on nobody changes this table, nor what is in it.
---@param value table without cycles
---@return table value
function shared.mark(value)
  marked[value] = true
  for _, inner in pairs(value) do
    if type(inner) == "table" then shared.mark(inner) end
  end
  return value
end

---A value with all that is in it, for whoever may change it.
---@generic T
---@param value T without cycles
---@param spend (fun(n: integer))? is told how many members each table has, and may throw
---@return T
function shared.copy(value, spend)
  if type(value) ~= "table" then return value end
  local out, n = {}, 0
  for name, inner in pairs(value) do
    out[name], n = type(inner) == "table" and shared.copy(inner, spend) or inner, n + 1
  end
  if spend then spend(n) end
  return setmetatable(out, getmetatable(value))
end

---@param value any
---@return boolean
function shared.is(value)
  return marked[value] ~= nil
end

---The text of a marked value in a selection, or nil.
---@param selection appsync.server.PlannedSelection
---@param value table
---@return string?
function shared.text(selection, value)
  local texts = selection.texts
  return texts and selection.texts_of == generation and texts[value] or nil
end

---Keeps it.
---@param selection appsync.server.PlannedSelection
---@param value table
---@param text string
function shared.keep(selection, value, text)
  if n_bytes + #text > shared.max_bytes or n_texts >= shared.max_texts then
    generation, n_bytes, n_texts = {}, 0, 0
  end
  if selection.texts_of ~= generation then
    selection.texts, selection.texts_of = {}, generation
  end
  selection.texts[value] = text
  n_bytes, n_texts = n_bytes + #text, n_texts + 1
end

---Forgets all texts.
function shared.clear()
  generation, n_bytes, n_texts = {}, 0, 0
end

return shared
