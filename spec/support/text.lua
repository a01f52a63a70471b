-- What stands in a text and what doesn't, without patterns.
local assert = require "luassert"

local text = {}

function text.has(whole, part)
  assert.is_truthy(tostring(whole):find(part, 1, true), ("%q isn't in %q"):format(part, tostring(whole)))
end

function text.lacks(whole, part)
  assert.is_nil(tostring(whole):find(part, 1, true), ("%q is in %q"):format(part, tostring(whole)))
end

return text
