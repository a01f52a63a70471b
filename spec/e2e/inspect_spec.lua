-- The command line, `appsync inspect`: what it shows of a client's store, and how it ends.
local appsync = require "appsync"
local core = require "appsync.core"
local folder = require "spec.support.folder"
local process = require "spec.support.process"

-- Runs to the end: standard output, standard error, status.
local function run(words)
  local log = process.temporary ".err"
  local pipe = assert(io.popen(("timeout 20 bin/appsync inspect %s 2>%s; echo status=$?"):format(words, log)))
  local text = pipe:read "*a"
  pipe:close()
  local out, status = text:match "^(.*)status=(%d+)\n$"
  return out, process.read(log), tonumber(status)
end

describe("appsync inspect", function()
  local made, path, client

  setup(function() made = folder.make() end)
  teardown(function()
    process.stop_all()
    made.remove()
  end)
  before_each(function()
    path = os.tmpname():gsub("^.*/", made.path .. "/")
    client = appsync.client { endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "x" }, store = path, identity = "ann" }
    assert(client:write_query("{ posts(n: 1) { id title author { id } } first { id } }", nil, {
      posts = appsync.array {
        { __typename = "Post", id = "1", title = "one", author = { __typename = "Author", id = "a" } },
        { __typename = "Post", id = "\27]0;x\7\194\155", title = "two", author = appsync.null },
      },
      first = { __typename = "Post", id = "2" },
    }))
    assert(client:gc()) -- by then it is committed
  end)
  after_each(function() client:close(5) end)

  it("shows what is in a store that a client has open", function()
    local out, errors, status = run(path)
    assert.equal("", errors)
    assert.equal(0, status)
    assert.truthy(out:find(path .. ": version ", 1, true))
    assert.truthy(out:find('\npartition of key_prefix "", identity "ann": %d+ bytes\n  4 records\n'), out)
    assert.truthy(out:find("\n    Post +3 +%d+ bytes\n    Author +1 +%d+ bytes\n"), out)
    assert.truthy(out:find("\n  1 field with arguments, 0 long lists, 4 references\n", 1, true), out)
    assert.truthy(out:find("\n  2 fields of ROOT_QUERY\n", 1, true), out)
    assert.truthy(out:find('\n    posts%({"n":1}%) +2 references, %d+ bytes\n'), out)
    assert.truthy(out:find("\n  could be collected: 0 records, 0 bytes\n", 1, true), out)
    assert.is_nil(out:find("[%z\1-\9\11-\31\127]"))
    -- it goes on working
    assert(client:evict("ROOT_QUERY", "posts"))
    assert.equal(3, client:gc())
    out = run(path)
    assert.truthy(out:find("\n  1 record\n", 1, true), out)
  end)

  it("says what could be collected", function()
    assert(client:write_query("{ first { id } }", nil, { first = appsync.null }))
    assert(client:read_query("{ first { id } }"))
    client:close(5)
    local out = run(path)
    assert.truthy(out:find("\n  could be collected: 1 record, %d+ bytes\n"), out)
  end)

  it("gives all of it as JSON in one line, which no terminal obeys", function()
    assert(client:write_query("query O($t: String) { odd(t: $t) }", { t = "\27[2J\194\155" }, { odd = 1 }))
    assert(client:gc())
    local out, _, status = run(path .. " --json")
    assert.equal(0, status)
    assert.is_nil(out:find("[%z\1-\9\11-\31\127]"))
    assert.is_nil(out:find("\194[\128-\159]"))
    assert.equal(#out, out:find("\n", 1, true))
    local store = core.decode(out)
    assert.equal("ann", store.partitions[1].identity)
    assert.equal(4, store.partitions[1].records)
    assert.equal("Post", store.partitions[1].types[1].type)
    assert.equal(3, store.partitions[1].roots)
    local fields = {}
    for _, field in ipairs(store.partitions[1].root_fields) do fields[field.field] = field.references end
    assert.equal(1, fields.first)
    assert.equal(2, fields['posts({"n":1})'])
  end)

  it("ends with status 1 where there is no store, and says why", function()
    local none = made.path .. "/none.db"
    local out, errors, status = run(none)
    assert.same({ "", 1 }, { out, status })
    assert.equal(("appsync inspect: %s: cannot open the store: unable to open database file (No such file or directory)\n"):format(none), errors)
    process.write(made.path .. "/text.db", ("not a store "):rep(500))
    out, errors, status = run(made.path .. "/text.db")
    assert.same({ "", 1 }, { out, status })
    assert.truthy(errors:find("text.db: it is damaged, or isn't a store: ", 1, true), errors)
    client:close(5)
    local content = process.read(path)
    process.write(path, content:sub(1, 60) .. "\0\0\0\99" .. content:sub(65)) -- user_version of the header
    out, errors, status = run(path .. " --json")
    assert.same({ "", 1 }, { out, status })
    assert.truthy(errors:find(": the store has version 99, and this library knows versions up to %d+\n"), errors)
  end)

  it("ends with status 2 where it is called wrongly", function()
    for words, message in pairs {
      [""] = "STORE is missing", ["a b"] = 'unexpected argument "b"', ["--jsn a"] = "unknown option --jsn; did you mean --json?",
    } do
      local _, errors, status = run(words)
      assert.equal(2, status)
      assert.truthy(errors:find("appsync inspect: " .. message .. "\n", 1, true), errors)
    end
    local out, _, status = run("--help")
    assert.equal(0, status)
    assert.truthy(out:find("Usage: appsync inspect STORE [--json]", 1, true))
  end)
end)
