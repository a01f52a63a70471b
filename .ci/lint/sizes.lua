-- File, function and parameter sizes: C 700 lines a file, 80 a function, 6 parameters; Lua 450 and 80. An adapter of a loop
-- has 60 lines beside comments.
local problems = {}

-- Functions whose parameters a library asks for: OpenSSL's SSL_CTX_set_msg_callback(3).
local foreign = { ["csrc/net/tls.c on_record"] = true }

local function complain(...) problems[#problems + 1] = string.format(...) end

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

local function count_parameters(text)
  local inside = text:match("%((.*)%)")
  if not inside or inside:match("^%s*void%s*$") or inside:match("^%s*$") then return 0 end
  local depth, n = 0, 1
  for c in inside:gmatch("[(),]") do
    if c == "(" then depth = depth + 1 elseif c == ")" then depth = depth - 1
    elseif depth == 0 then n = n + 1 end
  end
  return n
end

local function check_c(path)
  local lines = lines_of(path)
  if #lines > 700 then complain("%s: %d lines (at most 700)", path, #lines) end
  local head, start
  for i, line in ipairs(lines) do
    if line == "{" and i > 1 then
      local j = i - 1
      while j > 1 and not lines[j]:match("^[%a_]") do j = j - 1 end
      head, start = table.concat(lines, " ", j, i - 1), i
      if head:find("%(") and not head:match("^struct [%w_]+%s*$") then
        local n = count_parameters(head)
        if n > 6 and not foreign[path .. " " .. head:match("([%w_]+)%(")] then complain("%s:%d: %d parameters (at most 6)", path, j, n) end
      else
        start = nil
      end
    elseif line == "}" and start then
      if i - start - 1 > 80 then complain("%s:%d: a function of %d lines (at most 80)", path, start, i - start - 1) end
      start = nil
    end
  end
end

local function check_lua(path)
  local lines = lines_of(path)
  if #lines > 450 then complain("%s: %d lines (at most 450)", path, #lines) end
  local start, indent
  for i, line in ipairs(lines) do
    local space = line:match("^(%s*)local function ") or line:match("^(%s*)function ") or line:match("^(%s*)[%w_.]+ = function%(")
    if space and not start and not line:match("%f[%w]end[%s,)]*$") then
      start, indent = i, space
    elseif start and line:match("^" .. indent .. "end") then
      if i - start - 1 > 80 then complain("%s:%d: a function of %d lines (at most 80)", path, start, i - start - 1) end
      start = nil
    end
  end
end

local function check_adapter(path)
  local n = 0
  for line in io.lines(path) do
    if line:match("%S") and not line:match("^%s*%-%-") then n = n + 1 end
  end
  if n > 60 then complain("%s: %d lines of code (at most 60)", path, n) end
end

local function each(command, fn)
  local list = assert(io.popen(command))
  for path in list:lines() do fn(path) end
  list:close()
end

each("find csrc spec bench -name '*.[ch]'", check_c)
each("find lua examples spec bench .ci -name '*.lua'", check_lua)
each("ls lua/appsync/host/copas.lua lua/appsync/host/cqueues.lua lua/appsync/host/luv.lua", check_adapter)

for _, text in ipairs(problems) do print(text) end
os.exit(#problems == 0 and 0 or 1)
