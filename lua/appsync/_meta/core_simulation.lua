---@meta
-- What the C module gives a simulation (`core.lua` has the rest), which is a thread's clock, chance and disk, and a runtime's core
-- thread and network.

---This thread's clock, chance and disk.
---@class appsync.core.Simulation
local simulation = {}

---A runtime without a thread: `drive` runs its core.
---@return appsync.core.Runtime? runtime, appsync.core.Err? err of kind "usage": this Lua state has a runtime that is open
function simulation.runtime() end
---Sets this thread's clocks, which stand from then on; nil: they go on by themselves.
---@param mono_ms number?
---@param wall_ms number?
function simulation.set_time(mono_ms, wall_ms) end
---From now on this thread's random bytes follow from the seed; nil: they are the system's.
---@param seed integer?
function simulation.set_seed(seed) end
---Makes a folder that is the caller's, in memory where the system has such a place.
---@return string? path, appsync.core.Err? err
function simulation.folder() end

---The store of this path, a file that is there, is in memory from now on; nil: that ends.
---@param path string?
---@return true? ok, appsync.Error? err
function simulation.set_store(path) end

---Keeps what is in it.
---@param which "new"|"killed"
---@return true? ok, appsync.Error? err
function simulation.keep_store(which) end

---Puts back what was kept.
---@param which "new"|"killed"
---@return true? ok, appsync.Error? err
function simulation.put_store(which) end

---A driven runtime's core and network.
---@class appsync.core.Runtime
local runtime = {}

---One turn of a driven runtime's core.
---@return number? milliseconds until the core has something to do; nil: nothing by itself
function runtime:drive() end
---The next request that a driven runtime's core has begun.
---@return integer? id nil: there is none
---@return integer entry number of a queued mutation, 0: of none
---@return string headers lines that end with LF
---@return string body
---@return number timeout_ms
function runtime:take_request() end
---@param id integer
---@param status integer
---@param headers string lines that end with LF
---@param body string
---@return boolean taken false: nobody waits for it any more
function runtime:answer_request(id, status, headers, body) end
---@param id integer
---@param how "refused"|"lost"|"timeout" only the first says that it surely wasn't sent
---@return boolean taken
function runtime:fail_request(id, how) end
---@return "connect"|"send"|"close"|nil kind what the core wants of a WebSocket; nil: nothing. After a close it has ended for the core
---@return integer connection
---@return string text the message; of a connect the path
---@return string? protocols of a connect: the list of sub-protocols
---@return string? headers of a connect: lines that end with LF
function runtime:take_wish() end
---@param connection integer
---@return boolean taken false: it has ended
function runtime:open_socket(connection) end
---@param connection integer
---@param text string
---@return boolean taken
function runtime:send_message(connection, text) end
---@param connection integer
---@param how "unreachable"|"silent"|"status"|"lost"|"closed"
---@param number integer? the status, or the peer's code
---@return boolean taken
function runtime:end_socket(connection, how, number) end
