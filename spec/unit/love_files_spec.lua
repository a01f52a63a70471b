-- Files of a LÖVE game, with a filesystem that is only told.
local core = require "appsync.core"
local folder = require "spec.support.folder"
local love_files = require "appsync.love_files"
local misuse = require "spec.support.misuse"
local process = require "spec.support.process"

describe("files of a LÖVE game", function()
  local game, made_folders, is_fused

  -- As LÖVE's: what was saved comes before what the game has brought.
  local function filesystem(source)
    local fs = {}
    function fs.getSaveDirectory() return game.path .. "/saved" end
    function fs.getSource() return game.path .. "/" .. source end
    function fs.getSourceBaseDirectory() return game.path end
    function fs.isFused() return is_fused end
    function fs.createDirectory(name) made_folders[#made_folders + 1] = name end
    function fs.getRealDirectory(name)
      if core.read_file(fs.getSaveDirectory() .. "/" .. name) then return fs.getSaveDirectory() end
      return core.read_file(game.path .. "/brought/" .. name) and fs.getSource() or nil
    end
    function fs.getInfo(name, kind)
      if kind == "directory" then return name == "levels" and { type = kind } or nil end
      assert.is_true(kind == nil or kind == "file")
      local size = name == "huge.json" and 2^40 or 1
      return fs.getRealDirectory(name) and { type = "file", size = size } or nil
    end
    function fs.read(name)
      if name == "odd.json" then return nil, "Could not read" end
      return core.read_file(game.path .. "/saved/" .. name) or core.read_file(game.path .. "/brought/" .. name)
    end
    rawset(_G, "love", { filesystem = fs })
  end

  before_each(function()
    made_folders, is_fused = {}, false
    game = folder.make {
      ["brought/a.json"] = "brought", ["brought/b.json"] = "brought", ["saved/b.json"] = "saved",
      ["brought/huge.json"] = "{}", ["brought/odd.json"] = "{}",
    }
    filesystem "brought"
  end)

  after_each(function()
    rawset(_G, "love", nil)
    game.remove()
    process.stop_all()
  end)

  it("are written to the save folder, which is made", function()
    assert.equal(game.path .. "/saved/cache.db", love_files.saved "cache.db")
    assert.equal(game.path .. "/saved/of/me/cache.db", love_files.saved "./of/me/cache.db")
    assert.same({ "", "of/me" }, made_folders)
    for _, path in ipairs{ "/tmp/cache.db", "C:\\cache.db", "\\\\host\\cache.db" } do
      assert.equal(path, love_files.saved(path))
    end
    assert.equal(2, #made_folders)
  end)

  it("are read from the save folder, then from what the game has brought", function()
    assert.equal("brought", love_files.read("a.json", 100))
    assert.equal("saved", love_files.read("./b.json", 100))
    assert.is_nil(love_files.read("c.json", 100))
    assert.is_nil(love_files.read(game.path .. "/brought/a.json", 100))
    local text, message = love_files.read("huge.json", 2^24)
    assert.is_nil(text)
    assert.equal("huge.json: it is larger than 16 MB", message)
    assert.equal("odd.json: Could not read", select(2, love_files.read("odd.json", 100)))
  end)

  it("are opened where they are, but not inside of a .love or a fused program", function()
    assert.equal(game.path .. "/brought/a.json", love_files.opened "a.json")
    assert.equal(game.path .. "/saved/b.json", love_files.opened "b.json")
    assert.equal("c.json", love_files.opened "c.json")
    for _, source in ipairs{ "game.love", "game" } do
      is_fused = source == "game"
      filesystem(source)
      local path, message = love_files.opened "a.json"
      assert.is_nil(path)
      assert.truthy(message:find("a.json is inside of " .. game.path .. "/" .. source .. ", where", 1, true), message)
      assert.equal(game.path .. "/saved/b.json", love_files.opened "b.json")
    end
  end)

  it("are anybody's elsewhere, also where something else is called love", function()
    for _, love in ipairs{ false, 1, {}, { filesystem = {} }, { filesystem = 1 } } do
      rawset(_G, "love", love or nil)
      assert.equal("cache.db", love_files.saved "cache.db")
      assert.equal("cache.db", love_files.opened "cache.db")
      assert.is_nil(love_files.read("a.json", 100))
      assert.equal("", love_files.of_missing "a.json")
      assert.is_nil(love_files.folders())
      assert.is_false(love_files.is_packed())
    end
  end)

  it("are a configuration, a store and a seed", function()
    local config = require "appsync.config"
    local cache_options = require "appsync.client.cache_options"
    process.write(game.path .. "/saved/amplify_outputs.json",
      '{ "version": "1", "data": { "url": "https://example.com/graphql", "aws_region": "eu-west-1" } }')
    assert.equal("https://example.com/graphql", assert(config.load "amplify_outputs.json").endpoint)
    local _, err = config.load "other.json"
    assert.truthy(err.message:find("other.json: No such file or directory, neither among the game's files nor in its save "
      .. "folder, " .. game.path .. "/saved; accepted are", 1, true), err.message)
    _, err = config.load "odd.json"
    assert.truthy(err.message:find("odd.json: Could not read; accepted are", 1, true), err.message)
    _, err = config.load "./levels"
    assert.truthy(err.message:find("./levels: Is a directory; accepted are", 1, true), err.message)

    local function check(seed) return select(2, cache_options.check({ store = "cache.db", seed = seed }, "appsync.client")) end
    local kept = check "a.json"
    assert.equal(core.resolve(game.path .. "/saved/cache.db"), kept.path)
    assert.equal(core.resolve(game.path .. "/brought/a.json"), kept.seed)
    assert.is_nil(check(nil).seed)
    filesystem "game.love"
    assert.matches("appsync.client: seed: a.json is inside of .*; first write it to the save folder: ",
      misuse.raised(function() check "a.json" end))
  end)
end)
