-- What a client keeps for each identity, which no other one sees.
local appsync = require "appsync"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = "type Todo @model { id: ID! name: String! }"
local GET = 'query G { getTodo(id: "1") { id name } }'
local CREATE = 'mutation M { createTodo(input: { id: "1", name: "a" }) { id } }'

describe("a client's partitions", function()
  local running, made, client

  setup(function()
    running = server.start{ schema = SCHEMA }
    made = folder.make()
    client = assert(appsync.client{
      endpoint = running.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = made.path .. "/store.db",
    })
    assert(client:mutate(CREATE))
  end)

  teardown(function()
    client:close()
    process.stop_all()
    made.remove()
  end)

  it("don't see each other, and one without an identity keeps nothing", function()
    local ann, ben, nobody = client:with{ identity = "ann" }, client:with{ identity = "ben" }, client:with{}
    assert(ann:query(GET))
    assert.equal("a", ann:read_query(GET).getTodo.name)
    assert.equal("a", client:with{ identity = "ann" }:read_query(GET).getTodo.name)
    assert.is_nil((ben:read_query(GET)))
    assert.is_nil((client:read_query(GET)))
    assert.has_error(function() nobody:read_query(GET) end,
      "client:read_query: a client made by client:with has a cache only with an identity")
    local _, _, info = ann:query(GET)
    assert.equal("cache", info.source)
    _, _, info = nobody:query(GET)
    assert.equal("network", info.source)
  end)
end)
