-- Stores that can't be used, are damaged, or belong to somebody else: the client works from memory, says so once, and comes
-- back; by the public names only.
local appsync = require "appsync"
local kept = require "spec.support.kept"
local listener = require "appsync.server.native"
local process = require "spec.support.process"
local server = require "spec.support.server"

local GET = "query Get($id: ID!) { getTodo(id: $id) { id name } }"
local interpreter = os.getenv "APPSYNC_LUA" or "lua5.4"

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function command(text)
  local pipe = assert(io.popen(text .. " 2>&1"))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

local function mode_of(path) return (command("stat -c %a " .. quote(path)):gsub("\n", "")) end

local function file_names(folder) return command("ls " .. quote(folder)) end

describe("a store that can't be used", function()
  local lines, client

  local function open(path)
    lines = {}
    client = kept.client{ store = path, log = function(level, message) lines[#lines + 1] = level .. " " .. message end }
    return client
  end

  local function close()
    assert.is_true(client:close(5))
    client = nil
  end

  -- Drives the library until it is so.
  local function wait_for(condition)
    local task = appsync.spawn(function()
      while not condition() do client:query("{ __typename }", nil, { fetch_policy = "no-cache" }) end
    end)
    local _, err = task:await(20)
    assert.is_nil(err)
  end

  local function is_open() return client:stats().store == "open" end

  local function assert_works_from_memory(path, code, reason)
    local ok, err = client:hydrated()
    assert.is_nil(ok)
    assert.equal("storage", err.kind)
    assert.equal(code, err.code)
    assert.equal("unavailable", client:stats().store)
    assert.equal("one", client:query(GET, { id = "1" }).getTodo.name)
    local data, _, info = client:query(GET, { id = "1" })
    assert.equal("one", data.getTodo.name)
    assert.equal("cache", info.source)
    assert.equal(1, #lines)
    assert.matches("error the store " .. path .. " can't be used (", lines[1], 1, true)
    assert.matches(reason, lines[1], 1, true)
    assert.matches("): what is cached is kept in memory until it can", lines[1], 1, true)
  end

  -- The store has two records, and then another process has it alone, as one that mends it does: it has locked its lock file.
  local HOLD = [[
import fcntl, signal, sys
held = open(sys.argv[1], "a")
fcntl.lockf(held, fcntl.LOCK_EX, 2, 0)
print("alone", flush=True)
signal.pause()
]]
  local function begin_other(path)
    local program = process.file(([[
      local appsync = require "appsync"
      local client = appsync.client{ endpoint = %q, auth = { type = "API_KEY", api_key = %q }, store = %q }
      for _, id in ipairs{ "1", "2" } do assert(client:query(%q, { id = id }, { fetch_policy = "network-only" })) end
      client:close(5)
    ]]):format(kept.service.endpoint, server.API_KEY, path, GET), ".lua")
    assert.equal("", command(interpreter .. " " .. quote(program)))
    local first, handle = process.start{ process.PYTHON, process.file(HOLD, ".py"), path .. "-leader" }
    assert.equal("alone", first)
    return handle
  end

  setup(function()
    kept.begin()
    kept.create("1", "one")
    kept.create("2", "two")
  end)
  teardown(kept.finish)
  after_each(kept.close_all)

  it("is another process's alone, until that is gone", function()
    local path = kept.path "shared.db"
    local handle = begin_other(path)
    open(path)
    assert_works_from_memory(path, "locked", ("another process (%d) has it open"):format(handle.pid))
    assert.is_nil((client:read_query(GET, { id = "2" })))
    process.signal(handle, "KILL")
    wait_for(is_open)
    -- What was in memory is asked for again, and what the other process kept is there.
    assert.is_nil((client:read_query(GET, { id = "1" })))
    assert.equal("two", client:read_query(GET, { id = "2" }).getTodo.name)
    assert.equal("one", client:query(GET, { id = "1" }).getTodo.name)
    assert.same({ "info the store " .. path .. " can be used again" }, { select(2, (table.unpack or unpack)(lines)) })
    process.stop(handle)
    close()
    open(path)
    assert.equal("one", client:read_query(GET, { id = "1" }).getTodo.name)
  end)

  it("says that it can't be cleared while another process has it alone, and is cleared when that is gone", function()
    local path = kept.path "cleared.db"
    local handle = begin_other(path)
    open(path)
    assert.is_nil((client:hydrated()))
    assert.equal("one", client:query(GET, { id = "1" }).getTodo.name)
    local ok, err = client:clear()
    assert.is_nil(ok)
    assert.same({ "storage", "locked" }, { err.kind, err.code })
    assert.matches("the store can't be used now: the cache is empty, and the file will be", err.message, 1, true)
    assert.equal("locked", client:stats().store_code)
    assert.is_nil((client:read_query(GET, { id = "1" })))
    ok, err = client:sign_out()
    assert.is_nil(ok)
    assert.same({ "storage", "locked" }, { err.kind, err.code })
    assert.equal(3, #lines)
    assert.matches("can't be cleared yet (another process", lines[2], 1, true)
    process.signal(handle, "KILL")
    wait_for(is_open)
    process.stop(handle)
    assert.is_nil(client:stats().store_code)
    assert.is_nil((client:read_query(GET, { id = "2" })))
    close()
    open(path)
    assert.is_true(client:hydrated())
    assert.is_nil((client:read_query(GET, { id = "2" })))
    assert.is_true(client:clear())
  end)

  it("of a newer version is refused and left as it is", function()
    local path = kept.path "newer.db"
    open(path)
    client:hydrated()
    close()
    local db = assert(listener.sqlite_open(path))
    assert(db:exec "PRAGMA user_version = 99")
    db:close()
    local before = process.read(path)
    open(path)
    assert_works_from_memory(path, "newer", "the store has version 99, and this library knows versions up to ")
    close()
    assert.equal(before, process.read(path))
  end)

  it("in a folder that isn't there is told by name; the last folder is made", function()
    local path = kept.path "none/of/these.db"
    open(path)
    assert_works_from_memory(path, nil, "No such file or directory")
    close()
    path = kept.path "made/st\195\182re '%?#.db"
    open(path)
    assert.is_true(client:hydrated())
    assert.equal("700", mode_of(kept.path "made"))
    for _, ending in ipairs{ "", "-wal", "-shm", "-leader" } do assert.equal("600", mode_of(path .. ending)) end
  end)

  it("in a folder that may not be written is not written", function()
    if command "unshare -m true" ~= "" then return pending "a mount needs root" end
    local folder = kept.path "readonly"
    command("mkdir " .. quote(folder))
    open(folder .. "/store.db")
    client:hydrated()
    close()
    local reader = ("%s spec/crash/reader.lua"):format(interpreter)
    local script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec ' .. reader .. ' "$1" "$0/store.db"'
    local versions = require "spec.support.versions"
    local running = versions.serve()
    local output = command(("unshare -m sh -c %s %s %s"):format(quote(script), quote(folder), quote(running.endpoint)))
    running.stop()
    assert.matches("READ 1 missing", output, 1, true)
    assert.matches("AGAIN 1 1", output, 1, true)
    assert.is_nil(output:find "BAD")
    assert.matches("DONE unavailable 1 the store " .. folder .. "/store.db can't be used (", output, 1, true)
    assert.matches("Read-only file system", output, 1, true)
  end)

  it("is tried again, and used once it can be", function()
    local path = kept.path "later.db"
    command("mkdir " .. quote(path))
    open(path)
    assert_works_from_memory(path, nil, "Is a directory")
    command("rmdir " .. quote(path))
    wait_for(is_open)
    assert.equal("one", client:query(GET, { id = "1" }, { fetch_policy = "network-only" }).getTodo.name)
    close()
    open(path)
    assert.equal("one", client:read_query(GET, { id = "1" }).getTodo.name)
  end)

  -- What the watch shows next is this name, whatever it shows before.
  local function assert_shows(watched, name)
    for _ = 1, 10 do
      local state = assert(watched:next(20))
      if state.complete and state.data.getTodo.name == name then return end
    end
    error(("the watch doesn't show %q"):format(name))
  end

  it("is watched all the same, in memory and back in the file", function()
    local path = kept.path "watched.db"
    command("mkdir " .. quote(path))
    open(path)
    local watched = client:watch(GET, { id = "1" }):subscribe()
    assert_shows(watched, "one")
    local function change(name)
      kept.rename("1", name)
      assert(client:query(GET, { id = "1" }, { fetch_policy = "network-only" }))
      assert_shows(watched, name)
    end
    change "in memory"
    command("rmdir " .. quote(path))
    wait_for(is_open)
    change "in the file"
    change "one"
    watched:unsubscribe()
  end)

  describe("because it is damaged", function()
    local function assert_set_aside(path, before, of_outbox)
      open(path)
      assert.is_true(client:hydrated())
      assert.equal("open", client:stats().store)
      assert.equal("one", client:query(GET, { id = "1" }).getTodo.name)
      assert.equal(of_outbox and 2 or 1, #lines)
      if of_outbox then assert.matches(of_outbox, lines[2], 1, true) end
      local name = lines[1]:match "^error the store .* was damaged %(.*%): it was set aside as (%S+), and a new one begun$"
      assert.is_truthy(name, lines[1])
      assert.matches("%.damaged%-%d%d%d%d%d%d%d%dT%d%d%d%d%d%dZ$", name)
      assert.equal(before, process.read(path:match "^(.*/)" .. name))
      close()
      open(path)
      assert.equal("one", client:read_query(GET, { id = "1" }).getTodo.name)
      assert.equal(0, #lines)
      close()
    end

    it("or no store at all, is set aside as it is", function()
      local path = kept.path "text.db"
      process.write(path, "no store, but a text\n")
      assert_set_aside(path, "no store, but a text\n",
        "could not be read for what was queued in it: if there was something, it is in text.db.damaged-")
    end)

    it("and has lost a table, is set aside as it is", function()
      local path = kept.path "table.db"
      open(path)
      client:hydrated()
      close()
      local db = assert(listener.sqlite_open(path))
      assert(db:exec "DROP TABLE entry")
      db:close()
      assert_set_aside(path, process.read(path))
    end)

    it("is set aside when that is found by a read", function()
      local path = kept.path "read.db"
      open(path)
      assert(client:query(GET, { id = "1" }))
      close()
      local db = assert(listener.sqlite_open(path))
      assert(db:exec [[UPDATE entry SET content = CAST(replace(CAST(content AS TEXT), 'one', 'two') AS BLOB)
        WHERE instr(content, CAST('one' AS BLOB)) > 0]])
      db:close()
      open(path)
      assert.is_nil((client:read_query(GET, { id = "1" })))
      wait_for(function() return #lines == 1 end)
      assert.matches("was damaged (a record can't be read): it was set aside as read.db.damaged-", lines[1], 1, true)
      assert.matches("read.db.damaged", file_names(kept.folder.path), 1, true)
      assert.equal("one", client:query(GET, { id = "1" }).getTodo.name)
      assert.equal("one", client:read_query(GET, { id = "1" }).getTodo.name)
    end)

    it("is set aside under a watch, which goes on", function()
      local path = kept.path "watch.db"
      open(path)
      assert(client:query(GET, { id = "1" }))
      assert(client:query(GET, { id = "2" }))
      close()
      local db = assert(listener.sqlite_open(path))
      assert(db:exec "UPDATE entry SET sum = sum + 1 WHERE instr(content, CAST('two' AS BLOB)) > 0")
      db:close()
      open(path)
      local watched = client:watch(GET, { id = "1" }):subscribe()
      assert_shows(watched, "one")
      kept.rename("1", "three")
      assert.is_nil((client:read_query(GET, { id = "2" })))
      wait_for(function() return #lines == 1 end)
      assert_shows(watched, "three")
      kept.rename("1", "one")
      assert(client:query(GET, { id = "1" }, { fetch_policy = "network-only" }))
      assert_shows(watched, "one")
      watched:unsubscribe()
    end)
  end)
end)
