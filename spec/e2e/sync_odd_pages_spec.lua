-- Delta syncs of services whose pages lead in a circle, or have null for a list.
local appsync = require "appsync"
local faults = require "spec.support.faults"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local SCHEMA = [[
type Post { id: ID! version: Int }
type Page { items: [Post!] nextToken: String startedAt: AWSTimestamp }
type Query { page(token: String): Page gap(token: String): Page offset(from: Int): [Post!]! changes(lastSync: AWSTimestamp): [Post!] }
type Mutation { fill(gap: Boolean!): Boolean }
]]

-- A token that leads back to the second page, and a list that is the same whatever is asked for.
local RESOLVERS = [[
local NEXT = { [""] = "b", b = "c", c = "d", d = "b" }
local started = 1700000000
local is_full = true
return { Mutation = { fill = function(ctx)
    is_full = ctx.arguments.gap
    return is_full
  end }, Query = {
  page = function(ctx)
    local token = ctx.arguments.token
    if type(token) ~= "string" then token = "" end
    started = started + 1
    return { items = { { id = "p" .. token, version = 1 } }, nextToken = NEXT[token], startedAt = started }
  end,
  gap = function(ctx)
    local n = tonumber(ctx.arguments.token) or 1
    local items = { { id = "p" .. n, version = 1 } }
    if n == 2 and not is_full then items = nil end
    return { items = items, nextToken = n < 3 and items and tostring(n + 1) or nil }
  end,
  changes = function() return nil end,
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

  it("that lead in a circle begins anew three times, and then stops", function()
    local message = refusal "query ($nextToken: String) { page(token: $nextToken) { items { id version } nextToken startedAt } }"
    assert.equal("the pages of a sync lead in a circle: one has the records and the nextToken of a page before", message)
    local n = 0
    for _, entry in ipairs(service.log "?on=request&field=page") do
      n = n + 1
      assert.equal("query", entry.kind)
    end
    assert.is_true(n > 12 and n <= 24, n .. " pages") -- of six or, without the one that is asked for ahead, five in a pass
  end)

  it("stops where the application's function leads it in a circle", function()
    local message = refusal{
      query = "query ($from: Int) { offset(from: $from) { id version } }", variables = { from = 0 },
      page = function() return { from = 10 } end,
    }
    assert.equal("the pages of a sync lead in a circle: one has the records and the next variables of a page before", message)
  end)

  local GAP = "query ($nextToken: String) { gap(token: $nextToken) { items { id version } nextToken } }"

  local function fill(is_full)
    local endpoint = service.endpoint
    local admin = appsync.client{
      endpoint = endpoint, region = "us-east-1", store = false, auth = { type = "API_KEY", api_key = server.API_KEY },
    }
    appsync.assert(admin:mutate("mutation ($is: Boolean!) { fill(gap: $is) }", { is = is_full }))
    admin:close()
  end

  local function ids()
    local list = {}
    for i, post in ipairs(client:read_query(GAP).gap.items) do list[i] = post.id end
    return table.concat(list, " ")
  end

  it("asks again for a page whose list is null, and keeps what it had meanwhile", function()
    fill(true)
    local sync = client:sync{ base_query = { query = GAP, base_refresh_interval = 1 }, typename = "Post" }
    assert(sync:ready(20))
    assert.equal("p1 p2 p3", ids())
    fill(false)
    wait_for(function() return sync:status().err ~= nil end)
    assert.equal("protocol", sync:status().err.kind)
    assert.equal("the service's answer to the base query has null for the list gap.items; where there are no records the list "
      .. "has to be empty", sync:status().err.message)
    assert.equal("waiting", sync:status().phase)
    assert.equal("p1 p2 p3", ids())
    fill(true)
    wait_for(function() return sync:status().err == nil and sync:status().phase == "live" end)
    assert.equal("p1 p2 p3", ids())
  end)

  it("takes null for a delta query's list as no change", function()
    fill(true)
    local sync = client:sync{
      base_query = GAP, delta_query = "query ($lastSync: AWSTimestamp) { changes(lastSync: $lastSync) { id version } }",
      typename = "Post", delta_window = 4,
    }
    assert(sync:ready(20))
    wait_for(function() return service.log("?on=request&field=changes")[1] ~= nil end)
    wait_for(function() return sync:status().phase == "live" end)
    assert.equal("p1 p2 p3", ids())
    assert.is_nil(sync:status().err)
  end)
end)
