local kinds = require("appsync.server.fault.kinds")
local rule = require("appsync.server.fault.rule")

local function read(text)
  return rule.parse(text, "f")
end

local function message_of(text)
  local rules, message = read(text)
  assert.is_nil(rules)
  return message
end

describe("a fault rule", function()
  it("is read from JSON: one, a list, none", function()
    assert.equal("delay", read('{"fault":{"delay":200}}')[1].kind)
    assert.equal(2, #read('[{"fault":{"delay":200}},{"fault":{"drop":true}}]'))
    assert.same({}, read("[]"))
  end)

  it("acts wherever its fault can, unless it says where", function()
    assert.same({ request = true, connect = true, start = true }, read('{"fault":{"expire":true}}')[1].match.on)
    assert.same({ start = true }, read('{"match":{"on":"start"},"fault":{"expire":true}}')[1].match.on)
    assert.same({ start = true, request = true },
      read('{"match":{"on":["start","request"]},"fault":{"expire":true}}')[1].match.on)
  end)

  it("acts only where what it says has a meaning", function()
    assert.same({ connect = true }, read('{"fault":{"half_open":{"after_events":2}}}')[1].match.on)
    assert.same({ request = true }, read('{"fault":{"delay":{"ms":2,"after_effect":true}}}')[1].match.on)
    assert.equal('f: rule 1: match: this "half_open" can\'t act on "start", only on connect',
      message_of('{"match":{"on":"start"},"fault":{"half_open":{"after_events":2}}}'))
  end)

  it("takes a bare value for its fault's usual parameter", function()
    for text, parameters in pairs({
      ['{"delay":5}'] = { ms = 5 },
      ['{"refuse":"reset"}'] = { how = "reset" },
      ['{"drop":7}'] = { bytes = 7 },
      ['{"disconnect":"reset"}'] = { how = "reset" },
      ['{"lose_answer":"hang"}'] = { how = "hang" },
      ['{"skew":-3}'] = { s = -3 },
      ['{"stale":500}'] = { ms = 500 },
      ['{"error":"bad"}'] = { message = "bad" },
      ['{"duplicate":2}'] = { copies = 2 },
    }) do
      assert.same(parameters, read('{"fault":' .. text .. "}")[1].parameters)
    end
  end)

  it("takes a connection's number, or a range", function()
    assert.same({ from = 2, to = 2 }, read('{"match":{"connection":2},"fault":{"drop":true}}')[1].match.connection)
    assert.same({ from = 2, to = math.huge }, read('{"match":{"connection":{"from":2}},"fault":{"drop":true}}')[1].match.connection)
    assert.same({ from = 1, to = 4 }, read('{"match":{"connection":{"to":4}},"fault":{"drop":true}}')[1].match.connection)
  end)

  it("may leave members null", function()
    assert.is_nil(read('{"name":null,"match":{"kind":null},"fault":{"delay":{"ms":1,"min_ms":null}}}')[1].match.kind)
    assert.same({ request = true }, read('{"match":null,"fault":{"drop":true}}')[1].match.on)
  end)

  local FAULTS = {
    { '{"fualt":{"delay":1},"match":{}}', 'f: rule 1: unknown key "fualt"; did you mean "fault"?' },
    { '{"match":{"feild":"a"},"fault":{"delay":1}}', 'f: rule 1: match: unknown key "feild"; did you mean "field"?' },
    { '{"fault":{"dealy":1}}', 'f: rule 1: unknown fault "dealy"; did you mean "delay"?' },
    { '{"fault":{"delay":{"msec":1}}}', 'f: rule 1: fault delay: unknown key "msec"; did you mean "ms"?' },
    { '{"fault":{"delay":{"ms":"1"}}}', 'f: rule 1: fault delay: "ms" must be a number of at least 0' },
    { '{"fault":{"delay":{"ms":-1}}}', 'f: rule 1: fault delay: "ms" must be a number of at least 0' },
    { '{"fault":{"delay":{}}}', "f: rule 1: fault delay needs ms, or min_ms and max_ms" },
    { '{"fault":{"delay":{"min_ms":3,"max_ms":2}}}', "f: rule 1: fault delay has a min_ms that is greater than its max_ms" },
    { '{"fault":{"delay":{"ms":3,"max_ms":2}}}', "f: rule 1: fault delay takes ms, or min_ms and max_ms, not both" },
    { '{"fault":{"delay":true}}', "f: rule 1: fault delay: must be an object of after_effect, max_ms, min_ms, ms" },
    { '{"fault":{"lose":3}}', "f: rule 1: fault lose: must be true" },
    { '{"fault":{"refuse":"rest"}}', 'f: rule 1: fault refuse: "how" must be one of "reset"' },
    { '{"fault":{"refuse":{}}}', 'f: rule 1: fault refuse needs how="reset", or a status, or a type and a message' },
    { '{"fault":{"refuse":{"how":"reset","status":500}}}', 'f: rule 1: fault refuse takes how="reset" or an answer, not both' },
    { '{"fault":{"refuse":{"status":100}}}', 'f: rule 1: fault refuse: "status" must be an integer between 200 and 599' },
    { '{"fault":{"refuse":{"status":500,"headers":{"a":"b\\r\\nc"}}}}',
      'f: rule 1: fault refuse: "headers" must be an object of header names and values' },
    { '{"fault":{"refuse":{"status":500,"headers":["a"]}}}',
      'f: rule 1: fault refuse: "headers" must be an object of header names and values' },
    { '{"fault":{"drop":{"bytes":1,"fraction":0.5}}}', "f: rule 1: fault drop takes bytes or fraction, not both" },
    { '{"fault":{"disconnect":{"how":"reset","code":1001}}}', 'f: rule 1: fault disconnect takes how="reset" or a close code, not both' },
    { '{"fault":{"lose_answer":{"how":"hang","status":500}}}', "f: rule 1: fault lose_answer takes how or a status, not both" },
    { '{"fault":{"lose_answer":{"status":200}}}', 'f: rule 1: fault lose_answer: "status" must be an integer between 400 and 599' },
    { '{"fault":{"stale":{}}}', "f: rule 1: fault stale needs ms" },
    { '{"fault":{"stale":-1}}', 'f: rule 1: fault stale: "ms" must be a number of at least 0' },
    { '{"fault":{"skew":{}}}', "f: rule 1: fault skew needs s, the seconds" },
    { '{"fault":{"error":{"type":"x"}}}', "f: rule 1: fault error needs a message" },
    { '{"match":{"on":"event"},"fault":{"drop":true}}', 'f: rule 1: match: this "drop" can\'t act on "event", only on request' },
    { '{"match":{"on":"never"},"fault":{"drop":true}}',
      'f: rule 1: match: "on" must be one of "request", "connect", "start", "event", or a list of them' },
    { '{"match":{"on":[]},"fault":{"drop":true}}', 'f: rule 1: match: "on" is an empty list' },
    { '{"match":{"probability":2},"fault":{"drop":true}}', 'f: rule 1: match: "probability" must be a number between 0 and 1' },
    { '{"match":{"times":0},"fault":{"drop":true}}', 'f: rule 1: match: "times" must be an integer of at least 1' },
    { '{"match":{"kind":"mutations"},"fault":{"drop":true}}',
      'f: rule 1: match: "kind" must be one of "query", "mutation", "subscription"' },
    { '{"match":{"connection":"x"},"fault":{"drop":true}}',
      'f: rule 1: match: "connection" must be a number, or an object with "from" and "to"' },
    { '{"match":{"connection":{"form":1}},"fault":{"drop":true}}',
      'f: rule 1: match: connection: unknown key "form"; did you mean "from"?' },
    { '{"match":[],"fault":{"drop":true}}', "f: rule 1: match must be an object" },
    { '{"name":"a b","fault":{"drop":true}}', 'f: rule 1: "name" must be of letters, digits, ".", "_" and "-"' },
    { '[{"fault":{"drop":true}},{"match":{}}]', "f: rule 2: fault must be an object with one key: " },
    { '[{"fault":{"drop":true,"lose":true}}]', "f: rule 1: fault must be an object with one key: " },
    { "[3]", 'f: rule 1: a rule is an object {"match": {…}, "fault": {…}}' },
    { '{"rules":[]}', 'f: a list of rules {"match": {…}, "fault": {…}} is expected' },
    { "3", 'f: a list of rules {"match": {…}, "fault": {…}} is expected' },
    { '[\n{"fault":}]', "f: line 2, column 10: value missing" },
  }
  for _, case in ipairs(FAULTS) do
    it("is refused with its place and what is accepted: " .. case[1], function()
      local message = message_of(case[1])
      assert.equal(case[2], message:sub(1, #case[2]))
    end)
  end

  it("can be written for every kind of fault as the comments say", function()
    local file = assert(io.open("lua/appsync/server/fault/kinds.lua"))
    local text, seen = file:read("*a"), {}
    file:close()
    for example in text:gmatch('{"%l[%w_]*": [^\n]-}[,.]') do
      local one = example:sub(1, -2):gsub("…", "x")
      local rules, message = rule.parse('{"fault":' .. one .. "}", one)
      assert(rules, message)
      seen[rules[1].kind] = true
    end
    for kind in pairs(kinds.all) do assert(seen[kind], kind .. " has no example") end
  end)
end)

describe("docs/faults.md", function()
  it("has rules that are read, one at least for each fault", function()
    local file = assert(io.open("docs/faults.md"))
    local text, seen = file:read("*a"), {}
    file:close()
    for block in text:gmatch("```json\n(.-)```") do
      for line in block:gmatch("[^\n]+") do
        local rules, message = rule.parse(line, line)
        assert(rules, message)
        for _, item in ipairs(rules) do seen[item.kind] = true end
      end
    end
    for kind in pairs(kinds.all) do assert(seen[kind], kind .. " has no example") end
  end)
end)
