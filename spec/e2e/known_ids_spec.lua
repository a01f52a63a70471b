-- Temporary ids that the service has replaced, in what an application reads, writes and asks: they mean the service's records.
local app = require "spec.support.items"
local appsync = require "appsync"
local cache = require "appsync.client.cache"
local effects = require "spec.support.effects"

local UPDATE, LIST, BELOW, GET, ON_UPDATE = app.UPDATE, app.LIST, app.BELOW, app.GET, app.ON_UPDATE
local offline, restart, online, item, create, update = app.offline, app.restart, app.online, app.item, app.create, app.update
local items = app.at_service
local null = appsync.null

-- Calls `fn`; how often ids were looked up by this thread meanwhile, and how often it had to open the store for that.
local function count_looks(fn)
  local opened = assert(cache.open(app.client, "test"))
  local methods, n_looks, n_opened = debug.getmetatable(opened).__index, 0, 0
  local originals = {}
  for _, name in ipairs{ "has_ids", "made_id", "made_key", "read" } do
    originals[name] = methods[name]
    methods[name] = function(self, ...)
      n_looks = n_looks + 1
      if not self:ids_are_at_hand() then n_opened = n_opened + 1 end
      return originals[name](self, ...)
    end
  end
  local ok, raised = pcall(fn)
  for name, original in pairs(originals) do methods[name] = original end
  if not ok then error(raised, 0) end
  return n_looks, n_opened
end

