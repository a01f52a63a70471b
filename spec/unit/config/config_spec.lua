local config = require "appsync.config"
local core = require "appsync.core"
local process = require "spec.support.process"

local URL = "https://abc.appsync-api.us-east-1.amazonaws.com/graphql"

local OUTPUTS = [[{
  "version": "1.4",
  "auth": {"aws_region": "eu-west-1", "user_pool_id": "eu-west-1_P", "user_pool_client_id": "client",
           "identity_pool_id": "eu-west-1:uuid", "unauthenticated_identities_enabled": true},
  "data": {"aws_region": "us-east-1", "url": "]] .. URL .. [[", "api_key": "da2-x", "default_authorization_type": "API_KEY",
           "authorization_types": ["AWS_IAM", "AMAZON_COGNITO_USER_POOLS"], "model_introspection": {"version": 1}},
  "storage": {"aws_region": "us-east-2", "bucket_name": "b"},
  "custom": {"anything": [1, null]}
}]]

local EXPORTS = [[/* eslint-disable */
// WARNING: DO NOT EDIT. const wrong = { "aws_project_region": "no" }
import { nothing } from 'somewhere';

const awsmobile = {
    "aws_project_region": "us-east-1",
    aws_appsync_graphqlEndpoint: ']] .. URL .. [[', // the endpoint
    'aws_appsync_region': "us-east-2",
    "aws_appsync_authenticationType": "AMAZON_COGNITO_USER_POOLS",
    "aws_appsync_apiKey": null,
    "aws_cognito_identity_pool_id": "us-east-1:uuid",
    "aws_user_pools_id": "us-east-1_P",
    "aws_user_pools_web_client_id": "client",
    "aws_mandatory_sign_in": "enable",
    "oauth": {},
    "aws_user_files_s3_bucket": "b",
    "aws_user_files_s3_bucket_region": "us-east-1",
    "aws_cloud_logic_custom": [
        { "name": "rest1", "endpoint": "https://x.execute-api.us-east-1.amazonaws.com/dev", "region": "us-east-1", },
    ],
};

export default awsmobile;
]]

local NATIVE = [[{"UserAgent": "aws-amplify-cli/2.0", "Version": "1.0",
  "api": {"plugins": {"awsAPIPlugin": {
    "todo_AWS_IAM": {"endpointType": "GraphQL", "endpoint": "]] .. URL .. [[", "region": "us-east-1", "authorizationType": "AWS_IAM"},
    "todo": {"endpointType": "GraphQL", "endpoint": "]] .. URL .. [[", "region": "us-east-1", "authorizationType": "API_KEY",
             "apiKey": "da2-x"},
    "things": {"endpointType": "REST", "endpoint": "https://r.example.com", "region": "us-east-2", "authorizationType": "AWS_IAM"}}}},
  "auth": {"plugins": {"awsCognitoAuthPlugin": {
    "CognitoUserPool": {"Default": {"PoolId": "us-east-1_P", "AppClientId": "client", "AppClientSecret": "hidden", "Region": "us-east-1"}},
    "CredentialsProvider": {"CognitoIdentity": {"Default": {"PoolId": "us-east-1:uuid", "Region": "us-east-1"}}}}}},
  "storage": {"plugins": {"awsS3StoragePlugin": {"bucket": "b", "region": "us-east-1"}}}}]]

local MOBILE = [[{"AppSync": {
    "Default": {"ApiUrl": "]] .. URL .. [[", "Region": "us-east-1", "AuthMode": "API_KEY", "ApiKey": "da2-x", "ClientDatabasePrefix": "p"},
    "Friendly": {"ApiUrl": "]] .. URL .. [[", "Region": "us-east-1", "AuthMode": "OPENID_CONNECT"}},
  "CognitoUserPool": {"Default": {"PoolId": "us-east-1_P", "AppClientId": "client", "Region": "us-east-1"}},
  "S3TransferUtility": {"Default": {"Bucket": "b", "Region": "us-east-1"}}}]]

after_each(process.stop_all)

local function expect_err(text, settings, err)
  assert.is_nil(settings)
  assert.equal("usage", err.kind)
  assert.truthy(err.message:find(text, 1, true), err.message .. " should contain " .. text)
end

