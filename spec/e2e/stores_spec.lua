-- Where a client keeps what it reads: files, memory, parts of them, and who has them; by the public names only.
local appsync = require "appsync"
local collect = require "spec.support.collect"
local kept = require "spec.support.kept"
local process = require "spec.support.process"
local run = require "spec.support.program"
local server = require "spec.support.server"

local LIST, GET = kept.LIST, kept.GET

-- What each program begins with; `client(options)` is as in `kept`.
local PROGRAM = [[
io.stdout:setvbuf "no"
local appsync = require "appsync"
local function client(options)
  options.endpoint = options.endpoint or %q
  options.auth = { type = "API_KEY", api_key = %q }
  options.retry = { base = 0.01, cap = 0.02 }
  return assert(appsync.client(options))
end
local function names(data, err)
  if not data then return tostring(err) end
  local list = {}
  for i, item in ipairs(data.listTodos.items) do list[i] = item.name end
  return table.concat(list, " ")
end
local LIST = %q
]]

local function program(text, words)
  return run(PROGRAM:format(kept.service.endpoint, server.API_KEY, LIST) .. text, words)
end

local function command(text)
  local pipe = assert(io.popen(text .. " 2>&1"))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

local function is_there(path) return command("test -e '" .. path .. "' && echo yes") == "yes\n" end

local function misuse(fn, ...)
  local ok, raised = pcall(fn, ...)
  assert.is_false(ok, "it was accepted")
  return raised
end

