local transformer_source = require "appsync.server.transformer_source"
local folder = require "spec.support.folder"
local program = require "appsync.server.program"

local function cli(flags) return ('{"features": {"graphqltransformer": {%s}}}'):format(flags) end

describe("an Amplify project", function()
  local made

  after_each(function()
    if made then made.remove() end
    made = nil
  end)

  local function make(flags, more)
    local files = { ["amplify/cli.json"] = cli(flags), ["amplify/backend/api/blog/schema.graphql"] = "type A @model { id: ID! }" }
    for name, text in pairs(more or {}) do files[name] = text end
    made = folder.make(files)
  end

  local function of(path) return transformer_source.of(made.path .. "/" .. path) end

  it("is found from the schema's file, from its folders and from what is built of it", function()
    make('"transformerversion": 1', {
      ["amplify/backend/api/blog/build/schema.graphql"] = "", ["amplify/backend/api/shop/schema/a.graphql"] = "",
    })
    for _, path in ipairs({ "blog", "blog/", "blog/schema.graphql", "blog/build/schema.graphql", "blog/build", "shop", "shop/schema",
      "shop/schema/a.graphql", "./blog", "shop/../blog", "blog/." }) do
      local project = assert(of("amplify/backend/api/" .. path), path)
      assert.equal(1, project.version)
    end
    assert.equal(made.path .. "/amplify/cli.json", of("amplify/backend/api/blog").path)
    for _, path in ipairs({ ".", "amplify", "amplify/cli.json", "amplify/backend", "nowhere/a/b/c" }) do assert.is_nil(of(path)) end
  end)

  it("without a file is an old one, whose schema the first transformer takes unless it says otherwise", function()
    made = folder.make({ ["amplify/backend/api/blog/schema/a.graphql"] = "", ["other/backend/api/blog/schema.graphql"] = "" })
    for _, path in ipairs({ "blog", "blog/schema", "blog/schema/a.graphql" }) do
      assert.same({ fallback = 1, flags = {}, because = made.path .. "/amplify has no cli.json, and such a project is the first one's" },
        of("amplify/backend/api/" .. path))
    end
    assert.is_nil(of("other/backend/api/blog"))
  end)

  it("is none without its own folders", function()
    made = folder.make({ ["cli.json"] = cli('"transformerversion": 1'), ["a/b/c/schema.graphql"] = "type A @model { id: ID! }" })
    assert.is_nil(of("a/b/c/schema.graphql"))
  end)

  -- {flags, version, why}
  local VERSIONS = {
    { '"transformerversion": 1', 1, 'cli.json has "transformerversion": 1' },
    { '"transformerversion": 2', 2, 'cli.json has "transformerversion": 2' },
    { '"TransformerVersion": 2', 2, 'cli.json has "transformerversion": 2' },
    { "", 1, 'cli.json has no "transformerversion", and such a project is the first one\'s' },
    { '"transformerversion": 1, "useexperimentalpipelinedtransformer": true', 2, 'cli.json has "useexperimentalpipelinedtransformer": true' },
    { '"useexperimentalpipelinedtransformer": false', 1, 'cli.json has no "transformerversion", and such a project is the first one\'s' },
  }
  for _, row in ipairs(VERSIONS) do
    it("tells the transformer by " .. row[1], function()
      local project = assert(transformer_source.read(cli(row[1]), "cli.json"))
      assert.same({ row[2], row[3] }, { project.version, project.because })
    end)
  end

  it("has its flags, and those that it doesn't name as an old project has them", function()
    local flags = transformer_source.read(cli('"improvePluralization": true, "other": 7'), "cli.json").flags
    assert.is_true(flags.improvepluralization)
    assert.is_false(flags.addmissingownerfields)
    assert.is_true(flags.usesubusernamefordefaultidentityclaim)
    assert.is_nil(flags.other)
    assert.is_false(transformer_source.read("{}", "cli.json").flags.enableautoindexquerynames)
  end)

  it("is refused where its file can't be read", function()
    for _, row in ipairs({
      { '"transformerversion": 3', "'transformerversion' must be 1 or 2, not 3" },
      { '"transformerversion": "2"', "'transformerversion' must be 1 or 2, not \"2\"" },
      { '"improvepluralization": 1', "'improvepluralization' must be true or false" },
    }) do
      make(row[1])
      local project, fault = of("amplify/backend/api/blog")
      assert.is_nil(project)
      assert.same({ message = row[2], path = made.path .. "/amplify/cli.json" }, fault)
      made.remove()
    end
    assert.is_string(select(2, transformer_source.read("{", "cli.json")))
    assert.equal("expected an object", select(2, transformer_source.read("1", "cli.json")))
  end)

  it("is a part of the program: watched, and overruled by what is asked for", function()
    make('"transformerversion": 1, "improvepluralization": true')
    local schema = made.path .. "/amplify/backend/api/blog/schema.graphql"
    local p = program.new({ schema = schema })
    local text = assert(p:read())
    assert.equal(1, text.transformer.version)
    assert.same({ schema, made.path .. "/amplify/cli.json" }, p:files())
    made.write("amplify/cli.json", cli('"transformerversion": 2'))
    assert.equal(2, p:read().transformer.version)
    text = program.new({ schema = schema, transformer = 1 }):read()
    assert.same({ 1, "--transformer 1" }, { text.transformer.version, text.transformer.because })
    assert.is_false(text.transformer.flags.improvepluralization)
    made.write("amplify/cli.json", "{")
    local _, faults = p:read()
    assert.equal(made.path .. "/amplify/cli.json", faults[1].path)
    assert.same({ schema, made.path .. "/amplify/cli.json" }, p:files())
  end)
end)
