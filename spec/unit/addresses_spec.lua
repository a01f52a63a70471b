-- URLs and hosts as they are given, and what follows from them.
local aws_host = require "appsync.aws_host"
local endpoint_url = require "appsync.client.endpoint_url"
local pasted = require "appsync.pasted"
local proxy_url = require "appsync.client.proxy_url"
local url = require "appsync.url"

local HOST = "abc.appsync-api.us-east-1.amazonaws.com"
local TWIN = "abc.appsync-realtime-api.us-east-1.amazonaws.com"

describe("a URL", function()
  it("has its parts, with scheme and host in lower case", function()
    assert.same({ scheme = "https", user = "", host = "h.example", rest = "/Graph?Q=1#f" }, url.parse "HTTPS://H.Example/Graph?Q=1#f")
    assert.same({ scheme = "http", user = "A:b@", host = "h", port = 8080, rest = "" }, url.parse "http://A:b@h:8080")
    assert.same({ scheme = "wss", user = "a@b@", host = "[2001:db8::1]", port = 1, rest = "/" }, url.parse "wss://a@b@[2001:DB8::1]:1/")
    assert.same({ scheme = "http", user = "", host = "[fe80::1%25eth0]", rest = "" }, url.parse "http://[fe80::1%25eth0]")
  end)

  it("has no port that its scheme has anyway", function()
    for text, expected in pairs{ ["https://h:443/"] = "https://h/", ["http://h:80"] = "http://h", ["wss://h:443"] = "wss://h",
      ["https://h:80"] = "https://h:80", ["https://h:"] = "https://h", ["http://[::1]:80/x"] = "http://[::1]/x",
      ["https://[::443]"] = "https://[::443]", ["https://h:0443"] = "https://h" } do
      assert.equal(expected, url.format(url.parse(text)), text)
    end
  end)

  it("is none when it is malformed", function()
    for _, text in ipairs{ "", "h", "//h", "http:/h", "http://", "http:///x", "http://h:0", "http://h:65536", "http://h:x", "http://h:1:2",
      "http://::1/", "http://[::1", "http://[::1]x", "http://[g]/", "http://a b/", "http://h/a b", "http://h\\x/", "http://u@/", "http://h/\0" } do
      assert.is_nil(url.parse(text), text)
    end
  end)

  it("that is malformed is told what is", function()
    for text, expected in pairs{
      ["http://h:0"] = "its port must be 1 to 65535", ["http://h:65536/x"] = "its port must be 1 to 65535",
      ["http://h:x"] = "its port isn't a number", ["http://h:80:81"] = "its port isn't a number", ["http://[::1]x"] = "its port isn't a number",
      ["http://::1/"] = "an IPv6 address stands in brackets", ["http://2001:db8::1:443/"] = "an IPv6 address stands in brackets",
      ["http://[::1"] = "its host is malformed", ["http://[1.2.3.4]/"] = "its host is malformed", ["http://[]/"] = "its host is malformed",
    } do
      assert.equal(expected, select(2, url.parse(text)), text)
    end
    for _, text in ipairs{ "", "h", "http:///x", "http://a b/" } do assert.is_nil(select(2, url.parse(text)), text) end
  end)
end)

describe("a host under amazonaws.com", function()
  it("tells its service and its region", function()
    local rows = {
      [HOST] = { "abc", "appsync-api", "us-east-1", "amazonaws.com" },
      [HOST:upper() .. "."] = { "abc", "appsync-api", "us-east-1", "amazonaws.com" },
      [TWIN] = { "abc", "appsync-realtime-api", "us-east-1", "amazonaws.com" },
      ["abc.appsync-api.cn-north-1.amazonaws.com.cn"] = { "abc", "appsync-api", "cn-north-1", "amazonaws.com.cn" },
      ["b.s3.us-gov-west-1.amazonaws.com"] = { "b", "s3", "us-gov-west-1", "amazonaws.com" },
      ["b.s3.dualstack.eu-west-1.amazonaws.com"] = { "b", "s3", "eu-west-1", "amazonaws.com" },
      ["b.s3.amazonaws.com"] = { "b", "s3", nil, "amazonaws.com" },
      ["sts.amazonaws.com"] = { "", "sts", nil, "amazonaws.com" },
      ["vpce-1-2.appsync-api.us-east-1.vpce.amazonaws.com"] = { "vpce-1-2", "appsync-api", "us-east-1", "amazonaws.com", true },
    }
    for host, row in pairs(rows) do
      assert.same({ id = row[1], service = row[2], region = row[3], domain = row[4], is_private = row[5] }, aws_host.read(host), host)
    end
  end)

  it("is told from others", function()
    for _, host in ipairs{ "amazonaws.com", "xamazonaws.com", HOST .. ".evil", HOST .. ".c", "h.example", "127.0.0.1", "[::1]", "" } do
      assert.is_nil(aws_host.read(host), host)
    end
  end)
end)

