-- How large the processes of an nginx are in the course of spec/soak/reloads.lua, and whether that has grown.
local proc = require "spec.support.proc"

local reload_sizes = { N_SAMPLES = 16 }

local KINDS, SIZES = { "master", "worker" }, { "descriptors", "threads", "kib" }
-- What the medians may differ by. A worker's descriptors and memory are as the load was just then.
local MORE = { master = { descriptors = 4, threads = 0, kib = 1024 }, worker = { descriptors = 16, threads = 1, kib = 2048 } }
local OF_A_CHILD = 2 -- descriptors that a master has for each worker, those that are ending among them

---@class spec.ReloadSample
---@field master spec.ProcSize without what it has for its workers
---@field workers spec.ProcSize[]

---@param master integer its number
---@param workers integer[] those that serve
---@return spec.ReloadSample
function reload_sizes.sample(master, workers)
  local sample = { master = assert(proc.size_of(master), "a master has ended"), workers = {} }
  sample.master.descriptors = sample.master.descriptors - OF_A_CHILD * #proc.children(master)
  for _, pid in ipairs(workers) do sample.workers[#sample.workers + 1] = proc.size_of(pid) end
  return sample
end

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

-- Of the samples from one to another.
local function medians(samples, from, to)
  local lists, found = { master = {}, worker = {} }, { master = {}, worker = {} }
  for _, what in ipairs(SIZES) do
    lists.master[what], lists.worker[what] = {}, {}
    for i = from, to do
      table.insert(lists.master[what], samples[i].master[what])
      for _, size in ipairs(samples[i].workers) do table.insert(lists.worker[what], size[what]) end
    end
    for _, kind in ipairs(KINDS) do
      found[kind][what] = median(lists[kind][what]) or error("nothing was measured of a " .. kind, 0)
    end
  end
  return found
end

local function second_quarter(samples) return medians(samples, math.floor(#samples / 4) + 1, math.floor(#samples / 2)) end

local function last_quarter(samples) return medians(samples, #samples - math.floor(#samples / 4) + 1, #samples) end

---Compares the second quarter of the samples with the last. What the control gains may be gained.
---@param ours spec.ReloadSample[] reload_sizes.N_SAMPLES at least
---@param control spec.ReloadSample[]
---@return string[] lines the medians
---@return string[] gains what has grown
function reload_sizes.compare(ours, control)
  local lines, gains = {}, {}
  local second, last = second_quarter(ours), last_quarter(ours)
  local control_second, control_last = second_quarter(control), last_quarter(control)
  for _, kind in ipairs(KINDS) do
    for _, what in ipairs(SIZES) do
      local gained, of_control = last[kind][what] - second[kind][what], control_last[kind][what] - control_second[kind][what]
      lines[#lines + 1] = ("%-6s %-11s %6d, then %6d; of the control %6d, then %6d"):format(kind, what, second[kind][what],
        last[kind][what], control_second[kind][what], control_last[kind][what])
      if gained - math.max(0, of_control) > MORE[kind][what] then
        gains[#gains + 1] = ("a %s has gained %d %s; that of the control, %d"):format(kind, gained, what, of_control)
      end
    end
  end
  return lines, gains
end

return reload_sizes