describe("ids that took the place of temporary ones", function()
  setup(app.begin)
  teardown(app.finish)
  before_each(app.reset)
  after_each(app.leave)

  it("are the service's for reads, fragments, keys and writes, also after a restart", function()
    offline()
    local post = appsync.uuid()
    create(post, "post")
    assert.equal("post", app.client:read_query(GET, { id = post }).item.name)
    online()
    for round = 1, 2 do
      local id = items().post.id
      assert.equal(id, app.client:read_query(GET, { id = post }).item.id)
      assert.equal("post", app.client:read_fragment("Item:" .. post, "fragment N on Item { name }").name)
      assert.equal("Item:" .. id, app.client:identify{ __typename = "Item", id = post })
      assert.is_true(app.client:modify("Item:" .. post, "rank", function() return round end))
      assert.equal(round, app.client:read_fragment("Item:" .. id, "fragment N on Item { rank }").rank)
      assert(app.client:write_fragment("Item:" .. post, "fragment N on Item { name }", { name = "written" }))
      assert.equal("written", app.client:read_query(GET, { id = id }).item.name)
      assert(app.client:write_query(GET, { id = post }, { item = item(post, "post") }))
      assert.equal("post", app.client:read_query(GET, { id = id }).item.name)
        restart()
    end
    app.client:set_online(true)
    local id = items().post.id
    local data, _, info = app.client:query(GET, { id = post }, { fetch_policy = "network-only" })
    assert.equal(id, data.item.id)
    assert.equal("network", info.source)
    app.client:evict("Item:" .. post)
    assert.is_nil(app.client:read_query(GET, { id = id }))
    assert.equal(id, app.client:query(GET, { id = post }).item.id)
  end)

  it("never show a record again that the service has named", function()
    offline()
    local post = appsync.uuid()
    create(post, "post")
    online()
    app.client:query(LIST)
    app.client:set_online(false)
    local data = update(post, "later")
    local id = items().post.id
    assert.equal(id, data.updateItem.id)
    assert.is_true(app.client:is_optimistic(data))
    assert.equal("later", app.client:read_query(LIST).items[1].name)
    assert.equal(1, #app.client:read_query(LIST).items)
    assert.equal(id, app.client:read_query(LIST).items[1].id)
    local queued = assert(app.client.outbox:list{})
    assert.equal(id, queued[1].variables.id)
    online()
    assert.equal("later", items().later.name)
  end)

  it("take a watch with them, whose fetches ask by the service's", function()
    offline()
    local post = appsync.uuid()
    create(post, "post")
    local states = {}
    local watch = app.client:watch(GET, { id = post })
    local s = watch:subscribe(function(state) states[#states + 1] = state end)
    local function last() return states[#states] and states[#states].data end
    local function wait(is_there)
      for _ = 1, 2000 do
        if last() and is_there(last()) then return end
        appsync.sleep(0.002)
      end
      error "it didn't come"
    end
    wait(function(data) return data.item.id == post end)
    online()
    wait(function(data) return data.item.id ~= post end)
    local id = items().post.id
    assert.equal(id, last().item.id)
    app.served.ask(UPDATE, { id = id, name = "elsewhere" })
    local data = assert(watch:refetch())
    assert.equal("elsewhere", data.item.name)
    wait(function(shown) return shown.item.name == "elsewhere" end)
    for _, state in ipairs(states) do assert.is_truthy(state.data == nil or state.data.item ~= null) end
    app.client:write_fragment("Item:" .. id, "fragment N on Item { name }", { name = "here" })
    wait(function(shown) return shown.item.name == "here" end)
    s:unsubscribe()
  end)

  -- A frame would wait for it.
  describe("are found without opening the store on the application's thread", function()
    local post

    before_each(function()
      offline()
      post = appsync.uuid()
      create(post, "post")
      online()
      restart()
      app.client:set_online(true)
    end)

    it("by queries and mutations that are sent at once", function()
      local n_looks = count_looks(function()
        for _, policy in ipairs{ "network-only", "no-cache" } do
          local data = assert(app.client:query(GET, { id = post }, { fetch_policy = policy }))
          assert.equal(items().post.id, data.item.id)
        end
        local data = assert(app.client:mutate(UPDATE, { id = post, name = "post" }, { queue = false }))
        assert.equal(items().post.id, data.updateItem.id)
      end)
      assert.equal(0, n_looks)
    end)

    it("by subscriptions, which hear of the service's record", function()
      local events
      local n_looks = count_looks(function()
        events = app.client:subscribe(ON_UPDATE, { id = post }):subscribe()
        assert(events:ready(10))
      end)
      assert.equal(0, n_looks)
      app.served.ask(UPDATE, { id = items().post.id, name = "elsewhere" })
      assert.equal("elsewhere", assert(events:next(10)).onUpdateItem.name)
      events:unsubscribe()
    end)

    it("by watches, which wait until the core has opened it", function()
      local shown
      local n_looks, n_opened = count_looks(function()
        shown = app.client:watch(GET, { id = post }):subscribe()
        assert.equal(items().post.id, assert(shown:next(10)).data.item.id)
      end)
      shown:unsubscribe()
      assert.is_true(n_looks > 0)
      assert.equal(0, n_opened)
    end)

    it("by what is retained", function()
      assert.equal(0, (count_looks(function() assert(app.client:retain(GET, { id = post })) end)))
    end)

    it("by syncs", function()
      create(appsync.uuid(), "comment", { parent = items().post.id })
      online()
      restart()
      app.client:set_online(true)
      local sync
      local n_looks = count_looks(function()
        sync = app.client:sync{ base_query = { query = BELOW, variables = { parent = post } } }
        assert(sync:ready(10))
      end)
      assert.equal(0, n_looks)
      assert.equal("comment", app.client:read_query(BELOW, { parent = items().post.id }).items[1].name)
      sync:unsubscribe()
    end)
  end)

  it("keep lists that were written under them until the service's are known", function()
    offline()
    local post, comment = appsync.uuid(), appsync.uuid()
    create(post, "post")
    app.client:write_query(BELOW, { parent = post }, { items = appsync.array() })
    local rule = { query = BELOW, variables = { parent = post }, kind = "add" }
    create(comment, "comment", { parent = post }, { cache_updates = rule })
    assert.equal("comment", app.client:read_query(BELOW, { parent = post }).items[1].name)
    app.served.fault("unavailable", { field = "createItem", times = 1, after = 1, seconds = 1 })
    app.client:set_online(true)
    for _ = 1, 1000 do
      if app.client:identify{ __typename = "Item", id = post } ~= "Item:" .. post then break end
      appsync.sleep(0.002)
    end
    assert.equal("comment", app.client:read_query(BELOW, { parent = post }).items[1].name)
    online()
    local all = items()
    local list = app.client:read_query(BELOW, { parent = post }).items
    assert.equal(1, #list)
    assert.equal(all.comment.id, list[1].id)
    assert.equal(all.post.id, list[1].parent)
    local data = app.client:query(BELOW, { parent = post }, { fetch_policy = "network-only" })
    assert.equal(all.comment.id, data.items[1].id)
    assert.equal(all.comment.id, app.client:read_query(BELOW, { parent = all.post.id }).items[1].id)
  end)

  it("are those of one identity", function()
    offline()
    local post = appsync.uuid()
    create(post, "post")
    online()
    local other = app.client:with{ identity = "ann", auth = { type = "API_KEY", api_key = effects.API_KEY } }
    assert.equal("Item:" .. post, other:identify{ __typename = "Item", id = post })
    assert.not_equal("Item:" .. post, app.client:identify{ __typename = "Item", id = post })
  end)

  it("go with the outbox to the identity that adopts it, and not back", function()
    offline()
    local post = appsync.uuid()
    create(post, "post")
    online()
    local id = items().post.id
    local ann = app.client:with{ identity = "ann" }
    assert.equal("Item:" .. post, ann:identify{ __typename = "Item", id = post })
    assert(ann:adopt{ from = "" })
    assert.equal("Item:" .. id, ann:identify{ __typename = "Item", id = post })
    assert(ann:sign_out{ outbox = "wipe" })
    assert.equal("Item:" .. post, ann:identify{ __typename = "Item", id = post })
  end)
end)
