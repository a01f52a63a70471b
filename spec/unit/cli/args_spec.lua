local args = require("appsync.cli.args")

local COMMAND = {
  name = "demo",
  summary = "Shows something.",
  usage = "appsync demo FILE [options]",
  positional = { { name = "FILE", help = "a file", is_required = true } },
  groups = {
    {
      title = "Numbers",
      options = {
        { name = "port", value = "N", help = "a port", kind = "integer", min = 0, max = 65535 },
        { name = "ka", value = "S", help = "seconds", kind = "number", min = 0.1 },
      },
    },
    {
      title = "Words",
      options = {
        { name = "key", value = "K", help = "a key", is_list = true },
        { name = "mode", value = "M", help = "a mode", choices = { "fast", "slow" } },
        { name = "trace", help = "a switch" },
        { name = "a-very-long-option", value = "WITH-A-VALUE", help = "one line\nand another" },
      },
    },
  },
}

local function read(...)
  return args.read(COMMAND, { ... })
end

local function message_of(...)
  local result, message = args.read(COMMAND, { ... })
  assert.is_nil(result)
  return message
end

describe("command-line arguments", function()
  it("may stand before and after the options", function()
    assert.same({ "a", port = 1, trace = true }, read("--port", "1", "a", "--trace"))
  end)

  it("may be attached by an equals sign", function()
    assert.same({ "a", port = 1, key = { "x=y" } }, read("a", "--port=1", "--key=x=y"))
  end)

  it("collect where an option may be repeated", function()
    assert.same({ "x", "y" }, read("a", "--key", "x", "--key", "y").key)
  end)

  it("end the options with two dashes", function()
    assert.same({ "--port" }, read("--", "--port"))
  end)

  it("ask for help wherever it stands", function()
    assert.same({ help = true }, read("a", "--help"))
    assert.same({ help = true }, read("-h"))
  end)

  it("take fractions only where a number is asked for", function()
    assert.equal(0.5, read("a", "--ka", "0.5").ka)
    assert.equal("--port expects an integer between 0 and 65535, not \"0.5\"", message_of("a", "--port", "0.5"))
  end)

  local faults = {
    { { "a", "--prot", "1" }, "unknown option --prot; did you mean --port?" },
    { { "a", "--entirely-else" }, "unknown option --entirely-else" },
    { { "a", "-p" }, "unknown option -p; options begin with two dashes" },
    { { "a", "--port" }, "--port needs a value: N" },
    { { "a", "--key", "--trace" }, "--key needs a value: K" },
    { { "a", "--port", "70000" }, '--port expects an integer between 0 and 65535, not "70000"' },
    { { "a", "--ka", "x" }, '--ka expects a number of at least 0.1, not "x"' },
    { { "a", "--trace=1" }, "--trace takes no value" },
    { { "a", "--port", "1", "--port", "2" }, "--port is given twice" },
    { { "a", "--mode", "medium" }, '--mode expects one of fast, slow, not "medium"' },
    { { "a", "b" }, 'unexpected argument "b"' },
    { {}, "FILE is missing" },
  }
  for _, fault in ipairs(faults) do
    it("are refused: " .. table.concat(fault[1], " "), function()
      assert.equal(fault[2], message_of((table.unpack or unpack)(fault[1])))
    end)
  end

  it("suggest only what is near", function()
    assert.equal("serve", args.suggest("srve", { "serve", "mock" }))
    assert.equal("serve", args.suggest("sevre", { "serve", "mock" }))
    assert.is_nil(args.suggest("codegen", { "serve", "mock" }))
    assert.equal("api-key", args.suggest("key", { "serve", "api-key" }))
    assert.is_nil(args.suggest("pi", { "serve", "api-key" }))
  end)

  it("are explained by --help", function()
    local help = args.help(COMMAND)
    assert.matches("Usage: appsync demo FILE", help, 1, true)
    assert.matches("%-%-key K +a key %(may be repeated%)", help)
    assert.matches("%-%-trace +a switch", help)
    assert.matches("\nNumbers:\n  %-%-port N .-\n\nWords:\n  %-%-key K", help)
  end)

  it("keep the help in its column, however long they are", function()
    local column = (" "):rep(31)
    assert.matches("  --a-very-long-option WITH-A-VALUE\n" .. column .. "one line\n" .. column .. "and another\n", args.help(COMMAND), 1, true)
  end)
end)
