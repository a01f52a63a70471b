-- The files that the command line names: what waits, has no end or is no file is refused at once.
local folder = require("spec.support.folder")
local process = require("spec.support.process")
local certificates = require("spec.support.certificates")

local SCHEMA = "type Todo @model { id: ID! name: String }"

describe("appsync serve with a file", function()
  local made, schema

  setup(function()
    schema = os.tmpname()
    process.write(schema, SCHEMA)
    made = folder.make({ ["good.lua"] = "return {}", ["folder/x"] = "" })
    assert(os.execute("mkfifo " .. made.path .. "/pipe"))
    made.write("auth.json", '{"userPools": [{"userPoolId": "us-east-1_a", "keys": "pipe"}]}')
  end)

  teardown(function()
    process.stop_all()
    made.remove()
    os.remove(schema)
  end)

  -- What a server says that doesn't start, and its status; 124: it did something else for ten seconds.
  local function run(words, before)
    local pipe = assert(io.popen(("{ %s timeout -k 1 10 bin/appsync serve %s; echo status=$?; } 2>&1"):format(before or "", words)))
    local text, status = pipe:read("*a"):match("^(.*)status=(%d+)\n$")
    pipe:close()
    return text, tonumber(status)
  end

  local function refused(why, words)
    local text, status = run(words)
    assert.equal(1, status, text)
    assert.matches(why, text, 1, true)
  end

  for _, option in ipairs({ "", "--resolvers", "--transform", "--seed", "--jwt-key", "--auth", "--faults", "--store", "--models" }) do
    it(("that is a pipe or a device is refused: %s"):format(option == "" and "SCHEMA" or option), function()
      local head = option == "" and "" or schema .. " " .. option .. " "
      refused("pipe", head .. made.path .. "/pipe")
      refused("device", head .. "/dev/zero")
    end)
  end

  it("that is a pipe is refused as a certificate, as a key, and where another file names it", function()
    local tls = certificates.make()
    refused("can't use the certificate " .. made.path .. "/pipe: it is a pipe, not a file",
      ("%s --tls %s/pipe,%s"):format(schema, made.path, tls.server.key))
    refused("can't use the key /dev/zero: it is a device, not a file", ("%s --tls %s,/dev/zero"):format(schema, tls.server.cert))
    refused("userPools[1].keys: " .. made.path .. "/pipe: it is a pipe", ("%s --auth %s/auth.json"):format(schema, made.path))
  end)

  it("that is standard input, and that a pipe, is refused", function()
    local text, status = run(schema .. " --jwt-key /dev/stdin", "yes |")
    assert.equal(1, status, text)
    assert.matches("/dev/stdin: it is a pipe", text, 1, true)
  end)

  it("that is a folder is refused as a key", function()
    refused(made.path .. "/folder: Is a directory", schema .. " --jwt-key " .. made.path .. "/folder")
  end)

  it("whose key asks for a password is refused without asking", function()
    local path = made.path .. "/encrypted.key"
    assert(os.execute(("openssl genrsa -aes256 -passout pass:secret -out %s 2048 2>/dev/null"):format(path)))
    local tls = certificates.make()
    refused("can't use the key", ("%s --tls %s,%s"):format(schema, tls.server.cert, path))
    refused("it is a private key", ("%s --jwt-key %s"):format(schema, path))
  end)

  it("that may not grow is told as a full disk", function()
    if os.getenv "SANITIZER" == "tsan" then return pending "ThreadSanitizer writes a file of its own at start" end
    local text, status = run(("%s --store %s/new.db"):format(schema, made.path), "ulimit -f 0;")
    assert.equal(1, status, text)
    assert.matches("the disk is full", text, 1, true)
  end)
end)
