-- Objects that raise when somebody asks for their text, where a program raises them or gives them as its errors.
local fake_core = require "spec.support.fake_core"

local drive = fake_core.drive

describe("an object that has no text", function()
  local appsync, log, client, core
  local hostile = setmetatable({}, { __tostring = function() error("no text") end })

  local function raise() error(hostile) end

  before_each(function()
    core, appsync, log, client = fake_core.open_client("http://localhost/graphql")
  end)

  it("raised by a task is told to who awaits it", function()
    local task = appsync.spawn(raise)
    local value, err = task:await()
    assert.is_nil(value)
    assert.same({ "usage", "a table" }, { err.kind, err.message })
    assert.equal(hostile, err.raised)
  end)

  it("raised by a task that nobody awaits is reported", function()
    require("appsync.log").set_default(function(_, message) table.insert(log, message) end)
    appsync.spawn(raise)
    drive()
    drive(2)
    assert.same({ "a task that nobody awaited failed: a table" }, log)
  end)

  it("raised in a task is raised by run", function()
    local ok, raised = pcall(appsync.run, raise)
    assert.is_false(ok)
    assert.equal(hostile, raised)
  end)

  it("raised by a callback ends that subscription, and no other one", function()
    local source, first, others = appsync.subject(), nil, {}
    source:subscribe{ next = raise, error = function(err) first = err end }
    source:subscribe(function(value) table.insert(others, value) end)
    source:next(1)
    source:next(2)
    drive()
    assert.same({ "usage", "a table" }, { first.kind, first.message })
    assert.same({ 1, 2 }, others)
  end)

  it("raised by an operator, by what starts a source, or given as its error ends the stream", function()
    local source = appsync.subject()
    local mapped = source:map(raise):subscribe()
    source:next(1)
    assert.equal("a table", select(2, mapped:next(1)).message)
    assert.equal("a table", select(2, appsync.observable(raise):subscribe():next(1)).message)
    local given = appsync.observable(function(observer) observer.error(hostile) end)
    assert.equal("a table", select(2, given:subscribe():next(1)).message)
  end)

  it("raised by an error callback, or by what stops a source, is logged", function()
    require("appsync.log").set_default(function(_, message) table.insert(log, message) end)
    local source = appsync.subject()
    source:subscribe{ error = raise }
    source:error("bad")
    drive()
    appsync.observable(function() return raise end):subscribe():unsubscribe()
    assert.same({ "a subscription's callback raised: a table", "the function that stops an observable raised: a table" }, log)
  end)

  it("raised by on_result is reported, and the call was told once", function()
    require("appsync.log").set_default(function(_, message) table.insert(log, message) end)
    local n = 0
    client:query("query Q { a }", nil, { on_result = function()
      n = n + 1
      error(hostile)
    end })
    core.reply({ a = 1 })
    drive()
    drive(2)
    assert.equal(1, n)
    assert.same({ "a task that nobody awaited failed: a table" }, log)
  end)

  it("raised by a log function is told on stderr", function()
    local kept, written = io.stderr, {}
    io.stderr = { write = function(_, ...) table.insert(written, table.concat{ ... }) end } -- luacheck: ignore 122
    local ok, raised = pcall(require("appsync.log").emit, raise, "warn", "x")
    io.stderr = kept -- luacheck: ignore 122
    assert.is_true(ok, raised)
    assert.same({ "appsync: error: the log function raised: a table\n" }, written)
  end)

  it("given to assert is raised by its type", function()
    local ok, raised = pcall(appsync.assert, nil, hostile)
    assert.is_false(ok)
    assert.matches("a table", raised)
  end)
end)
