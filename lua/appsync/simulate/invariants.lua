---What must hold in the end, when the faults have stopped: an acknowledged mutation is never lost, never applied twice, and never
---fails silently; and what the client shows is what the service has.
local core = require "appsync.core"
local errors = require "appsync.errors"
local printable = require "appsync.printable"
local task = require "appsync.task"

local invariants = {}

local TELLING_S = 3600

local function number_of(id)
  return tonumber(id:match("%-(%d+)$"))
end

local function must(value, err, what)
  if value == nil then error(("%s failed: %s"):format(what, err and err.message or "?"), 0) end
  return value
end

-- What the outbox counts is what it lists.
local function check_counts(world, client)
  local status, err = client.outbox:status()
  must(status, err, "client.outbox:status")
  local queued, list_err = client.outbox:list()
  local letters, letters_err = client.outbox:dead_letters()
  local n_queued, n_dead = #must(queued, list_err, "client.outbox:list"), #must(letters, letters_err, "client.outbox:dead_letters")
  if status.size == n_queued and status.dead == n_dead then return end
  world:fail("the outbox says that it has %d mutations and %d dead letters, and lists %d and %d", status.size, status.dead, n_queued,
    n_dead)
end

-- By number. Waits until all outcomes were told.
local function read_outcomes(client)
  local results, is_told
  for _ = 1, TELLING_S do
    results, is_told = {}, true
    local all, err = client.outbox:results()
    for _, outcome in ipairs(must(all, err, "client.outbox:results")) do
      results[number_of(outcome.id)] = outcome
      is_told = is_told and outcome.notified
    end
    if is_told then break end
    task.sleep(1)
  end
  return results
end

local function read_letters(client)
  local letters = {}
  local all, err = client.outbox:dead_letters()
  for _, letter in ipairs(must(all, err, "client.outbox:dead_letters")) do letters[number_of(letter.id)] = letter end
  return letters
end

local function check_call(world, call, results, letters)
  local outcome, letter = results[call.number], letters[call.number]
  if not outcome and not letter then
    return world:fail("%s (%s) was acknowledged, and is nowhere: it isn't done, not queued and no dead letter", call.id, call.name)
  end
  if call.state == "done" and letter then
    return world:fail("%s (%s) was returned as done, and is a dead letter", call.id, call.name)
  end
  local is_discarded = letter and letter.cause.outcome == "discarded" -- by the program's own clear{outbox = true}
  if call.state == "queued" and not world.told[call.number] and not is_discarded then
    world:fail("%s (%s) was acknowledged as queued, and nobody was told its outcome", call.id, call.name)
  end
end

local function is_done(outcome)
  return outcome ~= nil and outcome.data ~= nil
end

local NONE = { refused = true, conflict = true, blocked = true }

