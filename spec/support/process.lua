-- Other programs that a test needs: started with a free port, told apart by what they print first, always ended.
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

function process.read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read("*a")
  file:close()
  return text
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Starts a command in the background and returns its first line of output and a handle {pid, log}.
--- `command`: list of words. Output after the first line goes to the log.
function process.start(command)
  local words = {}
  for i, word in ipairs(command) do words[i] = quote(tostring(word)) end
  local log = process.temporary(".log")
  process.write(log, "")
  local fifo = process.temporary(".fifo")
  assert(os.execute("mkfifo " .. quote(fifo)))
  -- The shell prints the program's number, then becomes the program; the first line comes through the pipe.
  local pipe = assert(io.popen(("(sh -c 'echo $$; exec \"$0\" \"$@\"' %s 2>>%s | (read -r pid; echo $pid; read -r first; echo \"$first\" >%s; exec cat >>%s)) 2>/dev/null & read -r first <%s; echo \"$first\""):format(
    table.concat(words, " "), quote(log), quote(fifo), quote(log), quote(fifo)), "r"))
  local pid = pipe:read("*l")
  local first = pipe:read("*l")
  local handle = { pid = tonumber(pid), log = log, pipe = pipe }
  started[#started + 1] = handle
  return first, handle
end

function process.signal(handle, name)
  os.execute(("kill -%s %d 2>/dev/null"):format(name, handle.pid))
end

function process.stop(handle)
  if not handle.pid then return end
  -- Gone when this returns: nothing listens on its port any more.
  os.execute(("{ kill -TERM %d && timeout 10 tail --pid=%d -s 0.01 -f /dev/null; } 2>/dev/null"):format(handle.pid, handle.pid))
  handle.pid = nil
  handle.pipe:close()
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
