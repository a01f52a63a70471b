-- Responses of which a mixture of two can be told: all of one has one version, and follows from it.
local server = require "spec.support.server"

local versions = {}

versions.SCHEMA = [=[
type Part { id: ID! version: Int! text: String! }
type Inner { version: Int! part: Part! }
type Whole { id: ID! version: Int! text: String! inner: Inner! parts(first: Int!): [Part!]! all: [Part!]! nested: [[Int!]!]! }
type Query { whole(id: ID!): Whole! plain: Whole! count: Int! }
]=]

-- Wholes by their number; the first one has a list so long that it is kept in blocks, and the last one has no arguments.
versions.N = 6
local LONG, SHORT = 300, 4

local FUNCTIONS = [[
local function text_of(id, version) return ("%s at %d. "):format(id, version):rep(1 + version % 7) end
local function part_of(id, i, version)
  return { id = id .. "-" .. i, version = version, text = text_of(id .. "-" .. i, version) }
end
local function parts_of(id, n, version)
  local list = {}
  for i = 1, n do list[i] = part_of(id, i, version) end
  return list
end
local function whole_of(id, version)
  return {
    id = id, version = version, text = text_of(id, version),
    inner = { version = version, part = part_of(id, 1, version) }, parts = parts_of(id, 3, version),
    all = parts_of(id, id == "w1" and ]] .. LONG .. [[ or ]] .. SHORT .. [[, version),
    nested = { { version }, { version, version }, {} },
  }
end
]]

local RESOLVERS = FUNCTIONS .. [[
local counts, count = {}, 0
local function next_of(id)
  counts[id] = (counts[id] or 0) + 1
  return whole_of(id, counts[id])
end
return { Query = {
  whole = function(ctx) return next_of(ctx.args.id) end,
  plain = function() return next_of("plain") end,
  count = function() count = count + 1; return count end,
} }
]]

local whole_of = (loadstring or load)(FUNCTIONS .. " return whole_of")()

local FIELDS = "{ id version text inner { version part { id version text } } parts(first: 3) { id version text } "
  .. "all { id version } nested }"
local WHOLE = "query W($id: ID!) { whole(id: $id) " .. FIELDS .. " }"
local PLAIN = "query P { plain " .. FIELDS .. " count }"

function versions.serve()
  return server.start{ schema = versions.SCHEMA, resolvers = RESOLVERS }
end

---@param n integer 1 … versions.N
---@return string document, table? variables
function versions.query(n)
  if n == versions.N then return PLAIN end
  return WHOLE, { id = "w" .. n }
end

local function difference(path, is, should)
  if type(should) ~= "table" or type(is) ~= "table" then
    return is ~= should and ("%s: %s in the place of %s"):format(path, tostring(is), tostring(should)) or nil
  end
  if #is ~= #should then return ("%s: %d items in the place of %d"):format(path, #is, #should) end
  for key, value in pairs(should) do
    local found = difference(path .. "." .. key, is[key], value)
    if found then return found end
  end
end

---@param n integer
---@param data table what was answered or read
---@return integer version, string? wrong what isn't of that version
function versions.check(n, data)
  local got = n == versions.N and data.plain or data.whole
  local should = whole_of(n == versions.N and "plain" or "w" .. n, got.version)
  for _, part in ipairs(should.all) do part.text = nil end
  return got.version, difference("data", got, should)
end

return versions
