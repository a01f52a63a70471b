-- spec/support/synced_posts.lua: a fixture that counted wrongly would let any client pass.
local core = require "appsync.core"
local process = require "spec.support.process"
local socket = require "socket"
local http = require "socket.http"
local ltn12 = require "ltn12"
local synced_posts = require "spec.support.synced_posts"

describe("the server of synced posts", function()
  local posts

  after_each(process.stop_all)

  -- As a client asks: the decoded answer, or nil and the HTTP status, and when it was made.
  local function ask(query, variables)
    local body, chunks = core.encode{ query = query, variables = variables }, {}
    local headers = { ["content-type"] = "application/json", ["x-api-key"] = synced_posts.API_KEY, ["content-length"] = tostring(#body) }
    local _, status, received = http.request{
      url = posts.endpoint, method = "POST", headers = headers, source = ltn12.source.string(body), sink = ltn12.sink.table(chunks),
    }
    if status ~= 200 then return nil, status, received end
    return core.decode(table.concat(chunks)), status, received
  end

  local function walk(document, variables)
    local ids, token = {}, nil
    repeat
      local answer = ask(document, { limit = variables.limit, lastSync = variables.lastSync, nextToken = token })
      local page = select(2, next(answer.data))
      for _, post in ipairs(page.items) do ids[#ids + 1] = post.id end
      token = page.nextToken ~= core.null and page.nextToken or nil
    until not token
    return ids
  end

  it("loads posts that no delta tells of, and counts what clients ask for", function()
    posts = synced_posts.start{ n = 250 }
    local ids = walk(synced_posts.PAGES, { limit = 100 })
    assert.same({ 250, "p0001", "p0250" }, { #ids, ids[1], ids[250] })
    assert.same({ listPostsPage = 3 }, posts.asked())
    posts.update("p0003", { title = "changed" })
    posts.delete "p0004"
    posts.create{ id = "new", title = "new" }
    assert.same({ "p0003", "p0004", "new" }, walk(synced_posts.DELTA_PAGES, { lastSync = 0 }))
    assert.equal(3, #ask(synced_posts.DELTA, { lastSync = 0 }).data.listPostsDelta)
    assert.equal(250, #ask(synced_posts.LIST).data.listPosts)
    assert.same({ listPostsDelta = 1, listPostsDeltaPage = 1, listPosts = 1 }, posts.asked())
    assert.same({}, posts.asked())
    local all = posts.all()
    assert.same({ "changed", 2 }, { all.p0003.title, all.p0003.version })
    assert.is_nil(all.p0004)
    assert.same({}, posts.asked())
  end)

  it("tells with which arguments it was asked", function()
    posts = synced_posts.start{ n = 3 }
    ask(synced_posts.PAGES, { limit = 2 })
    ask(synced_posts.DELTA, { lastSync = 17 })
    assert.same({ { field = "listPostsPage", limit = 2 }, { field = "listPostsDelta", lastSync = 17 } }, posts.arguments())
    assert.same({}, posts.arguments())
  end)

  it("loads ten thousand posts in a moment", function()
    posts = synced_posts.start()
    local began = socket.gettime()
    posts.load(10000)
    assert.is_true(socket.gettime() - began < 20)
    assert.equal(10000, #walk(synced_posts.PAGES, { limit = 1000 }))
  end)

  it("fails a page as often as it is told to", function()
    posts = synced_posts.start{ n = 5 }
    posts.fail("listPostsPage", { after = 1 })
    assert.is_nil(ask(synced_posts.PAGES, { limit = 2 }).errors)
    local answer = ask(synced_posts.PAGES, { limit = 2 })
    assert.same({ core.null, "DynamoDB:DynamoDbException" }, { answer.data.listPostsPage, answer.errors[1].errorType })
    assert.is_nil(ask(synced_posts.PAGES, { limit = 2 }).errors)
    posts.fail("listPostsDelta", { status = 503, headers = { ["Retry-After"] = "1" }, times = 2 })
    for _ = 1, 2 do
      local _, status, headers = ask(synced_posts.DELTA)
      assert.same({ 503, "1" }, { status, headers["retry-after"] })
    end
    assert.is_nil(ask(synced_posts.DELTA).errors)
    assert.same({ listPostsPage = 3, listPostsDelta = 3 }, posts.asked())
  end)

  it("refuses tokens that have expired", function()
    posts = synced_posts.start{ n = 5 }
    local token = ask(synced_posts.PAGES, { limit = 2 }).data.listPostsPage.nextToken
    assert.is_nil(ask(synced_posts.PAGES, { limit = 2, nextToken = token }).errors)
    posts.expire_tokens()
    local fault = ask(synced_posts.PAGES, { limit = 2, nextToken = token }).errors[1]
    assert.equal("DynamoDB:UserIllegalArgumentException", fault.errorType)
    assert.equal(5, #walk(synced_posts.PAGES, { limit = 2 }))
  end)

  it("gives null for a post that is spoiled, and an error at its path", function()
    posts = synced_posts.start{ n = 5 }
    posts.spoil "p0002"
    local answer = ask(synced_posts.PAGES, { limit = 3 })
    assert.same({ "p0001", core.null, "p0003" },
      { answer.data.listPostsPage.items[1].id, answer.data.listPostsPage.items[2], answer.data.listPostsPage.items[3].id })
    assert.same({ "listPostsPage", "items", 1, "title" }, answer.errors[1].path)
    posts.spoil("p0002", false)
    assert.is_nil(ask(synced_posts.PAGES, { limit = 3 }).errors)
  end)

  it("goes ahead in time, with the Date of its answers and its journal", function()
    posts = synced_posts.start{ n = 1, ttl = 60 }
    posts.update("p0001", { title = "changed" })
    local before = ask(synced_posts.DELTA_PAGES).data.listPostsDeltaPage
    assert.equal(1, #before.items)
    posts.advance(3600)
    local answer, _, headers = ask(synced_posts.DELTA_PAGES)
    local after = answer.data.listPostsDeltaPage
    assert.equal(0, #after.items)
    assert.is_true(after.startedAt - before.startedAt >= 3600000)
    local dates, made_s = {}, math.floor(after.startedAt / 1000)
    for i = 0, 2 do dates[i] = os.date("!%a, %d %b %Y %H:%M:%S GMT", made_s + i) end
    assert.is_true(headers.date == dates[0] or headers.date == dates[1] or headers.date == dates[2], headers.date)
  end)
end)
