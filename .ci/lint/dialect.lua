-- One way to write what every module has: `require "name"`, classes that are their own metatables, annotations without a
-- blank before the text, and a guard that only returns on one line where it fits.
local MAX_GUARD = 100

local problems = {}

local function complain(...) problems[#problems + 1] = string.format(...) end

-- `    if not x then` and two more lines that could be one.
local function check_guard(path, number, before, between, after)
  local indent, condition = before:match "^(%s*)if (.+) then$"
  local action = between:match "^%s+(return.*)$" or between:match "^%s+(break)$"
  if not indent or not action or after ~= indent .. "end" or action:find "%-%-" then return end
  local n = #("%sif %s then %s end"):format(indent, condition, action)
  if n <= MAX_GUARD then complain("%s:%d: this guard fits on one line", path, number) end
end

local function check_line(path, number, line)
  if line:find "require%(\"[^\"]+\"%)%s*$" then complain("%s:%d: require \"name\", without parentheses", path, number) end
  if line:find "_mt = { __index = " then complain("%s:%d: a class is its own metatable: Name.__index = Name", path, number) end
  if line:find "^%s*%-%-%- %S" then complain("%s:%d: no blank after ---", path, number) end
end

local pipe = assert(io.popen "find lua -name '*.lua' | sort")
for path in pipe:lines() do
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  for i, line in ipairs(lines) do
    check_line(path, i, line)
    if lines[i + 2] then check_guard(path, i, line, lines[i + 1], lines[i + 2]) end
  end
end
pipe:close()

for _, problem in ipairs(problems) do print(problem) end
if #problems > 0 then os.exit(1) end
