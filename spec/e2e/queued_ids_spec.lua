-- Temporary ids in the outbox, against a service that makes ids of its own: what was queued for a record that the service
-- hasn't made yet reaches it under the service's id, whenever the process ends in between.
local appsync = require "appsync"
local effects = require "spec.support.effects"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local program = require "spec.support.program"

local FIELDS = "{ id name rank parent links }"
local CREATE = "mutation C($input: ItemInput!) { createItem(input: $input) " .. FIELDS .. " }"
local UPDATE = "mutation U($id: ID!, $name: String, $rank: Int) { updateItem(id: $id, name: $name, rank: $rank) " .. FIELDS .. " }"
local REMOVE = "mutation R($id: ID!) { removeItem(id: $id) " .. FIELDS .. " }"
local LIST = "query L { items " .. FIELDS .. " }"
local BELOW = "query B($parent: ID) { items(parent: $parent) " .. FIELDS .. " }"
local GET = "query G($id: ID!) { item(id: $id) " .. FIELDS .. " }"

local null = appsync.null

-- One step of an application that is killed when it is done.
local STEP = [[
local appsync = require "appsync"
local client = assert(appsync.client{
  endpoint = %q, auth = { type = "API_KEY", api_key = %q }, store = %q, cache = { lookups = { ["Query.item"] = "Item" } },
})
client:set_online(%s)
%s
io.stdout:write "done"
io.stdout:flush()
os.execute "kill -KILL $PPID"
]]

local CREATE_STEP = [[
local value = appsync.decode %q
assert(client:mutate(%q, { input = { name = value.name, parent = value.parent } }, { optimistic_response = { createItem = value } }))
]]

