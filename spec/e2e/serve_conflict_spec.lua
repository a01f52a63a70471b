-- Which models are versioned, as the command line, a file and an Amplify project say it.
local core = require("appsync.core")
local folder = require("spec.support.folder")
local process = require("spec.support.process")

local SCHEMA = "type Todo @model { id: ID! name: String }\ntype Post @model { id: ID! title: String }\n"
local PROJECT = '{"Version": 5, "ElasticsearchWarning": true, "ResolverConfig": {"project": '
  .. '{"ConflictHandler": "AUTOMERGE", "ConflictDetection": "VERSION"}}}'

describe("appsync serve with versioned models", function()
  local made, schema, project

  setup(function()
    made = folder.make({
      ["plain/schema.graphql"] = SCHEMA, ["amplify/backend/api/blog/schema.graphql"] = SCHEMA,
      ["amplify/backend/api/blog/transform.conf.json"] = PROJECT,
      ["handlers.lua"] = "return { conflict_handlers = { default = function() return { action = 'REJECT' } end } }",
    })
    schema, project = made.path .. "/plain/schema.graphql", made.path .. "/amplify/backend/api/blog"
  end)

  teardown(function()
    process.stop_all()
    made.remove()
  end)

  -- What it prints, both streams apart, and its status.
  local function run(words)
    local errors = process.temporary(".err")
    local pipe = assert(io.popen(("{ timeout -k 1 20 bin/appsync serve %s 2>%s; echo status=$?; }"):format(words, errors)))
    local text, status = pipe:read("*a"):match("^(.*)status=(%d+)\n$")
    pipe:close()
    return text, process.read(errors), tonumber(status)
  end

  -- The models whose schema has a sync query.
  local function versioned(words)
    local text, said, status = run(words .. " --print-schema")
    assert.equal(0, status, said)
    local names = {}
    for name in text:gmatch("sync(%w+)%(filter") do names[#names + 1] = name end
    -- Beside the line that tells the transformer.
    return table.concat(names, " "), (said:gsub("note: models follow [^\n]*\n", ""))
  end

  local function refused(status, why, words)
    local text, said, found = run(words)
    assert.equal("", text)
    assert.matches(why, said, 1, true)
    assert.equal(status, found)
  end

  it("has none unless it's told", function()
    assert.equal("", (versioned(schema)))
  end)

  it("has all of them with --conflict", function()
    for _, strategy in ipairs({ "automerge", "optimistic", "lambda --resolvers " .. made.path .. "/handlers.lua" }) do
      local names, said = versioned(schema .. " --conflict " .. strategy)
      assert.equal("Todos Posts", names)
      assert.equal("", said)
    end
    assert.equal("", (versioned(schema .. " --conflict none")))
  end)

  it("has those that --models names", function()
    made.write("models.json", '{"Post": {"conflict": "optimistic"}}')
    assert.equal("Posts", (versioned(("%s --models %s/models.json --base-ttl 60 --delta-ttl 0"):format(schema, made.path))))
    made.write("models.json", '{"Post": {"conflict": "none"}}')
    assert.equal("Todos", (versioned(("%s --conflict automerge --models %s/models.json"):format(schema, made.path))))
  end)

  it("tells what it can't carry out", function()
    refused(1, "model 'Todo' needs the conflict handler 'conflict_handlers.default', which the resolvers file (--resolvers) doesn't have",
      schema .. " --conflict lambda")
    refused(1, "--base-ttl and --delta-ttl are for versioned models: say which by --conflict or --models", schema .. " --base-ttl 1")
    refused(2, '--conflict expects one of automerge, optimistic, lambda, none, not "merge"', schema .. " --conflict merge")
    refused(2, "--delta-ttl expects an integer between 0 and 2147483647", schema .. " --conflict automerge --delta-ttl 1.5")
    for text, why in pairs({
      ['{"Pots": {"conflict": "none"}}'] = 'models.json: unknown model "Pots"; did you mean "Post"?',
      ['{"Post": {"conflict": "merge"}}'] = 'models.json: Post: "conflict" must be one of "automerge", "optimistic", "lambda", "none"',
      ['{"Post": {"conflict": "lambda", "handler": "x"}}'] = "'conflict_handlers.x', which the resolvers file (--resolvers) doesn't have",
      ["nonsense"] = "models.json: ",
    }) do
      made.write("models.json", text)
      refused(1, why, ("%s --models %s/models.json"):format(schema, made.path))
    end
  end)

  it("reads transform.conf.json of an Amplify project, and says so", function()
    for _, path in ipairs({ project, project .. "/schema.graphql" }) do
      local names, said = versioned(path)
      assert.equal("Todos Posts", names)
      assert.equal(("note: conflict detection: AUTOMERGE, from %s/transform.conf.json\n"):format(project), said)
    end
  end)

  it("has the command line win over the project", function()
    local names, said = versioned(project .. " --conflict none")
    assert.equal("", names)
    assert.equal(("note: conflict detection: none, from --conflict instead of %s/transform.conf.json\n"):format(project), said)
    made.write("models.json", '{"Todo": {"conflict": "none"}}')
    names, said = versioned(("%s --models %s/models.json"):format(project, made.path))
    assert.equal("Posts", names)
    assert.matches("AUTOMERGE, Todo NONE, from ", said, 1, true)
  end)

  it("refuses a project's file that it can't carry out", function()
    made.write("broken/schema.graphql", SCHEMA)
    made.write("broken/transform.conf.json", '{"ResolverConfig": {"project": {"ConflictHandler": "X", "ConflictDetection": "VERSION"}}}')
    refused(1, made.path .. '/broken/transform.conf.json: ResolverConfig.project: "ConflictHandler" must be one of "AUTOMERGE", '
      .. '"OPTIMISTIC_CONCURRENCY", "LAMBDA"; --conflict STRATEGY stands in its place', made.path .. "/broken")
    assert.equal("Todos Posts", (versioned(made.path .. "/broken --conflict optimistic")))
  end)

  it("serves them", function()
    local first = process.start({ "bin/appsync", "serve", schema, "--conflict", "automerge", "--api-key", "k", "--log", "none" })
    local url = assert(first:match("READY (http://%S+)"), first)
    local body = core.encode({ query = '{ __type(name: "Todo") { fields { name } } }' })
    local pipe = assert(io.popen(("curl -s %s -H 'x-api-key: k' -d '%s'"):format(url, body)))
    local answer = pipe:read("*a")
    pipe:close()
    assert.matches("_version.*_deleted.*_lastChangedAt", answer)
  end)
end)
