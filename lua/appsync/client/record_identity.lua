---Identities that a function of the application tells, `data_id_from_object`: for the core, which asks for all objects of a
---response at once and lets the response wait, and for what the application itself writes.
---
---    ASK --> queue --in steps, one object after the other--> answer
---
---What the function can't tell, for whatever reason, is identified as if there were none.
local compute = require "appsync.compute"
local core = require "appsync.core"
local errors = require "appsync.errors"
local log = require "appsync.log"
local printable = require "appsync.printable"
local scheduler = require "appsync.scheduler"
local task = require "appsync.task"
local timer = require "appsync.timer"

local record_identity = {}

local NAME = "data_id_from_object"
local STEP_VALUES = 200 -- of one object
local RETRY_SECONDS = 1

local null = core.null

-- Once for each client: a function that is wrong is so again and again.
local function tell_fault(root, object, format, what, raised)
  if root.has_told_identity then return end
  root.has_told_identity = true
  local fault = format:format(printable.text(object.__typename), what)
  log.emit(root.log, "error", ("%s %s; objects that it doesn't identify are by their id or _id"):format(NAME, fault),
    { raised = raised })
end

---@param root appsync.client.Root
---@param object table with __typename
---@return boolean is_told
---@return string? key nil: it has none
local function ask(root, object)
  local ok, key = pcall(compute, NAME, root.data_id_from_object, object)
  if ok and (key == nil or key == null) then return true end
  if ok and type(key) == "string" and key ~= "" then return true, key end
  if not ok then
    tell_fault(root, object, "raised for a %s: %s", printable.text(key), key)
  else
    local got = key == "" and "an empty string" or errors.describe(key)
    tell_fault(root, object, 'must return a key such as "Post:1", or nil for none; for a %s it returned %s', got)
  end
  return false
end

local function tell(root, objects, i, object)
  local is_told, key = ask(root, object)
  if is_told and not objects:tell(i, key) then
    tell_fault(root, object, "returned a key for a %s that %s", "isn't UTF-8 text")
  end
end

-- Others run meanwhile, where the caller can be suspended.
local function tell_all(root, objects, has_turns)
  local held, step = {}, has_turns and STEP_VALUES or math.huge
  for i = 1, objects:count() do
    local is_done, object
    repeat
      is_done, object = objects:step(i, step, held)
      if has_turns and scheduler.spent() then scheduler.give_way() end
    until is_done ~= false
    if is_done then tell(root, objects, i, object) end
  end
end

local function answer(root, question)
  local client = root.handle.core
  if not client then return end
  local _, err = client:answer(question)
  if err and type(question) == "number" then timer.after(RETRY_SECONDS, function() answer(root, question) end) end
end

local work

-- Without memory, say: the response goes on with what was told until then.
local function begin(root)
  task.spawn_asked(function()
    local question = table.remove(root.questions, 1)
    if question then answer(root, question) end
    root.is_answering = false
    if root.questions[1] then begin(root) end
  end, work, root)
  root.is_answering = true
end

function work(root)
  local questions = root.questions
  while questions[1] and root.handle.core do
    local question = questions[1]
    if type(question) ~= "number" then tell_all(root, question, true) end
    table.remove(questions, 1)
    answer(root, question)
  end
  root.is_answering, root.questions = false, {}
end

---What the core asks: later questions wait for earlier ones.
---@param root appsync.client.Root
---@param objects appsync.core.Objects? nil: Lua had no memory for them
---@param number integer of the question
function record_identity.on_ask(root, objects, number)
  root.questions = root.questions or {}
  table.insert(root.questions, objects or number)
  if not root.is_answering then begin(root) end
end

---The key of the record that a table is; nil: it has none.
---@param root appsync.client.Root
---@param cache appsync.core.Cache
---@param object table
---@return string? key, table? err of the core
function record_identity.of(root, cache, object)
  local typename = root.data_id_from_object and rawget(object, "__ref") == nil and rawget(object, "__typename")
  if type(typename) == "string" and typename ~= "Query" and not (root.keys and root.keys[typename]) then
    local is_told, key = ask(root, object)
    if is_told then return key end
  end
  return cache:identify(object)
end

---Writes data into a cache, once the function has told what its objects are.
---@param root appsync.client.Root
---@param cache appsync.core.Cache
---@param call table of `cache:write`
---@return true? ok, table? err of the core
function record_identity.write(root, cache, call)
  if root.data_id_from_object then
    local objects, err = cache:objects(call)
    if err then return nil, err end
    if objects then
      tell_all(root, objects, false)
      call.objects = objects
    end
  end
  return cache:write(call)
end

return record_identity
