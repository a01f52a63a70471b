local folder = require("spec.support.folder")
local transform_conf = require("appsync.server.develop.transform_conf")

describe("transform.conf.json", function()
  local made

  before_each(function() made = folder.make() end)
  after_each(function() made.remove() end)

  local function write(text) made.write("transform.conf.json", text) end
  local function read() return transform_conf.read(made.path .. "/schema.graphql") end

  it("stands beside the schema's file", function()
    assert.is_nil(transform_conf.path(made.path .. "/schema.graphql"))
    write("{}")
    assert.equal(made.path .. "/transform.conf.json", transform_conf.path(made.path .. "/schema.graphql"))
    assert.is_nil(transform_conf.path("no/such/schema.graphql"))
  end)

  it("stands in the schema's folder, or beside it where that one is called schema", function()
    made.write("schema/a.graphql", "")
    made.write("other/a.graphql", "")
    write("{}")
    local beside = made.path .. "/transform.conf.json"
    for path, expected in pairs({ [""] = beside, ["//"] = beside, ["/schema"] = beside, ["/schema/"] = beside, ["/other"] = "" }) do
      assert.equal(expected, transform_conf.path(made.path .. path) or "")
    end
    made.write("schema/transform.conf.json", "{}")
    assert.equal(made.path .. "/schema/transform.conf.json", transform_conf.path(made.path .. "/schema"))
  end)

  it("isn't missed, and may say nothing of conflicts", function()
    assert.is_nil(read())
    for _, text in ipairs({ "{}", '{"Version": 5}', '{"ResolverConfig": {}}', '{"ResolverConfig": null}' }) do
      write(text)
      local found, message = read()
      assert.is_nil(found or message)
    end
  end)

  it("names handlers of all models and of single ones", function()
    write([[{"ResolverConfig": {
      "project": {"ConflictHandler": "LAMBDA", "ConflictDetection": "VERSION",
        "LambdaConflictHandler": {"name": "onConflict-${env}", "new": true}},
      "models": {"A": {"ConflictHandler": "AUTOMERGE", "ConflictDetection": "VERSION"}}
    }}]])
    assert.same({ path = made.path .. "/transform.conf.json", handler = "LAMBDA", resolver = "onConflict",
      models = { A = { handler = "AUTOMERGE", is_lenient = true } }, passed_over = {} }, read())
  end)

  it("may have its names in camel case and in Pascal case", function()
    write([[{"resolverConfig": {
      "Project": {"conflictHandler": "OPTIMISTIC_CONCURRENCY", "conflictDetection": "VERSION"},
      "Models": {"A": {"conflictHandler": "LAMBDA", "conflictDetection": "VERSION",
        "lambdaConflictHandler": {"lambdaArn": "arn:aws:lambda:eu-west-1:1:function:merge"}}}
    }}]])
    local found = read()
    assert.equal("OPTIMISTIC_CONCURRENCY", found.handler)
    assert.equal("merge", found.models.A.resolver)
  end)

  it("has the project's word stand for a model whose entry isn't whole", function()
    write('{"ResolverConfig": {"models": {"B": {"ConflictDetection": "VERSION"}, "A": {}}}}')
    local found = read()
    assert.same({}, found.models)
    assert.same({ "A", "B" }, found.passed_over)
    assert.is_nil(found.handler)
  end)

  it("is refused by its path where it can't be carried out", function()
    for text, expected in pairs({
      ["{"] = "transform.conf.json: ",
      ["[]"] = "transform.conf.json: the file must hold an object",
      ['{"ResolverConfig": 1}'] = "ResolverConfig must be an object",
      ['{"ResolverConfig": {"project": []}}'] = "ResolverConfig.project must be an object",
      ['{"ResolverConfig": {"models": 1}}'] = "ResolverConfig.models must be an object",
      ['{"ResolverConfig": {"models": {"A": 1}}}'] = "ResolverConfig.models.A must be an object",
      ['{"ResolverConfig": {"project": {"ConflictHandler": "AUTOMERGE", "ConflictDetection": "NONE"}}}'] =
        'ResolverConfig.project: "ConflictDetection" must be "VERSION"',
      ['{"ResolverConfig": {"project": {"ConflictHandler": "MERGE", "ConflictDetection": "VERSION"}}}'] =
        'ResolverConfig.project: "ConflictHandler" must be one of "AUTOMERGE", "OPTIMISTIC_CONCURRENCY", "LAMBDA"',
      ['{"ResolverConfig": {"models": {"A": {"ConflictHandler": "LAMBDA", "ConflictDetection": "VERSION"}}}}'] =
        'ResolverConfig.models.A: "LAMBDA" needs "LambdaConflictHandler": {"name": …}',
      ['{"ResolverConfig": {"project": {"ConflictHandler": "LAMBDA", "ConflictDetection": "VERSION", "LambdaConflictHandler": '
        .. '{"name": "-${env}"}}}}'] = 'ResolverConfig.project: "LAMBDA" needs "LambdaConflictHandler": {"name": …}',
      ['{"ResolverConfig": {"models": {"B": {"ConflictHandler": "LAMBDA", "ConflictDetection": "VERSION", "LambdaConflictHandler": '
        .. '{"lambdaArn": "arn:aws:lambda:us-east-1:1:function:"}}}}}'] = 'ResolverConfig.models.B: "LAMBDA" needs',
    }) do
      write(text)
      local found, message = read()
      assert.is_nil(found)
      assert.matches(expected, message, 1, true)
      assert.matches(made.path .. "/transform.conf.json: ", message, 1, true)
    end
  end)
end)