describe("an endpoint", function()
  local SPELLINGS = { "https://" .. HOST .. "/graphql", "https://" .. HOST .. ":443/graphql", "HTTPS://" .. HOST:upper() .. "/graphql",
    "https://" .. HOST .. "./graphql", "https://" .. HOST .. ".:443/graphql" }

  it("of AppSync's own has its region and its realtime twin in each spelling", function()
    for _, text in ipairs(SPELLINGS) do
      assert.equal("https://" .. HOST .. "/graphql", (endpoint_url.normal(text)), text)
      assert.equal("us-east-1", endpoint_url.region(text), text)
      assert.equal("wss://" .. TWIN .. "/graphql", endpoint_url.realtime(text), text)
      assert.is_true(endpoint_url.is_standard(text))
    end
    assert.equal("wss://" .. TWIN .. ":8443/g?x=1", endpoint_url.realtime("https://" .. HOST .. ":8443/g?x=1"))
  end)

  it("of the user's own keeps its host", function()
    assert.equal("https://api.example./graphql", (endpoint_url.normal "https://API.example.:443/graphql"))
    assert.equal("wss://api.example/graphql/realtime", endpoint_url.realtime "https://api.example/graphql")
    assert.equal("ws://[::1]:8080/graphql/realtime?x=1", endpoint_url.realtime "http://[::1]:8080/graphql/?x=1")
    assert.is_nil(endpoint_url.region "https://api.example/graphql")
    assert.is_false(endpoint_url.is_standard "https://api.example/graphql")
  end)

  it("of a VPC has its region, and is the realtime one, too", function()
    local private = "https://vpce-1-2-us-east-1a.appsync-api.us-east-1.vpce.amazonaws.com/graphql"
    assert.equal("us-east-1", endpoint_url.region(private))
    assert.equal("wss://vpce-1-2-us-east-1a.appsync-api.us-east-1.vpce.amazonaws.com/graphql", endpoint_url.realtime(private))
    assert.is_true(endpoint_url.is_private(private))
    assert.is_false(endpoint_url.is_standard(private))
    assert.is_false(endpoint_url.is_private(SPELLINGS[1]))
  end)

  it("is found from its realtime twin", function()
    for _, text in ipairs{ "wss://" .. TWIN .. "/graphql", "wss://" .. TWIN .. ":443/graphql", "WSS://" .. TWIN:upper() .. "./graphql",
      "wss://" .. TWIN .. "/graphql/realtime" } do
      assert.equal("https://" .. HOST .. "/graphql", endpoint_url.api(text), text)
    end
    assert.equal("https://abc.appsync-api.cn-north-1.amazonaws.com.cn/graphql",
      endpoint_url.api "wss://abc.appsync-realtime-api.cn-north-1.amazonaws.com.cn/graphql")
    for _, text in ipairs{ "wss://api.example/graphql/realtime", "wss://" .. HOST .. "/graphql" } do assert.is_nil(endpoint_url.api(text)) end
    for _, host in ipairs{ HOST:upper(), HOST .. ".", HOST .. ":443" } do assert.equal(TWIN, endpoint_url.realtime_host(host), host) end
    assert.is_nil(endpoint_url.realtime_host "api.example")
    assert.is_nil(endpoint_url.realtime_host(TWIN))
    assert.is_nil(endpoint_url.realtime_host "")
  end)
end)

describe("a proxy", function()
  it("is http:// without a scheme, and 1080 without a port, as libcurl has it", function()
    for text, expected in pairs{ ["127.0.0.1:3128"] = "http://127.0.0.1:3128", ["http://proxy:3128"] = "http://proxy:3128",
      ["HTTP://Proxy:3128/"] = "http://proxy:3128", ["proxy"] = "http://proxy:1080", ["http://proxy:80"] = "http://proxy:80",
      ["http://proxy"] = "http://proxy:1080", ["[::1]:3128"] = "http://[::1]:3128", ["http://[::1]"] = "http://[::1]:1080",
      ["u:p%40ss@proxy:1"] = "http://u:p%40ss@proxy:1", ["http://a@b:c@proxy:1"] = "http://a@b:c@proxy:1" } do
      assert.equal(expected, (proxy_url.check(text)), text)
    end
  end)

  it("of another kind is refused by its name", function()
    for _, scheme in ipairs{ "https", "socks5", "socks5h", "socks4", "ftp" } do
      local proxy, fault = proxy_url.check(scheme .. "://proxy:1")
      assert.is_nil(proxy)
      assert.equal(scheme .. " proxies aren't supported; accepted is http://[user:password@]host:port, or host:port", fault)
    end
  end)

  it("is refused where it is none", function()
    for _, text in ipairs{ "not a url", "http://", "proxy:x", "proxy:0", "proxy:99999", "http://proxy:1/path", "proxy?x", "::1", "http://u:p/w@proxy:1" } do
      local proxy, fault = proxy_url.check(text)
      assert.is_nil(proxy, text)
      assert.equal("accepted is http://[user:password@]host:port, or host:port", fault)
    end
  end)
end)

describe("pasted text", function()
  it("loses what stands around it", function()
    for _, text in ipairs{ "a b", " a b", "a b\r\n", "\t a b ", "\194\160a b\194\160", "\239\187\191a b", "\226\128\139 \194\160 a b\n\194\160\n" } do
      assert.equal("a b", pasted.trim(text))
    end
    assert.equal("", pasted.trim " \194\160 ")
    assert.equal("\194\161a\195\160", pasted.trim "\194\161a\195\160")
  end)
end)
