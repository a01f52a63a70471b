-- client:evict of a field by its bare name: all that have it, whatever their arguments and wherever they are.
local appsync = require "appsync"
local folder = require "spec.support.folder"

describe("client:evict", function()
  local made, client

  local function open(store)
    client = assert(appsync.client{
      endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "k" }, store = store,
    })
  end

  setup(function() made = folder.make() end)
  teardown(function() made.remove() end)
  after_each(function() client:close() end)

  it("evicts a field of all arguments, also in what only the file has", function()
    local document = appsync.gql "query N($n: Int) { all(n: $n) all2(n: $n) }"
    local path = made.path .. "/a.db"
    open(path)
    for n = 1, 700 do assert(client:write_query(document, { n = n }, { all = n, all2 = n })) end
    client:close(5)
    open(path)
    assert(client:hydrated(10))
    assert(client:write_query(document, { n = 800 }, { all = 800, all2 = 800 }))
    assert.is_true(client:evict("ROOT_QUERY", "all"))
    for _, n in ipairs{ 1, 128, 129, 512, 700, 800 } do
      local data, rest = client:read_query(document, { n = n })
      assert.is_nil(data)
      assert.same({ "all" }, rest.missing)
    end
  end)
end)
