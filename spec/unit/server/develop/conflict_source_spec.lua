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

  local function settings_of(words) return conflict_source.read(words, made.path .. "/schema.graphql") end

  it("name a strategy for all models, and lives", function()
    assert.same({ handler = "OPTIMISTIC_CONCURRENCY" }, settings_of({ strategy = "optimistic" }))
    assert.same({ handler = "AUTOMERGE", base_ttl_s = 60, delta_ttl_s = 5 },
      settings_of({ strategy = "automerge", base_ttl_s = 60, delta_ttl_s = 5 }))
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
      settings_of({ strategy = "lambda", models_path = path }))
  end)

  it("are refused with what is accepted", function()
    for text, expected in pairs({
      ["[]"] = 'the file must hold an object, as {"Todo": {"conflict": "automerge"}}',
      ["{"] = "models.json: ",
      ['{"Post": "optimistic"}'] = '"Post" must be an object, as {"conflict": "automerge"}',
      ['{"Post": {}}'] = 'Post: "conflict" is missing',
      ['{"Post": {"conflict": "merge"}}'] = 'Post: "conflict" must be one of "automerge", "optimistic", "lambda", "none"',
      ['{"Post": {"conflicts": "none"}}'] = 'Post: unknown key "conflicts"; did you mean "conflict"?',
      ['{"Post": {"conflict": "lambda", "handler": ""}}'] = 'Post: "handler" must be a non-empty string',
      ['{"Post": {"conflict": "automerge", "handler": "x"}}'] = 'Post: "handler" is for "conflict": "lambda", not for "automerge"',
    }) do
      local read, message = models(text)
      assert.is_nil(read)
      assert.matches(expected, message, 1, true)
      assert.matches(made.path .. "/models.json: ", message, 1, true)
    end
  end)

  it("say of lives only with models that have some", function()
    local settings, message = settings_of({ base_ttl_s = 1 })
    assert.is_nil(settings)
    assert.matches("--base-ttl and --delta-ttl need versioned models", message, 1, true)
  end)

  describe("in an Amplify project", function()
    local CONF = [[{"Version": 5, "ElasticsearchWarning": true, "ResolverConfig": {
      "project": {"ConflictHandler": "AUTOMERGE", "ConflictDetection": "VERSION"},
      "models": {
        "Todo": {"ConflictHandler": "OPTIMISTIC_CONCURRENCY", "ConflictDetection": "VERSION"},
        "Note": {"ConflictHandler": "LAMBDA", "ConflictDetection": "VERSION", "LambdaConflictHandler": {"name": "merge-${env}"}},
        "Half": {"ConflictHandler": "AUTOMERGE"}
      }
    }}]]

    local function path() return made.path .. "/transform.conf.json" end

    it("are the project's where the command line says nothing, and it's told", function()
      made.write("transform.conf.json", CONF)
      local settings, message, note = settings_of({ delta_ttl_s = 9 })
      assert.is_nil(message)
      assert.same({ handler = "AUTOMERGE", delta_ttl_s = 9, models = {
        Todo = { handler = "OPTIMISTIC_CONCURRENCY", is_lenient = true },
        Note = { handler = "LAMBDA", resolver = "merge", is_lenient = true },
      } }, settings)
      assert.equal(("conflict detection: AUTOMERGE, Note LAMBDA (merge), Todo OPTIMISTIC_CONCURRENCY, from %s; without "
        .. "ConflictDetection and ConflictHandler, the project's apply to Half"):format(path()), note)
    end)

    it("stand instead of the project's where they speak of all models", function()
      made.write("transform.conf.json", CONF)
      local settings, _, note = settings_of({ strategy = "optimistic" })
      assert.same({ handler = "OPTIMISTIC_CONCURRENCY" }, settings)
      assert.equal("conflict detection: OPTIMISTIC_CONCURRENCY, from --conflict instead of " .. path(), note)
      settings, _, note = settings_of({ strategy = "none" })
      assert.same({}, settings)
      assert.equal("conflict detection: none, from --conflict instead of " .. path(), note)
    end)

    it("stand beside the project's where they speak of single models", function()
      made.write("transform.conf.json", CONF)
      made.write("models.json", '{"Todo": {"conflict": "none"}}')
      local models_path = made.path .. "/models.json"
      local settings, _, note = settings_of({ models_path = models_path })
      assert.equal("AUTOMERGE", settings.handler)
      assert.same({ handler = "NONE" }, settings.models.Todo)
      assert.equal("merge", settings.models.Note.resolver)
      assert.matches("Todo NONE, from " .. path() .. " and " .. models_path, note, 1, true)
    end)

    it("have no effect and nothing to tell without a project that speaks of conflicts", function()
      made.write("transform.conf.json", '{"Version": 5, "ResolverConfig": {}}')
      local settings, message, note = settings_of({})
      assert.is_nil(settings or message or note)
    end)
  end)
end)
