---Counts in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/), version 0.0.4.
local counts = require "appsync.counts"

local prometheus = {}

-- Of the core's counters: name, metric, type, help.
local CORE = {
  { "operations_in_flight", "operations_in_flight", "gauge", "Operations that have no outcome yet." },
  { "requests", "requests_total", "counter", "HTTP requests sent, retries included." },
  { "retries", "retries_total", "counter", "Requests sent again." },
  { "deduplicated", "deduplicated_total", "counter", "Queries that shared the request of an equal one." },
  { "bytes_sent", "sent_bytes_total", "counter", "Bytes sent." },
  { "bytes_received", "received_bytes_total", "counter", "Bytes received." },
  { "token_refreshes", "token_refreshes_total", "counter", "Tokens and credentials that were renewed." },
  { "sockets", "sockets", "gauge", "WebSocket connections that are open." },
  { "connections", "realtime_connections_total", "counter", "WebSocket connections that were begun." },
  { "reconnects", "reconnects_total", "counter", "WebSocket connections that were lost and begun again." },
  { "subscriptions", "subscriptions", "gauge", "Subscribers; equal subscriptions share one of the service's." },
  { "events", "events_total", "counter", "Events of subscriptions." },
  { "dropped_events", "dropped_events_total", "counter", "Events that a full buffer has dropped." },
  { "queued", "queued_mutations", "gauge", "Mutations in the outbox." },
  { "store_failures", "store_failures_total", "counter", "Failures of the store's file." },
}

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

local function escape(value) return (value:gsub('[\\"\n]', ESCAPES)) end

-- Whatever the locale.
local function number(value) return ((value % 1 == 0 and "%.0f" or "%.9g"):format(value):gsub(",", ".")) end

---@class appsync.prometheus.Writer
---@field lines string[]
---@field all appsync.counts.Now[]
---@field worker string

local function family(out, name, kind, help)
  out.lines[#out.lines + 1] = ("# HELP appsync_%s %s\n# TYPE appsync_%s %s"):format(name, help, name, kind)
end

local function sample(out, name, now, more, value)
  out.lines[#out.lines + 1] = ('appsync_%s{endpoint="%s",worker="%s"%s} %s'):format(name, escape(now.counts.endpoint),
    escape(out.worker), more, number(value))
end

local KINDS = { "query", "mutation" }

local function each_kind(out, write)
  for _, now in ipairs(out.all) do
    for _, name in ipairs(KINDS) do write(now, now.counts.kinds[name], (',operation="%s"'):format(name)) end
  end
end

local function operations(out)
  family(out, "operations_total", "counter", "Queries and mutations that have ended, by outcome: ok, queued, partial, or the error's kind.")
  each_kind(out, function(now, kind, label)
    local names = {}
    for outcome in pairs(kind.outcomes) do names[#names + 1] = outcome end
    table.sort(names)
    for _, outcome in ipairs(names) do
      sample(out, "operations_total", now, ('%s,outcome="%s"'):format(label, escape(outcome)), kind.outcomes[outcome])
    end
  end)
end

local function seconds(out)
  family(out, "operation_seconds", "histogram", "Duration of queries and mutations that the cache didn't answer.")
  each_kind(out, function(now, kind, label)
    local n = 0
    for i, bound in ipairs(counts.BOUNDS) do
      n = n + kind.buckets[i]
      sample(out, "operation_seconds_bucket", now, ('%s,le="%s"'):format(label, number(bound)), n)
    end
    sample(out, "operation_seconds_bucket", now, label .. ',le="+Inf"', kind.n)
    sample(out, "operation_seconds_sum", now, label, kind.seconds)
    sample(out, "operation_seconds_count", now, label, kind.n)
  end)
end

local function simple(out, name, kind, help, value_of)
  family(out, name, kind, help)
  for _, now in ipairs(out.all) do sample(out, name, now, "", value_of(now)) end
end

---@param all appsync.counts.Now[]
---@param worker string that they are of
---@return string text
function prometheus.text(all, worker)
  local out = { lines = {}, all = all, worker = worker } ---@type appsync.prometheus.Writer
  simple(out, "clients", "gauge", "Clients that are open.", function(now) return now.n_clients end)
  operations(out)
  seconds(out)
  simple(out, "cache_hits_total", "counter", "Queries that the cache answered.", function(now) return now.counts.hits end)
  simple(out, "cache_misses_total", "counter", "Queries for which the cache lacked data, or had expired data.",
    function(now) return now.counts.misses end)
  for _, row in ipairs(CORE) do
    simple(out, row[2], row[3], row[4], function(now) return now.sums[row[1]] end)
  end
  return table.concat(out.lines, "\n") .. "\n"
end

return prometheus
