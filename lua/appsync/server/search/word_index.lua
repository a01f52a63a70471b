---The words of a model's text fields, by SQLite's FTS5 (https://www.sqlite.org/fts5.html). It is made when a search asks for
---words first, lives as long as the connection, and triggers keep it: the store's file knows nothing of it.
local core = require "appsync.core"
local word_pattern = require "appsync.server.search.word_pattern"

---@class appsync.server.WordIndex
---@field private store appsync.server.Store
---@field private name string of the virtual table
---@field private column_of table<string, string> by field
---@field private terms table<string, string[]> by column
---@field private n_bytes integer of texts asked for
---@field budget {n_left: integer} for patterns
local WordIndex = {}
WordIndex.__index = WordIndex

local word_index = {}

-- Names of fields may be words that FTS5 keeps for itself.
local function columns_of(search)
  local columns, of = {}, {}
  for _, field in ipairs(search.fields) do
    if field.base == "String" or field.base == "ID" then
      columns[#columns + 1] = { name = "c" .. #columns + 1, field = field.name }
      of[field.name] = columns[#columns].name
    end
  end
  return columns, of
end

-- All texts of a field, which may be a list.
local function text_of(row, column)
  return ("(SELECT group_concat(value, char(10)) FROM json_each(%s.json, '$.\"%s\"') WHERE type = 'text')"):format(row, column.field)
end

local function values_of(row, columns)
  local parts = {}
  for i, column in ipairs(columns) do parts[i] = text_of(row, column) end
  return table.concat(parts, ", ")
end

local function names_of(columns)
  local names = {}
  for i, column in ipairs(columns) do names[i] = column.name end
  return table.concat(names, ", ")
end

-- Words are letters, digits and underscores; case means nothing, accents do, as with OpenSearch's standard analyzer.
local MAKE = [[
CREATE VIRTUAL TABLE temp.%NAME% USING fts5(%COLUMNS%, tokenize = "unicode61 remove_diacritics 0 tokenchars '_'");
CREATE VIRTUAL TABLE temp.%NAME%_words USING fts5vocab('temp', '%NAME%', 'instance');
CREATE TEMP TRIGGER %NAME%_insert AFTER INSERT ON main.items WHEN new.table_id = %TABLE% BEGIN
  INSERT INTO %NAME%(rowid, %COLUMNS%) VALUES (new.seq, %NEW%);
END;
CREATE TEMP TRIGGER %NAME%_update AFTER UPDATE OF json ON main.items WHEN new.table_id = %TABLE% BEGIN
  DELETE FROM %NAME% WHERE rowid = old.seq;
  INSERT INTO %NAME%(rowid, %COLUMNS%) VALUES (new.seq, %NEW%);
END;
CREATE TEMP TRIGGER %NAME%_delete AFTER DELETE ON main.items WHEN old.table_id = %TABLE% BEGIN
  DELETE FROM %NAME% WHERE rowid = old.seq;
END;
INSERT INTO temp.%NAME%(rowid, %COLUMNS%) SELECT seq, %ITEM% FROM main.items WHERE table_id = %TABLE%;
]]

local DROP = [[
DROP TRIGGER IF EXISTS temp.%NAME%_insert;
DROP TRIGGER IF EXISTS temp.%NAME%_update;
DROP TRIGGER IF EXISTS temp.%NAME%_delete;
DROP TABLE IF EXISTS temp.%NAME%_words;
DROP TABLE IF EXISTS temp.%NAME%;
]]

local function filled(text, values)
  return (text:gsub("%%(%u+)%%", values))
end

-- Some fields' types have no words: then there's nothing to look up.
local function make(store, name, table_id, columns)
  if #columns == 0 then return end
  store:execute(filled(DROP .. MAKE, {
    NAME = name, TABLE = ("%d"):format(table_id), COLUMNS = names_of(columns), NEW = values_of("new", columns),
    ITEM = values_of("items", columns),
  }))
end

---The index of a model's search, for one search; it is there already, or is made.
---@param store appsync.server.Store
---@param tbl appsync.server.Table
---@param search appsync.server.Search
---@return appsync.server.WordIndex
function word_index.of(store, tbl, search)
  local columns, column_of = columns_of(search)
  local name = ("words_%d"):format(tbl.id)
  local known = store.word_indexes[name]
  local fields = {}
  for i, column in ipairs(columns) do fields[i] = column.field end
  local shape = table.concat(fields, " ")
  if known ~= shape then
    -- In memory as a whole: what people keep isn't for a temporary file.
    if not next(store.word_indexes) then store:execute("PRAGMA temp_store = MEMORY") end
    store:transaction(function() make(store, name, tbl.id, columns) end)
    store.word_indexes[name] = shape
  end
  return setmetatable({
    store = store, name = name, column_of = column_of, terms = {}, n_bytes = 0, budget = word_pattern.budget(),
  }, WordIndex)
end

-- As FTS5 reads a string. A zero byte would end its expression.
local function quoted(text)
  return '"' .. text:gsub("%z", " "):gsub('"', '""') .. '"'
end

local function words(text)
  local list = {}
  for word in text:gmatch("[%w_\128-\255]+") do list[#list + 1] = quoted(word) end
  return list
end

local EXPRESSIONS = {
  match = function(text)
    local list = words(text)
    return #list > 0 and "(" .. table.concat(list, " OR ") .. ")" or nil
  end,
  matchPhrase = function(text) return #words(text) > 0 and quoted(text) or nil end,
  matchPhrasePrefix = function(text) return #words(text) > 0 and quoted(text) .. " *" or nil end,
}
EXPRESSIONS.multiMatch = EXPRESSIONS.match

-- Of one search.
local MAX_WORDS_BYTES = 10000

---A condition of SQL on `items.seq`: the rows whose field has these words.
---@param operator "match"|"matchPhrase"|"matchPhrasePrefix"|"multiMatch"
---@param field string
---@param text string
---@param params any[] gets the parameters
---@return string sql
function WordIndex:condition(operator, field, text, params)
  self.n_bytes = self.n_bytes + #text
  if self.n_bytes > MAX_WORDS_BYTES then
    error({ message = ("search: the texts of all conditions for words have at most %d bytes"):format(MAX_WORDS_BYTES),
      type = "BadRequestException" }, 0)
  end
  local expression = EXPRESSIONS[operator](text)
  if not expression then return "0" end
  params[#params + 1] = ("%s : %s"):format(self.column_of[field], expression)
  return ("items.seq IN (SELECT rowid FROM temp.%s WHERE %s MATCH ?)"):format(self.name, self.name)
end

---A condition of SQL on `items.seq`: the rows whose field has a word that fits.
---@param field string
---@param fits fun(word: string): boolean
---@param params any[] gets the parameters
---@return string sql
function WordIndex:word_condition(field, fits, params)
  local column, found = self.column_of[field], setmetatable({}, core.array_mt)
  local all = self.terms[column]
    or self.store:values(("SELECT DISTINCT term FROM temp.%s_words WHERE col = ?"):format(self.name), column)
  self.terms[column] = all
  for _, word in ipairs(all) do
    if fits(word) then found[#found + 1] = word end
  end
  if #found == 0 then return "0" end
  params[#params + 1], params[#params + 2] = column, core.encode(found)
  return ("items.seq IN (SELECT doc FROM temp.%s_words WHERE col = ? AND term IN (SELECT value FROM json_each(?)))"):format(self.name)
end

return word_index
