local fake_core = require "spec.support.fake_core"
local misuse = require("spec.support.misuse").raised_there

local drive = fake_core.drive
local ENDPOINT = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql"
local QUERY = "query Q($id: ID) { getPost(id: $id) { id } listPosts { id } }"
local MUTATION = "mutation M($title: String) { createPost(title: $title) { id } }"

describe("the client's", function()
  local core, appsync, log, client

  before_each(function()
    core, appsync, log, client = fake_core.open_client(ENDPOINT)
  end)

  describe("calls", function()
    it("give data, nil and info", function()
      core.step(function() core.reply({ listPosts = {} }, nil, { status = 200, extensions = { x = 1 } }) end)
      local data, err, info = client:query(QUERY)
      assert.same({ listPosts = {} }, data)
      assert.is_nil(err)
      assert.same({ source = "network", status = 200, extensions = { x = 1 } }, info)
    end)

    it("inside a task suspend only that task", function()
      local other = false
      appsync.run(function()
        appsync.spawn(function()
          other = true
          core.reply({ a = 1 })
        end)
        assert.same({ a = 1 }, (client:query("query Q { a }")))
      end)
      assert.is_true(other)
    end)

    it("give partial data beside the error", function()
      local data = { getPost = appsync.null, listPosts = {} }
      core.step(function()
        core.reply(data, { kind = "graphql", message = "no", errors = { { message = "no" } }, error_type = "X" })
      end)
      local value, err = client:query(QUERY)
      assert.equal(data, value)
      assert.equal(data, err.data)
      assert.equal("graphql", err.kind)
      assert.equal("X", err.error_type)
      assert.equal("graphql: no", tostring(err))
      assert.equal("it was: graphql: no", "it was: " .. err)
    end)

    it("give nil when every root field is null, with the data in the error", function()
      for _, data in ipairs{ { getPost = appsync.null, listPosts = appsync.null }, {} } do
        core.step(function() core.reply(data, { kind = "graphql", message = "no" }) end)
        local value, err = client:query(QUERY)
        assert.is_nil(value)
        assert.equal(data, err.data)
      end
    end)

    it("give null root fields without an error as data", function()
      core.step(function() core.reply({ getPost = appsync.null }) end)
      assert.same({ getPost = appsync.null }, (client:query(QUERY)))
    end)

    it("with error_policy none give nil for any error", function()
      core.step(function() core.reply({ a = 1, b = appsync.null }, { kind = "graphql", message = "no" }) end)
      local value, err = client:query("query Q { a b }", nil, { error_policy = "none" })
      assert.is_nil(value)
      assert.same({ a = 1, b = appsync.null }, err.data)
    end)

    it("send the declared variables only", function()
      client:query(QUERY, { id = 1, extra = 2 }, { on_result = function() end })
      assert.same({ id = 1 }, core.executed[1].call.variables)
    end)

    it("throw for an undeclared variable that is an option", function()
      assert.matches("declares no variable %$timeout; timeout is an option",
        misuse(function() client:query(QUERY, { timeout = 5 }) end))
      assert.matches("authMode is an option", misuse(function() client:query(QUERY, { authMode = "NONE" }) end))
    end)

    it("throw for variables that JSON can't hold, also with on_result", function()
      assert.matches("client:query: variables.id: a function isn't JSON",
        misuse(function() client:query(QUERY, { id = print }) end))
      assert.matches("variables.id: a function", misuse(function()
        client:query(QUERY, { id = print }, { on_result = print })
      end))
      assert.same({}, log)
    end)

    it("throw for what the core takes for misuse", function()
      core.refusal = { kind = "usage", message = "100% of it" }
      assert.matches("client:query: 100%% of it$", misuse(function() client:query(QUERY) end))
    end)

    it("pass the options on", function()
      client:mutate(MUTATION, { title = "x" }, {
        timeout = 7, idempotent = true, operation_name = "M", headers = { ["x-a"] = 1e15 }, on_result = function() end,
      })
      local call = core.executed[1].call
      assert.same({ 7, true, "M", { ["x-a"] = "1000000000000000" } }, { call.timeout, call.idempotent, call.operation_name, call.headers })
    end)

    it("take one table as well", function()
      client:query{ query = QUERY, variables = { id = 2 }, timeout = 3, on_result = function() end }
      client:mutate{ mutation = MUTATION, variables = { title = "x" }, on_result = function() end }
      assert.same({ { id = 2 }, { title = "x" } }, { core.executed[1].call.variables, core.executed[2].call.variables })
      assert.equal(3, core.executed[1].call.timeout)
      assert.matches("the table must have the document as mutation", misuse(function() client:mutate{ variables = {} } end))
      assert.matches("with one table, variables", misuse(function() client:query({ query = QUERY }, {}) end))
    end)

    it("refuse the wrong kind of operation and name the right method", function()
      assert.matches("the document is a mutation; use client:mutate", misuse(function() client:query(MUTATION) end))
      assert.matches("the document is a query; use client:query", misuse(function() client:mutate(QUERY) end))
      assert.matches("the document is a query; use client:query", misuse(function() client:subscribe(QUERY) end))
      assert.matches("document must be text or what appsync.gql returns, got number 5",
        misuse(function() client:query(5) end))
      assert.matches("syntax error at line 1, column 6", misuse(function() client:query("query ") end))
    end)

    it("choose one of several operations by name", function()
      local both = QUERY .. " " .. MUTATION
      assert.matches("several operations %(Q, M%); choose one by operation_name", misuse(function() client:query(both) end))
      assert.matches('no operation "X"; it has Q, M',
        misuse(function() client:query(both, nil, { operation_name = "X" }) end))
      client:mutate(both, nil, { operation_name = "M", on_result = function() end })
      assert.equal("M", core.executed[1].call.operation_name)
    end)

    it("refuse what this version doesn't have", function()
      assert.matches("on_progress isn't available", misuse(function()
        client:mutate(MUTATION, nil, { on_progress = print })
      end))
      assert.matches("fetch_policy must be one of", misuse(function()
        client:query(QUERY, nil, { fetch_policy = "standby" })
      end))
      client:mutate(MUTATION, nil, { queue = false, on_result = function() end })
    end)

    it("parse a text once", function()
      for _ = 1, 3 do client:query(QUERY, nil, { on_result = function() end }) end
      assert.equal(1, core.n_parsed)
    end)

    it("with on_result return a task at once, and call it once, later", function()
      local calls = {}
      local task = client:query(QUERY, nil, { on_result = function(...) table.insert(calls, { n = select("#", ...), ... }) end })
      assert.equal(1, #core.executed)
      core.reply({ a = 1 })
      assert.same({}, calls)
      drive()
      assert.equal(1, #calls)
      assert.equal(3, calls[1].n)
      assert.same({ a = 1 }, calls[1][1])
      assert.same({ a = 1 }, (task:await()))
    end)

    it("with on_result are told of a cancel", function()
      local got
      local task = client:query(QUERY, nil, { on_result = function(_, err) got = err end })
      assert.is_true(task:cancel())
      assert.is_nil(got)
      drive()
      assert.equal("cancelled", got.kind)
      assert.is_true(core.cancelled[core.executed[1].id])
    end)

    it("with on_result are told of a cancel before the call was made", function()
      local got
      local slow = client:with{ headers = function()
        appsync.sleep(1)
        return {}
      end }
      local task = slow:query(QUERY, nil, { on_result = function(_, err) got = err end })
      task:cancel()
      drive()
      assert.equal("cancelled", got.kind)
      assert.equal(0, #core.executed)
    end)

    it("with on_result never call it inside the call, even for an error that is known at once", function()
      local got
      local open = appsync.client{ endpoint = ENDPOINT }
      open:query(QUERY, nil, { on_result = function(_, err) got = err end })
      assert.is_nil(got)
      drive()
      assert.equal("auth", got.kind)
    end)

    it("are cancelled with their task: nil and kind cancelled", function()
      local got
      local task = appsync.spawn(function() got = select(2, client:query(QUERY)) end)
      drive()
      task:cancel()
      drive()
      assert.equal("cancelled", got.kind)
      assert.is_true(core.cancelled[core.executed[1].id])
    end)

    it("an on_result that throws is reported once", function()
      client:query(QUERY, nil, { on_result = function() error("in the callback") end })
      core.reply({ a = 1 })
      drive()
      core.time = core.time + 2
      drive()
      assert.equal(1, #log)
      assert.matches("in the callback", log[1])
    end)
  end)

  it("info has no status when there was no response", function()
    core.step(function() core.reply(nil, { kind = "network", message = "gone", sent = true }, { status = 0 }) end)
    local value, err, info = client:query(QUERY)
    assert.is_nil(value)
    assert.is_true(err.sent)
    assert.same({ source = "network" }, info)
  end)
end)
