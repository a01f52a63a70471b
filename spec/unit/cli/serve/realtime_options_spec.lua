local args = require("appsync.cli.args")
local realtime_options = require("appsync.cli.serve.realtime_options")

local command = { name = "serve", summary = "", usage = "", positional = {}, groups = { realtime_options } }

local function read(...)
  local words, message = args.read(command, { ... })
  if not words then return nil, message end
  local options = {}
  realtime_options.read(words, options)
  return options
end

describe("the options of subscriptions", function()
  it("are the server's", function()
    assert.same({ max_subscriptions = 7, ka = 0.5, connection_timeout = 60000, max_age = 90 },
      read("--max-subscriptions", "7", "--ka", "0.5", "--connection-timeout", "60000", "--max-age", "90"))
  end)

  it("are left to the server when they are not given", function()
    assert.same({}, read())
  end)

  for _, row in ipairs({
    { "--max-subscriptions", "0", '--max-subscriptions expects an integer of at least 1, not "0"' },
    { "--connection-timeout", "1.5", '--connection-timeout expects an integer between 1 and 86400000, not "1.5"' },
    { "--max-age", "soon", '--max-age expects a number of at least 0.01, not "soon"' },
  }) do
    it(("refuse %s %s"):format(row[1], row[2]), function()
      assert.equal(row[3], select(2, read(row[1], row[2])))
    end)
  end
end)
