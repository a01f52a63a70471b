-- What a delta sync has brought, in a store that has too little room, or whose records grow old.
local synced_client = require "spec.support.synced_client"

describe("a synced list in a small store", function()
  local posts

  setup(function() posts = synced_client.begin{ n = 1500 } end)
  teardown(synced_client.finish)
  before_each(synced_client.new_store)
  after_each(synced_client.close_all)

  local SMALL = { max_bytes = 64 * 1024 }

  it("stays whole as long as the sync works", function()
    local client = synced_client.connect{ cache = SMALL }
    local sync = client:sync(synced_client.built())
    assert(sync:ready(10))
    assert(client:gc())
    synced_client.wait_equal(client)
  end)

  it("is fetched anew by the next sync, where records had to leave after the last one", function()
    local client = synced_client.connect{ cache = SMALL }
    local sync = client:sync(synced_client.built())
    assert(sync:ready(10))
    sync:unsubscribe()
    assert(client:gc())
    assert.is_nil(synced_client.list(client))
    posts.asked()
    sync = client:sync(synced_client.built())
    assert(sync:ready(10))
    synced_client.wait_equal(client)
    assert.same({ listPosts = 1 }, posts.asked())
  end)
end)
