-- A client that is told where its API is by a configuration file, against the local server.
local appsync = require "appsync"
local process = require "spec.support.process"
local server = require "spec.support.server"
local tokens = require "spec.support.tokens"

local SCHEMA = [[
type Query {
  who: String @aws_api_key @aws_oidc @aws_iam
  header(name: String!): String @aws_api_key
}
]]
local RESOLVERS = [[
return { Query = {
  who = function(ctx)
    if not ctx.identity then return "API_KEY" end
    return ctx.identity.userArn and "AWS_IAM" or "OPENID_CONNECT"
  end,
  header = function(ctx) return ctx.request.headers[ctx.arguments.name] end,
} }
]]

describe("a configuration", function()
  local service, client

  setup(function()
    local key_file = process.file(tokens.SECRET, ".jwt")
    service = server.start { schema = SCHEMA, resolvers = RESOLVERS, arguments = { "--jwt-key", key_file } }
  end)

  teardown(function() process.stop_all() end)

  after_each(function()
    appsync.configure(nil)
    if client then assert.is_true(client:close(5)) end
    client = nil
  end)

  local function connect(options)
    local err
    client, err = appsync.client(options)
    assert.is_nil(err)
    return client
  end

  local function who(options)
    local data, err = client:query("{ who }", nil, options)
    assert.is_nil(err)
    return data.who
  end

  local function file(suffix, text)
    local path = process.temporary(suffix)
    process.write(path, text)
    return path
  end

  local function outputs()
    return appsync.encode { version = "1", data = { url = service.endpoint, aws_region = "us-east-1", api_key = server.API_KEY,
      default_authorization_type = "API_KEY", authorization_types = { "OPENID_CONNECT" } } }
  end

  local function exports()
    return ("const awsmobile = {\n  'aws_project_region': 'us-east-1',\n  aws_appsync_graphqlEndpoint: \"%s\",\n  aws_appsync_region: 'us-east-1',"
      .. "\n  aws_appsync_authenticationType: 'API_KEY', // the default\n  aws_appsync_apiKey: '%s',\n};\nexport default awsmobile;\n"):format(service.endpoint, server.API_KEY)
  end

  it("in amplify_outputs.json is enough for a client", function()
    connect { config = file(".json", outputs()) }
    assert.equal("API_KEY", who())
  end)

  it("in aws-exports.js is enough for a client", function()
    connect { config = file(".js", exports()) }
    assert.equal("API_KEY", who())
  end)

  it("that a script exports is enough for a client, whatever stands before it", function()
    connect { config = file(".ts", ("const oauth = {};\nconst URL = '%s';\nconst aws: Config = { aws_appsync_graphqlEndpoint: URL, oauth,\n"
      .. "  aws_appsync_authenticationType: 'API_KEY' as const, aws_appsync_apiKey: `%s` };\nexport default aws;\n")
      :format(service.endpoint, server.API_KEY)) }
    assert.equal("API_KEY", who())
  end)

  it("in amplifyconfiguration.json is enough for a client", function()
    connect { config = file(".json", appsync.encode { api = { plugins = { awsAPIPlugin = { todo = { endpointType = "GraphQL",
      endpoint = service.endpoint, region = "us-east-1", authorizationType = "API_KEY", apiKey = server.API_KEY } } } } }) }
    assert.equal("API_KEY", who())
  end)

  it("may be the text of a file, or a table in its shape", function()
    connect { config = outputs() }
    assert.equal("API_KEY", who())
    assert.is_true(client:close(5))
    connect { config = exports() }
    assert.equal("API_KEY", who())
    assert.is_true(client:close(5))
    connect { config = appsync.decode(outputs()) }
    assert.equal("API_KEY", who())
  end)

  it("may be a list, merged in order", function()
    local first = { aws_appsync_graphqlEndpoint = "https://elsewhere.example/graphql", aws_appsync_authenticationType = "API_KEY", aws_appsync_apiKey = "da2-other" }
    connect { config = { first, file(".json", outputs()) } }
    assert.equal("API_KEY", who())
  end)

  it("is overridden by the options beside it", function()
    connect { config = outputs(), auth = { type = "OPENID_CONNECT", token = tokens.hs256 {} } }
    assert.equal("OPENID_CONNECT", who())
    assert.equal("API_KEY", who { auth_mode = "apiKey" })
    assert.is_true(client:close(5))
    connect { config = { aws_appsync_graphqlEndpoint = "http://127.0.0.1:1/graphql", aws_appsync_authenticationType = "API_KEY",
      aws_appsync_apiKey = server.API_KEY }, endpoint = service.endpoint }
    assert.equal("API_KEY", who())
  end)

  it("that names a mode without material asks for it at the first call", function()
    connect { config = { aws_appsync_graphqlEndpoint = service.endpoint, aws_appsync_authenticationType = "OPENID_CONNECT" } }
    local data, err = client:query "{ who }"
    assert.is_nil(data)
    assert.equal("auth", err.kind)
    assert.matches("OPENID_CONNECT isn't configured", err.message)
    assert.is_true(client:close(5))
    connect { config = { aws_appsync_graphqlEndpoint = service.endpoint, aws_appsync_authenticationType = "OPENID_CONNECT" },
      auths = { { type = "OPENID_CONNECT", token = function() return tokens.hs256 {} end } } }
    assert.equal("OPENID_CONNECT", who())
  end)

  it("may give headers by a function, as Amplify's does", function()
    connect { config = { outputs(), { API = { graphql_headers = function() return { ["x-from"] = "config" } end } } } }
    local function header(options)
      local data, err = client:query('{ header(name: "x-from") }', nil, options)
      assert.is_nil(err)
      return data.header
    end
    assert.equal("config", header())
    assert.equal("call", header { headers = { ["X-From"] = "call" } })
  end)

  it("by appsync.configure is what clients inherit", function()
    assert.is_true(appsync.configure(file(".json", outputs())))
    connect {}
    assert.equal("API_KEY", who())
    assert.is_true(client:close(5))
    connect { auth = { type = "OPENID_CONNECT", token = tokens.hs256 {} } }
    assert.equal("OPENID_CONNECT", who())
    appsync.configure(nil)
    assert.is_false((pcall(appsync.client, {})))
  end)

  describe("that can't be read is nil and an error that names it:", function()
    local function refused(config, ...)
      local made, err = appsync.client { config = config }
      assert.is_nil(made)
      assert.equal("usage", err.kind)
      for _, expected in ipairs { ... } do
        assert.is_truthy(err.message:find(expected, 1, true), err.message)
      end
      assert.is_nil(err.message:find("\n", 1, true))
      local ok, configure_err = appsync.configure(config)
      assert.is_nil(ok)
      assert.equal(err.message, configure_err.message)
    end

    it("a file that isn't there", function() refused("no/such/outputs.json", "config can't be read: no/such/outputs.json: No such file or directory; accepted are amplify_outputs.json") end)

    it("a file that is no configuration", function()
      local path = file(".json", '{"some": "thing"}')
      refused(path, path .. " is not recognized; accepted are")
      refused({ data = { url = "https://h/graphql" } }, 'config is amplify_outputs.json without its "version"')
    end)

    it("a file that is broken, with the place", function()
      local path = file(".json", '{"version": "1",\n "data": {"url": }}')
      refused(path, path, "line 2")
    end)

    it("an empty file", function()
      local path = file(".json", "")
      refused(path, path)
    end)

    it("a folder", function() refused("spec", "spec") end)

    it("a file without an API, which is otherwise read", function()
      local path = file(".json", '{"version": "1.4", "auth": {"user_pool_id": "us-east-1_P"}}')
      local made, err = appsync.client { config = path }
      assert.is_nil(made)
      assert.equal("usage", err.kind)
      assert.equal("config", err.code)
      assert.truthy(err.message:find("endpoint is missing: " .. path .. " (amplify_outputs.json) has no data.url", 1, true), err.message)
      assert.truthy(err.message:find("accepted are amplify_outputs.json", 1, true), err.message)
      assert.is_table(connect { config = path, endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } })
      assert.equal("API_KEY", who())
    end)

    it("a script that computes its API", function()
      local path = file(".js", "export default {\n  aws_appsync_graphqlEndpoint: process.env.API_URL,\n}\n")
      local made, err = appsync.client { config = path }
      assert.is_nil(made)
      assert.truthy(err.message:find("aws_appsync_graphqlEndpoint is process.env.API_URL in line 2", 1, true), err.message)
    end)

    it("a field of the wrong kind", function()
      local path = file(".json", '{"version":"1","data":{"url":5,"aws_region":"us-east-1"}}')
      refused(path, path, "url")
    end)
  end)
end)
