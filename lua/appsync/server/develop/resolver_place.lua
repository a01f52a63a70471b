---Where a resolver stands: a line of the user's file, or the server's own.
local resolver_place = {}

-- "@…/appsync/": a user's own folder may be called so, too.
local OURS = debug.getinfo(1, "S").source:gsub("server/develop/[^/]*$", "")

local originals = setmetatable({}, { __mode = "k" })

---Tells that `wrapper` runs `resolver`.
---@param wrapper function
---@param resolver function
function resolver_place.remember(wrapper, resolver)
  originals[wrapper] = resolver
end

---The place of a resolver as the user wrote it; nil for one of the server's own.
---@param resolver function
---@return string? path, integer? line
function resolver_place.of(resolver)
  while originals[resolver] do resolver = originals[resolver] end
  local info = debug.getinfo(resolver, "S")
  if info.source:sub(1, 1) ~= "@" or resolver_place.is_ours(info.source) then return nil end
  return info.source:sub(2), info.linedefined
end

---Whether a chunk of that name belongs to the server.
---@param chunk_name string
---@return boolean
function resolver_place.is_ours(chunk_name)
  return chunk_name:sub(1, #OURS) == OURS
end

-- Lua shortens long paths from their beginning.
local function is_our_path(path)
  local tail = path:match("^%.%.%.(.*/appsync/)")
  if tail then return OURS:sub(-#tail) == tail end
  return resolver_place.is_ours("@" .. path)
end

---Whether a line of a traceback is of a function of the server's.
---@param line string
---@return boolean
function resolver_place.is_our_frame(line)
  local path = line:match("^%s*([^\n:]+):%d+: in ")
  return path ~= nil and is_our_path(path)
end

---What was thrown in words, without a place of the server's in front of it; nil for what has none.
---@param thrown any
---@return string? words
function resolver_place.without_ours(thrown)
  if type(thrown) ~= "string" then return nil end
  local path, words = thrown:match("^([^\n:]+):%d+: (.*)$")
  return path and is_our_path(path) and words or nil
end

---"FILE:LINE" or "generated".
---@param resolver function
---@return string
function resolver_place.text(resolver)
  local path, line = resolver_place.of(resolver)
  return path and ("%s:%d"):format(path, line) or "generated"
end

return resolver_place
