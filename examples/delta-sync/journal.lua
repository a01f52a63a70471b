-- The journal table of a delta sync: the newest change of each record, for as long as `ttl_s`.
--
-- One entry for each record is enough for a client that wants to know what has changed since some time, and it keeps a
-- paginated answer honest: an entry only ever moves towards the end, so a record that changes between two pages comes with a
-- later page. On DynamoDB this is a table with the record's id as its key and an index on the time of the change; here the
-- index is a table of its own. An item of DynamoDB may outlive its time to live by days: so what is over isn't shown, and what
-- is deleted is deleted when something is written.
local journal = {
  -- Must be longer than a client may rely on the journal: `delta_window`, and with aws-appsync the base refresh interval,
  -- which is 24 hours unless it says otherwise.
  ttl_s = tonumber(os.getenv "POSTS_JOURNAL_TTL") or 2 * 24 * 3600,
}

local PARTITION = "Post"
local PRUNED_AT_ONCE = 25 -- by one write, which adds one

-- Sort keys: the second as text, then what came first in it.
local function key_of(second) return ("%010d"):format(math.max(second, 0)) end

-- The first second that the journal still has.
local function oldest(ctx) return ctx.util.now_epoch_seconds() - journal.ttl_s end

local function prune(ctx)
  local by_time, by_id = ctx.tables.PostJournalByTime, ctx.tables.PostJournal
  for _, entry in ipairs(by_time:scan{ partition = PARTITION, lt = key_of(oldest(ctx)), limit = PRUNED_AT_ONCE }) do
    by_time:delete{ PARTITION, entry.key }
    by_id:delete(entry.id)
  end
end

local function next_key(ctx)
  local now = key_of(ctx.util.now_epoch_seconds()) .. ":"
  local scan = { partition = PARTITION, begins_with = now, descending = true, limit = 1 }
  local last = ctx.tables.PostJournalByTime:scan(scan)[1]
  return ("%s%08d"):format(now, last and tonumber(last.key:match ":(%d+)$") + 1 or 1)
end

-- Writes a change, inside the transaction that changes the base table. It takes the place of the record's last one.
function journal.write(ctx, record)
  local by_time, by_id = ctx.tables.PostJournalByTime, ctx.tables.PostJournal
  local last = by_id:get(record.id)
  if last then by_time:delete{ PARTITION, last.key } end
  local key = next_key(ctx)
  by_time:put({ PARTITION, key }, { id = record.id, key = key })
  by_id:put(record.id, { key = key, record = record })
  prune(ctx)
end

-- The newest change of a record, if the journal still has it.
function journal.last(ctx, id)
  local entry = ctx.tables.PostJournal:get(id)
  return entry and entry.key >= key_of(oldest(ctx)) and entry.record or nil
end

-- What was changed at or after the second `last_sync`, the oldest first; and where the next page begins.
function journal.since(ctx, last_sync, limit, after)
  local by_id, records = ctx.tables.PostJournal, {}
  local from = key_of(math.max(last_sync, oldest(ctx)))
  local entries, next_page = ctx.tables.PostJournalByTime:scan{ partition = PARTITION, ge = from, limit = limit, after = after }
  for i, entry in ipairs(entries) do records[i] = by_id:get(entry.id).record end
  return records, next_page
end

return journal