describe("temporary ids in the outbox", function()
  local served, made, client, n_stores, logged, outcomes
  n_stores = 0

  setup(function()
    made = folder.make()
    served = effects.start()
  end)

  teardown(function()
    served.stop()
    made.remove()
    process.stop_all()
  end)

  local function connect(options)
    options = options or {}
    options.endpoint, options.realtime_endpoint = served.endpoint, served.realtime
    options.auth = { type = "API_KEY", api_key = effects.API_KEY }
    options.store = options.store or ("%s/%d.db"):format(made.path, n_stores)
    options.log = function(level, message) logged[#logged + 1] = level .. ": " .. message end
    options.offline = { callback = function(err, success) outcomes[#outcomes + 1] = err or success end }
    options.cache = options.cache or { lookups = { ["Query.item"] = "Item" } }
    client = assert(appsync.client(options))
    if options.is_online ~= nil then client:set_online(options.is_online) end
    return client
  end

  local function offline(options)
    connect(options)
    client:set_online(false)
    return client
  end

  -- The process ends and begins anew.
  local function restart(options)
    client:close(0)
    return offline(options)
  end

  local function online()
    client:set_online(true)
    assert(client.outbox:drain{ timeout = 20 })
  end

  before_each(function()
    n_stores, logged, outcomes = n_stores + 1, {}, {}
    for _, item in ipairs(served.ask(LIST).data.items) do served.ask(REMOVE, { id = item.id }) end
  end)

  after_each(function()
    client:close(0)
    served.calm()
  end)

  local function item(id, name, more)
    local value = { __typename = "Item", id = id, name = name, rank = null, parent = null, links = null }
    for key, other in pairs(more or {}) do value[key] = other end
    return value
  end

  local function create(temporary, name, more, options)
    local input = { id = temporary, name = name }
    for key, other in pairs(more or {}) do input[key] = other end
    options = options or {}
    options.optimistic_response = { createItem = item(temporary, name, more) }
    local data, err, info = client:mutate(CREATE, { input = input }, options)
    assert(data, err)
    return data, info
  end

  local function update(id, name, options)
    options = options or {}
    options.optimistic_response = options.optimistic_response or { updateItem = item(id, name) }
    local data, err, info = client:mutate(UPDATE, { id = id, name = name }, options)
    assert(data, err)
    return data, info
  end

  local function items()
    local by_name = {}
    for _, each in ipairs(served.ask(LIST).data.items) do by_name[each.name] = each end
    return by_name
  end

  local function dead()
    return assert(client.outbox:dead_letters{})
  end

  it("give way in everything that was queued after them, in their order", function()
    offline()
    local post = appsync.uuid()
    local data, info = create(post, "post")
    assert.is_true(info.queued)
    assert.equal(post, data.createItem.id)
    create(appsync.uuid(), "comment", { parent = post, links = { post, "x" .. post, "t1" } })
    update(post, "post 2")
    online()
    local all = items()
    assert.is_nil(all.post)
    local id = all["post 2"].id
    assert.not_equal(post, id)
    assert.equal(id, all.comment.parent)
    assert.same({ id, "x" .. post, "t1" }, all.comment.links)
    assert.same({}, dead())
  end)

  it("give way across a restart at every point", function()
    for point = 1, 4 do
      n_stores = n_stores + 1
      if client then client:close(0) end
      offline()
      local post, comment = appsync.uuid(), appsync.uuid()
      local name = "post " .. point
      create(post, name)
      if point == 1 then restart() end
      create(comment, "comment " .. point, { parent = post })
      if point == 2 then restart() end
      update(post, name .. "!")
      update(comment, "comment! " .. point, { optimistic_response = { updateItem = item(comment, "c", { parent = post }) } })
      if point == 3 then restart() end
      if point == 4 then -- the answer to the first one is lost with the process
        served.fault("delay", { field = "createItem", times = 1, ms = 200 })
        client:set_online(true)
        appsync.sleep(0.05)
        restart()
        served.calm()
      end
      online()
      local all = items()
      local made_post, made_comment = all[name .. "!"], all["comment! " .. point]
      if point ~= 4 then
        assert.is_table(made_post, point)
        assert.equal(made_post.id, made_comment.parent)
        assert.same({}, dead())
        assert.equal(name .. "!", client:read_query(GET, { id = post }).item.name)
        assert.equal(made_post.id, client:read_query(GET, { id = post }).item.id)
      else -- whether it was made isn't known: nothing that needs it is sent with an id that nobody knows
        for _, each in pairs(all) do assert.not_equal(post, each.parent) end
        for _, letter in ipairs(dead()) do assert.is_truthy(letter.id) end
      end
    end
  end)

  it("are the service's for reads, fragments, keys and writes, also after a restart", function()
    offline()
    local post = appsync.uuid()
    create(post, "post")
    assert.equal("post", client:read_query(GET, { id = post }).item.name)
    online()
    for round = 1, 2 do
      local id = items().post.id
      assert.equal(id, client:read_query(GET, { id = post }).item.id)
      assert.equal("post", client:read_fragment("Item:" .. post, "fragment N on Item { name }").name)
      assert.equal("Item:" .. id, client:identify{ __typename = "Item", id = post })
      assert.is_true(client:modify("Item:" .. post, "rank", function() return round end))
      assert.equal(round, client:read_fragment("Item:" .. id, "fragment N on Item { rank }").rank)
      assert(client:write_fragment("Item:" .. post, "fragment N on Item { name }", { name = "written" }))
      assert.equal("written", client:read_query(GET, { id = id }).item.name)
      assert(client:write_query(GET, { id = post }, { item = item(post, "post") }))
      assert.equal("post", client:read_query(GET, { id = id }).item.name)
      assert.is_nil(client.root.handle and client:read_fragment("Item:none", "fragment N on Item { name }"))
      restart()
    end
    client:set_online(true)
    local id = items().post.id
    local data, _, info = client:query(GET, { id = post }, { fetch_policy = "network-only" })
    assert.equal(id, data.item.id)
    assert.equal("network", info.source)
    client:evict("Item:" .. post)
    assert.is_nil(client:read_query(GET, { id = id }))
    assert.equal(id, client:query(GET, { id = post }).item.id)
  end)

  it("never show a record again that the service has named", function()
    offline()
    local post = appsync.uuid()
    create(post, "post")
    online()
    client:query(LIST)
    client:set_online(false)
    local data = update(post, "later")
    local id = items().post.id
    assert.equal(id, data.updateItem.id)
    assert.is_true(client:is_optimistic(data))
    assert.equal("later", client:read_query(LIST).items[1].name)
    assert.equal(1, #client:read_query(LIST).items)
    assert.equal(id, client:read_query(LIST).items[1].id)
    local queued = assert(client.outbox:list{})
    assert.equal(id, queued[1].variables.id)
    online()
    assert.equal("later", items().later.name)
  end)

  it("are parked with what named them when their maker is refused, and follow it when it is retried", function()
    offline()
    local post = appsync.uuid()
    local _, info = create(post, "post")
    create(appsync.uuid(), "comment", { parent = post })
    update(post, "post 2")
    served.fault("error", { field = "createItem", times = 1 })
    online()
    assert.same({}, items())
    local letters = dead()
    assert.equal(3, #letters)
    assert.equal(info.id, letters[1].id)
    for i = 2, 3 do assert.equal(info.id, letters[i].cause.blocked_by) end
    restart()
    client:set_online(true)
    assert(client.outbox:retry(info.id))
    assert(client.outbox:drain{ timeout = 20 })
    local all = items()
    assert.equal(all["post 2"].id, all.comment.parent)
    assert.same({}, dead())
    assert.equal(all["post 2"].id, client:read_query(GET, { id = post }).item.id)
  end)

  it("stay parked when their maker is discarded", function()
    offline()
    local post = appsync.uuid()
    local _, info = create(post, "post")
    create(appsync.uuid(), "comment", { parent = post })
    assert(client.outbox:discard(info.id))
    local _, err = client:mutate(CREATE, { input = { name = "late", parent = post } })
    assert.equal(info.id, err.cause.blocked_by)
    restart()
    online()
    assert.same({}, items())
    assert.equal(2, #dead())
    for _, letter in ipairs(dead()) do assert.equal(info.id, letter.cause.blocked_by) end
    -- somebody else makes it now
    client:set_online(false)
    create(post, "another")
    update(post, "another 2")
    online()
    assert.is_table(items()["another 2"])
  end)

  it("are nothing but UUIDs of records that are to be made", function()
    connect()
    local known = served.ask(CREATE, { input = { name = "known" } }).data.createItem.id
    client:query(LIST)
    client:set_online(false)
    update(known, "known 2") -- the base knows it
    create("tmp-1", "short") -- no UUID
    local other = appsync.uuid()
    create(appsync.uuid(), "linked", { parent = other }) -- no identity field
    create(appsync.uuid(), "after", { parent = known, links = { "tmp-1", other } })
    online()
    local all = items()
    assert.equal(known, all["known 2"].id)
    assert.equal(other, all.linked.parent)
    assert.equal(known, all.after.parent)
    assert.same({ "tmp-1", other }, all.after.links)
    assert.same({}, dead())
  end)

  it("go on for records that are made side by side", function()
    offline{ outbox = { order = "entity" } }
    local posts = {}
    for i = 1, 5 do
      posts[i] = appsync.uuid()
      create(posts[i], "post " .. i)
      create(appsync.uuid(), "comment " .. i, { parent = posts[i] })
      update(posts[i], "post! " .. i)
    end
    online()
    local all = items()
    for i = 1, 5 do assert.equal(all["post! " .. i].id, all["comment " .. i].parent) end
    assert.same({}, dead())
  end)

  it("outlive a process that is killed after each step", function()
    local post, comment = appsync.uuid(), appsync.uuid()
    local path = ("%s/%d.db"):format(made.path, n_stores)
    local function step(text, is_online)
      local output = program(STEP:format(served.endpoint, effects.API_KEY, path, tostring(is_online == true), text))
      assert.is_truthy(output:find("done", 1, true), output)
    end
    step(CREATE_STEP:format(appsync.encode(item(post, "post")), CREATE))
    step(CREATE_STEP:format(appsync.encode(item(comment, "comment", { parent = post })), CREATE))
    step(("assert(client:mutate(%q, { id = %q, name = 'post 2' }))"):format(UPDATE, post))
    -- the maker is done, and nothing else, when the process ends
    served.fault("unavailable", { field = "createItem", times = 100, after = 1, seconds = 30 })
    step([[
while client.outbox:size() == 3 do appsync.sleep(0.002) end
]], true)
    served.calm()
    local id = items().post.id
    offline()
    assert(client:hydrated(10))
    assert.equal("Item:" .. id, client:identify{ __typename = "Item", id = post })
    assert.equal(id, client:read_query(GET, { id = post }).item.id)
    assert.equal(post, client:read_query(GET, { id = comment }).item.parent) -- a field like any other
    online()
    local all = items()
    assert.equal(id, all["post 2"].id)
    assert.equal(id, all.comment.parent)
    assert.equal(id, client:read_query(GET, { id = comment }).item.parent)
    assert.is_nil(all.post)
    assert.same({}, dead())
  end)

  it("wait for a maker that is edited", function()
    for _, order in ipairs{ "serial", "entity" } do
      n_stores = n_stores + 1
      if client then client:close(0) end
      offline{ outbox = { order = order } }
      local post, name = appsync.uuid(), "edited " .. order
      local _, info = create(post, "post")
      create(appsync.uuid(), "comment " .. order, { parent = post })
      assert(client.outbox:edit(info.id, { input = { id = post, name = name } }))
      online()
      local all = items()
      assert.is_table(all[name], order)
      assert.equal(all[name].id, all["comment " .. order].parent)
      assert.same({}, dead())
    end
  end)

  it("are found in mutations that are queued without an optimistic response, and in those of several", function()
    offline()
    local one, two = appsync.uuid(), appsync.uuid()
    create(one, "one")
    create(two, "two")
    assert(client:mutate(CREATE, { input = { name = "both", parent = two, links = { one, two } } }))
    assert(client:mutate(REMOVE, { id = one }))
    online()
    local all = items()
    assert.is_nil(all.one)
    assert.equal(all.two.id, all.both.parent)
    assert.equal(all.two.id, all.both.links[2])
  end)

  it("that the service keeps are their own", function()
    offline()
    local id = appsync.uuid()
    local todo = { __typename = "Todo", id = id, name = "n" }
    assert(client:mutate("mutation T($input: CreateTodoInput!) { createTodo(input: $input) { id name } }", {
      input = { id = id, name = "n" },
    }, { optimistic_response = { createTodo = todo } }))
    create(appsync.uuid(), "item of a todo", { parent = id })
    online()
    assert.equal(id, items()["item of a todo"].parent)
    assert.equal("Todo:" .. id, client:identify{ __typename = "Todo", id = id })
  end)

  it("take a watch with them, whose fetches ask by the service's", function()
    offline()
    local post = appsync.uuid()
    create(post, "post")
    local states = {}
    local watch = client:watch(GET, { id = post })
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
    served.ask(UPDATE, { id = id, name = "elsewhere" })
    local data = assert(watch:refetch())
    assert.equal("elsewhere", data.item.name)
    wait(function(shown) return shown.item.name == "elsewhere" end)
    for _, state in ipairs(states) do assert.is_truthy(state.data == nil or state.data.item ~= null) end
    client:write_fragment("Item:" .. id, "fragment N on Item { name }", { name = "here" })
    wait(function(shown) return shown.item.name == "here" end)
    s:unsubscribe()
  end)

  it("keep lists that were written under them until the service's are known", function()
    offline()
    local post, comment = appsync.uuid(), appsync.uuid()
    create(post, "post")
    client:write_query(BELOW, { parent = post }, { items = appsync.array() })
    local rule = { query = BELOW, variables = { parent = post }, kind = "add" }
    create(comment, "comment", { parent = post }, { cache_updates = rule })
    assert.equal("comment", client:read_query(BELOW, { parent = post }).items[1].name)
    served.fault("unavailable", { field = "createItem", times = 1, after = 1, seconds = 1 })
    client:set_online(true)
    for _ = 1, 1000 do
      if client:identify{ __typename = "Item", id = post } ~= "Item:" .. post then break end
      appsync.sleep(0.002)
    end
    assert.equal("comment", client:read_query(BELOW, { parent = post }).items[1].name)
    online()
    local all = items()
    local list = client:read_query(BELOW, { parent = post }).items
    assert.equal(1, #list)
    assert.equal(all.comment.id, list[1].id)
    assert.equal(all.post.id, list[1].parent)
    local data = client:query(BELOW, { parent = post }, { fetch_policy = "network-only" })
    assert.equal(all.comment.id, data.items[1].id)
    assert.equal(all.comment.id, client:read_query(BELOW, { parent = all.post.id }).items[1].id)
  end)

  it("are those of one identity", function()
    offline()
    local post = appsync.uuid()
    create(post, "post")
    online()
    local other = client:with{ identity = "ann", auth = { type = "API_KEY", api_key = effects.API_KEY } }
    assert.equal("Item:" .. post, other:identify{ __typename = "Item", id = post })
    assert.not_equal("Item:" .. post, client:identify{ __typename = "Item", id = post })
  end)
end)
