-- The store's file, of real servers that end well, or not.
local appsync = require("appsync")
local process = require("spec.support.process")
local server = require("spec.support.server")

local SCHEMA = "type Todo @model { id: ID! name: String! rank: Int }"
local CREATE = "mutation M($input: CreateTodoInput!) { createTodo(input: $input) { id } }"
local UPDATE = "mutation M($input: UpdateTodoInput!) { updateTodo(input: $input) { id rank } }"
local LIST = "query Q($nextToken: String) { listTodos(limit: 1000, nextToken: $nextToken) { items { id name rank } nextToken } }"

describe("the store of a server", function()
  local path

  before_each(function() path = process.temporary(".db") end)
  after_each(function()
    process.stop_all()
    for _, suffix in ipairs({ "-wal", "-shm" }) do os.remove(path .. suffix) end
  end)

  local function start(schema) return server.start({ schema = schema or SCHEMA, arguments = { "--store", path } }) end

  local function connect(running)
    return appsync.client({
      endpoint = running.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = false, retry = { attempts = 1 },
    })
  end

  local function all(client)
    local items, token = {}, nil
    repeat
      local page = assert(client:query(LIST, { nextToken = token })).listTodos
      for _, item in ipairs(page.items) do items[item.id] = item end
      token = type(page.nextToken) == "string" and page.nextToken or nil
    until not token
    return items
  end

  -- Creates and updates from several tasks at once, until the process is killed at the given answer; what was answered.
  local function write_until_killed(running, round, limit)
    local client = connect(running)
    local answered, n_answers, tasks = {}, 0, {}
    for i = 1, 8 do
      tasks[i] = appsync.spawn(function()
        for n = 1, math.huge do
          local id = ("%d-%d-%d"):format(round, i, n)
          local made = client:mutate(CREATE, { input = { id = id, name = id } })
          if not made then return end
          answered[id], n_answers = 0, n_answers + 1
          if n_answers == limit then process.signal(running.handle, "KILL") end
          local changed = client:mutate(UPDATE, { input = { id = id, rank = n } })
          if not changed then return end
          answered[id] = n
        end
      end)
    end
    for _, task in ipairs(tasks) do task:await(20) end
    client:close(5)
    process.stop(running.handle)
    return answered
  end

  it("has all that was answered after kill -9", function()
    local answered = {}
    for round, limit in ipairs({ 1, 40, 150 }) do
      for id, rank in pairs(write_until_killed(start(), round, limit)) do answered[id] = rank end
      local running = start()
      local client = connect(running)
      local items = all(client)
      for id, rank in pairs(answered) do
        assert.truthy(items[id], id .. " was answered and is gone")
        -- A change that was not answered may have been made.
        assert.is_true(rank == 0 or items[id].rank == rank, id .. " has lost a change that was answered")
      end
      client:close(5)
      running.stop()
    end
  end)

  it("is one file when the server has ended", function()
    local running = start()
    local client = connect(running)
    assert(client:mutate(CREATE, { input = { id = "1", name = "a" } }))
    client:close(5)
    running.stop()
    assert.equal("", process.read(path .. "-wal"))
    assert.truthy(process.read(path):find("\"name\":\"a\"", 1, true))
  end)

  it("keeps its data under a schema that has changed", function()
    local running = start()
    local client = connect(running)
    assert(client:mutate(CREATE, { input = { id = "1", name = "a" } }))
    client:close(5)
    running.stop()
    running = start("type Todo @model { id: ID! name: String! more: Int } type Note @model { id: ID! }")
    client = connect(running)
    assert.equal("a", assert(client:query("{ getTodo(id: \"1\") { name more } }")).getTodo.name)
    client:close(5)
  end)

  -- What a server says that does not start, and its status.
  local function refusal(store)
    local pipe = assert(io.popen(("bin/appsync serve %s --store %s 2>&1; echo status=$?"):format(process.file(SCHEMA, ".graphql"), store)))
    local text, status = pipe:read("*a"):match("^(.*)status=(%d+)\n$")
    pipe:close()
    return text, tonumber(status)
  end

  it("that is none is refused, with its name, and left as it is", function()
    process.write(path, "not a store")
    local text, status = refusal(path)
    assert.equal(1, status)
    assert.equal(("appsync serve: store '%s': it is not a database\n"):format(path), text)
    assert.equal("not a store", process.read(path))
  end)

  it("cannot be a folder", function()
    local text, status = refusal("/tmp")
    assert.equal(1, status)
    assert.equal("appsync serve: store '/tmp': Is a directory\n", text)
  end)

  it("belongs to one server at a time", function()
    local running = start()
    local text, status = refusal(path)
    assert.equal(1, status)
    assert.equal(("appsync serve: store '%s': another process has it open (SQL: database is locked)\n"):format(path), text)
    running.stop()
  end)
end)
