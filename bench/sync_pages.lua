-- lua5.4 bench/sync_pages.lua FOLDER COUNT: what server/sync_pages serves of so many records, always the same.
--   w8_COUNT.ndjson        the pages of 1000 records of syncTodos, one in each line; the token of page 7 is "p7"
--   w8_COUNT_delta.json    100 changes of them: 80 updates, 10 creates and 10 deletes, with the versions that follow
local folder, n_records = arg[1], tonumber(arg[2])

local PAGE, N_CHANGES = 1000, 100
local SEED = 20240601
local STARTED_AT = 1717243200000

-- mulberry32: numbers below `below`, of 32 bits.
local function generator(state)
  return function(below)
    state = state + 0x6d2b79f5 & 0xffffffff
    local t = (state ~ state >> 15) * (state | 1) & 0xffffffff
    t = (t + (t ~ t >> 7) * (t | 61) & 0xffffffff) ~ t
    return math.floor((t ~ t >> 14) / 4294967296.0 * below)
  end
end

-- Words as they stand in JSON. They are cut by units of UTF-16, of which a character beyond U+FFFF has two: half of one becomes
-- a dot.
local WORDS = {}
do
  local text = 'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua '
    .. '\\"quoted\\" naïve café back\\\\slash line\\nbreak 日本 emoji 🚀 enim minim veniam quis nostrud exercitation ullamco laboris '
    .. 'nisi aliquip ex ea commodo consequat'
  for word in text:gmatch "%S+" do
    local cut, n_units, at = { [0] = "" }, 0, 1
    while at <= #word do
      local last = word:byte(at) == 92 and at + 1 or utf8.offset(word, 2, at) - 1
      if last - at == 3 then
        n_units = n_units + 1
        cut[n_units] = word:sub(1, at - 1) .. "."
      end
      n_units = n_units + 1
      cut[n_units], at = word:sub(1, last), last + 1
    end
    WORDS[#WORDS + 1] = { text = word, n_units = n_units, cut = cut }
  end
end

local function words(random, n_wanted)
  local parts, n_units = {}, 0
  while n_units < n_wanted do
    local word = WORDS[random(#WORDS) + 1]
    local n_left = n_wanted - n_units - (n_units > 0 and 1 or 0)
    parts[#parts + 1] = n_left < word.n_units and word.cut[n_left] or word.text
    n_units = n_units + (n_units > 0 and 1 or 0) + word.n_units
  end
  return table.concat(parts, " ")
end

local UUID = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx"

local function uuid(random)
  return (UUID:gsub("[xy]", function(place)
    return place == "x" and ("%x"):format(random(16)) or ("89ab"):sub(random(4) + 1):sub(1, 1)
  end))
end

local function date(random)
  local ms = 1700000000000 + random(3e10)
  return ("%s.%03dZ"):format(os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000), ms % 1000)
end

-- The order in which its fields are drawn isn't that in which they stand.
local function record(random, number)
  local at, priority = date(random), random(100)
  return {
    at = at, priority = priority, id = uuid(random), name = ("todo %d %s"):format(number, words(random, 20)),
    description = words(random, 100), done = random(2) < 1, owner = "user" .. random(50), version = 1 + random(5),
    changed_at = 1700000000000 + random(1e9),
  }
end

local function text_of(todo)
  return ('{"__typename":"Todo","id":"%s","name":"%s","description":"%s","priority":%d,"done":%s,"owner":"%s","createdAt":"%s",'
    .. '"updatedAt":"%s","_version":%d,"_lastChangedAt":%d,"_deleted":%s}'):format(todo.id, todo.name, todo.description, todo.priority,
    todo.done, todo.owner, todo.at, todo.at, todo.version, todo.changed_at, todo.is_deleted or "null")
end

local function page_of(items, token)
  return ('{"data":{"syncTodos":{"__typename":"ModelTodoConnection","items":[%s],"nextToken":%s,"startedAt":%d}}}'):format(
    table.concat(items, ","), token and '"' .. token .. '"' or "null", STARTED_AT)
end

local others = generator(SEED)

-- What has become of a record: of ten, one is deleted, and one was created instead.
local function changed(todo, number)
  todo.version, todo.changed_at = todo.version + 1, STARTED_AT + number
  if number % 10 == 8 then
    todo.id, todo.version = uuid(others), 1
  elseif number % 10 == 9 then
    todo.is_deleted = true
  else
    todo.name = "changed " .. todo.name
  end
  return text_of(todo)
end

local path = ("%s/w8_%d"):format(folder, n_records)
local file = assert(io.open(path .. ".part", "wb"))
local random, changes = generator(SEED + 8 + n_records), {}
local n_pages = n_records // PAGE
for page = 0, n_pages - 1 do
  local items = {}
  for i = 1, PAGE do
    local number = page * PAGE + i - 1
    local todo = record(random, number)
    items[i] = text_of(todo)
    if number % (n_records // N_CHANGES) == 7 then changes[#changes + 1] = changed(todo, #changes) end
  end
  file:write(page_of(items, page + 1 < n_pages and "p" .. page + 1), "\n")
end
assert(file:close())
file = assert(io.open(path .. "_delta.json", "wb"))
file:write(page_of(changes))
assert(file:close())
assert(os.rename(path .. ".part", path .. ".ndjson"))
