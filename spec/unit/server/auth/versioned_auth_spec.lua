-- The rules of @auth for versioned models: sync queries, and what the errors of conflicts show.
local core = require("appsync.core")
local engine = require("appsync.server.engine")

local COGNITO, KEY, LAMBDA = "AMAZON_COGNITO_USER_POOLS", "API_KEY", "AWS_LAMBDA"
local MODES = { default = COGNITO, additional = { KEY, LAMBDA } }
local START_MS = 1795158179158

local function user(sub, name, groups)
  return { mode = COGNITO, sub = sub, username = name, groups = groups,
    claims = { iss = "i", sub = sub, username = name, ["cognito:groups"] = groups } }
end

local CALLERS = {
  bob = user("s1", "bob"), eve = user("s2", "eve"), ada = user("s3", "ada", { "Admin" }), red = user("s4", "red", { "Red" }),
  key = { mode = KEY }, lambda = { mode = LAMBDA },
}

describe("@auth of a versioned model", function()
  local served

  after_each(function() served:close() end)

  local function run(caller, query)
    return core.decode((served:execute({ query = query, identity = caller and (CALLERS[caller] or error(caller)) })))
  end

  local function make(schema_text)
    local clock_ms = START_MS
    served = assert(engine.new({
      schema_text = schema_text, auth_modes = MODES, conflict = { handler = "AUTOMERGE" },
      now = function()
        clock_ms = clock_ms + 1
        return clock_ms / 1000
      end,
    }))
  end

  local function fill(rules)
    make(("type Note @model @auth(rules: [%s]) { id: ID! text: String owner: String team: String }"):format(rules))
    for i, fields in ipairs({ 'owner: "s1::bob", team: "Red"', 'owner: "s2::eve", team: "Green"', 'text: "nobody\'s"' }) do
      assert.is_nil(run(nil, ('mutation { createNote(input: {id: "%d", %s}) { id } }'):format(i, fields)).errors)
    end
    for _, id in ipairs({ "1", "2" }) do
      run(nil, ('mutation { deleteNote(input: {id: "%s", _version: 1}) { id } }'):format(id))
    end
  end

  local function texts(answer)
    if answer.errors then return answer.errors[1].errorType .. ": " .. answer.errors[1].message end
    local out = {}
    for i, item in ipairs(answer.data.syncNotes.items) do out[i] = item.id .. "." .. item._version end
    return table.concat(out, " ")
  end

  local NO = "Unauthorized: Not Authorized to access syncNotes on type Query"

  -- the rules, who, what the table gives, what the journal gives
  for _, row in ipairs({
    { "{allow: owner}", "bob", "1.2", "1.1 1.2" },
    { "{allow: owner}", "ada", "", "" },
    { "{allow: owner}", "key", NO, NO },
    { '{allow: groups, groupsField: "team"}', "red", "1.2", "1.1 1.2" },
    { '{allow: groups, groups: ["Admin"]}', "ada", "1.2 2.2 3.1", "1.1 2.1 3.1 1.2 2.2" },
    { '{allow: groups, groups: ["Admin"]}', "bob", NO, NO },
    { "{allow: custom}", "lambda", "1.2 2.2 3.1", "1.1 2.1 3.1 1.2 2.2" },
    { "{allow: custom}", "bob", NO, NO },
    { "{allow: public}", "key", "1.2 2.2 3.1", "1.1 2.1 3.1 1.2 2.2" },
    { "{allow: owner}, {allow: public, operations: [sync]}", "key", "1.2 2.2 3.1", "1.1 2.1 3.1 1.2 2.2" },
    { "{allow: owner}, {allow: public, operations: [get, list]}", "key", NO, NO },
  }) do
    it(("gives %s what %s allows"):format(row[2], row[1]), function()
      fill(row[1])
      assert.equal(row[3], texts(run(row[2], "{ syncNotes { items { id _version } } }")))
      assert.equal(row[4], texts(run(row[2], ("{ syncNotes(lastSync: %d) { items { id _version } } }"):format(START_MS))))
    end)
  end

  it("holds for fields with rules of their own, in sync queries and in errors", function()
    make([[type Note @model @auth(rules: [{allow: private}]) { id: ID! text: String
      secret: String @auth(rules: [{allow: groups, groups: ["Admin"]}]) }]])
    run(nil, 'mutation { createNote(input: {id: "1", text: "t", secret: "s"}) { id } }')
    for _, query in ipairs({ "{ syncNotes { items { text secret } } }", "{ syncNotes(lastSync: 1) { items { text secret } } }" }) do
      assert.same({ text = "t", secret = "s" }, run("ada", query).data.syncNotes.items[1])
      local answer = run("bob", query)
      assert.same({ text = "t", secret = core.null }, answer.data.syncNotes.items[1])
      assert.equal("Not Authorized to access secret on type Note", answer.errors[1].message)
    end
    local answer = run("ada", 'mutation { deleteNote(input: {id: "1"}) { text secret _version _deleted } }')
    assert.same({ "ConflictUnhandled", { text = "t", _version = 1, _deleted = core.null } }, { answer.errors[1].errorType, answer.errors[1].data })
  end)

  it("shows an owner's name in the errors of conflicts", function()
    make("type Note @model @auth(rules: [{allow: owner}]) { id: ID! text: String }")
    run("bob", 'mutation { createNote(input: {id: "1", text: "t"}) { id } }')
    local answer = run("bob", 'mutation { deleteNote(input: {id: "1"}) { owner _version } }')
    assert.same({ owner = "bob", _version = 1 }, answer.errors[1].data)
    answer = run("eve", 'mutation { deleteNote(input: {id: "1"}) { owner _version } }')
    assert.same({ "Unauthorized", core.null }, { answer.errors[1].errorType, answer.errors[1].data })
  end)

  it("shows a record that is there already to nobody who can't read it", function()
    make("type Note @model @auth(rules: [{allow: owner}]) { id: ID! text: String }")
    run("bob", 'mutation { createNote(input: {id: "1", text: "t"}) { id } }')
    local query = 'mutation { createNote(input: {id: "1"}) { text } }'
    assert.same({ text = "t" }, run("bob", query).errors[1].data)
    local err = run("eve", query).errors[1]
    assert.same({ "ConditionalCheckFailedException", core.null }, { err.errorType, err.data })
  end)

  it("asks for the right to update before it tells of a conflict", function()
    make("type Note @model @auth(rules: [{allow: owner}]) { id: ID! text: String }")
    run("bob", 'mutation { createNote(input: {id: "1", text: "t"}) { id } }')
    local err = run("eve", 'mutation { updateNote(input: {id: "1", text: "x", _version: 7}) { text } }').errors[1]
    assert.same({ "Unauthorized", core.null }, { err.errorType, err.data })
    assert.equal("t", run("bob", '{ getNote(id: "1") { text } }').data.getNote.text)
  end)
end)
