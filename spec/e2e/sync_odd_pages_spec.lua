-- Delta syncs of services whose pages lead in a circle, or have no list.
local appsync = require "appsync"
local faults = require "spec.support.faults"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = [[
type Post { id: ID! version: Int }
type Page { items: [Post!] nextToken: String startedAt: AWSTimestamp }
type Query { page(token: String): Page gap(token: String): Page offset(from: Int): [Post!]! }
]]

-- A token that leads back to the second page, and a list that is the same whatever is asked for.
local RESOLVERS = [[
local NEXT = { [""] = "b", b = "c", c = "d", d = "b" }
local started = 1700000000
return { Query = {
  page = function(ctx)
    local token = ctx.arguments.token
    if type(token) ~= "string" then token = "" end
    started = started + 1
    return { items = { { id = "p" .. token, version = 1 } }, nextToken = NEXT[token], startedAt = started }
  end,
  gap = function(ctx)
    local n = tonumber(ctx.arguments.token) or 1
    return { items = n % 2 == 0 and { { id = "p" .. n, version = 1 } } or nil, nextToken = n < 5 and tostring(n + 1) or nil }
  end,
  offset = function() return { { id = "p", version = 1 } } end,
} }
]]

describe("a delta sync of odd pages", function()
  local service, client

  setup(function() service = faults.start{ schema = SCHEMA, resolvers = RESOLVERS } end)
  teardown(process.stop_all)
  before_each(function()
    client = appsync.client{
      endpoint = service.endpoint, region = "us-east-1", store = ":memory:", log = function() end,
      auth = { type = "API_KEY", api_key = server.API_KEY },
    }
  end)
  after_each(function() client:close() end)

  local function refusal(base_query)
    local sync = client:sync{ base_query = base_query, typename = "Post" }
    local ok, err = sync:ready(20)
    assert.is_nil(ok)
    assert.equal("protocol", err.kind)
    assert.equal("stopped", sync:status().phase)
    return err.message
  end

  it("that lead in a circle begins anew once, and then stops", function()
    local message = refusal "query ($nextToken: String) { page(token: $nextToken) { items { id version } nextToken startedAt } }"
    assert.equal("the pages of a sync lead in a circle: one has the records and the nextToken of a page before", message)
    local n = 0
    for _, entry in ipairs(service.log "?on=request&field=page") do
      n = n + 1
      assert.equal("query", entry.kind)
    end
    assert.is_true(n >= 8 and n <= 24, n .. " pages")
  end)

  it("stops where the application's function leads it in a circle", function()
    local message = refusal{
      query = "query ($from: Int) { offset(from: $from) { id version } }", variables = { from = 0 },
      page = function() return { from = 10 } end,
    }
    assert.equal("the pages of a sync lead in a circle: one has the records and the next variables of a page before", message)
  end)

  it("keeps the records of all pages where some have null for their list", function()
    local query = "query ($nextToken: String) { gap(token: $nextToken) { items { id version } nextToken } }"
    local sync = client:sync{ base_query = query, typename = "Post" }
    assert(sync:ready(20))
    local ids = {}
    for i, post in ipairs(client:read_query(query).gap.items) do ids[i] = post.id end
    assert.same({ "p2", "p4" }, ids)
    assert.same({ "live", 5, 2 }, { sync:status().phase, sync:status().pages, sync:status().records })
  end)
end)
