-- Processes with an outbox whose store gets into trouble at random moments: a disk that is full, read-only all at once, or that
-- fails; a file that another process has locked, or that is damaged. Each call of `mutate` is answered in time. What was said not
-- to be queued never has an effect (where a disk fails for good while it is synchronised, the error says that it may); what was
-- said to be queued has one, or is a dead letter; nothing has two. The trouble over, the outbox goes on. Of a damaged store as many
-- mutations are missing as its client's log says, at most.
-- usage: N=10 SEED=1 lua spec/crash/outbox_trouble.lua [full|readonly|failing|locked|damaged …]
local core = require "appsync.core"
local damaging = require "spec.support.damaging"
local effects = require "spec.support.effects"
local faulty_vfs = require "spec.support.faulty_vfs"
local folder = require "spec.support.folder"
local process = require "spec.support.process"

local N = tonumber(os.getenv "N") or 10
local SEED = tonumber(os.getenv "SEED") or os.time()
local KINDS = { "full", "readonly", "failing", "locked", "damaged" }
local BOUND = 90 -- seconds of a process
local CALL_BOUND = 15 -- seconds of a call that gives itself 5
local PLACES_OF_A_SERVER = 50
local interpreter = arg[-1]

local CODES = { full = { full = true }, readonly = { readonly = true }, locked = { locked = true } }

