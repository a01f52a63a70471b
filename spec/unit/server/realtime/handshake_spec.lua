local core = require("appsync.core")
local handshake = require("appsync.server.realtime.handshake")

local function read(path, protocols, query, headers)
  headers = headers or {}
  headers["sec-websocket-protocol"] = protocols
  return handshake.read({ path = path, query = query, headers = headers })
end

local OBJECT = '{"host":"h","X-Api-Key":"k"}'

describe("a WebSocket handshake", function()
  it("carries the header object in a sub-protocol", function()
    local hello = read("/graphql/realtime", "graphql-ws,header-" .. core.base64(OBJECT, "url"))
    assert.equal("graphql-ws", hello.protocol)
    assert.same({ host = "h", ["x-api-key"] = "k" }, hello.headers)
    assert.equal("/graphql", hello.graphql_path)
    assert.is_nil(hello.fault)
  end)

  it("takes the sub-protocols in any order and with spaces", function()
    local hello = read("/graphql", "header-" .. core.base64(OBJECT, "url") .. ", graphql-ws")
    assert.equal("graphql-ws", hello.protocol)
    assert.equal("k", hello.headers["x-api-key"])
  end)

  it("carries the header object in the query, encoded or not", function()
    local base64 = core.base64(OBJECT)
    local encoded = base64:gsub("=", "%%3D"):gsub("%+", "%%2B"):gsub("/", "%%2F")
    for _, text in ipairs({ base64, encoded }) do
      local hello = read("/graphql/realtime", "graphql-ws", "header=" .. text .. "&payload=e30=")
      assert.equal("k", hello.headers["x-api-key"])
    end
  end)

  it("falls back on the headers of the upgrade", function()
    local hello = read("/graphql/realtime", "graphql-ws", nil, { ["x-api-key"] = "k" })
    assert.equal("k", hello.headers["x-api-key"])
  end)

  it("knows graphql-transport-ws", function()
    assert.equal("graphql-transport-ws", read("/graphql", "graphql-transport-ws").protocol)
  end)

  it("faults a header object that can't be read", function()
    for _, text in ipairs({ "!!!", core.base64("meow", "url"), core.base64("1", "url") }) do
      local hello = read("/graphql/realtime", "graphql-ws,header-" .. text)
      assert.equal("BadRequestException", hello.fault.type)
      assert.same({}, hello.headers)
    end
  end)

  it("faults a missing and an unknown sub-protocol as the service does", function()
    assert.same({ message = "NoProtocolError", code = 400 }, read("/graphql/realtime").fault)
    assert.same({ message = "SubProtocolNotSupportedError", code = 400 }, read("/graphql/realtime", "mqtt").fault)
  end)

  it("serves the paths of the service, of custom domains and of aws-appsync's proxies", function()
    for _, path in ipairs({ "/graphql", "/graphql/realtime", "/graphql/realtime/", "/realtime" }) do
      assert.equal("/graphql", read(path, "graphql-ws").graphql_path)
    end
    assert.is_nil(read("/other", "graphql-ws"))
  end)
end)
