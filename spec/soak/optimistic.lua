-- N mutations that hope for something, some twenty of them under way at a time, let go in any order, some of them refused: creations
-- under temporary ids, and changes of what was created, by the id that it has at the time. No state of the list has an
-- item twice or lacks one that was there, and in the end it shows what the service has.
-- usage: N=1000 SEED=1 lua spec/soak/optimistic.lua
local appsync = require "appsync"
local todos = require "spec.support.cached_todos"

local N = tonumber(os.getenv "N") or 1000
local SEED = tonumber(os.getenv "SEED") or 1
local AT_ONCE = 20

math.randomseed(SEED)

local items = {} -- by number: {number=, is_refused=, has_shown=, is_over=, known_as=}
local waiting = {} -- functions that let a mutation go, in the order in which these were begun
local n_begun, n_over, n_states = 0, 0, 0

local function check(is_right, format, ...)
  if not is_right then error(("N=%d SEED=%d: "):format(N, SEED) .. format:format(...), 0) end
end

local may_go = {}

local function start()
  todos.start()
  todos.client:close(0)
  todos.connect{ headers = function(what)
    local key = what.kind == "mutation" and what.variables.input.name
    while key and not may_go[key] do appsync.sleep(0.001) end
    return {}
  end }
end

local function number_of(id) return tonumber(id:match "^[xr](%d+)$") end

-- Each item once, by one of its ids, and none that was there before is missing.
local function look(state)
  n_states = n_states + 1
  check(state.complete and not state.err, "state %d isn't complete", n_states)
  local seen, n_due = {}, 0
  for _, todo in ipairs(state.data.listTodos.items) do
    local number = number_of(todo.id) or 0
    check(not seen[number], "state %d has %s twice", n_states, todo.id)
    seen[number] = true
    if number ~= 0 then items[number].has_shown = true end
  end
  for number, item in ipairs(items) do
    if item.has_shown and not item.is_refused then
      n_due = n_due + 1
      check(seen[number], "state %d lacks item %d, %s", n_states, number, item.known_as)
    end
  end
end

local function begin(key, fn)
  n_begun = n_begun + 1
  waiting[#waiting + 1] = function() may_go[key] = true end
  appsync.spawn(function()
    fn()
    n_over = n_over + 1
  end)
end

local function create()
  local number = #items + 1
  local item = { number = number, is_refused = math.random(6) == 1, known_as = "x" .. number }
  items[number] = item
  local key = "c" .. number
  begin(key, function()
    local data, err = todos.client:mutate(todos.CREATE, { input = { id = item.is_refused and "t1" or "r" .. number, name = key } }, {
      optimistic_response = { createTodo = todos.todo("x" .. number, key) }, update = todos.add "createTodo",
    })
    check((data == nil) == item.is_refused, "creation %d: %s", number, tostring(err))
    if data then item.known_as = data.createTodo.id end
  end)
end

local function change(item)
  local key = ("u%d.%d"):format(item.number, n_begun)
  begin(key, function()
    todos.client:mutate(todos.UPDATE, { input = { id = "r" .. item.number, name = key } }, { -- refused where it comes too early
      optimistic_response = { updateTodo = todos.todo(item.known_as, key) },
    })
  end)
end

local function step()
  if n_begun < N and #waiting < AT_ONCE then
    local item = #items ~= 0 and items[math.random(math.max(1, #items - AT_ONCE), #items)]
    if item and math.random(3) == 1 then change(item) else create() end
  end
  if #waiting >= AT_ONCE or n_begun == N or math.random(2) == 1 then
    local let_go = table.remove(waiting, math.random(math.max(1, #waiting)))
    if let_go then let_go() end
  end
  if math.random(2) == 1 then appsync.sleep(0.001 * math.random(0, 2)) end
end

local function shown(data)
  local list = {}
  for _, todo in ipairs(data.listTodos.items) do list[#list + 1] = todo.id .. "=" .. todo.name end
  table.sort(list)
  return table.concat(list, " ")
end

start()
local LIST = todos.LIST:gsub("limit: 100", "limit: " .. N + 10)
local failure
assert(todos.client:query(LIST))
-- the list that `update` adds to is that of all arguments
local s = todos.client:watch(LIST, nil, { fetch_policy = "cache-only" }):subscribe{
  next = function(state)
    local ok, raised = pcall(look, state)
    if not ok then failure = failure or raised end
  end,
}
local began = os.clock()
while n_over < N and not failure do
  step()
  if #waiting == 0 or n_begun == N then appsync.sleep(0.001) end
end
if failure then error(failure, 0) end
local last
repeat
  last = n_states
  appsync.sleep(0.05)
until last == n_states
if failure then error(failure, 0) end
local cached = shown(assert(todos.client:read_query(LIST)))
for _, field in ipairs(todos.client:explain(LIST).fields) do check(field.state == "cached", "%s is %s", field.path, field.state) end
local real = shown(assert(todos.client:query(LIST, nil, { fetch_policy = "network-only" })))
check(cached == real, "the cache has\n%s\nand the service\n%s", cached, real)
s:unsubscribe()
print(("%d mutations, %d items, %d states, %.2f s, SEED=%d"):format(N, #items, n_states, os.clock() - began, SEED))
todos.stop()
todos.finish()
print "1 passed, 0 failed"
