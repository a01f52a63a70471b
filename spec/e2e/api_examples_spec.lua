-- docs/api.md: each function has an example, and each example runs and prints what it is said to print.
local appsync = require "appsync"
local api_examples = require "spec.support.api_examples"
local host = require "appsync.host"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local DELETE = "mutation ($id: ID!) { deleteTodo(input: {id: $id}) { id } }"
local CREATE = 'mutation { createTodo(input: {id: "1", name: "buy milk", priority: 2}) { id } }'

describe("docs/api.md", function()
  local blocks, functions = api_examples.read()
  local prelude = table.remove(blocks, 1)
  local service, keeper, clients

  setup(function()
    service = server.start{ schema = process.read("examples/todo/schema.graphql") }
    keeper = appsync.client{
      endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY },
      log = function() end, -- examples wait outside of tasks, also after the first `update`
    }
  end)

  teardown(function()
    keeper:close(5)
    process.stop_all()
  end)

  before_each(function()
    clients = {}
    local all = appsync.assert(keeper:query("{ listTodos { items { id } } }"))
    for _, todo in ipairs(all.listTodos.items) do appsync.assert(keeper:mutate(DELETE, { id = todo.id })) end
    appsync.assert(keeper:mutate(CREATE))
  end)

  after_each(function()
    for _, client in ipairs(clients) do client:close(5) end
    host.use(nil)
    appsync.configure(nil)
  end)

  -- The library, whose clients are closed after the example.
  local kept = setmetatable({
    client = function(options)
      local client, err = appsync.client(options)
      clients[#clients + 1] = client
      return client, err
    end,
  }, { __index = appsync })

  local globals = { require = function(name) return name == "appsync" and kept or require(name) end }

  local function run(block)
    local beginning = prelude.text:gsub('"https://xxxx[^"]*"', ("%q"):format(service.endpoint))
    beginning = beginning:gsub('"da2%-xxxx"', ("%q"):format(server.API_KEY))
    local example = api_examples.new(beginning, block, globals)
    example.run()
    wait_for(function() return not example:difference() end, block.name, function()
      return ("docs/api.md:%d: %s\n%s"):format(block.line, tostring(example:difference()), service.log())
    end)
  end

  for _, block in ipairs(blocks) do
    it(("shows %s (line %d)"):format(block.name, block.line), function() run(block) end)
  end

  it("has an example of each function", function()
    local has_example, without = {}, {}
    for _, block in ipairs(blocks) do has_example[block.name] = true end
    for _, name in ipairs(functions) do
      if not has_example[name] then without[#without + 1] = name end
    end
    assert.are.same({}, without)
    assert.is_true(#functions > 70)
  end)

  it("has every function of the library, and every method of a client and of what it gives", function()
    -- `uuid` is among the fields; the others are for the library itself.
    local is_there, missing = { ["appsync.uuid"] = true, ["client:header_sources"] = true, ["task:claim"] = true }, {}
    for _, name in ipairs(functions) do is_there[name:match("^[^(]+")] = true end
    local function look(prefix, methods)
      for name, value in pairs(methods) do
        if type(value) == "function" and not name:find("^_") and not is_there[prefix .. name] then missing[#missing + 1] = prefix .. name end
      end
    end
    local watch = keeper:watch("{ listTodos { items { id } } }")
    local task = appsync.spawn(function() end)
    task:await()
    for _, name in ipairs{ "sign", "mutation", "build_subscription", "bind" } do assert.is_not_nil(appsync[name]) end
    look("appsync.", appsync)
    look("appsync.auth.", appsync.auth)
    look("client:", getmetatable(keeper).__index)
    look("watch:", getmetatable(watch).__index)
    look("task:", getmetatable(task).__index)
    look("observable:", getmetatable(appsync.observable(function() end)).__index)
    assert.are.same({}, missing)
  end)
end)
