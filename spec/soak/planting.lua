-- Plants faults into a simulation of spec/csrc/sync: each into a copy of one file, one line changed, and each has to be found
-- within N schedules. A line that isn't there any more, once, fails too: a list of faults is to follow the code.
-- N=, SEED=, ONLY_FIRST=, BUILD= and CC= in the environment; the program's objects are there (make build/simulation/<program>).
local N = tonumber(os.getenv "N") or 10000
local SEED = tonumber(os.getenv "SEED") or 1
local ONLY_FIRST = tonumber(os.getenv "ONLY_FIRST") or math.huge
local BUILD = os.getenv "BUILD" or "build"
local CC = os.getenv "CC" or "cc"
local OUT = BUILD .. "/simulation"

local function sh(command)
  local ok, _, code = os.execute(command)
  return ok == true or ok == 0, code
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function planted(text, find, with)
  local first, last = text:find(find, 1, true)
  if not first or text:find(find, last + 1, true) then return nil end
  return text:sub(1, first - 1) .. with .. text:sub(last + 1)
end

-- What is made: its own for each program, because two are tried at once.
local function planted_at(program, ending) return OUT .. "/planted_" .. program .. ending end

-- Programs have most of their objects in common; no object of another one defines what this one does, but for main().
local function build(program, path, text)
  local source, made = planted_at(program, ".c"), planted_at(program, ".o")
  local file = assert(io.open(source, "wb"))
  file:write(text)
  file:close()
  local compile = ("%s -std=c11 -O1 -w -DAPS_TESTING -D_GNU_SOURCE -Icsrc -Ispec/csrc -c %s -o %s"):format(CC, source, made)
  local object = OUT .. "/obj/" .. path:gsub("%.c$", ".o")
  local objects = ("$(find %s/obj -name '*.o' | grep -v -F -e %s -e /spec/soak/) %s/obj/spec/soak/%s.o"):format(OUT, object, OUT, program)
  local link = ("%s %s %s -lm -o %s"):format(CC, objects, made, planted_at(program, ""))
  return sh(compile .. " && " .. link)
end

-- nil, or what is wrong.
local function try(program, fault)
  local path, find, with = fault[1], fault[2], fault[3]
  local text = planted(read(path), find, with)
  if not text then return "isn't there once" end
  if not build(program, path, text) then return "doesn't build" end
  local log = planted_at(program, ".log")
  if sh(("N=%d SEED=%d timeout 120 %s > %s 2>&1"):format(N, SEED, planted_at(program, ""), log)) then return "isn't found" end
  local found = read(log):match "%(schedule (%d+)%)"
  fault.found = found and tonumber(found) or "it crashes"
  return nil
end

-- Faults: the file, what stands there, what is planted. Doesn't come back.
return function(program, faults)
  local n_failed, n = 0, math.min(#faults, ONLY_FIRST)
  for i = 1, n do
    local fault = faults[i]
    local wrong = try(program, fault)
    if wrong then
      n_failed = n_failed + 1
      print(("%s: %q: %s"):format(fault[1], fault[2], wrong))
    elseif ONLY_FIRST == math.huge then
      print(("%s: %q: schedule %s"):format(fault[1], fault[2]:match "[^\n]*", fault.found))
    end
    io.stdout:flush()
  end
  print(("planted: %d faults, %d not found in %d schedules from SEED=%d"):format(n, n_failed, N, SEED))
  os.exit(n_failed == 0 and 0 or 1)
end
