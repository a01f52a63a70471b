-- What `appsync serve` prints of names and texts that others have chosen, and of secrets, in every place at once.
local core = require("appsync.core")
local folder = require("spec.support.folder")
local process = require("spec.support.process")
local wait_for = require("spec.support.wait")
local ws_socket = require("spec.support.ws_socket")

local ODD = "\27]0;x\7\194\155\226\128\174\226\129\166\r"
local SCHEMA = "type Query { login(password: String, at: AWSDate, n: Int, text: String): String }"
local RESOLVERS = [[return { Query = { login = function(ctx)
  if ctx.args.text then error("can't take " .. tostring(ctx.args.text)) end
  return "for " .. tostring(ctx.args.password)
end } }]]

describe("appsync serve at a terminal", function()
  local made, handle

  before_each(function()
    made = folder.make({ ["schema.graphql"] = SCHEMA, ["r.lua"] = RESOLVERS, ["bad" .. ODD .. ".graphql"] = "type Query { a: " .. ODD .. " }" })
  end)

  after_each(function()
    process.stop_all()
    made.remove()
  end)

  local function is_clean(text)
    assert.is_nil(text:find("[%z\1-\8\11-\31\127]"), text)
    assert.is_nil(text:find("\194[\128-\159]"), text)
    assert.is_nil(text:find("\226\128[\168-\174]"), text)
    assert.is_nil(text:find("\226\129[\166-\169]"), text)
  end

  local function refused(words)
    local quoted = {}
    for i, word in ipairs(words) do quoted[i] = "'" .. word .. "'" end
    local pipe = assert(io.popen(("timeout 20 bin/appsync %s 2>&1"):format(table.concat(quoted, " "))))
    local text = pipe:read("*a")
    pipe:close()
    is_clean(text)
    -- Messages of the C modules have question marks instead.
    assert.truthy(text:find("\\u009b\\u202e\\u2066", 1, true) or text:find("?]0;x?", 1, true), text)
  end

  it("shows odd names and words as escapes", function()
    local bad, schema = made.path .. "/bad" .. ODD .. ".graphql", made.path .. "/schema.graphql"
    for _, words in ipairs({ { "serve", bad }, { "serve", made.path .. "/no" .. ODD }, { "serve", schema, "--resolvers", "no" .. ODD },
      { "serve", schema, "--jwt-key", "no" .. ODD }, { "serve", schema, "--auth", "no" .. ODD }, { "serve", schema, "--seed", "no" .. ODD },
      { "serve", schema, "--faults", "no" .. ODD }, { "serve", schema, "--store", "/nowhere/" .. ODD }, { "serve", schema, "--tls", "a" .. ODD .. ",b" },
      { "serve", schema, "--host", "no" .. ODD }, { "serve", schema, "--auth-default", ODD }, { "serve", schema, "--conflict", ODD },
      { "serve", schema, "--no" .. ODD }, { ODD }, { "serve", schema, "--fault", "refuse=" .. ODD }, { "serve", schema, "--port", ODD } }) do
      refused(words)
    end
  end)

  local function ask(client, query, variables)
    local body = core.encode({ query = query, variables = variables })
    return client:request({ path = "/graphql", headers = { ["x-api-key"] = "k" }, body = body })
  end

  for _, format in ipairs({ "text", "json" }) do
    it("shows neither odd texts as they are nor what is hidden, anywhere, as " .. format, function()
      local first
      first, handle = process.start({ "bin/appsync", "serve", made.path .. "/schema.graphql", "--resolvers", made.path .. "/r.lua", "--api-key", "k",
        "--log", format, "--trace" })
      local client = ws_socket.tcp(tonumber(first:match(":(%d+)/graphql")), function() end)
      for _, row in ipairs({
        { "query($password: String) { login(text: $password) }", { password = "hunter22" } },
        { 'query { login(password: "hunter22") x: login(text: "hunter22", password: "hunter22") }' },
        { "query($password: AWSDate) { login(at: $password) }", { password = "hunter22" } },
        { "query($p: Int) { login(n: $p) }", { p = "odd" .. ODD } },
        { "query($p: String) { login(text: $p) }", { p = "odd" .. ODD .. "\nforged" } },
        { "query($p: AWSDate) { login(at: $p) }", { p = "odd" .. ODD } },
        { "query { " .. ODD .. " }" }, { "query($x: String) { login(text: $x) }", { x = "last" } },
      }) do
        ask(client, row[1], row[2])
      end
      client:send("GET /\195\169%0a\194\155 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      client:response()
      local text
      wait_for(function()
        text = process.read(handle.log)
        return text:find("/\195\169%0a", 1, true) ~= nil
      end, "the last request", function() return text end)
      client:close()
      is_clean(text)
      assert.is_nil(text:find("hunter", 1, true), text)
      assert.is_nil(text:find("\nforged", 1, true), text)
      assert.is_not_nil(text:find("***", 1, true))
    end)
  end
end)