-- {ops = in their order, by = op → {op=, told=, …}, was_refused =, is_back =}
local function read_log(text)
  local story = { ops = {}, by = {} }
  for line in text:gmatch "[^\n]+" do
    local entry = core.decode(line)
    if entry and entry.t == "begin" then
      story.ops[#story.ops + 1] = entry
      story.by[entry.op] = entry
    elseif entry and entry.t == "ack" then
      for key, value in pairs(entry) do
        if key ~= "t" then story.by[entry.op][key] = value end
      end
    elseif entry and entry.t == "early" then
      story.is_early = true
    elseif entry then
      story.was_refused, story.is_back = entry.was_refused, entry.is_back
    end
  end
  return story
end

-- Why a call got nothing: the store's trouble, and what became of the mutation.
-- Where a store was begun and then nothing can be written, the system gives SQLite no reason for some failures.
local function check_refusal(kind, op, is_early)
  if op.kind ~= "storage" then return ("%s: an error of kind %s: %s"):format(op.op, op.kind, op.message) end
  if not op.message:find("nothing was queued", 1, true) then return ("%s: %s"):format(op.op, op.message) end
  local may_lack = is_early and kind == "readonly" and not op.code
  if CODES[kind] and not CODES[kind][op.code] and not may_lack then return ("%s: the code is %s: %s"):format(op.op, tostring(op.code), op.message) end
end

-- What is wrong with one mutation; and whether it is nowhere.
local function check_op(kind, op, n_effects, outcome, is_early)
  if n_effects > 1 then return op.op .. " was executed twice" end
  if op.seconds and op.seconds > CALL_BOUND then return ("%s took %.1f s"):format(op.op, op.seconds) end
  if n_effects == 1 and outcome and outcome ~= "unknown" then return ("%s was executed, and is said to be %s"):format(op.op, outcome) end
  if op.told == "error" then
    if op.message:find("may find what was written", 1, true) then return nil end -- it can't be told
    if n_effects > 0 or outcome then return ("%s wasn't queued (%s), and has an effect"):format(op.op, op.message) end
    return check_refusal(kind, op, is_early)
  end
  if op.told == "done" and n_effects == 0 then return op.op .. " was done, and has no effect" end
  if op.told == "dead" and not outcome then return nil, true end
  if op.told == "queued" and n_effects == 0 and not outcome then return nil, true end
end

local function judge(place, counts)
  local story = read_log(process.read(place.log))
  local dead, n_by, n_missing, wrong = {}, place.served.counts(), 0, {}
  for key, outcome in place.text:gmatch "\nDEAD (%S+) (%S+)" do dead[key] = outcome end
  for _, op in ipairs(story.ops) do
    local what, is_missing = check_op(place.kind, op, n_by[op.op] or 0, dead[op.op], story.is_early)
    wrong[#wrong + 1] = what
    counts[op.told or "unknown"] = (counts[op.told or "unknown"] or 0) + 1
    if is_missing then
      n_missing = n_missing + 1
      if place.kind ~= "damaged" then wrong[#wrong + 1] = ("%s was said to be %s, and is nowhere"):format(op.op, op.told) end
    end
  end
  local n_lost = not place.is_left and damaging.lost_of(place.text) or nil
  if n_lost and n_missing > n_lost then wrong[#wrong + 1] = ("%d are missing, and %d are said to be"):format(n_missing, n_lost) end
  counts.missing = counts.missing + n_missing
  counts.troubled = counts.troubled + (story.was_refused and 1 or 0)
  counts.back = counts.back + (story.is_back and 1 or 0)
  assert(#wrong == 0, table.concat(wrong, "\n", 1, math.min(#wrong, 20)))
  return story
end

local function output_of(words, program, ...)
  local command = ("timeout --foreground -s KILL %d %s %s spec/crash/%s"):format(BOUND, words, interpreter, program)
  for _, word in ipairs{ ... } do command = command .. " " .. damaging.quote(word) end
  local text = damaging.output_of("%s", command .. " 2>&1; echo status=$?")
  return "\n" .. text, tonumber(text:match "status=(%d+)\n$")
end

local function run_writer(place)
  local text, status = output_of(faulty_vfs.words("seed=" .. place.seed), "trouble_writer.lua", place.served.endpoint, place.store, place.log,
    tostring(place.seed), place.kind)
  place.text = text
  local has_ended = process.read(place.log):find("\"t\":\"end\"", 1, true)
  assert(status == 0 or (status == 137 and has_ended), "the writer ended with status " .. tostring(status))
end

local function drain(place)
  local text, status = output_of("", "drainer.lua", place.served.endpoint, place.store)
  place.text = place.text .. text
  -- Damage made it one of a later library, for all that this one knows: all of it waits there.
  place.is_left = place.kind == "damaged" and text:find("the store has version", 1, true)
  assert(status == 0 and (place.is_left or text:find "\nDONE 0\n"), "what is queued isn't sent")
end

local function go(place, counts)
  process.write(place.log, "")
  run_writer(place)
  drain(place)
  judge(place, counts)
  counts.aside = counts.aside + (damaging.output_of("ls %s", damaging.quote(place.folder)):find "damaged" and 1 or 0)
end

local function start_server(seed)
  local served = effects.start()
  served.chaos(seed, { lost_answer = { probability = 0.03 }, late_answer = { probability = 0.05, ms = 40 } })
  return served
end

local function run_kind(kind, counts)
  local served
  for i = 1, N do
    if (i - 1) % PLACES_OF_A_SERVER == 0 then
      if served then served.stop() end
      served = start_server(SEED + i)
    end
    local made = folder.make()
    local place = {
      kind = kind, seed = (SEED + i * 1000) % 2147483647, served = served, folder = made.path, store = made.path .. "/s.db", log = made.path .. "/log",
    }
    local ok, err = pcall(go, place, counts)
    if not ok then
      error(("SEED=%d, %s, place %d in %s, %s\n%s"):format(SEED, kind, i, made.path, tostring(err), place.text or ""), 0)
    end
    made.remove()
  end
  served.stop()
end

local function report(kind, counts)
  print(("%s: %d places (SEED=%d): mutate was refused at %d, %d came back; %d done, %d queued, %d dead, %d refused, %d untold; %d missing, %d set aside")
    :format(kind, N, SEED, counts.troubled, counts.back, counts.done or 0, counts.queued or 0, counts.dead or 0, counts.error or 0,
    counts.unknown or 0, counts.missing, counts.aside))
  assert(kind == "damaged" or counts.troubled > N / 3, "there was hardly any trouble")
  assert(kind ~= "damaged" or counts.aside >= math.floor(N / 40), "hardly any damage was found")
end

local function main()
  for _, kind in ipairs(#arg > 0 and arg or KINDS) do
    local counts = { missing = 0, troubled = 0, back = 0, aside = 0 }
    run_kind(kind, counts)
    report(kind, counts)
  end
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
