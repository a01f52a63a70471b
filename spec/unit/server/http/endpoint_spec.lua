local core = require("appsync.core")
local endpoint = require("appsync.server.http.endpoint")

local executed, published, logged, answer

local function make()
  return endpoint.new({
    engine = {
      execute = function(_, operation)
        executed = operation
        return answer()
      end,
    },
    authorize = {
      check = function(_, credentials)
        if credentials.headers["x-api-key"] == "k" then
          return { mode = "API_KEY" }
        end
        return nil, { status = 401, type = "UnauthorizedException", message = "no" }
      end,
    },
    publish = function(items) published = items end,
    log = function(text) logged = text end,
  })
end

local function handle(event)
  event.method = event.method or "POST"
  event.path = event.path or "/graphql"
  event.headers = event.headers or { ["x-api-key"] = "k" }
  event.body = event.body or ""
  return make():handle(event)
end

local function error_of(body)
  return core.decode(body).errors[1]
end

describe("the GraphQL endpoint", function()
  before_each(function()
    executed, published, logged = nil, nil, nil
    answer = function() return '{"data":{}}', {} end
  end)

  it("hands query, variables and operation name to the engine and its answer to the client", function()
    local status, headers, body = handle({ body = '{"query":"{ a }","variables":{"b":[]},"operationName":"N"}' })
    assert.equal(200, status)
    assert.equal('{"data":{}}', body)
    assert.equal("application/json;charset=UTF-8", headers["content-type"])
    assert.equal("*", headers["access-control-allow-origin"])
    assert.equal(executed.request_id, headers["x-amzn-requestid"])
    assert.equal("{ a }", executed.query)
    assert.same({ b = {} }, executed.variables)
    assert.equal("N", executed.operation_name)
    assert.equal("API_KEY", executed.identity.mode)
    assert.equal("k", executed.headers["x-api-key"])
  end)

  it("reads null for variables and operation name as nothing", function()
    handle({ body = '{"query":"{ a }","variables":null,"operationName":null}' })
    assert.is_nil(executed.variables)
    assert.is_nil(executed.operation_name)
  end)

  it("publishes what the engine says", function()
    local items = { { field = "createTodo" } }
    answer = function() return "{}", items end
    handle({ body = '{"query":"mutation { a }"}' })
    assert.equal(items, published)
  end)

  it("refuses an empty body", function()
    local status, headers, body = handle({ body = "" })
    assert.equal(400, status)
    assert.equal("MalformedHttpRequestException", headers["x-amzn-errortype"])
    assert.same({ errorType = "MalformedHttpRequestException", message = "Request body is empty." }, error_of(body))
  end)

  local bodies = { "meow", "{}", "[]", '[{"query":"{ a }"}]', '{"query":1}', '{"query":"  "}' }
  bodies[#bodies + 1] = '{"query":"{a}","variables":1}'
  for _, text in ipairs(bodies) do
    it("refuses the body " .. text, function()
      local status, _, body = handle({ body = text })
      assert.equal(400, status)
      assert.same(
        { errorType = "MalformedHttpRequestException", message = "Unable to parse GraphQL query." },
        error_of(body)
      )
      assert.is_nil(executed)
    end)
  end

  it("reads application/graphql as JSON or as a document", function()
    local headers = { ["x-api-key"] = "k", ["content-type"] = "application/graphql" }
    handle({ headers = headers, body = '{"query":"{ a }"}' })
    assert.equal("{ a }", executed.query)
    handle({ headers = headers, body = "{ b }" })
    assert.equal("{ b }", executed.query)
  end)

  it("serves GET with query and variables in the URL", function()
    local query = "query=query+Q%28%24a%3AInt%29%7Bb%7D&variables=%7B%22a%22%3A1%7D&operationName=Q"
    handle({ method = "GET", query = query })
    assert.equal("query Q($a:Int){b}", executed.query)
    assert.same({ a = 1 }, executed.variables)
    assert.equal("Q", executed.operation_name)
  end)

  it("keeps a plus sign that was encoded", function()
    handle({ method = "GET", query = "query=%7Ba(b:%22c%2Bd%22)%7D" })
    assert.equal('{a(b:"c+d")}', executed.query)
  end)

  it("refuses a GET whose variables aren't JSON, or without a query", function()
    assert.equal(400, (handle({ method = "GET", query = "query=%7Ba%7D&variables=x" })))
    assert.equal(400, (handle({ method = "GET" })))
  end)

  it("answers wrong credentials before it looks at the body", function()
    local status, headers, body = handle({ headers = {}, body = "meow" })
    assert.equal(401, status)
    assert.equal("UnauthorizedException", headers["x-amzn-errortype"])
    assert.same({ errorType = "UnauthorizedException", message = "no" }, error_of(body))
  end)

  it("asks for the name where a document has several operations", function()
    answer = function() return nil, { code = "missing_operation_name" } end
    local status, _, body = handle({ body = '{"query":"query A { a } query B { a }"}' })
    assert.equal(400, status)
    assert.same({ errorType = "BadRequestException", message = "Missing operation name." }, error_of(body))
  end)

  it("answers 404 elsewhere and 405 for other methods", function()
    assert.equal(404, (handle({ path = "/other" })))
    assert.equal(405, (handle({ method = "DELETE" })))
  end)

  it("answers a browser's preflight without credentials", function()
    local status, headers = handle({
      method = "OPTIONS",
      headers = { origin = "http://localhost:3000", ["access-control-request-headers"] = "x-api-key,x-amz-user-agent" },
    })
    assert.equal(204, status)
    assert.equal("*", headers["access-control-allow-origin"])
    assert.equal("x-api-key,x-amz-user-agent", headers["access-control-allow-headers"])
    assert.matches("POST", headers["access-control-allow-methods"])
  end)

  it("turns a failure inside into 500 and logs it", function()
    answer = function() error("boom") end
    local status, headers, body = handle({ body = '{"query":"{ a }"}' })
    assert.equal(500, status)
    assert.equal("InternalFailure", headers["x-amzn-errortype"])
    assert.is_nil(body:find("boom", 1, true))
    assert.matches("boom", logged)
  end)
end)
