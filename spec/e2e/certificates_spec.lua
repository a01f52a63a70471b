-- Whom a certificate must be for: a name, an IPv4 and an IPv6 address, over both transports, against one table.
local appsync = require "appsync"
local certificates = require "spec.support.certificates"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local socket = require "socket"

local BOUND = 10
local HOSTS = { "localhost", "127.0.0.1", "::1" }
local ANSWER = { { "request" }, { "http", 200, { ["Content-Type"] = "application/json" }, '{"data":{"a":1}}' }, { "wait" } }
local REALTIME = { peer.handshake() }
for _, step in ipairs{ { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' },
  { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"a":1}}}' }, { "wait" } } do
  REALTIME[#REALTIME + 1] = step
end

local transports = {
  https = { steps = ANSWER, ask = function(client) return client:query "{ a }" end },
  wss = { steps = REALTIME, ask = function(client)
    local s = client:subscribe("subscription { a }"):subscribe()
    local event, err = s:next(BOUND)
    s:unsubscribe()
    return event, err
  end },
}

-- What is asked for under each of HOSTS, in their order; "ok": it is given, else the error's code.
local rows = {
  { "all", "DNS:localhost,IP:127.0.0.1,IP:::1", "ok", "ok", "ok" },
  { "the name", "DNS:localhost", "ok", "host_name", "host_name" },
  { "the IPv4 address", "IP:127.0.0.1", "host_name", "ok", "host_name" },
  { "the IPv6 address", "IP:::1", "host_name", "host_name", "ok" },
  { "another name", "DNS:elsewhere.example", "host_name", "host_name", "host_name" },
  { "other addresses", "IP:127.0.0.2,IP:::2", "host_name", "host_name", "host_name" },
  { "the addresses as names", "DNS:127.0.0.1,DNS:::1", "host_name", "host_name", "host_name" },
  { "the name of its subject", "email:nobody@elsewhere.example", "host_name", "host_name", "host_name", subject = "localhost" },
  { "the address of its subject", "email:nobody@elsewhere.example", "host_name", "host_name", "host_name", subject = "127.0.0.1" },
  { "every name", "DNS:*", "host_name", "host_name", "host_name" },
  { "all, and expired", "DNS:localhost,IP:127.0.0.1,IP:::1", "certificate_expired", "certificate_expired", "certificate_expired", days = -1 },
  { "all, by itself", "DNS:localhost,IP:127.0.0.1,IP:::1", "certificate", "certificate", "certificate", by = "self" },
  { "all, by a stranger", "DNS:localhost,IP:127.0.0.1,IP:::1", "certificate", "certificate", "certificate", by = "stranger" },
}

local has_ipv6 = (function()
  local listener = socket.tcp6()
  local ok = listener and listener:bind("::1", 0)
  if listener then listener:close() end
  return ok
end)()

describe("a certificate", function()
  local authority, stranger

  setup(function()
    authority, stranger = certificates.authority(), certificates.authority()
    for _, row in ipairs(rows) do
      if row.by == "self" then row.made = authority.self_signed("localhost", row[2])
      else row.made = (row.by == "stranger" and stranger or authority).issue(row.subject or "nobody", row[2], row.days or 30) end
    end
  end)
  teardown(process.stop_all)

  for name, transport in pairs(transports) do
    for _, row in ipairs(rows) do
      describe(("for %s, over %s,"):format(row[1], name), function()
        local other, client

        setup(function()
          other = peer.start{
            host = has_ipv6 and "::" or nil, tls = { cert = row.made.cert, key = row.made.key },
            connections = { transport.steps }, ["repeat"] = true,
          }
        end)
        teardown(function() other.stop() end)
        after_each(function()
          if client then assert.is_true(client:close(5)) end
          client = nil
        end)

        for at, host in ipairs(HOSTS) do
          local wanted = row[at + 2]
          it(("is %s by a client that asks for %s"):format(wanted == "ok" and "accepted" or "refused", host), function()
            if host == "::1" and not has_ipv6 then return pending("this machine has no IPv6") end
            local n_before = #other.log()
            local shown = host == "::1" and "[::1]" or host
            client = appsync.client{
              endpoint = ("https://%s:%d/graphql"):format(shown, other.port), auth = { type = "API_KEY", api_key = "da2-top-secret" },
              tls = { ca = authority.ca }, timeouts = { connect = 3, request = 5, ack = 3 },
              retry = { base = 0.01, cap = 0.05, attempts = 2 },
            }
            local data, err = transport.ask(client)
            local log = other.log():sub(n_before + 1)
            if wanted == "ok" then
              assert.is_nil(err, tostring(err))
              assert.equal(1, data.a)
              -- RFC 6066 section 3: an address is no server name. RFC 3986 section 3.2.2: brackets.
              assert.truthy(log:find("server name " .. (host == "localhost" and host or "-") .. "\n", 1, true), log)
              assert.truthy(log:lower():find((" host: %s:%d\n"):format(shown, other.port), 1, true), log)
            else
              assert.is_nil(data)
              assert.equal("network", err.kind)
              assert.equal(wanted, err.code)
              assert.is_false(err.retryable)
              -- Whoever it is has been told nothing.
              assert.is_nil(log:find("header ", 1, true), log)
            end
          end)
        end
      end)
    end
  end
end)