describe("a store", function()
  setup(function()
    kept.begin()
    kept.create("1", "one")
  end)
  teardown(kept.finish)
  after_each(kept.close_all)

  describe("in a file", function()
    it("is made on first use, for its user only", function()
      local path = kept.path "new.db"
      local client = kept.client{ store = path }
      assert.is_false(is_there(path))
      assert.is_true(client:hydrated())
      assert.equal("600\n", command("stat -c %a " .. path))
      assert.equal("open", client:stats().store)
    end)

    it("shows what it has in the next process, offline", function()
      local path = kept.path "restart.db"
      assert.equal("one\n", (program(([[
        local c = client{ store = %q }
        print(names(c:query(LIST)))
        c:close()
      ]]):format(path))))
      local output = program(([[
        local c = client{ store = %q, endpoint = %q }
        print(names(c:query(LIST)))
        print(select(3, c:query(LIST)).source, c:stats().requests)
        print((select(2, c:query "{ listTodos { items { note } } }")))
      ]]):format(path, kept.UNREACHABLE))
      assert.equal("one\ncache\t0\nnetwork: the connection was refused by 127.0.0.1:1\n", output)
    end)

    it("has what came before a process ended without a word", function()
      local path = kept.path "killed.db"
      program(([[
        local c = client{ store = %q }
        c:query(LIST)
        c:hydrated()
        os.execute "kill -9 $PPID"
      ]]):format(path))
      local client = kept.client{ store = path, endpoint = kept.UNREACHABLE }
      assert.equal("one", kept.names((client:query(LIST))))
    end)

    it("that can't be used is told, and the client works without it", function()
      for _, path in ipairs{ "/nowhere/at/all.db", kept.folder.path } do
        local lines = {}
        local client = kept.client{ store = path, log = function(level, message) lines[#lines + 1] = level .. " " .. message end }
        local ok, err = client:hydrated()
        assert.is_nil(ok)
        assert.equal("storage", err.kind)
        assert.equal("unavailable", client:stats().store)
        assert.equal("one", kept.names((client:query(LIST))))
        assert.equal(1, #lines)
        assert.matches("error the store " .. path, lines[1], 1, true)
      end
    end)
  end)

  describe("in memory", function()
    local temporary

    before_each(function()
      temporary = kept.path "temporary"
      command("rm -rf " .. temporary .. "; mkdir " .. temporary)
    end)

    local function left() return command("ls " .. temporary) end
    local function in_temporary(text) return program(text, "env TMPDIR=" .. temporary) end

    it("is a file in a private folder until the client closes", function()
      local output = in_temporary(([[
        local c, other = client{ store = ":memory:" }, client{ store = ":memory:" }
        print(names(c:query(LIST)), names(other:query(LIST, nil, { fetch_policy = "cache-only" })))
        os.execute "cd %s && stat -c %%a lua-appsync-*"
        other:close()
        os.execute "cd %s && ls -d lua-appsync-* | wc -l"
        print(c:stats().store, select(3, c:query(LIST)).source)
        c:close()
      ]]):format(temporary, temporary))
      assert.equal("one\tstorage: the cache does not have listTodos\n700\n700\n1\nmemory\tcache\n", output)
      assert.equal("", left())
    end)

    it("ends with its process, however that ends", function()
      for _, ending in ipairs{ "", "os.exit(0)", "os.exit(0, true)", 'error "mine"' } do
        in_temporary('local c = client{ store = ":memory:" } c:query(LIST) ' .. ending)
        assert.equal("", left(), ending)
      end
    end)

    it("is swept by the next process where its own was killed", function()
      in_temporary 'local c = client{ store = ":memory:" } c:query(LIST) os.execute "kill -9 $PPID"'
      assert.matches("^lua%-appsync%-%w+\n$", left())
      in_temporary 'local c = client{ store = ":memory:" } c:query(LIST) c:close()'
      assert.equal("", left())
    end)

    it("is collected with its client", function()
      assert.equal("0\n", (in_temporary(([[
        local c = client{ store = ":memory:" }
        c:query(LIST)
        c = nil
        collectgarbage() collectgarbage()
        local other = client{ store = false }
        other:query(LIST)
        other:close()
        os.execute "ls %s | wc -l"
      ]]):format(temporary))))
    end)

    it("isn't there without a store, nor is SQLite opened", function()
      assert.equal("0\n", (in_temporary(([[
        for _, store in ipairs{ false, "nil" } do
          local c = client{ store = store == false and false or nil }
          assert(c:query(LIST))
          assert(c:mutate 'mutation { updateTodo(input: {id: "1", name: "one"}) { id } }')
        end
        local d = client{ disableOffline = true }
        d:query(LIST)
        os.execute "ls -l %s /proc/$PPID/fd | grep -c -e lua-appsync -e '[.]db'"
      ]]):format(temporary))))
    end)

    it("that finds no folder does without a file", function()
      assert.equal("true\tmemory\tone\tcache\n", (program([[
        local c = client{ store = ":memory:", log = print }
        local ok = c:hydrated()
        c:query(LIST)
        local data, err, info = c:query(LIST)
        print(ok, c:stats().store, names(data, err), info.source)
      ]], "env TMPDIR=/nowhere/at/all")))
    end)
  end)

  describe("has parts", function()
    it("by key_prefix, in either spelling", function()
      local path = kept.path "prefix.db"
      local one, two = kept.client{ store = path, key_prefix = "one" }, kept.client{ store = path, offlineConfig = { keyPrefix = "two" } }
      assert(one:query(LIST))
      assert(one:query(LIST, nil, { fetch_policy = "cache-only" }))
      local _, err = two:query(LIST, nil, { fetch_policy = "cache-only" })
      assert.equal("missing", err.code)
    end)

    it("by identity, which no other identity reads", function()
      local path = kept.path "identity.db"
      local ann, ben = kept.client{ store = path, identity = "ann" }, kept.client{ store = path, identity = "ben" }
      assert(ann:query(LIST))
      local _, err = ben:query(LIST, nil, { fetch_policy = "cache-only" })
      assert.equal("missing", err.code)
      _, err = ann:with{ identity = "carla" }:query(LIST, nil, { fetch_policy = "cache-only" })
      assert.equal("missing", err.code)
    end)

    it("by what an identity function says once, when the store is opened", function()
      local n = 0
      local client = kept.client{ store = kept.path "asked.db", identity = function()
        n = n + 1
        return "ann"
      end }
      assert.equal(0, n)
      assert(client:query(LIST))
      assert(client:query(LIST))
      assert.equal(1, n)
      assert(client:close(5))
      client = kept.client{ store = kept.path "asked.db", identity = "ann" }
      local _, _, info = client:query(LIST)
      assert.equal("cache", info.source)
      client = kept.client{ store = kept.path "asked.db", identity = function() return nil end } -- nobody
      assert(client:query(LIST))
      _, _, info = kept.client{ store = kept.path "asked.db", reopen = true }:query(LIST)
      assert.equal("cache", info.source)
    end)

    it("and an identity function that fails fails the call, and is asked again", function()
      local answer = function() error("mine", 0) end
      local client = kept.client{ store = kept.path "failing.db", identity = function() return answer() end }
      local data, err = client:query(LIST)
      assert.is_nil(data)
      assert.equal("usage", err.kind)
      assert.equal("the identity function raised: mine", err.message)
      answer = function() return 5 end
      err = select(2, client:query(LIST))
      assert.equal("the identity function must return a string without control characters, got number 5", err.message)
      answer = function() return appsync.sleep(0) end
      err = select(2, client:mutate(kept.UPDATE, { id = "1", name = "one" }))
      assert.matches("appsync.sleep", err.message)
      answer = function() return "ann" end
      assert(client:query(LIST))
    end)
  end)

  describe("with a seed", function()
    local shipped

    setup(function()
      shipped = kept.path "shipped.db"
      local client = kept.client{ store = shipped }
      assert(client:query(LIST))
      kept.close_all()
    end)

    it("begins with what was shipped, where it isn't there yet", function()
      local path = kept.path "seeded.db"
      local client = kept.client{ store = path, seed = shipped, endpoint = kept.UNREACHABLE }
      assert.equal("one", kept.names((client:query(LIST))))
      assert.equal("600\n", command("stat -c %a " .. path))
      assert(client:close(5))
      kept.rename("1", "uno")
      client = kept.client{ store = path, seed = shipped }
      assert(client:query(LIST, nil, { fetch_policy = "network-only" }))
      assert(client:close(5))
      client = kept.client{ store = path, seed = shipped, endpoint = kept.UNREACHABLE }
      assert.equal("uno", kept.names((client:query(LIST))))
      kept.rename("1", "one")
    end)

    it("begins so in memory too", function()
      local client = kept.client{ store = ":memory:", seed = shipped, endpoint = kept.UNREACHABLE }
      assert.equal("one", kept.names((client:query(LIST))))
    end)

    it("that is no store isn't begun at all", function()
      local path, text = kept.path "unseeded.db", process.file(("no store "):rep(1000))
      for _, seed in ipairs{ text, "/nowhere/at/all.db" } do
        local client = kept.client{ store = path, seed = seed, log = function() end }
        local ok, err = client:hydrated()
        assert.is_nil(ok)
        assert.equal("storage", err.kind)
        assert.equal("seed", err.code)
        assert.matches(seed, err.message, 1, true)
        assert.is_false(is_there(path))
        assert(client:query(LIST))
        assert(client:close(5))
      end
    end)
  end)

  describe("that another client has open", function()
    local path
    before_each(function() path = kept.path "shared.db" end)

    it("is refused at the caller's line, and named", function()
      kept.client{ store = path, key_prefix = "p" }
      local line = debug.getinfo(1, "l").currentline + 1
      local raised = misuse(function() appsync.client{ endpoint = kept.UNREACHABLE, store = path, key_prefix = "p" } end)
      assert.matches("stores_spec.lua:" .. line .. ": appsync.client: another client of this program has the store", raised)
      assert.matches(path, raised, 1, true)
      assert.matches('key_prefix "p"', raised)
      assert.matches("reopen = true", raised)
      kept.client{ store = path, key_prefix = "q" }
      kept.client{ store = path, key_prefix = "p", identity = "ann" }
      raised = misuse(function() kept.client{ store = path, key_prefix = "p", identity = "ann" } end)
      assert.matches('identity "ann"', raised)
    end)

    it("is known under other names of its file", function()
      kept.client{ store = path }
      command(("ln -s . %s/link; ln -s shared.db %s/other.db; touch %s"):format(kept.folder.path, kept.folder.path, path))
      for _, name in ipairs{ "/link/shared.db", "/./shared.db", "/other.db" } do
        misuse(function() kept.client{ store = kept.folder.path .. name } end)
      end
    end)

    it("is free once that one is closed, or is garbage", function()
      kept.client{ store = path }
      kept.close_all()
      local garbage = appsync.client{ endpoint = kept.service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = path }
      assert(garbage:query(LIST))
      garbage = nil -- luacheck: ignore
      local client = kept.client{ store = path }
      assert.equal("one", kept.names((client:query(LIST))))
      assert.is_true(client:hydrated())
    end)

    it("is refused to a client of client:with as well, and to an identity that is found out late", function()
      kept.client{ store = path, identity = "ann" }
      local other = kept.client{ store = path, identity = "ben" }
      assert.matches("another client", misuse(function() other:with{ identity = "ann" }:query(LIST) end))
      local late = kept.client{ store = path, identity = function() return "ann" end }
      assert.matches("another client", misuse(function() late:query(LIST) end))
    end)

    it("is taken over with reopen: waits end with closed, subscriptions complete", function()
      local old = kept.client{ store = path }
      assert(old:query(LIST))
      local s = old:subscribe("subscription { onCreateTodo { id } }"):subscribe()
      assert.is_true(s:ready(10))
      local waiting = appsync.spawn(function() return old:query(GET, { id = "1" }, { fetch_policy = "network-only" }) end)
      appsync.sleep(0)
      local new = kept.client{ store = path, reopen = true }
      local _, err = waiting:await(10)
      assert.is_true(err == nil or err.kind == "closed")
      local event, end_err = s:next(10)
      assert.is_nil(event)
      assert.is_nil(end_err)
      _, err = old:query(LIST)
      assert.equal("closed", err.kind)
      local _, _, info = new:query(LIST)
      assert.equal("cache", info.source)
      assert.is_true(new:hydrated())
      kept.client{ store = path, reopen = true } -- of one that was never used since
    end)
  end)

  describe("hydrated", function()
    it("waits until it is open, in each form", function()
      local client = kept.client{ store = kept.path "hydrated.db" }
      assert.is_true(client:hydrated(10))
      assert.is_true(client:hydrated{ timeout = 10 })
      local ok
      assert.is_true(client:hydrated{ on_result = function(value) ok = value end }:await(10))
      assert.is_true(ok)
      assert.is_true(appsync.run(function() return client:hydrated() end))
      assert.is_true(client:with{ identity = "ann" }:hydrated())
    end)

    it("is at once without a store", function()
      for _, store in ipairs{ false, "nil" } do
        assert.is_true(kept.client{ store = store == false and false or nil }:hydrated())
      end
      assert.is_true(kept.client{ store = ":memory:" }:with{}:hydrated())
    end)

    it("tells of a client that is closed", function()
      local client = kept.client{ store = ":memory:" }
      assert(client:close(5))
      local ok, err = client:hydrated()
      assert.is_nil(ok)
      assert.equal("closed", err.kind)
    end)
  end)

  describe("with rules", function()
    it("finds by a lookup what a list brought, under keys of its own", function()
      local client = kept.client{ store = ":memory:", cache = { lookups = { ["Query.getTodo"] = "Todo" } } }
      assert(client:query(LIST))
      local data, _, info = client:query(GET, { id = "1" })
      assert.equal("cache", info.source)
      assert.equal("one", data.getTodo.name)
      client = kept.client{ store = ":memory:", keys = { Todo = {} }, cache = { lookups = { ["Query.getTodo"] = "Todo" } } }
      assert(client:query(LIST))
      _, _, info = client:query(GET, { id = "1" })
      assert.equal("network", info.source)
    end)

    it("puts pages together", function()
      kept.create("2", "two")
      local client = kept.client{ store = ":memory:",
        cache = { key_args = { ["Query.listTodos"] = {} }, merge = { ["Query.listTodos"] = "connection" } } }
      local page = "query P($token: String) { listTodos(limit: 1, nextToken: $token) { items { id name } nextToken } }"
      local data = assert(client:query(page))
      assert(client:query(page, { token = data.listTodos.nextToken }, { fetch_policy = "network-only" }))
      assert.equal("one two", kept.names((client:query(LIST, nil, { fetch_policy = "cache-only" }))))
    end)
  end)

  it("lets a garbage collection at any time end what nobody has any more", function()
    for i = 1, 5 do
      local client = appsync.client{ endpoint = kept.service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = kept.path("c" .. i .. ".db") }
      assert(client:query(LIST))
      assert(client:with{ identity = "x" }:query(LIST))
    end
    collect()
    assert(kept.client{ store = false }:query(LIST)) -- the last one's end is that of the core's thread
  end)
end)
