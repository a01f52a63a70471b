---The options of a client's outbox: their schemas, what they need, and what the core is given for them.
local errors = require "appsync.errors"
local light = require "appsync.light"
local opts = require "appsync.opts"

local outbox_options = {}

local MAX_TRIES = 10
local MOST_TRIES = 2 ^ 31 - 1 -- the core counts no further; it is for ever

outbox_options.OUTBOX = opts.schema{
  order = { "string", values = { "serial", "entity" } },
  max_tries = { "integer", min = 1 },
  in_doubt = { "string", values = { "unknown", "resolve" } },
  request_lifetime = { "number", min = 0 },
}

---Fields of the schema of `appsync.client`.
outbox_options.FIELDS = {
  outbox = { "table", fields = outbox_options.OUTBOX },
  conflict_resolver = { "callable" },
  updates = { "table" },
}

---@class appsync.OutboxOptions
---@field order "serial"|"entity"|nil "serial" (default): a mutation is sent when the one before it has its outcome. "entity":
---mutations of different records are sent side by side, those of one record in their order
---@field max_tries integer? default 10: how often the service may answer that it can't do it now, before the mutation becomes a
---dead letter. Tries that find no network don't count
---@field in_doubt "unknown"|"resolve"|nil what becomes of a mutation whose answer was lost and that isn't safe to send again.
---"unknown" (default): it becomes a dead letter with the outcome "unknown". "resolve": `conflict_resolver` decides, if it was
---sent with the version that it expects
---@field request_lifetime number? seconds for which a request may still be executed after it was begun and never answered: what
---is in doubt and wasn't executed is sent again only after that. Default: 60 for a mutation with an expected version, once the
---service was seen to merge conflicts; else 0. AppSync ends what takes longer than 30 seconds

-- By root field.
local function check_updates(updates, where)
  for name, fn in pairs(updates or {}) do
    if type(name) ~= "string" then
      errors.misuse("%s: updates has the key %s; the keys are root fields of mutations, such as createTodo", where,
        (errors.describe(name)))
    end
    opts.expect_callable(fn, "updates." .. name, where)
  end
  return updates or {}
end

-- What says nothing without an outbox.
local function check_store(options, callback, where)
  local name = options.outbox and "outbox" or callback and "offline.callback"
  if not name then return end
  light.refuse(where .. ": " .. name)
  errors.misuse("%s: %s needs a store, which holds the outbox: give store = \"app.db\" or \":memory:\"", where, name)
end

---@class appsync.client.QueueOptions
---@field order "serial"|"entity"
---@field max_tries integer
---@field resolves_doubt boolean
---@field request_lifetime number? seconds

---@param options table checked options of a client
---@param has_store boolean
---@param where string
---@return table root fields of the client's root: `queue_options`, `conflict_resolver`, `offline_callback`, `updates`
function outbox_options.check(options, has_store, where)
  local callback = options.offline and options.offline.callback
  local root = {
    conflict_resolver = options.conflict_resolver, offline_callback = callback, updates = check_updates(options.updates, where),
  }
  if not has_store then
    check_store(options, callback, where)
    return root
  end
  local given = options.outbox or {}
  if given.in_doubt == "resolve" and not options.conflict_resolver then
    errors.misuse("%s: outbox.in_doubt = \"resolve\" needs a conflict_resolver", where)
  end
  root.queue_options = {
    order = given.order or "serial", max_tries = math.min(given.max_tries or MAX_TRIES, MOST_TRIES),
    resolves_doubt = given.in_doubt == "resolve", request_lifetime = given.request_lifetime,
  }
  return root
end

return outbox_options
