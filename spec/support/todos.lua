-- One client of a local server that keeps todos: what the specs of subscriptions do with both.
local appsync = require "appsync"
local assert = require "luassert"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local SCHEMA = [[
type Todo @model { id: ID! name: String! priority: Int }
type Note @aws_api_key @aws_iam { text: String }
type Query { a: Int }
type Mutation { note(text: String): Note @aws_api_key @aws_iam }
type Subscription {
  byKey: Note @aws_subscribe(mutations: ["note"]) @aws_api_key
  byIam: Note @aws_subscribe(mutations: ["note"]) @aws_iam
}
]]
local RESOLVERS = [[
return { Query = { a = function() return 1 end }, Mutation = { note = function(context) return { text = context.arguments.text } end } }
]]
local CREATE = "mutation($name: String!, $priority: Int) { createTodo(input: {name: $name, priority: $priority}) { id name priority } }"

-- `service`, `client` and `log` are those of the present test.
local todos = { log = {}, BOUND = 10, ON_CREATE = "subscription { onCreateTodo { name priority } }" }

function todos.serve(arguments, port)
  arguments = arguments or {}
  arguments[#arguments + 1] = "--trace"
  todos.service = server.start{ schema = SCHEMA, resolvers = RESOLVERS, arguments = arguments, port = port }
end

function todos.connect(options)
  options = options or {}
  options.endpoint = todos.service.endpoint
  options.auth = options.auth or { type = "API_KEY", api_key = server.API_KEY }
  options.region = "us-east-1"
  options.retry = options.retry or { base = 0.02, cap = 0.1 }
  local log = todos.log
  options.log = function(level, message) log[#log + 1] = level .. " " .. message end
  todos.client = appsync.client(options)
  return todos.client
end

--- After each test.
function todos.stop()
  if todos.client then assert.is_true(todos.client:close(5)) end
  todos.client, todos.service, todos.log = nil, nil, {}
  process.stop_all()
end

function todos.create(name, priority)
  local data, err = todos.client:mutate(CREATE, { name = name, priority = priority })
  assert.is_nil(err)
  return data.createTodo
end

function todos.name_of(event) return event and event.onCreateTodo and event.onCreateTodo.name end

function todos.take(s)
  local event, err = s:next(todos.BOUND)
  assert.is_nil(err)
  return todos.name_of(event)
end

function todos.ready(s)
  local ok, err = s:ready(todos.BOUND)
  assert.is_nil(err)
  assert.is_true(ok)
  return s
end

function todos.wait(what, fn) return wait_for(fn, what, todos.service.log) end

--- How often the server has logged it.
function todos.count(pattern)
  local _, n = todos.service.log():gsub(pattern, "")
  return n
end

function todos.wait_for_state(states, wanted)
  todos.wait("state " .. wanted, function() return states:next(todos.BOUND) == wanted end)
end

return todos
