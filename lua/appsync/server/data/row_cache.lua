---Items that were read or written lately, decoded: found by their place in the store and by their key. Bounded by two
---generations: what was not asked for while the young one filled up is dropped.
---@class appsync.server.Cache
---@field private young table
---@field private old table
---@field private max_rows integer of one generation
---@field private max_bytes integer of JSON in one generation
local Cache = {}
Cache.__index = Cache

local cache = {}

---@class appsync.server.Row
---@field seq integer its place in the order of creation
---@field pk string|number
---@field sk string|number
---@field item table shared: nobody changes it
---@field bytes integer of its JSON text
---@field table_id integer

local function generation()
  return { by_seq = {}, by_key = {}, n_rows = 0, n_bytes = 0 }
end

---A few megabytes of JSON text are some ten megabytes of tables.
---@param max_rows? integer of one generation, default 5,000: what is kept is walked by every collection
---@param max_bytes? integer of one generation, default 8 MiB of JSON text
---@return appsync.server.Cache
function cache.new(max_rows, max_bytes)
  return setmetatable({
    young = generation(), old = generation(), max_rows = max_rows or 5000, max_bytes = max_bytes or 8388608,
  }, Cache)
end

local function find_in(part, table_id, pk, sk)
  local of_table = part.by_key[table_id]
  local of_partition = of_table and of_table[pk]
  return of_partition and of_partition[sk]
end

local function put_in(part, row)
  local of_table = part.by_key[row.table_id]
  if not of_table then
    of_table = {}
    part.by_key[row.table_id] = of_table
  end
  local of_partition = of_table[row.pk]
  if not of_partition then
    of_partition = {}
    of_table[row.pk] = of_partition
  end
  of_partition[row.sk] = row
  part.by_seq[row.seq] = row
  part.n_rows, part.n_bytes = part.n_rows + 1, part.n_bytes + row.bytes
end

local function drop_from(part, row)
  local known = part.by_seq[row.seq]
  if not known then return end
  part.by_seq[row.seq] = nil
  part.n_rows, part.n_bytes = part.n_rows - 1, part.n_bytes - known.bytes
  local of_table = part.by_key[known.table_id]
  local of_partition = of_table[known.pk]
  of_partition[known.sk] = nil
  if next(of_partition) == nil then of_table[known.pk] = nil end
end

---Keeps a row; what was known of its place is forgotten.
---@param row appsync.server.Row
function Cache:add(row)
  self:drop(row)
  local young = self.young
  if young.n_rows >= self.max_rows or young.n_bytes >= self.max_bytes then
    self.old, young = young, generation()
    self.young = young
  end
  put_in(young, row)
end

---@param seq integer
---@return appsync.server.Row?
function Cache:at(seq)
  local row = self.young.by_seq[seq]
  if row then return row end
  row = self.old.by_seq[seq]
  if row then self:add(row) end
  return row
end

---@return appsync.server.Row?
function Cache:find(table_id, pk, sk)
  local row = find_in(self.young, table_id, pk, sk)
  if row then return row end
  row = find_in(self.old, table_id, pk, sk)
  if row then self:add(row) end
  return row
end

---@param row appsync.server.Row
function Cache:drop(row)
  drop_from(self.young, row)
  drop_from(self.old, row)
end

---Forgets everything.
function Cache:clear()
  self.young, self.old = generation(), generation()
end

---How many rows it holds.
---@return integer
function Cache:count()
  return self.young.n_rows + self.old.n_rows
end

return cache
