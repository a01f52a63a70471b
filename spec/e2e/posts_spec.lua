-- examples/posts: its resolvers, and its client against its server.
local core = require "appsync.core"
local engine_module = require "appsync.server.engine"
local process = require "spec.support.process"
local resolver_util = require "appsync.server.resolver_util"
local resolvers = require "appsync.server.resolvers"

local FIELDS = "{ id title author ups version aws_ds }"

describe("examples/posts", function()
  local engine, clock

  local function open(store)
    local function now() return clock end
    return assert(engine_module.new({
      schema_text = process.read("examples/posts/schema.graphql"),
      resolvers = assert(resolvers.load("examples/posts/resolvers.lua")).by_type,
      store = store, now = now, providers = { util = resolver_util.provider({ now = now, uuid = core.uuid }) },
    }))
  end

  before_each(function()
    clock = 1700000000.5
    engine = open()
  end)

  after_each(process.stop_all)

  local function execute(query, variables)
    return core.decode((engine:execute({ query = query, variables = variables })))
  end

  local function mutate(name, input)
    local type_name = name:gsub("^%l", string.upper) .. "Input!"
    local answer = execute(("mutation($input: %s) { post: %s(input: $input) %s }"):format(type_name, name, FIELDS), { input = input })
    return answer.data.post, answer.errors and answer.errors[1]
  end

  local function list(field)
    return execute("{ list: " .. field .. " " .. FIELDS .. " }").data.list
  end

  it("keeps posts in the base table and their changes in the journal", function()
    local post = mutate("createPost", { title = "a", author = "b" })
    assert.equal(1, post.version)
    assert.equal(0, post.ups)
    assert.equal("CREATE", post.aws_ds)
    assert.equal("UPDATE", mutate("updatePost", { id = post.id, ups = 1 }).aws_ds)
    local posts, changes = list("listPosts"), list("listPostsDelta(lastSync: 0)")
    assert.same({ 1, 2, core.null }, { posts[1].ups, posts[1].version, posts[1].aws_ds })
    assert.same({ 1, "UPDATE" }, { #changes, changes[1].aws_ds })
  end)

  it("tells of a deletion by the journal alone", function()
    local post = mutate("createPost", { id = "p", title = "a", author = "b" })
    assert.equal("DELETE", mutate("deletePost", { id = post.id, expectedVersion = 1 }).aws_ds)
    assert.same({}, list("listPosts"))
    assert.equal(core.null, execute('{ getPost(id: "p") { id } }').data.getPost)
    assert.equal("DELETE", list("listPostsDelta(lastSync: 0)")[1].aws_ds)
  end)

  it("counts lastSync in seconds and lets no change of its own second out", function()
    mutate("createPost", { title = "old", author = "b" })
    clock = clock + 60
    mutate("createPost", { title = "new", author = "b" })
    local function titles(arguments)
      local result = {}
      for i, change in ipairs(list("listPostsDelta" .. arguments)) do result[i] = change.title end
      return result
    end
    assert.same({ "old", "new" }, titles(""))
    assert.same({ "old", "new" }, titles("(lastSync: 1700000000)"))
    assert.same({ "new" }, titles("(lastSync: 1700000001)"))
    assert.same({ "new" }, titles("(lastSync: 1700000060)"))
    assert.same({}, titles("(lastSync: 1700000061)"))
  end)

  it("tells the newest change of a post, be it the tenth in a second", function()
    local post = mutate("createPost", { title = "0", author = "b" })
    for i = 1, 11 do mutate("updatePost", { id = post.id, title = tostring(i) }) end
    local changes = list("listPostsDelta")
    assert.same({ 1, "11", 12 }, { #changes, changes[1].title, changes[1].version })
  end)

  it("tells of a post that came back in the second in which it went", function()
    for i = 1, 3 do
      assert.equal(1, mutate("createPost", { id = "p", title = tostring(i), author = "b" }).version)
      if i < 3 then mutate("deletePost", { id = "p" }) end
    end
    local changes = list("listPostsDelta")
    assert.same({ 1, "CREATE", "3" }, { #changes, changes[1].aws_ds, changes[1].title })
  end)

  it("keeps both tables in the file of the store", function()
    local path = process.temporary(".db")
    engine = open(path)
    local post = mutate("createPost", { title = "kept", author = "b" })
    clock = clock + 1
    mutate("deletePost", { id = mutate("createPost", { title = "gone", author = "b" }).id })
    engine:close()
    engine = open(path)
    assert.same({ post.id }, { list("listPosts")[1].id, list("listPosts")[2] and "another" })
    assert.same({ "CREATE", "DELETE" }, { list("listPostsDelta")[1].aws_ds, list("listPostsDelta")[2].aws_ds })
    engine:close()
  end)

  it("refuses what stands in the way with DynamoDB's error and what is there", function()
    local post = mutate("createPost", { title = "a", author = "b" })
    for _, case in ipairs({
      { "createPost", { id = post.id, title = "c", author = "d" } },
      { "updatePost", { id = post.id, title = "c", expectedVersion = 7 } },
      { "deletePost", { id = post.id, expectedVersion = 7 } },
    }) do
      local none, err = mutate(case[1], case[2])
      assert.equal(core.null, none)
      assert.equal("DynamoDB:ConditionalCheckFailedException", err.errorType)
      assert.same({ "a", 1 }, { err.data.title, err.data.version })
    end
    local _, err = mutate("updatePost", { id = "nobody", title = "c" })
    assert.same({ "DynamoDB:ConditionalCheckFailedException", core.null }, { err.errorType, err.data })
    assert.equal(1, #list("listPostsDelta"))
  end)

  it("refuses null where a post needs a value, and takes it elsewhere", function()
    local post = mutate("createPost", { title = "a", author = "b", content = "c" })
    local _, err = mutate("updatePost", { id = post.id, title = core.null })
    assert.equal("A post needs its title.", err.message)
    assert.equal(2, mutate("updatePost", { id = post.id, content = core.null }).version)
  end)

  it("is a demo that a client in Lua runs through", function()
    local log = process.temporary(".log")
    local ok = os.execute("examples/posts/demo >" .. log .. " 2>&1")
    assert.is_true(ok == true or ok == 0, process.read(log))
    assert.truthy(process.read(log):find("demo: base, delta and live seen to work", 1, true))
  end)
end)
