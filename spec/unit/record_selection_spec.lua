-- What a query of a delta sync asks of each record.
local document = require "appsync.document"
local record_selection = require "appsync.client.record_selection"

local TEXT = [[
  query A($limit: Int, $big: Boolean!) {
    list: syncTodos(limit: $limit) { items { id ...Rest name: title @include(if: $big) } nextToken }
  }
  query B { syncTodos { items { id } } }
  fragment Rest on Todo { author { name } items { id } }
]]

describe("a record's selection", function()
  it("is of the root field's items, fragments too, with the variables that are used at any depth", function()
    local parsed = document.parse(TEXT)
    local found = record_selection.of(parsed, parsed.operations[1])
    assert.same({ "syncTodos" }, found.roots)
    assert.same({ id = {}, title = {}, author = { name = {} }, items = { id = {} } }, found.fields)
    assert.same({ id = true, author = true, items = true }, found.own)
    assert.same({ limit = true, big = true }, found.used)
    assert.same({ limit = "limit" }, found.given)
    assert.same({ "list", "items", true }, { found.root_key, found.items_key, found.selects_token })
  end)

  -- A sync that is begun in a frame has no time to look through its documents again.
  it("is found once for each operation of a document", function()
    local parsed = document.parse(TEXT)
    local first, second = parsed.operations[1], parsed.operations[2]
    assert.equal(record_selection.of(parsed, first), record_selection.of(document.parse(TEXT), first))
    assert.same({ id = {} }, record_selection.of(parsed, second).fields)
  end)
end)
