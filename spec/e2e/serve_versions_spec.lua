--- Versioned models as clients see them: over HTTP and WebSockets, under faults, from one start to the next.
local core = require("appsync.core")
local faulty_server = require("spec.support.faulty_server")
local process = require("spec.support.process")
local server = require("spec.support.server")

local SCHEMA = "type Todo @model { id: ID! name: String tags: [String] }"
local FIELDS = "{ id name _version _lastChangedAt _deleted }"
local NOW_MS = faulty_server.NOW * 1000

describe("versioned models", function()
  local faulty

  local function start(options)
    local all = {
      schema_text = SCHEMA, resolvers = {}, control = 0, conflict = { handler = "OPTIMISTIC_CONCURRENCY" },
    }
    for name, value in pairs(options or {}) do all[name] = value end
    faulty = faulty_server.start(all.rules, all)
  end
  after_each(function() faulty:stop() end)

  local function ask(query) return faulty:ask(query).json end

  local function create(id, name)
    return ask(('mutation { createTodo(input: {id: "%s", name: "%s"}) %s }'):format(id, name, FIELDS)).data.createTodo
  end
  local function update_query(id, name, version)
    return ('mutation { updateTodo(input: {id: "%s", name: "%s", _version: %d}) %s }'):format(id, name, version, FIELDS)
  end
  local function delete(id, version)
    return ask(('mutation { deleteTodo(input: {id: "%s", _version: %d}) %s }'):format(id, version, FIELDS)).data.deleteTodo
  end
  local function sync(last_sync)
    return ask(("{ syncTodos(lastSync: %d) { items %s nextToken startedAt } }"):format(last_sync, FIELDS)).data.syncTodos
  end

  local function call(method, path, body)
    local response = faulty:connect(faulty.server.listener:control_port()):request({
      method = method, path = path, body = body and core.encode(body), headers = {},
    })
    return core.decode(response.body), response.status
  end

  it("tell of a conflict as the service does", function()
    start()
    create("1", "a")
    local answer = faulty:ask('mutation { deleteTodo(input: {id: "1"}) { _deleted _version id } }')
    assert.equal(200, answer.status)
    assert.same({
      data = { deleteTodo = core.null },
      errors = { {
        path = { "deleteTodo" }, data = { _deleted = core.null, _version = 1, id = "1" }, errorType = "ConflictUnhandled",
        errorInfo = core.null, locations = { { line = 1, column = 12, sourceName = core.null } },
        message = "Conflict resolver rejects mutation.",
      } },
    }, answer.json)
  end)

  it("show whose write it was when the answer says that it failed", function()
    start({ rules = { { match = { field = "updateTodo", times = 1 }, fault = { lose_answer = { status = 500 } } } } })
    create("1", "a")
    assert.equal(500, faulty:ask(update_query("1", "mine", 1)).status)
    -- The client tries again with the version that it knows.
    local err = ask(update_query("1", "mine", 1)).errors[1]
    assert.same({ "ConflictUnhandled", "mine", 2 }, { err.errorType, err.data.name, err.data._version })
    local effects = call("GET", "/effects").effects
    assert.same({ 1, { ["1@2"] = 1 } }, { effects.updateTodo.count, effects.updateTodo.by_version })
    assert.same({ ["1@1"] = 1 }, effects.createTodo.by_version)
  end)

  it("are read as they were when the answer is late", function()
    start({ rules = { { match = { operation = "Late" }, fault = { delay = { ms = 100, after_effect = true } } } } })
    create("1", "a")
    local late = faulty:send('query Late { getTodo(id: "1") { name _version } syncTodos { items { _version } startedAt } }')
    assert.equal(2, ask(update_query("1", "b", 1)).data.updateTodo._version)
    faulty.now = 0.2
    faulty:idle()
    late:fill()
    local body = core.decode(late.buffer:match("\r\n\r\n(.*)$")).data
    assert.same({ "a", 1, 1 }, { body.getTodo.name, body.getTodo._version, body.syncTodos.items[1]._version })
    local err = ask(update_query("1", "c", body.getTodo._version)).errors[1]
    assert.same({ "ConflictUnhandled", 2 }, { err.errorType, err.data._version })
    -- What the late answer didn't know is in the next one.
    assert.equal(2, sync(body.syncTodos.startedAt).items[2]._version)
  end)

  it("are read as they were some time ago", function()
    local stale = { match = { kind = "query", operation = "Stale" }, fault = { stale = 500 } }
    start({ data_time = { at_s = 1000 }, rules = { stale } })
    local function read(name)
      local body = ask(([[query %s { getTodo(id: "1") { name _version _deleted } two: getTodo(id: "2") { name } listTodos { items { id _version } }
        syncTodos { items { id _version } startedAt } delta: syncTodos(lastSync: 900000) { items { id _version } nextToken } }]]):format(name)).data
      local function texts(page)
        local out = {}
        for i, item in ipairs(page.items) do out[i] = item.id .. "." .. item._version end
        return table.concat(out, " ")
      end
      local one = body.getTodo ~= core.null and body.getTodo.name .. body.getTodo._version .. tostring(body.getTodo._deleted == true) or "none"
      return { one, body.two ~= core.null, texts(body.listTodos), texts(body.syncTodos), texts(body.delta), body.syncTodos.startedAt }
    end
    local function pass(seconds) call("POST", "/clock", { data_advance_s = seconds }) end
    create("1", "a")
    assert.same({ "none", false, "", "", "", 1000000 }, read("Stale"))
    pass(1)
    ask(update_query("1", "b", 1))
    create("2", "c")
    pass(0.25)
    assert.same({ "a1false", false, "1.1", "1.1", "1.1", 1001250 }, read("Stale"))
    assert.same({ "b2false", true, "1.2 2.1", "1.2 2.1", "1.1 1.2 2.1", 1001250 }, read("Fresh"))
    pass(0.25)
    assert.same({ "b2false", true, "1.2 2.1", "1.2 2.1", "1.1 1.2 2.1", 1001500 }, read("Stale"))
    delete("1", 2)
    assert.equal("b2false", read("Stale")[1])
    assert.equal("b3true", read("Fresh")[1])
    -- Writes know better: what a client has read too late is a conflict.
    assert.equal("ConflictUnhandled", ask(update_query("1", "d", 2)).errors[1].errorType)
    -- What the journal has forgotten is seen as it is.
    pass(1802)
    delete("2", 1)
    assert.is_true(read("Stale")[2])
    assert.equal("1.3 2.2", read("Stale")[3])
  end)

  it("have events with the version of their mutation, late, twice or out of order", function()
    start({ rules = { { match = { mutation = "updateTodo", times = 1 }, fault = { reorder = { by = 1 } } },
      { match = { mutation = "createTodo" }, fault = { duplicate = true } } } })
    local client = faulty:open_ws()
    for _, event in ipairs({ "onCreateTodo", "onUpdateTodo", "onDeleteTodo" }) do
      assert.equal("start_ack", faulty:subscribe(client, event, ("subscription { %s { id name _version _deleted } }"):format(event)).type)
    end
    create("1", "a")
    ask(update_query("1", "b", 1))
    delete("1", 2)
    local told = {}
    for i = 1, 4 do
      local record = select(2, next(faulty:message(client, "ka").payload.data))
      told[i] = ("%s.%d%s"):format(record.name, record._version, record._deleted == true and "x" or "")
    end
    assert.same({ "a.1", "a.1", "b.3x", "b.2" }, told)
  end)

  it("live by the clock that the control endpoint sets, and by it alone", function()
    start({ rules = { { match = { operation = "Skewed" }, fault = { skew = 100 } } } })
    assert.equal(NOW_MS, create("1", "a")._lastChangedAt)
    assert.same({ now = 86400, frozen = true }, call("POST", "/clock", { data_at = "1970-01-02T00:00:00Z" }).data)
    assert.equal(faulty_server.NOW, call("GET", "/clock").now)
    assert.same({ 86400000, 86400000 }, { create("2", "b")._lastChangedAt, sync(0).startedAt })
    assert.same({ now = 86401.5, frozen = true }, call("POST", "/clock", { data_advance_s = 1.5 }).data)
    assert.equal(86401500, delete("2", 1)._lastChangedAt)
    assert.equal(2, #sync(0).items)
    -- The first record is of a later time: that clock went back.
    assert.equal(3, #sync(86400000).items)
    call("POST", "/clock", { data_advance_s = 1802 })
    assert.equal("1", sync(86400000).items[1].id)
    call("POST", "/clock", { data_advance_s = 2592000 })
    assert.equal(1, #sync(0).items)
    assert.same({ now = faulty_server.NOW + 60, frozen = false, offset_s = 60 }, call("POST", "/clock", { data_offset_s = 60 }).data)
    assert.equal(NOW_MS + 60000, create("3", "c")._lastChangedAt)
    local skewed = ask('mutation Skewed { createTodo(input: {id: "4"}) { _lastChangedAt createdAt } }').data.createTodo
    assert.same({ NOW_MS + 160000, os.date("!%Y-%m-%dT%H:%M:%S.000Z", faulty_server.NOW + 160) },
      { skewed._lastChangedAt, skewed.createdAt })
    call("POST", "/reset")
    assert.same({ now = faulty_server.NOW, frozen = false, offset_s = 0 }, call("GET", "/clock").data)
  end)

  it("say what a clock can be told", function()
    start()
    for _, body in ipairs({ {}, { data_at = 1, skew_s = 1 }, { data_offset_s = "1" }, { data_advance_s = true }, { at = 1 } }) do
      local answer, status = call("POST", "/clock", body)
      assert.equal(400, status)
      assert.matches('{"data_advance_s": SECONDS} is expected', answer.error, 1, true)
    end
    assert.equal("expected seconds since 1970 or a date like 2026-01-31T12:00:00Z", call("POST", "/clock", { data_at = "now" }).error)
    assert.equal("the data clock must stay between 1970 and 9999", call("POST", "/clock", { data_advance_s = -1e12 }).error)
    assert.same({ now = faulty_server.NOW, frozen = false, offset_s = 0 }, call("GET", "/clock").data)
  end)

  it("leave signatures to the server's own clock", function()
    start({ iam = { AK = "SK" }, data_time = { at_s = 1 } })
    assert.equal(1000, create("1", "a")._lastChangedAt)
    local date = os.date("!%Y%m%dT%H%M%SZ", faulty_server.NOW)
    local response = faulty:ask("{ listTodos { items { id } } }", nil, {
      ["x-api-key"] = false, ["x-amz-date"] = date,
      authorization = ("AWS4-HMAC-SHA256 Credential=AK/%s/us-east-1/appsync/aws4_request, SignedHeaders=host;x-amz-date, Signature=00"):format(
        date:sub(1, 8)),
    })
    -- The date is good; the signature isn't.
    assert.matches("signature we calculated does not match", response.body)
  end)
end)

describe("appsync serve", function()
  after_each(process.stop_all)

  local http, ltn12 = require("socket.http"), require("ltn12")

  local function ask(started, query)
    local body, out = core.encode({ query = query }), {}
    assert(http.request({
      url = started.endpoint, method = "POST", source = ltn12.source.string(body), sink = ltn12.sink.table(out),
      headers = { ["x-api-key"] = server.API_KEY, ["content-length"] = tostring(#body) },
    }))
    return core.decode(table.concat(out))
  end

  it("keeps versions in its store, and asks the function of the resolvers file", function()
    local path = os.tmpname()
    local function serve(clock, ...)
      return server.start({
        schema = SCHEMA, arguments = { "--store", path, "--clock", clock, "--base-ttl", "3600", ... },
        resolvers = [[return { conflict_handlers = { default = function(event, ctx)
          event.newItem.name = event.existingItem.name .. "+" .. event.newItem.name .. ctx.util.now_epoch_seconds()
          return { action = "RESOLVE", item = event.newItem }
        end } }]],
      })
    end
    local started = serve("1970-01-01T01:00:00Z", "--conflict", "lambda")
    for _, id in ipairs({ "1", "2" }) do ask(started, ('mutation { createTodo(input: {id: "%s", name: "a"}) { id } }'):format(id)) end
    assert.same({ name = "a+b3600", _version = 2, _lastChangedAt = 3600000 },
      ask(started, 'mutation { updateTodo(input: {id: "1", name: "b"}) { name _version _lastChangedAt } }').data.updateTodo)
    assert.is_true(ask(started, 'mutation { deleteTodo(input: {id: "2", _version: 1}) { _deleted } }').data.deleteTodo._deleted)
    started.stop()
    started = serve("7200", "--conflict", "optimistic")
    local page = ask(started, "{ syncTodos(lastSync: 5400000) { items { id _version _deleted } startedAt } }").data.syncTodos
    assert.same({ items = {}, startedAt = 7200000 }, page)
    assert.equal(2, #ask(started, "{ syncTodos { items { id } } }").data.syncTodos.items)
    started.stop()
    started = serve("7201", "--conflict", "automerge")
    assert.same({ { id = "1", _version = 2 } }, ask(started, "{ syncTodos { items { id _version } } }").data.syncTodos.items)
    started.stop()
    for _, suffix in ipairs({ "", "-wal", "-shm" }) do os.remove(path .. suffix) end
  end)

  it("tells what --clock takes", function()
    local schema = process.file(SCHEMA, ".graphql")
    local pipe = io.popen(("bin/appsync serve %s --clock tomorrow 2>&1; echo status=$?"):format(schema))
    assert.equal("appsync serve: --clock: expected seconds since 1970 or a date like 2026-01-31T12:00:00Z, or +SECONDS or -SECONDS\n"
      .. "status=2\n", pipe:read("*a"))
    pipe:close()
  end)
end)
