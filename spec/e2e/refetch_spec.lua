-- Queries that are asked anew after a mutation; by the public names only.
local appsync = require "appsync"
local kept = require "spec.support.kept"

local LIST, GET = kept.LIST, kept.GET

describe("refetch", function()
  local client

  setup(function()
    kept.begin()
    kept.create("1", "one")
  end)
  teardown(kept.finish)
  before_each(function() client = kept.client{ store = ":memory:" } end)
  after_each(kept.close_all)

  local function requests() return client:stats().requests end
  local function cached(document, variables) return client:query(document, variables, { fetch_policy = "cache-only" }) end

  it("asks queries anew once the mutation has brought data, without being waited for", function()
    assert(client:query(LIST))
    assert(client:query(GET, { id = "2" }))
    local again = { LIST, { query = GET, variables = { id = "2" } } }
    assert(client:mutate(kept.CREATE, { id = "2", name = "two" }, { refetch = again, queue = false }))
    assert.equal("one", kept.names((cached(LIST))))
    local give_up = os.time() + 10
    while kept.names((cached(LIST))) ~= "one two" and os.time() < give_up do appsync.sleep(0.001) end
    while cached(GET, { id = "2" }).getTodo == appsync.null and os.time() < give_up do appsync.sleep(0.001) end
    assert.equal("two", cached(GET, { id = "2" }).getTodo.name)
    assert.equal(5, requests())
  end)

  it("asks them anew once what was queued has been sent", function()
    assert(client:query(LIST))
    local before = kept.names((cached(LIST)))
    client:set_online(false)
    local _, _, info = client:mutate(kept.CREATE, { id = "queued", name = "later" }, { refetch = { LIST } })
    assert.is_true(info.queued)
    appsync.sleep(0)
    assert.equal(before, kept.names((cached(LIST))))
    client:set_online(true)
    local give_up = os.time() + 10
    while kept.names((cached(LIST))) == before and os.time() < give_up do appsync.sleep(0.001) end
    assert.equal(before .. " later", kept.names((cached(LIST))))
  end)

  it("logs what fails, and does nothing after a mutation that failed", function()
    local lines = {}
    client = kept.client{ store = ":memory:", log = function(level, message) lines[#lines + 1] = level .. " " .. message end }
    assert.is_nil((client:mutate(kept.CREATE, { id = "2", name = "again" }, { refetch = { LIST } })))
    assert.equal(1, requests())
    assert(client:mutate(kept.UPDATE, { id = "2", name = "two" }, { refetch = { "{ broken { bad } }" } }))
    local give_up = os.time() + 10
    while #lines == 0 and os.time() < give_up do appsync.sleep(0.001) end
    assert.same({ "warn client:mutate: refetch[1] failed: graphql: it failed" }, lines)
  end)
end)
