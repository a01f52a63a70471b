-- Writes docs/api.md from the LuaCATS comments of the public modules; with --check it only compares (make lint).
local MODULES = {
  { "lua/appsync/init.lua", "appsync" },
  { "lua/appsync/client.lua", "Client" },
  { "lua/appsync/observable.lua", "Observable" },
  { "lua/appsync/subscription.lua", "Subscription" },
  { "lua/appsync/subject.lua", "Subject" },
  { "lua/appsync/task.lua", "Task" },
  { "lua/appsync/errors.lua", "Errors" },
  { "lua/appsync/host/init.lua", "Hosts" },
  { "lua/appsync/auth/init.lua", "auth" },
  { "lua/appsync/config.lua", "Configuration" },
  { "lua/appsync/sign.lua", "Signing" },
}

local out = {}
local function add(...) out[#out + 1] = string.format(...) end

local function flush(block, signature)
  local text, list = {}, {}
  for _, line in ipairs(block) do
    local tag, rest = line:match("^@(%w+)%s*(.*)$")
    if tag == "param" then list[#list + 1] = "- parameter `" .. rest:gsub("^(%S+)%s+(%S+)", "%1: %2`", 1) .. (rest:find("%s") and "" or "`")
    elseif tag == "return" then list[#list + 1] = "- returns " .. "`" .. rest:gsub("^(%S+)", "%1`", 1)
    elseif tag == "field" then list[#list + 1] = "- field `" .. rest:gsub("^(%S+)%s+(%S+)", "%1: %2`", 1) .. (rest:find("%s") and "" or "`")
    elseif tag == nil then text[#text + 1] = line end
  end
  if #text == 0 and #list == 0 then return end
  if signature then add("### `%s`\n\n", signature) end
  if #text > 0 then add("%s\n\n", table.concat(text, "\n")) end
  if #list > 0 then add("%s\n\n", table.concat(list, "\n")) end
end

local function document(path, title)
  local file = io.open(path)
  if not file then return end
  add("## %s\n\nSource: `%s`\n\n", title, path)
  local block = {}
  for line in file:lines() do
    local comment = line:match("^%-%-%-%s?(.*)$")
    if comment then
      block[#block + 1] = comment
    else
      local name, args = line:match("^function ([%w_.:]+)(%b())")
      if not name then
        name, args = line:match("^([%w_]+%.[%w_.]+) = function(%b())")
      end
      local class
      for _, text in ipairs(block) do class = class or text:match("^@class%s+(%S+)") end
      if name and #block > 0 and not name:match("%._") then flush(block, name .. args)
      elseif class and not class:match("%.core") then flush(block, "class " .. class) end
      block = {}
    end
  end
  file:close()
end

add("# API reference\n\nGenerated from the LuaCATS annotations by `make docs`; edit those, not this file.\n\n")
for _, module in ipairs(MODULES) do document(module[1], module[2]) end
local text = table.concat(out):gsub("\n\n+$", "\n")

if arg[1] == "--check" then
  local file = io.open("docs/api.md")
  local old = file and file:read("*a")
  if file then file:close() end
  if old ~= text then
    print("docs/api.md: differs from the annotations; run `make docs`")
    os.exit(1)
  end
else
  local file = assert(io.open("docs/api.md", "w"))
  file:write(text)
  file:close()
end
