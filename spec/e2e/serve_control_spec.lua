--- The control endpoint, and who may speak to it and to the server.
local core = require("appsync.core")
local faults = require("spec.support.faults")
local faulty_server = require("spec.support.faulty_server")
local process = require("spec.support.process")
local server = require("spec.support.server")

describe("the control endpoint", function()
  local faulty

  local function start(rules, options)
    options = options or {}
    options.control = 0
    faulty = faulty_server.start(rules, options)
  end

  local function call(method, path, body, headers)
    local text = type(body) == "table" and core.encode(body) or body
    local response = faulty:connect(faulty.server.listener:control_port()):request({
      method = method, path = path, body = text, headers = headers or {},
    })
    return core.decode(response.body), response.status
  end

  after_each(function() faulty:stop() end)

  it("tells what it can do, and of everything else that it isn't there", function()
    start()
    assert.equal("DELETE /connections", call("GET", "/").operations[1])
    local answer, status = call("GET", "/rulez")
    assert.equal(404, status)
    assert.equal("There is no GET /rulez; GET / lists what there is.", answer.error)
    assert.equal(404, select(2, call("GET", "/rules/\255/x")))
    assert.equal(404, select(2, call("PATCH", "/rules")))
  end)

  it("adds, lists, replaces and removes rules", function()
    start({ { name = "first", fault = { skew = 1 } } })
    assert.same({ added = { "rule-1" } }, call("POST", "/rules", { match = { kind = "query" }, fault = { expire = true } }))
    assert.equal(401, faulty:ask("{ one }").status)
    local rules = call("GET", "/rules").rules
    assert.same({ name = "first", fault = { skew = 1 }, matched = 1, applied = 1 }, rules[1])
    assert.same({ name = "rule-1", match = { kind = "query" }, fault = { expire = true }, matched = 1, applied = 1 }, rules[2])
    call("DELETE", "/rules/rule-1")
    assert.equal(1, #call("GET", "/rules").rules)
    assert.equal(404, select(2, call("DELETE", "/rules/rule-1")))
    assert.same({ added = { "rule-2", "x" } }, call("PUT", "/rules", { { fault = { lose = true } }, { name = "x", fault = { drop = true } } }))
    assert.equal(2, #call("GET", "/rules").rules)
    call("POST", "/rules", { name = "x", fault = { expire = true } })
    assert.equal(2, #call("GET", "/rules").rules)
    call("DELETE", "/rules")
    assert.same({ rules = {} }, call("GET", "/rules"))
  end)

  it("says what is wrong with a rule and changes nothing", function()
    start()
    local answer, status = call("PUT", "/rules", { { fault = { delay = 1 } }, { match = { feild = "x" }, fault = { delay = 1 } } })
    assert.equal(400, status)
    assert.equal('rules: rule 2: match: unknown key "feild"; did you mean "field"?', answer.error)
    assert.same({ rules = {} }, call("GET", "/rules"))
    assert.equal('rules: line 1, column 2: key missing, where the text ends', call("POST", "/rules", "{").error)
    assert.equal(400, select(2, call("POST", "/rules", "")))
  end)

  it("gives the log, as much of it as is asked for", function()
    start()
    faulty:ask("query A { one }")
    faulty:ask('mutation B { note(text: "a") { id } }')
    faulty:subscriber()
    assert.equal(4, #call("GET", "/log").log)
    assert.equal("B", call("GET", "/log?kind=mutation").log[1].operation)
    assert.equal("A", call("GET", "/log?operation=A").log[1].operation)
    assert.equal(1, #call("GET", "/log?field=note").log)
    assert.equal(1, #call("GET", "/log?on=start").log)
    assert.equal(1, #call("GET", "/log?since=3").log)
    assert.equal(400, select(2, call("GET", "/log?sincce=3")))
    assert.equal(400, select(2, call("GET", "/log?since=x")))
    call("DELETE", "/log")
    assert.same({ log = {} }, call("GET", "/log"))
  end)

  it("counts effects, not answers: by id and by arguments", function()
    start({ { match = { times = 1 }, fault = { lose_answer = "reset" } } })
    faulty:ending(faulty:send('mutation { note(id: "7", text: "a") { id } }'))
    faulty:ask('mutation { note(id: "7", text: "a") { id } }')
    faulty:ask('mutation { note(id: "8", text: "a") { id } }')
    faulty:ask("mutation { fail }")
    local effects = call("GET", "/effects").effects
    assert.is_nil(effects.fail)
    assert.equal(3, effects.note.count)
    assert.same({ ["7"] = 2, ["8"] = 1 }, effects.note.by_id)
    local counts = {}
    for _, n in pairs(effects.note.by_arguments) do counts[#counts + 1] = n end
    table.sort(counts)
    assert.same({ 1, 2 }, counts)
    call("DELETE", "/effects")
    assert.same({ effects = {} }, call("GET", "/effects"))
  end)

  it("lists WebSockets and ends them", function()
    start()
    local first, second = faulty:subscriber(), faulty:subscriber()
    local list = call("GET", "/connections").connections
    assert.same({ 1, 2 }, { list[1].number, list[2].number })
    assert.same({ "onNote" }, list[1].started)
    assert.same({ closed = 1 }, call("DELETE", "/connections/1?code=1012"))
    assert.equal(1012, (first:close_frame()))
    assert.same({ closed = 1 }, call("DELETE", "/connections/2"))
    assert.equal("closed", faulty:ending(second))
    for _, client in ipairs(faulty.clients) do client:close() end
    assert.equal(404, select(2, call("DELETE", "/connections/9")))
    assert.equal(400, select(2, call("DELETE", "/connections/x")))
    assert.equal(400, select(2, call("DELETE", "/connections?code=3")))
    first, second = faulty:open_ws(), faulty:open_ws()
    local idle = faulty:connect()
    faulty:ask("{ one }", idle)
    assert.same({ closed = 2, cut = 1 }, call("DELETE", "/connections"))
    assert.equal("closed", faulty:ending(idle))
    assert.equal("closed", faulty:ending(first))
    assert.equal("closed", faulty:ending(second))
  end)

  it("moves the clock", function()
    start(nil, { iam = { AK = "SK" } })
    assert.same({ now = faulty_server.NOW + 10, skew_s = 10, data = { now = faulty_server.NOW + 10, frozen = false, offset_s = 0 } }, call("POST", "/clock", { skew_s = 10 }))
    assert.equal(-50, call("POST", "/clock", { advance_s = -60 }).skew_s)
    assert.equal(400, select(2, call("POST", "/clock", { skew = 1 })))
    assert.equal(400, select(2, call("POST", "/clock", { skew_s = 1, advance_s = 1 })))
    assert.equal(400, select(2, call("POST", "/clock", "x")))
    -- Decoded, 1e999 is no number that JSON has.
    for _, far in ipairs({ "1e300", "-1e10", "1e999" }) do
      assert.equal("the clock may be off by 1000000000 seconds at most", call("POST", "/clock", '{"skew_s":' .. far .. "}").error)
    end
    assert.equal(400, select(2, call("POST", "/clock", { advance_s = -1e9 })))
    assert.equal(-50, call("GET", "/clock").skew_s)
  end)

  it("flushes what is held, and resets all", function()
    start({ { match = { on = "event" }, fault = { reorder = { by = 5 } } } })
    local client = faulty:subscriber()
    faulty:publish("a")
    assert.same({ sent = 1 }, call("POST", "/flush"))
    assert.equal("a", faulty:events(client))
    faulty:publish("b")
    call("POST", "/reset")
    assert.equal("b", faulty:events(client))
    assert.same({ {}, {}, {} }, { call("GET", "/rules").rules, call("GET", "/log").log, call("GET", "/effects").effects })
    assert.equal(0, call("GET", "/clock").skew_s)
  end)

  it("counts connections anew after a reset", function()
    start()
    local old, old_ws = faulty:connect(), faulty:subscriber()
    faulty:ask("{ one }", old)
    call("POST", "/reset")
    call("POST", "/rules", { { match = { on = "request", connection = 1 }, fault = { skew = 1 } },
      { match = { on = "event", connection = 1 }, fault = { duplicate = true } } })
    faulty:ask("{ one }", old)
    assert.equal(0, call("GET", "/rules").rules[1].applied)
    faulty:ask("{ one }")
    assert.equal(1, call("GET", "/rules").rules[1].applied)
    local new_ws = faulty:subscriber()
    faulty:publish("a")
    assert.equal("a", faulty:events(old_ws))
    assert.equal("a a", faulty:events(new_ws))
  end)

  it("refuses over TLS what can't be played there", function()
    local made = require("spec.support.certificates").make()
    start({ { fault = { skew = 1 } } }, { tls = made.server })
    local answer, status = call("PUT", "/rules", { fault = { throttle = { bytes_per_s = 5 } } })
    assert.equal(400, status)
    assert.equal("throttle: bytes_per_s isn't supported over TLS", answer.error)
    assert.equal(1, #call("GET", "/rules").rules)
    local refused, err = require("appsync.server").new({ schema_text = faulty_server.SCHEMA, api_keys = { "k" },
      tls = made.server, faults = { { fault = { throttle = { bytes_per_s = 5 } } } } })
    assert.is_nil(refused)
    assert.equal("throttle: bytes_per_s isn't supported over TLS", err.message)
    process.stop_all()
  end)

  it("gives the listener's counters, and the sockets'", function()
    start()
    faulty:subscriber()
    faulty:publish(("x"):rep(240 * 1024))
    local counters = call("GET", "/counters").counters
    assert.equal(1, counters.open_sockets)
    assert.equal(1, counters.subscriptions)
    assert.equal(1, counters.dropped_payloads)
    assert.equal(0, counters.overflows)
  end)

  it("answers to loopback names only, and to no page", function()
    start()
    for _, headers in ipairs({ { Host = "evil.example" }, { Host = "127.0.0.1.evil.example" }, { Host = "10.0.0.1" },
      { Origin = "http://localhost:3000" }, { Origin = "null" }, { ["Sec-Fetch-Site"] = "cross-site" },
      { ["Sec-Fetch-Site"] = "same-site" } }) do
      local answer, status = call("POST", "/rules", { fault = { expire = true } }, headers)
      assert.equal(403, status)
      assert.matches("^The control endpoint", answer.error)
    end
    assert.same({ rules = {} }, call("GET", "/rules"))
    for _, name in ipairs({ "localhost", "LOCALHOST:1234", "127.0.0.1:80", "[::1]:80" }) do
      assert.equal(200, select(2, call("GET", "/rules", nil, { Host = name })))
    end
  end)

  it("is at its own port: GraphQL isn't there, and it isn't where GraphQL is", function()
    start()
    assert.equal(404, select(2, call("POST", "/graphql", '{"query":"{ one }"}')))
    local client = faulty:connect(faulty.server.listener:control_port())
    assert.equal(404, faulty:handshake(client).status)
    assert.equal(404, faulty:connect():request({ method = "GET", path = "/rules" }).status)
  end)
end)

describe("a Host header", function()
  local faulty
  after_each(function() faulty:stop() end)

  local function status_of(name)
    return faulty:ask("{ one }", nil, { Host = name }).status
  end

  it("that names another site is refused on loopback, over HTTP and as a WebSocket begins", function()
    faulty = faulty_server.start()
    local response = faulty:ask("{ one }", nil, { Host = "evil.example:4000" })
    assert.equal(403, response.status)
    assert.equal("The Host header says evil.example; this server accepts localhost, addresses and AppSync's host names. "
      .. "appsync serve --allow-host evil.example allows it.", response.json.errors[1].message)
    assert.is_nil(response.headers["access-control-allow-origin"])
    assert.equal(403, faulty:connect():handshake("/graphql/realtime", { Host = "evil.example" }).status)
    assert.equal(403, status_of("x.appsync-api.evil.example"))
  end)

  it("of localhost, an address or the service is answered", function()
    faulty = faulty_server.start()
    for _, name in ipairs({ "localhost:4000", "app.localhost", "127.0.0.1", "192.168.1.7:80", "[::1]:4000",
      "abc.appsync-api.eu-west-1.amazonaws.com", "abc.appsync-realtime-api.cn-north-1.amazonaws.com.cn" }) do
      assert.equal(200, status_of(name), name)
    end
  end)

  it("is answered where it is allowed, or where the server listens for others", function()
    faulty = faulty_server.start(nil, { allow_hosts = { "API.example:8080" } })
    assert.equal(200, status_of("api.example:80"))
    assert.equal(403, status_of("other.example"))
    faulty:stop()
    faulty = faulty_server.start(nil, { host = "0.0.0.0" })
    assert.equal(200, status_of("other.example"))
  end)
end)

describe("appsync serve", function()
  after_each(process.stop_all)

  local SCHEMA = "type Query { a: Int }\ntype Mutation { m(id: ID): ID }\n"
  local RESOLVERS = "return { Mutation = { m = function(ctx) return ctx.arguments.id end } }"

  it("plays rules of a file, of its words and of the control endpoint", function()
    local path = process.file('[{"name": "of-file", "match": {"field": "a"}, "fault": {"refuse": {"status": 503}}}]', ".json")
    local started = faults.start({ schema = SCHEMA, resolvers = RESOLVERS, rules = { { name = "added", fault = { skew = 1 } } },
      arguments = { "--faults", path, "--fault", "lose_answer=reset,field=m,times=1,name=of-word" } })
    local names = {}
    for i, rule in ipairs(started.rules()) do names[i] = rule.name end
    assert.same({ "of-word", "of-file", "added" }, names)
    local http = require("socket.http")
    local function ask(query)
      local body = core.encode({ query = query })
      local ltn12 = require("ltn12")
      local ok, status = http.request({ url = started.endpoint, method = "POST", source = ltn12.source.string(body),
        headers = { ["x-api-key"] = server.API_KEY, ["content-length"] = tostring(#body) } })
      return ok and status
    end
    assert.equal(503, ask("{ a }"))
    assert.is_nil(ask('mutation { m(id: "1") }'))
    assert.equal(200, ask('mutation { m(id: "1") }'))
    assert.equal(2, started.effects().m.by_id["1"])
    assert.equal("lost", started.log("?field=m")[1].status)
    assert.same({ status = 404 }, { status = select(2, faults.call(started.url, "GET", "/x")) })
    assert.equal("", (started.output():gsub("note: [^\n]*\n", "")))
  end)

  local function output_of(words)
    local schema = process.file(SCHEMA, ".graphql")
    local pipe = io.popen(("bin/appsync serve %s %s 2>&1; echo status=$?"):format(schema, words))
    local text = pipe:read("*a")
    pipe:close()
    return text
  end

  it("tells what is wrong with a rule, and where it stands", function()
    local path = process.file('[\n{"fault": {"explode": true}}]', ".json")
    assert.equal(("appsync serve: %s: rule 1: unknown fault \"explode\"; there are delay, disconnect, drop, duplicate, error, "):format(path)
      .. "expire, half_open, lose, lose_answer, refuse, reorder, skew, stale, throttle\nstatus=1\n", output_of("--faults " .. path))
    assert.matches("No such file", output_of("--faults /nonexistent.json"))
    assert.equal('appsync serve: --fault delai=3: unknown fault "delai"; did you mean "delay"?\nstatus=2\n',
      output_of("--fault delai=3"))
  end)

  it("says loudly who can reach it when it listens for more than this machine", function()
    local started = server.start({ schema = SCHEMA, arguments = { "--host", "0.0.0.0" } })
    assert.matches("WARNING: listening on every address of this machine, port %d+", started.log())
    started = server.start({ schema = SCHEMA, arguments = { "--host", "localhost" } })
    assert.is_nil(started.log():find("WARNING", 1, true))
  end)
end)
