local host = require("appsync.server.http.host")

describe("a Host header", function()
  it("has its name without the port, in lower case", function()
    assert.equal("a.example", host.name("A.Example:80"))
    assert.equal("a.example", host.name(" a.example. "))
    assert.equal("[::1]", host.name("[::1]:80"))
    assert.equal("127.0.0.1", host.name("127.0.0.1"))
    for _, text in ipairs({ "", "a b", "a:b", "[::1", "::1", "user@localhost", "localhost/", "a:1:2" }) do
      assert.is_nil(host.name(text), text)
    end
    assert.is_nil(host.name(nil))
  end)

  it("is loopback's or not", function()
    for _, text in ipairs({ "localhost", "a.localhost:1", "127.0.0.1", "127.9.9.9:80", "[::1]" }) do
      assert.is_true(host.is_loopback(text), text)
    end
    for _, text in ipairs({ "localhost.example", "127.0.0.1.example", "10.0.0.1", "[::2]", "", "127.0.0.1@evil" }) do
      assert.is_false(host.is_loopback(text), text)
    end
    assert.is_false(host.is_loopback(nil))
  end)

  it("is refused unless it can't be of a page of somebody else", function()
    for _, text in ipairs({ "localhost", "10.1.2.3:80", "[fe80::1]", "x1.appsync-api.us-east-1.amazonaws.com",
      "x1.appsync-realtime-api.us-east-1.amazonaws.com:443", "mine.example" }) do
      assert.is_nil(host.refusal(text, { ["mine.example"] = true }), text)
    end
    assert.is_nil(host.refusal(nil, {}))
    assert.is_nil(host.refusal("any.example", { ["*"] = true }))
    for _, text in ipairs({ "evil.example", "x.appsync-api.us-east-1.amazonaws.com.evil.example", "appsync-api.example",
      "a.b.appsync-api.us-east-1.amazonaws.com.evil", "", "localhost@evil.example" }) do
      assert.matches("^The Host header says", host.refusal(text, {}))
    end
    assert.not_matches("[\128-\255\r\n]", host.refusal("\255\r\nx", {}))
  end)

  it("is not looked at where others are served: an address is local or not", function()
    for address, is_local in pairs({ ["127.0.0.1"] = true, localhost = true, ["::1"] = true, ["0.0.0.0"] = false, ["::"] = false,
      ["192.168.1.2"] = false, ["example.org"] = false }) do
      assert.equal(is_local, host.is_local_address(address), address)
    end
  end)
end)
