local report = require("appsync.server.develop.report")

describe("a fault", function()
  it("is told with its place, its line and a caret", function()
    assert.equal("a.graphql:2:5: type 'No' is unknown\n    2 |  y: No\n      |     ^\n",
      report.fault({ path = "a.graphql", line = 2, column = 5, message = "type 'No' is unknown", text = " y: No" }))
  end)

  it("has its caret below tabs and beyond letters of several bytes", function()
    assert.equal("a:1:4: m\n    1 | \té x\n      | \t  ^\n", report.fault({ path = "a", line = 1, column = 4, message = "m", text = "\té x" }))
  end)

  it("has its caret behind the line's end where something is missing", function()
    assert.equal("a:1:3: m\n    1 | ab\n      |   ^\n", report.fault({ path = "a", line = 1, column = 3, message = "m", text = "ab" }))
  end)

  it("is told with what is known of its place", function()
    assert.equal("gone\n", report.fault({ message = "gone" }))
    assert.equal("a.lua: m\n", report.fault({ path = "a.lua", message = "m" }))
    assert.equal("a.lua:3: m\n    3 | x\n", report.fault({ path = "a.lua", line = 3, message = "m", text = "x" }))
    assert.equal("a.lua:3:1: m\n", report.fault({ path = "a.lua", line = 3, column = 1, message = "m", text = "" }))
  end)

  it("is told with its traceback", function()
    assert.equal("a.lua: m\nstack traceback:\n\tx\n", report.fault({ path = "a.lua", message = "m", traceback = "stack traceback:\n\tx" }))
  end)

  it("has colours only where they are asked for", function()
    local fault = { path = "a", line = 1, column = 1, message = "m", text = "x" }
    assert.is_nil(report.fault(fault):find("\27", 1, true))
    assert.matches("\27[31mm\27[0m", report.fault(fault, true), 1, true)
    assert.equal(report.fault(fault), (report.fault(fault, true):gsub("\27%[%d+m", "")))
  end)

  it("has nothing in it that a terminal would take for its own", function()
    local odd = "x\27[2J\226\128\174\194\155\rz"
    local text = report.fault({ path = "a\n" .. odd, line = 1, column = 10, message = odd, text = odd .. "\ny", traceback = "t\n\t" .. odd })
    assert.is_nil(text:find("[\27\r\226\194]"), text)
    local shown = "x\\u001b[2J\\u202e\\u009b\\rz"
    assert.equal(("a\\n%s:1:10: %s\n    1 | %s\\ny\n      | %s^\nt\n\t%s\n"):format(shown, shown, shown, (" "):rep(#shown), shown), text)
  end)

  it("may be one of several", function()
    assert.equal("a\nb\n", report.faults({ { message = "a" }, { message = "b" } }))
  end)
end)
