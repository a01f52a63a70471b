local auth_reload = require("appsync.server.auth_reload")
local auth_source = require("appsync.server.auth_source")
local authorize = require("appsync.server.auth.authorize")
local folder = require("spec.support.folder")

describe("the file of who may ask", function()
  local made, source, auth, reloaded, said, now

  local function start(files)
    made = folder.make(files)
    source = auth_source.new({ auth = made.path .. "/auth.json", jwt_keys = files["extra.txt"] and { made.path .. "/extra.txt" } or {} })
    local text = assert(source:read())
    auth = assert(authorize.new({ file = text.auth, jwt_keys = text.jwt_keys, now = os.time, log = print }))
    said, now = {}, 0
    reloaded = auth_reload.new({
      source = source, authorize = auth, interval_s = 1,
      say = function(line) said[#said + 1] = line:gsub(made.path .. "/", "") end,
    })
    reloaded:tick(now)
  end

  after_each(function() made.remove() end)

  -- Two looks: one sees the change, one that the files rest.
  local function pass()
    for _ = 1, 2 do
      now = now + 1
      reloaded:tick(now)
    end
    return table.concat(said)
  end

  local function accepts(key)
    return auth:check({ headers = { ["x-api-key"] = key } }) ~= nil
  end

  local function keys(...)
    return '{"apiKeys": ["' .. table.concat({ ... }, '", "') .. '"]}'
  end

  it("holds anew when it changes", function()
    start({ ["auth.json"] = keys("old") })
    made.write("auth.json", keys("new"))
    assert.equal("reloaded auth.json\n", pass())
    assert.is_true(accepts("new"))
    assert.is_false(accepts("old"))
  end)

  it("is left alone while nothing changes", function()
    start({ ["auth.json"] = keys("old") })
    assert.equal("", pass())
  end)

  it("is told to be broken, and the one from before holds on", function()
    start({ ["auth.json"] = keys("old") })
    made.write("auth.json", '{"apiKey": []}')
    local text = pass()
    assert.matches('^auth%.json: unknown key "apiKey"', text)
    assert.matches("not reloaded: the previous keys and users stay in force\n$", text)
    assert.is_true(accepts("old"))
    made.write("auth.json", keys("third"))
    assert.matches("reloaded auth%.json\n$", pass())
    assert.is_true(accepts("third"))
  end)

  it("can't bring other modes", function()
    start({ ["auth.json"] = keys("old") })
    made.write("auth.json", '{"apiKeys": ["new"], "iam": [{"accessKeyId": "AK", "secretAccessKey": "s"}]}')
    assert.matches("the authorization modes have changed; restart the server to use them", pass(), 1, true)
    assert.is_true(accepts("old"))
    assert.is_false(accepts("new"))
  end)

  it("may be gone, which is told", function()
    start({ ["auth.json"] = keys("old") })
    os.remove(made.path .. "/auth.json")
    assert.matches("No such file", pass(), 1, true)
    assert.is_true(accepts("old"))
  end)

  it("names files, whose change counts as well", function()
    local text = '{"oidc": [{"issuer": "https://i", "keys": "key.txt"}]}'
    start({ ["auth.json"] = text, ["key.txt"] = "one-secret-that-is-long-enough-for-a-key" })
    made.write("key.txt", "another-secret-that-is-long-enough-for-a-key")
    assert.equal("reloaded auth.json\n", pass())
  end)

  it("stands beside keys of tokens, whose change counts as well", function()
    start({ ["auth.json"] = keys("old"), ["extra.txt"] = "one-secret-that-is-long-enough-for-a-key" })
    made.write("extra.txt", "another-secret-that-is-long-enough-for-a-key")
    assert.equal("reloaded auth.json\n", pass())
  end)
end)
