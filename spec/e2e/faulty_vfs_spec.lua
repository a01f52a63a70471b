--- Programs on a disk with faults, which later specs need: what each fault does is spec/csrc/store/faulty_vfs_test.c.
local faulty_vfs = require "spec.support.faulty_vfs"
local folder = require "spec.support.folder"
local listener = require "appsync.server.native"
local process = require "spec.support.process"
local program = require "spec.support.program"

local OPEN = [[
local faulty_vfs = require "spec.support.faulty_vfs"
local db = assert(require("appsync.server.native").sqlite_open(os.getenv "STORE"))
assert(db:exec(os.getenv "PRAGMAS"))
assert(db:exec "CREATE TABLE IF NOT EXISTS t (a)")
]]

local CLIENT = [[
local appsync = require "appsync"
local client = appsync.client{ endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "k" },
  store = os.getenv "STORE", log = function() end }
local ok, err = client:hydrated(5)
print(ok, err and err.kind, err and err.code)
client:close(1)
]]

describe("a program on a disk with faults", function()
  if os.getenv "ALLOWED_KIB" then return pending "isn't run beside a sanitizer" end
  local place

  before_each(function() place = folder.make() end)

  after_each(function()
    process.stop_all()
    place.remove()
  end)

  local function run(text, settings, pragmas)
    local words = ("%s STORE=%s/x.db PRAGMAS='%s'"):format(faulty_vfs.words(settings), place.path,
      pragmas or "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    return program(text, words)
  end

  local function n_rows()
    local db = assert(listener.sqlite_open(place.path .. "/x.db"))
    local n = assert(db:values "SELECT count(*) FROM t")[1]
    db:close()
    return tonumber(n)
  end

  it("keeps what was synchronised when the power goes", function()
    local output, status = run(OPEN .. [[
assert(db:exec "INSERT INTO t VALUES (1)")
faulty_vfs.set "crash=now"]], "seed=1")
    assert.equal("", output)
    assert.equal(faulty_vfs.STATUS, status)
    assert.equal(1, n_rows())
  end)

  it("may lose what wasn't", function()
    local lost = 0
    for seed = 1, 8 do
      local _, status = run(OPEN .. [[
assert(db:exec "DELETE FROM t; PRAGMA wal_checkpoint(TRUNCATE)")
assert(db:exec "INSERT INTO t VALUES (1)")
faulty_vfs.set "crash=now"]], "seed=" .. seed, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
      assert.equal(faulty_vfs.STATUS, status)
      lost = lost + 1 - n_rows()
    end
    assert.is_true(lost > 0)
  end)

  it("loses its power at an operation, or by a signal", function()
    local text = OPEN .. [[
for i = 1, 1000 do assert(db:exec "INSERT INTO t VALUES (1)") end
os.execute "kill -USR2 $PPID"
while true do os.execute "sleep 0.01" end]]
    assert.equal(faulty_vfs.STATUS, select(2, run(text, "crash=30")))
    assert.is_true(n_rows() < 30)
    assert.equal(faulty_vfs.STATUS, select(2, run(text:gsub("1000", "10"), "crash=signal")))
    assert.is_true(n_rows() >= 10)
  end)

  it("is set anew while it runs, and counts", function()
    local output, status = run(OPEN .. [[
local before = faulty_vfs.set "error=1"
print(db:exec "INSERT INTO t VALUES (1)")
assert(db:exec "INSERT INTO t VALUES (1)")
local after = faulty_vfs.set()
print(after.failures - before.failures, after.syncs - before.syncs, after.operations > before.operations)
print(io.open "/faulty-vfs/no=1")
db:close()]], "seed=1")
    local failed, rest = output:match "^(.-)\n(.*)$"
    assert.truthy(failed:find "disk I/O error")
    assert.equal("1\t1\ttrue\nnil", rest:match "^.-\nnil")
    assert.equal(0, status)
    assert.equal(1, n_rows())
  end)

  it("has a client find its disk full", function()
    assert.equal("nil\tstorage\tfull\n", (run(CLIENT, "full=0")))
    assert.equal("true\tnil\tnil\n", (run(CLIENT, "full=10000000")))
  end)

  it("isn't started with a setting that there isn't", function()
    local output, status = run("print(1)", "quick=1")
    assert.truthy(output:find("FAULTY_VFS=quick=1: there is no such setting", 1, true))
    assert.not_equal(0, status)
  end)
end)
