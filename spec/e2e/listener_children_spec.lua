-- Child processes of the listener, which its loop watches.
local native = require("appsync.server.native")
local patience = require("spec.support.patience")

describe("the listener's child processes", function()
  local listener, seen

  before_each(function()
    listener, seen = assert(native.open{}), {}
  end)

  after_each(function() listener:shutdown(0) end)

  local function spawn(words, by_lines, max) return assert(listener:spawn(words, by_lines, max or 100000)) end

  -- Runs the loop until there are n events of a kind; gives the last.
  local function run(kind, n)
    local last
    for _ = 1, 1000 * patience do
      local count = 0
      for _, event in ipairs(seen) do
        if event.type == kind then count, last = count + 1, event end
      end
      if count >= n then return last end
      for _, event in ipairs(listener:poll(0.1)) do seen[#seen + 1] = event end
    end
    error("waited too long for " .. kind)
  end

  it("are given their input, and tell all of their output and their end", function()
    local ids = {}
    for i = 1, 10 do
      ids[i] = spawn({ "sh", "-c", "cat; exit " .. i }, false)
      assert.is_true(listener:feed(ids[i], ("x"):rep(10000 * (i - 1)), true))
      assert.is_false(listener:feed(ids[i], "more"))
    end
    run("exit", 10)
    local output, code = {}, {}
    for _, event in ipairs(seen) do
      if event.type == "output" then
        assert.is_nil(code[event.id]) -- before its end
        output[event.id] = #event.text
      else
        code[event.id] = event.code
        assert.equal("", event.reason)
      end
    end
    for i = 1, 10 do
      assert.equal(10000 * (i - 1), output[ids[i]])
      assert.equal(i, code[ids[i]])
    end
  end)

  it("tell each line, and what ended them", function()
    local id = spawn({ "cat" }, true, 100)
    listener:feed(id, "one\ntwo\n")
    assert.equal("two", run("output", 2).text)
    assert.is_true(listener:kill(id))
    assert.is_false(listener:feed(id, "three\n"))
    local exit = run("exit", 1)
    assert.same({ id, -9, "" }, { exit.id, exit.code, exit.reason })
    assert.is_false(listener:kill(id))
  end)

  it("are killed when they write too much", function()
    spawn({ "yes" }, false, 1000)
    local exit = run("exit", 1)
    assert.same({ -9, "cut" }, { exit.code, exit.reason })
    assert.equal(1, #seen)
  end)

  it("are no shell's", function()
    spawn({ "printf", "%s|", "$HOME", "a b", "`x`", "*" }, false)
    assert.equal("$HOME|a b|`x`|*|", run("output", 1).text)
  end)

  it("are refused when they can't be run", function()
    assert.same({ nil, "can't run 'there-is-no-such-program': No such file or directory" },
      { listener:spawn({ "there-is-no-such-program" }, false, 10) })
    for _, words in ipairs({ {}, { 1 }, { "a\0b" }, { "a", true } }) do
      assert.has_error(function() listener:spawn(words, false, 10) end)
    end
    assert.has_error(function() listener:spawn({ "true" }, false, 0) end)
    assert.is_false(listener:kill(7))
    assert.is_false(listener:feed(-1, "x"))
  end)

  it("go with it, whatever they do", function()
    local id = spawn({ "sh", "-c", "trap '' TERM INT; echo $$; sleep 1000 & wait; sleep 1000" }, true)
    local pid = run("output", 1).text
    assert.is_number(id)
    listener:shutdown(0)
    local alive = os.execute("kill -0 " .. pid .. " 2>/dev/null")
    assert.is_true(alive ~= true and alive ~= 0)
  end)
end)
