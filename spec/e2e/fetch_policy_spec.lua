-- Queries by their fetch policy, online and offline; by the public names, but for who opens the store.
local appsync = require "appsync"
local cache = require "appsync.client.cache"
local kept = require "spec.support.kept"
local server = require "spec.support.server"

local LIST, GET = kept.LIST, kept.GET

describe("the fetch policy", function()
  local client

  setup(function()
    kept.begin()
    kept.create("1", "one")
  end)
  teardown(kept.finish)
  before_each(function() client = kept.client{ store = ":memory:" } end)
  after_each(kept.close_all)

  local function query(document, policy, variables, more)
    local options = { fetch_policy = policy }
    for name, value in pairs(more or {}) do options[name] = value end
    local data, err, info = client:query(document, variables, options)
    return data, err, info
  end

  local function requests() return client:stats().requests or 0 end

  describe("online:", function()
    it("cache-first, the default with a store, asks once", function()
      local data, err, info = client:query(LIST)
      assert.is_nil(err)
      assert.equal("network", info.source)
      assert.equal("one", kept.names(data))
      data, err, info = client:query(LIST)
      assert.is_nil(err)
      assert.same({ source = "cache" }, info)
      assert.equal("one", kept.names(data))
      assert.equal(1, requests())
    end)

    -- A frame would wait for it.
    it("the first query leaves it to the core to open the store", function()
      local read, n_reads, was_open = cache.read, 0, true
      function cache.read(of, ...)
        n_reads, was_open = n_reads + 1, was_open and of.root.is_hydrated
        return read(of, ...)
      end
      local ok, data, err = pcall(query, LIST, "cache-first")
      cache.read = read
      assert.is_true(ok, data)
      assert(data, err)
      assert.is_true(n_reads > 0 and was_open)
    end)

    it("cache-first asks when a single field is missing", function()
      assert(client:query(LIST))
      local data, _, info = client:query "{ listTodos { items { id name note } nextToken } }"
      assert.equal("network", info.source)
      assert.equal(appsync.null, data.listTodos.items[1].note)
      assert.equal(2, requests())
    end)

    it("network-only asks each time, and its answer is kept", function()
      for _ = 1, 2 do
        local _, _, info = query(LIST, "network-only")
        assert.equal("network", info.source)
      end
      assert.equal(2, requests())
      local _, _, info = query(LIST, "cache-only")
      assert.equal("cache", info.source)
    end)

    it("no-cache neither reads nor keeps", function()
      assert(query(LIST, "no-cache"))
      local data, err = query(LIST, "cache-only")
      assert.is_nil(data)
      assert.equal("missing", err.code)
      assert(query(LIST, "cache-first"))
      local _, _, info = query(LIST, "no-cache")
      assert.equal("network", info.source)
      assert.equal(3, requests())
    end)

    it("no-cache brings no __typename that wasn't asked for", function()
      assert.same({ listTodos = { items = { { id = "1", name = "one" } }, nextToken = appsync.null } }, (query(LIST, "no-cache")))
    end)

    it("cache-only asks nobody, and names what is missing", function()
      local data, err, info = query(LIST, "cache-only")
      assert.is_nil(data)
      assert.equal("storage", err.kind)
      assert.equal("missing", err.code)
      assert.equal("the cache does not have listTodos", err.message)
      assert.same({ "listTodos" }, err.missing)
      assert.is_false(err.retryable)
      assert.equal("cache", info.source)
      assert.equal(0, requests())
      assert(client:query(LIST))
      data, err = query("{ listTodos { items { id name note createdAt updatedAt } nextToken startedAt } }", "cache-only")
      assert.is_nil(data)
      assert.same({ "listTodos.items.0.note", "listTodos.items.0.createdAt", "listTodos.items.0.updatedAt", "listTodos.startedAt" },
        err.missing)
      assert.equal("the cache does not have listTodos.items.0.note, listTodos.items.0.createdAt, listTodos.items.0.updatedAt "
        .. "and 1 more", err.message)
    end)

    it("cache-and-network returns the network's answer", function()
      assert(client:query(LIST))
      local _, err, info = query(LIST, "cache-and-network")
      assert.is_nil(err)
      assert.equal("network", info.source)
      assert.equal(2, requests())
    end)

    it("cache-and-network calls on_result twice, first with what the cache has", function()
      assert(client:query(LIST))
      kept.rename("1", "uno")
      local calls, is_inside = {}, true
      local t = client:query(LIST, nil, { fetch_policy = "cache-and-network", on_result = function(data, err, info)
        assert.is_false(is_inside)
        assert.is_nil(err)
        calls[#calls + 1] = info.source .. " " .. kept.names(data)
      end })
      is_inside = false
      assert.equal("uno", kept.names((t:await(10))))
      assert.same({ "cache one", "network uno" }, calls)
      kept.rename("1", "one")
    end)

    it("cache-and-network calls on_result once where the cache lacks something", function()
      local calls = {}
      client:query(LIST, nil, { fetch_policy = "cache-and-network", on_result = function(_, _, info)
        calls[#calls + 1] = info.source
      end }):await(10)
      assert.same({ "network" }, calls)
    end)

    it("cache-and-network lets the first call of on_result end before the second one", function()
      assert(client:query(LIST))
      local log = {}
      client:query(LIST, nil, { fetch_policy = "cache-and-network", on_result = function(_, _, info)
        log[#log + 1] = "begin " .. info.source
        if info.source == "cache" then
          while requests() < 2 or (client:stats().operations_in_flight > 0) do appsync.sleep(0.001) end
        end
        log[#log + 1] = "end " .. info.source
      end }):await(10)
      assert.same({ "begin cache", "end cache", "begin network", "end network" }, log)
    end)

    it("cache-and-network calls on_result no more when it throws", function()
      assert(client:query(LIST))
      local n = 0
      local t = client:query(LIST, nil, { fetch_policy = "cache-and-network", on_result = function()
        n = n + 1
        error("mine", 0)
      end })
      local _, err = t:await(10)
      assert.equal("mine", err.raised)
      assert.equal(1, n)
    end)

    it("cache-and-network, cancelled, tells on_result so", function()
      assert(client:query(LIST))
      local kinds = {}
      local t = client:query(LIST, nil, { fetch_policy = "cache-and-network", on_result = function(data, err)
        kinds[#kinds + 1] = data and "data" or err.kind
      end })
      t:cancel()
      local give_up = os.time() + 10
      while #kinds < 2 and os.time() < give_up do appsync.sleep(0.001) end
      table.sort(kinds)
      assert.same({ "cancelled", "data" }, kinds)
    end)

    it("a client has defaults, and a call its own", function()
      client = kept.client{ store = ":memory:", fetch_policy = { query = "cache-only" } }
      local _, err = client:query(LIST)
      assert.equal("missing", err.code)
      assert(query(LIST, "network-only"))
      assert(client:query(LIST))
      assert.equal(1, requests())
    end)

    it("data that GraphQL errors stand beside is kept but for what they name", function()
      local document = "{ broken { id fine bad } }"
      local data, err = client:query(document)
      assert.equal(1, data.broken.fine)
      assert.equal("graphql", err.kind)
      assert.equal(1, query("{ broken { id fine } }", "cache-only").broken.fine)
      err = select(2, query(document, "cache-only"))
      assert.same({ "broken.bad" }, err.missing)
      data, err = query(document, "cache-first", nil, { error_policy = "none" }) -- so it is asked again
      assert.is_nil(data)
      assert.equal(1, err.data.broken.fine)
      assert.equal(2, requests())
    end)

    it("a mutation's records are kept, its root fields aren't, and no-cache opts out", function()
      assert(client:query(LIST))
      assert(client:mutate(kept.UPDATE, { id = "1", name = "eins" }))
      assert.equal("eins", kept.names((query(LIST, "cache-only"))))
      assert(client:mutate(kept.UPDATE, { id = "1", name = "one" }, { fetch_policy = "no-cache" }))
      assert.equal("eins", kept.names((query(LIST, "cache-only"))))
      assert(query(LIST, "network-only"))
      assert.equal("one", kept.names((query(LIST, "cache-only"))))
    end)

    it("variables that are changed while the network is asked change nothing", function()
      local variables = { id = "1" }
      local t = client:query(GET, variables, { fetch_policy = "network-only", on_result = function() end })
      variables.id = "2"
      assert.equal("1", t:await(10).getTodo.id)
    end)

    it("a call in a function that computes throws, whatever the cache has", function()
      assert(client:query(LIST))
      local raised
      local s = appsync.observable(function(o) o:next(1) end):map(function()
        raised = select(2, pcall(client.query, client, LIST))
        return 1
      end):subscribe()
      s:next(10)
      assert.matches("client:query", raised)
      s:unsubscribe()
    end)
  end)

  describe("offline:", function()
    local POLICIES = { "cache-first", "cache-and-network", "network-only", "cache-only" }
    local path

    -- A store that has the list, and a client of it whose server is gone.
    before_each(function()
      path = kept.path("offline.db")
      client = kept.client{ store = path }
      assert(query(LIST, "network-only"))
      assert(client:close(5))
      client = kept.client{ store = path, endpoint = kept.UNREACHABLE }
    end)

    it("every policy but no-cache is answered from the cache where that is complete", function()
      for _, policy in ipairs(POLICIES) do
        local data, err, info = query(LIST, policy)
        assert.is_nil(err)
        assert.equal("cache", info.source, policy)
        assert.equal("one", kept.names(data))
        local is_asked = policy == "network-only" or policy == "cache-and-network"
        assert.equal(is_asked and "network" or nil, info.cause and info.cause.kind, policy)
      end
      local data, err = query(LIST, "no-cache")
      assert.is_nil(data)
      assert.equal("network", err.kind)
    end)

    it("else the network's error is told", function()
      for _, policy in ipairs{ "cache-first", "cache-and-network", "network-only" } do
        local data, err, info = query(GET, policy, { id = "1" })
        assert.is_nil(data)
        assert.equal("network", err.kind)
        assert.equal("connection_refused", err.code)
        assert.equal("network", info.source)
      end
    end)

    it("cache-and-network tells on_result the cache's data twice, the second time with the network's error", function()
      local calls = {}
      client:query(LIST, nil, { fetch_policy = "cache-and-network", on_result = function(data, err, info)
        assert.is_nil(err)
        calls[#calls + 1] = kept.names(data) .. (info.cause and " because of a " .. info.cause.kind .. " error" or "")
      end }):await(10)
      assert.same({ "one", "one because of a network error" }, calls)
    end)

    it("after set_online(false) the network isn't tried", function()
      client = kept.client{ store = ":memory:" }
      client:set_online(false)
      for _, policy in ipairs{ "cache-first", "cache-and-network", "network-only" } do
        local data, err, info = query(LIST, policy)
        assert.is_nil(data)
        assert.equal("network", err.kind)
        assert.equal("offline", err.code)
        assert.is_true(err.retryable)
        assert.is_false(err.sent)
        assert.equal("network", info.source)
      end
      assert.equal(0, requests())
      assert(query(LIST, "no-cache"))
      client:set_online(true)
      assert(client:query(LIST))
      client:set_online(false)
      for _, policy in ipairs(POLICIES) do
        local data, err, info = query(LIST, policy)
        assert.is_nil(err)
        assert.equal("one", kept.names(data))
        assert.equal("cache", info.source)
      end
      assert.equal(2, requests())
    end)

    it("what a service answers is told, though the cache has it", function()
      client = kept.client{ store = path, reopen = true, auth = { type = "API_KEY", api_key = "da2-wrong" } }
      for _, policy in ipairs{ "cache-and-network", "network-only" } do
        local data, err = query(LIST, policy)
        assert.is_nil(data)
        assert.equal("auth", err.kind)
      end
      assert(query(LIST, "cache-first"))
    end)
  end)

  describe("a call with an identity of its own", function()
    local OWN = { type = "API_KEY", api_key = server.API_KEY }

    it("neither reads nor writes the cache", function()
      for _, own in ipairs{ { auth = OWN }, { headers = { ["X-Api-Key"] = server.API_KEY } },
        { headers = function() return { ["x-api-key"] = server.API_KEY } end } } do
        local _, _, info = query(GET, nil, { id = "1" }, own)
        assert.equal("network", info.source)
        local _, err = query(GET, "cache-only", { id = "1" })
        assert.equal("missing", err.code)
      end
      assert(query(GET, nil, { id = "1" }))
      for _, own in ipairs{ { auth = OWN }, { headers = { ["X-Api-Key"] = server.API_KEY } } } do
        local _, _, info = query(GET, "cache-first", { id = "1" }, own)
        assert.equal("network", info.source)
        local _, err = query(GET, "cache-only", { id = "1" }, own)
        assert.equal("missing", err.code)
        assert.matches("identity of its own", err.message)
        assert(client:mutate(kept.UPDATE, { id = "1", name = "eins" }, own))
        assert.equal("one", query(GET, "cache-only", { id = "1" }).getTodo.name)
      end
      assert(client:mutate(kept.UPDATE, { id = "1", name = "one" }))
    end)

    it("isn't made by headers that say nothing of it, nor by the mode", function()
      assert(query(GET, nil, { id = "1" }, { headers = { ["x-trace"] = "1" } }))
      local _, _, info = query(GET, nil, { id = "1" }, { auth_mode = "API_KEY" })
      assert.equal("cache", info.source)
    end)

    it("has a partition as a client of client:with, under its identity only", function()
      local ann, nobody = client:with{ auth = OWN, identity = "ann" }, client:with{ auth = OWN }
      assert(ann:query(LIST))
      local _, _, info = ann:query(LIST)
      assert.equal("cache", info.source)
      _, _, info = nobody:query(LIST)
      assert.equal("network", info.source)
      _, _, info = client:query(LIST)
      assert.equal("network", info.source)
      local _, err = nobody:query(LIST, nil, { fetch_policy = "cache-only" })
      assert.equal("missing", err.code)
    end)
  end)

  describe("without a store", function()
    it("network-only is the default, and nothing is kept", function()
      for _, store in ipairs{ false, "nil" } do
        client = kept.client{ store = store == false and false or nil }
        for _ = 1, 2 do
          local _, _, info = client:query(LIST)
          assert.equal("network", info.source)
        end
        assert.is_nil(client:stats().store)
      end
    end)

    it("a light client has a cache in memory once a policy reads one", function()
      client = kept.client{}
      assert(query(LIST, "network-only"))
      assert.is_nil(client:stats().store)
      local _, err = query(LIST, "cache-only")
      assert.equal("missing", err.code)
      assert(query(LIST, "cache-first"))
      local _, _, info = query(LIST, "cache-first")
      assert.equal("cache", info.source)
      assert.equal("memory", client:stats().store)
      _, _, info = client:query(LIST) -- its default stays
      assert.equal("network", info.source)
    end)

    it("store = false has no cache for any policy", function()
      client = kept.client{ store = false }
      for _, policy in ipairs{ "cache-first", "cache-and-network", "network-only" } do
        local _, _, info = query(LIST, policy)
        assert.equal("network", info.source)
      end
      local data, err = query(LIST, "cache-only")
      assert.is_nil(data)
      assert.equal("missing", err.code)
      assert.is_nil(client:stats().store)
    end)
  end)
end)
