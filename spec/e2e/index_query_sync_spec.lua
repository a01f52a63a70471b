-- examples/delta-sync/index_query.*: a delta sync of a service without a journal, whose delta query is an index query.
local appsync = require "appsync"
local faults = require "spec.support.faults"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local FIELDS = "id title updatedAt _deleted"
local BASE = ([[query Base($limit: Int, $nextToken: String) {
  listPosts(filter: {_deleted: {ne: true}}, limit: $limit, nextToken: $nextToken) { items { %s } nextToken }
}]]):format(FIELDS)
local DELTA = ([[query Delta($lastSync: AWSTimestamp, $limit: Int, $nextToken: String) {
  listPostsDelta(lastSync: $lastSync, limit: $limit, nextToken: $nextToken) { items { %s } nextToken }
}]]):format(FIELDS)
local LIVE = ("subscription Live { onDeltaPost { %s } }"):format(FIELDS)

describe("a delta sync by an index query", function()
  local service, author, clients

  before_each(function()
    service, clients = faults.start{
      schema = process.read "examples/delta-sync/index_query.graphql",
      arguments = { "--resolvers", "examples/delta-sync/index_query.lua", "--clock", "-3600" },
    }, {}
    author = appsync.client{ endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = false }
    clients[1] = author
  end)

  after_each(function()
    for _, client in ipairs(clients) do client:close(5) end
    process.stop_all()
  end)

  local function write(name, input)
    local query = "mutation W($input: %sInput!) { %s(input: $input) { %s } }"
    appsync.assert(author:mutate(query:format(name:gsub("^%l", string.upper), name, FIELDS), { input = input }))
  end

  local function device(store)
    local client = appsync.client{ endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = store }
    clients[#clients + 1] = client
    local sync = client:sync(appsync.build_sync("Post", {
      base_query = { query = BASE, variables = { limit = 4 } }, delta_query = { query = DELTA, variables = { limit = 4 } },
      subscription_query = { query = LIVE },
    }))
    assert.is_true(appsync.assert(sync:ready(10)))
    return client
  end

  -- "p1 title, p2 title", in the order of their ids.
  local function shown(client)
    local list = {}
    for i, post in ipairs(client:read_query(BASE, { limit = 4 }).listPosts.items) do list[i] = post.id .. " " .. post.title end
    table.sort(list)
    return table.concat(list, ", ")
  end

  local function becomes(client, text)
    wait_for(function() return shown(client) == text end, text, function() return shown(client) end)
  end

  -- How often each query was sent since the last time.
  local function asked()
    local counts = {}
    for _, entry in ipairs(service.log "?on=request&kind=query") do
      for _, field in ipairs(entry.fields) do counts[field] = (counts[field] or 0) + 1 end
    end
    faults.call(service.url, "DELETE", "/log")
    return counts
  end

  it("brings all that isn't deleted, then what changes, and after a restart what has changed", function()
    local store = process.temporary ".db"
    for i = 1, 6 do write("createPost", { id = "p" .. i, title = "a", author = "b" }) end
    write("deletePost", { id = "p6" })
    faults.call(service.url, "POST", "/clock", { data_offset_s = 0 }) -- an hour later
    local client = device(store)
    assert.equal("p1 a, p2 a, p3 a, p4 a, p5 a", shown(client))
    write("updatePost", { id = "p1", title = "c" })
    write("deletePost", { id = "p2" })
    becomes(client, "p1 c, p3 a, p4 a, p5 a")
    client:close(5)
    asked()
    write("updatePost", { id = "p3", title = "d" })
    write("deletePost", { id = "p4" })
    write("createPost", { id = "p7", title = "e", author = "b" })
    client = device(store)
    becomes(client, "p1 c, p3 d, p5 a, p7 e")
    local counts = asked()
    assert.is_nil(counts.listPosts)
    assert.is_true(counts.listPostsDelta >= 1)
  end)
end)