describe("config.load", function()
  it("reads amplify_outputs.json", function()
    assert.same({
      endpoint = URL, region = "us-east-1", api_key = "da2-x", default_auth_type = "API_KEY",
      auth_types = { "AWS_IAM", "AMAZON_COGNITO_USER_POOLS" }, model_introspection = { version = 1 },
      auth = { region = "eu-west-1", user_pool_id = "eu-west-1_P", user_pool_client_id = "client",
        identity_pool_id = "eu-west-1:uuid", allow_guest_access = true },
      storage = { bucket = "b", region = "us-east-2" }, rest = {}, warnings = {},
    }, config.load(OUTPUTS))
  end)

  it("reads a file behind a byte order mark, JSON and JavaScript", function()
    assert.same(config.load(OUTPUTS), config.load(process.file("\239\187\191" .. OUTPUTS)))
    assert.same(config.load(EXPORTS), config.load(process.file("\239\187\191" .. EXPORTS)))
    assert.same(config.load(OUTPUTS), config.load("\239\187\191" .. OUTPUTS))
  end)

  it("reads aws-exports.js without running it", function()
    assert.same({
      endpoint = URL, region = "us-east-2", default_auth_type = "AMAZON_COGNITO_USER_POOLS", auth_types = {},
      auth = { region = "us-east-1", user_pool_id = "us-east-1_P", user_pool_client_id = "client",
        identity_pool_id = "us-east-1:uuid", allow_guest_access = false },
      storage = { bucket = "b", region = "us-east-1" },
      rest = { rest1 = { endpoint = "https://x.execute-api.us-east-1.amazonaws.com/dev", region = "us-east-1" } },
      warnings = {},
    }, config.load(EXPORTS))
  end)

  it("reads the native amplifyconfiguration.json, one endpoint under several names", function()
    assert.same({
      endpoint = URL, region = "us-east-1", api_key = "da2-x", default_auth_type = "API_KEY", auth_types = { "AWS_IAM" },
      auth = { region = "us-east-1", user_pool_id = "us-east-1_P", user_pool_client_id = "client",
        user_pool_client_secret = "hidden", identity_pool_id = "us-east-1:uuid" },
      storage = { bucket = "b", region = "us-east-1" },
      rest = { things = { endpoint = "https://r.example.com", region = "us-east-2", auth_type = "AWS_IAM" } },
      warnings = {},
    }, config.load(NATIVE))
  end)

  it("reads the AppSync section of awsconfiguration.json", function()
    assert.same({
      endpoint = URL, region = "us-east-1", api_key = "da2-x", default_auth_type = "API_KEY",
      auth_types = { "OPENID_CONNECT" },
      auth = { region = "us-east-1", user_pool_id = "us-east-1_P", user_pool_client_id = "client" },
      storage = { bucket = "b", region = "us-east-1" }, rest = {}, warnings = {},
    }, config.load(MOBILE))
  end)

  it("reads AppSync.js as the console wrote it", function()
    local text = ("export default {\n  graphqlEndpoint: %q,\n  region: 'eu-west-1',\n  authenticationType: 'AWS_IAM',\n}")
      :format(URL)
    assert.same({ endpoint = URL, region = "eu-west-1", default_auth_type = "AWS_IAM", auth_types = {}, rest = {},
      warnings = {} }, config.load(text))
  end)

  it("reads the sections that version 5 applications write by hand", function()
    local function headers() return {} end
    local function custom() return { Authorization = "t" } end
    assert.same({
      endpoint = "https://api.example.com/graphql", is_custom_endpoint = true, custom_endpoint_region = "us-east-2",
      headers = headers, auth_types = {}, warnings = {},
      rest = { f = { endpoint = "https://f.example.com", region = "us-east-1", service = "lambda", headers = custom } },
      auth = { region = "us-east-1", user_pool_id = "us-east-1_P", user_pool_client_id = "client", allow_guest_access = false },
      storage = { bucket = "b", region = "us-east-1" },
    }, config.load {
      API = {
        graphql_endpoint = "https://api.example.com/graphql", graphql_endpoint_iam_region = "us-east-2",
        graphql_headers = headers,
        endpoints = { { name = "f", endpoint = "https://f.example.com", region = "us-east-1", service = "lambda",
          custom_header = custom } },
      },
      Auth = { region = "us-east-1", userPoolId = "us-east-1_P", userPoolWebClientId = "client", mandatorySignIn = true },
      Storage = { AWSS3 = { bucket = "b", region = "us-east-1" } },
    })
  end)

  it("reads the resolved form of version 6", function()
    assert.same({
      endpoint = URL, region = "us-east-1", api_key = "da2-x", default_auth_type = "AMAZON_COGNITO_USER_POOLS",
      auth_types = {}, warnings = {},
      rest = { r = { endpoint = "https://r.example.com" } },
      auth = { region = "us-east-1", user_pool_id = "us-east-1_P", user_pool_client_id = "client", allow_guest_access = true },
      storage = { bucket = "b", region = "us-east-1" },
    }, config.load {
      API = {
        GraphQL = { endpoint = URL, region = "us-east-1", apiKey = "da2-x", defaultAuthMode = "userPool" },
        REST = { r = { endpoint = "https://r.example.com" } },
      },
      Auth = { Cognito = { userPoolId = "us-east-1_P", userPoolClientId = "client", allowGuestAccess = true } },
      Storage = { S3 = { bucket = "b", region = "us-east-1" } },
    })
  end)

  it("takes a custom endpoint of version 6 before AppSync's own", function()
    local got = config.load { API = { GraphQL = { endpoint = URL, customEndpoint = "https://c.example.com/",
      customEndpointRegion = "us-east-2", defaultAuthMode = "iam" } } }
    assert.equal("https://c.example.com/", got.endpoint)
    assert.is_true(got.is_custom_endpoint)
    assert.equal("us-east-2", got.custom_endpoint_region)
  end)

  it("accepts the AppSync keys under API with exactly one warning", function()
    local warnings = {}
    local got = config.load({ API = { aws_appsync_graphqlEndpoint = URL, aws_appsync_region = "us-east-1",
      aws_appsync_authenticationType = "API_KEY", aws_appsync_apiKey = "da2-x" } },
      function(message) warnings[#warnings + 1] = message end)
    assert.equal(URL, got.endpoint)
    assert.equal("API_KEY", got.default_auth_type)
    assert.equal("da2-x", got.api_key)
    assert.equal(1, #warnings)
    assert.same(warnings, got.warnings)
    assert.truthy(warnings[1]:find("under API", 1, true))
  end)

  it("reads hand-written sections beside a file's keys", function()
    local got = config.load { aws_project_region = "us-east-1", aws_appsync_graphqlEndpoint = URL,
      API = { graphql_headers = print } }
    assert.equal(URL, got.endpoint)
    assert.equal(print, got.headers)
    assert.equal("us-east-1", got.region)
  end)

  it("merges a list in order", function()
    local got = assert(config.load { OUTPUTS, process.file(EXPORTS),
      { API = { REST = { more = { endpoint = "https://m.example.com" } } } } })
    assert.equal("us-east-2", got.region)
    assert.equal("da2-x", got.api_key)
    assert.equal("AMAZON_COGNITO_USER_POOLS", got.default_auth_type)
    assert.same({ "AWS_IAM", "AMAZON_COGNITO_USER_POOLS" }, got.auth_types)
    assert.is_table(got.rest.rest1)
    assert.is_table(got.rest.more)
    assert.equal("us-east-1_P", got.auth.user_pool_id)
    assert.is_nil(config.load({ { API = { graphql_endpoint = "https://c.example.com" } }, OUTPUTS }).is_custom_endpoint)
  end)

  it("reads a file", function()
    assert.equal(URL, config.load(process.file(NATIVE)).endpoint)
  end)

  it("names the file that it can't read, and what is accepted", function()
    expect_err("/nonexistent/amplify_outputs.json", config.load "/nonexistent/amplify_outputs.json")
    expect_err("accepted are amplify_outputs.json", config.load "/nonexistent/amplify_outputs.json")
    local empty = process.file("")
    expect_err(empty, config.load(empty))
    local other = process.file('{"name": "package"}')
    expect_err(other .. " is not recognized", config.load(other))
    local broken = process.file("export default {\n  a: 1,\n  b: process.env.KEY\n  c: 1,\n}")
    expect_err(broken .. ": line 4: ',' or '}' was expected", config.load(broken))
    expect_err("a?b must be a table", config.load { AppSync = { ["a\nb"] = 1 } })
    expect_err("config[2] is not recognized", config.load { OUTPUTS, { a = 1 } })
    expect_err("is not recognized", config.load {})
    expect_err("is not recognized", config.load "[{}]")
  end)

  it("names what is no configuration, though it stands near one", function()
    local rows = {
      { 'is amplify_outputs.json without its "version"', { data = { url = URL } } },
      { 'is amplify_outputs.json without its "version"', { auth = { user_pool_client_id = "c" } } },
      { "is amplify_outputs.json, whose version must be a string", { version = 1, data = { url = URL } } },
      { "is amplify_outputs.json of another version", { version = "2", data = { url = URL } } },
      { "is amplify-meta.json", { api = { todo = { service = "AppSync", output = { GraphQLAPIEndpointOutput = URL } } } } },
      { "is team-provider-info.json", { dev = { awscloudformation = { Region = "us-east-1" } } } },
      { "is package.json", { name = "app", version = "1.0.0", dependencies = { ["aws-amplify"] = "6" } } },
      { "is a schema, as introspection gives it", { data = { __schema = { types = {} } } } },
      { "describes models", { version = 1, models = {}, enums = {} } },
      { "is a CloudFormation template", { Resources = {} } },
      { "is .graphqlconfig", { projects = { todo = { schemaPath = "schema.json" } } } },
      { "is .graphqlconfig", "projects:\n  todo:\n    schemaPath: src/graphql/schema.json\n    excludes:\n      - ./amplify/**\n" },
      { "is YAML, which isn't read", "app:\n  region: us-east-1\n" },
      { "is a GraphQL schema", "\ntype Todo @model {\n  id: ID!\n}\n" },
      { "is a list of environment variables", "\nAPI_URL=https://x\nAPI_KEY=da2-x\n" },
    }
    for _, row in ipairs(rows) do
      expect_err("config " .. row[1], config.load(row[2]))
      expect_err("accepted are amplify_outputs.json", config.load(row[2]))
    end
  end)

  it("reads what has no API and tells where one would stand", function()
    local native = "config (amplifyconfiguration.json of the native libraries) has no api.plugins.awsAPIPlugin.NAME.endpoint"
    local rows = {
      { "config (amplify_outputs.json) has no data.url", { version = "1.4", auth = { user_pool_id = "us-east-1_P" } } },
      { "config (aws-exports.js) has no aws_appsync_graphqlEndpoint", { aws_project_region = "us-east-1" } },
      { "config (AppSync.js) has no graphqlEndpoint", { graphqlEndpoint = "" } },
      { "config (awsconfiguration.json) has no AppSync.NAME.ApiUrl", { CognitoUserPool = { Default = { PoolId = "us-east-1_P" } } } },
      { "config (awsconfiguration.json) has no AppSync.NAME.ApiUrl", { UserAgent = "x", Version = "0.1.0", IdentityManager = {} } },
      { native, { UserAgent = "aws-amplify-cli/2.0", Version = "1.0" } },
      { native, { api = { plugins = { awsAPIPlugin = { t = { endpointType = "GraphQL", region = "us-east-1" } } } } } },
      { "config (an amplify-js configuration) has no API.GraphQL.endpoint", { Auth = { region = "us-east-1" } } },
      { "config (aws-exports.js): aws_appsync_graphqlEndpoint is process.env.URL in line 2, which isn't a literal; code is never run",
        "export default {\n  aws_appsync_graphqlEndpoint: process.env.URL,\n}" },
    }
    for _, row in ipairs(rows) do
      local got = assert(config.load(row[2]))
      assert.is_nil(got.endpoint)
      assert.equal(row[1], got.lacks)
    end
    local file = process.file('{"version": "1"}')
    assert.equal(file .. " (amplify_outputs.json) has no data.url", config.load(file).lacks)
    assert.is_nil(config.load({ { aws_project_region = "us-east-1" }, OUTPUTS }).lacks)
    assert.is_nil(config.load({ OUTPUTS, { aws_project_region = "us-east-1" } }).lacks)
    assert.equal("config[1] (aws-exports.js) has no aws_appsync_graphqlEndpoint, config[2] (an amplify-js configuration) has no "
      .. "API.GraphQL.endpoint", config.load({ { aws_project_region = "us-east-1" }, { Auth = {} } }).lacks)
  end)

  it("takes the exported literal of a script, in each shape", function()
    for _, text in ipairs {
      "const oauth = {domain: 'x'};\nconst awsmobile = {aws_appsync_graphqlEndpoint: '%s', oauth};\nexport default awsmobile",
      "const REGION = 'us-east-1';\nexport const config: ResourcesConfig = {API: {GraphQL: {endpoint: `%s`, region: REGION, "
        .. "defaultAuthMode: 'apiKey' as const}}};",
      "module.exports = {graphqlEndpoint: '%s', region: 'us-east-1', authenticationType: AUTH_TYPE.API_KEY}",
      "export default {url: '%s', region: 'us-east-1', auth: {type: AUTH_TYPE.API_KEY, apiKey: process.env.KEY}}",
      "export const environment = {production: true, amplify: {aws_appsync_graphqlEndpoint: '%s'}};",
      "const amplifyconfig = '''{\"UserAgent\": \"aws-amplify-cli/2.0\", \"Version\": \"1.0\", \"api\": {\"plugins\": "
        .. "{\"awsAPIPlugin\": {\"todo\": {\"endpointType\": \"GraphQL\", \"endpoint\": \"%s\"}}}}}''';",
      "const amplifyConfig = r'''{\"version\": \"1.3\", \"data\": {\"url\": \"%s\"}}''';",
      "import Amplify, { Auth, API } from 'aws-amplify';\n"
        .. "Amplify.configure({API: {graphql_endpoint: process.env.URL || '%s', graphql_headers: async () => ({ a: 1 })}})",
    } do
      local got, err = config.load((text:format(URL)))
      assert.is_nil(err, text)
      assert.equal(URL, got.endpoint)
    end
  end)

  it("leaves out what a script computes, and tells it", function()
    local got = assert(config.load("export default {\n  aws_appsync_graphqlEndpoint: '" .. URL .. "',\n  aws_appsync_apiKey: "
      .. "process.env.KEY,\n  aws_cloud_logic_custom: list(),\n  aws_user_pools_id: secret }"))
    assert.equal(URL, got.endpoint)
    assert.is_nil(got.api_key)
    assert.same({
      "aws_appsync_apiKey is left out: it is process.env.KEY in line 3, which isn't a literal; code is never run",
      "aws_user_pools_id is left out: it is an expression in line 5, which isn't a literal; code is never run",
      "aws_cloud_logic_custom is left out: it is an expression in line 4, which isn't a literal; code is never run",
    }, got.warnings)
  end)

  it("reads the API that the native file repeats for Cognito, where it is the only one", function()
    local got = assert(config.load { auth = { plugins = { awsCognitoAuthPlugin = { AppSync = { Default = { ApiUrl = URL,
      AuthMode = "API_KEY", ApiKey = "da2-x" } } } } } })
    assert.equal(URL, got.endpoint)
    assert.equal("da2-x", got.api_key)
  end)

  it("drops white space around what was pasted", function()
    local got = assert(config.load { version = "1", data = { url = " " .. URL .. "\n", api_key = "da2-x\r\n",
      aws_region = "\194\160us-east-1 " } })
    assert.equal(URL, got.endpoint)
    assert.equal("da2-x", got.api_key)
    assert.equal("us-east-1", got.region)
  end)

  it("names what has the wrong type or value", function()
    local rows = {
      { "url must be a string, got a number", { version = "1", data = { url = 5 } } },
      { "url must be an http or https URL", { version = "1", data = { url = "ftp://x" } } },
      { "data must be a table, got a string", { version = "1", data = "x" } },
      { "default_authorization_type must be API_KEY", { version = "1", data = { default_authorization_type = "KEY" } } },
      { "authorization_types must be API_KEY", { version = "1", data = { authorization_types = { "KEY" } } } },
      { "endpointType of a must be GraphQL or REST", { api = { plugins = { awsAPIPlugin = { a = {} } } } } },
      { "a must be a table, got a string", { api = { plugins = { awsAPIPlugin = { a = "x" } } } } },
      { "aws_appsync_apiKey must be a string", { aws_appsync_apiKey = 5 } },
      { "an entry of aws_cloud_logic_custom has no name", { aws_cloud_logic_custom = { {} } } },
      { "an entry of endpoints has no name", { API = { endpoints = { {} } } } },
      { "graphql_headers must be a function, got a table", { API = { graphql_headers = {} } } },
    }
    for _, row in ipairs(rows) do expect_err(row[1], config.load(row[2])) end
  end)

  it("warns of an unknown mode in aws-exports.js and of further endpoints", function()
    local got = config.load { aws_appsync_graphqlEndpoint = URL, aws_appsync_authenticationType = "OTHER" }
    assert.equal("AWS_IAM", got.default_auth_type)
    assert.equal(1, #got.warnings)
    got = config.load { AppSync = { A = { ApiUrl = URL }, B = { ApiUrl = "https://other.example.com/graphql" } } }
    assert.equal(URL, got.endpoint)
    assert.equal(1, #got.warnings)
  end)

  it("takes JSON null and empty strings for absent", function()
    local got = assert(config.load { version = "1", data = { url = URL, api_key = core.null, aws_region = "" }, auth = core.null })
    assert.is_nil(got.api_key)
    assert.is_nil(got.region)
    assert.is_nil(got.auth)
  end)

  it("finds the identity's region in its ids", function()
    assert.equal("eu-west-1", config.load { Auth = { userPoolId = "eu-west-1_X" } }.auth.region)
    assert.equal("eu-west-3", config.load { Auth = { identityPoolId = "eu-west-3:u" } }.auth.region)
  end)

  it("throws for a wrong argument", function()
    for _, source in ipairs { 5, true, { 5 } } do assert.is_false(pcall(config.load, source)) end
    assert.is_false(pcall(config.load))
  end)
end)
