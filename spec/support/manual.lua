-- A manual whose examples run: Markdown with files (`<!-- file: NAME -->` before a block), `console` blocks (commands after
-- "$ ", then what they print) and what the server logs meanwhile (`<!-- log -->` before a block). "…" stands for anything
-- within a line.
local process = require "spec.support.process"
local wait_for = require "spec.support.wait"

local manual = {}

--- The blocks of a text in order.
---@return {kind: "file"|"console"|"log", name: string?, text: string, line: integer}[]
function manual.blocks(text)
  local blocks, number, mark, open = {}, 0, nil, nil
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local fence = line:match("^```(%a*)$")
    if open and line == "```" then
      open.text = table.concat(open.lines, "\n") .. "\n"
      if open.kind then blocks[#blocks + 1] = open end
      open, mark = nil, nil
    elseif open then
      open.lines[#open.lines + 1] = line
    elseif fence then
      local kind = mark and mark.kind or (fence == "console" and "console") or nil
      assert(kind or fence == "", ("line %d: a block that is neither run nor compared"):format(number))
      open = { kind = kind, name = mark and mark.name, line = number, lines = {} }
    elseif line:match("%S") then
      local name = line:match("^<!%-%- file: (%S+) %-%->$")
      mark = name and { kind = "file", name = name } or (line == "<!-- log -->" and { kind = "log" }) or nil
    end
  end
  return blocks
end

--- The commands of a console block: each with what it prints.
---@return {command: string, output: string}[]
function manual.commands(text)
  local commands, current = {}, nil
  for line in text:gmatch("(.-)\n") do
    local begun = line:match("^%$ (.*)$")
    -- A quote that is open goes on in the next line.
    local _, n_quotes = (current and current.command or ""):gsub("'", "")
    if begun then
      current = { command = begun, output = "" }
      commands[#commands + 1] = current
    elseif n_quotes % 2 == 1 then
      current.command = current.command .. "\n" .. line
    else
      current.output = current.output .. line .. "\n"
    end
  end
  return commands
end

--- Whether a text is as it was written, "…" being anything within a line.
function manual.fits(expected, actual)
  local pattern = expected:gsub("…", "\1"):gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("\1", "[^\n]-")
  return actual:match("^" .. pattern .. "$") ~= nil, pattern
end

local Run = {}
Run.__index = Run

--- Runs a manual's blocks in a folder. The server's port is a free one, whatever the manual says.
---@param folder string
---@param environment string words for the shell before each command
function manual.new(folder, environment)
  return setmetatable({ folder = folder, environment = environment }, Run)
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

function Run:stop()
  if self.handle then process.stop(self.handle) end
  self.handle = nil
end

function Run:shell(command)
  local words = ("cd %s && %s %s"):format(quote(self.folder), self.environment, "sh -c " .. quote(command))
  local pipe = assert(io.popen("{ " .. words .. "; } 2>&1"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

function Run:serve(command)
  self:stop()
  local script = ("cd %s && %s exec %s"):format(quote(self.folder), self.environment, (command:gsub("%-%-port %d+", "--port 0")))
  local first, handle = process.start({ "sh", "-c", script })
  self.handle, self.port = handle, (first or ""):match(":(%d+)/graphql")
  assert(self.port, (first or "") .. process.read(handle.log))
  return first:gsub(self.port, "4000") .. "\n"
end

function Run:command(item)
  local expected, actual = item.output
  if expected:find("^READY") then
    actual = self:serve(item.command)
  else
    actual = self:shell((item.command:gsub(":4000", ":" .. (self.port or "4000"))))
  end
  -- Answers end without a line break.
  if actual:sub(-1) ~= "\n" and actual ~= "" then actual = actual .. "\n" end
  return manual.fits(expected, actual), actual
end

--- Waits for lines in what the server has said.
function Run:log(expected)
  local _, pattern = manual.fits(expected, "")
  wait_for(function() return ("\n" .. process.read(self.handle.log)):find("\n" .. pattern) end, expected, function()
    return process.read(self.handle.log)
  end)
end

--- Runs one block; fails with what it got.
function Run:block(block)
  if block.kind == "file" then
    local path = self.folder .. "/" .. block.name
    os.execute("mkdir -p " .. quote(path:match("^(.*)/")))
    process.write(path, block.text)
  elseif block.kind == "log" then
    self:log(block.text)
  else
    for _, item in ipairs(manual.commands(block.text)) do
      local fits, actual = self:command(item)
      assert(fits, ("line %d: %s\nis said to print\n%sand prints\n%s"):format(block.line, item.command, item.output, actual))
    end
  end
end

return manual
