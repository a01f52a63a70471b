-- Other programs that a test needs: started with a free port, told apart by what they print first, always ended.
local unpack = table.unpack or unpack -- luacheck: compat

local process = {}

local started = {}

--- Debian's own where it is there: what else is called so may be a wrapper that takes half a second to start.
process.PYTHON = (function()
  local file = io.open("/usr/bin/python3", "rb")
  if file then file:close() end
  return file and "/usr/bin/python3" or "python3"
end)()

--- A path that nothing uses yet; the file is removed by `process.stop_all`.
function process.temporary(suffix)
  local path = os.tmpname()
  os.remove(path)
  path = path .. (suffix or "")
  started[#started + 1] = { path = path }
  return path
end

function process.write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

--- The path of a new file with the text; it is removed by `process.stop_all`.
function process.file(text, suffix)
  local path = process.temporary(suffix)
  process.write(path, text)
  return path
end

--- What a shell command writes to its standard output.
---@param command string
---@return string
function process.output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

--- Runs a shell command.
---@param command string for string.format
---@return string output both streams
---@return integer status
function process.run(command, ...)
  local text = process.output_of("(" .. command:format(...) .. ") 2>&1; echo status=$?")
  local output, status = text:match "^(.*)status=(%d+)\n$"
  return output, tonumber(status)
end

function process.read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read "*a"
  file:close()
  return text or "" -- of a process that ends just now there is no more to read
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local launcher

--- spec/support/launcher.py, which ends with this program.
local function launch()
  local fifo = os.tmpname()
  os.remove(fifo)
  assert(os.execute("mkfifo " .. quote(fifo)))
  -- Nobody waits for answers of one that can't begin.
  local start = ("%s -S spec/support/launcher.py %s || [ ! -p %s ] || echo >%s"):format(process.PYTHON, quote(fifo), quote(fifo),
    quote(fifo))
  launcher = { commands = assert(io.popen(start, "w")) }
  launcher.answers = assert(io.open(fifo, "r"))
  os.remove(fifo)
end

local function tell(...)
  if not launcher then launch() end
  local words = { select("#", ...) .. " " }
  for i = 1, select("#", ...) do
    local word = tostring((select(i, ...)))
    words[#words + 1] = #word .. ":" .. word .. " "
  end
  launcher.commands:write(table.concat(words))
  launcher.commands:flush()
end

local function hear() return (assert(launcher.answers:read("*l"), "the launcher of the programs has ended")) end

--- Starts a command in the background and returns its first line of output and a handle {pid, log}.
--- `command`: list of words. Output after the first line goes to the log.
function process.start(command)
  local log = process.temporary(".log")
  process.write(log, "")
  tell("start", log, unpack(command))
  local pid, first = tonumber(hear()), hear()
  local handle = { pid = pid, log = log }
  started[#started + 1] = handle
  return first, handle
end

function process.signal(handle, name)
  tell("signal", name, handle.pid)
  hear()
end

function process.stop(handle)
  if not handle.pid then return end
  -- Gone when this returns: nothing listens on its port any more.
  tell("stop", handle.pid)
  hear()
  handle.pid = nil
end

--- Ends everything that was started and removes all temporary files.
function process.stop_all()
  for i = #started, 1, -1 do
    local item = started[i]
    if item.pid then process.stop(item) end
    if item.path then os.remove(item.path) end
    started[i] = nil
  end
end

return process
