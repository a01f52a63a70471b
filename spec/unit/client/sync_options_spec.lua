local raised_there = require("spec.support.misuse").raised_there
local syncing = require "spec.support.syncing"

local BASE, DELTA, SUBSCRIPTION = syncing.BASE, syncing.DELTA, syncing.SUBSCRIPTION

describe("the options of client:sync", function()
  local appsync, client

  before_each(function()
    client = syncing.open()
    appsync = syncing.appsync
  end)

  local function call_of(over)
    local _, sync = syncing.start(over)
    return sync.call
  end

  local function mode_of(call)
    for _, slot in ipairs(syncing.core.auths) do
      if slot.id == call.auth then return slot.auth.mode end
    end
  end

  local function refused(over, message)
    local options, n = syncing.options(over), #syncing.core.syncs
    local raised = raised_there(function() client:sync(options) end)
    assert.equal(message, raised:match ": (.*)$")
    assert.equal(n, #syncing.core.syncs)
  end

  it("have defaults", function()
    local call = call_of()
    assert.same({ 86400, 1800, 30, 1000 }, { call.interval, call.delta_window, call.poll, call.page_size })
    assert.same({}, { call.typename, call.id_fields, call.version_field, call.max_records, call.last_sync_unit, call.headers })
    assert.same({ false, false }, { call.has_cache_updates, call.asks_headers })
  end)

  it("go to the core", function()
    local call = call_of{
      base_query = { query = BASE, variables = { blog = "b" }, base_refresh_interval = 60 }, max_records = 5, page_size = 7,
      delta_window = 90, last_sync_unit = "milliseconds", version_field = "title", poll = 2, typename = "Post", id_field = "id",
      headers = { ["x-a"] = 1 }, cache_updates = function() end,
    }
    assert.same({ 60, 5, 7, 90, "ms", "title", 2, "Post" }, {
      call.interval, call.max_records, call.page_size, call.delta_window, call.last_sync_unit, call.version_field, call.poll,
      call.typename,
    })
    assert.same({ { "id" }, { ["x-a"] = "1" }, true }, { call.id_fields, call.headers, call.has_cache_updates })
    assert.same({ blog = "b" }, call.base.variables)
    assert.equal("API_KEY", mode_of(call))
    for given, unit in pairs{ seconds = "s", s = "s", ms = "ms" } do assert.equal(unit, call_of{ last_sync_unit = given }.last_sync_unit) end
  end)

  it("are taken in the spelling of the AWS documents", function()
    client:sync{
      baseQuery = { query = BASE, variables = {}, baseRefreshIntervalInSeconds = 3600 }, deltaQuery = { query = DELTA },
      subscriptionQuery = { query = SUBSCRIPTION }, cacheUpdates = function() end, maxRecordsToSync = 9, idField = "id", pageSize = 3,
    }
    local call = syncing.core.syncs[1].call
    assert.same({ 3600, 9, 3, true }, { call.interval, call.max_records, call.page_size, call.has_cache_updates })
    assert.same({ "base", "delta", "subscription" }, { call.base and "base", call.delta and "delta", call.subscription and "subscription" })
  end)

  it("are any of the three parts, given as documents too", function()
    for _, part in ipairs{ { base_query = BASE }, { delta_query = appsync.gql(DELTA) }, { subscription_query = SUBSCRIPTION } } do
      client:sync(part)
    end
    assert.same({ true, true, true }, {
      syncing.core.syncs[1].call.base ~= nil, syncing.core.syncs[2].call.delta ~= nil, syncing.core.syncs[3].call.subscription ~= nil,
    })
    assert.is_nil(syncing.core.syncs[1].call.delta)
  end)

  it("say which variables take the page's size and place, whatever their names", function()
    local call = call_of()
    assert.same({ "limit", "nextToken" }, { call.base.limit_variable, call.base.token_variable })
    assert.same({}, { call.delta.limit_variable, call.delta.token_variable, call.subscription.limit_variable })
    call = call_of{
      base_query = { query = "query ($n: Int, $after: String) { listPosts(input: {limit: $n, nextToken: $after}) "
        .. "{ items { id title author { name } } nextToken } }" },
    }
    assert.same({ "n", "after" }, { call.base.limit_variable, call.base.token_variable })
    call = call_of{ base_query = { query = "query ($limit: Int) { listPosts(first: $limit) { id title author { name } } }" } }
    assert.same({ "limit" }, { call.base.limit_variable, call.base.token_variable })
  end)

  it("take the page's size from the base query's own variables unless it is given", function()
    local base = { query = BASE, variables = { limit = 50 } }
    assert.equal(50, call_of{ base_query = base }.page_size)
    assert.equal(20, call_of{ base_query = base, page_size = 20 }.page_size)
    assert.equal(1000, call_of{ base_query = { query = BASE, variables = { limit = appsync.null } } }.page_size)
  end)

  it("drop lastSync from the variables, which client:sync sets", function()
    local call = call_of{
      delta_query = { query = DELTA:gsub("%$lastSync: AWSTimestamp", "$lastSync: AWSTimestamp, $b: ID"):gsub("listPostsDelta%(", "%0b: $b, "), variables = { lastSync = 5, b = "x" } },
    }
    assert.same({ b = "x" }, call.delta.variables)
  end)

  it("pick one of several operations", function()
    local call = call_of{ base_query = { query = BASE .. " " .. syncing.GET, operation_name = "B" } }
    assert.equal("B", call.base.operation_name)
    refused({ base_query = BASE .. " " .. syncing.GET }, "client:sync: base_query: the document has several operations (B, G); choose one by operation_name")
  end)

  it("have a mode of the client", function()
    syncing.open{ auths = { { type = "AWS_LAMBDA", token = "t" } } }
    local call = call_of{ auth_mode = "AWS_LAMBDA" }
    assert.equal("AWS_LAMBDA", mode_of(call))
  end)

  it("throw for what is wrong with them", function()
    local nothing = { base_query = "none", delta_query = "none", subscription_query = "none" }
    refused(nothing, "client:sync: nothing to sync; give base_query, delta_query, subscription_query, or several of them")
    assert.matches("client:sync: options must be a table, got number 5", raised_there(function() client:sync(5) end), 1, true)
    assert.matches("client:sync: call it with a colon", raised_there(function() client.sync{} end), 1, true)
    refused({ base_qeury = {} }, 'client:sync: unknown option "base_qeury"; did you mean "base_query"?')
    refused({ base_query = {} }, "client:sync: base_query: query is missing; give the document of a query")
    refused({ subscription_query = {} }, "client:sync: subscription_query: query is missing; give the document of a subscription")
    refused({ base_query = 5 }, "client:sync: base_query must be string or table, got number 5")
    refused({ base_query = { query = 5 } }, "client:sync: base_query: query must be string or table, got number 5")
    refused({ base_query = { query = {} } }, "client:sync: base_query: the document must be text or what appsync.gql returns, got a table")
    refused({ base_query = { query = SUBSCRIPTION } }, "client:sync: base_query: the document must be a query, got a subscription")
    refused({ delta_query = { query = "mutation { a { id } }" } }, "client:sync: delta_query: the document must be a query, got a mutation")
    refused({ subscription_query = { query = BASE } }, "client:sync: subscription_query: the document must be a subscription, got a query")
    refused({ delta_query = "query {" }, "client:sync: delta_query: the document has a syntax error at line 1, column 8: expected Name, found end of text")
    refused({ base_query = { query = BASE, variables = { blogg = 1 } } }, 'client:sync: base_query: the operation declares no variable "blogg"; did you mean $blog?')
    refused({ delta_query = { query = DELTA, base_refresh_interval = 5 } }, 'client:sync: delta_query: unknown option "base_refresh_interval"; accepted are operation_name, page, query, update, variables')
    refused({ subscription_query = { query = SUBSCRIPTION, page = print } }, 'client:sync: subscription_query: unknown option "page"; accepted are operation_name, query, update, variables')
    refused({ base_query = { query = BASE, update = 5 } }, "client:sync: base_query: update must be function, got number 5")
    refused({ base_query = { query = BASE, base_refresh_interval = 0 } }, "client:sync: base_query: base_refresh_interval must be number above 0, got number 0")
    refused({ page_size = 0 }, "client:sync: page_size must be integer of at least 1, got number 0")
    refused({ max_records = 1.5 }, "client:sync: max_records must be integer of at least 1, got number 1.5")
    refused({ last_sync_unit = "minutes" }, 'client:sync: last_sync_unit must be one of "seconds", "milliseconds", "s", "ms", got "minutes"')
    refused({ auth_mode = "nobody" }, 'client:sync: auth_mode must be one of "API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "AWS_LAMBDA", "NONE", got "nobody"')
    refused({ typename = "a b" }, 'client:sync: typename must be the name of the records\' type, such as "Post", got "a b"')
    refused({ typename = "" }, 'client:sync: typename must be the name of the records\' type, such as "Post", got ""')
    refused({ id_field = {} }, "client:sync: id_field must be the name of a field, or a list of such names")
    refused({ id_field = { 5 } }, "client:sync: id_field must be the name of a field, or a list of such names; number 1 is number 5")
    refused({ id_field = "" }, 'client:sync: id_field must be the name of a field, or a list of such names; number 1 is ""')
  end)

  it("throw for an identity of the call's own", function()
    refused({ auth = { type = "NONE" } }, "client:sync: auth isn't accepted: what a sync brings is kept for the client's own identity; make a client for another one by client:with{ auth =, identity = }")
    for _, name in ipairs{ "Authorization", "x-api-key", "Cookie" } do
      refused({ headers = { [name] = "secret" } }, "client:sync: headers may not say who asks (Authorization, x-api-key, Cookie): what a sync brings is kept for the client's own identity")
    end
    refused({ headers = { ["a b"] = "c" } }, 'client:sync: headers: "a b" isn\'t an HTTP header name')
  end)

  it("throw for a client that keeps nothing", function()
    client = syncing.open{ store = false }
    refused({}, "client:sync needs a cache: this client was made with store = false and keeps nothing")
    client = syncing.open():with{ headers = { a = "b" } }
    refused({}, "client:sync needs a cache: a client made by client:with has one only with an identity")
    syncing.client = syncing.open():with{ identity = "ann" }
    assert.is_truthy(call_of())
  end)

  it("tell of variables that aren't sent", function()
    syncing.start{ base_query = { query = BASE, variables = { unheard = 1 } } }
    assert.same({ 'debug: client:sync: base_query: the operation declares no variable "unheard"; it isn\'t sent' }, syncing.log)
  end)
end)
