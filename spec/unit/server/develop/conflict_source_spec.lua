local conflict_source = require("appsync.server.develop.conflict_source")
local folder = require("spec.support.folder")

describe("The words on versioned models", function()
  local made

  before_each(function() made = folder.make() end)
  after_each(function() made.remove() end)

  local function models(text)
    made.write("models.json", text)
    return conflict_source.models(made.path .. "/models.json")
  end

  it("name a strategy for all models, and lives", function()
    assert.same({ handler = "OPTIMISTIC_CONCURRENCY" }, conflict_source.read({ strategy = "optimistic" }))
    assert.same({ handler = "AUTOMERGE", base_ttl_s = 60, delta_ttl_s = 5 },
      conflict_source.read({ strategy = "automerge", base_ttl_s = 60, delta_ttl_s = 5 }))
  end)

  it("name one model by model", function()
    assert.same({
      Post = { handler = "OPTIMISTIC_CONCURRENCY" }, Tag = { handler = "AUTOMERGE" }, Log = { handler = "NONE" },
      Note = { handler = "LAMBDA", resolver = "merge_notes" }, Page = { handler = "LAMBDA" },
    }, models([[{
      "Post": {"conflict": "optimistic"}, "Tag": {"conflict": "automerge"}, "Log": {"conflict": "none"},
      "Note": {"conflict": "lambda", "handler": "merge_notes"}, "Page": {"conflict": "lambda"}
    }]]))
  end)

  it("are both in the settings", function()
    made.write("models.json", '{"Post": {"conflict": "none"}}')
    local path = made.path .. "/models.json"
    assert.same({ handler = "LAMBDA", models = { Post = { handler = "NONE" } }, models_path = path },
      conflict_source.read({ strategy = "lambda", models_path = path }))
  end)

  it("are refused with what is accepted", function()
    for text, expected in pairs({
      ["[]"] = 'the file must hold an object, as {"Todo": {"conflict": "automerge"}}',
      ["{"] = "models.json: ",
      ['{"Post": "optimistic"}'] = '"Post" must be an object, as {"conflict": "automerge"}',
      ['{"Post": {}}'] = 'Post: "conflict" is missing',
      ['{"Post": {"conflict": "merge"}}'] = 'Post: "conflict" must be one of "automerge", "optimistic", "lambda", "none"',
      ['{"Post": {"conflicts": "none"}}'] = 'Post: unknown key "conflicts"; did you mean "conflict"?',
      ['{"Post": {"conflict": "lambda", "handler": ""}}'] = 'Post: "handler" must be a text that isn\'t empty',
      ['{"Post": {"conflict": "automerge", "handler": "x"}}'] = 'Post: "handler" is for "conflict": "lambda", not for "automerge"',
    }) do
      local read, message = models(text)
      assert.is_nil(read)
      assert.matches(expected, message, 1, true)
      assert.matches(made.path .. "/models.json: ", message, 1, true)
    end
  end)

  it("say of lives only with models that have some", function()
    local settings, message = conflict_source.read({ base_ttl_s = 1 })
    assert.is_nil(settings)
    assert.matches("--base-ttl and --delta-ttl are for versioned models", message, 1, true)
  end)
end)
