local core = require("appsync.core")
local processes = require("appsync.server.functions.processes")

describe("the processes of functions", function()
  local now, spawned, fed, killed, logged, answers, pool, fails, deaf

  local ONCE = { words = { "once" }, by_lines = false }
  local LINES = { words = { "lines" }, by_lines = true }

  before_each(function()
    now, spawned, fed, killed, logged, answers, fails, deaf = 0, {}, {}, {}, {}, {}, nil, nil
    local listener = {}
    function listener.spawn(_, words, by_lines)
      if fails then return nil, fails end
      spawned[#spawned + 1] = words[1] .. (by_lines and " by lines" or "")
      return #spawned
    end
    function listener.feed(_, id, text, is_last)
      fed[#fed + 1] = ("%d%s %s"):format(id, is_last and "!" or "", text)
      return id ~= deaf
    end
    function listener.kill(_, id) killed[#killed + 1] = id end
    pool = processes.new({
      listener = listener, clock = function() return now end, now = function() return 1700000000 end,
      log = function(text) logged[#logged + 1] = text end, timeout_s = 30,
    })
  end)

  local function invoke(command, name, json)
    pool:invoke(command, json or ('{"n":%q}'):format(name), function(answer)
      assert.is_nil(answers[name])
      answers[name] = answer.err and answer.err.type .. ": " .. answer.err.message or answer.value
    end)
  end

  local function output(id, text) pool:output({ id = id, text = text }) end
  local function exit(id, code, reason) pool:exit({ id = id, code = code or 0, reason = reason or "" }) end

  it("are one for each event, whose answer is all that it writes", function()
    invoke(ONCE, "a")
    invoke(ONCE, "b")
    assert.same({ "once", "once" }, spawned)
    assert.same({ '1! {"n":"a"}', '2! {"n":"b"}' }, fed)
    output(2, ' {"x": [1]}\n')
    assert.same({}, answers)
    exit(2)
    output(1, "")
    exit(1)
    assert.same({ a = core.null, b = { x = { 1 } } }, answers)
    assert.is_nil(pool:tick())
  end)

  it("are one that goes on, given an event at a time", function()
    invoke(LINES, "a")
    invoke(LINES, "b")
    assert.same({ "lines by lines" }, spawned)
    assert.same({ '1 {"n":"a"}\n' }, fed)
    output(1, "1")
    assert.equal('1 {"n":"b"}\n', fed[2])
    output(1, "false")
    assert.same({ a = 1, b = false }, answers)
  end)

  it("start again after they have ended", function()
    invoke(LINES, "a")
    invoke(LINES, "b")
    exit(1, 3)
    assert.matches("^Lambda:Unhandled: RequestId: %S+ Error: Runtime exited with error: exit status 3$", answers.a)
    assert.same({ "lines by lines", "lines by lines" }, spawned)
    output(2, "2")
    assert.equal(2, answers.b)
    exit(2)
    invoke(LINES, "c")
    assert.equal(3, #spawned)
  end)

  it("are replaced when they have closed their input", function()
    invoke(LINES, "a")
    output(1, "1")
    deaf = 1
    invoke(LINES, "b")
    assert.same({ 1 }, killed)
    exit(1, -9)
    output(2, "2")
    assert.equal(2, answers.b)
    deaf = 3
    invoke(ONCE, "c")
    assert.equal("Lambda:Unhandled: the process took no event", answers.c)
    exit(3, -9)
    assert.same({ 1, 3 }, killed)
    assert.is_nil(pool:tick())
  end)

  it("lose no event when one that fails at once brings another", function()
    for i = 1, 16 do invoke(ONCE, i) end
    invoke(ONCE, "waits")
    fails = "can't run 'lines'"
    pool:invoke(LINES, "{}", function(answer)
      assert.equal(fails, answer.err.message)
      invoke(ONCE, "waits too")
      error("nobody's")
    end)
    fails = nil
    assert.matches("could not be used: .*nobody's$", logged[1])
    for i = 1, 2 do
      output(i, "1")
      exit(i)
    end
    for i = 17, 18 do
      output(i, ("%d"):format(i))
      exit(i)
    end
    assert.same({ 17, 18 }, { answers.waits, answers["waits too"] })
  end)

  it("give errors for what they are", function()
    local rows = {
      { '{"errorType":"Error","errorMessage":"boom","trace":[]}', 0, "", "^Lambda:Unhandled: boom$" },
      { '{"errorType":"Error","errorMessage":"boom"}', 1, "", "^Lambda:Unhandled: boom$" },
      { "not json", 0, "", "^Lambda:Unhandled: the function's answer is not JSON: " },
      { "not json", 1, "", "exit status 1$" }, { "", -9, "", "signal: 9$" },
      { "", -9, "cut", "^Lambda:Unhandled: Response payload size exceeded maximum allowed payload size %(6291456 bytes%)%.$" },
    }
    for i, row in ipairs(rows) do
      invoke(ONCE, "e" .. i)
      output(i, row[1])
      exit(i, row[2], row[3])
      assert.matches(row[4], answers["e" .. i])
    end
    invoke(ONCE, "good")
    output(#rows + 1, '{"errorMessage":"only a field"}')
    exit(#rows + 1)
    assert.same({ errorMessage = "only a field" }, answers.good)
    fails = "can't run 'once': No such file or directory"
    invoke(ONCE, "missing")
    assert.equal("Lambda:Unhandled: " .. fails, answers.missing)
    invoke(LINES, "missing lines")
    assert.equal("Lambda:Unhandled: " .. fails, answers["missing lines"])
    assert.is_nil(pool:tick())
  end)

  it("have thirty seconds", function()
    invoke(ONCE, "a")
    now = 10
    invoke(LINES, "b")
    invoke(LINES, "c")
    assert.equal(20, pool:tick())
    now = 30
    assert.equal(10, pool:tick())
    assert.matches("^Lambda:Unhandled: 2023%-11%-14T22:13:20%.000Z %S+ Task timed out after 30%.00 seconds$", answers.a)
    assert.same({ 1 }, killed)
    exit(1, -9)
    now = 40
    pool:tick()
    assert.matches("timed out", answers.b)
    assert.matches("timed out", answers.c) -- it waited as long
    assert.same({ 1, 2 }, killed)
    output(2, "1") -- too late, of one that is about to go
    invoke(LINES, "d")
    assert.equal(3, #spawned)
    exit(2, -9)
    output(3, "4")
    assert.equal(4, answers.d)
  end)

  it("are sixteen at once, and those of lines beside them", function()
    for i = 1, 20 do invoke(ONCE, i) end
    invoke(LINES, "lines")
    assert.equal(17, #spawned)
    output(17, "0")
    assert.equal(0, answers.lines)
    output(3, "3")
    exit(3)
    assert.equal(18, #spawned)
    assert.equal(3, answers[3])
  end)

  it("throttle what is too much, and refuse what is too large", function()
    for i = 1, 1000 do invoke(ONCE, i) end
    invoke(ONCE, "more")
    assert.equal("Lambda:TooManyRequestsException: Rate Exceeded.", answers.more)
    output(1, "1")
    exit(1)
    invoke(ONCE, "again")
    assert.is_nil(answers.again)
    invoke(ONCE, "large", ("x"):rep(6 * 1048576 + 1))
    assert.matches("^Lambda:RequestTooLargeException: 6291457 byte payload is too large", answers.large)
  end)

  it("are replaced after a line that nothing asked for", function()
    invoke(LINES, "a")
    output(1, "1")
    output(1, "stray")
    assert.same({ "a function wrote a line while no event was pending, and is started again: lines" }, logged)
    assert.same({ 1 }, killed)
    invoke(LINES, "b")
    exit(1, -9)
    output(2, "2")
    assert.equal(2, answers.b)
    output(99, "x")
    exit(99)
  end)

  it("are replaced after a line that is no answer, which may have come before the answer", function()
    invoke(LINES, "a")
    invoke(LINES, "b")
    output(1, "a line for people")
    assert.matches("the function's answer is not JSON", answers.a)
    assert.same({ 1 }, killed)
    output(1, '"of a"')
    assert.is_nil(answers.b)
    exit(1, -9)
    output(2, '"of b"')
    assert.equal("of b", answers.b)
    assert.equal('2 {"n":"b"}\n', fed[2])
  end)

  it("have failures logged that nobody waits for", function()
    pool:send(ONCE, "{}")
    pool:send(ONCE, "{}")
    output(1, "1")
    exit(1)
    output(2, '{"errorMessage":"no\\nway","errorType":"Error"}')
    exit(2)
    assert.same({ "a function that isn't waited for failed: once: no\\nway" }, logged)
  end)

  it("forget those that are over", function()
    for i = 1, 500 do
      invoke(LINES, i)
      output(1, "1")
      pool:tick()
    end
    assert.is_true(#pool.open <= 66)
  end)
end)
