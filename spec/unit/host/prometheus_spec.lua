-- Counts as Prometheus reads them.
local fake_core = require "spec.support.fake_core"

describe("metrics", function()
  local counts, prometheus

  before_each(function()
    fake_core.install()
    counts, prometheus = require "appsync.counts", require "appsync.host.prometheus"
  end)

  local function text_of(endpoint, fill, worker)
    local of = counts.of(endpoint)
    if fill then fill(of) end
    return prometheus.text(counts.all(), worker or "0")
  end

  local function values(text, name)
    local list = {}
    for line in text:gmatch "[^\n]+" do
      local labels, value = line:match("^appsync_" .. name .. "(%b{}) (%S+)$")
      if labels then list[#list + 1] = labels .. " " .. value end
    end
    return list
  end

  -- https://prometheus.io/docs/instrumenting/exposition_formats/
  it("are lines of help, type and samples, in one group for each metric", function()
    counts.of "https://b/graphql"
    local text = text_of("https://a/graphql", function(of)
      of.kinds.query.outcomes.ok, of.kinds.mutation.outcomes.timeout = 3, 1
    end)
    assert.equal("\n", text:sub(-1))
    local seen, name, n_samples = {}, nil, 0
    for line in text:gmatch "([^\n]*)\n" do
      local helped, typed, kind = line:match "^# HELP (appsync_[%l_]+) %S", line:match "^# TYPE (appsync_[%l_]+) (%l+)$"
      if helped then
        assert.is_nil(seen[helped], helped)
        name, seen[helped] = helped, true
      elseif typed then
        assert.equal(name, typed)
        assert.truthy(({ counter = true, gauge = true, histogram = true })[kind], line)
        assert.equal(kind == "counter", typed:find "_total$" ~= nil, line)
      else
        local of, labels, value = line:match "^(appsync_[%l_]+)(%b{}) (%S+)$"
        assert.truthy(of, line)
        assert.equal(name, (of:gsub("_bucket$", ""):gsub("_sum$", ""):gsub("_count$", "")))
        assert.matches('^{endpoint="https://%l/graphql",worker="0"', labels)
        assert.is_number(tonumber(value))
        n_samples = n_samples + 1
      end
    end
    assert.is_true(n_samples > 60)
  end)

  it("have operations by kind and outcome", function()
    local text = text_of("https://a/graphql", function(of)
      of.kinds.query.outcomes.ok, of.kinds.query.outcomes.http, of.kinds.mutation.outcomes.queued = 3, 2, 1
    end)
    assert.same({
      '{endpoint="https://a/graphql",worker="0",operation="query",outcome="http"} 2',
      '{endpoint="https://a/graphql",worker="0",operation="query",outcome="ok"} 3',
      '{endpoint="https://a/graphql",worker="0",operation="mutation",outcome="queued"} 1',
    }, values(text, "operations_total"))
  end)

  it("have a histogram whose buckets contain the smaller ones", function()
    local text = text_of("https://a/graphql", function(of)
      of.kinds.query = { outcomes = {}, buckets = { 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4 }, n = 8, seconds = 50.25 }
    end)
    local buckets = values(text, "operation_seconds_bucket")
    local told = {}
    for i = 1, 12 do told[i] = buckets[i]:match 'operation="query",le="([^"]+)"} ' .. " " .. buckets[i]:match "%S+$" end
    assert.same({ "0.005 1", "0.01 3", "0.025 3", "0.05 3", "0.1 3", "0.25 3", "0.5 3", "1 3", "2.5 3", "5 3", "10 4", "+Inf 8" }, told)
    assert.equal('{endpoint="https://a/graphql",worker="0",operation="query"} 50.25', values(text, "operation_seconds_sum")[1])
    assert.equal('{endpoint="https://a/graphql",worker="0",operation="query"} 8', values(text, "operation_seconds_count")[1])
  end)

  it("have label values that are escaped", function()
    local text = text_of('https://a/"\\\nx', nil, 'w"')
    assert.equal([[{endpoint="https://a/\"\\\nx",worker="w\""} 0]], values(text, "clients")[1])
  end)

  it("have no user and no query of an endpoint", function()
    local text = text_of "https://user:secret@a/graphql?key=secret#secret"
    assert.is_nil(text:find("secret", 1, true))
    assert.equal('{endpoint="https://a/graphql",worker="0"} 0', values(text, "requests_total")[1])
  end)

  it("have whole numbers in full", function()
    local text = text_of("https://a/graphql", function(of) of.hits = 2 ^ 53 end)
    assert.equal('{endpoint="https://a/graphql",worker="0"} 9007199254740992', values(text, "cache_hits_total")[1])
  end)

  it("are empty groups where there was no client", function()
    for line in prometheus.text(counts.all(), "0"):gmatch "[^\n]+" do assert.matches("^# ", line) end
  end)
end)
