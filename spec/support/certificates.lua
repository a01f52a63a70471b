-- Certificates for TLS tests, made with the openssl program when a test asks for them.
local process = require "spec.support.process"

local certificates = {}

local function run(command)
  local log = process.temporary(".txt")
  local ok = os.execute(command .. " >" .. log .. " 2>&1")
  assert(ok == true or ok == 0, command .. "\n" .. process.read(log))
end

--- {ca=, issue=function(common_name, alternative, days), self_signed=function(common_name, alternative)}: PEM files;
--- removed by process.stop_all.
function certificates.authority()
  local made = { ca = process.temporary(".ca.pem") }
  local ca_key = process.temporary(".ca.key")
  run(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s -out %s -days 30 -subj /CN=test-ca")
    :format(ca_key, made.ca))
  local serial = 1
  function made.issue(common_name, alternative, days)
    local key, cert, request = process.temporary(".key"), process.temporary(".pem"), process.temporary(".csr")
    local extensions = process.temporary(".ext")
    serial = serial + 1
    process.write(extensions, alternative and ("subjectAltName=" .. alternative .. "\n") or "basicConstraints=CA:FALSE\n")
    run(("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s -out %s -subj /CN=%s"):format(key, request, common_name))
    run(("openssl x509 -req -in %s -CA %s -CAkey %s -set_serial %d -days %d -extfile %s -out %s")
      :format(request, made.ca, ca_key, serial, days, extensions, cert))
    return { cert = cert, key = key }
  end
  function made.self_signed(common_name, alternative)
    local key, cert = process.temporary(".key"), process.temporary(".pem")
    run(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s -out %s -days 30 -subj /CN=%s -addext subjectAltName=%s")
      :format(key, cert, common_name, alternative))
    return { cert = cert, key = key }
  end
  return made
end

--- {ca=, server={cert=,key=}, other_host={…}, expired={…}, client={…}}, likewise.
function certificates.make()
  local made = certificates.authority()
  local issue = made.issue
  made.server = issue("localhost", "DNS:localhost,IP:127.0.0.1", 30)
  made.other_host = issue("elsewhere.example", "DNS:elsewhere.example", 30)
  made.expired = issue("localhost", "DNS:localhost,IP:127.0.0.1", -1)
  made.client = issue("client", nil, 30)
  return made
end

return certificates
