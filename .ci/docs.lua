-- Writes docs/api.md from the LuaCATS comments of the public modules; with --check it only compares (make lint).
-- Source, title, and how its functions are called by users.
local MODULES = {
  { "lua/appsync/init.lua", "appsync" },
  { "lua/appsync/task.lua", "Tasks", { ["task."] = "appsync.", ["Task:"] = "task:" },
    { "run", "spawn", "sleep", "pcall", "wrap", "await", "cancel", "status" } },
  { "lua/appsync/host/script.lua", "Driving the library", { ["script."] = "appsync." }, { "update", "fd" } },
  { "lua/appsync/background.lua", "Loading screens and the background", { ["background."] = "appsync." } },
  { "lua/appsync/host/init.lua", "Hosts", { ["host."] = 'require("appsync.host").' } },
  { "lua/appsync/errors.lua", "Errors", { ["errors."] = "appsync." }, { "assert" } },
  { "lua/appsync/json.lua", "Values", { ["json."] = "appsync." } },
  { "lua/appsync/document.lua", "Documents", { ["document.parse"] = "appsync.gql" }, { "parse" } },
  { "lua/appsync/client/settings.lua", "Options of a client", {}, {} },
  { "lua/appsync/client/cache_options.lua", "Options of its cache", {}, {} },
  { "lua/appsync/client.lua", "Client", { ["client.new"] = "appsync.client", ["Client:"] = "client:" } },
  { "lua/appsync/client/arguments.lua", "Options of calls", {}, {} },
  { "lua/appsync/client/catch_up_options.lua", "Subscriptions that catch up", {}, {} },
  { "lua/appsync/client/updating.lua", "Update functions", {}, {} },
  { "lua/appsync/client/headers.lua", "Headers functions", {}, {} },
  { "lua/appsync/client/watching.lua", "Watches", { ["Watch:"] = "watch:" }, { "refetch", "fetch_more", "subscribe_to_more" } },
  { "lua/appsync/client/upkeep.lua", "Retention", { ["Retention:"] = "handle:" }, { "release" } },
  { "lua/appsync/client/sync_options.lua", "Options of a delta sync", {}, {} },
  { "lua/appsync/client/sync_handle.lua", "Delta syncs", { ["Sync:"] = "s:" }, { "ready", "unsubscribe", "status", "observe", "more" } },
  { "lua/appsync/client/sync_events.lua", "Records that a delta sync couldn't take", {}, {} },
  { "lua/appsync/client/local_cache.lua", "Cache", { ["Cache:"] = "client:" },
    { "read_query", "write_query", "read_fragment", "write_fragment", "modify", "evict", "identify" } },
  { "lua/appsync/client/record_list.lua", "Lists of records", { ["RecordList:"] = "list:" }, { "contains", "add", "remove" } },
  { "lua/appsync/client/auth.lua", "Authorization", {}, {} },
  { "lua/appsync/client/operation.lua", "Results", {}, {} },
  { "lua/appsync/client/connection.lua", "Connection", { ["Connection:"] = "client.connection:" }, { "observe" } },
  { "lua/appsync/observable/init.lua", "Observables", { ["observable.make"] = "appsync.observable", ["Observable:"] = "observable:" },
    { "subscribe", "next", "each", "for_each", "make" } },
  { "lua/appsync/observable/operators.lua", "Operators", { ["Observable:"] = "observable:" } },
  { "lua/appsync/observable/timed.lua", "Operators with time", { ["Observable:"] = "observable:" } },
  { "lua/appsync/observable/subscription.lua", "Subscriptions", { ["Subscription:"] = "subscription:" },
    { "unsubscribe", "ready", "next", "each" } },
  { "lua/appsync/bind.lua", "Bindings", { ["bind."] = "appsync.", ["Binding:"] = "binding:", ["Scope:"] = "scope:" } },
  { "lua/appsync/bound_mutation.lua", "Mutations as functions", { mutation = "appsync.mutation" } },
  { "lua/appsync/build_mutation.lua", "Mutations whose outcome shows at once", { build_mutation = "appsync.build_mutation" } },
  { "lua/appsync/build_subscription.lua", "Lists that follow a subscription",
    { build_subscription = "appsync.build_subscription" } },
  { "lua/appsync/build_sync.lua", "Delta syncs of one type", { build_sync = "appsync.build_sync" } },
  { "lua/appsync/subject.lua", "Subjects", { ["subject.new"] = "appsync.subject", ["Subject:"] = "subject:" } },
  { "lua/appsync/auth/credentials.lua", "Credentials and providers", {}, {} },
  { "lua/appsync/auth/static.lua", "Credentials", { static = "appsync.auth.static" } },
  { "lua/appsync/auth/environment.lua", "Credentials of the environment", { environment = "appsync.auth.environment" } },
  { "lua/appsync/auth/profiles.lua", "Shared files", {}, {} },
  { "lua/appsync/auth/shared_file.lua", "Credentials of shared files", { shared_file = "appsync.auth.shared_file" } },
  { "lua/appsync/auth/chain.lua", "Chains of providers", { chain = "appsync.auth.chain" } },
  { "lua/appsync/auth/region.lua", "The environment's region", { region = "appsync.auth.region" } },
  { "lua/appsync/config.lua", "Configuration", { ["config."] = 'require("appsync.config").' } },
  { "lua/appsync/sign.lua", "Signing", { ["sign"] = "appsync.sign" } },
}

