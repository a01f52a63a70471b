local data_clock = require("appsync.server.fault.data_clock")

describe("the data clock", function()
  local base, made

  local function start(time)
    base = 1000
    made = data_clock.new(function() return base end, time)
  end

  it("is the server's unless it is told", function()
    start()
    assert.equal(1000, made:now())
    base = 1001.5
    assert.equal(1001.5, made:now())
    assert.same({ now = 1001.5, frozen = false, offset_s = 0 }, made:describe())
  end)

  it("stays frozen, and moves when it is advanced", function()
    start({ at_s = 50 })
    base = 2000
    assert.equal(50, made:now())
    assert.is_true(made:advance(2.5))
    assert.same({ now = 52.5, frozen = true }, made:describe())
    assert.is_true(made:freeze("1970-01-02T00:00:01.25Z"))
    assert.equal(86401.25, made:now())
    assert.is_true(made:freeze(7))
    assert.equal(7, made:now())
  end)

  it("runs ahead, and behind", function()
    start({ offset_s = 10 })
    assert.equal(1010, made:now())
    assert.is_true(made:run(-900))
    base = 1100
    assert.equal(200, made:now())
    assert.is_true(made:advance(60))
    assert.same({ now = 260, frozen = false, offset_s = -840 }, made:describe())
  end)

  it("is as at the start again", function()
    start({ at_s = 50 })
    made:run(5)
    made:reset()
    assert.same({ now = 50, frozen = true }, made:describe())
  end)

  it("has a date, or stays what it was", function()
    start({ at_s = 50 })
    for _, far in ipairs({ -51, 1e300, math.huge, -math.huge, 0 / 0, 253402300799 }) do
      local ok, message = made:advance(far)
      assert.same({ nil, "the data clock must stay between 1970 and 9999" }, { ok, message })
    end
    assert.is_nil(made:freeze(-1))
    assert.is_nil(made:run(-1001))
    for _, bad in ipairs({ "x", true, "2026-13-01T00:00:00Z", {} }) do
      assert.same({ nil, "expected seconds since 1970 or a date like 2026-01-31T12:00:00Z" }, { made:freeze(bad) })
    end
    assert.equal(50, made:now())
  end)

  it("is read from what people write", function()
    for text, time in pairs({
      ["2026-01-31T12:00:00Z"] = { at_s = 1769860800 }, ["2026-01-31T12:00:00.5+01:00"] = { at_s = 1769857200.5 }, ["5"] = { at_s = 5 },
      ["1.5"] = { at_s = 1.5 }, ["0"] = { at_s = 0 }, ["+60"] = { offset_s = 60 }, ["-60.5"] = { offset_s = -60.5 }, ["+0"] = { offset_s = 0 },
    }) do
      assert.same(time, data_clock.parse(text))
    end
    for _, text in ipairs({ "", "x", "+", "--5", "5s", "1e5", "0x10", "2026-01-31", "nan", "inf" }) do
      assert.same({ nil, "expected seconds since 1970 or a date like 2026-01-31T12:00:00Z, or +SECONDS or -SECONDS" },
        { data_clock.parse(text) })
    end
    for _, text in ipairs({ "+999999999999", "-9999999999", "999999999999" }) do
      assert.same({ nil, "the data clock must stay between 1970 and 9999" }, { data_clock.parse(text) })
    end
  end)
end)
