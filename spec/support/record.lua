---Subscribes and keeps what comes, as text.
---@return any[] seen, table subscription
return function(source)
  local seen = {}
  local subscription = source:subscribe{
    next = function(v) table.insert(seen, v) end,
    error = function(err) table.insert(seen, "error " .. err.message) end,
    complete = function() table.insert(seen, "complete") end,
  }
  return seen, subscription
end