-- Without `__typename`, keys and lists sorted.
local function canonical(value)
  if type(value) ~= "table" then return core.encode(value) end
  local parts = {}
  if getmetatable(value) == core.array_mt or value[1] ~= nil then
    for i, item in ipairs(value) do parts[i] = canonical(item) end
    table.sort(parts)
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, item in pairs(value) do
    if name ~= "__typename" then parts[#parts + 1] = ("%s:%s"):format(name, canonical(item)) end
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

-- A dead letter that was retried goes by another number, and may have taken effect under the first one.
local function has_former_effect(world, results, number)
  for former in pairs(world.given_up) do
    local was, is = results[former], results[number]
    local is_same = was and was.mutation == is.mutation and canonical(was.variables) == canonical(is.variables)
    if is_same and former < number and (world.effects[former] or 0) > 0 then return true end
  end
  return false
end

-- So often it may have taken effect, given what the outbox says.
local function check_effects(world, number, n, results, letters, is_idempotent)
  local id = (results[number] or letters[number] or {}).id or tostring(number)
  local outcome = letters[number] and letters[number].cause and letters[number].cause.outcome
  if n > 1 and not is_idempotent then
    world:fail("%s took effect %d times", id, n)
  elseif n > 0 and NONE[outcome] then
    world:fail("%s is a dead letter that says \"%s\", and took effect", id, outcome)
  elseif n == 0 and is_done(results[number]) and not outcome and not world.given_up[number] then
    if not has_former_effect(world, results, number) then world:fail("%s is done, and took no effect", id) end
  end
end

local function check_outbox(world, results, letters)
  -- A resolver that is asked about a mutation in doubt may send it again.
  local resolves_doubt = (world.options.client.outbox or {}).in_doubt == "resolve"
  local idempotent, is_unsure = {}, resolves_doubt
  for _, call in ipairs(world.calls) do
    if call.number then
      idempotent[call.number] = call.is_idempotent or resolves_doubt
      if not world.given_up[call.number] then check_call(world, call, results, letters) end
    elseif call.is_idempotent then
      is_unsure = true -- it may be any of those that no call has told about
    end
  end
  local numbers = {}
  for number in pairs(world.effects) do numbers[number] = true end
  for number in pairs(results) do numbers[number] = true end
  for number in pairs(letters) do numbers[number] = true end
  local sorted = {}
  for number in pairs(numbers) do sorted[#sorted + 1] = number end
  table.sort(sorted)
  for _, number in ipairs(sorted) do
    local may_repeat = idempotent[number] or (idempotent[number] == nil and is_unsure)
    check_effects(world, number, world.effects[number] or 0, results, letters, may_repeat)
  end
end

local function compare(world, asked, when)
  local shown, _, info = world.client:query(asked.document, asked.variables, { fetch_policy = "cache-only" })
  if not shown then return false end
  local server, server_errors = world.service:query(asked.document, asked.variables)
  if not server then error("the service can't answer a query of `queries`: " .. server_errors[1].message, 0) end
  local ours, theirs = canonical(shown), canonical(server)
  if ours ~= theirs then
    world:fail("%s, the cache has %s, and the service has %s", when, ours, theirs)
  end
  return info and true
end

local function has_unknown(letters)
  for _, letter in pairs(letters) do
    if letter.cause and letter.cause.outcome == "unknown" then return true end
  end
  return false
end

-- What the client can't have heard of isn't held against it before it has asked once more.
local function check_queries(world, letters)
  local is_alone = world.service.n_written == 0 and world.n_repeated == 0 and next(world.given_up) == nil
  local knows_all = is_alone and not world.is_overtaken and not has_unknown(letters)
  for _, asked in ipairs(world.options.queries) do
    if knows_all and not world.failure then compare(world, asked, "in the end") end
    local data, err = world.client:query(asked.document, asked.variables, { fetch_policy = "network-only" })
    if not data then error("a query of `queries` failed: " .. err.message, 0) end
    if not world.failure and not compare(world, asked, "after the query was sent again") then
      world:fail("after the query was sent again, the cache doesn't have it")
    end
  end
end

---@class appsync.simulate.Final what an `invariant` gets
---@field client appsync.Client
---@field server appsync.simulate.Service
---@field state table
---@field acknowledged {id: string, outcome: "done"|"refused"|"conflict"|"unknown"|"blocked"|"discarded"|"retried"}[]
---"retried": it was a dead letter, and was queued again with one that the program has retried, under another id

local function final_of(world, results, letters)
  local acknowledged = {}
  for _, call in ipairs(world.calls) do
    local number = call.number
    if number and not world.given_up[number] then
      local letter = letters[number]
      acknowledged[#acknowledged + 1] = {
        id = call.id, outcome = letter and letter.cause and letter.cause.outcome or is_done(results[number]) and "done" or "retried",
      }
    end
  end
  return { client = world.client, server = world.service, state = world.state, acknowledged = acknowledged }
end

local function ask_user(world, final)
  local invariant = world.options.invariant
  if not invariant then return end
  local ok, answer, message = task.pcall(invariant, final)
  if not ok then
    world:fail("the invariant doesn't hold: %s", errors.is(answer) and answer.message or printable.text(answer))
  elseif answer == false then
    world:fail("the invariant doesn't hold%s", message ~= nil and ": " .. printable.text(message) or "")
  end
end

---Checks all, in a task.
---@param world appsync.simulate.World
function invariants.check(world)
  local client = world.client
  local results, letters = read_outcomes(client), read_letters(client)
  check_counts(world, client)
  for _, outcome in pairs(results) do
    if not outcome.notified then world:fail("nobody was told the outcome of %s, for %d s", outcome.id, TELLING_S) end
  end
  if not world.is_wiped then check_outbox(world, results, letters) end
  if not world.failure then check_queries(world, letters) end
  if not world.failure then world.syncs:check(canonical) end
  if not world.failure then ask_user(world, final_of(world, results, letters)) end
end

---Checks a store whose client is closed: nothing optimistic is left in it, but for identities of `client:with`, which may be
---asked for no more.
---@param world appsync.simulate.World
function invariants.check_store(world)
  local json, err = core.inspect(world.path)
  if not json then return world:fail("the store can't be read: %s", err.message) end
  local store = core.decode(json)
  for _, partition in ipairs(store.partitions) do
    if not partition.is_dropped and partition.identity == "" and partition.layers > 0 then
      world:fail("%d optimistic layers are left in the store", partition.layers)
    end
  end
end

return invariants
