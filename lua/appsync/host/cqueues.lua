---cqueues: coroutines of a controller wait on condition variables; one coroutine per controller drives the library, as
---long as another one is there or somebody waits. What a task yields to cqueues is polled for by a coroutine in its place.
local hosts = require "appsync.hosts"

local cqueues_host = {}

local made

---@class appsync.host.cqueues.Drive of one controller; cqueues polls what has these two fields
---@field pollfd integer
---@field events string
---@field tokens table<table, true> of its coroutines that wait
---@field alone userdata condition: no coroutine but the driving one is left

-- Nothing keeps the controller going but the coroutine that drives.
local function is_alone(drive, controller) return next(drive.tokens) == nil and controller:count() <= 1 end

local function start(drives, driver, controller)
  local cqueues, condition = require "cqueues", require "cqueues.condition"
  local drive = { pollfd = driver.fd(), events = "r", tokens = {}, alone = condition.new() }
  drives[controller] = drive
  controller:wrap(function()
    while driver.serve() or not is_alone(drive, controller) do cqueues.poll(drive, drive.alone) end
    drives[controller] = nil
  end)
  return drive
end

-- Every loop drives while the adapter is in use, and ends when its own coroutines have. Steps of cqueues itself belong to
-- a loop, or to `cqueues.poll` outside of one, which counts on two steps being enough.
local function interpose(cqueues, drives, attach)
  local own_source = debug.getinfo(cqueues.poll, "S").source
  local function is_wanted(controller) return hosts.is_in_use(made) and controller:count() > 0 end
  local loop, step
  loop = cqueues.interpose("loop", function(controller, timeout)
    if is_wanted(controller) then attach(controller) end
    return loop(controller, timeout)
  end)
  step = cqueues.interpose("step", function(controller, timeout)
    local drive = drives[controller]
    if not drive and is_wanted(controller) and debug.getinfo(2, "S").source ~= own_source then attach(controller) end
    if drive and is_alone(drive, controller) then drive.alone:signal() end
    return step(controller, timeout)
  end)
end

---@param driver appsync.HostDriver
---@return appsync.Host
function cqueues_host.new(driver)
  if made then return made end
  local cqueues, condition = require "cqueues", require "cqueues.condition"
  local drives = setmetatable({}, { __mode = "k" }) ---@type table<any, appsync.host.cqueues.Drive>
  local function attach(controller) return drives[controller] or start(drives, driver, controller) end
  made = {
    name = "cqueues",
    current = function()
      local controller, is_its_own = cqueues.running() -- not its own: a generator that one of its coroutines resumes
      return is_its_own and { controller = controller, condition = condition.new() } or nil
    end,
    suspend = function(token)
      attach(token.controller).tokens[token] = true
      token.condition:wait()
    end,
    resume = function(token)
      drives[token.controller].tokens[token] = nil
      token.condition:signal()
    end,
    carry = function(go_on, tag, ...)
      local controller = cqueues.running()
      if not controller or tag ~= cqueues._POLL then return false end
      attach(controller)
      controller:wrap(function(...) go_on(cqueues.poll(...)) end, ...)
      return true
    end,
  }
  interpose(cqueues, drives, attach)
  return made
end

return cqueues_host
