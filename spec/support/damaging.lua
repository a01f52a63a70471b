-- Files that are damaged at random places, and the shell.
local process = require "spec.support.process"

local damaging = {}

local PAGE = 4096

function damaging.quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

function damaging.run(...)
  local command = (...):format(select(2, ...))
  local ok = os.execute(command)
  assert(ok == true or ok == 0, command)
end

function damaging.output_of(...)
  local pipe = assert(io.popen((...):format(select(2, ...))))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

local function random_bytes(n)
  local list = {}
  for i = 1, n do list[i] = string.char(math.random(0, 255)) end
  return table.concat(list)
end

local function overwrite(path, at, bytes)
  local file = assert(io.open(path, "r+b"))
  assert(file:seek("set", at))
  assert(file:write(bytes))
  file:close()
end

local KINDS = {
  { "bytes", function(path, size) for _ = 1, math.random(4) do overwrite(path, math.random(0, size - 1), random_bytes(1)) end end },
  { "block", function(path, size) overwrite(path, math.random(0, size - 1), random_bytes(math.random(2, 600))) end },
  { "zeros", function(path, size) overwrite(path, math.floor(math.random(0, size - 1) / PAGE) * PAGE, ("\0"):rep(PAGE)) end },
  { "swap", function(path, size)
    local from, to = math.random(0, math.floor(size / PAGE) - 1), math.random(0, math.floor(size / PAGE) - 1)
    overwrite(path, to * PAGE, process.read(path):sub(from * PAGE + 1, (from + 1) * PAGE))
  end },
  { "truncated", function(path, size) damaging.run("truncate -s %d %s", math.random(0, size - 1), damaging.quote(path)) end },
  { "head", function(path) overwrite(path, math.random(0, 99), random_bytes(math.random(4))) end },
}

---Damages a file somewhere, somehow.
---@param path string
---@param but string? a kind that isn't played
---@return string kind
function damaging.damage(path, but)
  local kind
  repeat kind = KINDS[math.random(#KINDS)] until kind[1] ~= but
  kind[2](path, #process.read(path))
  return kind[1]
end

---How many mutations, queued ones and dead letters, the lines of a client's log say that it couldn't read; nil: they say that nobody
---knows.
---@param text string lines "LOG LEVEL MESSAGE"
---@return integer?
function damaging.lost_of(text)
  if text:find "could not be read for what was queued" then return nil end
  local n = 0
  for line in text:gmatch "LOG error [^\n]*" do
    if line:find "something of its outbox could not be read" then return nil end
    for _, what in ipairs{ "queued mutation", "dead letter" } do
      local lost, rest = line:match(what .. "s? %a+ saved, (%d+) could not be read([^;]*)")
      if line:find(what .. "s could not be read", 1, true) or (rest and rest:find "maybe more") then return nil end
      n = n + (tonumber(lost) or 0)
    end
  end
  return n
end

---A store with all that belongs to it, but for sockets that a killed process has left, into a new folder.
function damaging.copy(path, place)
  place = damaging.quote(place)
  damaging.run('mkdir %s && for file in %s*; do test -S "$file" || cp "$file" %s || exit 1; done', place, damaging.quote(path), place)
end

return damaging
