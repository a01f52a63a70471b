-- Delta syncs whose events come twice, late, in another order or not at all.
local appsync = require "appsync"
local synced_client = require "spec.support.synced_client"
local wait_for = require "spec.support.wait"

describe("events of a delta sync", function()
  local posts, client

  setup(function() posts = synced_client.begin{ n = 9 } end)
  teardown(synced_client.finish)
  before_each(function()
    posts.clear()
    synced_client.new_store()
    client = synced_client.connect()
  end)
  after_each(synced_client.close_all)

  local function start(options)
    local sync = client:sync(synced_client.built(options))
    assert(sync:ready(10))
    return sync
  end

  local function title(id)
    local post = client:read_fragment("Post:" .. id, "fragment F on Post { title }")
    return post and post.title
  end

  it("in another order end in the newest state", function()
    start()
    posts.add{ match = { on = "event", times = 1 }, fault = { reorder = { by = 2 } } }
    posts.update("p0001", { title = "first" })
    posts.update("p0001", { title = "second" })
    posts.update("p0001", { title = "third" })
    synced_client.wait_equal(client)
    posts.flush()
    posts.update("p0002", { title = "after them" })
    wait_for(function() return title "p0002" == "after them" end)
    assert.equal("third", title "p0001")
  end)

  it("that come after the deletion don't bring the record back", function()
    start()
    posts.add{ match = { on = "event", times = 1 }, fault = { reorder = { by = 1 } } }
    posts.update("p0003", { title = "late" })
    posts.delete "p0003"
    posts.flush()
    posts.update("p0002", { title = "after the deletion" })
    wait_for(function() return title "p0002" == "after the deletion" end)
    synced_client.wait_equal(client)
    assert.is_nil(title "p0003")
  end)

  it("that come twice do no harm", function()
    start()
    posts.add{ match = { on = "event" }, fault = { duplicate = 2 } }
    posts.update("p0004", { title = "twice" })
    posts.create{ id = "twice", title = "made twice" }
    posts.delete "p0005"
    synced_client.wait_equal(client)
    posts.clear()
    posts.update("p0002", { title = "after the doubles" })
    wait_for(function() return title "p0002" == "after the doubles" end)
    synced_client.wait_equal(client)
  end)

  it("that were lost come by the next delta query", function()
    start{ delta_window = 4 }
    posts.add{ match = { on = "event" }, fault = { lose = true } }
    posts.update("p0006", { title = "unheard" })
    posts.clear()
    synced_client.wait_equal(client)
  end)

  it("of a mutation that doesn't select the version lead to a delta query", function()
    start()
    posts.asked()
    posts.ask("mutation { updatePost(input: { id: \"p0007\", title: \"thin\" }) { id title } }")
    synced_client.wait_equal(client)
    assert.same({ listPostsDelta = 1 }, posts.asked())
    wait_for(function() return table.concat(synced_client.logged, "\n"):find("isn't whole (it has no record, or no version)", 1, true) end)
  end)

  it("and queries without a version are taken in the order in which they come", function()
    local fields = "id title author content url ups downs createdAt updatedAt"
    local sync = client:sync(appsync.build_sync("Post", {
      base_query = { query = ("query L { listPosts { %s } }"):format(fields) },
      delta_query = { query = ("query D($lastSync: AWSTimestamp) { listPostsDelta(lastSync: $lastSync) { %s aws_ds } }"):format(fields) },
      subscription_query = { query = ("subscription S { onDeltaPost { %s aws_ds } }"):format(fields) },
      version_field = "",
    }))
    assert(sync:ready(10))
    assert.is_false(sync:status().ordered)
    posts.update("p0008", { title = "one" })
    posts.update("p0008", { title = "two" })
    wait_for(function() return title "p0008" == "two" end)
    posts.delete "p0009"
    wait_for(function() return title "p0009" == nil end)
  end)

  it("are of the records that the queries bring, whatever the aliases of their fields", function()
    local fields = "key: id title: author heading: title rev: version"
    local base = ("query L { listPosts { %s } }"):format(fields)
    local sync = client:sync{
      base_query = base, typename = "Post",
      delta_query = ("query D($lastSync: AWSTimestamp) { listPostsDelta(lastSync: $lastSync) { %s kind: aws_ds } }"):format(fields),
      subscription_query = "subscription S { onDeltaPost { nr: id heading: title title: author v: version gone: aws_ds } }",
    }
    assert(sync:ready(10))
    assert.same({ true, {} }, { sync:status().ordered, sync:status().quarantined })
    posts.update("p0001", { title = "renamed" })
    wait_for(function() return title "p0001" == "renamed" end)
    local n = #client:read_query(base).listPosts
    posts.delete "p0002"
    wait_for(function() return #client:read_query(base).listPosts == n - 1 end)
    assert.is_nil(title "p0002")
  end)

  it("of a record that is made again under the same id bring it back", function()
    start()
    posts.create{ id = "again", title = "first life" }
    posts.delete "again"
    synced_client.wait_equal(client)
    posts.create{ id = "again", title = "second life" }
    synced_client.wait_equal(client)
    assert.equal("second life", title "again")
  end)

  it("and pages leave the list readable that are older than a mutation's answer with fewer fields", function()
    local narrow = "mutation U($input: UpdatePostInput!) { updatePost(input: $input) { id version title } }"
    posts.add{ match = { on = "request", field = "listPosts", times = 1 }, fault = { delay = { ms = 300, after_effect = true } } }
    local sync = client:sync(synced_client.built{ subscription_query = false })
    wait_for(function() return sync:status().phase == "base" end)
    assert(client:mutate(narrow, { input = { id = "p0006", title = "mine" } }, { queue = false }))
    assert(sync:ready(10))
    assert.equal("mine", title "p0006")
    synced_client.wait_equal(client)
  end)
end)
