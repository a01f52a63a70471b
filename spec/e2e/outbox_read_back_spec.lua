-- Mutations whose answer was lost, and whose record tells what became of them.
local appsync = require "appsync"
local outbox = require "spec.support.outbox"
local process = require "spec.support.process"
local wait_for = require "spec.support.wait"

local FIELDS = "id title version"
local LIST = "query List { listPosts { id title version } }"
local GET = "query Get($id: ID!) { getPost(id: $id) { title version } }"
local READ_MS = 600 -- in which somebody else can change the record

local function create(name)
  return ("mutation %s($input: CreatePostInput!) { createPost(input: $input) { %s } }"):format(name, FIELDS)
end

local function update(name)
  return ("mutation %s($input: UpdatePostInput!) { updatePost(input: $input) { %s } }"):format(name, FIELDS)
end

local function response(field, id, title, version)
  return { optimistic_response = { [field] = { __typename = "Post", id = id, title = title, version = version } } }
end

describe("a mutation whose answer is lost", function()
  local client, id

  setup(function()
    local arguments = { "--resolvers", "examples/posts/resolvers.lua", "--fault", ("delay=%d,field=getPost"):format(READ_MS) }
    for _, name in ipairs{ "Made", "Changed", "Overwritten", "Resolved" } do
      table.insert(arguments, "--fault")
      table.insert(arguments, ("lose_answer=reset,operation=%s,times=1"):format(name))
    end
    outbox.begin{ schema = process.read "examples/posts/schema.graphql", arguments = arguments }
  end)
  teardown(outbox.finish)
  before_each(function()
    outbox.new_store()
    id = appsync.uuid()
  end)
  after_each(outbox.close_all)

  -- What the service has, whatever is cached.
  local function served()
    for _, post in ipairs(assert(client:query(LIST, nil, { fetch_policy = "no-cache" })).listPosts) do
      if post.id == id then return post end
    end
  end

  local function shown()
    local post = client:read_fragment("Post:" .. id, "fragment F on Post { title version }")
    return post and { post.title, post.version }
  end

  local function make()
    assert(client:mutate(create "First", { input = { id = id, title = "one", author = "a" } }))
  end

  ---@return any data, appsync.Error? err
  local function change(name)
    local variables = { input = { id = id, title = "two", expectedVersion = 1 } }
    local data, err, info = client:mutate(update(name), variables, response("updatePost", id, "two", 2))
    if not info.queued then return data, err end
    assert(client.outbox:drain(10)) -- it seemed that there was no network
    wait_for(function() return outbox.outcomes[1] end, "the outcome")
    if outbox.outcomes[1].kind then return nil, outbox.outcomes[1] end
    return outbox.outcomes[1].data
  end

  -- Somebody else changes the record once it has what was sent, and before that can be read.
  local function change_twice(name)
    local data, err, is_over
    make()
    appsync.spawn(function()
      data, err = change(name)
      is_over = true
    end)
    wait_for(function() return served().version == 2 end, "the change")
    assert(client:mutate(update "Theirs", { input = { id = id, title = "theirs" } }, { queue = false, fetch_policy = "no-cache" }))
    wait_for(function() return is_over end, "the outcome")
    return data, err
  end

  it("and that has made a record under its own id is answered by that record", function()
    client = outbox.connect()
    local _, err, info = client:mutate(create "Made", { input = { id = id, title = "one", author = "a" } },
      response("createPost", id, "one", 1))
    assert.is_nil(err)
    assert(client.outbox:drain(10))
    wait_for(function() return client.outbox:results()[1] end, "the outcome")
    local result = client.outbox:results()[1]
    assert.same({ info.id, "one", 1 }, { result.id, result.data.createPost.title, result.data.createPost.version })
    assert.same({ "one", 1 }, shown())
    assert.same({}, client.outbox:dead_letters())
  end)

  it("and whose record has the next version and its values was executed, and isn't sent again", function()
    client = outbox.connect()
    make()
    local data, err = change "Changed"
    assert.is_nil(err)
    assert.same({ "two", 2 }, { data.updatePost.title, data.updatePost.version })
    assert.same({ id = id, title = "two", version = 2 }, served())
  end)

  it("and whose record was changed since is a dead letter, and is fetched again", function()
    client = outbox.connect{ cache = { lookups = { ["Query.getPost"] = "Post" } } }
    local data, err = change_twice "Overwritten"
    assert.is_nil(data)
    assert.equal("unknown", err.cause.outcome)
    assert.equal(1, #client.outbox:dead_letters())
    assert.same({ id = id, title = "theirs", version = 3 }, served())
    local post, _, info = client:query(GET, { id = id })
    assert.same({ "theirs", 3, "network" }, { post.getPost.title, post.getPost.version, info.source })
  end)

  it("goes to the resolver in that case, if the client says so", function()
    local asked
    client = outbox.connect{
      outbox = { in_doubt = "resolve" },
      conflict_resolver = function(c)
        asked = { c.in_doubt, c.retries, c.data.title, c.data.version }
        return { input = { id = c.data.id, title = c.data.title .. " and ours", expectedVersion = c.data.version } }
      end,
    }
    local data, err = change_twice "Resolved"
    assert.is_nil(err)
    assert.same({ true, 1, "theirs", 3 }, asked)
    assert.same({ "theirs and ours", 4 }, { data.updatePost.title, data.updatePost.version })
    assert.same({}, client.outbox:dead_letters())
  end)
end)
