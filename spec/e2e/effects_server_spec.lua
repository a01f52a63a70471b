--- The server that counts effects, which later specs take as their judge: each fault does what it says, and the count is right.
local effects = require "spec.support.effects"
local http = require "socket.http"
local process = require "spec.support.process"

local CREATE = "mutation($input: CreateTodoInput!) { createTodo(input: $input) { id _version tags } }"
local UPDATE = "mutation($input: UpdateTodoInput!) { updateTodo(input: $input) { id name tags _version } }"
local ADD = "mutation($opId: ID!) { add(opId: $opId, counter: \"c\", n: 2) { total } }"
local ADD_ONCE = "mutation($opId: ID!) { addOnce(opId: $opId, counter: \"c\", n: 2) { total } }"
local NOTE = "mutation($id: ID!) { createNote(input: {id: $id, text: \"t\"}) { id } }"

describe("the server that counts effects", function()
  local served

  setup(function() served = effects.start() end)

  after_each(function() served.calm() end)

  teardown(function()
    served.stop()
    process.stop_all()
  end)

  local function data(query, variables)
    local answer, status = served.ask(query, variables)
    assert.equal(200, status)
    assert.is_nil(answer.errors)
    return answer.data
  end

  local function total()
    local counter = data "{ counter(id: \"c\") { total } }".counter
    return type(counter) == "table" and counter.total or 0
  end

  -- What an addition gets under a fault, and how often it was done.
  local function add_under(fault, options)
    local opId = fault .. #served.effects()
    local before = total()
    options = options or {}
    options.times = 1
    served.fault(fault, options)
    local answer, status, headers = served.ask(ADD, { opId = opId })
    served.wait()
    local n = served.count(opId)
    assert.equal(before + 2 * n, total())
    assert.equal(n, data("query($key: String!) { effects(key: $key) }", { key = opId }).effects)
    return n, status, answer, headers
  end

  it("counts by the key of the client's, by the id of the input's, and by the id that it made", function()
    data(CREATE, { input = { id = "t1", name = "n", opId = "one" } })
    data(UPDATE, { input = { id = "t1", name = "m", _version = 1, opId = "two" } })
    data(NOTE, { id = "n1" })
    local made = data "mutation { createDoc(input: {title: \"t\"}) { id } }".createDoc.id
    local list, counts = served.effects(), served.counts()
    local at = 0
    for _, effect in ipairs(list) do
      assert.is_true(effect.at >= at and effect.at <= os.time() + 1)
      at, effect.at = effect.at, nil
    end
    assert.same({ field = "createTodo", key = "one", id = "t1", version = 1 }, list[1])
    assert.same({ field = "updateTodo", key = "two", id = "t1", version = 2 }, list[2])
    assert.same({ field = "createNote", key = "n1", id = "n1" }, list[3])
    assert.same({ 1, 1, 1, 1 }, { counts.one, counts.two, counts.n1, counts[made] })
    assert.equal(4, #data "{ effectLog }".effectLog:gsub("[^{]", ""))
  end)

  it("counts what is done again, but not what is refused or has changed nothing", function()
    data(ADD, { opId = "twice" })
    data(ADD, { opId = "twice" })
    assert.equal(2, served.count "twice")
    local before = total()
    data(ADD_ONCE, { opId = "once" })
    data(ADD_ONCE, { opId = "once" })
    assert.equal(before + 2, total())
    assert.equal(1, served.count "once")
    data(NOTE, { id = "again" })
    assert.truthy(served.ask(NOTE, { id = "again" }).errors)
    assert.equal(1, served.count "again")
  end)

  it("makes ids of its own for items", function()
    local create = "mutation($input: ItemInput!) { createItem(input: $input) { id name opId } }"
    local item = data(create, { input = { id = "tmp", name = "n", opId = "item" } }).createItem
    assert.not_equal("tmp", item.id)
    assert.equal("item", item.opId)
    assert.equal(1, served.count "item")
    local update = "mutation($id: ID!, $opId: String) { updateItem(id: $id, rank: 7, opId: $opId) { name rank } }"
    assert.same({ name = "n", rank = 7 }, data(update, { id = item.id, opId = "u" }).updateItem)
    assert.truthy(served.ask(update, { id = "tmp", opId = "v" }).errors)
    assert.same({ 1, 0 }, { served.count "u", served.count "v" })
    data("mutation($id: ID!) { removeItem(id: $id, opId: \"r\") { id } }", { id = item.id })
    assert.same({ 1, 0 }, { served.count "r", #data "{ items { id } }".items })
  end)

  it("merges lists of a versioned model, and rejects a stale write of the other", function()
    data(CREATE, { input = { id = "m", name = "n", tags = { "a" } } })
    data(UPDATE, { input = { id = "m", tags = { "b" }, _version = 1 } })
    local merged = data(UPDATE, { input = { id = "m", tags = { "c" }, _version = 1 } }).updateTodo
    assert.same({ "b", "c" }, merged.tags)
    assert.equal(3, merged._version)
    data "mutation { createDoc(input: {id: \"d\", title: \"1\"}) { id } }"
    local update = "mutation($n: Int!) { updateDoc(input: {id: \"d\", title: \"2\", _version: $n}) { _version } }"
    data(update, { n = 1 })
    assert.equal("ConflictUnhandled", served.ask(update, { n = 1 }).errors[1].errorType)
  end)

  it("does nothing before a refusal", function()
    assert.equal(0, (add_under "reset"))
    local n, status, _, headers = add_under "unavailable"
    assert.same({ 0, 503, "1" }, { n, status, headers["retry-after"] })
    local answer
    n, status, answer, headers = add_under("throttled", { seconds = 3 })
    assert.same({ 0, 429, "3" }, { n, status, headers["retry-after"] })
    assert.equal("TooManyRequestsException", answer.errors[1].errorType)
    n, status, answer = add_under "unauthorized"
    assert.same({ 0, 401, "UnauthorizedException" }, { n, status, answer.errors[1].errorType })
    n, status, answer = add_under("error", { type = "Bad", field = "add" })
    assert.same({ 0, 200, "Bad" }, { n, status, answer.errors[1].errorType })
  end)

  it("has done it when the answer is lost", function()
    local n, reason, answer = add_under "lost_answer"
    assert.equal(1, n)
    assert.is_nil(answer)
    assert.is_string(reason)
    n, reason, answer = add_under "half_answer"
    assert.equal(1, n)
    assert.is_true(answer == nil and type(reason) == "string" or type(answer) == "string")
    for _, status in ipairs{ 500, 502 } do
      n, reason = add_under("error_after", { status = status })
      assert.same({ 1, status }, { n, reason })
    end
    for _, late in ipairs{ "late_answer", "delay" } do
      n, reason = add_under(late, { ms = 1 })
      assert.same({ 1, 200 }, { n, reason })
    end
  end)

  it("says nothing after it was done", function()
    local patience = http.TIMEOUT
    http.TIMEOUT = 0.2
    local n, reason = add_under "silence"
    http.TIMEOUT = patience
    assert.same({ 1, "timeout" }, { n, reason })
  end)

  it("is killed before an effect or after it, and comes back with its data and its count", function()
    local starts = served.starts()
    local n, reason = add_under "crash"
    assert.equal(0, n)
    assert.is_string(reason)
    n, reason = add_under "crash_after"
    assert.equal(1, n)
    assert.is_string(reason)
    assert.equal(starts + 2, served.starts())
  end)

  it("refuses connections while it is down", function()
    data(ADD, { opId = "before" })
    served.crash(300)
    local _, reason = served.ask "{ items { id } }"
    assert.equal("connection refused", reason)
    served.wait()
    assert.equal(1, served.count "before")
  end)

  it("plays faults at random, the same ones for a seed, also after it was killed", function()
    local function play(seed)
      local outcomes = {}
      served.chaos(seed, { unavailable = { probability = 0.4 }, crash_after = { probability = 0.1 } })
      for i = 1, 12 do
        local _, status = served.ask(ADD, { opId = ("chaos %d %d %d"):format(seed, i, #served.effects()) })
        outcomes[i] = tostring(tonumber(status))
        served.wait()
      end
      served.calm()
      return table.concat(outcomes, " ")
    end
    local outcomes = play(5)
    assert.equal(outcomes, play(5))
    assert.not_equal(outcomes, play(6))
    assert.truthy(outcomes:find "503")
    assert.truthy(outcomes:find "200")
    assert.truthy(outcomes:find "nil.*503")
  end)

  it("never counts more or less than its data say", function()
    served.chaos(7, {
      lost_answer = { probability = 0.1 }, half_answer = { probability = 0.1 }, error_after = { probability = 0.1 },
      unavailable = { probability = 0.1 }, crash = { probability = 0.05 }, crash_after = { probability = 0.05 },
    })
    local before, from = total(), #served.effects()
    for i = 1, 60 do
      served.ask(ADD, { opId = "random " .. i })
      served.wait()
    end
    served.calm()
    local n = #served.effects() - from
    assert.is_true(n > 20 and n < 60)
    assert.equal(before + 2 * n, total())
  end)
end)
