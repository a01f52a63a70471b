-- Items that one statement reads.
local CHUNK = 500

---Walks the items of a table in the order of creation. `fn` may change the one that it is told of.
---@param store appsync.server.Store
---@param table_id integer
---@param fn fun(seq: integer, item: table)
local function each_item(store, table_id, fn)
  local after = 0
  while true do
    local found = store:values("SELECT seq, json FROM items WHERE table_id = ? AND seq > ? ORDER BY seq LIMIT ?", table_id,
      after, CHUNK)
    for i = 1, #found, 2 do fn(found[i], store.decode(found[i + 1])) end
    if #found < 2 * CHUNK then return end
    after = found[#found - 1]
  end
end

return each_item
