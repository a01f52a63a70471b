-- What a wrong call throws, and where.
local assert = require "luassert"

local misuse = {}

--- What the call threw.
function misuse.raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "it didn't throw")
  return message
end

--- What `fn` threw, which names a line of the file that `fn` stands in.
function misuse.raised_there(fn)
  local message = misuse.raised(fn)
  assert.is_string(message)
  local file = debug.getinfo(fn, "S").short_src
  assert.equal(file, message:sub(1, #file))
  assert.matches("^:%d+: ", message:sub(#file + 1))
  return message
end

--- The line on which this is called, as it stands in a message.
function misuse.here(offset)
  local at = debug.getinfo(2, "Sl")
  return at.short_src .. ":" .. at.currentline + (offset or 0) .. ":"
end

return misuse