-- spec/e2e/api_examples_spec.lua runs every example after this beginning.
local EXAMPLES = [[
The examples use an API that serves [the todos' schema](../examples/todo/schema.graphql) and has one todo, "buy milk" with the
id "1". `-->` shows what a line prints. Each example stands after these lines:

```lua
local appsync = require "appsync"
local endpoint, api_key = "https://xxxx.appsync-api.us-east-1.amazonaws.com/graphql", "da2-xxxx"

local client = appsync.client{ endpoint = endpoint, auth = { type = "API_KEY", api_key = api_key }, store = ":memory:" }
local get_todo = "query ($id: ID!) { getTodo(id: $id) { id name priority } }"
local list_todos = "query { listTodos { items { id name priority } } }"
local create_todo = "mutation ($name: String!) { createTodo(input: {name: $name}) { id name priority } }"
local on_create_todo = "subscription { onCreateTodo { id name priority } }"

-- Emits 1, 2 and 3, and ends.
local numbers = appsync.observable(function(observer)
  for n = 1, 3 do observer.next(n) end
  observer.complete()
end)
```
]]

local out = {}
local function add(format, ...) out[#out + 1] = select("#", ...) > 0 and format:format(...) or format end

-- Splits "name type description": a type goes on after a space inside brackets, and beside "|", "," and ":".
local function split_type(text)
  local depth, i = 0, 1
  while i <= #text do
    local c = text:sub(i, i)
    if c:find("[<({]") then depth = depth + 1 elseif c:find("[>)}]") then depth = depth - 1 end
    if c == " " and depth == 0 and not text:sub(i - 1, i - 1):find("[,:|]") and text:sub(i + 1, i + 1) ~= "|" then break end
    i = i + 1
  end
  return text:sub(1, i - 1), text:sub(i + 1)
end

local function row(word, rest, has_name)
  local name = ""
  if has_name then
    local found, after = rest:match("^(%S+)%s*(.*)$")
    if found == "private" or found == "package" then return nil end
    name, rest = found .. ": ", after or ""
  end
  local kind, text = split_type(rest)
  return ("- %s `%s%s` %s"):format(word, name, kind, text):gsub("%s+$", "")
end

-- Word and whether a name follows.
local ROWS = { param = { "parameter", true }, ["return"] = { "returns", false }, field = { "field", true } }

-- What follows a row without a tag of its own goes on with it.
local function flush(block, signature, parent)
  local text, list, has_rows, is_shown = {}, { parent and ("- and all of `%s`"):format(parent) }, false, false
  for i, line in ipairs(block) do
    if line:match("^@private") or line:match("^@package") then return end
    local tag, rest = line:match("^@(%w+)%s*(.*)$")
    if ROWS[tag] then
      local shown = row(ROWS[tag][1], rest, ROWS[tag][2])
      has_rows, is_shown = true, shown ~= nil
      list[#list + 1] = shown
    elseif tag == nil and not has_rows then
      if line == "```lua" and i > 1 then text[#text + 1] = "" end
      text[#text + 1] = line
    elseif tag == nil and is_shown then
      list[#list] = list[#list] .. " " .. line
    end
  end
  if #text == 0 and #list == 0 then return end
  if signature then add("### `%s`\n\n", (signature:gsub("%(private%)", "()"))) end
  if #text > 0 then add("%s\n\n", table.concat(text, "\n")) end
  if #list > 0 then add("%s\n\n", table.concat(list, "\n")) end
end

-- A type that is one of some words: what each of them means.
local function flush_alias(name, block)
  local values = {}
  for _, line in ipairs(block) do
    local value, meaning = line:match('^|%s*("[^"]*")%s*#?%s*(.*)$')
    if not value then value, meaning = line:match("^@alias%s+%S+%s+(.+)$"), "" end
    if value then values[#values + 1] = ("- `%s` %s"):format(value, meaning):gsub("%s+$", "") end
  end
  add("### `type %s`\n\n%s\n\n", name, table.concat(values, "\n"))
end

local function is_wanted(only, name)
  if not only then return true end
  for _, wanted in ipairs(only) do
    if name:match("[.:]" .. wanted .. "$") then return true end
  end
  return false
end

local function public_name(renames, name)
  local best
  for from, to in pairs(renames or {}) do
    if name:sub(1, #from) == from and (not best or #from > #best[1]) then best = { from, to } end
  end
  return best and best[2] .. name:sub(#best[1] + 1) or name
end

local function document(path, title, renames, only)
  local file = io.open(path)
  if not file then return end
  add("## %s\n\nSource: `%s`\n\n", title, path)
  local block = {}
  for line in file:lines() do
    local comment = line:match("^%-%-%-(.*)$")
    if comment then
      block[#block + 1] = comment
    else
      local name, args = line:match("^function ([%w_.:]+)(%b())")
      if not name then
        name, args = line:match("^local function ([%w_]+)(%b())") -- what the module returns, where it is named above
        if name and not (renames and renames[name]) then name = nil end
      end
      local class, parent, alias
      for _, text in ipairs(block) do
        class, alias = class or text:match("^@class%s+([%w_.]+)"), alias or text:match("^@alias%s+([%w_.]+)")
        parent = parent or text:match("^@class%s+[%w_.]+: (appsync[%w_.]+)")
      end
      if name and #block > 0 and not name:match("[.:]_") and is_wanted(only, name) then flush(block, public_name(renames, name) .. args)
      elseif class and not class:match("%.core") and not class:match("^appsync%.client%.") then flush(block, "class " .. class, parent)
      elseif alias then flush_alias(alias, block) end
      block = {}
    end
  end
  file:close()
end

add("# API reference\n\nGenerated from the LuaCATS annotations by `make docs`; edit those, not this file.\n\n")
add("%s\n", EXAMPLES)
for _, module in ipairs(MODULES) do document(module[1], module[2], module[3], module[4]) end
local text = table.concat(out):gsub("\n\n+$", "\n")

local function read(path)
  local file = io.open(path)
  local content = file and file:read("*a")
  if file then file:close() end
  return content
end

-- The options in the manual of the local server are the program's own help.
local function with_options(manual)
  local pipe = assert(io.popen('eval "$(make -s env LUA=lua5.4)"; bin/appsync serve --help'))
  local help = pipe:read("*a")
  pipe:close()
  assert(help:find("%S"), "appsync serve --help says nothing; `make build LUA=lua5.4`")
  local page, n = manual:gsub("(<!%-%- written by `make docs` %-%->\n```\n).-```\n", function(head) return head .. help .. "```\n" end)
  assert(n == 1, "docs/server.md has no place for the options")
  return page
end

local is_check, is_clean = arg[1] == "--check", true
for path, content in pairs({ ["docs/api.md"] = text, ["docs/server.md"] = with_options(assert(read("docs/server.md"))) }) do
  if not is_check then
    local file = assert(io.open(path, "w"))
    file:write(content)
    file:close()
  elseif read(path) ~= content then
    print(path .. ": differs from the sources; run `make docs`")
    is_clean = false
  end
end
if not is_clean then os.exit(1) end
