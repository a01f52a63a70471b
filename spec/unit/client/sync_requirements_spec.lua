local misuse = require "spec.support.misuse"
local syncing = require "spec.support.syncing"

local BASE, DELTA, SUBSCRIPTION = syncing.BASE, syncing.DELTA, syncing.SUBSCRIPTION

describe("what a delta sync needs of its documents", function()
  local appsync, client

  before_each(function()
    client = syncing.open()
    appsync = syncing.appsync
  end)

  local function build(over)
    return appsync.build_sync("Post", syncing.options(over))
  end

  -- Both throw it: what builds the options, and what takes them.
  local function refused(over, message)
    local options = syncing.options(over)
    local raised = misuse.raised_there(function() appsync.build_sync("Post", options) end)
    assert.equal("appsync.build_sync: " .. message, raised:match ": (.*)$")
    options.id_field, options.typename = options.id_field or "id", "Post"
    raised = misuse.raised_there(function() client:sync(options) end)
    assert.equal("client:sync: " .. message, raised:match ": (.*)$")
  end

  it("is one field at the root", function()
    refused({ base_query = "{ listPosts { id } others { id } }" }, "base_query: the query must select one field at its root, got 2 (listPosts, others)")
    refused({ subscription_query = "subscription { __typename }" }, "subscription_query: the subscription must select one field at its root, got none")
    refused({ base_query = "{ countPosts }" }, "base_query: countPosts selects no fields of the records")
    assert.is_truthy(build{ base_query = "{ __typename ...A } fragment A on Query { listPosts { id title author { name } } }" })
  end)

  it("is a delta query that declares lastSync, and uses it", function()
    refused({ delta_query = "{ listPostsDelta { id title author { name } } }" }, "delta_query: the query must declare $lastSync, as in query ($lastSync: AWSTimestamp), which client:sync sets to the time since which changes are wanted")
    refused({ delta_query = "query ($lastSync: Int) { listPostsDelta { id title author { name } } }" }, "delta_query: the query declares $lastSync and doesn't use it; pass it on, as in listPostsDelta(lastSync: $lastSync)")
    for _, argument in ipairs{ "lastSync: $lastSync", "filter: {all: [{since: $lastSync}]}" } do
      assert.is_truthy(build{ delta_query = "query ($lastSync: Float!) { listPostsDelta(" .. argument .. ") { id title author { name } aws_ds } }" })
    end
  end)

  it("is the field that tells the records apart, under its own name", function()
    refused({ base_query = "{ listPosts { title author { name } } }", delta_query = "none" }, "base_query: listPosts must select id, under this name: it tells the records apart; another field is given as id_field")
    refused({ delta_query = "query ($lastSync: Int) { d(lastSync: $lastSync) { key: id title author { name } } }" }, "delta_query: d must select id, under this name: it tells the records apart; another field is given as id_field")
    refused({ subscription_query = "subscription { onPost { id } }", id_field = { "id", "blog" }, base_query = "{ list { id blog } }", delta_query = "none" }, "subscription_query: onPost must select blog, under this name: it tells the records apart; another field is given as id_field")
    assert.is_truthy(appsync.build_sync("Post", { id_field = "slug", base_query = "{ list { slug } }" }))
  end)

  it("is what the client tells records apart by, where that isn't given", function()
    local function refused_by_client(options, message)
      local raised = misuse.raised_there(function() client:sync(options) end)
      assert.equal("client:sync: " .. message, raised:match ": (.*)$")
    end
    local BY_ID = "must select id: it tells the records apart; another field is given as id_field"
    refused_by_client({ base_query = "{ list { title } }" }, "base_query: list " .. BY_ID)
    refused_by_client({ subscription_query = "subscription { onPost { id: key } }" }, "subscription_query: onPost " .. BY_ID)
    refused_by_client({ base_query = "{ list { key: id } }", cache_updates = function() end },
      "base_query: list must select id, under this name: it tells the records apart; another field is given as id_field")
    client:sync{ base_query = "{ list { key: id } }" }
    client:sync{ base_query = "{ list { _id } }" }
    client:sync{ base_query = "{ list { edges { node { id } } } }" }
    client:sync{ base_query = { query = "{ list { title } }", update = function() end } }
    client = syncing.open{ keys = { Post = { "blog", "slug" } } }
    refused_by_client({ typename = "Post", base_query = "{ list { blog id } }" }, "base_query: list must select slug: it tells the records apart; another field is given as id_field")
    refused_by_client({ typename = "Blog", base_query = "{ list { blog } }" }, "base_query: list " .. BY_ID)
    client:sync{ base_query = "{ list { blog slug } }" }
    client = syncing.open{ data_id_from_object = function(object) return object.title end }
    client:sync{ base_query = "{ list { title } }" }
  end)

  it("is the version in each part, where it is given", function()
    local MISSED = "doesn't select rev, which is given as version_field: all parts must select it"
    refused({ version_field = "rev" }, "base_query: listPosts " .. MISSED)
    refused({ version_field = "rev", base_query = "{ list { id rev } }", delta_query = "query ($lastSync: Int) { d(lastSync: $lastSync) { items { id } rev } }", subscription_query = "none" }, "delta_query: d " .. MISSED)
    refused({ version_field = "rev", base_query = "{ list { id rev { n } } }", delta_query = "none", subscription_query = "none" }, "base_query: list " .. MISSED)
    refused({ version_field = "rev", base_query = "{ list { id rev } }", delta_query = "none", subscription_query = "subscription { onPost { id at { rev } } }" }, "subscription_query: onPost " .. MISSED)
    assert.is_truthy(appsync.build_sync("Post", { version_field = "", base_query = "{ list { id } }" }))
    client:sync{ version_field = "rev", base_query = { query = "{ list { edges { node { id rev } } } }", update = function() end } }
  end)

  it("is that the delta query selects what the base query does", function()
    refused({ delta_query = "query ($lastSync: Int) { d(lastSync: $lastSync) { id author { id } } }" }, "delta_query: d doesn't select author.name, title, which the base query selects: both must bring the same fields of a record")
    assert.is_truthy(build{
      delta_query = "query ($lastSync: Int) { d(lastSync: $lastSync) { items { ...P more } nextToken startedAt } } "
        .. "fragment P on Post { id ... on Post { title author { ...A } } aws_ds } fragment A on Author { name age }",
    })
  end)

  it("is no more than the application's own functions take", function()
    local over = { delta_query = { query = "query ($lastSync: Int) { d(lastSync: $lastSync) { id } }", update = function() end } }
    assert.is_truthy(build(over))
    client:sync(syncing.options(over))
    over = { delta_query = { query = "query ($lastSync: Int) { d(lastSync: $lastSync) { id aws_ds } }" } }
    client:sync(syncing.options(over)) -- which changes records only
    assert.same({}, syncing.told())
  end)

  local LOST = " selects neither aws_ds nor _deleted, so it can't tell deletions: records that were deleted meanwhile stay until the "
    .. "next base query"

  it("is warned about where the delta query can't tell deletions", function()
    local delta = "query ($lastSync: Int) { d(lastSync: $lastSync) { id title author { name } %s } }"
    syncing.start{ delta_query = delta:format "" }
    assert.same({ "warn: client:sync: delta_query: d" .. LOST }, syncing.told())
    for _, field in ipairs{ "aws_ds", "_deleted" } do
      syncing.open()
      syncing.start{ delta_query = delta:format(field) }
      assert.same({}, syncing.told())
    end
  end)

  local FIRST_PAGE = "warn: client:sync: base_query: listPosts has pages, and the query can't ask for the next one: select nextToken "
    .. "beside items, and pass $nextToken on as nextToken; what isn't in the first page isn't synced"

  it("is warned about where a query takes its first page only", function()
    for _, base in ipairs{
      "{ listPosts { items { id } } }", "query ($nextToken: ID) { listPosts(nextToken: $nextToken) { items { id } } }",
      "{ listPosts { items { id } nextToken } }",
    } do
      syncing.open()
      syncing.client:sync{ base_query = base }
      assert.same({ FIRST_PAGE }, syncing.told())
    end
    syncing.open()
    syncing.client:sync{ base_query = { query = "{ listPosts { items { id } } }", page = function() end } }
    syncing.client:sync{ base_query = "{ listPosts { id } }" }
    syncing.client:sync{ base_query = BASE }
    assert.same({}, syncing.told())
  end)

  it("is warned about where events bring less than the base query", function()
    local less = { subscription_query = "subscription { onPost { id title } }" }
    syncing.start(less)
    assert.same({}, syncing.told())
    less.typename = "Post"
    syncing.start(less)
    assert.same({ "warn: client:sync: subscription_query: onPost doesn't select author, which the base query selects: a record "
      .. "that only an event has brought lacks these, and so does the base query's data" }, syncing.told())
  end)

  describe("with appsync.build_sync", function()
    it("gives options for client:sync", function()
      local function update() end
      local built = appsync.build_sync("Post", {
        baseQuery = { query = BASE, variables = { blog = "b" }, baseRefreshIntervalInSeconds = 5, update = update }, deltaQuery = DELTA,
        subscription_query = SUBSCRIPTION, cacheUpdates = print, page_size = 3,
      })
      assert.same({ "Post", "id", 3, print }, { built.typename, built.id_field, built.page_size, built.cache_updates })
      assert.same({ { blog = "b" }, 5, update }, { built.base_query.variables, built.base_query.base_refresh_interval, built.base_query.update })
      client:sync(built)
      local call = syncing.core.syncs[1].call
      assert.same({ "Post", { "id" }, 5, true, true }, { call.typename, call.id_fields, call.interval, call.has_cache_updates, call.base.has_update })
      assert.same({ false, false }, { call.delta.has_update, call.base.has_page })
    end)

    it("takes the records' identity also where buildSync does, once", function()
      local given = { base_query = "{ list { slug } }" }
      assert.equal("slug", appsync.build_sync("Post", given, "slug").id_field)
      assert.is_nil(given.id_field)
      given.idField = "slug"
      local raised = misuse.raised_there(function() appsync.build_sync("Post", given, "slug") end)
      assert.equal("appsync.build_sync: id_field is given twice, in the options and after them", raised:match ": (.*)$")
    end)

    it("throws for a type that is none, and for options that are none", function()
      local function raised(...)
        local arguments = { ... }
        return misuse.raised_there(function() appsync.build_sync(arguments[1], arguments[2]) end):match ": (.*)$"
      end
      assert.equal('appsync.build_sync: typename must be the name of the records\' type, such as "Post", got nothing', raised())
      assert.equal('appsync.build_sync: typename must be the name of the records\' type, such as "Post", got "a b"', raised("a b", {}))
      assert.equal("appsync.build_sync: options must be a table, got nothing", raised "Post")
      assert.equal("appsync.build_sync: nothing to sync; give base_query, delta_query, subscription_query, or several of them", raised("Post", {}))
      assert.equal('appsync.build_sync: typename is given twice, as "Post" and as "Blog"', raised("Post", { base_query = BASE, typename = "Blog" }))
    end)
  end)
end)
