-- Temporary ids in the outbox, against a service that makes ids of its own: what was queued for a record that the service
-- hasn't made yet reaches it under the service's id, whenever the process ends in between.
local app = require "spec.support.items"
local appsync = require "appsync"
local core = require "appsync.core"
local effects = require "spec.support.effects"
local program = require "spec.support.program"

local CREATE, UPDATE, REMOVE, LIST, GET = app.CREATE, app.UPDATE, app.REMOVE, app.LIST, app.GET
local connect, offline, restart, online, item, create, update, dead = app.connect, app.offline, app.restart, app.online, app.item, app.create, app.update, app.dead
local items = app.at_service

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
assert(client:mutate(%q, { input = { name = value.name, parent = value.parent } }, {
  optimistic_response = { createItem = value }, idempotent = true,
}))
]]

describe("temporary ids in the outbox", function()
  setup(app.begin)
  teardown(app.finish)
  before_each(app.reset)
  after_each(app.leave)

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
      app.new_store()
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
        app.served.fault("late_answer", { field = "createItem", times = 1, ms = 60000 })
        app.client:set_online(true)
        while not items()[name] do appsync.sleep(0.002) end
        restart()
        app.served.calm()
      end
      online()
      local all = items()
      local made_post, made_comment = all[name .. "!"], all["comment! " .. point]
      if point ~= 4 then
        assert.is_table(made_post, point)
        assert.equal(made_post.id, made_comment.parent)
        assert.same({}, dead())
        assert.equal(name .. "!", app.client:read_query(GET, { id = post }).item.name)
        assert.equal(made_post.id, app.client:read_query(GET, { id = post }).item.id)
      else -- whether it was made isn't known: what needs it isn't sent with an id that nobody knows
        local ends = {}
        for i, letter in ipairs(dead()) do ends[i] = letter.cause.outcome end
        assert.same({ "unknown", "blocked", "blocked", "blocked" }, ends)
      end
    end
  end)

  it("are parked with what named them when their maker is refused, and follow it when it is retried", function()
    offline()
    local post = appsync.uuid()
    local _, info = create(post, "post")
    create(appsync.uuid(), "comment", { parent = post })
    update(post, "post 2")
    app.served.fault("error", { field = "createItem", times = 1 })
    online()
    assert.same({}, items())
    local letters = dead()
    assert.equal(3, #letters)
    assert.equal(info.id, letters[1].id)
    for i = 2, 3 do assert.equal(info.id, letters[i].cause.blocked_by) end
    restart()
    app.client:set_online(true)
    assert(app.client.outbox:retry(info.id))
    assert(app.client.outbox:drain{ timeout = 20 })
    local all = items()
    assert.equal(all["post 2"].id, all.comment.parent)
    assert.same({}, dead())
    assert.equal(all["post 2"].id, app.client:read_query(GET, { id = post }).item.id)
  end)

  it("give way when their maker is queued again by appsync inspect, without its optimistic layer", function()
    offline()
    local post = appsync.uuid()
    local _, info = create(post, "post")
    create(appsync.uuid(), "comment", { parent = post })
    update(post, "post 2")
    app.served.fault("error", { field = "createItem", times = 1 })
    online()
    assert.equal(3, #dead())
    app.client:close(5)
    local json = assert(core.repair(app.path(), "retry", info.id))
    assert.equal(3, #appsync.decode(json).retried)
    offline()
    online()
    assert.same({}, dead())
    local all = items()
    assert.equal(all["post 2"].id, all.comment.parent)
    assert.equal(all["post 2"].id, app.client:query(GET, { id = post }).item.id)
  end)

  it("give way without their optimistic layer, which was cleared with the cache", function()
    local client = offline()
    local post = appsync.uuid()
    create(post, "post")
    create(appsync.uuid(), "comment", { parent = post })
    client:clear()
    online()
    local all = items()
    assert.equal(all.post.id, all.comment.parent)
    assert.equal(all.post.id, client:query(GET, { id = post }).item.id)
    assert.same({}, dead())
  end)

  it("stay parked when their maker is discarded", function()
    offline()
    local post = appsync.uuid()
    local _, info = create(post, "post")
    create(appsync.uuid(), "comment", { parent = post })
    assert(app.client.outbox:discard(info.id))
    local _, err = app.client:mutate(CREATE, { input = { name = "late", parent = post } })
    assert.equal(info.id, err.cause.blocked_by)
    restart()
    online()
    assert.same({}, items())
    assert.equal(2, #dead())
    for _, letter in ipairs(dead()) do assert.equal(info.id, letter.cause.blocked_by) end
    -- somebody else makes it now
    app.client:set_online(false)
    create(post, "another")
    update(post, "another 2")
    online()
    assert.is_table(items()["another 2"])
  end)

  it("are nothing but UUIDs of records that are to be made", function()
    connect()
    local known = app.served.ask(CREATE, { input = { name = "known" } }).data.createItem.id
    app.client:query(LIST)
    app.client:set_online(false)
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
    local path = app.path()
    local function step(text, is_online)
      local output = program(STEP:format(app.served.endpoint, effects.API_KEY, path, tostring(is_online == true), text))
      assert.is_truthy(output:find("done", 1, true), output)
    end
    step(CREATE_STEP:format(appsync.encode(item(post, "post")), CREATE))
    step(CREATE_STEP:format(appsync.encode(item(comment, "comment", { parent = post })), CREATE))
    step(("assert(client:mutate(%q, { id = %q, name = 'post 2' }, { idempotent = true }))"):format(UPDATE, post))
    -- the maker is done, and nothing else, when the process ends
    app.served.fault("unavailable", { field = "createItem", times = 100, after = 1, seconds = 30 })
    step([[
while client.outbox:size() == 3 do appsync.sleep(0.002) end
]], true)
    app.served.calm()
    local id = items().post.id
    offline()
    assert(app.client:hydrated(10))
    assert.equal("Item:" .. id, app.client:identify{ __typename = "Item", id = post })
    assert.equal(id, app.client:read_query(GET, { id = post }).item.id)
    assert.equal(post, app.client:read_query(GET, { id = comment }).item.parent) -- a field like any other
    online()
    local all = items()
    assert.equal(id, all["post 2"].id)
    assert.equal(id, all.comment.parent)
    assert.equal(id, app.client:read_query(GET, { id = comment }).item.parent)
    assert.is_nil(all.post)
    assert.same({}, dead())
  end)

  it("wait for a maker that is edited", function()
    for _, order in ipairs{ "serial", "entity" } do
      app.new_store()
      offline{ outbox = { order = order } }
      local post, name = appsync.uuid(), "edited " .. order
      local _, info = create(post, "post")
      create(appsync.uuid(), "comment " .. order, { parent = post })
      assert(app.client.outbox:edit(info.id, { input = { id = post, name = name } }))
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
    assert(app.client:mutate(CREATE, { input = { name = "both", parent = two, links = { one, two } } }))
    assert(app.client:mutate(REMOVE, { id = one }))
    online()
    local all = items()
    assert.is_nil(all.one)
    assert.equal(all.two.id, all.both.parent)
    assert.equal(all.two.id, all.both.links[2])
  end)

  it("are the service's where a record is read to see what became of its mutation", function()
    offline()
    local id = appsync.uuid()
    local function doc(title) return { __typename = "Doc", id = id, title = title, _version = 1 } end
    assert(app.client:mutate("mutation D($title: String!) { createDoc(input: { title: $title }) { id title _version } }", {
      title = "one",
    }, { optimistic_response = { createDoc = doc "one" } }))
    assert(app.client:mutate("mutation E($input: UpdateDocInput!) { updateDoc(input: $input) { id title _version } }", {
      input = { id = id, title = "two", opId = "doc of " .. id, _version = 1 },
    }, { optimistic_response = { updateDoc = doc "two" } }))
    app.served.fault("lost_answer", { field = "updateDoc", times = 1 })
    online()
    assert.same({}, dead())
    assert.equal(1, app.served.count("doc of " .. id))
    local results = app.client.outbox:results()
    local made = results[#results].data.updateDoc
    assert.same({ "two", 2 }, { made.title, made._version })
    assert.not_equal(id, made.id)
  end)

  it("that the service keeps are their own", function()
    offline()
    local id = appsync.uuid()
    local todo = { __typename = "Todo", id = id, name = "n" }
    assert(app.client:mutate("mutation T($input: CreateTodoInput!) { createTodo(input: $input) { id name } }", {
      input = { id = id, name = "n" },
    }, { optimistic_response = { createTodo = todo } }))
    create(appsync.uuid(), "item of a todo", { parent = id })
    online()
    assert.equal(id, items()["item of a todo"].parent)
    assert.equal("Todo:" .. id, app.client:identify{ __typename = "Todo", id = id })
  end)

  it("are waited for also where their maker goes in another auth mode", function()
    local iam = { type = "AWS_IAM", region = "us-east-1", credentials = { access_key_id = "AKIDEFFECTS", secret_access_key = "secret" } }
    offline{ auths = { iam } }
    local post = appsync.uuid()
    create(post, "post", nil, { auth_mode = "AWS_IAM" })
    create(appsync.uuid(), "comment", { parent = post })
    update(post, "post 2")
    app.served.fault("unavailable", { field = "createItem", times = 1, seconds = 1 })
    online()
    local all = items()
    assert.equal(all["post 2"].id, all.comment.parent)
    assert.same({}, dead())
  end)
end)
