-- So many items, each with a text of its own of so many bytes.
local function items(ctx)
  local all, filler = {}, ("x"):rep(ctx.arguments.bytes)
  for i = 1, ctx.arguments.n do
    all[i] = { id = tostring(i), name = "item number " .. i, text = filler .. i, tags = { "tag" .. i % 7, "a tag" }, rank = i }
  end
  return all
end

local function create(ctx)
  return { id = "new", name = ctx.arguments.name, text = "", tags = {}, rank = 0 }
end

return { Query = { items = items }, Mutation = { createItem = create } }
