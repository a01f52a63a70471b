---The answer of a query that was read before and is all there: it comes without more ado. That is what frames are full of.
local cache = require "appsync.client.cache"
local counts = require "appsync.counts"
local scheduler = require "appsync.scheduler"
local stepwise = require "appsync.stepwise"
local synced_queries = require "appsync.client.synced_queries"

local kept_answer = {}

---@param client appsync.Client
---@param document any
---@param variables any
---@return appsync.core.Reading? reading of what was read before
function kept_answer.reading(client, document, variables)
  local kept = not client.root.is_closing and client.readings
  return kept and kept:known(document, variables)
end

-- Whether options say nothing but that text is wanted.
local function want_text(options)
  if type(options) ~= "table" or options.result ~= "json" then return false end
  return next(options) == "result" and next(options, "result") == nil
end

---Of a query without options but `result`, where the policy leaves it to the cache.
---@param client appsync.Client
---@param document any
---@param variables any
---@param options any
---@return any data nil: it isn't all there, or has expired
function kept_answer.of(client, document, variables, options)
  local is_text = options ~= nil
  if is_text and not want_text(options) then return nil end
  local root = client.root
  local policy = root.query_policy or (root.has_store and "cache-first")
  local reading = policy == "cache-first" and cache.is_kept(client) and kept_answer.reading(client, document, variables)
  if not reading then return nil end
  scheduler.check "client:query"
  local get = is_text and reading.text or reading.read
  local data, _, err, has_expired = get(reading, variables, false, nil, stepwise.LARGE_BYTES)
  if err or has_expired or not data then return nil end
  if root.synced_queries then synced_queries.look(client, document, nil, variables, policy, "client:query") end
  counts.kept(root.counts)
  return data
end

return kept_answer
