local core = require("appsync.core")
local request_log = require("appsync.server.fault.request_log")

describe("the request log", function()
  local capacity, log = request_log.capacity, nil

  before_each(function()
    log = request_log.new(function() return 1000 end, function() return 5 end)
  end)
  after_each(function() request_log.capacity = capacity end)

  it("keeps so many entries and their numbers", function()
    request_log.capacity = 3
    for i = 1, 5 do log:finish(log:begin({ on = "request", operation = "Op" .. i }), 200) end
    local list = log:list()
    assert.equal(3, #list)
    assert.same({ 3, 4, 5 }, { list[1].n, list[2].n, list[3].n })
    assert.equal("Op3", list[1].operation)
    assert.equal(1, #log:list({ since = 4 }))
  end)

  it("shows no secret, and that there was one", function()
    log:begin({ headers = { authorization = "s1", ["x-api-key"] = "s2", cookie = "s3", ["x-amz-security-token"] = "s4",
      ["sec-websocket-protocol"] = "s5", ["x-my-token"] = "s6", host = "h" } })
    assert.same({ authorization = "***", ["x-api-key"] = "***", cookie = "***", ["x-amz-security-token"] = "***",
      ["sec-websocket-protocol"] = "***", host = "h" }, log:list()[1].headers)
  end)

  it("keeps short what may be long, and nothing that JSON can't say", function()
    local long = ("x"):rep(100000)
    log:begin({ operation = long, path = "/\255" .. long, fields = { long }, headers = { ["user-agent"] = long, host = "\255" } })
    local entry = log:list()[1]
    for _, text in ipairs({ entry.operation, entry.path, entry.fields[1], entry.headers["user-agent"] }) do
      assert.equal(203, #text)
    end
    assert.is_true((pcall(core.encode, log:list())))
  end)

  it("cuts between characters, and names an operation that is no text", function()
    log:begin({ operation = ("x"):rep(199) .. "é", kind = "\255" })
    assert.equal(("x"):rep(199) .. "…", log:list()[1].operation)
    assert.equal("?", log:list()[1].kind)
  end)

  it("tells how an entry ended once", function()
    local entry = log:begin({})
    log:finish(entry, 200)
    log:finish(entry, 500)
    assert.equal(200, log:list()[1].status)
  end)
end)
