-- The command line, `appsync inspect`: what it shows of the delta syncs in a client's store.
local appsync = require "appsync"
local core = require "appsync.core"
local folder = require "spec.support.folder"
local native = require "appsync.server.native"
local process = require "spec.support.process"

local NO_PASS = '{"is_open":false,"token":"","began_ms":0,"since_ms":0,"n_records":0,"n_pages":0,"n_bytes":0}'

local function checkpoint(base_ms, last_sync_ms, n_records, base, is_truncated)
  return ('{"skew":5,"checkpoint":{"version":1,"base_ms":%d,"last_sync_ms":%d,"n_base_records":%d,"base":%s,"delta":%s,"max_records":0,'
    .. '"is_truncated":%s,"is_beside":false,"has_unknown":false,"has_missed":false}}'):format(base_ms, last_sync_ms, n_records, base, NO_PASS,
    tostring(is_truncated))
end

-- Rows as a client writes them, with their sums; the third one's is wrong.
local ROWS = ([[
  INSERT INTO sync VALUES (1, 'aa', '%s', -1026635015), (1, 'bb', '%s', -1909795100), (1, 'cc%s', '{}', 1);
  INSERT INTO tombstone VALUES (1, 'aa', 'Post:1', '1', '', 10, 0), (1, 'aa', 'Post:2', '1', '', 10, 0);
  INSERT INTO quarantine VALUES (1, 'bb', 'Post:1', 'no id', 10, 0);]]):format(
  checkpoint(1000, 2000, 30, '{"is_open":false,"token":"t","began_ms":900,"since_ms":0,"n_records":0,"n_pages":0,"n_bytes":0}', true),
  checkpoint(0, 0, 0, '{"is_open":true,"token":"t","began_ms":900,"since_ms":0,"n_records":1,"n_pages":1,"n_bytes":0}', false), "\27[2J")

local function run(words)
  local pipe = assert(io.popen(("timeout 20 bin/appsync inspect %s 2>&1"):format(words)))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

describe("appsync inspect of delta syncs", function()
  local made, path

  setup(function() made = folder.make() end)
  teardown(function()
    process.stop_all()
    made.remove()
  end)

  before_each(function()
    path = os.tmpname():gsub("^.*/", made.path .. "/")
    local client = appsync.client { endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "x" }, store = path }
    assert(client:write_query("{ a }", nil, { a = 1 }))
    assert(client:gc())
    assert.is_true(client:close(5))
  end)

  it("says nothing where there are none", function()
    assert.is_nil(run(path):find("delta sync", 1, true))
    assert.same({}, { core.decode(run(path .. " --json")).partitions[1].syncs[1] })
  end)

  it("shows their clocks, what is under way, and what is damaged", function()
    local db = assert(native.sqlite_open(path))
    assert(db:exec(ROWS))
    db:close()
    local out = run(path)
    assert.truthy(out:find("\n  3 delta syncs\n", 1, true), out)
    assert.truthy(out:find("\n    aa: last sync 1970-01-01T00:00:02Z, base query 1970-01-01T00:00:01Z with 30 records, truncated, 2 tombstones\n", 1, true), out)
    assert.truthy(out:find("\n    bb: last sync never, base query never with 0 records, base query under way: 1 record, 1 page, 1 record quarantined\n", 1, true), out)
    assert.truthy(out:find("\n    cc[^\n]*: its checkpoint is damaged or missing: it begins anew\n"), out)
    assert.is_nil(out:find("[%z\1-\9\11-\31\127]"))
    local syncs = core.decode(run(path .. " --json")).partitions[1].syncs
    assert.same({ "aa", 2000, 1000, 30, true, 2, 0 }, {
      syncs[1].name, syncs[1].last_sync, syncs[1].base, syncs[1].records, syncs[1].is_truncated, syncs[1].tombstones, syncs[1].quarantined,
    })
    assert.same({ "base", 1, 1 }, { syncs[2].pass.query, syncs[2].pass.records, syncs[2].pass.pages })
    assert.is_true(syncs[3].is_damaged)
  end)
end)
