-- HTTP/2 where the server offers it, against nghttpd (Debian's nghttp2-server), which speaks nothing else.
local appsync = require "appsync"
local certificates = require "spec.support.certificates"
local process = require "spec.support.process"
local socket = require "socket"

local function free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return tonumber(port)
end

describe("against a server that speaks HTTP/2 only, a client", function()
  local client

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  it("makes its calls as streams of one connection", function()
    local made = certificates.make()
    local root = process.temporary()
    os.execute("mkdir " .. root)
    local document = root .. "/graphql"
    process.write(document, '{"data":{"a":1}}')
    local port = free_port()
    local first, handle = process.start{ "sh", "-c", 'PATH=$PATH:/usr/sbin exec nghttpd "$@"', "nghttpd",
      "-v", "-a", "127.0.0.1", "-d", root, port, made.server.key, made.server.cert }
    assert.truthy(first and first:find("listen", 1, true), first)
    client = appsync.client{
      endpoint = "https://localhost:" .. port .. "/graphql", auth = { type = "API_KEY", api_key = "k" },
      tls = { ca = made.ca }, store = false,
    }
    local n = 0
    appsync.run(function()
      local tasks = {}
      for i = 1, 20 do tasks[i] = appsync.spawn(function() return client:query("{ a }") end) end
      for i = 1, 20 do
        local data, err = tasks[i]:await(10)
        assert.is_nil(err)
        n = n + data.a
      end
    end)
    assert.equal(20, n)
    process.stop(handle)
    local log = process.read(handle.log)
    local _, streams = log:gsub("recv HEADERS frame", "")
    assert.equal(20, streams)
    assert.is_nil(log:find("[id=2]", 1, true)) -- no second connection
    os.remove(document)
    os.execute("rmdir " .. root)
  end)
end)
