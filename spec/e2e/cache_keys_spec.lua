-- What tells records and fields of the cache apart.
local appsync = require "appsync"

describe("a client's cache", function()
  local client

  before_each(function()
    client = appsync.client{ endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "k" }, store = ":memory:" }
  end)
  after_each(function() client:close() end)

  it("tells a record by the same name that a write gives it: text, numbers and booleans, and nothing by an object", function()
    local function written(id)
      assert(client:write_query("{ one { id title } }", nil, { one = { __typename = "Post", id = id, title = "by " .. tostring(id) } }))
      return client:explain("{ one { title } }").fields[1].key
    end
    for name, id in pairs{ ["Post:0"] = -0.0, ["Post:1.5"] = 1.5, ["Post:true"] = true, ["Post:7"] = 7.0, ["Post:x y"] = "x y" } do
      assert.equal(name, client:identify{ __typename = "Post", id = id })
      assert.equal(name, written(id))
    end
    for _, id in ipairs{ { a = 1 }, appsync.array{ 1 }, appsync.null } do
      assert.is_nil(client:identify{ __typename = "Post", id = id })
      assert.equal("ROOT_QUERY", written(id)) -- it stays where it is
    end
  end)

  it("names the number in a document that none can be", function()
    for _, number in ipairs{ "1e400", "-1e999" } do
      for _, document in ipairs{ "{ a(n: %s) }", "{ a(n: {b: [%s]}) }", "query ($n: Float = %s) { a(n: $n) }" } do
        local ok, message = pcall(client.read_query, client, document:format(number))
        assert.is_false(ok)
        assert.matches("client:read_query: the document has the number " .. number .. ", which is larger than a Float can be", message,
          1, true)
      end
    end
    assert(client:write_query("{ z(n: -0.0) }", nil, { z = 1 }))
    assert.same({ z = 1 }, client:read_query "{ z(n: 0) }")
    assert.same({ z = 1 }, client:read_query("query ($n: Float) { z(n: $n) }", { n = -0.0 }))
  end)
end)
