-- Files of csrc/ use each other in one direction: `circles.lua [--count] OBJECT…`. x.h and x.c are one; a file uses those
-- that it includes and, by the symbols of the objects, those that it calls, whatever header they are declared in.
-- csrc/CIRCLES names the circles that are meant, each with its reason. --count only tells how many there are, and the largest.
local nodes, edges = {}, {}

local function use(from, to, how)
  edges[from][to] = edges[from][to] or {}
  table.insert(edges[from][to], how)
end

local list = assert(io.popen("ls csrc/*/*.c csrc/*/*.h"))
for path in list:lines() do
  local node, number = path:match("^csrc/(.*)%.[ch]$"), 0
  if not edges[node] then
    nodes[#nodes + 1], edges[node] = node, {}
  end
  for line in io.lines(path) do
    number = number + 1
    local target = line:match('^%s*#%s*include%s+"([^"]+)%.h"')
    if target and target ~= node then use(node, target, ("%s:%d includes %s.h"):format(path, number, target)) end
  end
end
list:close()

-- "BUILD/obj/gql/lexer.o:" and then its symbols: "NAME T …" of its own, "NAME U" of others.
local function read_symbols(objects)
  local owner, wanted = {}, {}
  local symbols = assert(io.popen("nm -g -P -A -- '" .. table.concat(objects, "' '") .. "'"))
  for line in symbols:lines() do
    local object, name, class = line:match("^(%S+): (%S+) (%a)")
    local node = object:match("([^/]+/[^/]+)%.o$")
    if edges[node] and class == "U" then wanted[#wanted + 1] = { node, name }
    elseif edges[node] then owner[name] = node end
  end
  symbols:close()
  for _, pair in ipairs(wanted) do
    local from, to = pair[1], owner[pair[2]]
    if to and to ~= from then use(from, to, ("csrc/%s.c uses %s of csrc/%s.c"):format(from, pair[2], to)) end
  end
end

local counts = arg[1] == "--count" and table.remove(arg, 1) ~= nil
if #arg == 0 then
  io.stderr:write("usage: circles.lua [--count] OBJECT…\n")
  os.exit(2)
end
read_symbols(arg)

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- Strongly connected components (Tarjan 1972) of more than one file, as sorted lists.
local function find_circles()
  local found, index, low, stack, on_stack, n = {}, {}, {}, {}, {}, 0
  local function visit(node)
    n = n + 1
    index[node], low[node], on_stack[node] = n, n, true
    stack[#stack + 1] = node
    for _, target in ipairs(sorted_keys(edges[node])) do
      if edges[target] and not index[target] then
        visit(target)
        low[node] = math.min(low[node], low[target])
      elseif on_stack[target] then
        low[node] = math.min(low[node], index[target])
      end
    end
    if low[node] ~= index[node] then return end
    local circle = {}
    repeat
      local member = table.remove(stack)
      on_stack[member] = nil
      circle[#circle + 1] = member
    until member == node
    table.sort(circle)
    if #circle > 1 then found[#found + 1] = circle end
  end
  for _, node in ipairs(nodes) do
    if not index[node] then visit(node) end
  end
  table.sort(found, function(a, b) return a[1] < b[1] end)
  return found
end

-- "gql/a gql/b : why" → allowed["gql/a gql/b"] = line
local function read_allowed()
  local allowed, problems, number = {}, {}, 0
  for line in io.lines("csrc/CIRCLES") do
    number = number + 1
    if not line:match("^#") and line:match("%S") then
      local files, reason = line:match("^(.-)%s*:%s*(.*)$")
      local members = {}
      for name in (files or ""):gmatch("%S+") do members[#members + 1] = name end
      table.sort(members)
      if #members < 2 or reason == "" then
        problems[#problems + 1] = ("csrc/CIRCLES:%d: expected FILE FILE… : REASON"):format(number)
      else
        allowed[table.concat(members, " ")] = number
      end
    end
  end
  return allowed, problems
end

local circles = find_circles()

if counts then
  local largest = {}
  for _, circle in ipairs(circles) do
    if #circle > #largest then largest = circle end
  end
  print(("%d circles, the largest of %d files%s"):format(#circles, #largest,
    #largest > 0 and ": " .. table.concat(largest, " ") or ""))
  os.exit(0)
end

local allowed, problems = read_allowed()
for _, circle in ipairs(circles) do
  local name, members = table.concat(circle, " "), {}
  for _, node in ipairs(circle) do members[node] = true end
  if allowed[name] then
    allowed[name] = nil
  else
    problems[#problems + 1] = "a circle that csrc/CIRCLES doesn't name: " .. name
    for _, from in ipairs(circle) do
      for _, to in ipairs(sorted_keys(edges[from])) do
        if members[to] then problems[#problems + 1] = "  " .. table.concat(edges[from][to], "\n  ") end
      end
    end
  end
end
for _, name in ipairs(sorted_keys(allowed)) do
  problems[#problems + 1] = ("csrc/CIRCLES:%d: this is no circle (any more): %s"):format(allowed[name], name)
end

for _, text in ipairs(problems) do print(text) end
os.exit(#problems == 0 and 0 or 1)
