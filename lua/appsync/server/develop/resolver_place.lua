--- Where a resolver stands: a line of the user's file, or the server's own.
local resolver_place = {}

-- "@…/appsync/server/": a user's own folder may be called so, too.
local OURS = debug.getinfo(1, "S").source:gsub("develop/[^/]*$", "")

local originals = setmetatable({}, { __mode = "k" })

--- Tells that `wrapper` runs `resolver`.
---@param wrapper function
---@param resolver function
function resolver_place.remember(wrapper, resolver)
  originals[wrapper] = resolver
end

--- The place of a resolver as the user wrote it; nil for one of the server's own.
---@param resolver function
---@return string? path, integer? line
function resolver_place.of(resolver)
  while originals[resolver] do resolver = originals[resolver] end
  local info = debug.getinfo(resolver, "S")
  if info.source:sub(1, 1) ~= "@" or resolver_place.is_ours(info.source) then return nil end
  return info.source:sub(2), info.linedefined
end

--- Whether a chunk of that name belongs to the server.
---@param chunk_name string
---@return boolean
function resolver_place.is_ours(chunk_name)
  return chunk_name:sub(1, #OURS) == OURS
end

--- "FILE:LINE" or "generated".
---@param resolver function
---@return string
function resolver_place.text(resolver)
  local path, line = resolver_place.of(resolver)
  return path and ("%s:%d"):format(path, line) or "generated"
end

return resolver_place
