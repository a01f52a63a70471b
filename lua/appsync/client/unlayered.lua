---Reads without the optimistic layers. What is kept for good is made of what the service has said: were it made of what a
---layer says, it would stay when the layer has left, and what is in a layer already would never be kept.

local function conclude(core_cache, did_hide, ok, ...)
  core_cache:hide_layers(did_hide)
  if not ok then error((...), 0) end
  return ...
end

---Calls a function whose reads are such; it must not wait. What is written for a layer reads as before.
---@param core_cache appsync.core.Cache
---@param fn function
---@return any ...
return function(core_cache, fn, ...)
  return conclude(core_cache, core_cache:hide_layers(true), pcall(fn, ...))
end
