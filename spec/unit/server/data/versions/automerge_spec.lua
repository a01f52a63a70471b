local automerge = require("appsync.server.data.versions.automerge")
local core = require("appsync.core")

local NULL = core.null

local function list(...) return setmetatable({ ... }, core.array_mt) end

describe("automerge", function()
  -- {what, the server's, incoming, merged}
  for _, row in ipairs({
    { "keeps a scalar", "a", "b", "a" },
    { "keeps false, which is a value", false, true, false },
    { "keeps a number", 0, 7, 0 },
    { "takes what the server lacks", nil, "b", "b" },
    { "takes what is null on the server", NULL, "b", "b" },
    { "takes a list that the server lacks", nil, list(1), list(1) },
    { "takes nothing away for a null", "a", NULL, "a" },
    { "takes no list away for a null", list(1), NULL, list(1) },
    { "leaves what is null on both sides", NULL, NULL, NULL },
    { "keeps what isn't incoming", "a", nil, "a" },
    { "appends lists, duplicates too", list("a", "b"), list("b", "c"), list("a", "b", "b", "c") },
    { "appends to an empty list", list(), list(1), list(1) },
    { "appends to what a resolver left empty", {}, list(1), list(1) },
    { "appends nothing", list(1), list(), list(1) },
    { "appends lists of objects whole", list({ a = 1 }), list({ a = 1 }), list({ a = 1 }, { a = 1 }) },
    { "merges maps member by member", { a = 1, c = NULL }, { a = 2, b = 3, c = 4 }, { a = 1, b = 3, c = 4 } },
    { "merges maps in maps", { a = { b = list(1), c = 1 } }, { a = { b = list(2), c = 2, d = 3 } }, { a = { b = list(1, 2), c = 1, d = 3 } } },
    { "takes a member away for no null", { a = 1 }, { a = NULL }, { a = 1 } },
    { "merges into an empty map", {}, { a = 1 }, { a = 1 } },
    { "keeps a list that meets a scalar", list(1), "x", list(1) },
    { "keeps a map that meets a list", { a = 1 }, list(1), { a = 1 } },
    { "keeps a scalar that meets a map", 5, { a = 1 }, 5 },
  }) do
    it(row[1], function()
      assert.same({ id = "1", x = row[4] }, automerge.merge({ id = "1", x = row[2] }, { x = row[3] }))
    end)
  end

  it("changes neither side", function()
    local kept, incoming = { a = list(1), m = { b = 1 } }, { a = list(2), m = { c = list(3) } }
    automerge.merge(kept, incoming)
    assert.same({ a = list(1), m = { b = 1 } }, kept)
    assert.same({ a = list(2), m = { c = list(3) } }, incoming)
  end)

  it("gives lists that are lists in JSON", function()
    assert.equal('{"a":[]}', core.encode(automerge.merge({ a = list() }, { a = list() })))
  end)
end)
