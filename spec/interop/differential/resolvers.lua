-- What a field gives, by arithmetic on where it stands: the same rules as in resolve.js, line for line.
local core = require("appsync.core")

local file = assert(io.open(assert(os.getenv("INTEROP_DATA")), "rb"))
local data = core.decode(file:read("*a"))
file:close()

local PRIME = 2147483647

local function hash(text)
  local h = 7
  for i = 1, #text do h = (h * 31 + text:byte(i)) % PRIME end
  return h
end

local function mix(h, salt) return (h * 48271 + salt) % PRIME end

local canonical

local function canonical_table(value)
  local parts = {}
  if value[1] ~= nil then
    for i, item in ipairs(value) do parts[i] = canonical(item) end
  else
    local names = {}
    for name in pairs(value) do names[#names + 1] = name end
    table.sort(names)
    for i, name in ipairs(names) do parts[i] = name .. "=" .. canonical(value[name]) end
  end
  return "(" .. table.concat(parts, ",") .. ")"
end

function canonical(value)
  if value == core.null then return "null" end
  if type(value) == "table" then return canonical_table(value) end
  if type(value) == "number" then return ("%.14g"):format(value) end
  return tostring(value)
end

local function leaf(name, h)
  local is_wrong = mix(h, 7) % 40 == 0
  local values = data.enums[name]
  if values then return is_wrong and "NO_SUCH_VALUE" or values[mix(h, 8) % #values + 1] end
  if name == "Int" then return is_wrong and "not a number" or mix(h, 8) % 2001 - 1000 end
  if name == "Float" then return is_wrong and "not a number" or (mix(h, 8) % 4001 - 2000) / 4 end
  if name == "Boolean" then return mix(h, 8) % 2 == 0 end
  return ("%s %d"):format(name, mix(h, 8) % 1000)
end

local produce

local function filled(kind, h)
  if kind.kind == "list" then
    if mix(h, 9) % 40 == 0 then return "not a list" end
    local items = {}
    for i = 1, mix(h, 3) % 4 do items[i] = produce(kind.of, mix(h, 10 + i)) end
    return items
  end
  local members = data.abstract[kind.name]
  if members then return { __typename = members[mix(h, 5) % #members + 1], number = mix(h, 4) } end
  if data.fields[kind.name] then return { __typename = kind.name, number = mix(h, 4) } end
  return leaf(kind.name, h)
end

function produce(kind, h)
  if kind.kind == "nonNull" then
    if mix(h, 2) % 25 == 0 then return core.null end
    return filled(kind.of, h)
  end
  if mix(h, 1) % 8 == 0 then return core.null end
  return filled(kind, h)
end

local resolvers = {}
for type_name, fields in pairs(data.fields) do
  resolvers[type_name] = {}
  for field_name, kind in pairs(fields) do
    resolvers[type_name][field_name] = function(ctx)
      local number = ctx.source and ctx.source.number or 0
      local h = hash(("%s.%s %d %s"):format(type_name, field_name, number, canonical(ctx.arguments)))
      if mix(h, 6) % 14 == 0 then error({ message = type_name .. "." .. field_name .. " throws" }, 0) end
      return produce(kind, h)
    end
  end
end
return resolvers
