-- Strings that end up in a C string, a header, a URL or a file's name, with what would end them early.
local appsync = require "appsync"
local auth = require "appsync.auth"
local core = require "appsync.core"

local URL = "http://127.0.0.1:1/graphql"
local BROKEN = { "a\0b", "a\rb", "a\nb", "a\r\nb: c", "a\27b", "a\127" }

local function refused(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "it didn't throw")
  assert.matches(text, message)
  assert.is_nil(message:find "%c")
end

describe("a control character", function()
  local function client_with(name, value)
    local options = { endpoint = URL, auth = { type = "NONE" } }
    if name then options[name] = value end
    return appsync.client(options)
  end

  it("is refused in each option of a client that is a name, a URL or a file", function()
    for _, text in ipairs(BROKEN) do
      refused("endpoint must be a URL", client_with, "endpoint", URL .. text)
      refused("realtime_endpoint must be a URL", client_with, "realtime_endpoint", "ws://127.0.0.1:1/" .. text)
      for _, name in ipairs{ "region", "proxy" } do
        refused(name .. " must not hold a control character", client_with, name, "http://" .. text)
      end
      for _, name in ipairs{ "ca", "cert", "key" } do
        refused(name .. " must not hold a control character", client_with, "tls", { [name] = text })
      end
      local keys = { access_key_id = "A", secret_access_key = "B" }
      for _, name in ipairs{ "region", "service" } do
        refused(name .. " must not hold a control character", client_with, "auth",
          { type = "AWS_IAM", credentials = keys, [name] = text })
      end
      refused("identity must not hold a control character", function() client_with():with{ identity = text } end)
      refused("operation_name must not hold a control character", function()
        client_with():query("query a { a }", nil, { operation_name = text })
      end)
      refused("unknown option", client_with, "endpoin" .. text, URL)
    end
  end)

  it("is refused in a header's name and value, but for tabs", function()
    for _, text in ipairs(BROKEN) do
      refused("headers: x%-a must not hold a line break or another control character", client_with, "headers", { ["x-a"] = text })
      refused("isn't an HTTP header name", client_with, "headers", { [text] = "x" })
    end
    assert.is_table(client_with("headers", { ["x-a"] = "a\tb é" }))
  end)

  it("is shown as Lua writes it where a header's name has it", function()
    for text, shown in pairs({ ["a\r\nb"] = [["a\r\nb"]], ["a\0b"] = [["a\000b"]], ["a\0271"] = [["a\0271"]], ['a"\\'] = [["a\"\\"]] }) do
      local ok, message = pcall(client_with, "headers", { [text] = "x" })
      assert.is_false(ok)
      assert.truthy(message:find(shown .. " isn't an HTTP header name", 1, true), message)
    end
  end)

  it("is refused in a key, a token and credentials, which are not shown", function()
    for _, text in ipairs{ BROKEN[1], BROKEN[2], BROKEN[3], BROKEN[5], BROKEN[6], "a\tb", "é" } do
      local good = { access_key_id = "good", secret_access_key = "good", session_token = "good" }
      local modes = { { type = "API_KEY", api_key = text }, { type = "OPENID_CONNECT", token = text },
        { type = "AWS_LAMBDA", token = function() return text end } }
      for name in pairs(good) do
        local bad = {}
        for key, value in pairs(good) do bad[key] = key == name and text or value end
        modes[#modes + 1] = { type = "AWS_IAM", credentials = bad }
        modes[#modes + 1] = { type = "AWS_IAM", credentials = function() return bad end }
      end
      for _, mode in ipairs(modes) do
        local client = appsync.client{ endpoint = URL, region = "us-east-1", auth = mode }
        local data, err = client:query "{ a }"
        assert.is_nil(data)
        assert.equal("auth", err.kind)
        assert.matches("contains a control character or one beyond ASCII", err.message)
        assert.equal(0, client:stats().requests)
        assert.is_true(client:close(5))
      end
    end
  end)

  it("is refused by appsync.sign wherever it stands", function()
    local function sign(change, options)
      local request = { method = "POST", url = "https://h/graphql", headers = { a = "b" }, body = "\0\r\n" }
      local all = { service = "appsync", region = "us-east-1", now = 0,
        credentials = { access_key_id = "A", secret_access_key = "B", session_token = "C" } }
      for name, value in pairs(change) do request[name] = value end
      for name, value in pairs(options or {}) do all[name] = value end
      return appsync.sign(request, all)
    end
    assert.is_string(sign({}).signature)
    for _, text in ipairs(BROKEN) do
      refused("url: contains a control character", sign, { url = "https://h/" .. text })
      refused("url: contains a control character", sign, { url = "https://h/?a=" .. text })
      refused("url: ", sign, { url = "https://" .. text .. "/" })
      refused("method: ", sign, { method = text })
      refused("headers: the value of a contains a line break", sign, { headers = { a = text } })
      refused("headers: the value of a contains a line break", sign, { headers = { { "a", text } } })
      refused("headers: a name isn't an HTTP token", sign, { headers = { [text] = "x" } })
      refused("region: ", sign, {}, { region = text })
      refused("service: ", sign, {}, { service = text })
      for _, name in ipairs{ "access_key_id", "secret_access_key", "session_token" } do
        local keys = { access_key_id = "A", secret_access_key = "B", session_token = "C" }
        keys[name] = text
        refused(name .. ": contains", sign, {}, { credentials = keys })
        local signed, err = sign({}, { credentials = function() return keys end })
        assert.is_nil(signed)
        assert.matches(name .. ": contains", err.message)
      end
    end
    assert.matches("\na:b c d\n", sign({ headers = { a = "b\r\n  c\n\td" } }).canonical_request)
  end)

  it("is refused in names of files", function()
    for _, text in ipairs{ BROKEN[1], BROKEN[2], BROKEN[5] } do
      for _, name in ipairs{ "profile", "credentials_file", "config_file" } do
        refused(name .. " must not hold a control character", auth.shared_file, { [name] = text })
      end
      local loaded, err = appsync.configure("/dev/null" .. text)
      assert.is_nil(loaded)
      assert.matches("must not hold a control character", err.message)
      assert.is_nil(err.message:find "%c")
    end
  end)

  it("never reaches a message that quotes an answer, a name or a file", function()
    local bidi, c1 = "\226\128\174", "\194\155"
    refused("operation", function() client_with():query("query a { a }", nil, { operation_name = "b" .. bidi .. c1 }) end)
    local _, message = pcall(client_with, "retrie" .. bidi .. c1 .. "\226\128\168", {})
    assert.is_nil(message:find(bidi, 1, true))
    assert.is_nil(message:find(c1, 1, true))
    assert.is_nil(message:find("\226\128\168", 1, true))
    local _, err = appsync.configure("nowhere" .. bidi .. c1)
    assert.is_nil((err.message .. tostring(err)):find("[\128-\255]"))
    local _, decode_err = core.decode("{\"" .. bidi .. "\27")
    assert.is_nil(decode_err.message:find "[%c\128-\255]")
  end)
end)
