---The statements that read pages: which rows of a table or an index, in which order, from where on. Every one of them
---walks an index from the place where the page begins (https://www.sqlite.org/rowvalue.html, "Scrolling Window Queries").
local select_ = {}

---@class appsync.server.SortRange conditions of a sort key
---@field op "eq"|"lt"|"le"|"gt"|"ge"|"between"|"beginsWith"
---@field a string|number
---@field b string|number|nil the upper end of "between"

---@class appsync.server.PageQuery
---@field limit integer
---@field index string? of which index; nil: of the table's own key
---@field pk string|number|nil the partition; nil: the whole table
---@field range appsync.server.SortRange?
---@field is_descending boolean?
---@field in_key_order boolean? of the whole table: not in the order of creation
---@field after (string|number)[]? the position of the last row of the page before

-- What a page is made of: where it is kept, what a partition is, what orders it.
local SHAPES = {
  scan = { from = "items WHERE table_id = ?", order = { "seq" } },
  keys = { from = "items WHERE table_id = ?", order = { "pk", "sk" } },
  partition = { from = "items WHERE table_id = ? AND pk = ?", order = { "sk" } },
  index = { from = "entries WHERE index_id = ? AND pk = ?", order = { "sk", "seq" } },
  -- One sort key of an index: SQLite would sort again what is in order already.
  same = { from = "entries WHERE index_id = ? AND pk = ?", order = { "seq" } },
}

local RANGES = {
  eq = " AND sk = ?", lt = " AND sk < ?", le = " AND sk <= ?", gt = " AND sk > ?", ge = " AND sk >= ?",
  between = " AND sk BETWEEN ? AND ?", beginsWith = " AND sk >= ? AND sk < ?",
}

---The first text behind all that begin with `prefix`; nil when there is none.
local function behind(prefix)
  local head = prefix:gsub("\255+$", "")
  if head == "" then return nil end
  return head:sub(1, -2) .. string.char(head:byte(-1) + 1)
end

local function after_text(order, is_descending)
  local sign = is_descending and "<" or ">"
  if #order == 1 then return (" AND %s %s ?"):format(order[1], sign) end
  return (" AND (%s) %s (?, ?)"):format(table.concat(order, ", "), sign)
end

local function order_text(order, is_descending)
  return " ORDER BY " .. table.concat(order, is_descending and " DESC, " or ", ") .. (is_descending and " DESC" or "")
end

local texts = {}

local function text_of(shape, op, is_descending, has_after)
  local id = shape .. (op or "") .. (is_descending and "<" or ">") .. (has_after and "+" or "")
  local text = texts[id]
  if not text then
    local form = SHAPES[shape]
    text = "SELECT seq FROM " .. form.from .. (op and RANGES[op] or "")
      .. (has_after and after_text(form.order, is_descending) or "") .. order_text(form.order, is_descending) .. " LIMIT ?"
    texts[id] = text
  end
  return text
end

---Which shape a query has.
---@param query appsync.server.PageQuery
---@return string
function select_.shape(query)
  if query.pk == nil then return query.in_key_order and "keys" or "scan" end
  if not query.index then return "partition" end
  return query.range and query.range.op == "eq" and "same" or "index"
end

---Where a row stands in the order of a query: what `after` of the next page is.
---@param query appsync.server.PageQuery
---@param row appsync.server.Row
---@param sk string|number|nil the row's sort key in the query's index
---@return (string|number)[]
function select_.position(query, row, sk)
  local shape = select_.shape(query)
  if shape == "scan" or shape == "same" then return { row.seq } end
  if shape == "keys" then return { row.pk, row.sk } end
  if shape == "partition" then return { row.sk } end
  return { sk, row.seq }
end

---How many values a position of the query has.
---@param query appsync.server.PageQuery
---@return integer
function select_.n_position(query)
  return #SHAPES[select_.shape(query)].order
end

---The statement and its parameters, all but the limit.
---@param query appsync.server.PageQuery
---@param id integer of the table, or of the index
---@param after (string|number)[]?
---@return string sql, any[] params, integer n_params
function select_.build(query, id, after)
  local params, n = { id }, 1
  if query.pk ~= nil then n, params[2] = 2, query.pk end
  local range = query.range
  local op = range and range.op
  if op == "beginsWith" then
    local stop = behind(range.a)
    n, params[n + 1] = n + 1, range.a
    if stop then n, params[n + 1] = n + 1, stop else op = "ge" end
  elseif op then
    n, params[n + 1] = n + 1, range.a
    if op == "between" then n, params[n + 1] = n + 1, range.b end
  end
  for _, value in ipairs(after or {}) do n, params[n + 1] = n + 1, value end
  return text_of(select_.shape(query), op, query.is_descending == true, after ~= nil), params, n
end

return select_
